"""A document's own words as people paste them: faithful, though not letter for letter. A check must call them a match."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from enum import StrEnum
from functools import cache
from itertools import pairwise
from typing import Any

import cn2an

from corpus.figures import find_figures
from corpus.types import Document, Figure, Kind, Passage
from evals.mutations import SEED, Mutation, Place, Standing, body, compact, places, sentence_spans, words

_NUMBER = re.compile(r"(\d+(?:[,，]\d{3}(?!\d))*(?:[.．]\d+)?)([百千万亿]*)")
_YEAR = re.compile(r"(?<!\d)((?:19|20)\d{2})年")
_SAYS_YEAR = re.compile(r"(?<!\d)(?:19|20)\d{2}年|[今去上明前]年|十[一二三四五]五|[三五]年")
_SHORTEST = 5  # characters; what is shorter ("主要是") says nothing that could be checked
_YEAR_DIGITS = str.maketrans("0123456789", "〇一二三四五六七八九")
_FULL_WIDTH = {c: c + 0xFEE0 for c in range(ord("!"), ord("~") + 1) if chr(c).isalnum() or chr(c) in "%."}


class Harmless(StrEnum):
    """What is done to words without changing what they say; the values are what a reader of the report sees."""

    CLAUSE = "原文小句"
    SENTENCE = "原文整句"
    CLAUSES = "节选相邻小句"
    SENTENCES = "相邻两句"
    PARAGRAPH = "整段"
    HEADER = "文件头（去换行）"
    WIDTH = "全角数字与字母"
    TRADITIONAL = "繁体字"
    BLANKS_AROUND = "数字前后加空格"
    BLANKS_BETWEEN = "字间加空格"
    NUMERALS = "中文数字"
    YEAR_NUMERALS = "中文年份"
    QUOTES_STRAIGHT = "直引号"
    QUOTES_CORNER = "直角引号"
    QUOTES_LOST = "去引号"
    LINE_BREAKS = "硬换行"
    YEAR_RIGHT = "冠对年份"
    KIND_RIGHT = "冠对年份与性质"
    SYNONYM = "同义词"
    THOUSANDS = "千位分隔"
    NOTATION = "等值写法"


def benign(document: Document, passages: Sequence[Passage], seed: int = SEED) -> Iterator[Mutation]:
    """Faithful renderings of every clause and sentence, in reading order, no claim twice with one kind.

    Args:
        document: The document.
        passages: Its passages, for the year and kind of each clause.
        seed: Chooses where blanks and line breaks go.
    """
    seen = set()
    for made in _all(document, passages, seed):
        if (made.kind, made.altered) not in seen and len(compact(made.altered)) >= _SHORTEST:
            seen.add((made.kind, made.altered))
            yield made


def _all(document: Document, passages: Sequence[Passage], seed: int) -> Iterator[Mutation]:
    text = document.text
    for entry in document.header:
        if "\n" in text[entry.start : entry.end]:
            yield _made(Harmless.HEADER, text, (entry.start, entry.end), entry.value, entry.name)
    found = places(document, passages)
    standing = Standing(document, passages)
    by_sentence: dict[tuple[int, int], list[Place]] = {}
    for place in found:
        by_sentence.setdefault(place.sentence, []).append(place)
    for sentence, inside in by_sentence.items():
        yield _made(Harmless.SENTENCE, text, sentence)
        yield from _rendered(text, sentence, seed)
        if len({(place.year, place.kind) for place in inside}) == 1:
            yield from _fronted(text, sentence, inside[0], standing)
        for place in inside:
            if place.span == sentence or place.is_bare:
                continue
            yield _made(Harmless.CLAUSE, text, place.span)
            yield from _rendered(text, place.span, seed)
            yield from _fronted(text, place.span, place, standing)
        for count in (2, 3):
            for first in range(len(inside) - count + 1 if count < len(inside) else 0):
                yield _made(Harmless.CLAUSES, text, (inside[first].start, inside[first + count - 1].end))
    yield from _longer(text, passages)


def _longer(text: str, passages: Sequence[Passage]) -> Iterator[Mutation]:
    """Two sentences that stand side by side, and whole paragraphs of several sentences."""
    paragraphs: dict[str, list[tuple[int, int]]] = {}
    of_span = {(p.sentence_start, p.sentence_end): p.paragraph_id for p in body(passages)}
    for span in sentence_spans(passages):
        paragraphs.setdefault(of_span[span], []).append(span)
    for spans in paragraphs.values():
        for one, two in pairwise(spans):
            yield _made(Harmless.SENTENCES, text, (one[0], two[1]))
        if len(spans) > 2:
            yield _made(Harmless.PARAGRAPH, text, (spans[0][0], spans[-1][1]))


def _made(kind: Harmless, text: str, span: tuple[int, int], altered: str | None = None, what: str = "") -> Mutation:
    original = text[slice(*span)]
    return Mutation(kind, original, original if altered is None else altered, *span, what or kind.value)


def _fronted(text: str, span: tuple[int, int], place: Place, standing: Standing) -> Iterator[Mutation]:
    said = text[slice(*span)]
    if place.year is None or not find_figures(said) or _SAYS_YEAR.search(said):
        return
    for front in (f"{place.year}年，", f"{place.year}年"):
        yield _made(Harmless.YEAR_RIGHT, text, span, front + said, f"冠“{front}”")
    yield _made(Harmless.YEAR_NUMERALS, text, span, f"{place.year}年，".translate(_YEAR_DIGITS) + said)
    listed = words()["front"]
    fronts = {Kind.TARGET: listed["target"], Kind.RESULT: listed["result"]}
    doubled = said.startswith(tuple(front.strip("：") for front in fronts.values()))
    if place.kind in fronts and not doubled and all(kind is place.kind for _, kind in standing.where(said)):
        front = f"{place.year}年{fronts[place.kind]}"
        yield _made(Harmless.KIND_RIGHT, text, span, front + said, f"冠“{front}”")


def _rendered(text: str, span: tuple[int, int], seed: int) -> Iterator[Mutation]:
    said = text[slice(*span)]
    chance = random.Random(f"{seed}:{span}")
    for kind, render in _RENDERINGS.items():
        altered = render(said, chance)
        if altered != said:
            yield _made(kind, text, span, altered)
    for old, new in words()["harmless"]["synonyms"]:
        position = said.find(old)
        if position != -1:
            altered = said[:position] + new + said[position + len(old) :]
            yield _made(Harmless.SYNONYM, text, span, altered, f"“{old}”→“{new}”")


def _full_width(said: str, chance: random.Random) -> str:
    return said.translate(_FULL_WIDTH)


@cache
def _converter() -> Any:
    from opencc import OpenCC

    return OpenCC("s2t")


def _traditional(said: str, chance: random.Random) -> str:
    return str(_converter().convert(said))


def _blanks_around(said: str, chance: random.Random) -> str:
    return re.sub(r"(?<=[^\d.\s])(?=\d)|(?<=\d)(?=[^\d.%\s])", " ", said)


def _gaps(said: str) -> list[int]:
    """Where a blank or a line break may stand: inside no number and beside no Latin letter."""
    return [i for i in range(1, len(said)) if not (said[i - 1].isascii() or said[i].isascii())]


def _with_gaps(said: str, chance: random.Random, gap: str, least: int, most: int) -> str:
    parts, begin = [], 0
    allowed = set(_gaps(said))
    while True:
        position = begin + chance.randint(least, most)
        while position < len(said) and position not in allowed:
            position += 1
        if position >= len(said):
            break
        parts.append(said[begin:position])
        begin = position
    return gap.join([*parts, said[begin:]])


def _blanks_between(said: str, chance: random.Random) -> str:
    return _with_gaps(said, chance, " ", 1, 4)


def _line_breaks(said: str, chance: random.Random) -> str:
    return _with_gaps(said, chance, "\n", 6, 30)


def _figure_by_figure(said: str, render: Callable[[Figure], str]) -> str:
    """Words with each figure written anew, save the number of an entry (``12.``) and ratios."""
    for figure in reversed(find_figures(said)):
        following = said[figure.end : figure.end + 1]
        is_entry = figure.start == 0 and following in (".", "．", "、")
        is_ratio = following in (":", "：", "∶") or said[figure.start - 1 : figure.start] in (":", "：", "∶")
        if not is_entry and not is_ratio:
            said = said[: figure.start] + render(figure) + said[figure.end :]
    return said


def _numerals(said: str, chance: random.Random) -> str:
    return _figure_by_figure(said, _in_chinese)


def _in_chinese(figure: Figure) -> str:
    words_of_figure = _NUMBER.sub(lambda m: _chinese(m.group(1)) + m.group(2), figure.text)
    if figure.upper is not None:
        words_of_figure = re.sub(r"[-—－~～]", "至", words_of_figure)
    if figure.unit in ("%", "％"):
        number = re.search(r"[零一二三四五六七八九十百千万亿点]+(?=[%％])", words_of_figure)
        if figure.upper is not None or number is None:
            return figure.text
        start, end = number.span()
        return f"{words_of_figure[:start]}百分之{number.group()}{words_of_figure[end + 1 :]}"
    return words_of_figure


def _chinese(number: str) -> str:
    plain = number.replace(",", "").replace("，", "").replace("．", ".")
    return "两" if plain == "2" else str(cn2an.an2cn(plain, "low"))


def _year_numerals(said: str, chance: random.Random) -> str:
    return _YEAR.sub(lambda m: m.group().translate(_YEAR_DIGITS), said)


def _straight_quotes(said: str, chance: random.Random) -> str:
    return said.replace("“", '"').replace("”", '"')


def _corner_quotes(said: str, chance: random.Random) -> str:
    return said.replace("“", "「").replace("”", "」")


def _no_quotes(said: str, chance: random.Random) -> str:
    return said.replace("“", "").replace("”", "")


def _thousands(said: str, chance: random.Random) -> str:
    def render(figure: Figure) -> str:
        return re.sub(r"(?<![\d.,])\d{4,}(?![\d.,])", lambda m: f"{int(m.group()):,}", figure.text)

    return _figure_by_figure(said, render)


def _notation(said: str, chance: random.Random) -> str:
    return _figure_by_figure(said, _in_another_scale)


_SMALLER = {"亿": (10_000, "万"), "万": (10_000, "")}


def _in_another_scale(figure: Figure) -> str:
    """A figure in the next smaller scale (3.5万 is 35000, 7.7亿 is 77000万); as it is where it has none."""

    def render(match: re.Match[str]) -> str:
        factor, scale = _SMALLER.get(match.group(2), (0, ""))
        if not factor or "第" in figure.text:
            return match.group()
        value = Decimal(match.group(1).replace(",", "").replace("，", "")) * factor
        return f"{value.normalize():f}{scale}" if value == value.to_integral_value() else match.group()

    return figure.text if figure.upper is not None else _NUMBER.sub(render, figure.text)


_RENDERINGS: dict[Harmless, Callable[[str, random.Random], str]] = {
    Harmless.WIDTH: _full_width,
    Harmless.TRADITIONAL: _traditional,
    Harmless.BLANKS_AROUND: _blanks_around,
    Harmless.BLANKS_BETWEEN: _blanks_between,
    Harmless.NUMERALS: _numerals,
    Harmless.YEAR_NUMERALS: _year_numerals,
    Harmless.QUOTES_STRAIGHT: _straight_quotes,
    Harmless.QUOTES_CORNER: _corner_quotes,
    Harmless.QUOTES_LOST: _no_quotes,
    Harmless.LINE_BREAKS: _line_breaks,
    Harmless.THOUSANDS: _thousands,
    Harmless.NOTATION: _notation,
}

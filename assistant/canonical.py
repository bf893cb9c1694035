"""Words in the form in which two wordings are compared, each character of it tied to the words as written.

Width, script, blanks, punctuation, quotation marks and the way a number is written make no difference; listed synonyms
are one. What is left is a row of codes, one character each, so that searching and aligning are operations on strings.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any

import cn2an

from assistant.normalise import arabic_runs, fold, simplified
from corpus.figures import find_figures
from corpus.types import Figure

FIRST_CODE = "\U000f0000"  # codes of whole words and numbers lie in the supplementary private use area
_SILENT = re.compile(r"[^\w%‰℃°/+&]|_")
_QUOTED = re.compile('[“”"「」『』‘’]')  # “5344”项目: a name
_DIGITS = re.compile(r"\d+(?:\.\d+)?")
_WORD = re.compile(r"[a-z][a-z0-9.+&-]*|\d+(?:\.\d+)?")
_CHINESE_DIGITS = "一二两三四五六七八九十"
_DECIMAL = re.compile(r"[零一二两三四五六七八九十百千]+点[零〇一二三四五六七八九]+")
_NUMERAL = re.compile(r"[零〇一二两三四五六七八九十百千万亿]+(?:点[零〇一二三四五六七八九]+)?")
_NUMBER = re.compile(
    r"(?P<low>\d+(?:,\d{3}(?!\d))*(?:\.\d+)?)(?P<s1>[百十千万亿]*)(?:(?P<to>[-—－~～至到])(?P<high>\d+(?:,\d{3}(?!\d))*(?:\.\d+)?))?(?P<inside>[多余来]?)(?P<s2>[百十千万亿]*)"
)


@cache
def wording_words() -> dict[str, Any]:
    """The lists of ``wordlists/wording.toml``."""
    return tomllib.loads(files("assistant").joinpath("wordlists/wording.toml").read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True)
class Canonical:
    """A text in the form for comparison.

    ``codes`` has one character for each unit (a character, a number, a listed term); ``spans`` gives the characters of
    the text that each stands for, in order; ``surfaces`` how each was written, folded; ``plains`` the same with the
    listed term for its synonyms and ``#`` for every number. ``figures`` are those of the text, Chinese numerals among
    them, with offsets in the text.
    """

    codes: str
    spans: tuple[tuple[int, int], ...]
    surfaces: tuple[str, ...]
    plains: tuple[str, ...]
    figures: tuple[Figure, ...]

    def span(self, first: int, last: int) -> tuple[int, int]:
        """The characters of the text that the codes from ``first`` up to and without ``last`` stand for."""
        return self.spans[first][0], self.spans[last - 1][1]


def same_words(one: str, other: str) -> bool:
    """Whether two texts are the same in the form for comparison.

    >>> same_words("GDP增长百分之六", "地区生产总值增长6%")
    True
    """
    book = Codebook()
    return book.canonical(one).codes == book.canonical(other).codes


_Unit = tuple[str, str, int, int]  # key, surface, start, end in the text


class Codebook:
    """Gives every word and number its code. One book serves all texts that are compared with each other."""

    def __init__(self) -> None:
        self._codes: dict[str, str] = {}

    def canonical(self, text: str, *, fixed: bool = False) -> Canonical:
        """A text in the form for comparison.

        Args:
            text: Words as written.
            fixed: Whether the book is to stay as it is: a word that it does not hold gets a code of its own in this
                text, which equals no other. So a long-lived book does not grow with what it is asked.
        """
        units, figures = _read(text)
        own: dict[str, str] = {}
        codes = []
        for key, _, _, _ in units:
            if len(key) == 1:
                codes.append(key)
                continue
            code = self._codes.get(key) or own.get(key)
            if code is None:
                code = chr(ord(FIRST_CODE) + len(self._codes) + len(own) + (0x8000 if fixed else 0))
                (own if fixed else self._codes)[key] = code
            codes.append(code)
        return Canonical(
            "".join(codes),
            tuple((start, end) for _, _, start, end in units),
            tuple(surface for _, surface, _, _ in units),
            tuple("#" if _DIGITS.fullmatch(key) else key for key, _, _, _ in units),
            figures,
        )


def _read(text: str) -> tuple[list[_Unit], tuple[Figure, ...]]:
    """The units of a text and its figures."""
    characters, spans = _folded(text)
    characters, spans = _replaced(characters, spans, arabic_runs("".join(characters)))
    characters, spans = _replaced(characters, spans, _counted("".join(characters)))
    folded = "".join(characters)
    figures = find_figures(folded)
    placed = (replace(figure, start=spans[figure.start][0], end=spans[figure.end - 1][1]) for figure in figures)
    told = tuple(figure for figure in placed if not _QUOTED.search(text[figure.start : figure.end]))
    return list(_units(folded, spans, {figure.start for figure in figures})), told


def _units(folded: str, spans: Sequence[tuple[int, int]], starts: set[int]) -> Iterator[_Unit]:
    """The units of a folded text; at ``starts`` a figure begins."""
    synonyms, standing = _synonyms()
    position = 0
    while position < len(folded):
        if position in starts:
            match = _NUMBER.search(folded, position)
            assert match is not None
            for at in range(position, match.start()):
                yield from _plain(folded, spans, at)
            yield from _number(match, spans)
            position = match.end()
            continue
        synonym = synonyms.match(folded, position)
        if synonym:
            surface = synonym.group()
            yield standing[surface], surface, spans[position][0], spans[synonym.end() - 1][1]
            position = synonym.end()
            continue
        word = _WORD.match(folded, position)
        if word:
            yield word.group(), word.group(), spans[position][0], spans[word.end() - 1][1]
            position = word.end()
            continue
        numeral = _NUMERAL.match(folded, position)
        if numeral and (value := _numeral_value(numeral.group())):
            yield value, numeral.group(), spans[position][0], spans[numeral.end() - 1][1]
            position = numeral.end()
            continue
        yield from _plain(folded, spans, position)
        position += 1


def _plain(folded: str, spans: Sequence[tuple[int, int]], at: int) -> Iterator[_Unit]:
    """A character by itself; nothing where it makes no difference."""
    if not _SILENT.match(folded[at]):
        yield folded[at], folded[at], *spans[at]


def _number(match: re.Match[str], spans: Sequence[tuple[int, int]]) -> Iterator[_Unit]:
    """A number as its value, both ends of a range, and 多 or 余 behind it; each with the characters it was written in."""
    scale = Decimal(1)
    for character in match["s1"] + match["s2"]:
        scale *= {"十": 10, "百": 100, "千": 1_000, "万": 10_000, "亿": 100_000_000}[character]
    for name in ("low", "high"):
        if match[name]:
            value = Decimal(match[name].replace(",", "").rstrip(".")) * scale
            start, end = match.span(name)
            if name == "low" and not match["high"]:
                end = match.end("s1")
            if name == "high" or (not match["high"] and not match["inside"]):
                end = match.end() if not match["inside"] else end
            yield f"{value.normalize():f}", match.string[start:end], spans[start][0], spans[end - 1][1]
        if name == "low" and match["to"]:
            at = match.start("to")
            yield "至", match["to"], *spans[at]
    if match["inside"]:
        at = match.start("inside")
        yield match["inside"], match["inside"], spans[at][0], spans[match.end() - 1][1]


def _counted(folded: str) -> list[tuple[int, int, str]]:
    """Spelt numbers that texts write in digits as often: with a decimal point, or before a measure word (五个项目).

    A blank is put behind a Latin term, so that a figure that follows it (GDP9443亿元) is seen as one.
    """
    found = [(*match.span(1), _numeral_value(match.group(1))) for match in _counts().finditer(folded)]
    found += [(*match.span(), _numeral_value(match.group())) for match in _DECIMAL.finditer(folded)]
    found += [(*match.span(), match.group() + " ") for match in _latin_terms().finditer(folded)]
    return sorted(run for run in found if run[2])


@cache
def _latin_terms() -> re.Pattern[str]:
    terms = [word for word in _synonyms()[1] if word.isascii()]
    return re.compile("|".join(sorted(map(re.escape, terms), key=len, reverse=True)))


@cache
def _counts() -> re.Pattern[str]:
    measures = "|".join(map(re.escape, wording_words()["measures"]))
    return re.compile(
        rf"(?<![{_CHINESE_DIGITS}\d.．])([{_CHINESE_DIGITS}]{{1,3}})(?=(?:[至到-][{_CHINESE_DIGITS}]{{1,3}})?(?:{measures}))"
    )


def _numeral_value(numeral: str) -> str:
    """A Chinese numeral as digits; empty for what is a scale alone or no numeral."""
    if all(character in "百千万亿" for character in numeral):
        return ""
    try:
        return f"{cn2an.cn2an(numeral.replace('两', '二').replace('〇', '零'), 'smart'):g}"
    except (ValueError, KeyError, IndexError):
        return ""


def _folded(text: str) -> tuple[list[str], list[tuple[int, int]]]:
    characters: list[str] = []
    spans: list[tuple[int, int]] = []
    plain = simplified(text)  # knows words (傢俱, 資金鍊), but only helps where it keeps their length
    for place, character in enumerate(plain if len(plain) == len(text) else text):
        for folded in fold(character):
            characters.append(folded)
            spans.append((place, place + 1))
    return characters, spans


def _replaced(
    characters: list[str], spans: list[tuple[int, int]], runs: Sequence[tuple[int, int, str]]
) -> tuple[list[str], list[tuple[int, int]]]:
    """The characters with some runs replaced; every character of a replacement stands for the whole run."""
    for start, end, new in reversed(runs):
        characters[start:end] = list(new)
        spans[start:end] = [(spans[start][0], spans[end - 1][1])] * len(new)
    return characters, spans


@cache
def _synonyms() -> tuple[re.Pattern[str], dict[str, str]]:
    standing = {fold(word): fold(group[0]) for group in wording_words()["synonyms"] for word in group}
    pattern = "|".join(sorted(map(re.escape, standing), key=len, reverse=True))
    return re.compile(pattern), standing

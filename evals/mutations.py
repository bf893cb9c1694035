"""Alterations of a document's own words, made by rule: each is a claim that a wording check must not call a match.

Every clause gives its alterations, each as the clause alone and, where the clause stands in a longer sentence, as the
whole sentence with that one change. Nothing is drawn by chance but a digit or a clause to put in, and that by a seed.
"""

from __future__ import annotations

import random
import re
import tomllib
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Any

import jieba.posseg

from corpus.figures import bound_words, find_figures
from corpus.segment import clauses, split_spans
from corpus.types import Document, Figure, Kind, Passage

SEED = 20240815  # any number; the same one gives the same alterations
_NUMBER = re.compile(r"\d+(?:[,，]\d{3}(?!\d))*(?:[.．]\d+)?")
_SCALE = re.compile(r"([多余来]?)([百千万亿]*)")
_INSIDE = re.compile(r"(?<=[\d百千万亿])[多余来]")
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d{2}(?=年)")
_SAYS_YEAR = re.compile(r"(?<!\d)(?:19|20)\d{2}年|[今去上明前]年|十[一二三四五]五|[三五]年")
_NUMERAL = re.compile(r"[一二三四五六七八九](?=[大项个次届级横纵环条批期类家位座所])")
_MARKS = re.compile(r"[^\w%‰./+\-]")
_LISTED = "、"
_BARE_YEAR = re.compile(r"(?:到)?(?:19|20)\d{2}年(?:度|底)?")
_LEAST = 4  # characters; what is shorter is no claim
_ITEM = re.compile(r"\d{1,3}[.．、](?!\d)(?=.{4})")  # the number of a list's entry: 12.
_NUMBERING = re.compile(r"[（(]?[一二三四五六七八九十]+[）)]?")  # of a heading: 一、


class Alteration(StrEnum):
    """The ways in which words are altered; the values are what a reader of the report sees."""

    DIGIT_CHANGED = "改一位数字"
    DIGIT_DROPPED = "漏一位数字"
    DIGIT_ADDED = "多一位数字"
    NUMERAL_CHANGED = "改一个中文数字"
    POINT_MOVED = "小数点移位"
    POINT_DROPPED = "漏小数点"
    SCALE_CHANGED = "亿、万互换"
    UNIT_CHANGED = "单位互换"
    PERCENT_CHANGED = "%与百分点互换"
    BOUND_LOST = "漏界限词"
    BOUND_CHANGED = "改界限词"
    BOUND_ADDED = "添界限词"
    HEDGE_LOST = "漏“力争”“不”等"
    HEDGE_CHANGED = "改“力争”“基本”等"
    HEDGE_ADDED = "添“力争”等"
    DIRECTION_CHANGED = "增减互换"
    NEGATION_ADDED = "添否定词"
    YEAR_WRONG = "冠错年份"
    YEAR_CHANGED = "改文中年份"
    KIND_WRONG = "实际作目标或目标作实际"
    FIGURES_EXCHANGED = "相邻数字互换"
    INDICATOR_EXCHANGED = "换成相邻指标"
    SHARES_EXCHANGED = "“分别”次序互换"
    GLUED = "拼接两处"
    MEMBER_LOST = "列举漏一项"
    MEMBER_ADDED = "列举多一项"
    CUT_UNIT = "截去单位"
    CUT_BOUND = "截去界限词"


@dataclass(frozen=True, slots=True)
class Mutation:
    """One claim made of published words: ``document.text[start:end] == original``.

    ``kind`` is an :class:`Alteration`, or what was done without harm. ``figures`` are the spans, in ``altered``, of
    the figures that the change touched; empty where it touched none.
    """

    kind: StrEnum
    original: str
    altered: str
    start: int
    end: int
    what: str
    figures: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """A clause in its sentence, with the year and kind that it speaks of (``None`` where that is not known).

    One that ``is_bare`` (``2024年``, ``增长2.3%``) names nothing, so that alone it is no claim.
    """

    start: int
    end: int
    sentence: tuple[int, int]
    paragraph: str
    year: int | None
    kind: Kind
    figures: tuple[Figure, ...]
    is_bare: bool = False

    @property
    def span(self) -> tuple[int, int]:
        """Where the clause stands."""
        return self.start, self.end


@dataclass(frozen=True, slots=True)
class _Edit:
    """A change in document offsets; ``front`` and ``back`` are put around the words, ``cut`` is where they end."""

    kind: Alteration
    what: str
    changes: tuple[tuple[int, int, str], ...] = ()
    front: str = ""
    back: str = ""
    cut: int | None = None
    is_figure: bool = False
    as_clause: bool = True
    as_sentence: bool = True


@dataclass(frozen=True, slots=True)
class _Source:
    """What the rules look at: the text, its places, where words stand, and the seed."""

    text: str
    places: Sequence[Place]
    standing: Standing
    seed: int
    number: dict[Place, int] = field(default_factory=dict)

    def chance(self, *key: object) -> random.Random:
        return random.Random(":".join(map(str, (self.seed, *key))))

    def neighbours(self, place: Place) -> Iterator[Place]:
        """The clauses with figures beside a clause, in its paragraph: the one before and the one after."""
        number = self.number[place]
        for step in (-1, 1):
            other = number + step
            while 0 <= other < len(self.places) and self.places[other].paragraph == place.paragraph:
                if self.places[other].figures:
                    yield self.places[other]
                    break
                other += step


@cache
def words() -> dict[str, Any]:
    """The words that are dropped, exchanged and put in; see the comments of the list."""
    return tomllib.loads(files("evals").joinpath("wordlists/mutations.toml").read_text(encoding="utf-8"))


def compact(text: str) -> str:
    """Words without blanks and marks and in one width, for telling whether they stand in a document."""
    return _MARKS.sub("", unicodedata.normalize("NFKC", text)).lower()


def body(passages: Iterable[Passage]) -> list[Passage]:
    """The passages that are sentences of the text: no field of the document's head."""
    return [passage for passage in passages if not passage.is_header]


def sentence_spans(passages: Iterable[Passage]) -> list[tuple[int, int]]:
    """The spans of the sentences of the text, titles among them, in reading order."""
    return sorted({(p.sentence_start, p.sentence_end) for p in body(passages)})


def places(document: Document, passages: Iterable[Passage]) -> list[Place]:
    """The clauses of the text in reading order."""
    by_sentence: dict[tuple[int, int], list[Passage]] = {}
    for passage in body(passages):
        by_sentence.setdefault((passage.sentence_start, passage.sentence_end), []).append(passage)
    found = []
    for sentence, inside in sorted(by_sentence.items()):
        if all(passage.field == "heading" for passage in inside):
            spans = [sentence]
        else:
            spans = _unbroken(document.text, clauses(document.text, *sentence), sentence)
        for start, end in spans:
            number = _ITEM.match(document.text, start, end)
            start = number.end() if number else start
            own = [p for p in inside if start < p.end <= end] or inside
            said = document.text[start:end]
            found.append(
                Place(
                    start,
                    end,
                    sentence,
                    own[0].paragraph_id,
                    own[0].year,
                    own[0].kind,
                    find_figures(said, start),
                    bool(_BARE_YEAR.fullmatch(said) or (find_figures(said) and not _names_its_figure(said))),
                )
            )
    return found


def _unbroken(text: str, spans: Sequence[tuple[int, int]], sentence: tuple[int, int]) -> list[tuple[int, int]]:
    """Clauses of a sentence, joined where a figure (``3—5个``) lies in two of them."""
    figures = find_figures(text[slice(*sentence)], sentence[0])
    joined: list[tuple[int, int]] = []
    for start, end in spans:
        if joined and any(figure.start < joined[-1][1] and start < figure.end for figure in figures):
            start = joined.pop()[0]
        joined.append((start, end))
    return joined


def _names_its_figure(said: str) -> bool:
    """Whether words hold a figure and, beside it and what ties it, a name of what it counts."""
    figures = find_figures(said)
    rest = said
    for figure in reversed(figures):
        rest = _relation_at_end().sub("", rest[: figure.start]) + rest[figure.end :]
    return bool(figures) and len(compact(rest)) >= 2


class Standing:
    """Where words stand in a document as a whole: as clauses one after another, as a sentence, or as a passage."""

    def __init__(self, document: Document, passages: Iterable[Passage]) -> None:
        """Note every run of whole clauses with the year and kind that it speaks of."""
        self._where: dict[str, set[tuple[int | None, Kind]]] = {}
        text = document.text
        by_sentence: dict[tuple[int, int], list[Place]] = {}
        for place in places(document, passages):
            by_sentence.setdefault(place.sentence, []).append(place)
        for inside in by_sentence.values():
            for first in range(len(inside)):
                for last in range(first, len(inside)):
                    self._note(text[inside[first].start : inside[last].end], inside[last])
            for place in inside:
                self._note_members(text, place)
        for passage in body(passages):
            self._note(passage.text, passage)

    def _note_members(self, text: str, place: Place) -> None:
        """Note the members of a list in which each says something with a figure of its own."""
        members = list(split_spans(text, place.start, place.end, _LISTED))
        if "分别" not in text[place.start : place.end] and all(_names_its_figure(text[a:b]) for a, b in members):
            for first in range(len(members)):
                for last in range(first, len(members)):
                    self._note(text[members[first][0] : members[last][1]], place)

    def _note(self, said: str, place: Place | Passage) -> None:
        key = compact(said)
        self._where.setdefault(key, set()).add((place.year, place.kind))
        for opening in words()["openings"]:
            if key.startswith(opening) and len(key) > len(opening) + 3:
                self._where.setdefault(key[len(opening) :], set()).add((place.year, place.kind))

    def where(self, said: str) -> frozenset[tuple[int | None, Kind]]:
        """The years and kinds of the places where words stand; empty where they stand nowhere."""
        return frozenset(self._where.get(compact(said), ()))


def mutations(document: Document, passages: Sequence[Passage], seed: int = SEED) -> Iterator[Mutation]:
    """All alterations of a document's words, in reading order; none of them stands in the document as it is."""
    yield from alterations(document, passages, seed)[0]


def alterations(document: Document, passages: Sequence[Passage], seed: int = SEED) -> tuple[tuple[Mutation, ...], int]:
    """All alterations of a document's words, and how many were left out.

    Left out is what stands in the document elsewhere: in the same year, or where either place names no year. What
    stands in another year only is given the year of its own place in front and so is an alteration again.

    Args:
        document: The document.
        passages: Its passages, for the year and kind of each clause.
        seed: Chooses the digits and clauses put in.

    Returns:
        The alterations in reading order, no claim twice with one kind, and the number left out.
    """
    standing = Standing(document, passages)
    found = places(document, passages)
    source = _Source(document.text, found, standing, seed, {place: number for number, place in enumerate(found)})
    kept: dict[tuple[StrEnum, str], Mutation] = {}
    left_out = 0
    for place in found:
        for rule in _RULES:
            for edit in rule(source, place):
                for scope in _scopes(place, edit):
                    made = _applied(source, place, edit, scope)
                    if made is None:
                        left_out += 1
                    elif made.altered != made.original and len(compact(made.altered)) >= _LEAST:
                        kept.setdefault((made.kind, made.altered), made)
    return tuple(kept.values()), left_out


def _scopes(place: Place, edit: _Edit) -> Iterator[tuple[int, int]]:
    if edit.as_clause and not place.is_bare:
        yield place.span
    if edit.as_sentence and place.sentence != place.span:
        yield place.sentence


def _applied(source: _Source, place: Place, edit: _Edit, scope: tuple[int, int]) -> Mutation | None:
    """The claim that an edit makes of a clause or sentence; ``None`` where that claim stands in the document."""
    start, end = scope
    altered, touched = _edited(source.text, edit, scope)
    where = source.standing.where(altered)
    if edit.kind is Alteration.MEMBER_LOST and not find_figures(altered) and _stands_outside(source, place, altered):
        return None
    if scope != place.span and edit.kind is Alteration.MEMBER_LOST and altered in source.text[start:end]:
        # One end of a sentence is left away. It is an excerpt where its clause still is one of the document's statements.
        where |= source.standing.where(_edited(source.text, edit, place.span)[0])
    if where:
        years = {year for year, _ in where}
        if place.year is None or None in years or place.year in years:
            return None
        front = f"{place.year}年，"
        altered = front + altered
        touched = [(a + len(front), b + len(front)) for a, b in touched]
    figures = [
        (figure.start, figure.end)
        for figure in (find_figures(altered) if edit.is_figure else ())
        if any(figure.start <= b and a <= figure.end for a, b in touched)
    ]
    return Mutation(edit.kind, source.text[start:end], altered, start, end, edit.what, tuple(figures))


def _stands_outside(source: _Source, place: Place, said: str) -> bool:
    """Whether words stand anywhere in the document but in a clause's own sentence, be it inside longer words."""
    start, end = place.sentence
    return said in source.text[:start] or said in source.text[end:]


def _edited(text: str, edit: _Edit, scope: tuple[int, int]) -> tuple[str, list[tuple[int, int]]]:
    """The words of a scope with an edit made, and the spans in them of what was put in or, empty, of what was lost."""
    start, end = scope
    changes = list(edit.changes)
    if edit.cut is not None:
        changes.append((edit.cut, end, ""))
    altered, position = edit.front, start
    touched = []
    for first, last, new in sorted(changes):
        altered += text[position:first]
        touched.append((len(altered), len(altered) + len(new)))
        altered += new
        position = last
    return altered + text[position:end] + edit.back, touched


def _numbers(place: Place, text: str) -> Iterator[tuple[int, int, Figure]]:
    """The digits of each figure, twice for a range."""
    for figure in place.figures:
        for match in _NUMBER.finditer(text, figure.start, figure.end):
            yield match.start(), match.end(), figure


def _plain(number: str) -> Decimal:
    return Decimal(number.replace(",", "").replace("，", "").replace("．", "."))


def _what(old: str, new: str) -> str:
    if not old:
        return f"添“{new}”"
    return f"“{old}”→“{new}”" if new else f"漏“{old}”"


def _changed(kind: Alteration, text: str, start: int, end: int, new: str, *, is_figure: bool = True) -> _Edit:
    return _Edit(kind, _what(text[start:end], new), ((start, end, new),), is_figure=is_figure)


def _digits_changed(source: _Source, place: Place) -> Iterator[_Edit]:
    text = source.text
    for position in range(place.start, place.end):
        digit = text[position]
        if not (digit.isascii() and digit.isdigit()):
            continue
        others = [other for other in "0123456789" if other != digit]
        if text[position + 1 : position + 2].isdigit() and not text[position - 1 : position].isdigit():
            others = [other for other in others if other != "0"]
        new = source.chance("digit", position).choice(others)
        in_figure = any(figure.start <= position < figure.end for figure in place.figures)
        yield _changed(Alteration.DIGIT_CHANGED, text, position, position + 1, new, is_figure=in_figure)


def _digits_dropped_and_added(source: _Source, place: Place) -> Iterator[_Edit]:
    for start, end, _ in _numbers(place, source.text):
        number = source.text[start:end]
        for position, character in enumerate(number):
            if not character.isdigit():
                continue
            rest = number[:position] + number[position + 1 :]
            is_number = bool(_NUMBER.fullmatch(rest))
            if not rest or (is_number and _plain(rest) != _plain(number)):
                at = start + position
                yield _changed(Alteration.DIGIT_DROPPED, source.text, at, at + 1, "", is_figure=bool(rest))
        for position in range(len(number) + 1):
            beside = number[max(0, position - 1) : position + 1]  # the same digit there would give one claim twice
            options = [digit for digit in "123456789" if digit not in beside]
            new = source.chance("added", start + position).choice(options)
            yield _changed(Alteration.DIGIT_ADDED, source.text, start + position, start + position, new)


def _points_moved(source: _Source, place: Place) -> Iterator[_Edit]:
    for start, end, _ in _numbers(place, source.text):
        number = source.text[start:end]
        value = _plain(number)
        if "." in number or "．" in number:
            dropped = number.replace(".", "").replace("．", "").lstrip("0") or "0"
            yield _changed(Alteration.POINT_DROPPED, source.text, start, end, dropped)
        for moved in (value / 10, value * 10):
            new = f"{moved:f}"
            new = new.rstrip("0").rstrip(".") if "." in new else new
            yield _changed(Alteration.POINT_MOVED, source.text, start, end, new)


def _units_changed(source: _Source, place: Place) -> Iterator[_Edit]:
    text = source.text
    for figure in place.figures:
        last = list(_NUMBER.finditer(text, figure.start, figure.end))[-1]
        scale = _SCALE.match(text, last.end(), figure.end)
        if scale is None or not figure.unit or "第" in text[figure.start : last.start()]:
            continue
        unit_start = text.find(figure.unit, scale.end(), figure.end)
        unit_start = scale.end() if unit_start == -1 else unit_start
        for old, new in words()["percent"]:
            if figure.unit == old:
                yield _changed(Alteration.PERCENT_CHANGED, text, unit_start, unit_start + len(old), new)
        for old, new in words()["units"]:
            if figure.unit == old:
                yield _changed(Alteration.UNIT_CHANGED, text, unit_start, unit_start + len(old), new)
        if any(figure.unit == old for old, _ in words()["percent"]):
            continue
        start, end = scale.span(2)
        scales = ("", "万", "亿") if scale.group(2) or figure.unit in words()["money"] else ("", "万")
        for new in scales:
            if new != scale.group(2):
                yield _changed(Alteration.SCALE_CHANGED, text, start, end, new)


def _same_bound(first: str, second: str) -> bool:
    return any(first in group and second in group for group in words()["same_bound"])


def _bounds(source: _Source, place: Place) -> Iterator[_Edit]:
    text = source.text
    for figure in place.figures:
        first = _NUMBER.search(text, figure.start, figure.end)
        if first is None or text[first.start() - 1 : first.start()] == "第":
            continue
        front = text[figure.start : first.start()]
        back = next((word for word in bound_words()["after"] if figure.text.endswith(word)), "")
        inside = _INSIDE.search(text, first.end(), figure.end - len(back))
        spots = [
            (figure.start, first.start(), bound_words()["before"] if front or _may_lead(text, figure) else ()),
            (figure.end - len(back), figure.end, bound_words()["after"]),
        ]
        if inside:
            spots.append((*inside.span(), bound_words()["inside"]))
        for start, end, options in spots:
            old = text[start:end]
            if old:
                yield _changed(Alteration.BOUND_LOST, text, start, end, "")
            kind = Alteration.BOUND_CHANGED if old else Alteration.BOUND_ADDED
            for new in options:
                if new != old and not _same_bound(old, new):
                    yield _changed(kind, text, start, end, new)


def _may_lead(text: str, figure: Figure) -> bool:
    """Whether a bound word can be put before a figure: nothing before it makes it part of a name."""
    before = text[figure.start - 1 : figure.start]
    return not (before.isascii() and before.isalnum())


def _found(text: str, place: Place, word: str, excepted: Sequence[str]) -> Iterator[int]:
    """Where a word stands in a clause and is no part of an excepted one."""
    for match in re.finditer(re.escape(word), text[place.start : place.end]):
        start = place.start + match.start()
        if not any(
            text.startswith(longer, start - shift)
            for longer in excepted
            for shift in range(len(longer))
            if word in longer and longer.startswith(word, shift)
        ):
            yield start


def _hedges(source: _Source, place: Place) -> Iterator[_Edit]:
    text, listed = source.text, words()
    for word in listed["hedges"]:
        for start in _found(text, place, word, listed["no_hedge"]):
            yield _changed(Alteration.HEDGE_LOST, text, start, start + len(word), "", is_figure=False)
    for old, new in listed["hedge_changes"]:
        for start in _found(text, place, old, ()):
            yield _changed(Alteration.HEDGE_CHANGED, text, start, start + len(old), new, is_figure=False)
    if place.figures and not any(text.startswith(word, place.start) for word in listed["hedges"]):
        for new in listed["hedges_added"]:
            yield _changed(Alteration.HEDGE_ADDED, text, place.start, place.start, new, is_figure=False)


def _directions(source: _Source, place: Place) -> Iterator[_Edit]:
    for old, new in words()["directions"]:
        for start in _found(source.text, place, old, words()["no_direction"]):
            yield _changed(Alteration.DIRECTION_CHANGED, source.text, start, start + len(old), new, is_figure=False)


def _negations(source: _Source, place: Place) -> Iterator[_Edit]:
    spots = [
        position
        for word in words()["negated"]
        for position in _found(source.text, place, word, words()["no_direction"])
        if source.text[position - 1 : position] not in "不未没"
    ]
    if spots:
        for new in words()["negations"]:
            yield _changed(Alteration.NEGATION_ADDED, source.text, min(spots), min(spots), new, is_figure=False)


def _numerals_changed(source: _Source, place: Place) -> Iterator[_Edit]:
    for match in _NUMERAL.finditer(source.text, place.start, place.end):
        others = [other for other in "二三四五六七八九" if other != match.group()]
        new = source.chance("numeral", match.start()).choice(others)
        yield _changed(Alteration.NUMERAL_CHANGED, source.text, *match.span(), new, is_figure=False)


def _years_changed(source: _Source, place: Place) -> Iterator[_Edit]:
    for match in _YEAR.finditer(source.text, place.start, place.end):
        for step in (-1, 1):
            new = str(int(match.group()) + step)
            yield _changed(Alteration.YEAR_CHANGED, source.text, *match.span(), new, is_figure=False)


def _years_wrong(source: _Source, place: Place) -> Iterator[_Edit]:
    """Put another year in front: one that the document speaks of, the year before or the year after."""
    if place.year is None:
        return
    known = {other.year for other in source.places if other.year is not None}
    for year in sorted((known | {place.year - 1, place.year + 1}) - {place.year}):
        for front in (f"{year}年，", f"{year}年"):
            yield from _fronted(source, place, Alteration.YEAR_WRONG, front, year)


def _kinds_wrong(source: _Source, place: Place) -> Iterator[_Edit]:
    """Give a result as a target, or a target as a result, of its own year and of the year that the other kind has."""
    if place.year is None or place.kind is Kind.OTHER:
        return
    is_result = place.kind is Kind.RESULT
    kind, step = (Kind.TARGET, 1) if is_result else (Kind.RESULT, -1)
    word = words()["front"]["target" if is_result else "result"]
    for year in (place.year, place.year + step):
        yield from _fronted(source, place, Alteration.KIND_WRONG, f"{year}年{word}", year, kind)


def _fronted(
    source: _Source, place: Place, how: Alteration, front: str, year: int, kind: Kind | None = None
) -> Iterator[_Edit]:
    """Put words in front of a clause and of its sentence, where neither names a year or stands in the one put there."""
    for scope in dict.fromkeys((place.span, place.sentence)):
        said = source.text[slice(*scope)]
        is_clause = scope == place.span
        if not place.figures or _SAYS_YEAR.search(said) or not (is_clause or _is_of_one_year(source, place)):
            continue
        stands = any(
            found in (year, None) and (kind is None or of in (kind, Kind.OTHER))
            for found, of in source.standing.where(said)
        )
        if not stands:
            yield _Edit(how, f"冠“{front}”", front=front, as_clause=is_clause, as_sentence=not is_clause)


def _is_of_one_year(source: _Source, place: Place) -> bool:
    """Whether all clauses of a clause's sentence speak of one year and kind."""
    return len({(other.year, other.kind) for other in source.places if other.sentence == place.sentence}) == 1


def _figures_exchanged(source: _Source, place: Place) -> Iterator[_Edit]:
    text = source.text
    shared = "分别" in text[place.start : place.end]
    for one, two in pairwise(place.figures):
        if one.text != two.text:
            yield _Edit(
                Alteration.SHARES_EXCHANGED if shared else Alteration.FIGURES_EXCHANGED,
                f"“{one.text}”与“{two.text}”互换",
                ((one.start, one.end, two.text), (two.start, two.end, one.text)),
                is_figure=True,
            )
    for other in source.neighbours(place) if place.figures else ():
        one, two = place.figures[0], other.figures[0]
        if one.text == two.text:
            continue
        yield _Edit(
            Alteration.FIGURES_EXCHANGED,
            f"“{one.text}”→相邻的“{two.text}”",
            ((one.start, one.end, two.text),),
            is_figure=True,
            as_sentence=False,
        )
        if other.sentence == place.sentence and other.start > place.start:
            yield _Edit(
                Alteration.FIGURES_EXCHANGED,
                f"“{one.text}”与“{two.text}”互换",
                ((one.start, one.end, two.text), (two.start, two.end, one.text)),
                is_figure=True,
                as_clause=False,
            )


def _members_exchanged(source: _Source, place: Place) -> Iterator[_Edit]:
    """Exchange the last two subjects of a clause with 分别, its figures left as they are."""
    text = source.text
    marker = text.find("分别", place.start, place.end)
    members = list(split_spans(text, place.start, marker, "、和与及")) if marker != -1 else []
    if len(members) < 2 or not place.figures:
        return
    (a, b), (c, d) = members[-2:]
    yield _Edit(
        Alteration.SHARES_EXCHANGED,
        f"“{text[a:b]}”与“{text[c:d]}”互换",
        ((a, b, text[c:d]), (c, d, text[a:b])),
    )


@cache
def _relation_at_end() -> re.Pattern[str]:
    listed = sorted(map(re.escape, words()["relations"]), key=len, reverse=True)
    return re.compile(rf"(?:{'|'.join(listed)})+$")


def _indicator(text: str, place: Place) -> tuple[int, int]:
    """The words of a clause that name what its first figure counts; an empty span where there are none."""
    head = text[place.start : place.figures[0].start]
    return place.start, place.start + len(_relation_at_end().sub("", head))


def _indicators_exchanged(source: _Source, place: Place) -> Iterator[_Edit]:
    if not place.figures:
        return
    text = source.text
    start, end = _indicator(text, place)
    for other in source.neighbours(place):
        old, new = text[start:end], text[slice(*_indicator(text, other))]
        if min(len(old), len(new)) >= 2 and old not in new and new not in old:
            yield _changed(Alteration.INDICATOR_EXCHANGED, text, start, end, new, is_figure=False)


def _glued(source: _Source, place: Place) -> Iterator[_Edit]:
    """Join a clause with one from another sentence of the same year, and with one of another year."""
    number = source.number[place]
    if place.is_bare or place.end - place.start < _LEAST:
        return
    chance = source.chance("glued", place.start)
    far = [
        other
        for other in source.places
        if other.sentence != place.sentence and other.figures and abs(source.number[other] - number) > 2
    ]
    for same in (True, False):
        options = [other for other in far if (other.year == place.year) is same]
        if options:
            other = chance.choice(options)
            words_of_other = source.text[other.start : other.end]
            what = f"接“{words_of_other}”"
            yield _Edit(Alteration.GLUED, what, back=f"，{words_of_other}", as_sentence=False)


def _listed(text: str, place: Place) -> list[tuple[int, int]]:
    """The members of each list of a clause: the first with what leads to it, the last with what follows it."""
    spans = split_spans(text, place.start, place.end, _LISTED)
    return [(start, end) for start, end in spans if not _NUMBERING.fullmatch(text, start, end)]


def _quoted_lists(text: str, place: Place) -> Iterator[list[tuple[int, int]]]:
    """The lists of a clause: its own, and those inside quotation marks and brackets."""
    yield _listed(text, place)
    for match in re.finditer(r"[“（《]([^“”（）《》]*、[^“”（）《》]*)[”）》]", text[place.start : place.end]):
        start, end = place.start + match.start(1), place.start + match.end(1)
        yield list(split_spans(text, start, end, _LISTED))


def _members_lost(source: _Source, place: Place) -> Iterator[_Edit]:
    text = source.text
    for members in _quoted_lists(text, place):
        if len(members) < 2:
            continue
        first, second = members[0], members[1]
        head = _leading_verbs(text[first[0] : first[1]])
        for begin in sorted({first[0], first[0] + head}):
            yield _changed(Alteration.MEMBER_LOST, text, begin, second[0], "", is_figure=False)
        for before, member in pairwise(members[:-1]):
            yield _changed(Alteration.MEMBER_LOST, text, before[1], member[1], "", is_figure=False)
        last = text[members[-1][0] : members[-1][1]]
        stop = min((position for mark in "等和及与" if (position := last.find(mark, 2)) != -1), default=len(last))
        yield _changed(Alteration.MEMBER_LOST, text, members[-2][1], members[-1][0] + stop, "", is_figure=False)


def _leading_verbs(member: str) -> int:
    """How many characters of a list's first member are verbs that hold for the whole list."""
    length = 0
    for token in jieba.posseg.lcut(member[:12]):
        if token.flag not in {"v", "d", "vd", "vn", "ad", "p"}:
            break
        length += len(token.word)
    return length if length <= 6 and length < len(member) - 1 else 0


def _members_added(source: _Source, place: Place) -> Iterator[_Edit]:
    """Put a member of another list of the document behind the first member of each list."""
    text = source.text
    for members in _quoted_lists(text, place):
        if len(members) < 2:
            continue
        present = {text[a:b] for a, b in members}
        options = [member for member in _middle_members(source) if member not in present]
        if options:
            new = source.chance("member", members[0][0]).choice(options)
            yield _changed(Alteration.MEMBER_ADDED, text, members[0][1], members[0][1], f"、{new}", is_figure=False)


def _middle_members(source: _Source) -> list[str]:
    return list(
        dict.fromkeys(
            source.text[start:end]
            for place in source.places
            for members in _quoted_lists(source.text, place)
            for start, end in members[1:-1]
            if not find_figures(source.text[start:end])
        )
    )


def _cuts(source: _Source, place: Place) -> Iterator[_Edit]:
    """End the words right behind a number that has a unit, and right behind a unit that has a bound word."""
    text = source.text
    for figure in place.figures:
        number = list(_NUMBER.finditer(text, figure.start, figure.end))[-1]
        if number.end() < figure.end:
            said = text[number.end() : figure.end]
            yield _Edit(Alteration.CUT_UNIT, f"截于“{said}”之前", cut=number.end(), is_figure=True)
        bound = next((word for word in bound_words()["after"] if figure.text.endswith(word)), "")
        if bound:
            yield _Edit(Alteration.CUT_BOUND, f"截于“{bound}”之前", cut=figure.end - len(bound), is_figure=True)


_RULES = (
    _digits_changed,
    _digits_dropped_and_added,
    _numerals_changed,
    _points_moved,
    _units_changed,
    _bounds,
    _hedges,
    _directions,
    _negations,
    _years_changed,
    _years_wrong,
    _kinds_wrong,
    _figures_exchanged,
    _members_exchanged,
    _indicators_exchanged,
    _glued,
    _members_lost,
    _members_added,
    _cuts,
)

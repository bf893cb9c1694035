"""Find for each clause of a text the clause of the document that it was taken from, or that it was meant to be."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from rapidfuzz import process
from rapidfuzz.distance import Indel, LCSseq

from assistant.canonical import Canonical, Codebook, wording_words
from assistant.normalise import fold
from corpus.figures import find_figures, units
from corpus.segment import clauses, lines, sentences, split_spans
from corpus.types import Document, Figure, Kind, Passage

CANDIDATES = 8  # units looked at for each clause
LEAST_BARE = 0.75  # the same for a unit with figures and words without
LEAST = 0.5  # least score of a unit
LEAST_WORDS = 0.7  # the same where the order of the words is another, as a mean of both sides
WHOLLY = 0.8, 0.4  # or of the words of the unit this, and of the clause that, where the unit has four or more
LEAST_CONTENT = 0.6  # share of the words of a clause, relations and bounds aside, that a unit must have
SAME_YEAR, OTHER_YEAR, OTHER_KIND = 0.12, -0.12, -0.04
OTHER_YEAR_THAN_BEFORE = -0.08  # where a part names no year, it is taken to go on with that of the part before
SAME_FIGURES, SAME_VALUES = 0.14, 0.1  # the second where only unit or bound word differ
NO_FIGURES = -0.2  # for units without figures, where the words have some
DERIVED = -0.02  # for units that are not compared by their own words
NEXT, SAME_SENTENCE = 0.15, 0.06  # for units that follow each other as the clauses do


@dataclass(frozen=True, slots=True)
class Side:
    """Words that are compared: the codes from ``first`` to ``last`` of ``words``, the form of ``text``."""

    text: str
    words: Canonical
    first: int
    last: int

    @property
    def codes(self) -> str:
        """The codes that are compared."""
        return self.words.codes[self.first : self.last]

    @property
    def plain(self) -> str:
        """The words with the listed term for its synonyms and ``#`` for each number."""
        return "".join(self.words.plains[self.first : self.last])

    @property
    def surface(self) -> str:
        """The words as written, folded."""
        return "".join(self.words.surfaces[self.first : self.last])

    def span(self, first: int = 0, last: int | None = None) -> tuple[int, int]:
        """The characters of ``text`` that some of the codes stand for; the place alone where these are none."""
        first, last = self.first + first, self.last if last is None else self.first + last
        if first < last:
            return self.words.span(first, last)
        place = self.words.spans[first - 1][1] if first else 0
        return place, place

    def written(self, first: int = 0, last: int | None = None) -> str:
        """The words as written that some of the codes stand for."""
        return self.text[slice(*self.span(first, last))]

    def figures(self) -> tuple[Figure, ...]:
        """The figures in the words, with offsets in ``text``."""
        start, end = self.span()
        return tuple(f for f in self.words.figures if start <= f.start and f.end <= end)


@dataclass(frozen=True, slots=True)
class Unit:
    """A clause of the document, or what one member of it says.

    ``start`` to ``end`` is its place in the document, which the codes from ``begins`` to ``stops`` of the document stand
    for. It is compared by its own words, or by those of a passage that says in full what the clause leaves out (a
    borrowed subject, a “分别” resolved). ``subject`` is what the sentence opens with and the clause speaks of without naming
    it (a park, a company), empty where there is none.
    """

    side: Side
    start: int
    end: int
    begins: int
    stops: int
    is_verbatim: bool
    sentence: int
    year: int | None
    kind: Kind
    subject: str


@dataclass(frozen=True, slots=True)
class Context:
    """What is said around words: of which year they are, whether results or targets, and whether of the place as a whole."""

    year: int | None = None
    kind: Kind | None = None
    is_whole: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """A clause of the text that is checked, and what is said around it."""

    side: Side
    start: int
    end: int
    context: Context


class Units:
    """The clauses of a document, ready to be compared with."""

    def __init__(self, document: Document, passages: Sequence[Passage], book: Codebook) -> None:
        self.canonical = canonical = book.canonical(document.text)
        self.clauses: list[tuple[int, int]] = []
        self.all: list[Unit] = []
        text = document.text
        known = sorted((p for p in passages if not p.is_header), key=lambda p: p.end)
        ends = [p.end for p in known]
        starts = [start for start, _ in canonical.spans]
        number = 0
        for line in lines(document):
            for sentence in sentences(text, *line):
                number += 1
                for clause in clauses(text, *sentence):
                    self.clauses.append(clause)
                    at = bisect_left(ends, clause[0] + 1)
                    told: list[Passage] = []
                    while at < len(known) and known[at].sentence_start <= clause[0] and known[at].end <= clause[1]:
                        told.append(known[at])
                        at += 1
                    holding = told or [p for p in known[at : at + 1] if p.start <= clause[0] and p.end >= clause[1]]
                    year, kind = (holding[0].year, holding[0].kind) if holding else (None, Kind.OTHER)
                    subject = holding[0].subject if holding else ""
                    members = [m for m in split_spans(text, *clause, "、") if find_figures(text[slice(*m)])]
                    for start, end in [clause, *(members if len(members) > 1 else [])]:
                        first, last = bisect_left(starts, start), bisect_left(starts, end)
                        if first < last:
                            side = Side(text, canonical, first, last)
                            self.all.append(Unit(side, start, end, first, last, True, number, year, kind, subject))
                    first, last = bisect_left(starts, clause[0]), bisect_left(starts, clause[1])
                    for passage in told:
                        if passage.text not in text[slice(*clause)] and first < last:
                            own = book.canonical(passage.text)
                            side = Side(passage.text, own, 0, len(own.codes))
                            self.all.append(Unit(side, *clause, first, last, False, number, year, kind, subject))
        self._plain = [unit.side.plain for unit in self.all]
        self._surfaces = [unit.side.surface for unit in self.all]
        self._derived = np.array([0.0 if u.is_verbatim else DERIVED for u in self.all])
        self._content = [content(plain) for plain in self._plain]
        self._figures = [[figure_key(figure) for figure in unit.side.figures()] for unit in self.all]
        self._bears = np.array([bool(figures) for figures in self._figures])
        self._lengths = np.array([len(words) for words in self._content])
        self._bags = [Counter(words) for words in self._content]
        self._years = np.array([unit.year or 0 for unit in self.all])
        self._kinds = np.array([unit.kind.value for unit in self.all])

    def touching(self, start: int, end: int) -> list[tuple[int, int]]:
        """The spans of the clauses that ``text[start:end]`` touches, in order."""
        at = bisect_left(self.clauses, (start, start))
        at -= at > 0 and self.clauses[at - 1][1] > start
        found = []
        while at < len(self.clauses) and self.clauses[at][0] < end:
            if self.clauses[at][1] > start:
                found.append(self.clauses[at])
            at += 1
        return found

    def at(self, place: int) -> Unit | None:
        """The clause that holds a character of the document."""
        return next((unit for unit in self.all if unit.start <= place < unit.end), None)

    def scores(self, part: Part) -> np.ndarray:
        """How well each unit fits a part, 0 to about 1; words without their numbers count most."""
        plain, surface = part.side.plain, part.side.surface
        similar = process.cdist([plain], self._plain, scorer=Indel.normalized_similarity)[0]
        same = process.cdist([surface], self._surfaces, scorer=Indel.normalized_similarity)[0]
        own = content(plain)
        if own:
            shared = process.cdist([own], self._content, scorer=LCSseq.similarity)[0] / len(own)
        else:
            shared = np.array([0.0 if words else 1.0 for words in self._content])
        score = 0.6 * similar + 0.15 * same + 0.25 * shared + self._derived
        if part.context.year is not None:
            score = score + np.where(
                self._years == part.context.year, SAME_YEAR, np.where(self._years > 0, OTHER_YEAR, 0.0)
            )
        if part.context.kind in (Kind.RESULT, Kind.TARGET):
            other = Kind.TARGET if part.context.kind is Kind.RESULT else Kind.RESULT
            score = score + np.where(self._kinds == other.value, OTHER_KIND, 0.0)
        figures = [figure_key(figure) for figure in part.side.figures()]
        if figures:
            values = [key[0] for key in figures]
            alike = [(own == figures, [key[0] for key in own] == values) for own in self._figures]
            score = score + np.array([SAME_FIGURES if same else SAME_VALUES if value else 0.0 for same, value in alike])
            score = score + np.where(self._bears, 0.0, NO_FIGURES)
        else:  # words that only lead on to a figure (工业这一块) are not the clause that bears it
            score = np.where(self._bears, np.where(score >= LEAST_BARE, score, 0.0), score)
        wholly = (shared * len(own) >= WHOLLY[0] * self._lengths) & (self._lengths >= 4) & (shared >= WHOLLY[1])
        return np.where((shared >= LEAST_CONTENT) | wholly, score, 0.0)

    def best(self, part: Part) -> Unit | None:
        """The unit that fits a part best by itself; ``None`` where none fits well enough."""
        scores = self.scores(part)
        at = int(scores.argmax()) if len(scores) else 0
        return self.all[at] if len(scores) and scores[at] >= LEAST else None

    def reworded(self, part: Part) -> Unit | None:
        """The unit with nearly all words of a part in whatever order, and most of its own among them."""
        own = Counter(content(part.side.plain))
        if own.total() < 2:
            return None
        best, found = LEAST_WORDS, None
        is_bare = not part.side.figures()
        for unit, theirs, bears in zip(self.all, self._bags, self._figures, strict=True):
            if not bears and not is_bare:
                continue
            both = (own & theirs).total()
            time = SAME_YEAR if part.context.year == unit.year else 0.0
            score = (
                both / own.total() * 0.6 + both / max(1, theirs.total()) * 0.4 + (time if part.context.year else 0.0)
            )
            if score > best and both >= 2:
                best, found = score, unit
        return found

    def align(self, parts: Sequence[Part]) -> list[Unit | None]:
        """The unit meant by each part, ``None`` where there is none: the best way through the candidates of all."""
        layers: list[list[tuple[Unit | None, float]]] = []
        for part in parts:
            scores = self.scores(part)
            best = np.argsort(-scores, kind="stable")[:CANDIDATES]
            layer: list[tuple[Unit | None, float]] = [
                (self.all[i], float(scores[i])) for i in best if scores[i] >= LEAST
            ]
            layers.append([*layer, (None, LEAST * 0.5)])
        paths: list[tuple[float, list[Unit | None]]] = [(0.0, [])]
        for layer, is_dated in zip(layers, [part.context.year is not None for part in parts], strict=True):
            paths = [
                max(
                    ((total + score + self._step(path, unit, is_dated), [*path, unit]) for total, path in paths),
                    key=lambda p: p[0],
                )
                for unit, score in layer
            ]
        return max(paths, key=lambda path: path[0])[1]

    def _step(self, path: Sequence[Unit | None], unit: Unit | None, is_dated: bool) -> float:
        before = next((earlier for earlier in reversed(path) if earlier), None)
        if before is None or unit is None:
            return 0.0
        if unit.begins == before.stops:
            return NEXT
        if unit.sentence == before.sentence and unit.begins >= before.stops:
            return SAME_SENTENCE
        return OTHER_YEAR_THAN_BEFORE if unit.year != before.year and not is_dated else 0.0


def figure_key(figure: Figure) -> tuple[object, ...]:
    """What two figures must have in common to be the same: value, unit and bound word."""
    return figure.value, figure.upper, figure.unit, figure.bound


def content(plain: str) -> str:
    """What words are about: without numbers, units of measure, relations, bound and empty words."""
    return _about_nothing().sub("", plain)


@cache
def _about_nothing() -> re.Pattern[str]:
    data = wording_words()
    relations = [*data["bounds"], *(word for group in data["directions"] for word in group), *data["neutral"]]
    words = {word for word in [*relations, *data["label"], *data["relations"]] if len(word) > 1}
    listed = "|".join(sorted(map(re.escape, words), key=len, reverse=True))
    measured = "|".join(fold(unit) for unit in units())
    return re.compile(rf"#(?:{measured})?|{listed}|[{data['empty']}]")

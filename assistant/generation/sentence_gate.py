"""The gate over generated sentences: nothing is shown that the cited text does not bear.

A sentence is checked against a document from which everything but the cited sentences is blotted out, so what stands
elsewhere bears nothing. Its figures, with unit, bound word, year and kind, are judged by the wording check, which knows
every way in which words can be altered. Its other words must stand, clause by clause, in one cited sentence or the titles
over it; only words that state nothing (``wordlists/generation.toml``) may be the model's own.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from importlib.resources import files

import jieba

from assistant.canonical import wording_words
from assistant.normalise import arabic, fold, simplified
from assistant.types import Difference, FigureState, Finding, Verdict, WordingCheck
from assistant.wording import WordingChecker
from corpus.figures import find_figures
from corpus.segment import clauses
from corpus.types import Document, Figure, Kind, Passage

_WORD = re.compile(r"[\w%]")
_NUMBER = re.compile(r"\d+(?:\.\d+)?|[一二三四五六七八九十百千万两]+[个家项名座处所件条]?")
_YEAR = re.compile(r"(?:19|20)\d{2}年度?|[今去上本明]年度?|年内|全年")
_OF_WORDS = (Difference.ADDED, Difference.WORDS, Difference.OMITTED)


class Ruling(StrEnum):
    """What becomes of a generated sentence."""

    BOUND = "bound"  # everything it says stands in the cited text
    EMPTY = "empty"  # it states nothing that could be wrong, such as “主要包括以下方面：”
    SILENT = "silent"  # it says that the document is silent
    UNBOUND = "unbound"


@dataclass(frozen=True, slots=True)
class Judgement:
    """The ruling on a sentence, why where it is unbound, and what bears it (places in ``SentenceGate.spans``)."""

    ruling: Ruling
    reason: str = ""
    spans: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class _Source:
    """A cited sentence as it is looked up: its words and titles, folded, and what its section says of time."""

    words: str
    around: str
    kind: Kind


class SentenceGate:
    """Judges sentences against some spans of a document, usually its sentences. Made anew for each answer."""

    def __init__(self, document: Document, passages: Sequence[Passage], spans: Sequence[tuple[int, int]]) -> None:
        """Take what bears the answer; ``passages`` are all of the document's."""
        self.spans = tuple(spans)
        cited = [p for p in passages if any(start <= p.start and p.end <= end for start, end in spans)]
        self._text = _blotted(document.text, spans)
        self._checker = WordingChecker(replace(document, text=self._text), cited)
        self._sources = [_source(document, cited, span) for span in spans]
        self._place = document.place
        self._year = document.year

    def judge(self, sentence: str) -> Judgement:
        """Rule on one generated sentence, citation marks taken off."""
        plain = simplified(sentence.strip())
        if not _WORD.search(plain):
            return Judgement(Ruling.EMPTY)
        if any(word in plain for word in generation_words()["silent"]):
            return Judgement(Ruling.SILENT)
        parts = list(_content_parts(plain, self._place))
        figures = find_figures(arabic(fold(plain)))
        if not figures and not any(part.words for part in parts):
            return Judgement(Ruling.EMPTY)
        bearing: list[int] = []
        for part in parts:
            place, missing = self._bearing(part)
            if place is None:
                return Judgement(Ruling.UNBOUND, f"引文中没有“{missing}”")
            bearing += [place] if part.words else []
        check, _ = self._checker.check(plain)
        fault = self._fault(check, bool(figures)) or self._torn(check, figures) or self._turned(check, parts, bearing)
        if fault:
            return Judgement(Ruling.UNBOUND, fault)
        return Judgement(Ruling.BOUND, "", tuple(dict.fromkeys(bearing)))

    def _bearing(self, part: _Part) -> tuple[int | None, str]:
        """The cited sentence that bears a clause; else ``None`` and a word that the nearest one lacks."""
        best: tuple[int, str] = (10_000, "")
        for place, source in enumerate(self._sources):
            missing = part.missing(source)
            if not missing:
                return place, ""
            best = min(best, (len(missing), missing[0]))
        return None, best[1]

    def _fault(self, check: WordingCheck, bears_figures: bool) -> str:
        """Why a sentence whose words all stand in the cited text is altered nonetheless; empty where it is not."""
        wrong = [figure for figure in check.figures if figure.state is not FigureState.EXACT]
        if wrong:
            return f"引文中的数字不是“{wrong[0].text}”"
        if bears_figures and check.verdict == Verdict.NOT_FOUND:
            return "引文中没有这个说法"
        grave = next((f for f in check.findings if f.difference.is_wrong and not self._is_harmless(f)), None)
        return grave.note if grave else ""

    def _is_harmless(self, finding: Finding) -> bool:
        """Whether a difference from the cited words changes nothing that they say.

        Clauses may be left out, save members of a list, and those without figures may stand together otherwise; inside
        a clause only words that state nothing may differ. That added words stand in the cited text was seen before.
        """
        if finding.difference is Difference.JOINED:
            if finding.said:
                return not find_figures(arabic(fold(finding.said)))
            return not self._is_member(finding.original)
        if finding.difference not in _OF_WORDS:
            return False
        differing = f"{finding.original}|{finding.said}"
        return not (
            any(character.isdigit() for character in differing)
            or any(map(is_content, _tokens(differing)))
            or any(word in differing for word in _weighty())
        )

    def _torn(self, check: WordingCheck, figures: Sequence[Figure]) -> str:
        """What is wrong where other than the original's words give some of the figures that stand side by side there."""
        said = Counter((figure.value, figure.upper, figure.unit) for figure in figures)
        if check.verdict != Verdict.MISMATCH or not said:
            return ""
        for span in self.spans:
            for start, end in clauses(self._text, *span):
                clause = self._text[start:end]
                found = find_figures(fold(clause)) if "、" in clause else ()
                borne = Counter((figure.value, figure.upper, figure.unit) for figure in found)
                if borne - said and borne & said:
                    left_out = next(f for f in found if (f.value, f.upper, f.unit) in borne - said)
                    return f"原文并列的还有“{left_out.text}”"
        return ""

    def _turned(self, check: WordingCheck, parts: Sequence[_Part], bearing: Sequence[int]) -> str:
        """What is wrong where words that are nowhere in the cited text as said stand in another order than there."""
        if check.verdict != Verdict.NOT_FOUND:
            return ""
        for part, place in zip((part for part in parts if part.words), bearing, strict=True):
            source, at = self._sources[place], 0
            for word in part.words:
                if word in source.around and word not in source.words:
                    continue
                at = source.words.find(word, at)
                if at == -1:
                    return "与引文的说法不同"
        return ""

    def _is_member(self, words: str) -> bool:
        """Whether words of the document are one of several that stand side by side."""
        return f"、{words}" in self._text or f"{words}、" in self._text


@dataclass(frozen=True, slots=True)
class _Part:
    """A clause of a generated sentence: its content words, those that turn it, and those that give it a time."""

    words: tuple[str, ...]
    turning: tuple[str, ...]
    times: tuple[tuple[str, Kind], ...]
    text: str

    def missing(self, source: _Source) -> list[str]:
        """What the clause says and the source does not."""
        lacking = [word for word in self.words if word not in source.words and word not in source.around]
        lacking += [word for word in self.turning if self.text.count(word) > source.words.count(word)]
        if source.kind is not Kind.OTHER:
            lacking += [word for word, kind in self.times if kind is not source.kind and word not in source.words]
        return lacking


def _content_parts(plain: str, place: str) -> Iterator[_Part]:
    """The clauses of a sentence with what they say; figures, which the wording check judges, are no words here."""
    words = generation_words()
    own = {name for name in (fold(place), fold(place[:-1])) if name}
    for start, end in clauses(plain, 0, len(plain)):
        text = arabic(fold(plain[start:end]))
        said = _YEAR.sub(" ", text)
        for figure in reversed(find_figures(said)):
            said = f"{said[: figure.start]} {said[figure.end :]}"
        tokens = [token for token in jieba.lcut(_standard(said)) if _WORD.search(token)]
        times = [(word, Kind.RESULT) for word in words["done"] if word in tokens]
        times += [(word, Kind.TARGET) for word in words["intended"] if word in tokens]
        yield _Part(
            tuple(token for token in tokens if is_content(token) and token not in own and token not in _times()),
            tuple(word for word in words["turning"] if word in text),
            tuple(times),
            text,
        )


def is_content(word: str) -> bool:
    """Whether a word, folded, states something: no glue, no number."""
    return word not in _glue() and not _NUMBER.fullmatch(word)


def _standard(folded: str) -> str:
    """A folded text with the listed term in place of its synonyms (gdp, 规上)."""
    for group in wording_words()["synonyms"]:
        for word in map(fold, group[1:]):
            if len(word) > 1:
                folded = folded.replace(word, fold(group[0]))
    return folded


def _tokens(words: str) -> list[str]:
    return [token for token in jieba.lcut(fold(words)) if _WORD.search(token)]


def _blotted(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """The text with a line end for every character outside the spans, so that places stay what they are."""
    kept = ["\n"] * len(text)
    for start, end in spans:
        kept[start:end] = text[start:end]
    return "".join(kept)


def _source(document: Document, cited: Sequence[Passage], span: tuple[int, int]) -> _Source:
    inside = [p for p in cited if span[0] <= p.start and p.end <= span[1]]
    first = inside[0] if inside else None
    titles = "".join((*first.section, first.lead, first.subject)) if first else ""
    words = _standard(fold(document.text[slice(*span)]))
    return _Source(words, _standard(fold(titles)), first.kind if first else Kind.OTHER)


@cache
def generation_words() -> dict[str, list[str]]:
    """The lists of ``wordlists/generation.toml``."""
    path = files("assistant").joinpath("wordlists/generation.toml")
    return {name: list(map(str, words)) for name, words in tomllib.loads(path.read_text(encoding="utf-8")).items()}


@cache
def _glue() -> frozenset[str]:
    return frozenset(map(fold, generation_words()["glue"]))


@cache
def _times() -> frozenset[str]:
    return frozenset((*generation_words()["done"], *generation_words()["intended"]))


@cache
def _weighty() -> tuple[str, ...]:
    data = wording_words()
    return tuple(dict.fromkeys((*generation_words()["turning"], *data["efforts"], *data["commitments"])))

"""The gate over generated sentences: nothing is shown that the cited text does not bear.

A sentence is bound where its clauses are, one after the other, clauses that stand next to each other in one cited
sentence. Each may differ from the one that bears it by words that state nothing and by what stands in front: the year and
kind that the section gives, the subject, the topic (``wordlists/generation.toml``). On top of that the wording check, which
knows every way in which figures, units, bound words, years and kinds can be altered, must find nothing wrong in the whole;
it sees a document from which everything but the cited sentences is blotted out.

Looser gates were tried and let through what they should not; ``docs/generation.md`` has the figures.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from importlib.resources import files

import jieba.posseg
from rapidfuzz.distance import Indel

from assistant.canonical import wording_words
from assistant.label import year_in
from assistant.normalise import arabic, fold, simplified
from assistant.types import Difference, FigureState, Verdict, WordingCheck
from assistant.wording import WordingChecker
from corpus.figures import find_figures
from corpus.segment import clauses, split_spans
from corpus.types import Document, Kind, Passage

_WORD = re.compile(r"[\w%]")
_ORDINARY = re.compile(r"[\w，。；：、“”‘’「」『』\"'《》（）()·．.％%℃,;:\s！!—]")
_DROPPED = re.compile(r"[^\w%.+、]")
# Clauses that open so speak of what stands before them in their sentence.
_DEPENDENT = re.compile("其中|人均|平均|均|分别|累计|使|让|其|他们|也|又|并")
_ENUMERATED = re.compile("^[一二三四五六七八九十]+是")
_EXHORTS = re.compile("必须|要树|应当|也要|等于|既是|就是|是竞争力|地位")
_YEAR = re.compile(r"(?:(?:19|20)\d{2}年|今年|去年|上年|本年)度?")
_QUOTED = re.compile(r"[“\"「『‘]([^“”\"「」『』‘’]+)[”\"」』’]")
_BLANK = re.compile(r"(?<![a-zA-Z])\s+|\s+(?![a-zA-Z])")
NEAR = 3  # clauses of a sentence that are taken to speak of what it opens with, where others may come in
_GROUP = "。；;！!\n"
# What the wording check may find in a sentence whose clauses are borne: words that state nothing, clauses apart.
_HARMLESS = (Difference.ADDED, Difference.WORDS, Difference.OMITTED, Difference.JOINED)


class Ruling(StrEnum):
    """What becomes of a generated sentence."""

    BOUND = "bound"  # everything it says stands in the cited text
    EMPTY = "empty"  # it states nothing
    SILENT = "silent"  # it says that the document is silent
    UNBOUND = "unbound"


@dataclass(frozen=True, slots=True)
class Judgement:
    """The ruling on a sentence, why where it is unbound, and what bears it (places in ``SentenceGate.spans``).

    ``subject`` is whom or what the cited sentence speaks of and the sentence does not name: it must be shown before it.
    """

    ruling: Ruling
    reason: str = ""
    spans: tuple[int, ...] = ()
    subject: str = ""


@dataclass(frozen=True, slots=True)
class _Clause:
    """A clause of a cited sentence: the ways in which it may be said, folded, and what is over it.

    ``subject`` must be said before it, where it is not empty and not in its own words; it can only be put in front where
    it ``names_subject``. What ``is_dependent`` speaks of what stands before it in its sentence; what ``is_goal`` names its
    own indicator and intends a figure for it. What ``exhorts``, or says what something is, was not done and is not planned.
    """

    forms: tuple[str, ...]
    subject: str
    topics: str
    year: int | None
    kind: Kind
    is_dependent: bool
    is_goal: bool
    names_subject: bool
    exhorts: bool


@dataclass(frozen=True, slots=True)
class _Run:
    """How many clauses a cited sentence bears one after the other, and the subject that they leave out."""

    count: int
    place: int
    subject: str = ""


class SentenceGate:
    """Judges sentences against some spans of a document, usually its sentences. Made anew for each answer."""

    def __init__(self, document: Document, passages: Sequence[Passage], spans: Sequence[tuple[int, int]]) -> None:
        """Take what bears the answer; ``passages`` are all of the document's."""
        self.spans = tuple(spans)
        cited = [p for p in passages if any(start <= p.start and p.end <= end for start, end in spans)]
        text = _blotted(document.text, spans)
        self._checker = WordingChecker(replace(document, text=text), cited)
        self._document = document
        self._text = text
        self._names = {fold(words) for words in _QUOTED.findall(text)}
        self._sources = [list(_clauses(document, cited, span)) for span in spans]
        self._places = _own_places(document.place)

    def judge(self, sentence: str) -> Judgement:
        """Rule on one generated sentence, citation marks taken off."""
        plain = _BLANK.sub("", simplified(sentence.strip()))
        if not _WORD.search(plain) or _leads().fullmatch(_core(plain)):
            return Judgement(Ruling.EMPTY)
        if any(word in plain for word in generation_words()["silent"]):
            return Judgement(Ruling.SILENT)
        strange = next((c for c in plain if not _ORDINARY.match(c) and c not in self._text), "")
        if strange:
            return Judgement(Ruling.UNBOUND, f"引文中没有“{strange}”")
        misquoted = next((words for words in _QUOTED.findall(plain) if fold(words) not in self._names), "")
        if misquoted:
            return Judgement(Ruling.UNBOUND, f"引文中没有“{misquoted}”这个名称")
        groups = [
            [plain[slice(*span)] for span in clauses(plain, start, end)]
            for start, end in split_spans(plain, 0, len(plain), _GROUP)
        ]
        runs = [self._borne(said, is_whole=len(groups) == 1) for said in groups]
        for said, run in zip(groups, runs, strict=True):
            if run.count < len(said):
                return Judgement(Ruling.UNBOUND, f"引文中没有“{said[run.count]}”这个说法")
        if not runs:
            return Judgement(Ruling.EMPTY)
        check, _ = self._checker.check(plain)
        if fault := _fault(check):
            return Judgement(Ruling.UNBOUND, fault)
        if len({self._time(run.place) for run in runs}) > 1:
            return Judgement(Ruling.UNBOUND, "一句里说了两个年份的事")
        subjects = [run.subject for run in runs if run.subject]
        if len(runs) > 1 and subjects:
            return Judgement(Ruling.UNBOUND, f"没有说明是“{subjects[0]}”")
        return Judgement(Ruling.BOUND, "", tuple(dict.fromkeys(run.place for run in runs)), "".join(subjects))

    def _time(self, place: int) -> tuple[int | None, Kind]:
        """The year and kind of a cited sentence."""
        first = self._sources[place][0]
        return first.year, first.kind

    def _borne(self, said: Sequence[str], *, is_whole: bool) -> _Run:
        """The best run of clauses of a cited sentence that bears some clauses, as far as it does."""
        runs = [
            self._run(said, place, first, is_whole=is_whole)
            for place, source in enumerate(self._sources)
            for first in range(len(source))
        ]
        return max(runs, key=lambda run: (run.count, not run.subject), default=_Run(0, 0))

    def _run(self, said: Sequence[str], place: int, first: int, *, is_whole: bool) -> _Run:
        """How many of the clauses said stand in a cited sentence from its clause ``first`` on."""
        source = self._sources[place]
        if first and source[first].is_dependent:
            return _Run(0, place)
        at, told, subject = first, "", ""
        for number, words in enumerate(said):
            is_last = number + 1 == len(said)
            is_alone = is_whole and is_last and at == first
            is_said = at < len(source) and self._is_said(words, source[at], is_alone, is_first=not at)
            if not is_said and not number and not is_last and self._is_topic(words, source[at], is_first=not at):
                told += _core(words)
                continue
            while not is_said and first < at < len(source):
                # Of a row of goals some may be left out; what was done may have been done by others.
                at += 1
                is_said = (
                    at < len(source) and source[at].is_goal and self._is_said(words, source[at], False, is_first=not at)
                )
            if not is_said:
                return _Run(number, place, subject)
            told += _core(words)
            if _core(source[at].subject) not in told and source[at].subject not in source[at].forms[0]:
                if subject or at > first or not source[at].names_subject:
                    return _Run(number, place, subject)
                subject = source[at].subject
                told = _core(subject) + told
            at += 1
        return _Run(len(said), place, subject)

    def _is_topic(self, words: str, clause: _Clause, *, is_first: bool) -> bool:
        """Whether a clause only names what the next one is about: its topic, its subject, its year and kind."""
        year = year_in(words, self._document)
        rest = _core(_YEAR.sub("", fold(words)))
        if year is not None and clause.year != year:
            return False
        if (
            not rest
            or rest == _core(clause.subject)
            or rest in map(fold, (*self._fronts(clause, is_first=is_first), *generation_words()["openings"]))
        ):
            return True
        end = next((end for end in _ends() if rest.endswith(end)), "")
        named = rest[: len(rest) - len(end)] if end else ""
        return len(named) > 1 and (named in clause.topics or named in clause.forms[0])

    def _is_said(self, words: str, clause: _Clause, is_alone: bool, *, is_first: bool) -> bool:
        """Whether words say what a clause says, no less and nothing more; one member of it only where they stand alone."""
        year = year_in(words, self._document)
        if year is not None and clause.year != year and str(year) not in clause.forms[0]:
            return False
        own, subject = _core(words), _core(clause.subject)
        forms = clause.forms if is_alone else clause.forms[:1]
        return any(
            _is_same(rest, form) for rest in self._rests(own, clause, subject, is_first=is_first) for form in forms
        )

    def _rests(self, own: str, clause: _Clause, subject: str, *, is_first: bool) -> Iterator[str]:
        """Words without what may stand in front of them: a year and two words more, or the subject."""
        yield own
        if subject and own.startswith(subject):
            yield own[len(subject) :]
        year = _YEAR.match(own)
        rest = own[year.end() :] if year else own
        yield rest
        for words in ((*generation_words()["openings"],), self._fronts(clause, is_first=is_first)):
            front = next(
                (word for word in map(fold, sorted(words, key=len, reverse=True)) if rest.startswith(word)), ""
            )
            if front:
                rest = rest[len(front) :]
                yield rest

    def _fronts(self, clause: _Clause, *, is_first: bool) -> tuple[str, ...]:
        """What may stand in front of a clause: its kind, and the whole place where it opens its sentence."""
        words = generation_words()
        kinds = {Kind.RESULT: words["done"], Kind.TARGET: words["intended"]}.get(clause.kind, [])
        return (
            *(kinds if not clause.exhorts else ()),
            *(self._places if is_first and not clause.subject else ()),
        )


def _is_same(said: str, source: str) -> bool:
    """Whether words are those of their source, save for some left out that state nothing."""
    if said == source:
        return True
    for step in Indel.opcodes(source, said):
        new, old = said[step.dest_start : step.dest_end], source[step.src_start : step.src_end]
        if step.tag != "equal" and ((new and new != "的") or (old and not _neutral().fullmatch(old))):
            return False
    return True


def _fault(check: WordingCheck) -> str:
    """What the wording check finds wrong beyond words that state nothing; empty where there is nothing."""
    altered = next((figure for figure in check.figures if figure.state is not FigureState.EXACT), None)
    if altered:
        return f"引文中的数字不是“{altered.text}”"
    if check.verdict == Verdict.MATCH:
        return ""
    grave = next((f for f in check.findings if f.difference.is_wrong and f.difference not in _HARMLESS), None)
    return grave.note if grave else ""


def _blotted(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """The text with a line end for every character outside the spans, so that places stay what they are."""
    kept = ["\n"] * len(text)
    for start, end in spans:
        kept[start:end] = text[start:end]
    return "".join(kept)


def _clauses(document: Document, cited: Sequence[Passage], span: tuple[int, int]) -> Iterator[_Clause]:
    places = _own_places(document.place)
    sentence = _core(document.text[slice(*span)])
    for number, (start, end) in enumerate(clauses(document.text, *span)):
        inside = [p for p in cited if p.is_clause and start <= p.start and p.end <= end]
        whole = _ENUMERATED.sub("", _core(document.text[start:end]))
        if not whole:
            continue
        first = inside[0] if inside else next((p for p in cited if p.sentence_start == span[0]), None)
        forms = [whole, *(whole[len(place) :] for place in places if whole.startswith(place))]
        members = whole.split("、")
        if "分别" not in whole and all(find_figures(member) and _speaks(member) for member in members):
            forms += members
        subject = first.subject if first and inside else ""
        bears, kind = bool(find_figures(whole)), first.kind if first else Kind.OTHER
        opening = jieba.posseg.lcut(whole)[0].flag
        yield _Clause(
            forms=tuple(dict.fromkeys(forms)),
            subject=subject,
            topics=fold(first.lead) if first else "",
            year=first.year if first else None,
            kind=kind,
            is_dependent=number > 0 and (bool(_DEPENDENT.match(whole)) or not _speaks(whole)),
            is_goal=bears and kind is Kind.TARGET and opening.startswith(("n", "j", "b")) and _speaks(whole),
            names_subject=not subject or _opens(sentence, subject, is_near=number < NEAR or kind is Kind.TARGET),
            exhorts=bool(_EXHORTS.search(sentence)),
        )


def _opens(sentence: str, subject: str, *, is_near: bool) -> bool:
    """Whether a subject is one that its sentence opens with, and a clause is near enough to it to be about it."""
    return is_near and sentence.startswith(_core(subject)) and jieba.posseg.lcut(subject)[0].flag[0] not in "vdtpcr"


def _speaks(words: str) -> bool:
    """Whether words have a verb of their own."""
    return any(pair.flag in ("v", "vd", "vi", "vg") for pair in jieba.posseg.lcut(words))


def _own_places(place: str) -> tuple[str, ...]:
    """How the place that a document is of may be called, the words for its level (全区) among them."""
    level = place[-1:]
    return tuple(fold(name) for name in (place, place[:-1], f"全{level}", f"我{level}", f"本{level}") if len(name) > 1)


def _core(words: str) -> str:
    """Words as they are compared: folded, digits for numerals of figures, listed terms for synonyms, no punctuation."""
    folded = _standard(arabic(fold(words)))
    return _DROPPED.sub("", folded)


def _standard(folded: str) -> str:
    """A folded text with the listed term in place of its synonyms (gdp, 规上)."""
    return _synonyms().sub(lambda match: _standing()[match.group()], folded)


@cache
def _standing() -> dict[str, str]:
    groups = wording_words()["synonyms"]
    return {fold(word): fold(group[0]) for group in groups for word in group if len(word) > 1}


@cache
def _synonyms() -> re.Pattern[str]:
    return re.compile("|".join(sorted(map(re.escape, _standing()), key=len, reverse=True)))


@cache
def generation_words() -> dict[str, list[str]]:
    """The lists of ``wordlists/generation.toml``."""
    path = files("assistant").joinpath("wordlists/generation.toml")
    return {name: list(map(str, words)) for name, words in tomllib.loads(path.read_text(encoding="utf-8")).items()}


@cache
def _neutral() -> re.Pattern[str]:
    return re.compile(f"(?:{'|'.join(map(re.escape, generation_words()['neutral']))})+")


@cache
def _ends() -> tuple[str, ...]:
    return tuple(sorted(generation_words()["topic_ends"], key=len, reverse=True))


@cache
def _leads() -> re.Pattern[str]:
    words = (*generation_words()["leads"], *generation_words()["openings"])
    return re.compile(f"(?:{'|'.join(sorted(map(re.escape, words), key=len, reverse=True))})+")

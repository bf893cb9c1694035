"""Order the passages that were found by how well they answer the question.

Each passage is described by a few numbers (``FEATURES``); a linear model fitted on questions about other documents
turns them into one score. The fit, its data and what lost against it are in ``docs/retrieval.md``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import jieba.posseg
import numpy as np

from assistant.normalise import fold
from assistant.question import Form, Question, Term
from assistant.wordlists import everyday, places
from corpus.figures import find_figures
from corpus.segment import clauses
from corpus.types import Document, Kind, Passage
from index.types import ScoredPassage

FEATURES = (
    "dense",
    "dense_gap",
    "sparse",
    "cover",
    "cover_wide",
    "cover_strongest",
    "cover_terms",
    "focus",
    "year_agrees",
    "year_differs",
    "kind_agrees",
    "kind_differs",
    "figure_wanted",
    "figure_missing",
    "unit_agrees",
    "unit_differs",
    "class_agrees",
    "class_differs",
    "list_wanted",
    "is_lead",
    "is_heading",
    "is_header",
    "is_topic",
    "place_missing",
    "default_kind",
    "title_wanted",
    "quoted_missing",
    "percent_unasked",
)
MEASURES = frozenset({"percent", "money", "area", "length", "weight"})
_COUNTED = frozenset("个家项处座所条件名人户场套位台艘辆栋间张支部起例宗笔块片期批类种户期")
_WIDE = (0.9, 0.75, 0.6, 0.5)  # what a word counts that stands in subject, sentence, lead or section title only


@dataclass(frozen=True, slots=True)
class Folded:
    """A passage in matching form: own words, sentence, lead, section path."""

    text: str
    context: str
    lead: str
    section: str
    subject: str
    support: str


_LEANING = re.compile(r"人均|户均|平均|年度|全年|年内|总投资|累计|其中|惠及|当年|同比")
_GOES_ON = re.compile(r"^(?:主要是|主要有|主要表现|一是|即|分别是|包括|具体是|如下|突出表现)")


def announcing(passages: Sequence[Passage]) -> dict[int, int]:
    """Where a sentence only announces what the next one lists (``…困难和不足。主要是：…``): start to start."""
    sentences = sorted(
        {(p.paragraph_id, p.sentence_start, p.context) for p in passages if not p.is_header}, key=lambda s: s[1]
    )
    return {
        before[1]: after[1]
        for before, after in pairwise(sentences)
        if before[0] == after[0] and _GOES_ON.match(after[2]) and not _GOES_ON.match(before[2])
    }


def support(passage: Passage, document: Document) -> str:
    """The words of the sentence that may speak for a passage: all of it, but of one figure among many not the others.

    In “服务业增加值增长6%，建安投资增长4.3%” each clause has a subject of its own, so neither is about the other's. A
    clause that opens with a verb (惠及3000户) leans on what stands before it.
    """
    if not passage.figures or not passage.is_clause or leans(passage.text):
        return passage.context
    spans = clauses(document.text, passage.sentence_start, passage.sentence_end)
    kept = [
        document.text[start:end]
        for start, end in spans
        if (start < passage.end and passage.start < end) or not find_figures(document.text[start:end])
    ]
    return "，".join(kept)


def leans(text: str) -> bool:
    """Whether a clause opens with a verb, a time, a share of what was counted, or with what only joins it to the one before."""
    if _LEANING.match(text):
        return True
    first = next(iter(jieba.posseg.lcut(text)), None)
    return first is not None and (first.flag[0] in "vdpcrut" and first.flag != "vn")


class Profile:
    """What matching needs to know of a document, computed once: folded passages and how rare each word is."""

    def __init__(self, document: Document, passages: Sequence[Passage]) -> None:
        """Fold the passages of one document."""
        self.document = document
        self.folded = {
            p.passage_id: Folded(
                fold(p.text),
                fold(p.context),
                fold(p.lead),
                fold("".join(p.section)),
                fold(p.subject),
                fold(support(p, document)),
            )
            for p in passages
        }
        years = {p.year for p in passages if p.year is not None}
        if document.year is not None and any(p.year is None and p.kind is Kind.RESULT for p in passages):
            years.add(document.year - 1)
        self.years = frozenset(years)
        self.announcing = announcing(passages)
        self._texts = [f.text for f in self.folded.values()]
        self._idf: dict[str, float] = {}

    @cached_property
    def text(self) -> str:
        """The whole document in matching form."""
        return fold(self.document.text)

    def rarity(self, word: str) -> float:
        """Inverse document frequency of a word over the passages, at least 0.3; a word that never occurs counts most."""
        if word not in self._idf:
            count = sum(word in text for text in self._texts)
            self._idf[word] = max(0.3, math.log((len(self._texts) + 1) / (count + 0.5)))
        return self._idf[word]


@dataclass(frozen=True, slots=True)
class Evidence:
    """A passage with its feature values and score; higher is better.

    ``own`` is the share of each term of the question that the passage's own words hold, ``wide`` the share that they
    or their surroundings hold, discounted by distance, ``near`` the same without clauses that speak of something else.
    """

    found: ScoredPassage
    features: tuple[float, ...]
    score: float
    own: tuple[float, ...]
    wide: tuple[float, ...]
    near: tuple[float, ...]

    @property
    def passage(self) -> Passage:
        """The passage itself."""
        return self.found.passage

    def fits_like(self, other: Evidence) -> bool:
        """Whether the passage's own words hold each term of the question about as far as those of another do."""
        return all(a >= b - ALIKE for a, b in zip(self.own, other.own, strict=True))

    def is_beside(self, other: Evidence) -> bool:
        """Whether the two passages stand in one sentence."""
        return self.passage.sentence_start == other.passage.sentence_start

    def feature(self, name: str) -> float:
        """One feature value by its name."""
        return self.features[FEATURES.index(name)]


ALIKE = 0.26  # difference in the share held of a term up to which two passages hold it alike
PARTIAL = 0.75  # what the share of a word's bigrams counts
PARTIAL_KNOWN = 0.4  # the same where the document has the word itself, elsewhere


def matched(words: Sequence[str], target: str, partial: float = PARTIAL) -> float:
    """How far the best of ``words`` is found in ``target``: 1 for a literal occurrence, else its shared bigrams.

    Words of one or two characters, and of letters and digits (PM10), count only as a whole; the share of bigrams is discounted by ``partial``.
    """
    best = 0.0
    for word in words:
        if word in target:
            return 1.0
        if len(word) >= 3 and not word.isascii():
            pairs = [word[i : i + 2] for i in range(len(word) - 1)]
            share = partial * sum(pair in target for pair in pairs) / len(pairs)
            best = max(best, share if share >= 0.3 else 0.0)
    return best


def term_weights(terms: Sequence[Term], profile: Profile) -> list[float]:
    """Weight of each term: the rarity of its most telling word that the document has."""
    weights = []
    for term in terms:
        known = [profile.rarity(word) for word in term.alternatives if word in profile.text]
        weights.append(max(known) if known else profile.rarity(term.text))
    return weights


def describe(question: Question, found: ScoredPassage, profile: Profile, weights: Sequence[float], best_dense: float,
             best_sparse: float) -> tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...], tuple[float, ...]]:  # fmt: skip
    """Feature values of one passage for one question, in the order of ``FEATURES``; own, wide and near share of each term."""
    passage = found.passage
    folded = profile.folded[passage.passage_id]
    total = sum(weights) or 1.0
    partial = [
        PARTIAL_KNOWN if len(term.text) >= 4 and term.text in profile.text else PARTIAL for term in question.terms
    ]
    own = [matched(term.alternatives, folded.text, p) for term, p in zip(question.terms, partial, strict=True)]
    wide = _around(question.terms, own, partial, (folded.subject, folded.context, folded.lead, folded.section))
    near = wide
    if folded.support != folded.context:
        near = _around(question.terms, own, partial, (folded.subject, folded.support, folded.lead, folded.section))
    cover = sum(w * c for w, c in zip(weights, own, strict=True)) / total
    cover_wide = sum(w * c for w, c in zip(weights, wide, strict=True)) / total
    strongest = wide[int(np.argmax(weights))] if weights else 0.0
    words = "".join(w for term in question.terms for w in term.alternatives)
    characters = [c for c in folded.text if not c.isdigit() and c not in ".%、"]
    focus = sum(c in words for c in characters) / len(characters) if characters else 0.0
    year_known = bool(question.years) and passage.year is not None
    kind_known = question.kind is not None and passage.kind is not Kind.OTHER and not passage.field
    has_figure = bool(passage.figures)
    wants_figure = question.form is Form.AMOUNT
    units = {figure.unit for figure in passage.figures}
    classes = {unit_class(unit) for unit in units}
    wanted_class = question.unit_class or (unit_class(question.unit) if question.unit else "")
    values = (
        found.dense,
        best_dense - found.dense,
        found.sparse / best_sparse if best_sparse > 0 else 0.0,
        cover,
        cover_wide,
        strongest,
        sum(c >= 0.5 for c in wide) / len(wide) if wide else 0.0,
        focus,
        float(year_known and passage.year in question.years),
        float(year_known and passage.year not in question.years),
        float(kind_known and passage.kind is question.kind),
        float(kind_known and passage.kind is not question.kind),
        float(wants_figure and has_figure),
        float(wants_figure and not has_figure),
        float(bool(question.unit) and question.unit in units),
        float(bool(question.unit) and has_figure and question.unit not in units),
        float(bool(wanted_class) and wanted_class in classes),
        float(bool(wanted_class) and has_figure and wanted_class not in classes),
        min(passage.text.count("、") + passage.text.count("”“"), 2) / 2 if question.form is Form.LIST else 0.0,
        float(passage.field == "lead"),
        float(passage.field == "heading"),
        float(passage.is_header),
        float(passage.field == "topic"),
        float(any(not _names_place(place, folded.context) for place in question.places)),
        float(question.kind is None and not question.years and passage.kind is Kind.TARGET),
        float(question.form in (Form.LIST, Form.HOW) and passage.field in ("lead", "heading", "topic")),
        float(any(words not in folded.context + folded.lead + folded.subject for words in question.quoted)),
        float(wants_figure and classes == {"percent"} and not _PERCENT.search(question.folded)),
    )
    return values, tuple(own), tuple(wide), tuple(near)


def _around(
    terms: Sequence[Term], own: Sequence[float], partial: Sequence[float], fields: Sequence[str]
) -> list[float]:
    """The share of each term that the passage's own words or ``fields`` hold, these discounted by ``_WIDE``."""
    return [
        max(
            o, *(discount * matched(term.alternatives, field, p) for discount, field in zip(_WIDE, fields, strict=True))
        )
        if o < 1
        else 1.0
        for o, term, p in zip(own, terms, partial, strict=True)
    ]


_PERCENT = re.compile(r"增长|增速|增幅|涨|下降|降|比|率|百分|几成|提高|占|多了|少了|快了|慢了")


def _names_place(place: str, target: str) -> bool:
    """Whether a place is named in a text, by its name or by its short form (沪 for 上海)."""
    stem = place[:-1] if len(place) > 2 and place[-1] in "省市区县" else place
    wider = ("省",) if place.endswith("省") or f"{place}省" in places() else ()
    return any(word in target for word in (place, *everyday().get(stem, ()), *wider))


def unit_class(unit: str) -> str:
    """The kind of quantity that a unit measures: percent, money, area, length, weight or count; others are themselves."""
    if unit in {"%", "‰", "个百分点", "百分点", "倍"}:
        return "percent"
    if unit.endswith("元"):
        return "money"
    if unit in {"亩", "公顷", "平方米", "平方公里"}:
        return "area"
    if unit in {"公里", "千米", "米"}:
        return "length"
    if unit in {"吨", "斤", "公斤"}:
        return "weight"
    if unit and unit[0] in _COUNTED:
        return "count"
    return unit


def order(
    question: Question, found: Sequence[ScoredPassage], profile: Profile, ranking: Sequence[float]
) -> list[Evidence]:
    """Score what was found with the weights of ``FEATURES`` and order it, best first; equal ones as they came."""
    if not found:
        return []
    weights = term_weights(question.terms, profile)
    best_dense = max(f.dense for f in found)
    best_sparse = max(f.sparse for f in found)
    described = [describe(question, f, profile, weights, best_dense, best_sparse) for f in found]
    scores = np.array([values for values, *_ in described]) @ np.array(ranking)
    evidence = [
        Evidence(f, values, float(score), own, wide, near)
        for f, (values, own, wide, near), score in zip(found, described, scores, strict=True)
    ]
    return sorted(evidence, key=lambda e: (-_names_quoted(question, e, profile), -e.score))


def longest_name(question: Question, profile: Profile) -> str:
    """The longest run of characters that question and document share word for word, of 4 or more; else empty.

    A question that names an indicator in full (地区生产总值) insists on it.
    """
    text = question.content_text
    for length in range(min(len(text), 14), 3, -1):
        for start in range(len(text) - length + 1):
            run = text[start : start + length]
            if " " not in run and not run[0].isdigit() and run in profile.text:
                return run
    return ""


def _names_quoted(question: Question, evidence: Evidence, profile: Profile) -> int:
    """2 where the passage itself holds the words that the question puts in quotation marks, 1 where its sentence does."""
    folded = profile.folded[evidence.passage.passage_id]
    if not question.quoted or all(words in folded.text for words in question.quoted):
        return 2
    return int(all(words in folded.context + folded.lead for words in question.quoted))


def near_cover(weights: Sequence[float], evidence: Evidence) -> float:
    """The share of a question's terms, by weight, that passage and surroundings hold but for clauses on other things."""
    return sum(w * c for w, c in zip(weights, evidence.near, strict=True)) / (sum(weights) or 1.0)

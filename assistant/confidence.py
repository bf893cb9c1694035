"""How sure it is that the document answers a question, from the evidence found: a calibrated probability."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jieba
import jieba.posseg
import numpy as np
import numpy.typing as npt

from assistant.compose import is_enumeration
from assistant.evidence import FEATURES, MEASURES, Evidence, Profile, term_weights, unit_class
from assistant.normalise import fold
from assistant.question import Form, Question, Term
from assistant.wordlists import place_stem_pattern, question_words, report_share
from corpus.types import Passage

NEAR = 0.6  # cosine above which a passage counts as near; of right passages, half lie above it
USUAL = 0.2  # share of reports from which a word counts as usual in them
_DATED = re.compile(r"\d年|\d月|\d日|年底|月底|季度|上半年|下半年|年内|年末|届")
_REASON = re.compile(r"由于|因为|因(?!地)|受.{1,12}影响|原因|主要是|得益于")
_SUM_ASKED = re.compile(r"投资(?:额|是|要|为|达|约)*多少|多少(?:亿|万|元|块|资金|投资)|总投资|造价|金额|(?<!的)多少钱$")
_PERSON_ASKED = re.compile(r"谁(?:负责|管|牵头|主管|分管)|哪个人|负责人|姓名|叫什么名字|书记|区长|市长|县长|局长|主任")
_PLACE_WORD = re.compile(
    r"[一-鿿]{2,6}?(?:区|镇|乡|街道|村|路|县|市|园|基地|大道|谷|城|片区|校区|公司|峪|沟|岭|湾|湖|河)"
)

CONFIDENCE_FEATURES = (
    *FEATURES,
    "score",
    "margin",
    "dense_lead",
    "form_unmet",
    "worst_missing",
    "unknown_share",
    "unknown_weight",
    "is_why",
    "is_list",
    "is_amount",
    "figure_terms",
    "head_missing",
    "head_unknown",
    "known_missing",
    "formal_missing",
    "formal_missing_share",
    "far",
    "far_uncovered",
    "unknown_formal",
    "formal_count",
    "official_unknown",
    "relation_differs",
    "near_cover",
    "near_missing",
    "near_best",
    "is_where",
    "is_who",
    "is_yesno",
    "is_what",
    "is_how",
    "term_count",
    "figure_count",
    "length",
)


def form_met(question: Question, evidence: Evidence, profile: Profile) -> bool:
    """Whether a passage can give the form of answer asked for: a figure, a date, a reason, an enumeration."""
    passage = evidence.passage
    if passage.is_header:
        return True
    if question.form is Form.AMOUNT:
        return bool(passage.figures) and not unit_clashes(question, passage)
    if question.form is Form.WHEN:
        return bool(_DATED.search(passage.text))
    if question.form is Form.WHY:
        return bool(_REASON.search(passage.context))
    if question.form is Form.WHO:
        asks_names = re.search(r"叫什么|名字", question.folded) and passage.figures
        return not _PERSON_ASKED.search(question.folded) and not (
            asks_names and not is_enumeration(passage.text) and "“" not in passage.text
        )
    if question.form is Form.WHERE:
        words = fold(passage.text)
        located = [pair.word for pair in jieba.posseg.lcut(words) if pair.flag == "ns"]
        return any(
            place not in question.folded and not place.startswith(("全", "各"))
            for place in (*_PLACE_WORD.findall(words), *located, *place_stem_pattern().findall(words))
        )
    if question.form is Form.LIST:
        named = question.quoted and is_enumeration(passage.context)
        return (
            passage.field != ""
            or is_enumeration(passage.text)
            or bool(named)
            or passage.sentence_start in profile.announcing
        )
    return True


def unit_clashes(question: Question, passage: Passage) -> bool:
    """Whether the passage has no figure of the kind that a question asks for.

    That is a measure (亿元, 亩, 公里, a rate, a sum) where its figures are of other kinds, or a number of things (几起,
    多少家) where it has rates only.

    On 225 development questions of this kind the right passage never clashed but once.
    """
    wanted = unit_class(question.unit)
    if not question.unit and (question.unit_class == "percent" or _asks_sum(question)):
        wanted = question.unit_class
    classes = {unit_class(figure.unit) for figure in passage.figures}
    if wanted in MEASURES:
        return wanted not in classes
    return bool(question.unit) and classes == {"percent"}


def _asks_sum(question: Question) -> bool:
    """Whether a sum is asked for, not counting the sums in names of rates (固定资产投资)."""
    return bool(_SUM_ASKED.search(question_words().rates.sub("〓", question.folded)))


def describe_evidence(question: Question, ranked: Sequence[Evidence], profile: Profile) -> tuple[float, ...]:
    """The numbers that the probability is computed from, in the order of ``CONFIDENCE_FEATURES``."""
    best = ranked[0]
    weights = term_weights(question.terms, profile)
    heaviest = max(weights, default=1.0)
    unknown = [not any(word in profile.text for word in term.alternatives) for term in question.terms]
    missing = [w * (1 - c) / heaviest for w, c in zip(weights, best.wide, strict=True)]
    usual = [_formality(term.text) if c < 0.5 else 0.0 for term, c in zip(question.terms, best.wide, strict=True)]
    formal = [f * m for f, m in zip(usual, missing, strict=True)]
    far = max(0.0, NEAR - best.found.dense)
    other = next((e.score for e in ranked[1:] if e.passage.text != best.passage.text), best.score - 5)
    return (
        *best.features,
        best.score,
        min(best.score - other, 5.0),
        best.found.dense - sum(e.found.dense for e in ranked) / len(ranked),
        float(not form_met(question, best, profile)),
        max(missing, default=1.0),
        sum(unknown) / len(unknown) if unknown else 1.0,
        max((w / heaviest for w, u in zip(weights, unknown, strict=True) if u), default=0.0),
        float(question.form is Form.WHY),
        float(question.form is Form.LIST),
        float(question.form is Form.AMOUNT),
        float(any(re.search(r"\d", term.text) for term in question.terms)),
        1 - best.own[-1] if best.own else 1.0,
        float(unknown[-1]) if unknown else 1.0,
        max((m for m, u, c in zip(missing, unknown, best.wide, strict=True) if not u and c < 0.5), default=0.0),
        max(formal, default=0.0),
        sum(formal) / len(formal) if formal else 0.0,
        far,
        far * (1 - best.feature("cover_wide")),
        max((f for f, u in zip(usual, unknown, strict=True) if u), default=0.0),
        min(sum(f > USUAL for f in usual), 3) / 3,
        max((_official(t) for t, u in zip(question.terms, unknown, strict=True) if u), default=0.0),
        float(relation_differs(question, best.passage)),
        near_cover(weights, best),
        max((w * (1 - c) / heaviest for w, c in zip(weights, best.near, strict=True)), default=1.0),
        max(best.near, default=0.0),
        *(float(question.form is form) for form in (Form.WHERE, Form.WHO, Form.YESNO, Form.WHAT, Form.HOW)),
        min(len(question.terms), 10) / 10,
        min(len(best.passage.figures), 3) / 3,
        min(len(best.passage.text), 60) / 60,
    )


def near_cover(weights: Sequence[float], evidence: Evidence) -> float:
    """The share of a question's terms, by weight, that passage and surroundings hold but for clauses on other things."""
    return sum(w * c for w, c in zip(weights, evidence.near, strict=True)) / (sum(weights) or 1.0)


def _formality(word: str) -> float:
    """How usual a word is in such documents, 0 to 1: one that they use literally is missed where it is absent."""
    share = report_share()
    if word in share:
        return share[word]
    parts = [share.get(part, 0.0) for part in jieba.lcut(word) if len(part) > 1]
    return min(parts, default=0.0)


def _official(term: Term) -> float:
    """How usual the most usual official word for an everyday one is; 0 for a word that has none."""
    return max((_formality(word) for word in term.alternatives[1:]), default=0.0)


_GROWTH = re.compile(r"增长|增速|增幅|涨|下降|降|提高|提升|回落|上升|增加|减少|压减|压缩")
_SHARE = re.compile(r"占比|比重|占.{0,12}(?:多少|几|比)|比例|覆盖率|率(?:是|为|达|要|目标|提|有)?(?:多少|百分|几)|率$")


def relation_differs(question: Question, passage: Passage) -> bool:
    """Whether a rate of growth stands where a share is asked for, or a share where growth is asked for."""
    if question.unit_class != "percent" or not passage.figures or not passage.is_clause:
        return False
    asks_share = bool(_SHARE.search(question.folded)) and not _GROWTH.search(question.folded)
    asks_growth = bool(re.search(r"增长|增速|增幅|涨|下降", question.folded)) and not _SHARE.search(question.folded)
    says_growth = bool(_GROWTH.search(passage.text))
    says_share = bool(re.search(r"占|比重|比例|率|达", passage.text))
    return (asks_share and says_growth and not says_share) or (asks_growth and not says_growth)


@dataclass(frozen=True, slots=True)
class Confidence:
    """A logistic model and boosted decision trees; the mean of their log-odds is the answer.

    ``linear`` has a weight for each feature. The trees are arrays of shape (trees, nodes); a leaf is its own child on
    both sides. A row goes left where its feature is at most the threshold; the values of the leaves that it reaches add
    up (gradient boosting as in Friedman, 2001). ``start`` is what both models begin with. The trees tell more cases
    apart, the logistic model holds where questions are of a kind that none was fitted on.
    """

    start: float
    linear: npt.NDArray[np.float64]
    feature: npt.NDArray[np.int64]
    threshold: npt.NDArray[np.float64]
    left: npt.NDArray[np.int64]
    right: npt.NDArray[np.int64]
    value: npt.NDArray[np.float64]

    def probability(self, row: Sequence[float]) -> float:
        """The probability that the document answers the question, from the values of ``CONFIDENCE_FEATURES``."""
        values = np.asarray(row, dtype=np.float64)
        trees = np.arange(len(self.feature))
        node = np.zeros(len(self.feature), dtype=np.int64)
        while True:
            is_left = values[self.feature[trees, node]] <= self.threshold[trees, node]
            child = np.where(is_left, self.left[trees, node], self.right[trees, node])
            if (child == node).all():
                break
            node = child
        odds = self.start + (float(values @ self.linear) + float(self.value[trees, node].sum())) / 2
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, odds))))

    @classmethod
    def undecided(cls, features: int) -> Confidence:
        """Even odds for everything, for where nothing has been fitted yet."""
        leaf = np.zeros((1, 1))
        return cls(
            0.0, np.zeros(features), leaf.astype(np.int64), leaf, leaf.astype(np.int64), leaf.astype(np.int64), leaf
        )

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Confidence:
        """From what ``written`` gave."""

        def numbers(name: str) -> npt.NDArray[np.float64]:
            return np.array(data[name], dtype=np.float64)

        def places(name: str) -> npt.NDArray[np.int64]:
            return np.array(data[name], dtype=np.int64)

        return cls(
            start=float(data["start"]),
            linear=numbers("linear"),
            feature=places("feature"),
            threshold=numbers("threshold"),
            left=places("left"),
            right=places("right"),
            value=numbers("value"),
        )

    def written(self) -> dict[str, Any]:
        """As JSON values."""
        arrays = ("linear", "feature", "threshold", "left", "right", "value")
        return {"start": self.start, **{name: getattr(self, name).tolist() for name in arrays}}

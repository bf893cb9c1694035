"""How sure it is that the document answers a question, from the evidence found: a calibrated probability."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jieba
import numpy as np
import numpy.typing as npt

from assistant.evidence import FEATURES, Evidence, Profile, near_cover, term_weights
from assistant.question import Form, Question, Term
from assistant.refusal import form_met, relation_differs
from assistant.wordlists import report_share

NEAR = 0.6  # cosine above which a passage counts as near; of right passages, half lie above it
USUAL = 0.2  # share of reports from which a word counts as usual in them

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

"""Fit the weights of the ranking and of the confidence on questions about other documents.

Usage: ``python -m evals.fit --reports REPORTS.jsonl.gz --out assistant/weights/evidence.json``

The questions lie in ``evals/training``; their file names name the report, whose text is taken from ``--reports``. None
of them is about the bundled plan or the second plan, so figures reported on those are figures on unseen documents.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from assistant.compose import group_members
from assistant.confidence import CONFIDENCE_FEATURES, Confidence, describe_evidence
from assistant.evidence import FEATURES, Profile, order
from assistant.normalise import fold, tidy
from assistant.question import Question, understand
from assistant.reading import READING_FEATURES, describe_reading
from assistant.service import PlanAssistant, Weights, load_model
from assistant.settings import Settings
from assistant.wordlists import question_words
from corpus.load import parse_document
from corpus.types import Document, Passage
from evals.grade import right
from evals.types import EvalCase
from index.build import ensure_index
from index.types import ScoredPassage

RANKING_PENALTY = 1e-3  # on the squared standardised weights
READING_PENALTY = 3e-2
FIRST_THRESHOLD = 0.35  # of the confidence that questions without a conversation give
READING_ROUNDS = 2  # earlier questions are read with the weights of the round before
FIRST_READING = tuple(float(name in ("confidence", "typed", "typed_names")) for name in READING_FEATURES)
LOGISTIC_C = 0.3  # inverse of the penalty of the logistic model
MAX_FALSE_REFUSALS = 0.04  # share of rightly found answers that the threshold may refuse on held-out documents


@dataclass(frozen=True, slots=True)
class Example:
    """A question with its candidates and which of them bear the answer; ``group`` is the document's name."""

    group: str
    question: Question
    found: tuple[ScoredPassage, ...]
    is_gold: npt.NDArray[np.bool_]
    answerable: bool
    profile: Profile


def gold_passages(document: Document, passages: Sequence[Passage], case: dict[str, Any]) -> set[str]:
    """Passages that overlap a gold span and, where the gold values are figures, hold one of them."""
    values = [fold(value) for value in case.get("gold_values") or () if any(c.isdigit() for c in value)]
    gold = set()
    for span in case.get("gold_spans") or ():
        position = document.text.find(span)
        while position != -1:
            end = position + len(span)
            gold |= {
                p.passage_id
                for p in passages
                if p.start < end and position < p.end and not p.field
                and (not values or any(value in fold(p.text) for value in values))
            }  # fmt: skip
            position = document.text.find(span, position + 1)
    if case.get("type") == "list":
        gold |= _gold_titles(document, passages, case)
    elif not values:
        gold |= _literal_titles(document, passages, case)
    return gold


def _gold_titles(document: Document, passages: Sequence[Passage], case: dict[str, Any]) -> set[str]:
    """Titles, leads and topics that open a group holding every gold value of a list, and no more than twice as much."""
    values = [fold(value) for value in case["gold_values"]]
    titles = set()
    for opening in passages:
        if opening.field in ("lead", "heading"):
            members = group_members(opening, passages)
            said = fold("".join(member.text for member in members))
            if members and len(values) > 1 and len(members) <= 2 * len(values) and all(v in said for v in values):
                titles.add(opening.passage_id)
    return titles | _literal_titles(document, passages, case)


def _literal_titles(document: Document, passages: Sequence[Passage], case: dict[str, Any]) -> set[str]:
    """Titles and leads that are a gold span themselves."""
    spans = [fold(span) for span in case.get("gold_spans") or ()]
    return {p.passage_id for p in passages if p.field and any(fold(p.text) == s or s in fold(p.text) for s in spans)}


def fit_choice(
    matrices: Sequence[npt.NDArray[np.float64]], rights: Sequence[npt.NDArray[np.bool_]], penalty: float
) -> npt.NDArray[np.float64]:
    """Weights of a linear model under which right rows win: softmax over each question's rows.

    Args:
        matrices: One for each question, of shape (rows, features).
        rights: Which rows are right, at least one of each question's.
        penalty: On the squared standardised weights.
    """
    from scipy.optimize import minimize  # type: ignore[import-untyped]

    scale = np.concatenate(matrices).std(axis=0) + 1e-6
    scaled = [matrix / scale for matrix in matrices]

    def loss(weights: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        total, gradient = 0.0, np.zeros_like(weights)
        for matrix, is_right in zip(scaled, rights, strict=True):
            scores = matrix @ weights
            scores -= scores.max()
            exp = np.exp(scores)
            all_, wanted = exp / exp.sum(), np.where(is_right, exp, 0.0) / exp[is_right].sum()
            total -= np.log(exp[is_right].sum() / exp.sum())
            gradient += matrix.T @ (all_ - wanted)
        count = len(scaled)
        return total / count + penalty * float(weights @ weights), gradient / count + 2 * penalty * weights

    fitted = minimize(loss, np.zeros(len(scale)), jac=True, method="L-BFGS-B", options={"maxiter": 500})
    return np.asarray(fitted.x / scale)


def fit_ranking(examples: Sequence[Example]) -> npt.NDArray[np.float64]:
    """Weights of ``FEATURES`` under which the gold passages come first."""
    known = [example for example in examples if example.is_gold.any()]
    matrices = []
    for example in known:
        ranked = order(example.question, example.found, example.profile, [0.0] * len(FEATURES))
        matrices.append(np.array([evidence.features for evidence in ranked]))
    return fit_choice(matrices, [example.is_gold for example in known], RANKING_PENALTY)


def confidence_rows(
    examples: Sequence[Example], ranking: Sequence[float]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Feature rows and labels; an answerable question whose best passage is wrong teaches neither and is left out."""
    rows, labels = [], []
    for example in examples:
        ranked = order(example.question, example.found, example.profile, ranking)
        if not ranked or not example.question.terms:
            continue
        gold = {f.passage.passage_id for f, is_gold in zip(example.found, example.is_gold, strict=True) if is_gold}
        if example.answerable and ranked[0].passage.passage_id not in gold:
            continue
        rows.append(describe_evidence(example.question, ranked, example.profile))
        labels.append(example.answerable)
    return np.array(rows), np.array(labels)


def fit_confidence(rows: npt.NDArray[np.float64], labels: npt.NDArray[np.bool_]) -> Confidence:
    """A logistic model and boosted trees; what each did on held-out documents is in docs/retrieval.md."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression

    scale = rows.std(axis=0) + 1e-6
    logistic = LogisticRegression(C=LOGISTIC_C, max_iter=5000).fit(rows / scale, labels)

    model = HistGradientBoostingClassifier(
        max_iter=150, learning_rate=0.05, max_leaf_nodes=12, min_samples_leaf=15, l2_regularization=3, random_state=0
    ).fit(rows, labels)
    nodes = [predictors[0].nodes for predictors in model._predictors]
    width = max(map(len, nodes))
    shape = (len(nodes), width)
    feature, left, right = (np.zeros(shape, dtype=np.int64) for _ in range(3))
    threshold, value = np.zeros(shape), np.zeros(shape)
    for t, tree in enumerate(nodes):
        for n, node in enumerate(tree):
            leaf = bool(node["is_leaf"])
            feature[t, n] = 0 if leaf else node["feature_idx"]
            threshold[t, n] = 0.0 if leaf else node["num_threshold"]
            left[t, n], right[t, n] = (n, n) if leaf else (node["left"], node["right"])
            value[t, n] = node["value"] if leaf else 0.0
    start = (float(logistic.intercept_[0]) + float(model._baseline_prediction[0, 0])) / 2
    return Confidence(start, logistic.coef_[0] / scale, feature, threshold, left, right, value)


def held_out(examples: Sequence[Example]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Probabilities for each question from weights fitted on the other documents only, with the labels."""
    probabilities: list[float] = []
    truth: list[bool] = []
    groups = sorted({example.group for example in examples})
    for group in groups:
        others = [example for example in examples if example.group != group]
        ranking = fit_ranking(others)
        confidence = fit_confidence(*confidence_rows(others, list(ranking)))
        rows, labels = confidence_rows([e for e in examples if e.group == group], list(ranking))
        probabilities += [confidence.probability(row) for row in rows]
        truth += [bool(label) for label in labels]
    return np.array(probabilities), np.array(truth)


def threshold_for(probabilities: npt.NDArray[np.float64], truth: npt.NDArray[np.bool_]) -> float:
    """The highest threshold that refuses no more than ``MAX_FALSE_REFUSALS`` of the answerable questions."""
    return float(np.quantile(probabilities[truth], MAX_FALSE_REFUSALS))


def read_cases(path: Path) -> list[dict[str, Any]]:
    """The questions of one training file; wording checks teach neither ranking nor confidence and are left out."""
    cases = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return [case for case in cases if case["type"] != "wording_check"]


def example_of(assistant: PlanAssistant, case: dict[str, Any], question: Question, group: str) -> Example:
    """A question with its candidates."""
    candidates = tuple(assistant.search_all([question])[0])
    gold = gold_passages(assistant.document, assistant.index.passages, case) if case["answerable"] else set()
    is_gold = np.array([candidate.passage.passage_id in gold for candidate in candidates], dtype=np.bool_)
    return Example(group, question, candidates, is_gold, case["answerable"], assistant.profile)


@dataclass(frozen=True, slots=True)
class Conversation:
    """A follow-up that can be answered: a row of ``READING_FEATURES`` for each reading, and which are right."""

    group: str
    rows: npt.NDArray[np.float64]
    is_right: npt.NDArray[np.bool_]


def conversations_of(assistant: PlanAssistant, cases: Sequence[dict[str, Any]], group: str) -> list[Conversation]:
    """Each follow-up with its readings; right are those that lead to a right answer, or else to the right passage."""
    found = []
    for case in cases:
        typed, readings, earlier = assistant.readings(assistant.said(case["question"], case["turns"]))
        readings = [reading for reading in readings if reading.ranked and reading.question.terms]
        if not case["answerable"] or not readings:
            continue
        graded = EvalCase.model_validate(case)
        is_right = [bool(right(graded, assistant.answer(case["question"], reading)).value) for reading in readings]
        if not any(is_right):
            gold = gold_passages(assistant.document, assistant.index.passages, case)
            is_right = [reading.ranked[0].passage.passage_id in gold for reading in readings]
        rows = [describe_reading(reading, typed, earlier, assistant.profile) for reading in readings]
        found.append(Conversation(group, np.array(rows), np.array(is_right)))
    return found


def fit_reading(conversations: Sequence[Conversation]) -> npt.NDArray[np.float64]:
    """Weights of ``READING_FEATURES`` under which right readings win."""
    known = [c for c in conversations if c.is_right.any()]
    return fit_choice([c.rows for c in known], [c.is_right for c in known], READING_PENALTY)


def read_rightly(conversations: Sequence[Conversation]) -> float:
    """The share of follow-ups read rightly with weights fitted on the other documents."""
    right_ones = []
    for group in sorted({c.group for c in conversations}):
        weights = fit_reading([c for c in conversations if c.group != group])
        right_ones += [bool(c.is_right[np.argmax(c.rows @ weights)]) for c in conversations if c.group == group]
    return float(np.mean(right_ones))


def main(arguments: Sequence[str] | None = None) -> int:
    """Fit and write the weights; what held-out documents say of them goes to standard output."""
    parser = argparse.ArgumentParser(prog="python -m evals.fit")
    parser.add_argument("--reports", type=Path, required=True, help="JSONL.gz with id and text")
    parser.add_argument("--questions", type=Path, default=Path("evals/training"))
    parser.add_argument("--index", type=Path, default=Path("var/training"), help="where the reports' indexes are kept")
    parser.add_argument("--out", type=Path, default=Path("assistant/weights/evidence.json"))
    options = parser.parse_args(arguments)
    wanted = {path.stem: path for path in sorted(options.questions.glob("*.jsonl"))}
    with gzip.open(options.reports, "rt", encoding="utf-8") as lines:
        texts = {row["id"]: row["text"] for row in map(json.loads, lines) if row["id"] in wanted}
    settings = Settings.model_construct()
    embedder = load_model(settings)
    blank = Weights((0.0,) * len(FEATURES), FIRST_READING, Confidence.undecided(len(CONFIDENCE_FEATURES)), 0.5)
    assistants: dict[str, PlanAssistant] = {}
    single: list[Example] = []
    following: dict[str, list[dict[str, Any]]] = {}
    for name, path in wanted.items():
        document = parse_document(texts[name], doc_id=name)
        assistants[name] = PlanAssistant(
            ensure_index([document], options.index / name, embedder).index, settings, blank
        )
        cases = [c for c in read_cases(path) if not question_words().declined.search(tidy(c["question"]))]
        following[name] = [case for case in cases if case.get("turns")]
        for case in cases:
            if not case.get("turns"):
                question = understand(tidy(case["question"]), document)
                single.append(example_of(assistants[name], case, question, name))
    ranking = fit_ranking(single)
    confidence = fit_confidence(*confidence_rows(single, list(ranking)))
    weights = Weights(tuple(ranking), FIRST_READING, confidence, FIRST_THRESHOLD)
    conversations: list[Conversation] = []
    for _ in range(READING_ROUNDS):
        conversations = []
        for name, assistant in assistants.items():
            assistant = PlanAssistant(assistant.index, settings, weights)
            conversations += conversations_of(assistant, following[name], name)
        weights = replace(weights, reading=tuple(fit_reading(conversations)))
    examples = list(single)
    for name, assistant in assistants.items():
        assistant = PlanAssistant(assistant.index, settings, weights)
        for case in following[name]:
            reading = assistant.read(case["question"], case["turns"])
            examples.append(example_of(assistant, case, reading.question, name))
    probabilities, truth = held_out(examples)
    threshold = threshold_for(probabilities, truth)
    ranking = fit_ranking(examples)
    confidence = fit_confidence(*confidence_rows(examples, list(ranking)))
    fitted = {
        "ranking": dict(zip(FEATURES, map(float, ranking), strict=True)),
        "reading": dict(zip(READING_FEATURES, weights.reading, strict=True)),
        "confidence": {"features": list(CONFIDENCE_FEATURES), **confidence.written()},
        "threshold": threshold,
    }
    options.out.write_text(json.dumps(fitted) + "\n", encoding="utf-8")
    refused = float((probabilities[~truth] < threshold).mean())
    sys.stdout.write(
        f"{len(examples)} questions on {len(wanted)} reports; held out by report: threshold {threshold:.3f}, "
        f"unanswerable refused by it {refused:.3f}; {len(conversations)} follow-ups, {read_rightly(conversations):.3f} "
        "of them read rightly\n"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""Means of scores with bootstrap intervals, over all questions and by type or persona."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from corpus.types import Document
from evals.retrieval import MEASURES as RETRIEVAL
from evals.retrieval import retrieval_scores
from evals.run import score_results
from evals.types import EvalCase, Result, Score

OVERALL = "all"
RESAMPLES = 2_000
_SEED = 20240815

MEASURES: Mapping[str, str] = {
    "right": "整体正确：可回答的答对、不可回答的拒答、核对结论正确",
    "found": "可回答的题中，答案的值都说到了（不论另外说了什么）",
    "right_refusal": "不可回答的题被拒答",
    "not_refused": "可回答的题没有被拒答",
    "right_year": "年份对比题没有混入另一年的值",
    "right_wording": "核对题的结论与原文正确",
    "bound": "答案里的每个数字都在引文中",
    "citations_slice": "每条引文与原文位置逐字相符",
    "citation_precision": "引文落在答案所在处的比例",
    "citation_recall": "答案所在处被引用的比例",
    "success@1": "第一条段落含答案",
    "recall@1": "前 1 条段落含有的答案处的比例",
    "recall@5": "前 5 条段落含有的答案处的比例",
    "recall@10": "前 10 条段落含有的答案处的比例",
    "ndcg@10": "nDCG@10",
    "rr": "第一处答案名次的倒数（RR）",
}


@dataclass(frozen=True, slots=True)
class Mean:
    """The mean of one measure over ``n`` questions with its 95 % bootstrap interval."""

    measure: str
    group: str
    n: int
    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds of whole answers: median, 95th percentile and the longest."""

    n: int
    p50: float
    p95: float
    longest: float


def all_scores(results: Sequence[Result], documents: Mapping[str, Document]) -> list[Score]:
    """The scores of answers and of retrieval."""
    return [*score_results(results, documents), *retrieval_scores(results, documents)]


def overall(case: EvalCase) -> str:
    """One group for all questions."""
    return OVERALL


def by_type(case: EvalCase) -> str:
    """A group for each type of question."""
    return case.type


def by_persona(case: EvalCase) -> str:
    """A group for each kind of asker."""
    return case.persona or "-"


def means(scores: Iterable[Score], cases: Iterable[EvalCase], group: Callable[[EvalCase], str] = overall) -> list[Mean]:
    """The mean of every measure in every group.

    Args:
        scores: Scores of any measures.
        cases: The questions that were scored.
        group: Names the group of a question.

    Returns:
        Means ordered by group, then by measure as in ``MEASURES``; no entry where a group has no score of a measure.
    """
    groups = {case.id: group(case) for case in cases}
    values: dict[tuple[str, str], list[float]] = defaultdict(list)
    for score in scores:
        values[groups[score.case_id], score.measure].append(score.value)
    order = {name: position for position, name in enumerate(MEASURES)}
    keys = sorted(values, key=lambda key: (key[0], order.get(key[1], len(order)), key[1]))
    found = []
    for name, measure in keys:
        low, high = interval(values[name, measure])
        sample = values[name, measure]
        found.append(Mean(measure, name, len(sample), sum(sample) / len(sample), low, high))
    return found


def interval(values: Sequence[float]) -> tuple[float, float]:
    """The 95 % percentile bootstrap interval of the mean; the value itself where all values are equal.

    Raises:
        ValueError: There is no value.

    >>> interval([1.0, 1.0])
    (1.0, 1.0)
    """
    if not values:
        raise ValueError("没有数值，无法计算区间。")
    if min(values) == max(values):
        return values[0], values[0]
    import numpy as np
    from scipy.stats import bootstrap  # type: ignore[import-untyped]

    result = bootstrap(
        (np.asarray(values),), np.mean, n_resamples=RESAMPLES, method="percentile", rng=np.random.default_rng(_SEED)
    )
    return float(result.confidence_interval.low), float(result.confidence_interval.high)


def latency(results: Sequence[Result]) -> Latency | None:
    """How long the answers took; ``None`` without answers."""
    if not results:
        return None
    seconds = [result.seconds for result in results]
    return Latency(len(seconds), percentile(seconds, 50), percentile(seconds, 95), max(seconds))


def percentile(values: Sequence[float], percent: float) -> float:
    """The value that ``percent`` of the values do not exceed, between two of them by proportion."""
    import numpy as np

    return float(np.percentile(np.asarray(values), percent))


def is_retrieval(measure: str) -> bool:
    """Whether a measure looks at the index alone."""
    return measure in RETRIEVAL

"""How well the index finds what is asked, as trec_eval measures it.

The relevant items are the gold spans of a question, not passages: a retrieved passage stands for every span that it
bears, so rankings over clauses, sentences or paragraphs compare. A passage bears a span where they overlap by at least
half of the shorter one and the passage says one of the gold values that stand in the span; a clause that only borrows
its subject from the right one does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from corpus.types import Document
from evals.fold import contains
from evals.grade import is_citable, places
from evals.types import EvalCase, Result, Retrieved, Score

MEASURES: Mapping[str, str] = {
    "success@1": "Success@1",
    "recall@1": "R@1",
    "recall@5": "R@5",
    "recall@10": "R@10",
    "ndcg@10": "nDCG@10",
    "rr": "RR",
}


def retrieval_scores(results: Sequence[Result], documents: Mapping[str, Document]) -> list[Score]:
    """The retrieval measures of every answerable question; one for which nothing was returned scores 0.

    Args:
        results: Answers with the passages retrieved for them.
        documents: The documents searched, by ``doc_id``.

    Returns:
        Scores in the order of the results, measures in the order of ``MEASURES``.
    """
    import ir_measures

    judged = [result for result in results if is_citable(result.case)]
    qrels = {result.case.id: {_span_id(n): 1 for n in range(len(result.case.gold_spans))} for result in judged}
    runs = {result.case.id: _ranking(result.case, result.retrieved, documents) for result in judged}
    measures = {ir_measures.parse_measure(parsed): name for name, parsed in MEASURES.items()}
    values: dict[tuple[str, str], float] = {}
    if any(runs.values()):
        for metric in ir_measures.iter_calc(list(measures), qrels, {key: run for key, run in runs.items() if run}):
            values[metric.query_id, measures[metric.measure]] = float(metric.value)
    return [
        Score(result.case.id, name, values.get((result.case.id, name), 0.0), _reason(runs[result.case.id]))
        for result in judged
        for name in MEASURES
    ]


def bears(case: EvalCase, span: str, passage: Retrieved, documents: Mapping[str, Document]) -> bool:
    """Whether a passage bears a gold span of the case."""
    return any(
        doc_id == passage.doc_id
        and 2 * (min(end, passage.end) - max(start, passage.start)) >= min(end - start, passage.end - passage.start)
        for doc_id, start, end in places(span, documents)
    ) and _says_a_value(case, span, passage.text)


def _says_a_value(case: EvalCase, span: str, text: str) -> bool:
    inside = [group for group in case.spellings() if any(contains(span, spelling) for spelling in group)]
    return not inside or any(contains(text, spelling) for group in inside for spelling in group)


def _span_id(number: int) -> str:
    return f"span-{number}"


def _ranking(case: EvalCase, retrieved: Iterable[Retrieved], documents: Mapping[str, Document]) -> dict[str, float]:
    """The ranking with every passage replaced by the spans that it is the first to bear."""
    ranking: list[str] = []
    for passage in retrieved:
        borne = [_span_id(n) for n, span in enumerate(case.gold_spans) if bears(case, span, passage, documents)]
        ranking.extend([name for name in borne if name not in ranking] or [f"{passage.doc_id} {passage.passage_id}"])
    return {name: -float(rank) for rank, name in reversed(list(enumerate(ranking, start=1)))}


def _reason(ranking: Mapping[str, float]) -> str:
    found = sorted(int(-score) for name, score in ranking.items() if name.startswith("span-"))
    return f"答案在第 {'、'.join(map(str, found))} 位" if found else "前列段落中没有答案"

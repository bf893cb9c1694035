"""What a reader could use instead: the one best sentence by some ranking, given back as the answer, never refusing."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from assistant.types import Answer, Citation, Status
from corpus.types import Document
from evals.run import SearchIndex
from index.types import ScoredPassage

ORDERS: Mapping[str, str] = {"keyword": "sparse", "dense": "dense", "top-sentence": "score"}
_ALL_PASSAGES = 100_000


@dataclass(frozen=True, slots=True)
class ReorderedIndex:
    """An index whose passages are ranked by one of its scores alone; equal scores keep the index's order."""

    index: SearchIndex
    order: str

    def search(self, query: str, *, k: int = 10) -> list[ScoredPassage]:
        """The ``k`` best passages by the one score, ranks counted anew from 1."""
        if self.order == "score":
            return self.index.search(query, k=k)
        found = self.index.search(query, k=_ALL_PASSAGES)
        best = sorted(found, key=lambda scored: -float(getattr(scored, self.order)))[:k]
        return [replace(scored, rank=rank) for rank, scored in enumerate(best, start=1)]


class TopSentence:
    """Answers with the sentence of the best passage.

    Args:
        name: ``keyword`` (BM25), ``dense`` (cosine) or ``top-sentence`` (the fused score).
        index: Where to search.
        documents: The documents searched, by ``doc_id``.
    """

    def __init__(self, name: str, index: SearchIndex, documents: Mapping[str, Document]) -> None:
        self.name = name
        self.index = ReorderedIndex(index, ORDERS[name])
        self.documents = documents

    def ask(self, question: str, turns: Sequence[str] = ()) -> Answer:
        """The best sentence for the question and the turns before it, taken together as one query."""
        start = time.perf_counter()
        query = " ".join((*turns, question))
        found = self.index.search(query, k=1)
        retrieved = time.perf_counter()
        citations = tuple(self._citation(scored) for scored in found)
        answer = f"{citations[0].quote.strip()}[1]" if citations else ""
        milliseconds = round((retrieved - start) * 1000, 3)
        return Answer(
            question=question,
            standalone_question=query,
            status=Status.ANSWERED,
            answer=answer,
            citations=citations,
            answerer=self.name,
            timings_ms={"retrieve": milliseconds, "total": milliseconds},
        )

    def _citation(self, scored: ScoredPassage) -> Citation:
        passage, document = scored.passage, self.documents[scored.doc_id]
        start, end = passage.sentence_start, passage.sentence_end
        return Citation(
            n=1,
            document=scored.doc_id,
            paragraph=passage.paragraph_id,
            section="".join(passage.section),
            quote=document.text[start:end],
            start=start,
            end=end,
            sha256=document.sha256,
        )

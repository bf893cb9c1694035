"""What the index gives back."""

from __future__ import annotations

from dataclasses import dataclass

from corpus.types import Passage


@dataclass(frozen=True, slots=True)
class ScoredPassage:
    """A passage found for a query; higher is better in every score.

    ``dense`` is the cosine of query and passage, ``sparse`` the BM25 score (0 where no term is shared), ``score`` the
    fused score that the list is ordered by and ``rank`` its place, counted from 1. ``doc_id`` names the document.
    """

    passage: Passage
    doc_id: str
    dense: float
    sparse: float
    score: float
    rank: int

"""Search an index: nearest vectors and shared words, fused."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from corpus.types import Document, Kind, Passage
from index.embedder import Embedder
from index.keyword import KeywordIndex
from index.manifest import Contents, Manifest
from index.store import Build, store_errors
from index.types import ScoredPassage

# Passages that Chroma is asked for at least; the lowest of their cosines stands for all others.
DENSE_CANDIDATES = 64
# Share of the dense score in the fused one, the rest is BM25's. Mean reciprocal rank on 166 development questions with
# the bundled model: .853 dense alone, .731 BM25 alone, .863 with this share; the right passage was among the
# first 40 every time. To be chosen anew with another model.
DENSE_WEIGHT = 0.6


@dataclass(frozen=True, slots=True)
class Filter:
    """Which passages a search may return; ``None`` leaves a field open."""

    doc_id: str | None = None
    year: int | None = None
    kind: Kind | None = None


class Index:
    """An opened index: the documents, their passages and the means to search them. Safe to use from several threads.

    ``passages`` and ``doc_ids`` run in parallel, in reading order, document after document.

    Args:
        contents: The documents and what was made from them.
        manifest: What the build was made from.
        build: The opened build; closed with the index, or when the index is forgotten.
        embedder: The model that the build was made with.
    """

    def __init__(self, contents: Contents, manifest: Manifest, build: Build, embedder: Embedder) -> None:
        self.documents: dict[str, Document] = {document.doc_id: document for document in contents.documents}
        self.passages: tuple[Passage, ...] = contents.passages
        self.doc_ids: tuple[str, ...] = contents.doc_ids
        self.manifest = manifest
        self.embedder = embedder
        self._build = build
        self._keyword = KeywordIndex(contents.passages)
        self._doc_id_of_row = np.array(contents.doc_ids, dtype=object)
        self._year_of_row = np.array([passage.year or 0 for passage in contents.passages], dtype=np.int64)
        self._kind_of_row = np.array([passage.kind.value for passage in contents.passages], dtype=object)
        self._finalizer = weakref.finalize(self, build.close)

    def close(self) -> None:
        """Close the store; a search after that fails."""
        self._finalizer()

    def search(
        self,
        query: str,
        *,
        k: int = 40,
        keywords: str | None = None,
        query_vector: npt.NDArray[np.float32] | None = None,
        where: Filter | None = None,
    ) -> list[ScoredPassage]:
        """The passages that fit a query best.

        Args:
            query: A question or some words.
            k: How many passages to return at most.
            keywords: Words for the keyword side where it shall look for others than the query's, such as the official
                words for everyday ones.
            query_vector: The query's vector where it is known already, normalised.
            where: Which passages may be returned.

        Returns:
            Passages that are near or share a term, best first, equal ones in reading order; empty for a blank query.
            ``dense`` of a passage that is not among the nearest is the lowest cosine among those.

        Raises:
            IndexStoreError: The store cannot be read any more.
        """
        if not query.strip() or k < 1:
            return []
        vector = self.embedder.encode_queries([query])[0] if query_vector is None else query_vector
        allowed = self._allowed(where)
        count = min(max(k, DENSE_CANDIDATES), int(allowed.sum()))
        if not count:
            return []
        with store_errors(self._build.path.parent, "查询索引"):
            places, cosines = self._build.nearest(vector, count, _chroma_filter(where))
        sparse = self._keyword.scores(query if keywords is None else keywords)
        dense = np.full(len(self.passages), cosines.min() if len(cosines) else 0.0, dtype=np.float32)
        dense[places] = cosines
        is_candidate = sparse > 0
        is_candidate[places] = True
        rows = np.flatnonzero(is_candidate & allowed)
        fused = fuse(dense[rows], sparse[rows])
        best = np.argsort(-fused, kind="stable")[:k]
        return [
            ScoredPassage(
                self.passages[row], self.doc_ids[row], float(dense[row]), float(sparse[row]), float(score), rank
            )
            for rank, (row, score) in enumerate(zip(rows[best], fused[best], strict=True), start=1)
        ]

    def _allowed(self, where: Filter | None) -> npt.NDArray[np.bool_]:
        allowed = np.ones(len(self.passages), dtype=np.bool_)
        if where is not None:
            if where.doc_id is not None:
                allowed &= self._doc_id_of_row == where.doc_id
            if where.year is not None:
                allowed &= self._year_of_row == where.year
            if where.kind is not None:
                allowed &= self._kind_of_row == where.kind.value
        return allowed


def fuse(dense: Sequence[float] | npt.NDArray[np.float32], sparse: Sequence[float] | npt.NDArray[np.float32]) -> Any:
    """Weighted sum of two scores, each stretched to 0–1 over the candidates; a score equal for all counts nothing.

    >>> fuse([0.8, 0.9, 0.85], [0, 4, 8]).round(2).tolist()
    [0.0, 0.8, 0.7]
    """
    return DENSE_WEIGHT * _min_max(dense) + (1 - DENSE_WEIGHT) * _min_max(sparse)


def _min_max(scores: Sequence[float] | npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    values = np.asarray(scores, dtype=np.float64)
    if not len(values):
        return values
    low, high = values.min(), values.max()
    return (values - low) / (high - low) if high > low else np.zeros_like(values)


def _chroma_filter(where: Filter | None) -> dict[str, Any] | None:
    """The filter in Chroma's form, which wants a single condition bare and several under ``$and``."""
    if where is None:
        return None
    conditions: list[dict[str, Any]] = []
    if where.doc_id is not None:
        conditions.append({"doc_id": where.doc_id})
    if where.year is not None:
        conditions.append({"year": where.year})
    if where.kind is not None:
        conditions.append({"kind": where.kind.value})
    if not conditions:
        return None
    return conditions[0] if len(conditions) == 1 else {"$and": conditions}

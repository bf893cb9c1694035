"""The index as a LangChain retriever."""

from __future__ import annotations

import asyncio
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForRetrieverRun, CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import ConfigDict, Field

from index.retrieve import Filter, Index
from index.types import ScoredPassage


class PlanRetriever(BaseRetriever):
    """Gives the passages that fit a question best as LangChain documents, best first.

    ``page_content`` is the passage's own text, which may be quoted; where it stands is in the metadata.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    index: Index
    k: int = Field(default=8, ge=1)
    where: Filter | None = None

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        return [as_langchain(found) for found in self.index.search(query, k=self.k, where=self.where)]

    async def _aget_relevant_documents(
        self, query: str, *, run_manager: AsyncCallbackManagerForRetrieverRun
    ) -> list[Document]:
        found = await asyncio.to_thread(self.index.search, query, k=self.k, where=self.where)
        return [as_langchain(one) for one in found]


def as_langchain(found: ScoredPassage) -> Document:
    """One passage found as a LangChain document; every value of its metadata is plain JSON."""
    passage = found.passage
    metadata: dict[str, Any] = {
        "passage_id": passage.passage_id,
        "doc_id": found.doc_id,
        "paragraph": passage.paragraph_id,
        "section": list(passage.section),
        "year": passage.year,
        "kind": passage.kind.value,
        "start": passage.start,
        "end": passage.end,
        "score": found.score,
        "dense": found.dense,
        "sparse": found.sparse,
        "rank": found.rank,
    }
    return Document(page_content=passage.text, metadata=metadata, id=f"{found.doc_id}/{passage.passage_id}")

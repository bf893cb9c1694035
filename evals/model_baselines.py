"""What a reader could do with a language model instead: the whole plan in the prompt, or the common quick-start chain.

Both are given every chance: the same model, a plain instruction in Chinese to keep to the text and to say 文件未提及 where it
is silent. Neither cites, so their answers are graded on what they say alone, held against all that they were shown.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from langchain_core.embeddings import Embeddings
from langchain_core.messages import HumanMessage, SystemMessage
from langchain_core.runnables import Runnable
from langchain_core.vectorstores import InMemoryVectorStore
from langchain_text_splitters import RecursiveCharacterTextSplitter

from assistant.types import Answer, Citation, Status
from corpus.types import Document
from evals.run import Answerer, SearchIndex
from index.embedder import Embedder, load_embedder

CHUNK_CHARS, CHUNK_OVERLAP, TOP_K = 1_000, 200, 4  # as the quick-start guides of the field have them
INSTRUCTION = (
    "你是政府文件问答助手。只根据下面的资料，用一两句话直接回答问题；数字照抄资料。资料没有写明的，只回答“文件未提及”。"
)
SILENT = re.compile(
    r"未提及|没有提及|未提到|没有提到|未说明|没有说明|无法(?:回答|确定|得知)|没有(?:相关|给出|明确)|未(?:明确|给出)"
)

Model = Runnable[Any, Any]


class IndexEmbeddings(Embeddings):
    """The embedding model of an index, as LangChain takes it."""

    def __init__(self, answerer: Answerer) -> None:
        self._embedder: Embedder = getattr(answerer.index, "embedder", None) or load_embedder(None)

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """One vector for each text, in order."""
        return [[float(x) for x in row] for row in self._embedder.encode_passages(texts)]

    def embed_query(self, text: str) -> list[float]:
        """The vector of a question."""
        return [float(x) for x in self._embedder.encode_queries([text])[0]]


class WholePlan:
    """The whole document in the prompt, the question behind it."""

    name = "whole-plan"

    def __init__(
        self, model: Model, index: SearchIndex, documents: Mapping[str, Document], provider: object = None
    ) -> None:
        """Take the model; ``provider`` is what runs it and is kept so that it goes on running."""
        self.index = index
        self.documents = documents
        self._model = model
        self._provider = provider

    def ask(self, question: str, turns: Sequence[str] = ()) -> Answer:
        """The model's words on the question, with the earlier questions before it."""
        shown = "\n\n".join(document.text for document in self.documents.values())
        return _asked(self._model, self.name, shown, question, turns, lambda: _whole(self.documents))


class QuickStart:
    """Chunks of 1,000 characters, the four nearest to the question in the prompt."""

    name = "quick-start"

    def __init__(
        self,
        model: Model,
        index: SearchIndex,
        documents: Mapping[str, Document],
        embeddings: Embeddings,
        provider: object = None,
    ) -> None:
        """Take the model and cut the documents; ``provider`` is kept as in :class:`WholePlan`."""
        self.index = index
        self.documents = documents
        self._model = model
        self._provider = provider
        splitter = RecursiveCharacterTextSplitter(
            chunk_size=CHUNK_CHARS, chunk_overlap=CHUNK_OVERLAP, add_start_index=True
        )
        self._store = InMemoryVectorStore(embeddings)
        for name, document in documents.items():
            self._store.add_documents(splitter.create_documents([document.text], [{"document": name}]))

    def ask(self, question: str, turns: Sequence[str] = ()) -> Answer:
        """The model's words on the question over the chunks nearest to it and the earlier questions."""
        found = self._store.similarity_search(" ".join((*turns, question)), k=TOP_K)
        shown = "\n\n".join(chunk.page_content for chunk in found)

        def cited() -> tuple[Citation, ...]:
            return tuple(
                _citation(
                    n, self.documents[chunk.metadata["document"]], chunk.metadata["start_index"], chunk.page_content
                )
                for n, chunk in enumerate(found, start=1)
            )

        return _asked(self._model, self.name, shown, question, turns, cited)


def _asked(
    model: Model,
    name: str,
    shown: str,
    question: str,
    turns: Sequence[str],
    cited: Callable[[], tuple[Citation, ...]],
) -> Answer:
    start = time.perf_counter()
    earlier = "".join(f"（此前问过：{turn}）\n" for turn in turns)
    messages = [SystemMessage(f"{INSTRUCTION}\n\n资料：\n{shown}"), HumanMessage(f"{earlier}{question}")]
    first = 0.0
    said = ""
    for piece in model.stream(messages):
        first = first or time.perf_counter() - start
        said += str(piece.content)
    is_silent = bool(SILENT.search(said))
    return Answer(
        question=question,
        standalone_question=question,
        status=Status.NOT_FOUND if is_silent else Status.ANSWERED,
        answer=said.strip(),
        citations=() if is_silent else cited(),
        answerer=name,
        timings_ms={"first_words": round(1000 * first, 1), "total": round(1000 * (time.perf_counter() - start), 1)},
    )


def _whole(documents: Mapping[str, Document]) -> tuple[Citation, ...]:
    return tuple(_citation(n, document, 0, document.text) for n, document in enumerate(documents.values(), start=1))


def _citation(n: int, document: Document, start: int, quote: str) -> Citation:
    return Citation(n, document.doc_id, "", "", quote, start, start + len(quote), document.sha256)

"""Open what is to be evaluated: the assistant, or a baseline over the assistant's index."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from corpus.errors import RequestError
from corpus.load import load_document
from corpus.types import Document
from evals.baselines import ORDERS, TopSentence
from evals.run import Answerer

ANSWERERS = ("quote", *ORDERS)


def open_answerer(name: str, sources: Sequence[Path] = (), *, base: Answerer | None = None) -> Answerer:
    """Open an answerer by name.

    Args:
        name: ``quote`` (the assistant) or a baseline.
        sources: Documents in place of the bundled plan; empty for the plan.
        base: An answerer whose index a baseline searches, in place of opening the index again.

    Raises:
        RequestError: There is no such answerer.
    """
    if name not in ANSWERERS:
        raise RequestError(f"没有名为 {name} 的回答器，可用：{'、'.join(ANSWERERS)}。")
    base = base or open_assistant(sources)
    return TopSentence(name, base.index, base.documents) if name in ORDERS else base


def open_assistant(sources: Sequence[Path]) -> Answerer:
    """The assistant of the settings, over ``sources`` or the bundled plan; its index is built where it is stale."""
    from assistant.service import open_assistant
    from assistant.settings import load_settings

    return open_assistant(load_settings(), sources)


def open_documents(sources: Sequence[Path] = ()) -> dict[str, Document]:
    """The documents that stored answers are scored against, without opening an index: the plan where none are given."""
    if not sources:
        from assistant.settings import bundled_documents

        sources = bundled_documents()
    documents = [load_document(source) for source in sources]
    return {document.doc_id: document for document in documents}


def fingerprint_of(answerer: Answerer) -> str:
    """The fingerprint of the answerer's settings, empty where it has none."""
    settings = getattr(answerer, "settings", None)
    return str(settings.fingerprint()) if settings is not None and hasattr(settings, "fingerprint") else ""


def query_encoder(answerer: Answerer) -> Callable[[Sequence[str]], object]:
    """What embeds a question as the answerer's index does."""
    from index.embedder import load_embedder

    embedder = getattr(answerer.index, "embedder", None) or load_embedder(None)
    encode: Callable[[Sequence[str]], object] = embedder.encode_queries
    return encode


def forgetter(answerer: Answerer) -> Callable[[], None]:
    """What makes an answerer forget the conversations that it remembers; nothing to do for one that remembers none."""
    forget: Callable[[], None] = getattr(answerer, "forget", lambda: None)
    return forget

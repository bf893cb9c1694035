"""Open what is to be evaluated: the assistant, or a baseline over the assistant's index."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from corpus.errors import RequestError
from corpus.load import load_document
from corpus.types import Document
from evals.baselines import ORDERS, TopSentence
from evals.run import Answerer

GENERATED = "generated"
ON_MODEL = ("whole-plan", "quick-start")
WITHOUT_MODEL = ("quote", *ORDERS)  # what ``all`` means
ANSWERERS = (*WITHOUT_MODEL, GENERATED, *ON_MODEL)
BASELINE_CONTEXT = 8_192  # tokens; the whole plan takes some 4,700, four chunks 2,700
BASELINE_ANSWER = 200  # tokens, as much as an answer of the assistant takes
BASELINE_TIMEOUT_S = 300.0  # nobody would wait so long, but a wrong answer is told from a late one


def open_answerer(name: str, sources: Sequence[Path] = (), *, base: Answerer | None = None) -> Answerer:
    """Open an answerer by name.

    Args:
        name: ``quote`` (the assistant), ``generated`` (with the language model of the settings), ``whole-plan`` or
            ``quick-start`` (what else could be done with that model), or a baseline without a model.
        sources: Documents in place of the bundled plan; empty for the plan.
        base: An answerer whose index a baseline searches, in place of opening the index again.

    Raises:
        RequestError: There is no such answerer.
    """
    if name not in ANSWERERS:
        raise RequestError(f"没有名为 {name} 的回答器，可用：{'、'.join(ANSWERERS)}。")
    if name == GENERATED:
        return open_generating(sources)
    base = base or open_assistant(sources)
    if name in ON_MODEL:
        return _on_model(name, base)
    return TopSentence(name, base.index, base.documents) if name in ORDERS else base


def open_assistant(sources: Sequence[Path]) -> Answerer:
    """The assistant of the settings, over ``sources`` or the bundled plan; its index is built where it is stale."""
    from assistant.service import open_assistant
    from assistant.settings import load_settings

    return open_assistant(load_settings(), sources)


def open_generating(sources: Sequence[Path]) -> Answerer:
    """The assistant with the language model of the settings, which is started.

    Raises:
        RequestError: No language model is set up.
    """
    from assistant.generation.assistant import GeneratingAssistant
    from assistant.generation.choose import choose, open_answering
    from assistant.settings import load_settings

    settings = load_settings()
    assistant = open_answering(settings, sources)
    if not isinstance(assistant, GeneratingAssistant):
        raise RequestError(f"没有可评测的语言模型：{choose(settings).reason}。")
    assistant.writer.warm_up()
    return assistant


def _on_model(name: str, base: Answerer) -> Answerer:
    """A baseline on the language model of the settings."""
    from assistant.generation.choose import choose
    from assistant.generation.local_model import LocalModel
    from assistant.settings import load_settings
    from evals.model_baselines import IndexEmbeddings, QuickStart, WholePlan

    choice = choose(load_settings())
    provider = choice.provider
    if provider is None:
        raise RequestError(f"没有可评测的语言模型：{choice.reason}。")
    if isinstance(provider, LocalModel):
        provider = LocalModel(provider.path, provider.name, BASELINE_CONTEXT)
    model = provider.endpoint().chat_model(max_tokens=BASELINE_ANSWER, timeout_s=BASELINE_TIMEOUT_S)
    if name == WholePlan.name:
        return WholePlan(model, base.index, base.documents, provider)
    return QuickStart(model, base.index, base.documents, IndexEmbeddings(base), provider)


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

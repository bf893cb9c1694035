"""Which way of answering the settings mean: quotations only, a model server, or the local model."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from assistant.generation.endpoint import Endpoint
from assistant.generation.local_model import LocalModel, is_available
from assistant.generation.model_store import default_model_dir, installed, known_models, model_at
from assistant.generation.writer import Fixed, Provider, Writer
from assistant.service import PlanAssistant, open_index_of
from assistant.settings import Settings
from corpus.errors import SettingsError


@dataclass(frozen=True, slots=True)
class Choice:
    """What answers: ``provider`` is ``None`` for quotations only; ``reason`` says in a sentence why it is so."""

    provider: Provider | None
    reason: str


def choose(settings: Settings) -> Choice:
    """What the settings mean; nothing is started or asked.

    Raises:
        SettingsError: They name a way of answering that is not set up.
        RequestError: The local model that they name is no model.
    """
    if settings.answerer == "quote":
        return Choice(None, "按设置只摘录原文")
    if settings.answerer == "openai" or (settings.answerer == "auto" and settings.llm_base_url):
        return _server(settings)
    path = _local_path(settings)
    if settings.answerer == "local":
        return _local(path)
    if path is not None and is_available():
        return Choice(_local_model(path), "已装有本地模型")
    return Choice(None, "没有配置模型服务，也没有装本地模型，只摘录原文")


def _server(settings: Settings) -> Choice:
    if not settings.llm_base_url.startswith(("http://", "https://")):
        raise SettingsError(
            f"设置 LAIWU_LLM_BASE_URL 的值“{settings.llm_base_url}”不是模型服务的地址，应如 http://127.0.0.1:8000/v1。"
        )
    if not settings.llm_model:
        raise SettingsError("没有设置 LAIWU_LLM_MODEL，请写明模型服务上的模型名称。")
    endpoint = Endpoint(
        settings.llm_base_url, settings.llm_model, settings.llm_model, settings.llm_api_key.get_secret_value()
    )
    return Choice(Fixed(endpoint), "已配置模型服务")


def _local(path: Path | None) -> Choice:
    if path is None:
        raise SettingsError(
            "没有找到本地模型，请先运行 laiwu-plan model install，或用 LAIWU_LOCAL_MODEL 指定 GGUF 文件。"
        )
    if not is_available():
        raise SettingsError("没有安装运行本地模型的组件 xllamacpp，请运行 scripts/install local。")
    return Choice(_local_model(path), "按设置使用本地模型")


def _local_path(settings: Settings) -> Path | None:
    """The model file that is meant; ``None`` where none is named and none is installed."""
    return model_at(settings.local_model) if settings.local_model else installed(default_model_dir())


def _local_model(path: Path) -> LocalModel:
    known = next((model.name for model in known_models() if model.file_name == path.name), path.stem)
    return LocalModel(path, known)


def open_answering(
    settings: Settings, sources: Iterable[Path] = (), progress: Callable[[int, int], None] | None = None
) -> PlanAssistant:
    """The assistant that the settings mean, on the bundled documents or on others.

    Raises:
        SettingsError: As :func:`choose`.
    """
    provider = choose(settings).provider
    index = open_index_of(settings, sources, progress).index
    if provider is None:
        return PlanAssistant(index, settings)
    from assistant.generation.assistant import GeneratingAssistant

    writer = Writer(provider, timeout_s=settings.llm_timeout_s, max_tokens=settings.llm_max_tokens)
    return GeneratingAssistant(index, settings, writer)

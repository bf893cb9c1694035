"""The manifest: what the served index was built from. The file is the pointer to the served collection."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from corpus.passages import passages as passages_of
from corpus.types import Document, Passage
from index.text import clean_text
from index.tokens import cut_to_tokens

MANIFEST_NAME = "manifest.json"
MANIFEST_VERSION = 1


@dataclass(frozen=True, slots=True)
class IndexSettings:
    """How an index is built.

    ``max_tokens`` is the most Qwen tokens of a passage's text that are embedded: the bundled model reads 512 of its own
    tokens, of which Chinese text has about as many. ``batch_size`` is the number of texts embedded and stored at once,
    ``lock_timeout_s`` how long to wait for another process that is building. ``schema_version`` goes up when what is
    stored changes its meaning.
    """

    max_tokens: int = 480
    batch_size: int = 64
    schema_version: int = 2
    lock_timeout_s: float = 300.0


@dataclass(frozen=True, slots=True)
class DocumentEntry:
    """One document of an index."""

    doc_id: str
    sha256: str
    title: str
    passages: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an index was built from, where it lies and when it was built.

    ``settings`` are those that change what is stored. ``counts`` are ``passages`` and ``cut`` (embedded up to
    ``max_tokens`` only). ``fingerprint`` covers what is stored for every passage, so a change of the segmentation is
    noticed. ``created`` is the UTC time in ISO 8601.
    """

    documents: tuple[DocumentEntry, ...]
    model: str
    dimension: int
    settings: dict[str, int]
    counts: dict[str, int]
    fingerprint: str
    collection: str
    created: str
    version: int = MANIFEST_VERSION

    def to_json(self) -> str:
        """The manifest as written to the file."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Manifest:
        """Read what ``to_json`` wrote.

        Raises:
            ValueError: The text is no manifest, or one of another version.
        """
        data = json.loads(text)
        if not isinstance(data, dict) or data.get("version") != MANIFEST_VERSION:
            raise ValueError("not a manifest of this version")
        try:
            entries = tuple(DocumentEntry(**entry) for entry in data.pop("documents"))
            manifest = cls(documents=entries, **data)
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a manifest: {error}") from None
        if not isinstance(manifest.counts, dict) or not isinstance(manifest.collection, str):
            raise ValueError("not a manifest: fields of wrong types")
        return manifest


@dataclass(frozen=True, slots=True)
class Contents:
    """Everything that an index holds, made from the documents alone; the lists run in parallel."""

    documents: tuple[Document, ...]
    passages: tuple[Passage, ...]
    doc_ids: tuple[str, ...]
    embedding_texts: tuple[str, ...]
    cut: int
    entries: tuple[DocumentEntry, ...]
    fingerprint: str


def contents_of(documents: Sequence[Document], settings: IndexSettings) -> Contents:
    """The passages of the documents, their texts to embed and a fingerprint of it all."""
    passages: list[Passage] = []
    doc_ids: list[str] = []
    texts: list[str] = []
    entries: list[DocumentEntry] = []
    cut = 0
    digest = hashlib.sha256()
    for document in documents:
        found = passages_of(document)
        for passage in found:
            text, was_cut = cut_to_tokens(passage.embedding_text(), settings.max_tokens)
            texts.append(text)
            cut += was_cut
            stored = (document.doc_id, passage.passage_id, passage.paragraph_id, passage.year, passage.kind, text)
            digest.update(json.dumps(stored).encode("ascii") + b"\n")
        passages.extend(found)
        doc_ids.extend([document.doc_id] * len(found))
        entries.append(
            DocumentEntry(clean_text(document.doc_id), document.sha256, clean_text(document.title), len(found))
        )
    return Contents(
        tuple(documents), tuple(passages), tuple(doc_ids), tuple(texts), cut, tuple(entries), digest.hexdigest()
    )


def stored_settings(settings: IndexSettings) -> dict[str, int]:
    """The settings that change what is stored; the others do not make an index stale."""
    return {"max_tokens": settings.max_tokens, "schema_version": settings.schema_version}


def why_stale(manifest: Manifest, contents: Contents, model: str, dimension: int, settings: IndexSettings) -> str:
    """What differs between the manifest and what is asked for, as a phrase; empty where nothing does."""
    if (manifest.model, manifest.dimension) != (model, dimension):
        return f"嵌入模型已由 {manifest.model} 换成 {model}"
    if manifest.settings != stored_settings(settings):
        return "建索引的设置已改变"
    before = {entry.doc_id: entry.sha256 for entry in manifest.documents}
    now = {entry.doc_id: entry.sha256 for entry in contents.entries}
    if before.keys() != now.keys():
        return "文档的增减与索引不符"
    changed = [doc_id for doc_id, sha256 in now.items() if before[doc_id] != sha256]
    if changed:
        return f"文档 {changed[0]} 的内容已改变"
    if manifest.documents != contents.entries or manifest.fingerprint != contents.fingerprint:
        return "文档的切分方式已改变"
    return ""


def write_manifest(manifest: Manifest, directory: Path) -> None:
    """Replace the manifest in one step: a reader sees the old one or the new one, also after a crash."""
    temporary = directory / f"{MANIFEST_NAME}.{os.getpid()}.tmp"
    with temporary.open("w", encoding="utf-8") as file:
        file.write(manifest.to_json())
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, directory / MANIFEST_NAME)
    sync_to_disk(directory)


def sync_to_disk(path: Path) -> None:
    """Have a file's contents, or the names in a folder, written to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

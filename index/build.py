"""Build an index, open it, or do whichever is needed. An index that does not fit the documents is never opened."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from corpus.errors import IndexStoreError
from corpus.types import Document
from index.embedder import Embedder
from index.errors import IndexBusy, IndexNotBuilt, IndexStale, UnusableIndex
from index.manifest import (
    Contents,
    IndexSettings,
    Manifest,
    contents_of,
    stored_settings,
    why_stale,
    write_manifest,
)
from index.retrieve import Index
from index.store import Build, build_lock, read_manifest, remove_leftovers, store_errors
from index.text import clean_text

__all__ = [
    "Ensured",
    "IndexBusy",
    "IndexNotBuilt",
    "IndexSettings",
    "IndexStale",
    "build_index",
    "ensure_index",
    "open_index",
]

_OPEN_ATTEMPTS = 3
_DEFAULT_SETTINGS = IndexSettings()
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ensured:
    """An opened index and what it took: ``built`` says whether it was built just now, ``reason`` why."""

    index: Index
    built: bool
    reason: str


def build_index(
    documents: Sequence[Document],
    directory: Path,
    embedder: Embedder,
    *,
    settings: IndexSettings = _DEFAULT_SETTINGS,
    progress: Callable[[int, int], None] | None = None,
) -> Manifest:
    """Build an index in any case. The index that was served before stays whole until the new one is complete.

    Args:
        documents: What to index, in order.
        directory: Where to; made where it is missing.
        embedder: The model to embed with.
        settings: How to build.
        progress: Told how many passages are embedded and stored, of how many.

    Returns:
        The manifest that now names the served index.

    Raises:
        IndexBusy: Another process is building and did not end in time.
        IndexStoreError: There is nothing to index, or the directory cannot be written.
    """
    contents = _contents(documents, settings)
    with build_lock(directory, settings.lock_timeout_s):
        return _build(contents, directory, embedder, settings, progress)


def open_index(
    documents: Sequence[Document],
    directory: Path,
    embedder: Embedder,
    settings: IndexSettings = _DEFAULT_SETTINGS,
) -> Index:
    """Open the served index after checking that it is whole and belongs to what is given.

    Raises:
        IndexNotBuilt: There is none.
        IndexStale: Documents, segmentation, model or settings differ, or it is damaged.
        IndexStoreError: It cannot be read, or there is nothing to index.
    """
    return _open(_contents(documents, settings), directory, embedder, settings)


def ensure_index(
    documents: Sequence[Document],
    directory: Path,
    embedder: Embedder,
    *,
    settings: IndexSettings = _DEFAULT_SETTINGS,
    progress: Callable[[int, int], None] | None = None,
) -> Ensured:
    """Open the served index; build it first where it is missing, stale, unfinished or damaged.

    Where another process is building, its index is waited for and taken over. Arguments and errors are those of
    ``build_index``.
    """
    contents = _contents(documents, settings)
    try:
        return Ensured(_open(contents, directory, embedder, settings), False, "")
    except UnusableIndex as error:
        _logger.debug("%s", error)
    with build_lock(directory, settings.lock_timeout_s):
        try:
            return Ensured(_open(contents, directory, embedder, settings), False, "")
        except UnusableIndex as error:
            reason = error.reason
        _build(contents, directory, embedder, settings, progress)
        return Ensured(_open(contents, directory, embedder, settings), True, reason)


def _contents(documents: Sequence[Document], settings: IndexSettings) -> Contents:
    doc_ids = [document.doc_id for document in documents]
    repeated = sorted({doc_id for doc_id in doc_ids if doc_ids.count(doc_id) > 1})
    if repeated:
        raise IndexStoreError(f"有多份文档同名（{repeated[0]}），请改名后再建索引。")
    contents = contents_of(documents, settings)
    if not contents.passages:
        raise IndexStoreError("没有可供检索的内容，请给出至少一份有正文的文档。")
    return contents


def _build(
    contents: Contents,
    directory: Path,
    embedder: Embedder,
    settings: IndexSettings,
    progress: Callable[[int, int], None] | None,
) -> Manifest:
    """Fill a new build and let the manifest name it; the building lock must be held."""
    doing = "建立索引"
    with store_errors(directory, doing):
        build = Build.create(directory)
    served = False
    try:
        total = len(contents.passages)
        for start in range(0, total, settings.batch_size):
            stop = min(start + settings.batch_size, total)
            vectors = embedder.encode_passages(contents.embedding_texts[start:stop], batch_size=settings.batch_size)
            texts = [clean_text(passage.text) for passage in contents.passages[start:stop]]
            with store_errors(directory, doing):
                build.add(start, vectors, [_metadata(contents, row) for row in range(start, stop)], texts)
            if progress:
                progress(stop, total)
        manifest = Manifest(
            documents=contents.entries,
            model=embedder.name,
            dimension=embedder.dimension,
            settings=stored_settings(settings),
            counts={"passages": total, "cut": contents.cut},
            fingerprint=contents.fingerprint,
            collection=build.path.name,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        with store_errors(directory, doing):
            build.finish(total)
            build.close()
            write_manifest(manifest, directory)
        served = True
    finally:
        if not served:
            build.discard()
    _logger.info("index built: %d passages, %d cut", total, contents.cut)
    try:
        remove_leftovers(directory, keep=manifest.collection)
    except OSError as error:
        _logger.warning("旧索引未能清理（%s），下次建索引时再试。", error)
    return manifest


def _metadata(contents: Contents, row: int) -> dict[str, Any]:
    """What Chroma can filter by; it has no null, so year 0 stands for none."""
    passage = contents.passages[row]
    return {
        "doc_id": clean_text(contents.doc_ids[row]),
        "passage_id": passage.passage_id,
        "paragraph_id": passage.paragraph_id,
        "year": passage.year or 0,
        "kind": passage.kind.value,
    }


def _open(contents: Contents, directory: Path, embedder: Embedder, settings: IndexSettings) -> Index:
    for attempt in range(1, _OPEN_ATTEMPTS + 1):
        manifest = read_manifest(directory)
        reason = why_stale(manifest, contents, embedder.name, embedder.dimension, settings)
        if reason:
            raise IndexStale(directory, reason)
        try:
            with store_errors(directory, "打开索引"):
                build = Build.open(directory, manifest)
        except IndexStoreError:
            # Another process may have put a new build in its place since the manifest was read.
            if attempt == _OPEN_ATTEMPTS or read_manifest(directory).collection == manifest.collection:
                raise
        else:
            return Index(contents, manifest, build, embedder)
    raise AssertionError("unreachable")

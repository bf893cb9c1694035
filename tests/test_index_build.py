from __future__ import annotations

import dataclasses
import fcntl
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

import index.build
from corpus.errors import IndexStoreError
from corpus.load import load_document, parse_document
from corpus.types import Document
from index.bigrams import bigram_embedder
from index.build import (
    IndexBusy,
    IndexNotBuilt,
    IndexSettings,
    IndexStale,
    build_index,
    ensure_index,
    open_index,
)
from index.embedder import Embedder, Vectors
from index.manifest import contents_of
from index.store import read_manifest

ROOT = Path(__file__).resolve().parents[1]
PLAN = ROOT / "corpus" / "data" / "laiwu-2024-plan.txt"
TEXT = """某区2024年国民经济和社会发展计划
一、2023年计划执行情况
（一）经济运行。地区生产总值增长4.5%，一般公共预算收入增长5.1%。
二、2024年主要目标
（一）主要目标。地区生产总值增长6%，新增停车位1000个，改造老旧小区12个。
"""


class CountingEmbedder(Embedder):
    """Bigrams, and the texts that were asked for."""

    def __init__(self, name: str = "bigrams") -> None:
        inner = bigram_embedder()
        super().__init__(name, inner.dimension, inner._encode)
        self.passages: list[str] = []

    def encode_passages(self, texts: Sequence[str], *args: object, **kwargs: object) -> Vectors:
        self.passages.extend(texts)
        return super().encode_passages(texts)


def document(text: str = TEXT, doc_id: str = "plan") -> Document:
    return parse_document(text, doc_id)


def builds(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir() if path.name.startswith("plan-"))


def one_sentence(error: BaseException) -> str:
    message = str(error)
    assert re.fullmatch(r"[^\n。]*。", message), message
    assert re.search("[一-鿿]", message)
    return message


# --- manifest -----------------------------------------------------------------------------------------------------


def test_manifest_says_what_was_built_from_what(tmp_path: Path) -> None:
    plan = load_document(PLAN)
    embedder = bigram_embedder()
    manifest = build_index([plan], tmp_path, embedder)
    data = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    assert data["documents"] == [
        {"doc_id": plan.doc_id, "sha256": plan.sha256, "title": plan.title, "passages": data["counts"]["passages"]}
    ]
    assert (data["model"], data["dimension"]) == (embedder.name, embedder.dimension)
    assert data["settings"] == {"max_tokens": 480, "schema_version": 2}
    assert builds(tmp_path) == [data["collection"]]
    assert re.fullmatch(r"plan-[0-9a-f]{16}", data["collection"])
    assert read_manifest(tmp_path) == manifest


def test_fingerprint_is_the_same_for_the_same_document_and_settings() -> None:
    one, other = (contents_of([load_document(PLAN)], IndexSettings()) for _ in range(2))
    assert one.fingerprint == other.fingerprint
    assert contents_of([document()], IndexSettings()).fingerprint != one.fingerprint


def test_collection_holds_metadata_to_filter_by(tmp_path: Path) -> None:
    opened = ensure_index([document()], tmp_path, bigram_embedder()).index
    stored = opened._build._collection.get(include=["metadatas"])
    by_place = {int(i): m for i, m in zip(stored["ids"], stored["metadatas"], strict=True)}
    assert len(by_place) == len(opened.passages)
    for place, passage in enumerate(opened.passages):
        assert by_place[place] == {
            "doc_id": "plan",
            "passage_id": passage.passage_id,
            "paragraph_id": passage.paragraph_id,
            "year": passage.year or 0,
            "kind": passage.kind.value,
        }
    opened.close()


# --- fresh or stale -----------------------------------------------------------------------------------------------


def test_missing_index_is_not_opened(tmp_path: Path) -> None:
    with pytest.raises(IndexNotBuilt) as caught:
        open_index([document()], tmp_path / "nowhere", bigram_embedder())
    assert "laiwu-plan index" in one_sentence(caught.value)
    assert not (tmp_path / "nowhere").exists()


def test_second_run_with_nothing_changed_embeds_and_writes_nothing(tmp_path: Path) -> None:
    first = CountingEmbedder()
    ensured = ensure_index([document()], tmp_path, first)
    assert ensured.built
    assert ensured.reason
    assert len(first.passages) == len(ensured.index.passages)
    ensured.index.close()
    before = (tmp_path / "manifest.json").stat(), builds(tmp_path)
    second = CountingEmbedder()
    again = ensure_index([document()], tmp_path, second, progress=lambda *_: pytest.fail("progress of nothing"))
    assert (again.built, again.reason) == (False, "")
    assert second.passages == []
    assert ((tmp_path / "manifest.json").stat(), builds(tmp_path)) == before
    again.index.close()


@pytest.mark.parametrize(
    ("documents", "embedder", "settings"),
    [
        pytest.param([document(TEXT.replace("增长6%", "增长7%"))], bigram_embedder(), IndexSettings(), id="text"),
        pytest.param([document(doc_id="other")], bigram_embedder(), IndexSettings(), id="name"),
        pytest.param([document(), document(doc_id="b")], bigram_embedder(), IndexSettings(), id="document-added"),
        pytest.param([document()], bigram_embedder(name="new"), IndexSettings(), id="model"),
        pytest.param([document()], bigram_embedder(128), IndexSettings(), id="dimension"),
        pytest.param([document()], bigram_embedder(), IndexSettings(max_tokens=5), id="token-limit"),
        pytest.param([document()], bigram_embedder(), IndexSettings(schema_version=99), id="schema"),
    ],
)
def test_index_of_something_else_is_stale_and_built_anew(
    tmp_path: Path, documents: list[Document], embedder: Embedder, settings: IndexSettings
) -> None:
    build_index([document()], tmp_path, bigram_embedder())
    with pytest.raises(IndexStale) as caught:
        open_index(documents, tmp_path, embedder, settings)
    one_sentence(caught.value)
    ensured = ensure_index(documents, tmp_path, embedder, settings=settings)
    assert (ensured.built, ensured.reason) == (True, caught.value.reason)
    assert list(ensured.index.documents) == [one.doc_id for one in documents]
    ensured.index.close()
    assert len(builds(tmp_path)) == 1


def test_other_way_of_cutting_passages_makes_the_index_stale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build_index([document()], tmp_path, bigram_embedder())
    original = index.manifest.passages_of

    def changed(one: Document) -> list[object]:
        return [dataclasses.replace(passage, lead="新小标题") for passage in original(one)]

    monkeypatch.setattr("index.manifest.passages_of", changed)
    with pytest.raises(IndexStale):
        open_index([document()], tmp_path, bigram_embedder())


def test_batch_size_and_patience_do_not_make_the_index_stale(tmp_path: Path) -> None:
    build_index([document()], tmp_path, bigram_embedder())
    settings = IndexSettings(batch_size=3, lock_timeout_s=1)
    open_index([document()], tmp_path, bigram_embedder(), settings).close()


def test_progress_reaches_the_total_in_batches(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    settings = IndexSettings(batch_size=4)
    build_index([document()], tmp_path, bigram_embedder(), settings=settings, progress=lambda *p: seen.append(p))
    total = seen[-1][1]
    assert seen == [(min(done, total), total) for done in range(4, total + 4, 4)]


def test_long_passage_is_cut_for_embedding_only_and_counted(tmp_path: Path) -> None:
    long = "推进" + "和".join(f"道路工程{chr(0x4E00 + i)}段" for i in range(300))
    embedder = CountingEmbedder()
    text = TEXT + long + "。\n"
    manifest = build_index([document(text)], tmp_path, embedder, settings=IndexSettings(max_tokens=50))
    assert manifest.counts["cut"] >= 1
    opened = open_index([document(text)], tmp_path, bigram_embedder(name="bigrams"), IndexSettings(max_tokens=50))
    whole = [passage for passage in opened.passages if passage.text == long]
    assert whole
    assert long not in "".join(embedder.passages)
    assert any(len(passage) < 120 and long.startswith(passage.split("｜")[-1][:40]) for passage in embedder.passages)
    opened.close()


@pytest.mark.parametrize("documents", [[], [document(" \n")]], ids=["none", "blank"])
def test_nothing_to_index_is_an_error(tmp_path: Path, documents: list[Document]) -> None:
    with pytest.raises(IndexStoreError) as caught:
        ensure_index(documents, tmp_path, bigram_embedder())
    one_sentence(caught.value)


def test_two_documents_of_one_name_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(IndexStoreError, match="同名"):
        ensure_index([document(), document("另一份。")], tmp_path, bigram_embedder())


def test_document_name_that_is_no_unicode_is_indexed(tmp_path: Path) -> None:
    odd = document(doc_id="计划\udcff")
    ensure_index([odd], tmp_path, bigram_embedder()).index.close()
    again = ensure_index([odd], tmp_path, bigram_embedder())
    assert not again.built
    assert again.index.search("停车位")[0].doc_id == "计划\udcff"
    again.index.close()


# --- damage -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{", id="cut"),
        pytest.param(b"[" * 100_000, id="deep"),
        pytest.param(b"\xff\xfe\x00", id="binary"),
        pytest.param(b"[]", id="list"),
        pytest.param(b'{"version": 1, "documents": [{}]}', id="incomplete"),
        pytest.param(b'{"version": 99}', id="other-version"),
    ],
)
def test_corrupt_manifest_is_rebuilt(tmp_path: Path, content: bytes) -> None:
    build_index([document()], tmp_path, bigram_embedder())
    (tmp_path / "manifest.json").write_bytes(content)
    with pytest.raises(IndexStale) as caught:
        open_index([document()], tmp_path, bigram_embedder())
    one_sentence(caught.value)
    ensured = ensure_index([document()], tmp_path, bigram_embedder())
    assert ensured.built
    ensured.index.close()
    assert len(builds(tmp_path)) == 1


def test_manifest_that_points_elsewhere_is_not_followed(tmp_path: Path) -> None:
    build_index([document()], tmp_path / "a", bigram_embedder())
    manifest = read_manifest(tmp_path / "a")
    wrong = dataclasses.replace(manifest, collection=f"../a/{manifest.collection}")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "manifest.json").write_text(wrong.to_json(), encoding="utf-8")
    with pytest.raises(IndexStale):
        open_index([document()], tmp_path / "b", bigram_embedder())


def _garbage(path: Path) -> None:
    path.write_bytes(b"garbage" * 2000)


def _half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _hole(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[4096:40960] = b"\xff" * (40960 - 4096)
    path.write_bytes(data)


@pytest.mark.parametrize("damage", [_garbage, _half, _hole, Path.unlink], ids=lambda f: f.__name__.strip("_"))
def test_corrupt_database_is_rebuilt_never_served(tmp_path: Path, damage: object) -> None:
    build_index([document()], tmp_path, bigram_embedder())
    assert callable(damage)
    path = tmp_path / read_manifest(tmp_path).collection / "chroma.sqlite3"
    damage(path)
    ensured = ensure_index([document()], tmp_path, bigram_embedder())
    assert ensured.built
    assert ensured.index.search("新增停车位")[0].passage.text == "新增停车位1000个"
    ensured.index.close()
    assert len(builds(tmp_path)) == 1


def test_unfinished_collection_is_not_served_even_when_the_manifest_names_it(tmp_path: Path) -> None:
    build_index([document()], tmp_path, bigram_embedder())
    opened = open_index([document()], tmp_path, bigram_embedder())
    opened._build._collection.modify(metadata={"status": "building"})
    opened.close()
    with pytest.raises(IndexStale):
        open_index([document()], tmp_path, bigram_embedder())


def test_collection_with_a_passage_missing_is_not_served(tmp_path: Path) -> None:
    build_index([document()], tmp_path, bigram_embedder())
    opened = open_index([document()], tmp_path, bigram_embedder())
    opened._build._collection.delete(ids=["0"])
    opened.close()
    with pytest.raises(IndexStale):
        open_index([document()], tmp_path, bigram_embedder())


def test_failing_model_leaves_the_served_index_and_no_leftovers(tmp_path: Path) -> None:
    build_index([document()], tmp_path, bigram_embedder())
    served = builds(tmp_path)
    broken = Embedder("broken", 256, lambda texts, _: [[float("nan")] * 256] * len(texts))
    with pytest.raises(IndexStoreError) as caught:
        build_index([document()], tmp_path, broken)
    one_sentence(caught.value)
    assert builds(tmp_path) == served
    open_index([document()], tmp_path, bigram_embedder()).close()


@pytest.mark.parametrize("name", ["file", "file/below"])
def test_directory_that_cannot_be_made_is_one_sentence(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(IndexStoreError) as caught:
        ensure_index([document()], tmp_path / name, bigram_embedder())
    assert "不可写" in one_sentence(caught.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_unwritable_directory_is_one_sentence(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    with pytest.raises(IndexStoreError) as caught:
        ensure_index([document()], tmp_path, bigram_embedder())
    assert "不可写" in one_sentence(caught.value)


# --- several processes --------------------------------------------------------------------------------------------


CHILD = """
import os, sys, time
from pathlib import Path
import index.build
from corpus.load import parse_document
from index.bigrams import bigram_embedder
from index.build import IndexSettings, ensure_index

directory, flag, stage, text = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4]

def stop(*_, **__):
    flag.touch()
    time.sleep(600)

if stage == "created":
    index.build.Build.add = stop
elif stage == "before-manifest":
    index.build.write_manifest = stop
elif stage == "manifest-half-written":
    os.replace = stop
elif stage == "before-cleanup":
    index.build.remove_leftovers = stop
elif stage == "full":
    import chromadb, resource
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

def progress(done, total):
    if stage == "half-embedded" and done * 2 >= total:
        stop()

ensured = ensure_index(
    [parse_document(text, "plan")], directory, bigram_embedder(), settings=IndexSettings(batch_size=2), progress=progress
)
print(ensured.built)
"""


def start_child(directory: Path, flag: Path, stage: str, text: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(directory), str(flag), stage, text],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(flag: Path, child: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 120
    while not flag.exists():
        assert child.poll() is None, child.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize(
    "stage", ["created", "half-embedded", "before-manifest", "manifest-half-written", "before-cleanup"]
)
def test_killed_build_leaves_a_whole_index_served_and_the_next_build_clears_up(tmp_path: Path, stage: str) -> None:
    directory, flag = tmp_path / "index", tmp_path / "flag"
    new_text = TEXT.replace("增长6%", "增长7%")
    build_index([document()], directory, bigram_embedder())
    before = read_manifest(directory)
    child = start_child(directory, flag, stage, new_text)
    wait_for(flag, child)
    child.send_signal(signal.SIGKILL)
    child.communicate()
    assert len(builds(directory)) == 2
    if stage == "before-cleanup":
        assert read_manifest(directory) != before
        open_index([document(new_text)], directory, bigram_embedder()).close()
    else:
        assert read_manifest(directory) == before
        opened = open_index([document()], directory, bigram_embedder())
        assert opened.search("地区生产总值增长6%")[0].passage.text == "地区生产总值增长6%"
        opened.close()
        with pytest.raises(IndexStale):
            open_index([document(new_text)], directory, bigram_embedder())
    newest_text = TEXT.replace("增长6%", "增长8%")
    ensured = ensure_index([document(newest_text)], directory, bigram_embedder())
    assert ensured.built
    assert ensured.index.search("地区生产总值增长8%")[0].passage.text == "地区生产总值增长8%"
    ensured.index.close()
    assert builds(directory) == [read_manifest(directory).collection]
    assert sorted(path.name for path in directory.iterdir())[:2] == ["build.lock", "manifest.json"]


def test_first_build_killed_in_the_middle_is_not_served(tmp_path: Path) -> None:
    directory, flag = tmp_path / "index", tmp_path / "flag"
    child = start_child(directory, flag, "half-embedded", TEXT)
    wait_for(flag, child)
    child.kill()
    child.communicate()
    with pytest.raises(IndexNotBuilt):
        open_index([document()], directory, bigram_embedder())
    ensured = ensure_index([document()], directory, bigram_embedder())
    assert ensured.built
    ensured.index.close()
    assert len(builds(directory)) == 1


def test_full_disk_is_one_sentence_and_leaves_the_served_index(tmp_path: Path) -> None:
    directory = tmp_path / "index"
    build_index([document()], directory, bigram_embedder())
    served = builds(directory)
    child = start_child(directory, tmp_path / "flag", "full", TEXT.replace("6%", "7%"))
    stderr = child.communicate(timeout=120)[1]
    assert child.returncode == 1
    assert re.search(r"^corpus\.errors\.IndexStoreError: 无法建立索引：[^\n。]*。$", stderr, re.M), stderr
    assert builds(directory) == served
    open_index([document()], directory, bigram_embedder()).close()


def test_served_index_survives_the_building_of_another_one(tmp_path: Path) -> None:
    served = ensure_index([document()], tmp_path, bigram_embedder()).index
    new_text = TEXT.replace("增长6%", "增长7%")
    child = start_child(tmp_path, tmp_path / "flag", "", new_text)
    assert child.communicate(timeout=120)[0].split() == ["True"]
    assert served.search("地区生产总值增长6%")[0].passage.text == "地区生产总值增长6%"
    assert len(builds(tmp_path)) == 2
    served.close()
    build_index([document(new_text)], tmp_path, bigram_embedder())
    assert len(builds(tmp_path)) == 1


def test_second_builder_waits_and_takes_over_what_the_first_one_built(tmp_path: Path) -> None:
    with (tmp_path / "build.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        children = [start_child(tmp_path, tmp_path / "flag", "", TEXT) for _ in range(2)]
        time.sleep(1)
        assert builds(tmp_path) == []
        fcntl.flock(lock, fcntl.LOCK_UN)
    outputs = [child.communicate(timeout=120)[0].strip() for child in children]
    assert sorted(outputs) == ["False", "True"]


def test_builder_that_waits_too_long_says_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with (tmp_path / "build.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(IndexBusy) as caught:
            build_index([document()], tmp_path, bigram_embedder(), settings=IndexSettings(lock_timeout_s=0.3))
    assert "另一个进程" in one_sentence(caught.value)
    assert "另一个进程" in caplog.text


def test_other_files_in_the_directory_are_left_alone(tmp_path: Path) -> None:
    mine = tmp_path / "plan-0123456789abcdef"
    mine.mkdir()
    (mine / "notes.txt").write_text("keep")
    (tmp_path / "plan-2024").mkdir()
    build_index([document()], tmp_path, bigram_embedder())
    assert (mine / "notes.txt").read_text() == "keep"
    assert (tmp_path / "plan-2024").is_dir()

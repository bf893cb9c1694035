from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from corpus.load import load_document, parse_document
from corpus.types import Kind
from index.bigrams import bigram_embedder
from index.build import ensure_index
from index.keyword import KeywordIndex, terms
from index.langchain_retriever import PlanRetriever
from index.retrieve import DENSE_CANDIDATES, DENSE_WEIGHT, Filter, Index, fuse

PLAN = Path(__file__).resolve().parents[1] / "corpus" / "data" / "laiwu-2024-plan.txt"
OTHER = """某市2025年政府工作报告
一、2024年工作回顾
（一）经济运行。地区生产总值增长5.5%，新增停车位2000个。
二、2025年工作任务
（一）主要目标。地区生产总值增长6.5%，新增停车位3000个。
"""


@pytest.fixture(scope="module")
def plan_index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    documents = [load_document(PLAN), parse_document(OTHER, "other")]
    opened = ensure_index(documents, tmp_path_factory.mktemp("index"), bigram_embedder()).index
    yield opened
    opened.close()


def test_search_finds_the_clause_that_was_asked_for(plan_index: Index) -> None:
    found = plan_index.search("新增停车位多少个", where=Filter(doc_id="laiwu-2024-plan"))
    assert found[0].passage.text == "新增停车位1000个"


def test_results_are_ordered_by_score_and_ranked_from_one(plan_index: Index) -> None:
    found = plan_index.search("农村居民人均可支配收入增长", k=25)
    assert len(found) == 25
    assert [one.rank for one in found] == list(range(1, 26))
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    assert len({(one.doc_id, one.passage.passage_id) for one in found}) == 25


def test_dense_score_is_the_cosine_and_sparse_the_bm25_score(plan_index: Index) -> None:
    query = "停车位"
    [vector] = plan_index.embedder.encode_queries([query])
    keyword = KeywordIndex(plan_index.passages).scores(query)
    cosines = plan_index.embedder.encode_passages([p.embedding_text() for p in plan_index.passages]) @ vector
    lowest = np.sort(cosines)[-DENSE_CANDIDATES]
    place = {(d, p.passage_id): n for n, (d, p) in enumerate(zip(plan_index.doc_ids, plan_index.passages, strict=True))}
    for one in plan_index.search(query):
        row = place[one.doc_id, one.passage.passage_id]
        assert one.dense == pytest.approx(max(cosines[row], lowest), abs=1e-5)
        assert one.sparse == pytest.approx(keyword[row], abs=1e-5)


def test_fused_score_by_hand() -> None:
    w = DENSE_WEIGHT
    assert fuse([0.8, 0.9, 0.85], [0, 4, 8]) == pytest.approx([0, w + (1 - w) / 2, w / 2 + (1 - w)])
    assert fuse([0.5, 0.5], [0, 2]) == pytest.approx([0, 1 - w])
    assert len(fuse([], [])) == 0


def test_given_query_vector_gives_the_same_result(plan_index: Index) -> None:
    [vector] = plan_index.embedder.encode_queries(["停车位"])
    assert plan_index.search("停车位", query_vector=vector) == plan_index.search("停车位")


@pytest.mark.parametrize(
    ("where", "holds"),
    [
        pytest.param(Filter(doc_id="other"), lambda one: one.doc_id == "other", id="document"),
        pytest.param(Filter(year=2023), lambda one: one.passage.year == 2023, id="year"),
        pytest.param(Filter(kind=Kind.TARGET), lambda one: one.passage.kind is Kind.TARGET, id="kind"),
        pytest.param(
            Filter("other", 2025, Kind.TARGET),
            lambda one: (one.doc_id, one.passage.year, one.passage.kind) == ("other", 2025, Kind.TARGET),
            id="all",
        ),
        pytest.param(Filter(), lambda one: True, id="open"),
    ],
)
def test_filter_holds_for_everything_returned(plan_index: Index, where: Filter, holds: object) -> None:
    found = plan_index.search("地区生产总值增长", k=1000, where=where)
    assert found
    assert callable(holds)
    assert all(holds(one) for one in found)


def test_filter_that_nothing_meets_gives_nothing(plan_index: Index) -> None:
    assert plan_index.search("停车位", where=Filter(year=1999)) == []


@pytest.mark.parametrize("query", ["", " \n", "　"])
def test_blank_query_finds_nothing(plan_index: Index, query: str) -> None:
    assert plan_index.search(query) == []


@pytest.mark.parametrize(
    "query",
    ["停车\x00位", "停车位\ud800", "\udfff", "？！", "<|im_start|>", "zzzz", "停" * 50_000, "🅿️ parking", "\x00"],
    ids=["nul", "surrogate", "surrogate-only", "marks", "control-token", "latin", "long", "emoji", "nul-only"],
)
def test_odd_query_is_searched_without_an_error(plan_index: Index, query: str) -> None:
    found = plan_index.search(query)
    assert all(np.isfinite([one.dense, one.sparse, one.score]).all() for one in found)


def test_more_asked_for_than_there_is_gives_what_there_is(plan_index: Index) -> None:
    found = plan_index.search("的", k=10_000)
    assert len(found) == len(plan_index.passages)


def test_same_query_gives_the_same_result_from_many_threads(plan_index: Index) -> None:
    queries = ["停车位", "地区生产总值", "老旧小区改造", "医院建设"] * 25
    expected = {query: plan_index.search(query) for query in set(queries)}
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(plan_index.search, queries))
    assert found == [expected[query] for query in queries]


def test_closed_index_is_closed_once(tmp_path: Path) -> None:
    opened = ensure_index([parse_document(OTHER, "other")], tmp_path, bigram_embedder()).index
    opened.close()
    opened.close()


# --- keywords -----------------------------------------------------------------------------------------------------


def test_terms_are_folded_and_words_stand_beside_bigrams() -> None:
    assert terms("ＧＤＰ增长６.５％") == ["gdp", "增长", "增长", "6.5%"]
    assert "停车" in terms("新增停车位")
    assert "车位" in terms("新增停车位")
    assert terms("区") == ["区"]
    assert terms("，。！") == []


def test_keyword_scores_are_zero_without_a_shared_term(plan_index: Index) -> None:
    keyword = KeywordIndex(plan_index.passages)
    assert not keyword.scores("zzzz").any()
    assert not keyword.scores("").any()
    assert keyword.scores("停车位").shape == (len(plan_index.passages),)


def test_own_words_outweigh_the_sentence_around(plan_index: Index) -> None:
    scores = KeywordIndex(plan_index.passages).scores("停车位")
    assert "停车位" in plan_index.passages[int(np.argmax(scores))].text


def test_keyword_index_of_passages_without_terms_is_silent() -> None:
    document = parse_document("？？\n！！\n", "marks")
    from corpus.passages import passages

    found = passages(document)
    assert not KeywordIndex(found).scores("停车位").any()
    assert KeywordIndex([]).scores("停车位").shape == (0,)


def test_building_the_keyword_index_prints_nothing(plan_index: Index, capfd: pytest.CaptureFixture[str]) -> None:
    KeywordIndex(plan_index.passages).scores("停车位")
    assert capfd.readouterr() == ("", "")


# --- LangChain ----------------------------------------------------------------------------------------------------


def test_retriever_gives_documents_with_their_place(plan_index: Index) -> None:
    retriever = PlanRetriever(index=plan_index, k=3, where=Filter(doc_id="laiwu-2024-plan"))
    documents = retriever.invoke("新增停车位")
    assert len(documents) == 3
    best = documents[0]
    assert best.page_content == "新增停车位1000个"
    text = plan_index.documents[best.metadata["doc_id"]].text
    assert best.page_content in text[best.metadata["start"] : best.metadata["end"]]
    assert set(best.metadata) == {
        "passage_id", "doc_id", "paragraph", "section", "year", "kind", "start", "end", "score", "dense", "sparse", "rank",
    }  # fmt: skip
    assert best.metadata["rank"] == 1
    assert json.loads(json.dumps(best.metadata)) == best.metadata


def test_retriever_gives_the_same_when_awaited(plan_index: Index) -> None:
    retriever = PlanRetriever(index=plan_index)
    assert asyncio.run(retriever.ainvoke("停车位")) == retriever.invoke("停车位")

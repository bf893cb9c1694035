"""Runs, retrieval measures, baselines, reports and the commands, on a fake assistant over a plan of five sentences."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import evals.cli
import evals.run
from assistant.types import Answer, Citation, GateReport, Status
from corpus.errors import RequestError
from corpus.load import parse_document
from corpus.types import Document, Kind, Passage
from evals import summary
from evals.answerers import open_answerer
from evals.baselines import TopSentence
from evals.cli import run_benchmark, run_eval
from evals.report import cell, faults, hashed_id, render, scored_run, write_report
from evals.retrieval import MEASURES, retrieval_scores
from evals.run import (
    RunInfo,
    is_sealed,
    read_results,
    result_path,
    run_info,
    run_suite,
    score_results,
    sealed_ids,
    stored_run,
    suite_cases,
    write_results,
)
from evals.summary import interval, latency, means
from evals.types import EvalCase, QuestionFileError, Result, Retrieved
from index.types import ScoredPassage

# ``try`` is a keyword, so the module has no import statement.
try_main = importlib.import_module("evals.try").main

SENTENCES = (
    "地区生产总值增长6%。",
    "一般公共预算收入增长6.6%。",
    "新增停车位1000个。",
    "新建城市公园3个。",
    "城镇和农村居民人均可支配收入分别增长5.5%和6.5%。",
)
DOCUMENT = parse_document("".join(SENTENCES), doc_id="plan")
INFO = RunInfo("trial", "quote", "f00d", "abc123", "2026-01-01T00:00:00+00:00", (f"plan {DOCUMENT.sha256}",))


def bigrams(text: str) -> set[str]:
    return {text[n : n + 2] for n in range(len(text) - 1)}


def a_passage(number: int) -> Passage:
    text = SENTENCES[number]
    start = DOCUMENT.text.index(text)
    end = start + len(text)
    return Passage(f"1#{number}", "1", (), "", text, text, 2024, Kind.TARGET, (), start, end, start, end)


class FakeIndex:
    """Ranks by shared bigrams; dense and sparse disagree on purpose."""

    def search(self, query: str, *, k: int = 10) -> list[ScoredPassage]:
        asked = bigrams(query)
        scored = [(len(asked & bigrams(text)), number) for number, text in enumerate(SENTENCES)]
        best = sorted(scored, key=lambda pair: (-pair[0], pair[1]))[:k]
        return [
            ScoredPassage(a_passage(number), "plan", float(number), float(score), float(score), rank)
            for rank, (score, number) in enumerate(best, start=1)
        ]


class FakeAssistant:
    """Quotes the best sentence, refuses where nothing is shared."""

    def __init__(self) -> None:
        self.index = FakeIndex()
        self.documents: dict[str, Document] = {"plan": DOCUMENT}
        self.asked: list[tuple[str, tuple[str, ...]]] = []

    def ask(self, question: str, turns: Sequence[str] = ()) -> Answer:
        self.asked.append((question, tuple(turns)))
        standalone = "".join((*turns, question))
        (best,) = self.index.search(standalone, k=1)
        if not best.score:
            return Answer(question, standalone, Status.NOT_FOUND, "计划未提及。")
        passage = best.passage
        citation = Citation(1, "plan", "1", "", passage.text, passage.start, passage.end, DOCUMENT.sha256)
        return Answer(question, standalone, Status.ANSWERED, f"{passage.text}[1]", (citation,), gate=GateReport(1, 1))


def a_case(case_id: str, question: str, *golds: str, spans: Sequence[str] = (), **changes: Any) -> EvalCase:
    data = {"id": case_id, "type": "single_fact", "question": question, "answerable": True, "persona": "public"}
    return EvalCase.model_validate(data | {"gold_values": golds, "gold_spans": spans or golds} | changes)


CASES = (
    a_case("t-gdp", "地区生产总值增长多少？", "6%", spans=["地区生产总值增长6%"]),
    a_case("t-park", "新建几个公园？", "3个", spans=["新建城市公园3个"], type="paraphrase"),
    a_case(
        "t-follow", "那新建城市公园呢？", "3个", spans=["新建城市公园3个"], turns=["停车位多少？"], type="follow_up"
    ),
    a_case("t-none", "水库几座？", answerable=False, type="unanswerable", kind="other_indicator", persona="official"),
    a_case("t-wrong", "地区生产总值<b>|是</b>多少？", "7%", spans=["一般公共预算收入增长6.6%"], persona="staff"),
)


@pytest.fixture
def results() -> list[Result]:
    return run_suite(FakeAssistant(), CASES)


def test_each_question_is_asked_once_in_order_with_its_turns() -> None:
    assistant, seen = FakeAssistant(), list[str]()
    run_suite(assistant, CASES, on_result=lambda result: seen.append(result.case.id))
    assert assistant.asked == [(case.question, case.turns) for case in CASES]
    assert seen == [case.id for case in CASES]


def test_retrieval_is_recorded_for_the_stand_alone_question(results: list[Result]) -> None:
    assert results[0].retrieved[0].text == SENTENCES[0]
    assert all(len(result.retrieved) == len(SENTENCES) and result.seconds >= 0 for result in results)


def test_an_error_of_the_answerer_ends_the_run_and_names_the_question() -> None:
    class Broken(FakeAssistant):
        def ask(self, question: str, turns: Sequence[str] = ()) -> Answer:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as error:
        run_suite(Broken(), CASES)
    assert "t-gdp" in str(error.value.__notes__)


def test_a_run_survives_being_written_and_read(tmp_path: Path, results: list[Result]) -> None:
    path = result_path(INFO, tmp_path / "results")
    write_results(path, INFO, results)
    info, again = read_results(path)
    assert info == INFO
    assert [(r.case, r.answer, r.retrieved) for r in again] == [(r.case, r.answer, r.retrieved) for r in results]
    assert score_results(again, {"plan": DOCUMENT}) == score_results(results, {"plan": DOCUMENT})


@pytest.mark.parametrize("content", ["", "{}\n", '{"run": {}}\n', '{"id": "a"}\n'])
def test_a_file_that_no_run_wrote_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "results.jsonl"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(QuestionFileError, match="重新运行"):
        read_results(path)


def test_stored_answers_are_scored_against_the_questions_as_they_are_now(
    tmp_path: Path, results: list[Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evals.run, "RESULTS", tmp_path)
    write_results(result_path(INFO), INFO, results)
    mended = (CASES[4].model_copy(update={"gold_values": ("6%",)}),)
    _, (again,) = stored_run("trial", "quote", mended, {"plan": DOCUMENT})
    assert again.case == mended[0] and again.answer == results[4].answer
    with pytest.raises(QuestionFileError, match="t-gdp"):
        stored_run("trial", "quote", (CASES[0].model_copy(update={"question": "别的？"}),), {"plan": DOCUMENT})
    with pytest.raises(QuestionFileError, match="另一份文件"):
        stored_run("trial", "quote", mended, {"plan": replace(DOCUMENT, sha256="0")})


def test_a_run_says_what_it_was_made_of() -> None:
    info = run_info("some/folder/trial.jsonl", "quote", "f00d", [DOCUMENT])
    assert (info.suite, info.answerer, info.documents) == ("trial", "quote", (f"plan {DOCUMENT.sha256}",))
    assert result_path(replace(info, answerer="a/b"), Path("x")) == Path("x/trial-a-b.jsonl")


def test_all_is_both_suites_and_an_unknown_suite_is_refused() -> None:
    sizes = {name: len(suite_cases(name)) for name in ("dev", "sealed", "all")}
    assert sizes["all"] == sizes["dev"] + sizes["sealed"]
    with pytest.raises(QuestionFileError, match="dev"):
        suite_cases("nonesuch")


def test_only_sealed_questions_are_sealed() -> None:
    assert [is_sealed(name) for name in ("dev", "sealed", "all", "a/questions.jsonl", "a/sealed.jsonl")] == [
        False, True, True, False, True,
    ]  # fmt: skip
    assert len(sealed_ids("all")) == len(sealed_ids("sealed")) == len(suite_cases("sealed"))
    assert not sealed_ids("dev")


def a_result(case: EvalCase, *numbers: int) -> Result:
    passages = [a_passage(number) for number in numbers]
    found = tuple(Retrieved("plan", p.passage_id, p.start, p.end, p.text) for p in passages)
    return Result(case, Answer(case.question, case.question, Status.ANSWERED, ""), found, 0.0)


def retrieval_of(result: Result) -> dict[str, float]:
    return {score.measure: score.value for score in retrieval_scores([result], {"plan": DOCUMENT})}


def test_retrieval_measures_by_hand() -> None:
    case = a_case("x", "?", "6%", spans=["地区生产总值增长6%"])
    assert retrieval_of(a_result(case, 0, 1)) == dict.fromkeys(MEASURES, 1.0)
    third = retrieval_of(a_result(case, 1, 2, 0))
    assert third["rr"] == pytest.approx(1 / 3)
    assert third["ndcg@10"] == pytest.approx(0.5)
    assert (third["recall@1"], third["recall@5"], third["success@1"]) == (0, 1, 0)


def test_several_spans_are_found_one_by_one() -> None:
    case = a_case("x", "?", "1000个", "3个", spans=["新增停车位1000个", "新建城市公园3个"])
    found = retrieval_of(a_result(case, 3, 0, 2))
    assert (found["recall@1"], found["recall@5"], found["success@1"], found["rr"]) == (0.5, 1, 1, 1)


def test_nothing_returned_is_zero_and_not_skipped() -> None:
    case = CASES[0]
    assert retrieval_of(a_result(case)) == dict.fromkeys(MEASURES, 0.0)
    mixed = retrieval_scores([a_result(case), a_result(CASES[1], 3)], {"plan": DOCUMENT})
    assert {(score.case_id, score.value) for score in mixed} == {("t-gdp", 0.0), ("t-park", 1.0)}


def test_a_passage_over_the_right_place_that_says_another_value_is_not_relevant() -> None:
    case = a_case("x", "?", "6.5%", spans=["城镇和农村居民人均可支配收入分别增长5.5%和6.5%"])
    passage = a_passage(4)
    for text, value in (("农村居民人均可支配收入增长6.5%", 1.0), ("城镇居民人均可支配收入增长5.5%", 0.0)):
        found = (Retrieved("plan", "p", passage.start, passage.end, text),)
        assert retrieval_of(replace(a_result(case), retrieved=found))["success@1"] == value


def test_unanswerable_questions_have_no_retrieval_score() -> None:
    assert retrieval_scores([a_result(CASES[3], 0)], {"plan": DOCUMENT}) == []


def test_baselines_answer_with_one_sentence_and_never_refuse() -> None:
    assistant = FakeAssistant()
    firsts = {}
    for name in ("keyword", "dense", "top-sentence"):
        answer = TopSentence(name, assistant.index, assistant.documents).ask("水库几座？")
        assert answer.status is Status.ANSWERED and answer.answerer == name
        (citation,) = answer.citations
        assert DOCUMENT.text[citation.start : citation.end] == citation.quote
        assert answer.answer == f"{citation.quote}[1]"
        firsts[name] = citation.quote
    assert firsts["dense"] == SENTENCES[4]
    assert firsts["keyword"] == SENTENCES[0]


def test_a_baseline_searches_with_all_turns() -> None:
    assistant = FakeAssistant()
    answer = TopSentence("keyword", assistant.index, assistant.documents).ask("公园呢？", ["新建城市"])
    assert SENTENCES[3] in answer.answer


def test_an_unknown_answerer_is_refused() -> None:
    with pytest.raises(RequestError, match="keyword"):
        open_answerer("oracle")


def test_means_by_group_with_intervals_around_them(results: list[Result]) -> None:
    scores = score_results(results, {"plan": DOCUMENT})
    (right,) = [mean for mean in means(scores, CASES) if mean.measure == "right"]
    assert (right.n, right.mean, right.group) == (5, 0.8, "all")
    assert 0 <= right.low <= right.mean <= right.high <= 1 and right.low < right.high
    types = {mean.group: mean.mean for mean in means(scores, CASES, summary.by_type) if mean.measure == "right"}
    assert types == {"single_fact": 0.5, "paraphrase": 1, "follow_up": 1, "unanswerable": 1}
    personas = {mean.group: mean.n for mean in means(scores, CASES, summary.by_persona) if mean.measure == "right"}
    assert personas == {"public": 3, "official": 1, "staff": 1}


def test_intervals_repeat_and_need_a_value() -> None:
    values = [1.0, 0.0, 1.0, 1.0]
    assert interval(values) == interval(values)
    assert interval([0.5]) == (0.5, 0.5)
    with pytest.raises(ValueError):
        interval([])


def test_latency_of_answers(results: list[Result]) -> None:
    timed = [replace(results[0], seconds=seconds) for seconds in (0.1, 0.2, 0.3)]
    found = latency(timed)
    assert found is not None and (found.n, found.p50, found.longest) == (3, 0.2, 0.3)
    assert latency([]) is None


class Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.sources: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add(tag)
        self.sources += [value or "" for name, value in attrs if name in ("src", "href")]


def test_reports_show_the_numbers_and_escape_everything(tmp_path: Path, results: list[Result]) -> None:
    runs = [
        scored_run(INFO, results, {"plan": DOCUMENT}),
        scored_run(replace(INFO, answerer="<i>k</i>"), results, {"plan": DOCUMENT}),
    ]
    markdown, html = (path.read_text(encoding="utf-8") for path in write_report(runs, tmp_path / "deep" / "folder"))
    for text in (markdown, html):
        assert "0.800" in text and "t-wrong" in text and "应拒而拒" in text and "p95" in text
        assert "<b>" not in text and "<i>k" not in text and "&lt;b&gt;" in text
    tags = Tags(html)
    assert not tags.found & {"b", "i", "script"} and "img" in tags.found
    assert tags.sources and all(source.startswith("data:image/svg+xml;base64,") for source in tags.sources)


def test_tables_of_the_markdown_report_are_whole(results: list[Result]) -> None:
    run = scored_run(INFO, results, {"plan": DOCUMENT})
    text = render([run, run], "report.md")
    tables = re.findall(r"(?:^\|.*\n)+", text, re.M)
    assert len(tables) == 7
    for table in tables:
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}
        assert len(widths) == 1, table


def test_a_cell_keeps_to_its_line_and_column() -> None:
    assert cell("a|b\nc\\|") == "a\\|b c\\\\\\|"


def test_sealed_questions_show_a_hash_and_nothing_else(results: list[Result]) -> None:
    run = scored_run(INFO, results, {"plan": DOCUMENT})
    text = render([run], "report.html", sealed={"t-wrong"})
    assert hashed_id("t-wrong") in text
    assert "t-wrong" not in text and CASES[4].question not in text and "&lt;b&gt;" not in text
    (fault,) = faults(run, {"t-wrong"})
    assert {fault.type, fault.question, fault.expected, fault.got, fault.reason} == {""}
    assert faults(run)[0].id == "t-wrong"


def test_a_report_of_answers_that_are_all_refused(results: list[Result]) -> None:
    refused = [replace(r, answer=Answer("", "", Status.DECLINED, ""), retrieved=()) for r in results]
    assert "declined" in render([scored_run(INFO, refused, {"plan": DOCUMENT})], "report.html")


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of questions, with the fake assistant behind the commands."""
    monkeypatch.setattr(evals.run, "RESULTS", tmp_path / "results")
    monkeypatch.setattr("evals.answerers.open_assistant", lambda sources: FakeAssistant())
    monkeypatch.setattr(evals.cli, "open_documents", lambda sources: {"plan": DOCUMENT})
    path = tmp_path / "trial.jsonl"
    path.write_text("".join(case.model_dump_json() + "\n" for case in CASES), encoding="utf-8")
    return path


def test_eval_prints_the_result_only(command: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_eval(questions=command, report_dir=command.parent / "report", as_json=True) == 0
    out, err = capsys.readouterr()
    (found,) = json.loads(out)
    assert {mean["measure"]: mean["mean"] for mean in found["overall"]}["right"] == 0.8
    assert "trial.md" in err and (command.parent / "report" / "trial.html").exists()
    assert (command.parent / "results" / "trial-quote.jsonl").exists()


def test_eval_of_all_answerers_stands_side_by_side_and_can_be_scored_again(
    command: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_eval(str(command), ["all"]) == 0
    first = capsys.readouterr().out
    assert all(name in first for name in ("quote", "keyword", "dense", "top-sentence", "latency p95"))
    assert run_eval(str(command), ["all"], rescore=True) == 0
    assert capsys.readouterr().out == first


@pytest.mark.parametrize("changes", [{"suite": "nonesuch"}, {"answerers": ["oracle"]}, {"rescore": True}])
def test_a_failed_eval_says_why_in_one_line(
    command: Path, changes: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_eval(**({"suite": str(command)} | changes)) == 1
    out, err = capsys.readouterr()
    assert not out and err.count("\n") == 1


def test_the_tuners_loop_lists_wrong_answers_and_counts(command: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert try_main([str(command), "--wrong"]) == 0
    out = capsys.readouterr().out
    assert "✗ t-wrong" in out and "缺少：7%" in out and "t-gdp" not in out
    assert re.search(r"全部\s+4 /\s+5\s+0\.800", out)
    assert try_main([str(command), "--type", "follow_up"]) == 0
    out = capsys.readouterr().out
    assert "✓ t-follow  停车位多少？ → 那新建城市公园呢？" in out and "t-gdp" not in out


def test_the_tuners_loop_does_not_open_sealed_questions(capsys: pytest.CaptureFixture[str]) -> None:
    for suite in ("sealed", "all", "evals/questions/sealed.jsonl"):
        with pytest.raises(SystemExit) as error:
            try_main([suite])
        assert error.value.code == 2
    assert not capsys.readouterr().out


def test_benchmark_compares_an_answer_with_an_embedding(
    command: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(evals.cli, "query_encoder", lambda answerer: lambda texts: sum(range(200_000)))
    assert run_benchmark(warm_only=True, as_json=True, rounds=1, limit=5) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["questions"] == 5 and 0 < found["ratio"] <= found["max_ratio"] == 3
    assert found["page_ready_s"] is None
    monkeypatch.setattr(evals.cli, "query_encoder", lambda answerer: lambda texts: None)
    assert run_benchmark(warm_only=True, rounds=1, limit=5) == 1
    assert "超出" in capsys.readouterr().out

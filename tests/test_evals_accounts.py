"""Accounts are graded by their points; the right one says enough of them and nothing that would be wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.types import Answer, Citation, Generation, Outcome, Status
from corpus.load import load_document, parse_document
from evals.accounts import SUITES, AccountCase, as_markdown, load_accounts, means, score, text_table
from evals.types import QuestionFileError

TEXT = "新增停车位1000个，城市公园3个。完成投资179亿元以上。"
DOCUMENT = parse_document(TEXT, doc_id="plan")
CASE = AccountCase(
    id="a1",
    type="summary",
    question="概括一下城区建设",
    answerable=True,
    gold_spans=("新增停车位1000个，城市公园3个",),
    points=(("1000个",), ("公园3个", "3个公园"), ("179亿元",)),
    must=2,
    trap_values=("820个",),
)


def said(text: str, status: Status = Status.ANSWERED) -> Answer:
    cited = Citation(1, "plan", "1", "", TEXT.rstrip("。"), 0, len(TEXT) - 1, DOCUMENT.sha256)
    return Answer("问", "问", status, text, (cited,))


def graded(case: AccountCase, answer: Answer) -> tuple[bool, float | None, bool]:
    result = score(case, answer, {"plan": DOCUMENT})
    return result.right, result.points, result.bound


def test_enough_points_make_it_right() -> None:
    assert graded(CASE, said("新增停车位1000个，城市公园3个。[1]")) == (True, pytest.approx(2 / 3), True)


def test_too_few_points_make_it_wrong() -> None:
    assert graded(CASE, said("新增停车位1000个。[1]")) == (False, pytest.approx(1 / 3), True)


def test_value_that_is_wrong_there_makes_it_wrong() -> None:
    assert not graded(CASE, said("新增停车位1000个，城市公园3个，去年是820个。[1]"))[0]


def test_figure_inside_another_is_no_point() -> None:
    assert graded(CASE, said("新增停车位11000个。[1]"))[1] == 0


def test_figure_that_no_citation_bears_is_unbound() -> None:
    assert not graded(CASE, said("新增停车位1000个，城市公园5个。[1]"))[2]


def test_refusal_is_right_where_there_is_no_answer_and_only_there() -> None:
    refusal = said("文件未提及。", Status.NOT_FOUND)
    assert not graded(CASE, refusal)[0]
    assert graded(CASE.model_copy(update={"answerable": False, "points": ()}), refusal)[:2] == (True, None)


def test_means_count_what_became_of_generated_sentences() -> None:
    written = Generation("m", Outcome.WRITTEN, "", sentences=3, judged=2, bound=2, answer_tokens=30)
    fell_back = Generation("m", Outcome.FELL_BACK, "", sentences=1, judged=1, bound=0, answer_tokens=10)
    answers = [said("新增停车位1000个，城市公园3个。[1]")] * 2
    scores = [
        score(CASE, Answer(**{**fields(answer), "generation": made}), {"plan": DOCUMENT}, 0.1, 0.5, 1.0)
        for answer, made in zip(answers, (written, fell_back), strict=True)
    ]
    mean = means(scores)
    assert (mean.sentences, mean.judged, mean.bound_sentences, mean.tokens) == (4, 3, 2, 20)
    assert mean.outcomes == {Outcome.WRITTEN: 1, Outcome.FELL_BACK: 1}
    assert (mean.quotation, mean.first, mean.total) == (0.1, 0.5, 1.0)
    assert "2/3" in text_table({"quote": scores})


def fields(answer: Answer) -> dict[str, object]:
    return {name: getattr(answer, name) for name in answer.__slots__}


def test_sealed_questions_are_not_in_the_report() -> None:
    runs = {"quote": [score(CASE, said("新增停车位1000个。[1]"), {"plan": DOCUMENT})]}
    assert CASE.question in as_markdown(runs, is_sealed=False)
    assert CASE.question not in as_markdown(runs, is_sealed=True)


def test_unusable_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    path.write_text('{"id": "x"}\n', encoding="utf-8")
    with pytest.raises(QuestionFileError, match="第 1 行"):
        load_accounts(path)


@pytest.mark.parametrize("suite", SUITES)
def test_gold_spans_stand_in_the_plan(suite: str, plan_path: Path) -> None:
    text = load_document(plan_path).text
    cases = load_accounts(SUITES[suite])
    assert len(cases) == 40
    for case in cases:
        assert all(span in text for span in case.gold_spans), case.id
        assert case.must <= len(case.points)
        assert case.answerable == bool(case.points)

"""What counts as right: boundary cases written by hand."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import pytest

from assistant.types import Answer, Citation, GateReport, Status, WordingCheck
from corpus.load import parse_document
from corpus.types import Document
from evals import grade
from evals.fold import contains, figures_of, fold
from evals.types import EvalCase

TEXT = "地区生产总值增长6%，一般公共预算收入增长6.6%。城镇和农村居民人均可支配收入分别增长5.5%和6.5%。新建公园3个，年内完成投资179亿元以上。新建公园3个。"
DOCUMENT = parse_document(TEXT, doc_id="plan")
DOCUMENTS = {"plan": DOCUMENT}


def a_case(**changes: Any) -> EvalCase:
    data: dict[str, Any] = {
        "id": "t-1",
        "type": "single_fact",
        "question": "2024年地区生产总值增长目标是多少？",
        "answerable": True,
        "gold_values": ["6%"],
        "accept": [["6%", "百分之六"]],
        "gold_spans": ["地区生产总值增长6%"],
    }
    return EvalCase.model_validate(data | changes)


def a_citation(quote: str, document: Document = DOCUMENT, n: int = 1) -> Citation:
    start = document.text.index(quote)
    return Citation(n, document.doc_id, "1.1.1", "", quote, start, start + len(quote), document.sha256)


def an_answer(text: str, *quotes: str, status: Status = Status.ANSWERED, **changes: Any) -> Answer:
    citations = tuple(a_citation(quote, n=n) for n, quote in enumerate(quotes, start=1))
    return replace(Answer("问", "问", status, text, citations), **changes)


UNANSWERABLE: dict[str, Any] = {
    "type": "unanswerable",
    "answerable": False,
    "gold_values": [],
    "accept": [],
    "gold_spans": [],
}
CHECK: dict[str, Any] = {
    "type": "wording_check",
    "expected": "mismatch",
    "original": "地区生产总值增长6%",
    "wrong_values": ["5%"],
}


@pytest.mark.parametrize(
    ("text", "value", "expected"),
    [
        pytest.param("增长6%。", "6%", True, id="the_value_itself"),
        pytest.param("增长16%", "6%", False, id="digit_before"),
        pytest.param("增长6.5%", "6%", False, id="decimals_before_the_sign"),
        pytest.param("增长6.5%", "5%", False, id="decimals_alone"),
        pytest.param("增长0.6%", "6%", False, id="point_before"),
        pytest.param("增长66%", "6%", False, id="digit_twice"),
        pytest.param("增长百分之六", "6%", True, id="chinese_percent"),
        pytest.param("增长百分之十六", "6%", False, id="chinese_sixteen"),
        pytest.param("增长百分之六点五", "6.5%", True, id="chinese_decimals"),
        pytest.param("增长６％", "6%", True, id="full_width"),
        pytest.param("增长 6 %", "6%", True, id="blanks"),
        pytest.param("增長6%", "增长6%", True, id="traditional"),
        pytest.param("增长6.0%", "6%", True, id="equal_decimals"),
        pytest.param("新增8,074人", "8074人", True, id="thousands_separator"),
        pytest.param("新增８，０７４人", "8074人", True, id="full_width_thousands_separator"),
        pytest.param("新增八千零七十四人", "8074人", True, id="chinese_thousands"),
        pytest.param("造林4千亩", "4000亩", True, id="digits_and_scale"),
        pytest.param("面积970000平方米", "97万平方米", True, id="scale_written_out"),
        pytest.param("面积97万㎡", "97万平方米", True, id="unit_sign"),
        pytest.param("投资1179亿元", "179亿元", False, id="larger_number"),
        pytest.param("投资179亿元以上", "179亿元以上", True, id="bound_word"),
        pytest.param("投资179亿元", "179亿元以上", False, id="bound_word_lost"),
        pytest.param("提高3个百分点", "3个", False, id="percentage_points_are_no_count"),
        pytest.param("建设6-8个", "8个", False, id="end_of_a_range"),
        pytest.param("建设6至8个", "6-8个", True, id="range_in_words"),
        pytest.param("位列第四名", "第4名", True, id="rank"),
        pytest.param("位列第14名", "第4", False, id="other_rank"),
        pytest.param("位列第40名", "第4", False, id="rank_with_more_digits"),
        pytest.param("下降6%\n12个", "6%", True, id="line_break_keeps_numbers_apart"),
        pytest.param("共3\n12个", "12个", True, id="line_break_joins_no_digits"),
        pytest.param("二〇二四年八月十五日", "2024年8月15日", True, id="date_in_chinese"),
        pytest.param("莱芜政发[2024]4号", "莱芜政发〔2024〕4号", True, id="brackets"),
        pytest.param("PM2.5平均浓度", "2.5", False, id="number_in_a_name"),
        pytest.param("实施“生态立区”战略", "生态立区", True, id="quotation_marks"),
        pytest.param("第十九届人大三次会议", "十九届人大三次会议", True, id="ordinal"),
        pytest.param("", "6%", False, id="empty_answer"),
    ],
)
def test_value_is_found_with_its_boundaries(text: str, value: str, expected: bool) -> None:
    assert contains(text, value) is expected


@pytest.mark.parametrize("words", ["十四五", "三看三比", "千方百计", "“百千万”", "一二三产"])
def test_words_that_only_look_like_numerals_stay_comparable(words: str) -> None:
    assert contains(f"推进{words}工作", words)


def test_folding_twice_changes_nothing() -> None:
    assert fold(fold(TEXT)) == fold(TEXT)


@pytest.mark.parametrize(
    ("text", "figures"),
    [
        ("2024年增长6%。[1]", ["6%"]),
        ("1. 增长6%\n2. 新建3个[2]", ["6%", "3个"]),
        ("共两项：1. 增长6%\n2. 2023年增长7%", ["6%", "7%"]),
        ("2024年8月15日印发", []),
        ("增长百分之六，共十二个", ["6%", "12个"]),
        ("一个目标，三大战略", []),
        ("①6%②7%", ["6%", "7%"]),
        ("[1][2]", []),
    ],
)
def test_figures_of_an_answer_leave_out_years_marks_and_list_numbers(text: str, figures: list[str]) -> None:
    assert [figure.text for figure in figures_of(text)] == figures


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2024年地区生产总值的增长目标是6%。[1]", 1),
        ("增长目标是百分之六。", 1),
        ("增长目标是16%。", 0),
        ("增长目标是6.6%。", 0),
        ("", 0),
        ("地区生产总值增长6%，一般公共预算收入增长6.6%。", 1),
        ("地区生产总值增长6%，一般公共预算收入增长6.6%，城镇居民收入增长5.5%。", 0),
        ("地区生产总值增长6%" + "，这是全年经济工作的首要目标" * 8, 0),
    ],
)
def test_a_fact_is_right_when_its_value_is_said_and_little_else(text: str, value: float) -> None:
    assert grade.right(a_case(), an_answer(text)).value == value


def test_clause_that_carries_more_figures_may_be_quoted_whole() -> None:
    clause = "新建公园3个、广场4个、停车场5个"
    case = a_case(gold_values=["3个"], accept=[["3个"]], gold_spans=[clause])
    assert grade.right(case, an_answer(f"{clause}。")).value == 1
    assert grade.right(case, an_answer(f"{clause}，道路6条，桥梁7座。")).value == 0


def test_a_figure_said_twice_counts_once() -> None:
    assert grade.right(a_case(), an_answer("目标是6%，即百分之六（6%），不是目标的6.6%。")).value == 1


@pytest.mark.parametrize(
    ("text", "traps", "value"),
    [
        pytest.param("增长6%。", ["4.5%"], 1, id="no_trap_said"),
        pytest.param("增长6%，2023年增长4.5%。", ["4.5%"], 0, id="a_year_beside_it_does_not_excuse"),
        pytest.param("增长6%，另有14.5%。", ["4.5%"], 1, id="part_of_another_number"),
        pytest.param("增长6%，上年为百分之四点五。", ["4.5%"], 0, id="trap_in_words"),
        pytest.param("增长6%。", ["6%"], 1, id="trap_that_is_gold"),
    ],
)
def test_traps(text: str, traps: list[str], value: float) -> None:
    assert grade.right(a_case(trap_values=traps), an_answer(text)).value == value


def test_trap_inside_a_gold_spelling_is_ignored_and_one_around_it_is_not() -> None:
    above = a_case(gold_values=["6.5%以上"], accept=[["6.5%以上"]], trap_values=["6.5%"])
    assert grade.right(above, an_answer("增长6.5%以上。")).value == 1
    plain = a_case(gold_values=["6.5%"], accept=[["6.5%"]], trap_values=["6.5%以上"])
    assert grade.right(plain, an_answer("增长6.5%以上。")).value == 0


def test_same_number_with_another_bound_word_is_wrong() -> None:
    case = a_case(gold_values=["6.5%左右"], accept=[["6.5%左右"]], trap_values=["6.5%以上"])
    assert grade.right(case, an_answer("增长6.5%左右。")).value == 1
    assert grade.right(case, an_answer("增长6.5%以上。")).value == 0
    assert grade.right(case, an_answer("增长6.5%。")).value == 0


@pytest.mark.parametrize("status", [Status.NOT_FOUND, Status.DECLINED, Status.CLARIFY])
def test_answerable_question_not_answered_is_wrong_even_with_the_value_in_the_text(status: Status) -> None:
    score = grade.right(a_case(), an_answer("增长6%。", status=status))
    assert (score.value, status.value in score.reason) == (0, True)


@pytest.mark.parametrize(("text", "value"), [("生态立区、工业强区、创新兴区", 1), ("生态立区、工业强区", 0)])
def test_a_list_needs_every_member(text: str, value: float) -> None:
    members = ["生态立区", "工业强区", "创新兴区"]
    case = a_case(type="list", gold_values=members, accept=[], gold_spans=["生态立区、工业强区、创新兴区"])
    assert grade.right(case, an_answer(text)).value == value


def test_a_list_may_hold_many_figures_but_not_the_whole_plan() -> None:
    case = a_case(type="list", gold_values=["3个"], accept=[], gold_spans=["新建公园3个"])
    assert grade.right(case, an_answer("\n".join(f"{n}. 事项{n}：{n}个" for n in range(1, 9)))).value == 1
    assert grade.right(case, an_answer("新建公园3个" * 40)).value == 0


@pytest.mark.parametrize(
    ("status", "text", "value"),
    [
        (Status.CLARIFY, "2023年2400亩[1]，2024年4000亩[2]。", 1),
        (Status.ANSWERED, "2023年2400亩[1]，2024年4000亩[2]。", 1),
        (Status.CLARIFY, "2023年2400亩[1]。", 0),
        (Status.NOT_FOUND, "2023年2400亩，2024年4000亩。", 0),
    ],
)
def test_a_question_with_two_readings_needs_both(status: Status, text: str, value: float) -> None:
    case = a_case(type="clarify", gold_values=["2400亩", "4000亩"], accept=[])
    assert grade.right(case, an_answer(text, status=status)).value == value


@pytest.mark.parametrize(
    ("status", "value"),
    [(Status.NOT_FOUND, 1), (Status.DECLINED, 1), (Status.CLARIFY, 0), (Status.ANSWERED, 0)],
)
def test_an_unanswerable_question_is_to_be_refused(status: Status, value: float) -> None:
    case, answer = a_case(**UNANSWERABLE), an_answer("计划未提及。", status=status)
    scores = {score.measure: score.value for score in grade.grade(case, answer, DOCUMENTS)}
    assert (scores["right"], scores["right_refusal"]) == (value, value)
    assert "found" not in scores and "not_refused" not in scores and "citation_recall" not in scores


@pytest.mark.parametrize(
    ("check", "value"),
    [
        (WordingCheck("mismatch", "全区地区生产总值增长6%"), 1),
        (WordingCheck("mismatch", "地区生产总值增长6.6%"), 0),
        (WordingCheck("match", "地区生产总值增长6%"), 0),
        (WordingCheck("not_found", ""), 0),
        (None, 0),
    ],
)
def test_an_altered_wording_needs_verdict_and_original(check: WordingCheck | None, value: float) -> None:
    assert grade.right(a_case(**CHECK), an_answer("不一致。", wording_check=check)).value == value


def test_an_altered_wording_without_values_needs_the_original_words() -> None:
    case = a_case(**CHECK | {"gold_values": [], "accept": []})
    assert (
        grade.right(case, an_answer("", wording_check=WordingCheck("mismatch", "全区地区生产总值增长 6%。"))).value == 1
    )
    assert grade.right(case, an_answer("", wording_check=WordingCheck("mismatch", "增长6%"))).value == 0


@pytest.mark.parametrize("verdict", ["match", "not_found"])
def test_other_verdicts_need_nothing_more(verdict: str) -> None:
    case = a_case(**CHECK | {"expected": verdict, "gold_values": [], "accept": []})
    assert grade.right(case, an_answer("", wording_check=WordingCheck(verdict, ""))).value == 1


def test_the_year_is_right_without_the_other_years_value_only() -> None:
    case = a_case(type="year_contrast", trap_values=["4.5%"])
    for text, value in (("增长6%。", 1), ("增长4.5%。", 0), ("增长6%（2023年4.5%）。", 0)):
        score = grade.right_year(case, an_answer(text))
        assert score is not None and score.value == value
    refused = grade.right_year(case, an_answer("", status=Status.NOT_FOUND))
    assert refused is not None and refused.value == 0
    assert grade.right_year(a_case(), an_answer("增长6%。")) is None


@pytest.mark.parametrize(
    ("text", "quotes", "value"),
    [
        pytest.param("增长6%。", ["地区生产总值增长6%"], 1, id="in_the_quote"),
        pytest.param("增长百分之六。", ["地区生产总值增长6%"], 1, id="in_words"),
        pytest.param("增长6%。", ["一般公共预算收入增长6.6%"], 0, id="part_of_another_number"),
        pytest.param("增长6%。", [], 0, id="no_citation"),
        pytest.param("增长6%和6.6%。", ["地区生产总值增长6%"], 0, id="one_of_two"),
        pytest.param("2024年没有给出数字。", [], 1, id="a_year_is_no_figure"),
        pytest.param("完成投资179亿元以上。", ["年内完成投资179亿元以上"], 1, id="bound_word_kept"),
        pytest.param("完成投资不低于179亿元。", ["年内完成投资179亿元以上"], 1, id="equal_bound_word"),
        pytest.param("完成投资179亿元。", ["年内完成投资179亿元以上"], 0, id="bound_word_lost"),
        pytest.param("增长6%以上。", ["地区生产总值增长6%"], 0, id="bound_word_made_up"),
        pytest.param("达到6%。", ["地区生产总值增长6%"], 1, id="reaching_claims_nothing"),
        pytest.param("增长6个百分点。", ["地区生产总值增长6%"], 0, id="other_unit"),
        pytest.param(
            "计算得出，非原文：6.6%－6%＝0.6个百分点，即高0.6个百分点。",
            ["增长6%", "增长6.6%"],
            1,
            id="derived_and_labelled",
        ),
        pytest.param("计算得出，非原文：相差0.6个百分点。", ["增长6%", "增长6.6%"], 0, id="derived_without_formula"),
        pytest.param("计算得出，非原文：6.6%－6%＝0.7个百分点。", ["增长6%", "增长6.6%"], 0, id="derived_wrongly"),
        pytest.param("计算得出，非原文：6.6%－6%＝0.6个百分点。", ["增长6%"], 0, id="derived_from_a_figure_not_cited"),
        pytest.param("6.6%－6%＝0.6个百分点。", ["增长6%", "增长6.6%"], 0, id="derived_without_label"),
    ],
)
def test_every_figure_stands_in_a_cited_quote(text: str, quotes: list[str], value: float) -> None:
    assert grade.bound(a_case(), an_answer(text, *quotes)).value == value


def test_the_gates_own_report_must_agree() -> None:
    answer = an_answer("增长6%。", "地区生产总值增长6%")
    assert grade.bound(a_case(), replace(answer, gate=GateReport(1, 1))).value == 1
    assert grade.bound(a_case(), replace(answer, gate=GateReport(2, 1))).value == 0


def test_words_of_the_question_may_be_repeated_in_a_check_or_a_refusal_only() -> None:
    asked = a_case(question="地区生产总值增长7%吗？")
    assert grade.bound(asked, an_answer("原文没有“增长7%”。", status=Status.NOT_FOUND)).value == 1
    assert grade.bound(asked, an_answer("增长7%。")).value == 0


def test_citation_is_exactly_the_text_of_its_place() -> None:
    good = an_answer("增长6%。", "地区生产总值增长6%")
    assert grade.citations_slice(a_case(), good, DOCUMENTS).value == 1
    (citation,) = good.citations
    for spoiled in (
        replace(citation, start=citation.start + 1),
        replace(citation, quote="地区生产总值增长7%"),
        replace(citation, document="other"),
        replace(citation, sha256=hashlib.sha256(b"").hexdigest()),
        replace(citation, start=5, end=5, quote=""),
    ):
        assert grade.citations_slice(a_case(), replace(good, citations=(spoiled,)), DOCUMENTS).value == 0
        assert grade.citations_slice(a_case(), replace(good, nearest=(spoiled,)), DOCUMENTS).value == 0


def test_an_answer_needs_a_citation_and_a_refusal_does_not() -> None:
    assert grade.citations_slice(a_case(), an_answer("增长6%。"), DOCUMENTS).value == 0
    assert grade.citations_slice(a_case(), an_answer("无。", status=Status.NOT_FOUND), DOCUMENTS).value == 1


def test_citation_precision_and_recall_by_overlap() -> None:
    case = a_case(gold_spans=["地区生产总值增长6%", "年内完成投资179亿元以上"])
    answer = an_answer("", "生产总值增长6%，一般", "城镇和农村居民")
    precision = grade.citation_precision(case, answer, DOCUMENTS)
    recall = grade.citation_recall(case, answer, DOCUMENTS)
    assert precision is not None and recall is not None
    assert (precision.value, recall.value) == (0.5, 0.5)
    nothing = an_answer("")
    for score in (grade.citation_precision(case, nothing, DOCUMENTS), grade.citation_recall(case, nothing, DOCUMENTS)):
        assert score is not None and score.value == 0


def test_any_place_of_a_span_that_occurs_twice_counts() -> None:
    case = a_case(gold_spans=["新建公园3个"])
    second = TEXT.rindex("新建公园3个")
    citation = replace(a_citation("新建公园3个"), start=second, end=second + 6)
    for answer in (an_answer("", "新建公园3个"), replace(an_answer(""), citations=(citation,))):
        score = grade.citation_recall(case, answer, DOCUMENTS)
        assert score is not None and score.value == 1


def test_places_that_only_meet_do_not_touch() -> None:
    case = a_case(gold_spans=["地区生产总值"])
    score = grade.citation_recall(case, an_answer("", "增长6%"), DOCUMENTS)
    assert score is not None and score.value == 0


def test_each_score_has_a_reason() -> None:
    for case in (a_case(), a_case(**UNANSWERABLE), a_case(**CHECK), a_case(type="year_contrast", trap_values=["4.5%"])):
        scores = grade.grade(case, an_answer(""), DOCUMENTS)
        assert all(score.reason and 0 <= score.value <= 1 for score in scores)
        assert len({score.measure for score in scores}) == len(scores)

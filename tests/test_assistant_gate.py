from __future__ import annotations

from dataclasses import replace

import pytest

from assistant.compose import state
from assistant.gate import Statement, is_bound, passes, run_gate, words_borne
from corpus.figures import find_figures
from corpus.passages import passages
from corpus.types import Document, Kind


def statement(words: str, quote: str, *, label: str = "2026年目标", year: int | None = 2026) -> Statement:
    return Statement(label, words, quote, 10, 10 + len(quote), "plan", "2.2.1", ("二、目标",), year, Kind.TARGET)


INVESTED = "年内完成投资135亿元以上"
ALTERED = [
    pytest.param(INVESTED, "年内完成投资136亿元以上", id="digit_changed"),
    pytest.param(INVESTED, "年内完成投资35亿元以上", id="first_digit_dropped"),
    pytest.param(INVESTED, "年内完成投资13亿元以上", id="last_digit_dropped"),
    pytest.param(INVESTED, "年内完成投资1350亿元以上", id="digit_added"),
    pytest.param(INVESTED, "年内完成投资13.5亿元以上", id="decimal_point_put_in"),
    pytest.param(INVESTED, "年内完成投资135万元以上", id="yi_to_wan"),
    pytest.param(INVESTED, "年内完成投资135元以上", id="scale_dropped"),
    pytest.param(INVESTED, "年内完成投资135亿元", id="bound_word_lost"),
    pytest.param(INVESTED, "年内完成投资135亿元以下", id="bound_word_changed"),
    pytest.param(INVESTED, "年内完成投资135亿美元以上", id="currency_changed"),
    pytest.param(INVESTED, "年内完成投资不低于135亿元以上", id="second_bound_word_added"),
    pytest.param("新增高标准农田2.5万亩", "新增高标准农田25万亩", id="decimal_point_dropped"),
    pytest.param("新增高标准农田2.5万亩", "新增高标准农田0.25万亩", id="decimal_point_moved"),
    pytest.param("新增高标准农田2.5万亩", "新增高标准农田2.5亿亩", id="wan_to_yi"),
    pytest.param("新增高标准农田2.5万亩", "新增高标准农田2.5万公顷", id="unit_changed"),
    pytest.param("一般公共预算收入增长4.5%", "一般公共预算收入增长5%", id="end_of_another_figure"),
    pytest.param("一般公共预算收入增长4.5%", "一般公共预算收入增长4.5个百分点", id="percent_to_percentage_points"),
    pytest.param("一般公共预算收入增长4.5%", "一般公共预算收入增长4.5%以上", id="bound_word_added"),
    pytest.param("引进配套项目5-7个", "引进配套项目5个", id="range_to_its_start"),
    pytest.param("引进配套项目5-7个", "引进配套项目7个", id="range_to_its_end"),
    pytest.param("引进配套项目5-7个", "引进配套项目5-8个", id="end_of_range_changed"),
    pytest.param("网络零售额突破18亿元", "网络零售额18亿元", id="bound_word_before_lost"),
    pytest.param("培训务工人员3000多名", "培训务工人员3000名", id="bound_word_inside_lost"),
    pytest.param("观摩评议中位列第2名", "观摩评议中位列第1名", id="rank_changed"),
    pytest.param("16%的企业", "6%的企业", id="figure_inside_another"),
]


@pytest.mark.parametrize(("quote", "words"), ALTERED)
def test_altered_figure_is_caught(quote: str, words: str) -> None:
    assert not passes(statement(words, quote))


@pytest.mark.parametrize(
    "quote", sorted({parameter.values[0] for parameter in ALTERED if isinstance(parameter.values[0], str)})
)
def test_figure_as_published_passes(quote: str) -> None:
    assert passes(statement(quote, quote))


@pytest.mark.parametrize(
    ("words", "quote"),
    [
        pytest.param(
            "城镇居民人均可支配收入增长4.9%", "城乡居民人均可支配收入分别增长4.9%、6.3%", id="part_of_a_compound"
        ),
        pytest.param(
            "农村居民人均可支配收入增长6.8%", "城镇和农村居民人均可支配收入分别增长5.4%和6.8%", id="shared_out"
        ),
        pytest.param("进出口总额增长1.9%", "完成进出口总额86.4亿元，增长1.9%", id="borrowed_subject"),
        pytest.param(
            "新能源装备产业：引进配套项目5-7个",
            "新能源装备产业，以园区为依托，引进配套项目5-7个",
            id="subject_put_in_front",
        ),
        pytest.param("三大战略", "坚定实施三大战略", id="no_figure"),
    ],
)
def test_words_put_together_from_the_quotation_pass(words: str, quote: str) -> None:
    assert passes(statement(words, quote))


@pytest.mark.parametrize(
    ("words", "quote"),
    [
        pytest.param("进出口总额增长4.5%", "一般公共预算收入增长4.5%", id="foreign_subject"),
        pytest.param(
            "沅湾区一般公共预算收入增长4.5%", "一般公共预算收入增长4.5%", id="subject_that_does_not_stand_there"
        ),
        pytest.param("财政增长4.5%", "一般公共预算收入增长4.5%", id="paraphrase"),
        pytest.param("一般公共预算收入下降4.5%", "一般公共预算收入增长4.5%", id="opposite"),
    ],
)
def test_words_that_the_quotation_does_not_bear_are_caught(words: str, quote: str) -> None:
    assert not passes(statement(words, quote))


@pytest.mark.parametrize(
    ("label", "year", "passed"),
    [
        pytest.param("2026年目标", 2026, True, id="right_year"),
        pytest.param("2025年实际", 2026, False, id="other_year"),
        pytest.param("", 2026, True, id="no_label"),
        pytest.param("2026年目标", None, True, id="year_unknown"),
        pytest.param("2025年实际和2026年目标", 2026, False, id="two_years"),
    ],
)
def test_year_in_the_label_must_be_that_of_the_source(label: str, year: int | None, passed: bool) -> None:
    words = "一般公共预算收入增长4.5%"
    assert passes(statement(words, words, label=label, year=year)) is passed


@pytest.mark.parametrize(
    ("label", "kind"),
    [("2025年目标", Kind.RESULT), ("2025年实际", Kind.TARGET)],
    ids=["target_of_a_result", "result_of_a_target"],
)
def test_kind_in_the_label_must_be_that_of_the_source(label: str, kind: Kind) -> None:
    words = "一般公共预算收入增长3.8%"
    assert not passes(replace(statement(words, words, label=label, year=2025), kind=kind))


@pytest.mark.parametrize(
    ("words", "quote"),
    [
        pytest.param(
            "城镇居民人均可支配收入增长6.8%", "城镇和农村居民人均可支配收入分别增长5.4%和6.8%", id="shared_out"
        ),
        pytest.param("死亡人数下降15.2%", "安全生产事故起数、死亡人数分别下降15.2%和31.6%", id="side_by_side"),
    ],
)
def test_figure_of_the_other_member_is_caught(words: str, quote: str) -> None:
    assert not passes(statement(words, quote))


def test_gate_keeps_what_passes_in_order_and_counts() -> None:
    good = statement("增长4.5%", "增长4.5%")
    bad = statement("增长5%", "增长4.5%")
    last = statement("新增5-7个、8个", "新增5-7个、8个")
    kept, report = run_gate([good, bad, last])
    assert kept == [good, last]
    assert (report.figures, report.bound, report.removed) == (3, 3, 1)


def test_gate_of_nothing_is_nothing() -> None:
    kept, report = run_gate([])
    assert (kept, report.figures, report.bound, report.removed) == ([], 0, 0, 0)


def test_every_passage_of_a_plan_passes_as_it_is_said(document: Document) -> None:
    broken = [
        p.text for p in passages(document) if not passes(state(p, document)) and not p.text.startswith(("4个", "7个"))
    ]
    assert broken == []


def test_no_figure_of_a_plan_passes_with_a_digit_changed(document: Document) -> None:
    """Each figure of each clause, its last digit counted up by one."""
    for passage in passages(document):
        for figure in passage.figures if passage.is_clause else ():
            quote = document.text[passage.start : passage.end]
            place = max(i for i, character in enumerate(figure.text) if character.isdigit())
            wrong = figure.text[:place] + str((int(figure.text[place]) + 1) % 10) + figure.text[place + 1 :]
            altered = replace(state(passage, document), words=passage.text.replace(figure.text, wrong))
            [read] = find_figures(f"，{wrong}，") or [None]
            if read is not None and not is_bound(read, quote):
                assert not passes(altered), altered.words


@pytest.mark.parametrize(
    ("text", "quote", "bound"),
    [
        pytest.param("6%", "增长16%", False, id="inside_a_longer_number"),
        pytest.param("6%", "增长6.5%", False, id="start_of_a_decimal"),
        pytest.param("5%", "增长6.5%", False, id="end_of_a_decimal"),
        pytest.param("6%", "增长６％", True, id="full_width"),
        pytest.param("1万亩", "改造10000亩", True, id="same_value"),
        pytest.param("2026", "2026年", False, id="year"),
    ],
)
def test_figure_is_bound_to_the_same_figure_only(text: str, quote: str, bound: bool) -> None:
    assert all(is_bound(figure, quote) is bound for figure in find_figures(text + "，"))


def test_words_in_another_width_and_script_are_borne() -> None:
    assert words_borne("GDP增長6%", "ＧＤＰ增长６％")

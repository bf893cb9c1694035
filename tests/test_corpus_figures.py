from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.figures import find_figures
from corpus.types import Document


@pytest.mark.parametrize(
    ("text", "written", "value", "unit", "bound"),
    [
        pytest.param("增长6%", "6%", "6", "%", "", id="percent"),
        pytest.param("增长6.5%", "6.5%", "6.5", "%", "", id="decimal"),
        pytest.param("增长６.５％", "６.５％", "6.5", "%", "", id="full_width"),
        pytest.param("提高0.3个百分点", "0.3个百分点", "0.3", "个百分点", "", id="percentage_points"),
        pytest.param(
            "回落2.1百分点",
            "2.1百分点",
            "2.1",
            "百分点",
            "",
            id="percentage_points_without_measure_word",
        ),
        pytest.param("新增停车位600个", "600个", "600", "个", "", id="measure_word"),
        pytest.param("城镇新增就业5,260人", "5,260人", "5260", "人", "", id="thousands_comma"),
        pytest.param("人工造林2400亩", "2400亩", "2400", "亩", "", id="area"),
        pytest.param("高标准农田1万亩", "1万亩", "10000", "亩", "", id="ten_thousand_before_the_unit"),
        pytest.param("改造1.5万亩", "1.5万亩", "15000", "亩", "", id="decimal_of_ten_thousand"),
        pytest.param("完成投资179亿元", "179亿元", "17900000000", "元", "", id="hundred_million"),
        pytest.param("总量1.2万亿元", "1.2万亿元", "1200000000000", "元", "", id="trillion"),
        pytest.param("外资3500万美元", "3500万美元", "35000000", "美元", "", id="dollars"),
        pytest.param("改造45万平方米", "45万平方米", "450000", "平方米", "", id="square_metres"),
        pytest.param("浓度41微克/立方米", "41微克/立方米", "41", "微克/立方米", "", id="unit_with_a_slash"),
        pytest.param("综合指数4.81，", "4.81", "4.81", "", "", id="index_without_unit"),
        pytest.param("位列第4名", "第4名", "4", "名", "", id="rank"),
        pytest.param("位居第2位", "第2位", "2", "位", "", id="rank_by_place"),
        pytest.param("完成投资179亿元以上", "179亿元以上", "17900000000", "元", "以上", id="bound_after"),
        pytest.param("大赛30场以上", "30场以上", "30", "场", "以上", id="bound_after_a_count"),
        pytest.param("控制在5%以内", "控制在5%以内", "5", "%", "控制在以内", id="bound_before_and_after"),
        pytest.param("约120人左右", "约120人左右", "120", "人", "约左右", id="about_twice"),
        pytest.param("零售额突破30亿元", "突破30亿元", "3000000000", "元", "突破", id="bound_before"),
        pytest.param("达到92%", "达到92%", "92", "%", "达到", id="reached"),
        pytest.param("不低于3个", "不低于3个", "3", "个", "不低于", id="not_less_than"),
        pytest.param("建成至少1个", "至少1个", "1", "个", "至少", id="at_least"),
        pytest.param("培训3000多名", "3000多名", "3000", "名", "多", id="bound_inside"),
        pytest.param("惠及20余万人", "20余万人", "200000", "人", "余", id="bound_between_number_and_scale"),
        pytest.param("超过1万多户", "超过1万多户", "10000", "户", "超过多", id="bound_before_and_inside"),
        pytest.param("农机具1200台（套）以上", "1200台（套）以上", "1200", "台（套）", "以上", id="unit_with_brackets"),
        pytest.param("农机具1200台(套)", "1200台(套)", "1200", "台(套)", "", id="unit_with_narrow_brackets"),
        pytest.param("面积20平方公里", "20平方公里", "20", "平方公里", "", id="longest_unit_wins"),
        pytest.param("提前3个月", "3个月", "3", "个月", "", id="months_are_a_span"),
        pytest.param("用时15天", "15天", "15", "天", "", id="days"),
        pytest.param("每年培训40人次", "40人次", "40", "人次", "", id="person_times"),
    ],
)
def test_figure_is_read_with_its_unit_and_bound_word(
    text: str, written: str, value: str, unit: str, bound: str
) -> None:
    [figure] = find_figures(text)
    assert (figure.text, figure.value, figure.unit, figure.bound) == (written, Decimal(value), unit, bound)
    assert figure.upper is None


@pytest.mark.parametrize(
    ("text", "written", "low", "high", "unit"),
    [
        pytest.param("配套项目6-8个", "6-8个", 6, 8, "个", id="hyphen"),
        pytest.param("配套项目6—8个", "6—8个", 6, 8, "个", id="dash"),
        pytest.param("配套项目6～8个", "6～8个", 6, 8, "个", id="wave"),
        pytest.param("配套项目6至8个", "6至8个", 6, 8, "个", id="word"),
        pytest.param("投资10-15亿元", "10-15亿元", 1_000_000_000, 1_500_000_000, "元", id="scale_of_both"),
        pytest.param("增长5.5-6%左右", "5.5-6%左右", Decimal("5.5"), 6, "%", id="with_bound_word"),
    ],
)
def test_range_has_both_ends(text: str, written: str, low: Decimal, high: Decimal, unit: str) -> None:
    [figure] = find_figures(text)
    assert (figure.text, figure.value, figure.upper, figure.unit) == (written, low, high, unit)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("2026年，全区", id="year"),
        pytest.param("到2027年底", id="year_after_a_preposition"),
        pytest.param("2026年3月9日", id="date"),
        pytest.param("3月9日", id="day"),
        pytest.param("沅政发〔2026〕12号", id="document_number"),
        pytest.param("S234快速化改造", id="road"),
        pytest.param("G205改线", id="national_road"),
        pytest.param("PM2.5达标", id="pm25"),
        pytest.param("C2H项目", id="code"),
        pytest.param("建设5G基站", id="5g"),
        pytest.param("第十九届人民代表大会第三次会议", id="ordinals_in_words"),
        pytest.param("第19届运动会", id="ordinal_of_a_meeting"),
        pytest.param("“5344”项目谋划法", id="name_in_quotes"),
        pytest.param("三大战略", id="numeral_in_words"),
        pytest.param("", id="empty"),
    ],
)
def test_what_is_no_figure_is_left_alone(text: str) -> None:
    assert find_figures(text) == ()


@pytest.mark.parametrize(
    ("text", "written"),
    [
        pytest.param("PM2.5浓度41微克/立方米", ["41微克/立方米"], id="code_beside_a_figure"),
        pytest.param("2026年增长6%", ["6%"], id="year_beside_a_figure"),
        pytest.param("分别增长5.5%和6.5%", ["5.5%", "6.5%"], id="two"),
        pytest.param("分别增长18.8%、44.4%", ["18.8%", "44.4%"], id="two_with_a_list_mark"),
        pytest.param("7个省重点、17个市级重点", ["7个", "17个"], id="count_that_ends_like_another"),
        pytest.param("公共卫生间7座、城管驿站3座", ["7座", "3座"], id="list"),
        pytest.param("《2024年方案》补贴1200台（套）以上", ["1200台（套）以上"], id="year_in_a_title"),
    ],
)
def test_all_figures_of_a_text_are_found_in_reading_order(text: str, written: list[str]) -> None:
    assert [figure.text for figure in find_figures(text)] == written


def test_offset_of_the_text_is_added_to_every_place() -> None:
    [figure] = find_figures("增长6%", offset=100)
    assert (figure.start, figure.end) == (102, 104)


def test_figures_stand_at_their_offsets_and_do_not_overlap(document: Document) -> None:
    figures = find_figures(document.text)
    assert len(figures) > 40
    assert all(document.text[figure.start : figure.end] == figure.text for figure in figures)
    assert all(a.end <= b.start for a, b in pairwise(figures))


def test_no_figure_of_a_plan_is_a_year(document: Document) -> None:
    assert not [f.text for f in find_figures(document.text) if f.text.startswith("20") and f.unit == "年"]


NUMBERS = st.sampled_from(["6", "0.62", "1000", "1,200", "33.39", "６", "2024", "5-7", "100"])
WORDS = st.sampled_from(
    [
        "增长",
        "达到",
        "不低于",
        "第",
        "以上",
        "左右",
        "多",
        "余",
        "万",
        "亿",
        "元",
        "%",
        "％",
        "个",
        "个百分点",
        "年",
        "月",
        "号",
        "届",
        "名",
        "台（套）",
        "微克/立方米",
        "S",
        "PM",
        "G",
        "，",
        "、",
        "。",
        "“",
        "”",
        "-",
        "至",
        " ",
        "和",
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(NUMBERS, WORDS), max_size=14).map("".join), st.integers(0, 50))
def test_any_text_gives_figures_that_stand_where_they_say(text: str, offset: int) -> None:
    figures = find_figures(text, offset)
    for figure in figures:
        assert text[figure.start - offset : figure.end - offset] == figure.text
        assert figure.value >= 0
        assert any(character.isdigit() for character in figure.text)
        assert figure.unit == "" or figure.unit in figure.text.replace("％", "%")
    assert all(a.end <= b.start for a, b in pairwise(figures))


@settings(max_examples=100, deadline=None)
@given(
    st.decimals(0, 99999, places=2),
    st.sampled_from(["%", "个", "亿元", "万亩", "人"]),
    st.sampled_from(["", "以上", "左右"]),
)
def test_any_number_is_read_back_as_written(number: Decimal, unit: str, bound: str) -> None:
    [figure] = find_figures(f"其中增长{number}{unit}{bound}，")
    scale = {"亿": 100_000_000, "万": 10_000}.get(unit[0], 1)
    assert figure.text == f"{number}{unit}{bound}"
    assert (figure.value, figure.bound) == (number * scale, bound)

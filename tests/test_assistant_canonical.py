from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.canonical import Codebook


def plain(text: str) -> list[str]:
    return list(Codebook().canonical(text).plains)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("增长6%", "增长６％", id="width"),
        pytest.param("城鎮新增就業", "城镇新增就业", id="script"),
        pytest.param("組織傢俱、家電", "组织家具、家电", id="words_of_the_other_script"),
        pytest.param("增长 6 %", "增长6%", id="blanks"),
        pytest.param("“三大战略”", "三大战略", id="quotation_marks"),
        pytest.param("甲、乙，丙。", "甲乙；丙", id="punctuation"),
        pytest.param("增长百分之六点五", "增长6.5%", id="spelt_percent"),
        pytest.param("一万亩", "10000亩", id="equal_value"),
        pytest.param("1.65亿元", "16500万元", id="equal_sum"),
        pytest.param("9,737万美元", "9737万美元", id="thousands"),
        pytest.param("二〇二六年", "2026年", id="spelt_year"),
        pytest.param("五个项目", "5个项目", id="spelt_count"),
        pytest.param("6至8个", "6-8个", id="range"),
        pytest.param("规上工业", "规模以上工业", id="listed_synonym"),
        pytest.param("GDP9443亿元", "地区生产总值9443亿元", id="latin_term_before_a_figure"),
        pytest.param("关于印发\n计划", "关于印发计划", id="line_break"),
    ],
)
def test_what_makes_no_difference_has_the_same_codes(one: str, other: str) -> None:
    book = Codebook()
    assert book.canonical(one).codes == book.canonical(other).codes


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("增长6%", "增长6.0001%", id="digits"),
        pytest.param("16.11亿元", "161.1亿元", id="decimal_point"),
        pytest.param("179亿元", "179万元", id="scale"),
        pytest.param("6%", "6个百分点", id="unit"),
        pytest.param("三大战略", "四大战略", id="spelt_number"),
        pytest.param("PM2.5浓度", "PM10浓度", id="latin_word"),
        pytest.param("S310改线", "S301改线", id="code"),
        pytest.param("增长6%以上", "增长6%", id="bound_word"),
        pytest.param("增长6%", "下降6%", id="direction"),
    ],
)
def test_what_makes_a_difference_has_other_codes(one: str, other: str) -> None:
    book = Codebook()
    assert book.canonical(one).codes != book.canonical(other).codes


def test_number_and_unit_are_units_of_their_own() -> None:
    assert plain("新增停车位1000个以上") == [*"新增停车位", "#", "个", "以", "上"]


def test_figures_are_found_where_the_words_stand() -> None:
    text = "增长百分之六，新增五个，投资１７９亿元以上"
    figures = Codebook().canonical(text).figures
    assert [text[f.start : f.end] for f in figures] == ["百分之六", "五个", "１７９亿元以上"]
    assert [(str(f.value), f.unit, f.bound) for f in figures] == [
        ("6", "%", ""),
        ("5", "个", ""),
        ("17900000000", "元", "以上"),
    ]


def test_a_fixed_book_does_not_grow_and_knows_a_new_word_only_in_its_text() -> None:
    book = Codebook()
    known = book.canonical("增长12%").codes
    one, other = book.canonical("增长13%", fixed=True), book.canonical("增长14%", fixed=True)
    assert one.codes != known
    assert book.canonical("增长12%", fixed=True).codes == known
    assert book.canonical("增长15%").codes[-2] not in known
    assert one.codes[:2] == other.codes[:2]


@given(st.text(max_size=60))
def test_spans_lie_in_the_text_in_order(text: str) -> None:
    canonical = Codebook().canonical(text)
    assert len(canonical.codes) == len(canonical.spans) == len(canonical.surfaces) == len(canonical.plains)
    assert all(0 <= start < end <= len(text) for start, end in canonical.spans)
    assert all(a[0] <= b[0] for a, b in zip(canonical.spans, canonical.spans[1:], strict=False))

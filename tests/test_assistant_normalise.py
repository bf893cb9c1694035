from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from assistant.normalise import arabic, fold, plain_number, simplified, tidy

ANY_TEXT = st.text(st.characters(codec=None), max_size=40)


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        pytest.param("２０２６年增长６．５％", "2026年增长6.5%", id="full_width"),
        pytest.param("GDP", "gdp", id="case"),
        pytest.param("ＧＤＰ", "gdp", id="full_width_letters"),
        pytest.param("農村居民人均可支配收入增長", "农村居民人均可支配收入增长", id="traditional"),
        pytest.param("“停车位” 新增 多少", "停车位新增多少", id="quotes_and_blanks"),
        pytest.param("「三大戰略」", "三大战略", id="corner_brackets"),
        pytest.param("台（套）", "台套", id="brackets"),
        pytest.param("《沅湾区计划》", "沅湾区计划", id="title_marks"),
        pytest.param("增长　6%\n", "增长6%", id="wide_blank_and_line_end"),
        pytest.param("PM２.５", "pm2.5", id="code"),
        pytest.param("", "", id="empty"),
    ],
)
def test_fold_brings_writings_to_one_form(text: str, folded: str) -> None:
    assert fold(text) == folded


@settings(deadline=None)
@given(st.text(max_size=40))
def test_fold_of_a_folded_text_changes_nothing(text: str) -> None:
    once = fold(text)
    assert not set(once) & set("“”‘’\"' \t\n")
    assert fold("停车位" + fold("停车位")) == "停车位停车位"


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        pytest.param("二〇二六年", "2026年", id="year"),
        pytest.param("二零二六年", "2026年", id="year_with_ling"),
        pytest.param("二○二六年", "2026年", id="year_with_a_circle"),
        pytest.param("一九九八年", "1998年", id="year_of_the_last_century"),
        pytest.param("百分之六", "6%", id="percent"),
        pytest.param("百分之六点五", "6.5%", id="percent_with_decimal"),
        pytest.param("百分之十二", "12%", id="percent_of_two_digits"),
        pytest.param("百分之一百", "100%", id="hundred_percent"),
        pytest.param("一万亩", "1万亩", id="ten_thousand_keeps_its_scale"),
        pytest.param("两千个", "2000个", id="liang"),
        pytest.param("三千五百万美元", "3500万美元", id="money"),
        pytest.param("十二个", "12个", id="teens"),
        pytest.param("一百三十五亿元", "135亿元", id="hundred_million"),
        pytest.param("六点五个百分点", "6.5个百分点", id="percentage_points"),
        pytest.param("二〇二六年增长百分之六点五", "2026年增长6.5%", id="year_and_percent"),
    ],
)
def test_chinese_numerals_of_figures_become_digits(text: str, digits: str) -> None:
    assert arabic(text) == digits


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("三大战略", id="three_strategies"),
        pytest.param("一窗链办", id="name"),
        pytest.param("第一产业", id="ordinal"),
        pytest.param("千方百计", id="idiom"),
        pytest.param("统一部署", id="word"),
        pytest.param("增长6.5%", id="digits_stay"),
        pytest.param("万众一心", id="ten_thousand_in_an_idiom"),
        pytest.param("", id="empty"),
    ],
)
def test_numerals_in_names_are_left(text: str) -> None:
    assert arabic(text) == text


@pytest.mark.parametrize(("numeral", "digits"), [("七", "7"), ("十", "10"), ("十二", "12"), ("两", "2"), ("8", "8")])
def test_plain_number_reads_a_numeral(numeral: str, digits: str) -> None:
    assert plain_number(numeral) == digits


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param(
            "  新增\n停车位\t多少？ ", "新增停车位多少？", id="blanks_between_chinese_characters_are_left_out"
        ),
        pytest.param("停车\x00位", "停车位", id="nul"),
        pytest.param("停车\ud800位", "停车位", id="lone_surrogate"),
        pytest.param("\x07\x1b[31m停车位", "[31m停车位", id="control_characters"),
        pytest.param("\u3000停车位\u3000", "停车位", id="wide_blanks"),
        pytest.param("\x00\ud800 \n", "", id="nothing_left"),
        pytest.param("𠮷野家", "𠮷野家", id="characters_beyond_the_basic_plane_stay"),
    ],
)
def test_tidy_gives_one_line_of_well_formed_text(text: str, line: str) -> None:
    assert tidy(text) == line


@settings(deadline=None)
@given(ANY_TEXT)
def test_tidied_text_can_be_written_as_utf8(text: str) -> None:
    line = tidy(text)
    assert line.encode("utf-8").decode("utf-8") == line
    assert "\n" not in line and line == line.strip()
    assert tidy(line) == line


@settings(deadline=None)
@example("〇十〇%")
@given(st.text(alphabet="零〇一二两三四五六七八九十百千万亿点分之年个元%", max_size=14))
def test_any_string_of_numerals_is_taken_without_an_error(text: str) -> None:
    assert isinstance(arabic(text), str)


@pytest.mark.parametrize("text", ["投资两亿二元", "一亿零个", "百亿一个", "零十零元"])
def test_numeral_that_is_not_well_formed_is_left_as_it_is(text: str) -> None:
    assert arabic(text) == text


def test_simplified_keeps_the_length() -> None:
    text = "實際使用外資三千五百萬美元，城鎮老舊小區改造"
    assert simplified(text) == "实际使用外资三千五百万美元，城镇老旧小区改造"
    assert len(simplified(text)) == len(text)

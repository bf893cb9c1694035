from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.question import Form, Question, understand, years_named
from corpus.load import parse_document
from corpus.types import Document, Kind

HEAD = "沅湾区2026年国民经济和社会发展计划\n一、2025年执行情况\n二、2026年主要目标\n"
DOCUMENT = parse_document(HEAD, "plan")


def asked(text: str) -> Question:
    return understand(text, DOCUMENT)


def terms(text: str) -> list[str]:
    return [term.text for term in asked(text).terms]


@pytest.mark.parametrize(
    ("text", "years"),
    [
        pytest.param("2026年增长多少", (2026,), id="absolute"),
        pytest.param("2026年度增长多少", (2026,), id="absolute_with_du"),
        pytest.param("２０２６年增长多少", (2026,), id="full_width"),
        pytest.param("二〇二六年增长多少", (2026,), id="chinese_numerals"),
        pytest.param("二零二五年增长多少", (2025,), id="chinese_numerals_with_ling"),
        pytest.param("25年增长多少", (2025,), id="two_digits"),
        pytest.param("2026增长多少", (2026,), id="without_nian"),
        pytest.param("今年增长多少", (2026,), id="this_year_is_the_plans"),
        pytest.param("本年度增长多少", (2026,), id="present_year"),
        pytest.param("去年增长多少", (2025,), id="last_year"),
        pytest.param("上年增长多少", (2025,), id="year_before"),
        pytest.param("前年增长多少", (2024,), id="two_years_ago"),
        pytest.param("大前年增长多少", (2023,), id="three_years_ago"),
        pytest.param("明年增长多少", (2027,), id="next_year"),
        pytest.param("后年增长多少", (2028,), id="in_two_years"),
        pytest.param("去年和今年分别增长多少", (2025, 2026), id="both_in_the_order_named"),
        pytest.param("2026年和2025年比增长多少", (2026, 2025), id="later_one_first"),
        pytest.param("2026年今年增长多少", (2026,), id="named_twice"),
        pytest.param("增长多少", (), id="none"),
        pytest.param("沅湾区2026年国民经济和社会发展计划的文号是什么", (), id="year_in_the_title_is_none"),
        pytest.param("20年来增长多少", (), id="span_of_years_is_none"),
        pytest.param("电话80120417是谁的", (), id="digits_of_a_telephone_are_none"),
    ],
)
def test_years_of_a_question(text: str, years: tuple[int, ...]) -> None:
    assert asked(text).years == years


def test_this_year_is_unknown_where_the_document_names_no_year() -> None:
    assert years_named("今年和2026年", None) == (2026,)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        pytest.param("地区生产总值增长目标是多少", Kind.TARGET, id="target"),
        pytest.param("今年打算新增多少停车位", Kind.TARGET, id="intended"),
        pytest.param("力争突破多少", Kind.TARGET, id="striven_for"),
        pytest.param("地区生产总值实际增长多少", Kind.RESULT, id="actual"),
        pytest.param("停车位已经建了多少个", Kind.RESULT, id="already"),
        pytest.param("就业目标完成情况", Kind.RESULT, id="target_fulfilled"),
        pytest.param("停车位多少个", None, id="neither"),
        pytest.param("实际使用外资多少", None, id="actual_as_part_of_an_indicator"),
    ],
)
def test_kind_of_a_question(text: str, kind: Kind | None) -> None:
    assert asked(text).kind is kind


@pytest.mark.parametrize(
    ("text", "form"),
    [
        pytest.param("新增停车位多少个？", Form.AMOUNT, id="how_many"),
        pytest.param("新建几座桥", Form.AMOUNT, id="how_many_few"),
        pytest.param("农田改造面积是多少", Form.AMOUNT, id="how_large"),
        pytest.param("地区生产总值增速", Form.AMOUNT, id="rate"),
        pytest.param("哪些项目开工", Form.LIST, id="which_ones"),
        pytest.param("三大战略是什么", Form.LIST, id="counted_things"),
        pytest.param("列出主要目标", Form.LIST, id="list_them"),
        pytest.param("什么时候开工", Form.WHEN, id="when"),
        pytest.param("实训基地在哪里", Form.WHERE, id="where"),
        pytest.param("为什么增速低", Form.WHY, id="why"),
        pytest.param("谁负责这项工作", Form.WHO, id="who"),
        pytest.param("有没有地铁", Form.YESNO, id="whether"),
        pytest.param("文化馆会成立书画中心吗", Form.YESNO, id="whether_at_the_end"),
        pytest.param("怎么促进消费", Form.HOW, id="how"),
        pytest.param("文化馆成立什么中心", Form.WHAT, id="what"),
        pytest.param(
            "文化馆成立了什么",
            Form.WHAT,
            id="what_at_the_end",
        ),
        pytest.param("外贸增速达到预期了吗", Form.YESNO, id="yes_or_no_about_a_rate"),
        pytest.param("那个超大规模平台叫啥名字", Form.WHAT, id="name_of_a_thing_of_a_scale"),
        pytest.param("要建立啥制度", Form.WHAT, id="thing_that_ends_like_a_measure"),
        pytest.param("那12件实事具体是哪12件", Form.LIST, id="numbered_names"),
        pytest.param("要创建几星级智慧城市", Form.WHAT, id="grade_is_no_number_of_things"),
        pytest.param("工矿区能用上哪一级的投资", Form.WHAT, id="kind_of_a_sum_is_no_sum"),
        pytest.param("今年工作的首要任务", Form.WHAT, id="foremost_task_is_no_figure"),
        pytest.param("几个创新模式名称列一下", Form.LIST, id="list_them_said_last"),
        pytest.param("金奖是在哪个博览会上拿的", Form.WHO, id="occasion_is_no_place"),
    ],
)
def test_form_of_the_answer_asked_for(text: str, form: Form) -> None:
    assert asked(text).form is form


@pytest.mark.parametrize(
    ("text", "unit", "unit_class"),
    [
        pytest.param("新增多少家企业", "家", "", id="measure_word"),
        pytest.param("新建几座桥", "座", "", id="measure_word_after_ji"),
        pytest.param("低保标准涨到多少钱", "", "money", id="level_that_a_sum_rises_to"),
        pytest.param("地质隐患要治多少个点", "个", "", id="points_on_the_ground"),
        pytest.param("财政收入涨了几个点", "个百分点", "percent", id="points_of_a_rate"),
        pytest.param("新增停车位多少个", "个", "", id="ge"),
        pytest.param("改造多少万平方米", "平方米", "", id="unit_behind_a_scale"),
        pytest.param("完成投资多少亿元", "元", "money", id="money"),
        pytest.param("外资多少万美元", "美元", "money", id="dollars"),
        pytest.param("提高多少个百分点", "个百分点", "percent", id="percentage_points"),
        pytest.param("增长多少", "", "percent", id="growth"),
        pytest.param("机械化率是多少", "", "percent", id="rate"),
        pytest.param("要花多少钱", "", "money", id="money_without_a_unit"),
        pytest.param("哪些项目开工", "", "", id="no_amount"),
    ],
)
def test_unit_that_a_question_asks_for(text: str, unit: str, unit_class: str) -> None:
    assert (asked(text).unit, asked(text).unit_class) == (unit, unit_class)


@pytest.mark.parametrize(
    ("text", "places"),
    [
        pytest.param("北京市地区生产总值增长多少", ("北京市",), id="city"),
        pytest.param("上海停车位多少个", ("上海",), id="short_name"),
        pytest.param("全省地区生产总值增长多少", ("全省",), id="province_as_a_whole"),
        pytest.param("沅湾区地区生产总值增长多少", (), id="own_place"),
        pytest.param("沅湾的停车位多少个", (), id="own_place_short"),
        pytest.param("停车位多少个", (), id="none"),
    ],
)
def test_places_other_than_the_documents_own(text: str, places: tuple[str, ...]) -> None:
    assert asked(text).places == places


def test_words_in_quotation_marks_are_kept_whole() -> None:
    question = asked("“产业立区”是什么战略")
    assert question.quoted == ("产业立区",)
    assert question.terms[0].text == "产业立区"


def test_title_in_quotation_marks_is_not_looked_for() -> None:
    assert asked("“2026年国民经济和社会发展计划”的文号").quoted == ()


def test_content_words_leave_out_asking_year_and_own_place() -> None:
    assert terms("请问沅湾区2026年新增停车位多少个？") == ["新增", "停车位"]


def test_everyday_word_stands_for_official_ones() -> None:
    [term] = [term for term in asked("今年GDP涨幅是多少").terms if term.text == "gdp"]
    assert "地区生产总值" in term.alternatives


@pytest.mark.parametrize(
    "text", ["", "？", "多少", "是什么呢", "今年呢？"], ids=["empty", "mark", "how_much", "what", "year_only"]
)
def test_question_of_question_words_only_has_no_terms(text: str) -> None:
    assert asked(text).terms == ()


@pytest.mark.parametrize(
    "variant",
    [
        pytest.param("2026年实际使用外资多少万美元？", id="plain"),
        pytest.param("２０２６年实际使用外资多少万美元？", id="full_width"),
        pytest.param("2026年實際使用外資多少萬美元？", id="traditional"),
        pytest.param("二〇二六年实际使用外资多少万美元？", id="chinese_numerals"),
        pytest.param("2026年 实际使用外资 多少万美元", id="blanks_and_no_question_mark"),
    ],
)
def test_writings_of_one_question_are_understood_alike(variant: str) -> None:
    plain = asked("2026年实际使用外资多少万美元？")
    question = asked(variant)
    assert (question.terms, question.years, question.kind, question.form, question.unit) == (
        plain.terms,
        plain.years,
        plain.kind,
        plain.form,
        plain.unit,
    )


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=30))
def test_any_text_is_understood_without_an_error(text: str) -> None:
    assert asked(text).text == text


def test_place_is_foreign_to_a_document_without_a_place() -> None:
    bare: Document = parse_document("增长6%。", "bare")
    assert understand("北京增长多少", bare).places == ("北京",)


def test_unit_in_brackets_is_the_unit_asked_for(mini: Document) -> None:
    asked = understand("去年一般公共预算收入总额（亿元）", mini)
    assert (asked.form, asked.unit, asked.unit_class) == (Form.AMOUNT, "元", "money")


def test_place_inside_a_longer_name_is_no_other_place(mini: Document) -> None:
    assert understand("青岛市2026年地区生产总值目标是多少", mini).places == ("青岛市",)

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.differences import difference
from assistant.types import Difference
from assistant.wording import WordingChecker
from assistant.wording_request import claim_in
from corpus.passages import passages
from corpus.segment import clauses
from corpus.types import Document, Kind


@pytest.fixture(scope="module")
def checker(mini: Document) -> WordingChecker:
    return WordingChecker(mini, tuple(passages(mini)))


@pytest.mark.parametrize(
    ("claim", "original"),
    [
        pytest.param("一般公共预算收入增长4.5%", "一般公共预算收入增长4.5%", id="literal"),
        pytest.param("一般公共预算收入增长4.5%。", "一般公共预算收入增长4.5%", id="full_stop_at_the_end"),
        pytest.param("一般公共预算收入增长４．５％", "一般公共预算收入增长4.5%", id="full_width"),
        pytest.param("一般公共預算收入增長4.5%", "一般公共预算收入增长4.5%", id="traditional"),
        pytest.param("一般公共预算收入 增长 4.5%", "一般公共预算收入增长4.5%", id="blanks"),
        pytest.param(
            "农业增加值增长百分之三点六",
            "农业增加值增长3.6%",
            id="chinese_percent_in_a_short_claim",
        ),
        pytest.param(
            "一般公共预算收入增长百分之四点五",
            "一般公共预算收入增长4.5%",
            id="chinese_percent_of_a_twin",
        ),
        pytest.param("改造提升高标准农田三万亩", "改造提升高标准农田3万亩", id="chinese_numeral"),
        pytest.param("2026年一般公共预算收入增长4.5%", "一般公共预算收入增长4.5%", id="right_year_in_front"),
        pytest.param("2025年地区生产总值增长5.1%", "地区生产总值增长5.1%", id="right_year_of_the_other_part"),
        pytest.param("年内完成投资135亿元以上", "年内完成投资135亿元以上", id="bound_word_kept"),
        pytest.param(
            "实施产业立区、文化润区、开放兴区三大战略",
            "实施“产业立区、文化润区、开放兴区”三大战略",
            id="quotation_marks_left_out",
        ),
        pytest.param(
            "农业增加值增长3.6%，规模以上工业增加值增长8%",
            "农业增加值增长3.6%，规模以上工业增加值增长8%",
            id="two_clauses",
        ),
        pytest.param("引进配套项目5-7个", "引进配套项目5-7个", id="range"),
    ],
)
def test_words_that_stand_there_match(checker: WordingChecker, mini: Document, claim: str, original: str) -> None:
    check, located = checker.check(claim)
    assert (check.verdict, check.original, check.diff) == ("match", original, ())
    assert located is not None and mini.text[located.start : located.end] == original


@pytest.mark.parametrize(
    ("claim", "original"),
    [
        pytest.param("一般公共预算收入增长6.5%", "一般公共预算收入增长4.5%", id="digit_changed"),
        pytest.param("一般公共预算收入增长45%", "一般公共预算收入增长4.5%", id="decimal_point_dropped"),
        pytest.param("年内完成投资135亿元", "年内完成投资135亿元以上", id="bound_word_cut_off"),
        pytest.param("年内完成投资135亿元以下", "年内完成投资135亿元以上", id="bound_word_changed"),
        pytest.param("年内完成投资135万元以上", "年内完成投资135亿元以上", id="scale_changed"),
        pytest.param("年内完成投资13", "年内完成投资135亿元以上", id="number_cut_in_two"),
        pytest.param("年内完成投资135", "年内完成投资135亿元以上", id="unit_cut_off"),
        pytest.param("力争全年网络零售额18亿元", "力争全年网络零售额突破18亿元", id="bound_word_before_left_out"),
        pytest.param("2026年地区生产总值增长5.1%", "全区地区生产总值增长6.2%", id="figure_of_the_other_year"),
        pytest.param("2025年一般公共预算收入增长4.5%", "一般公共预算收入增长3.8%", id="year_of_the_other_figure"),
        pytest.param("引进配套项目5-8个", "引进配套项目5-7个", id="range_changed"),
        pytest.param("城镇新增就业五千二百人", "城镇新增就业5260人", id="chinese_numeral_of_another_value"),
    ],
)
def test_altered_words_are_found_with_their_original(
    checker: WordingChecker, mini: Document, claim: str, original: str
) -> None:
    check, located = checker.check(claim)
    assert check.verdict == "mismatch"
    assert original in check.original
    assert located is not None and mini.text[located.start : located.end] == check.original
    assert "".join(words for step, words in check.diff if step != "insert") == check.original
    changed = "".join(words for step, words in check.diff if step != "delete")
    assert claim.endswith(changed) or changed == claim


EXACT, ALTERED, ABSENT = "exact", "altered", "absent"


@pytest.mark.parametrize(
    ("claim", "difference"),
    [
        pytest.param("一般公共预算收入增长4.6%", Difference.NUMBER, id="digit"),
        pytest.param("年内完成投资135万元以上", Difference.UNIT, id="scale"),
        pytest.param("实际使用外资3500万元", Difference.UNIT, id="currency"),
        pytest.param("年内完成投资135亿元左右", Difference.BOUND, id="bound_word_exchanged"),
        pytest.param("新增停车位600个以上", Difference.BOUND, id="bound_word_added"),
        pytest.param("机电产品出口额下降12.5%", Difference.DIRECTION, id="rise_and_fall"),
        pytest.param("2026年地区生产总值增长5.1%", Difference.NUMBER, id="result_given_as_target"),
        pytest.param("2026年，新建口袋公园7个", Difference.YEAR, id="year"),
        pytest.param("2025年目标新建口袋公园7个", Difference.KIND, id="kind"),
        pytest.param("新认证名特优新农产品8个", Difference.NUMBER, id="figure_of_the_neighbour"),
        pytest.param("谋划实施96个市级重点项目", Difference.INDICATOR, id="level"),
        pytest.param("2025年，全区签约入驻企业13家", Difference.INDICATOR, id="a_park_taken_for_the_whole"),
        pytest.param("年内完成投资135亿元", Difference.CUT, id="bound_word_cut_off"),
        pytest.param("全年网络零售额突破18亿元", Difference.CUT, id="commitment_cut_off"),
        pytest.param("停车位600个", Difference.CUT, id="relation_cut_off"),
        pytest.param("公共预算收入增长4.5%", Difference.CUT, id="indicator_cut_in_two"),
        pytest.param("城镇和农村居民人均可支配收入分别增长5.4%", Difference.OMITTED, id="one_of_those_shared_out"),
        pytest.param("实施“产业立区、开放兴区”三大战略", Difference.OMITTED, id="member_in_the_middle"),
        pytest.param("实施“产业立区、文化润区", Difference.OMITTED, id="member_at_the_end"),
        pytest.param("农业增加值增长3.6%，城市公园4个", Difference.JOINED, id="clauses_from_two_places"),
        pytest.param("农业增加值增长3.6%，社会消费品零售总额增长5.2%", Difference.JOINED, id="clause_left_out_between"),
        pytest.param("城市公园4个，新增停车位600个", Difference.JOINED, id="order_turned_round"),
    ],
)
def test_every_difference_is_called_what_it_is(checker: WordingChecker, claim: str, difference: Difference) -> None:
    check, _ = checker.check(claim)
    assert check.verdict == "mismatch"
    assert difference in [finding.difference for finding in check.findings], check.findings
    assert all(finding.note for finding in check.findings)


@pytest.mark.parametrize(
    ("claim", "difference"),
    [
        pytest.param("规上工业增加值增长8%", Difference.SYNONYM, id="listed_synonym"),
        pytest.param("GDP增长5.1%", Difference.SYNONYM, id="english_word"),
        pytest.param("改造提升高标准农田30000亩", Difference.NOTATION, id="equal_value"),
        pytest.param("地区生产总值增长6.2%", Difference.EXCERPT, id="neutral_word_left_off"),
    ],
)
def test_what_differs_without_being_wrong_is_said_and_matches(
    checker: WordingChecker, claim: str, difference: Difference
) -> None:
    check, _ = checker.check(claim)
    assert check.verdict == "match"
    assert [finding.difference for finding in check.findings] == [difference]


@pytest.mark.parametrize(
    ("claim", "figures"),
    [
        pytest.param(
            "农业增加值增长3.6%，规模以上工业增加值增长9%", [("3.6%", EXACT), ("9%", ALTERED)], id="one_of_two"
        ),
        pytest.param(
            "城镇和农村居民人均可支配收入分别增长6.8%和5.4%",
            [("6.8%", ALTERED), ("5.4%", ALTERED)],
            id="shared_out_in_exchange",
        ),
        pytest.param(
            "农村和城镇居民人均可支配收入分别增长5.4%和6.8%",
            [("5.4%", ALTERED), ("6.8%", ALTERED)],
            id="members_in_exchange",
        ),
        pytest.param("今年停车位要新增600个，城市公园再添4个", [("600个", EXACT), ("4个", EXACT)], id="reworded"),
        pytest.param("今年停车位要新增800个", [("800个", ALTERED)], id="reworded_and_altered"),
        pytest.param("新增停车位600个，新增地铁站3座", [("600个", EXACT), ("3座", ABSENT)], id="one_that_is_not_there"),
        pytest.param("全年网络零售额突破18亿元", [("突破18亿元", ALTERED)], id="no_longer_an_effort"),
        pytest.param(
            "安全生产事故起数、死亡人数分别增长15.2%和31.6%", [("15.2%", ALTERED), ("31.6%", ALTERED)], id="direction"
        ),
        pytest.param("改造提升高标准农田三万亩", [("三万亩", EXACT)], id="spelt"),
        pytest.param("高铁站投资30亿元", [("30亿元", ABSENT)], id="nothing_of_it"),
        pytest.param("地区生产总值\t5.1%\t6.2%", [("5.1%", EXACT), ("6.2%", EXACT)], id="row_of_a_table"),
        pytest.param("地区生产总值\t5.1%\t6.5%", [("5.1%", EXACT), ("6.5%", ALTERED)], id="row_of_a_table_altered"),
        pytest.param(
            "GDP，去年增长5.1%，今年目标增长7%", [("5.1%", EXACT), ("7%", ALTERED)], id="named_once_for_two_years"
        ),
        pytest.param("重点要把握三个方面", [], id="spelt_count_of_nothing_in_the_document"),
    ],
)
def test_every_figure_is_judged_by_itself(checker: WordingChecker, claim: str, figures: list[tuple[str, str]]) -> None:
    check, _ = checker.check(claim)
    assert [(figure.text, figure.state) for figure in check.figures] == figures
    assert all(claim[figure.start : figure.end] == figure.text for figure in check.figures)


def test_sentences_that_stand_at_different_places_match_each_by_itself(checker: WordingChecker) -> None:
    check, _ = checker.check("新增停车位600个。确保城镇新增就业5000人。")
    assert check.verdict == "match"
    check, _ = checker.check("新增停车位600个。确保城镇新增就业6000人。")
    assert (check.verdict, check.original) == ("mismatch", "确保城镇新增就业5000人")


@pytest.mark.parametrize(
    ("year", "kind", "verdict"),
    [
        (None, None, "match"),
        (2026, Kind.TARGET, "match"),
        (2025, None, "mismatch"),
        (2026, Kind.RESULT, "mismatch"),
    ],
    ids=["nothing_around", "as_it_is", "another_year", "another_kind"],
)
def test_words_around_a_claim_say_its_year_and_kind(
    checker: WordingChecker, year: int | None, kind: Kind | None, verdict: str
) -> None:
    assert checker.check("新增停车位600个", year=year, kind=kind)[0].verdict == verdict


@pytest.mark.parametrize(
    ("claim", "only_reworded"),
    [("今年停车位要新增600个", True), ("今年停车位要新增700个", False), ("新增停车位600个", False)],
    ids=["reworded", "altered", "match"],
)
def test_what_is_only_reworded_is_told_from_what_is_altered(
    checker: WordingChecker, claim: str, only_reworded: bool
) -> None:
    assert checker.check(claim)[0].is_only_reworded is only_reworded


@pytest.mark.parametrize(
    "claim",
    [
        pytest.param("全区建成三座火星基地并实现载人登月", id="invented"),
        pytest.param("高铁新城地下综合管廊全线贯通", id="other_subject"),
        pytest.param("abcdefgh", id="latin"),
        pytest.param("。。。。", id="punctuation"),
        pytest.param("😀😀😀😀", id="emoji"),
    ],
)
def test_words_that_are_not_there_are_not_found(checker: WordingChecker, claim: str) -> None:
    check, _ = checker.check(claim)
    assert (check.verdict, check.original, check.diff) == ("not_found", "", ())


def test_year_in_front_does_not_move_a_claim_to_another_year(checker: WordingChecker, mini: Document) -> None:
    check, located = checker.check("2025年进出口总额增长4%")
    assert check.verdict == "mismatch"
    assert located is not None and located.start < mini.text.index("二、2026年")


def test_every_clause_of_a_plan_matches_itself(document: Document) -> None:
    found = tuple(passages(document))
    own = WordingChecker(document, found)
    body = document.text.index("一、")
    for start, end in clauses(document.text, body, len(document.text)):
        words = document.text[start:end]
        if "\n" not in words and len(words) >= 4:
            assert own.check(words)[0].verdict == "match", words


def test_every_figure_counted_up_by_one_is_noticed(document: Document) -> None:
    """What is not the original may be a twin elsewhere, then it stands there word for word; else it must not match."""
    found = tuple(passages(document))
    own = WordingChecker(document, found)
    for passage in found:
        if (
            passage.is_clause
            and len(passage.figures) == 1
            and document.text[passage.start : passage.end] == passage.text
        ):
            figure = passage.figures[0]
            place = max(i for i, c in enumerate(figure.text) if c.isdigit())
            wrong = figure.text[:place] + str((int(figure.text[place]) + 1) % 10) + figure.text[place + 1 :]
            altered = passage.text.replace(figure.text, wrong)
            if altered not in document.text:
                assert own.check(altered)[0].verdict != "match", altered


@pytest.mark.parametrize(
    ("question", "claim"),
    [
        pytest.param("核对：一般公共预算收入增长4.5%", "一般公共预算收入增长4.5%", id="colon"),
        pytest.param("核对:一般公共预算收入增长4.5%", "一般公共预算收入增长4.5%", id="narrow_colon"),
        pytest.param("请核对一下：新增停车位600个", "新增停车位600个", id="polite"),
        pytest.param("“新增停车位600个”是原话吗？", "新增停车位600个", id="quoted"),
        pytest.param(
            "「新增停车位600个」與原文一致嗎".replace("與", "与").replace("嗎", "吗"),
            "新增停车位600个",
            id="corner_brackets",
        ),
        pytest.param("新增停车位600个，原话是这样吗？", "新增停车位600个", id="request_behind"),
        pytest.param("核对新增停车位600个", "新增停车位600个", id="without_colon"),
    ],
)
def test_wording_question_gives_the_words_to_check(question: str, claim: str) -> None:
    assert claim_in(question) == claim


@pytest.mark.parametrize(
    "question",
    ["2026年新增停车位多少个？", "“三大战略”是什么？", "核对", "核对：", "", "原文在哪里"],
    ids=["amount", "quoted_words", "request_only", "nothing_behind_the_colon", "empty", "about_the_original"],
)
def test_other_question_is_no_wording_question(question: str) -> None:
    assert claim_in(question) is None


WORDS = st.text(alphabet="一般预算收入增长6.5%亿元以上", max_size=20)


@settings(deadline=None)
@given(WORDS, WORDS)
def test_difference_leads_from_the_original_to_the_words(original: str, words: str) -> None:
    steps = difference(original, words)
    assert "".join(text for step, text in steps if step != "insert") == original
    assert "".join(text for step, text in steps if step != "delete") == words
    assert {step for step, _ in steps} <= {"equal", "insert", "delete"}
    assert all(text for _, text in steps)


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=30))
def test_any_claim_is_checked_without_an_error(checker: WordingChecker, claim: str) -> None:
    assert checker.check(claim)[0].verdict in {"match", "mismatch", "not_found"}

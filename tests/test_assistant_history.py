from __future__ import annotations

import pytest

from assistant.evidence import Profile
from assistant.history import StandAlone, stand_alone
from assistant.question import Question, understand
from corpus.types import Document, Kind

PARKING = "2026年新增停车位多少个？"
URBAN = "2026年城镇居民人均可支配收入增长目标是多少？"
GDP = "2026年地区生产总值增长目标是多少？"


def resolved(profile: Profile, *conversation: str) -> StandAlone:
    *turns, question = conversation
    return stand_alone(question, turns, profile)


def understood(profile: Profile, document: Document, *conversation: str) -> Question:
    return understand(resolved(profile, *conversation).text, document)


@pytest.mark.parametrize(
    ("conversation", "said", "unsaid"),
    [
        pytest.param(
            (URBAN, "那农村居民呢？"), ("2026年", "农村居民人均可支配收入", "增长"), "城镇", id="other_member"
        ),
        pytest.param((PARKING, "城市公园呢？"), ("2026年", "城市公园", "多少"), "停车位", id="other_thing"),
        pytest.param((PARKING, "那城市公园呢"), ("2026年", "城市公园"), "停车位", id="without_question_mark"),
        pytest.param((PARKING, "那公园呢？", "公共卫生间呢？"), ("2026年", "公共卫生间"), "公园", id="third_thing"),
        pytest.param((GDP, "换成进出口总额呢"), ("2026年", "进出口总额", "增长"), "地区生产总值", id="exchanged"),
        pytest.param(
            (GDP, "换成一般公共预算收入呢"),
            ("2026年", "一般公共预算收入", "增长"),
            "地区生产总值",
            id="exchanged_for_a_long_name",
        ),
        pytest.param((PARKING, "2025年呢？"), ("2025年", "停车位", "多少"), "2026", id="other_year"),
        pytest.param((PARKING, "去年呢？"), ("2025年", "停车位"), "2026", id="last_year"),
        pytest.param((PARKING, "那去年实际呢？"), ("2025年", "停车位"), "2026", id="last_years_result"),
        pytest.param(
            (URBAN, "去年呢？", "那农村呢？"), ("2025年", "农村居民人均可支配收入"), "2026", id="year_then_member"
        ),
        pytest.param((PARKING, "它去年实际是多少？"), ("停车位",), "它", id="pronoun"),
        pytest.param(
            (PARKING, GDP, "回到停车位，去年是多少？"), ("停车位",), "地区生产总值", id="back_to_an_earlier_one"
        ),
        pytest.param(
            (PARKING, GDP, "第一个问题去年实际呢？"),
            ("停车位", "2025年"),
            "地区生产总值",
            id="back_to_the_first",
        ),
    ],
)
def test_follow_up_stands_alone(
    mini_profile: Profile, conversation: tuple[str, ...], said: tuple[str, ...], unsaid: str
) -> None:
    text = resolved(mini_profile, *conversation).text
    assert all(words in text for words in said), text
    assert unsaid not in text


def test_result_asked_for_takes_the_target_out(mini_profile: Profile, mini: Document) -> None:
    question = understood(mini_profile, mini, URBAN, "那去年实际呢？")
    assert (question.years, question.kind) == ((2025,), Kind.RESULT)


@pytest.mark.parametrize(
    ("conversation", "members"),
    [
        pytest.param(
            (GDP, "2026年进出口总额增长目标是多少？", "这两个分别是多少？"), ("地区生产总值", "进出口总额"), id="both"
        ),
        pytest.param(
            (GDP, "2026年进出口总额增长目标是多少？", "这两个指标去年实际分别是多少？"),
            ("地区生产总值", "进出口总额"),
            id="both_indicators",
        ),
    ],
)
def test_both_names_the_last_two_topics(
    mini_profile: Profile, conversation: tuple[str, ...], members: tuple[str, ...]
) -> None:
    text = resolved(mini_profile, *conversation).text
    assert all(member in text for member in members), text


@pytest.mark.parametrize(
    ("ordinal", "member"),
    [
        ("第一个是什么？", "产业立区"),
        ("第二个是什么？", "文化润区"),
        ("第3个是什么？", "开放兴区"),
        ("其中第二项是什么？", "文化润区"),
    ],
    ids=["first", "second", "digit", "among_them"],
)
def test_ordinal_names_the_member_of_the_list_before(mini_profile: Profile, ordinal: str, member: str) -> None:
    members = ["产业立区", "文化润区", "开放兴区"]
    alone = stand_alone(ordinal, ["三大战略是哪些？"], mini_profile, lambda _: members)
    assert member in alone.text
    assert alone.is_follow_up


def test_ordinal_beyond_the_list_is_not_invented(mini_profile: Profile) -> None:
    alone = stand_alone("第九个是什么？", ["三大战略是哪些？"], mini_profile, lambda _: ["产业立区"])
    assert "产业立区" not in alone.text


@pytest.mark.parametrize(
    "question",
    [
        pytest.param("联系人是谁？", id="header"),
        pytest.param("2025年规上工业增加值增长多少？", id="full_question"),
        pytest.param("农业生产综合机械化率要达到多少？", id="full_question_without_a_year"),
        pytest.param("实际使用外资多少万美元？", id="short_but_complete"),
    ],
)
def test_question_that_stands_alone_borrows_nothing(mini_profile: Profile, question: str) -> None:
    assert resolved(mini_profile, PARKING, question).text == question
    assert not resolved(mini_profile, PARKING, question).is_follow_up


@pytest.mark.parametrize(
    "announced",
    ["不说这个了，绿色食品新认证几个？", "换个话题，绿色食品新认证几个？", "另一个问题：绿色食品新认证几个？"],
)
def test_announced_change_of_topic_starts_anew(mini_profile: Profile, announced: str) -> None:
    alone = resolved(mini_profile, PARKING, announced)
    assert (alone.text, alone.is_follow_up) == ("绿色食品新认证几个？", False)


def test_first_question_is_left_as_it_is(mini_profile: Profile) -> None:
    assert resolved(mini_profile, PARKING) == StandAlone(PARKING, False)


def test_follow_up_without_a_question_before_it_is_left_as_it_is(mini_profile: Profile) -> None:
    assert resolved(mini_profile, "那农村居民呢？").text == "那农村居民呢？"


def test_blank_turns_count_as_none(mini_profile: Profile) -> None:
    assert resolved(mini_profile, " ", "\x00", "那农村居民呢？").text == "那农村居民呢？"
    assert (
        resolved(mini_profile, URBAN, "", "那农村居民呢？").text == resolved(mini_profile, URBAN, "那农村居民呢？").text
    )


def test_years_of_the_question_before_are_kept(mini_profile: Profile) -> None:
    assert resolved(mini_profile, "2025年新增停车位多少个？", "绿色食品新认证几个？").earlier_years == (2025,)
    assert resolved(mini_profile, PARKING).earlier_years == ()


def test_long_conversation_ends_at_its_last_topic(mini_profile: Profile) -> None:
    turns = [PARKING, "城市公园呢？", "公共卫生间呢？"] * 6
    assert "公共卫生间" in resolved(mini_profile, *turns, "去年呢？").text

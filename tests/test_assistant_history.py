from __future__ import annotations

import pytest

from assistant.evidence import Profile
from assistant.history import Earlier, StandAlone, Way, stand_alone
from assistant.question import understand
from corpus.types import Document, Kind

PARKING = "2026年新增停车位多少个？"
URBAN = "2026年城镇居民人均可支配收入增长目标是多少？"
GDP = "2026年地区生产总值增长目标是多少？"


def ways(profile: Profile, *conversation: str) -> list[StandAlone]:
    """What the last question can mean; the earlier ones stand alone already."""
    *earlier, question = conversation
    return stand_alone(question, [Earlier(turn) for turn in earlier], profile)


@pytest.mark.parametrize(
    ("conversation", "said", "unsaid"),
    [
        pytest.param(
            (URBAN, "那农村居民呢？"), ("2026年", "农村居民人均可支配收入", "增长"), "城镇", id="other_member"
        ),
        pytest.param((PARKING, "城市公园呢？"), ("2026年", "城市公园", "多少"), "停车位", id="other_thing"),
        pytest.param((PARKING, "那城市公园呢"), ("2026年", "城市公园"), "停车位", id="without_question_mark"),
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
def test_what_is_meant_is_among_the_ways(
    mini_profile: Profile, conversation: tuple[str, ...], said: tuple[str, ...], unsaid: str
) -> None:
    texts = [alone.text for alone in ways(mini_profile, *conversation)]
    assert any(all(words in text for words in said) and unsaid not in text for text in texts), texts


def test_result_asked_for_takes_the_target_out(mini_profile: Profile, mini: Document) -> None:
    dated = next(alone for alone in ways(mini_profile, URBAN, "那去年实际呢？") if alone.way is Way.DATED)
    question = understand(dated.text, mini)
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
    listed = next(alone for alone in ways(mini_profile, *conversation) if alone.way is Way.LISTED)
    assert all(member in listed.text for member in members), listed


@pytest.mark.parametrize(
    ("ordinal", "member"),
    [
        ("第一个是什么？", "产业立区"),
        ("第二个是什么？", "文化润区"),
        ("第3个是什么？", "开放兴区"),
        ("其中第二项是什么？", "文化润区"),
        ("最后一个呢", "开放兴区"),
        ("排第二的是哪个", "文化润区"),
    ],
    ids=["first", "second", "digit", "among_them", "last", "ranked"],
)
def test_ordinal_names_the_member_of_the_list_before(mini_profile: Profile, ordinal: str, member: str) -> None:
    listed = Earlier("三大战略是哪些？", ("产业立区", "文化润区", "开放兴区"))
    found = stand_alone(ordinal, [listed], mini_profile)
    assert [member in alone.text for alone in found if alone.way is Way.LISTED] == [True]


def test_ordinal_beyond_the_list_is_not_invented(mini_profile: Profile) -> None:
    found = stand_alone("第九个是什么？", [Earlier("三大战略是哪些？", ("产业立区",))], mini_profile)
    assert not any("产业立区" in alone.text for alone in found)


@pytest.mark.parametrize(
    "question",
    [
        pytest.param("联系人是谁？", id="header"),
        pytest.param("2025年规上工业增加值增长多少？", id="full_question"),
    ],
)
def test_question_as_typed_comes_first(mini_profile: Profile, question: str) -> None:
    assert ways(mini_profile, PARKING, question)[0] == StandAlone(question)


def test_what_only_opens_a_question_is_left_out_first(mini_profile: Profile) -> None:
    assert [alone.text for alone in ways(mini_profile, PARKING, "那农村居民呢？")][:2] == [
        "农村居民呢？",
        "那农村居民呢？",
    ]


@pytest.mark.parametrize("asked", ["它建在哪个镇？", "停一小时收多少钱？"])
def test_earlier_question_is_not_just_asked_again(mini_profile: Profile, asked: str) -> None:
    assert PARKING not in [alone.text for alone in ways(mini_profile, PARKING, asked)]


def test_each_way_is_given_once(mini_profile: Profile) -> None:
    texts = [alone.text for alone in ways(mini_profile, PARKING, "停车位呢？", "那去年呢？")]
    assert len(texts) == len(set(texts))


@pytest.mark.parametrize(
    "announced",
    ["不说这个了，绿色食品新认证几个？", "换个话题，绿色食品新认证几个？", "另一个问题：绿色食品新认证几个？"],
)
def test_announced_change_of_topic_starts_anew(mini_profile: Profile, announced: str) -> None:
    assert ways(mini_profile, PARKING, announced) == [StandAlone("绿色食品新认证几个？")]


@pytest.mark.parametrize("question", [PARKING, "那农村居民呢？"])
def test_first_question_is_left_as_it_is(mini_profile: Profile, question: str) -> None:
    assert ways(mini_profile, question) == [StandAlone(question)]


def test_way_says_how_far_back_it_leans(mini_profile: Profile) -> None:
    found = ways(mini_profile, PARKING, GDP, "回到停车位，去年是多少？")
    assert {alone.back for alone in found} == {0, 1, 2}
    assert all((alone.back == 0) == (alone.way is Way.TYPED) for alone in found)

"""The small parts around a language model, each by itself: when to ask it, what to put to it, what to make of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from assistant.account import AccountWanted, account_wanted
from assistant.generation.breaker import FAILURES, PAUSE_S, Admission, Breaker
from assistant.generation.choose import choose
from assistant.generation.local_model import LocalModel
from assistant.generation.model_store import GGUF_MAGIC, known_models
from assistant.generation.prompt import HANDLE, HANDLES, Piece, evidence_text, pieces, prompt_template
from assistant.generation.rewriting import MOST_CHARS, may_stand_for
from assistant.generation.writer import Fixed
from assistant.settings import Settings
from corpus.errors import PlanAssistantError, SettingsError
from index.tokens import count_tokens

# --- the breaker --------------------------------------------------------------------------------------------------


class Clock:
    """A clock that goes on only when told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(clock)


def fails(breaker: Breaker, times: int = FAILURES) -> None:
    for _ in range(times):
        breaker.failed()


def test_new_breaker_admits_any_number_at_the_same_time(breaker: Breaker) -> None:
    assert all(breaker.admit() for _ in range(10))


@pytest.mark.parametrize("failures", range(FAILURES))
def test_fewer_failures_than_three_in_a_row_change_nothing(breaker: Breaker, failures: int) -> None:
    fails(breaker, failures)
    assert breaker.admit()


def test_third_failure_in_a_row_opens_it(breaker: Breaker) -> None:
    fails(breaker)
    assert not breaker.admit()


def test_success_starts_the_count_anew(breaker: Breaker) -> None:
    fails(breaker, FAILURES - 1)
    breaker.succeeded()
    fails(breaker, FAILURES - 1)
    assert breaker.admit()


def test_question_that_nobody_waited_for_counts_for_nothing(breaker: Breaker) -> None:
    for _ in range(FAILURES - 1):
        breaker.failed()
        breaker.abandoned()
    assert breaker.admit()
    breaker.failed()
    assert not breaker.admit()


@pytest.mark.parametrize(
    ("after_s", "is_admitted"),
    [
        pytest.param(0.0, False, id="at_once"),
        pytest.param(PAUSE_S - 0.1, False, id="before_the_end"),
        pytest.param(PAUSE_S, True, id="at_the_end"),
        pytest.param(PAUSE_S * 100, True, id="long_after"),
    ],
)
def test_open_breaker_admits_only_after_its_pause(
    breaker: Breaker, clock: Clock, after_s: float, is_admitted: bool
) -> None:
    fails(breaker)
    clock.now += after_s
    assert bool(breaker.admit()) is is_admitted


def test_after_the_pause_one_alone_is_admitted_until_it_says_what_became_of_it(breaker: Breaker, clock: Clock) -> None:
    fails(breaker)
    clock.now += PAUSE_S
    assert [breaker.admit() for _ in range(4)] == [Admission.TRIAL, *[Admission.REFUSED] * 3]


@pytest.mark.parametrize(
    ("what_became", "admitted_then"),
    [
        pytest.param(lambda b, trial: b.succeeded(), [True, True, True], id="it_succeeded_and_all_are"),
        pytest.param(lambda b, trial: b.failed(None, trial), [False, False, False], id="it_failed_and_none_is"),
        pytest.param(
            lambda b, trial: b.abandoned(trial), [True, False, False], id="it_was_stopped_and_the_next_one_is"
        ),
    ],
)
def test_what_became_of_the_trial_decides_who_is_admitted_next(
    breaker: Breaker, clock: Clock, what_became: Callable[[Breaker, Admission], None], admitted_then: list[bool]
) -> None:
    fails(breaker)
    clock.now += PAUSE_S
    what_became(breaker, breaker.admit())
    assert [bool(breaker.admit()) for _ in range(3)] == admitted_then


def test_pause_that_the_server_asks_for_opens_it_at_the_first_failure_and_is_kept(
    breaker: Breaker, clock: Clock
) -> None:
    breaker.failed(7.0)
    assert not breaker.admit()
    clock.now += 6.9
    assert not breaker.admit()
    clock.now += 0.1
    assert breaker.admit()


def test_failures_of_questions_under_way_do_not_shorten_a_pause_that_the_server_asked_for(
    breaker: Breaker, clock: Clock
) -> None:
    assert all(breaker.admit() for _ in range(3))
    breaker.failed(PAUSE_S * 4)
    fails(breaker, 2)
    clock.now += PAUSE_S * 2
    assert not breaker.admit()


@pytest.mark.parametrize(
    "what_became",
    [
        pytest.param(lambda b, early: b.failed(None, early), id="failed"),
        pytest.param(lambda b, early: b.abandoned(early), id="stopped"),
    ],
)
def test_question_from_before_the_pause_says_nothing_about_the_trial(
    breaker: Breaker, clock: Clock, what_became: Callable[[Breaker, Admission], None]
) -> None:
    early = breaker.admit()  # still under way when the others fail
    fails(breaker)
    clock.now += PAUSE_S
    assert breaker.admit() is Admission.TRIAL
    what_became(breaker, early)
    clock.now += PAUSE_S
    assert not breaker.admit()


# --- the evidence as it is put to the model -----------------------------------------------------------------------


def test_pieces_stand_in_order_under_handles_of_their_own() -> None:
    given = pieces([("2024年目标", "甲。"), ("2023年实际", "乙。"), ("", "丙。")], 450)
    assert given == [
        Piece(HANDLES[0], "2024年目标", "甲。"),
        Piece(HANDLES[1], "2023年实际", "乙。"),
        Piece(HANDLES[2], "", "丙。"),
    ]
    assert evidence_text(given[:2]) == "[qh]（2024年目标）甲。\n[qb]（2023年实际）乙。"


def test_nothing_makes_no_pieces() -> None:
    assert pieces([], 450) == []


SENTENCES = [("", "确保城镇新增就业7000人"), ("", "新增博士10名"), ("", "新增停车位820个")]
COSTS = [count_tokens(words) for _, words in SENTENCES]


@pytest.mark.parametrize(
    ("budget", "count"),
    [
        pytest.param(0, 1, id="first_whatever_it_costs"),
        pytest.param(COSTS[0], 1, id="room_for_one"),
        pytest.param(COSTS[0] + COSTS[1] - 1, 1, id="a_token_short_of_two"),
        pytest.param(COSTS[0] + COSTS[1], 2, id="room_for_two"),
        pytest.param(sum(COSTS), 3, id="room_for_all"),
        pytest.param(10_000, 3, id="room_to_spare"),
    ],
)
def test_pieces_keep_to_the_budget_of_tokens(budget: int, count: int) -> None:
    assert [piece.words for piece in pieces(SENTENCES, budget)] == [words for _, words in SENTENCES[:count]]


def test_there_are_no_more_pieces_than_handles() -> None:
    given = pieces([("", "好。")] * (len(HANDLES) + 5), 10_000)
    assert [piece.handle for piece in given] == list(HANDLES)


def test_handles_are_all_different_and_read_as_handles() -> None:
    assert len(set(HANDLES)) == len(HANDLES)
    assert all(HANDLE.findall(f"[{handle}]") == [handle] for handle in HANDLES)


def test_handles_of_the_examples_are_never_given() -> None:
    *fixed, _ = prompt_template().format_messages(evidence="", question="")
    shown = {handle for message in fixed for handle in HANDLE.findall(str(message.content))}
    assert shown and shown.isdisjoint(HANDLES)


def test_no_handle_is_a_unit() -> None:
    assert {"kg", "kb", "km", "kw", "ft", "mg"}.isdisjoint(HANDLES)


@pytest.mark.parametrize(
    ("words", "given"),
    [
        pytest.param("新增[qh]博士10名", "新增博士10名", id="in_the_middle"),
        pytest.param("[zz]新增博士10名[mu]", "新增博士10名", id="at_both_ends_and_not_given"),
        pytest.param("新增博士[1]10名（PM2.5）", "新增博士[1]10名（PM2.5）", id="other_brackets_stay"),
        pytest.param(" 新增博士\n10名\t ", "新增博士 10名", id="one_line"),
        *(
            pytest.param(
                f"新增{bracketed}博士10名",
                "新增博士10名",
                id=f"as_{bracketed}",
            )
            for bracketed in ("〔qh〕", "【qh】", "（qh）", "(qh)", "[ qh ]")
        ),
    ],
)
def test_what_looks_like_a_handle_is_taken_out_of_the_evidence(words: str, given: str) -> None:
    assert [piece.words for piece in pieces([("", words)], 450)] == [given]


def test_braces_in_evidence_and_question_are_text() -> None:
    *_, last = prompt_template().format_messages(evidence="[qh]（）{evidence}", question="{question}是什么？")
    assert last.content == "资料：\n[qh]（）{evidence}\n问题：{question}是什么？"


# --- a follow-up as the model puts it -----------------------------------------------------------------------------

RURAL = "2024年农村居民人均可支配收入增长多少？"


@pytest.mark.parametrize(
    ("said", "alone"),
    [
        pytest.param([RURAL, "城镇呢？"], "2024年城镇居民人均可支配收入增长多少？", id="member"),
        pytest.param([RURAL, "2023年呢？"], "2023年农村居民人均可支配收入增长多少？", id="year"),
        pytest.param([RURAL, "城镇呢？", "那2023年呢？"], "2023年城镇居民人均可支配收入增长多少？", id="three_turns"),
        pytest.param(["今年要修哪些路？", "滨河路什么时候完工？", "花多少钱"], "今年修滨河路花多少钱？", id="example"),
        pytest.param(["青禾产业园什么时候建成？", "总投资呢"], "青禾产业园总投资是多少？", id="other_matter"),
        pytest.param([RURAL, "城镇呢？"], "二〇二四年城镇居民人均可支配收入增长多少？", id="year_in_chinese_digits"),
        pytest.param([RURAL, "城镇呢？"], "２０２４年城镇居民人均可支配收入增长多少？", id="full_width"),
    ],
)
def test_question_made_of_what_was_said_may_stand(said: list[str], alone: str) -> None:
    assert may_stand_for(alone, said)


@pytest.mark.parametrize(
    ("said", "alone"),
    [
        pytest.param([RURAL, "那呢？"], "2024年北京市农村居民人均可支配收入增长多少？", id="new_place"),
        pytest.param([RURAL, "城镇呢？"], "2024年城镇居民人均消费支出增长多少？", id="new_matter"),
        pytest.param([RURAL, "那规划呢？"], "2025年农村居民人均可支配收入增长规划是多少？", id="new_year"),
        pytest.param([RURAL, "城镇呢？"], "2024年城镇居民人均可支配收入增长8%了吗？", id="new_number"),
        pytest.param([RURAL, "城镇呢？"], RURAL, id="forgets_what_was_asked_last"),
        pytest.param([RURAL, "2023年呢？"], "农村居民人均可支配收入增长多少？", id="forgets_the_year"),
        pytest.param([RURAL, "城镇呢？"], "城镇呢？", id="unchanged"),
        pytest.param([RURAL, "城镇呢？"], "城镇呢", id="unchanged_but_for_the_mark"),
        pytest.param([RURAL, "城镇呢？"], "", id="empty"),
        pytest.param([RURAL, "城镇呢？"], "城镇？", id="too_short"),
        pytest.param([RURAL, "城镇呢？"], "城镇居民" * (MOST_CHARS // 4 + 1), id="too_long"),
        pytest.param([RURAL, "城镇呢？"], "城镇居民收入增长多少？\n2024年", id="two_lines"),
        pytest.param([RURAL, "城镇呢？"], "2024年城镇居民收入增长多少，农村是多少？", id="two_questions"),
        pytest.param(
            ["2024年增长6%吗？", "地区生产总值呢？"],
            "2026年地区生产总值增长吗？",
            id="year_of_digits_that_were_said",
        ),
        pytest.param(
            ["农村居民收入增长6.5%了吗？", "那收入呢？"],
            "农村居民收入增长65%了吗？",
            id="number_of_digits_that_were_said",
        ),
    ],
)
def test_question_with_something_new_or_something_less_may_not_stand(said: list[str], alone: str) -> None:
    assert not may_stand_for(alone, said)


# --- which way of answering the settings mean ---------------------------------------------------------------------


@pytest.fixture
def no_models(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The folder where models are looked for, an empty one; the library that runs them is there."""
    monkeypatch.setattr("assistant.generation.choose.default_model_dir", lambda: tmp_path)
    monkeypatch.setattr("assistant.generation.choose.is_available", lambda: True)
    for name in ("LAIWU_ANSWERER", "LAIWU_LLM_BASE_URL", "LAIWU_LLM_MODEL", "LAIWU_LLM_API_KEY", "LAIWU_LOCAL_MODEL"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def no_library(monkeypatch: pytest.MonkeyPatch, no_models: Path) -> Path:
    monkeypatch.setattr("assistant.generation.choose.is_available", lambda: False)
    return no_models


def put_model(folder: Path) -> Path:
    """A file of the name and length of the first known model; it takes no room."""
    path = folder / known_models()[0].file_name
    with path.open("wb") as file:
        file.write(GGUF_MAGIC)
        file.truncate(known_models()[0].bytes)
    return path


def made(**values: object) -> Settings:
    return Settings(_env_file=None, **values)  # type: ignore[call-arg,arg-type]


SERVER = {"llm_base_url": "http://127.0.0.1:8000/v1", "llm_model": "qwen"}


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param(made(answerer="quote"), id="quote"),
        pytest.param(made(answerer="quote", **SERVER), id="quote_though_there_is_a_server"),
        pytest.param(made(), id="auto_and_nothing_there"),
        pytest.param(made(answerer="auto", llm_model="qwen"), id="auto_and_a_model_without_an_address"),
    ],
)
def test_quotations_only(no_models: Path, settings: Settings) -> None:
    choice = choose(settings)
    assert choice.provider is None
    assert re.fullmatch(r"[^\n。]*只摘录原文", choice.reason)


@pytest.mark.parametrize("answerer", ["auto", "openai"])
def test_server_of_the_settings_is_asked(no_models: Path, answerer: str) -> None:
    put_model(no_models)  # a server that somebody set up goes before it
    provider = choose(made(answerer=answerer, llm_api_key="sk-1", **SERVER)).provider
    assert isinstance(provider, Fixed)
    endpoint = provider.endpoint()
    assert (endpoint.base_url, endpoint.model, endpoint.key) == (SERVER["llm_base_url"], "qwen", "sk-1")
    assert provider.name == "qwen"
    assert "sk-1" not in repr(provider)


@pytest.mark.parametrize("answerer", ["auto", "local"])
def test_installed_model_is_used_under_its_name(no_models: Path, answerer: str) -> None:
    path = put_model(no_models)
    provider = choose(made(answerer=answerer)).provider
    assert isinstance(provider, LocalModel)
    assert (provider.path, provider.name) == (path, known_models()[0].name)


@pytest.mark.parametrize("answerer", ["auto", "local"])
def test_model_file_of_the_settings_is_used_under_the_name_of_the_file(no_models: Path, answerer: str) -> None:
    path = no_models / "elsewhere-7b.gguf"
    path.write_bytes(GGUF_MAGIC)
    provider = choose(made(answerer=answerer, local_model=path)).provider
    assert isinstance(provider, LocalModel)
    assert (provider.path, provider.name) == (path, "elsewhere-7b")


def test_installed_model_without_the_library_is_passed_over_unless_it_is_asked_for(no_library: Path) -> None:
    put_model(no_library)
    assert choose(made()).provider is None
    with pytest.raises(SettingsError, match="xllamacpp"):
        choose(made(answerer="local"))


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        pytest.param(made(answerer="openai"), "LAIWU_LLM_BASE_URL", id="no_address"),
        pytest.param(made(answerer="openai", llm_model="qwen"), "LAIWU_LLM_BASE_URL", id="no_address_but_a_model"),
        pytest.param(
            made(answerer="openai", llm_base_url="127.0.0.1:8000", llm_model="qwen"), "127.0.0.1:8000", id="no_scheme"
        ),
        pytest.param(made(llm_base_url="qwen.example/v1", llm_model="qwen"), "qwen.example/v1", id="auto_no_scheme"),
        pytest.param(made(llm_base_url="http://127.0.0.1/v1"), "LAIWU_LLM_MODEL", id="auto_no_model"),
        pytest.param(made(answerer="local"), "laiwu-plan model install", id="no_local_model"),
    ],
)
def test_missing_setting_is_named_in_one_sentence(no_models: Path, settings: Settings, named: str) -> None:
    with pytest.raises(SettingsError) as caught:
        choose(settings)
    assert named in str(caught.value)
    assert re.fullmatch(r"[^\n。]*[一-鿿][^\n。]*。", str(caught.value))


def test_key_is_in_no_message(no_models: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        choose(made(answerer="openai", llm_base_url="nowhere", llm_model="qwen", llm_api_key="sk-1"))
    assert "sk-1" not in str(caught.value)


@pytest.mark.parametrize("answerer", ["auto", "local"])
@pytest.mark.parametrize(
    "content", [pytest.param(None, id="missing"), pytest.param(b"PK\x03\x04", id="another_kind_of_file")]
)
def test_model_file_that_is_none_is_named(no_models: Path, answerer: str, content: bytes | None) -> None:
    path = no_models / "wrong.gguf"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(PlanAssistantError, match=re.escape(str(path))):
        choose(made(answerer=answerer, local_model=path))


# --- questions that want an account -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "question",
    [
        pytest.param("2024年地区生产总值增长目标是多少？", id="figure"),
        pytest.param("2024年主要目标有哪些？", id="list"),
        pytest.param("联系人是谁", id="who"),
        pytest.param("项目什么时候完工？", id="when"),
        pytest.param("为什么要建产业园？", id="why"),
        pytest.param("莱芜有哪些比较优势", id="comparative_advantage_is_a_term"),
        pytest.param("收入比较低的群体有哪些", id="rather_is_no_comparison"),
        pytest.param("产品说明书在哪里", id="manual_is_a_thing"),
        pytest.param("有没有政策说明会", id="briefing_is_a_thing"),
        pytest.param("今天天气怎么样", id="what_is_it_like"),
        pytest.param("房子怎么卖", id="price"),
        pytest.param("污水处理怎么收费", id="charge"),
    ],
)
def test_question_for_a_fact_wants_no_account(question: str) -> None:
    assert account_wanted(question) is None


@pytest.mark.parametrize(
    ("question", "topic"),
    [
        pytest.param("概括一下2024年服务业的安排", "2024年服务业的安排", id="sum_up"),
        pytest.param("三句话概括全年工作", "全年工作", id="in_three_sentences"),
        pytest.param("能不能帮我归纳一下医疗卫生的工作？", "医疗卫生的工作", id="politely"),
        pytest.param("请用大白话介绍一下乡村振兴", "乡村振兴", id="in_plain_words"),
        pytest.param("总结一下教育方面的主要内容", "教育方面的", id="main_content"),
        pytest.param("对比一下工业和服务业", "工业和服务业", id="compare"),
        pytest.param("工业增加值是什么意思？", "工业增加值", id="meaning"),
        pytest.param("优化营商环境的思路是什么？", "优化营商环境", id="line_of_thought"),
        pytest.param("农业讲一下", "农业", id="tell_at_the_end"),
        pytest.param("给我讲讲农业", "农业", id="tell_at_the_start"),
        pytest.param("给老人讲讲养老服务", "养老服务", id="tell_an_old_man"),
        pytest.param("详细说说人才引进", "人才引进", id="tell_in_detail"),
    ],
)
def test_topic_of_an_account_asked_for_in_so_many_words_is_what_is_left(question: str, topic: str) -> None:
    assert account_wanted(question) == AccountWanted(topic, is_explicit=True, refers=False, refers_to_several=False)


@pytest.mark.parametrize(
    "question",
    [
        pytest.param("怎样改善营商环境？", id="zenyang"),
        pytest.param("怎么稳就业？", id="zenme"),
        pytest.param("如何推进新型工业化", id="ruhe"),
        pytest.param("老旧小区咋改", id="za"),
        pytest.param("采取哪些措施稳就业", id="which_measures"),
        pytest.param("养老有什么安排", id="what_plans"),
        pytest.param("做了哪些环保工作", id="what_was_done"),
    ],
)
def test_question_how_something_is_done_is_its_own_topic(question: str) -> None:
    wanted = account_wanted(question)
    assert wanted == AccountWanted(question.rstrip("？"), is_explicit=False, refers=False, refers_to_several=False)


@pytest.mark.parametrize(
    ("question", "topic", "refers", "to_several"),
    [
        pytest.param("用大白话再说一遍", "", False, False, id="says_only_how"),
        pytest.param("总结一下", "", False, False, id="says_only_what_to_do"),
        pytest.param("这个展开讲讲", "这个", True, False, id="one"),
        pytest.param("它的思路是什么", "", True, False, id="one_character_is_no_topic"),
        pytest.param("上述内容概括一下", "上述内容", True, False, id="the_above"),
        pytest.param("把这几样合起来讲讲", "这几样", True, True, id="several"),
        pytest.param("这两个有什么区别", "这两个", True, True, id="two"),
        pytest.param("那些都讲一下", "那些都", True, True, id="all"),
    ],
)
def test_account_of_what_was_spoken_of_before_refers_to_it(
    question: str, topic: str, refers: bool, to_several: bool
) -> None:
    assert account_wanted(question) == AccountWanted(topic, True, refers, to_several)

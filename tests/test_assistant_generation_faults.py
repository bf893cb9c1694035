"""Whatever a model server does, the reader gets an answer in time, and no word that the plan does not bear."""

from __future__ import annotations

import gc
import json
import logging
import re
import socket
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from copy import copy
from dataclasses import dataclass, replace
from email.utils import formatdate
from itertools import groupby, pairwise

import pytest
from scripted_model import (
    Asked,
    Echo,
    Endless,
    EndsWithoutFinish,
    Hangs,
    Messages,
    NotJson,
    Says,
    Script,
    ScriptedModel,
    Sends,
    Status,
    Stops,
    WrongShape,
)

from assistant.generation.assistant import NOTHING_BOUND, GeneratingAssistant
from assistant.generation.breaker import FAILURES, PAUSE_S, Breaker
from assistant.generation.endpoint import BUSY_S, LONGEST_S, REJECTED_S, Endpoint, ModelFault
from assistant.generation.writer import MOST_LINES, Fixed, Writer
from assistant.service import PlanAssistant
from assistant.settings import Settings
from assistant.types import Answer, Outcome
from corpus.types import Document
from index.bigrams import bigram_embedder
from index.build import ensure_index
from index.retrieve import Index

TIMEOUT_S = 1.0
KEY = "sk-only-for-tests"
QUESTION = "2024年在稳就业方面打算怎么做？"
OTHER_QUESTION = "怎样改善营商环境？"
FACT_QUESTION = "2024年地区生产总值增长目标是多少？"
JOBS = "深化全方位公共就业服务，确保城镇新增就业7000人"
TALENT = "实施青年人才集聚计划，新增博士10名，本专科大学生3600名"
FIRST, SECOND = "[qh]", "[qb]"  # the handles under which the two are given to the model
TWO_LINES = f"{FIRST}{JOBS}。\n{SECOND}{TALENT}。\n"
SHOWN = f"- {JOBS}。[1]\n- {TALENT}。[2]"
LATE_QUESTION, TURNS = "它的深层原因", ["2024年地区生产总值增长目标是多少？"]  # a follow-up that the rules cannot place


# --- the assistant under test -------------------------------------------------------------------------------------


class Clock:
    """A clock that goes on only when told to."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Opened:
    """An assistant whose model is a scripted server, and what is needed to watch the two."""

    assistant: GeneratingAssistant
    server: ScriptedModel
    clock: Clock

    def ask(self, question: str = QUESTION, turns: list[str] | None = None) -> Answer:
        *_, last = self.states(question, turns)
        return last

    def states(self, question: str = QUESTION, turns: list[str] | None = None) -> list[Answer]:
        """All states of the answer, within the time limit and a second."""
        started = time.perf_counter()
        states = []
        for state in self.assistant.stream(question, turns or []):
            states.append(state)
            assert time.perf_counter() - started < TIMEOUT_S + 1, "the time limit was not kept"
        assert time.perf_counter() - started < TIMEOUT_S + 1, "the time limit was not kept"
        return states

    def first_asked(self) -> Asked:
        return self.server.asked[0]


@pytest.fixture(scope="module")
def plan_index(plan: Document, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    index = ensure_index([plan], tmp_path_factory.mktemp("plan"), bigram_embedder()).index
    yield index
    index.close()


@pytest.fixture(scope="module")
def settings() -> Settings:
    return Settings(_env_file=None)  # type: ignore[call-arg]


@pytest.fixture(scope="module")
def quoting(plan_index: Index, settings: Settings) -> PlanAssistant:
    return PlanAssistant(plan_index, settings)


@pytest.fixture(scope="module")
def quoted(quoting: PlanAssistant) -> Answer:
    """What is answered without a model; the two sentences of this file stand first in it."""
    answer = quoting.ask(QUESTION)
    assert [citation.quote for citation in answer.citations[:2]] == [JOBS, TALENT]
    return answer


@pytest.fixture(scope="module")
def generating(plan_index: Index, settings: Settings) -> GeneratingAssistant:
    """Prepared once; each test gives a copy of it a writer of its own."""
    nowhere = Endpoint("http://127.0.0.1:9/v1", "scripted", "Scripted 1B")
    nowhere.chat_model(max_tokens=1, timeout_s=1)  # the libraries are imported now, not within somebody's time limit
    return GeneratingAssistant(plan_index, settings, Writer(Fixed(nowhere), timeout_s=1, max_tokens=1))


def answering(
    generating: GeneratingAssistant, base_url: str, clock: Clock | None = None, *, key: str = KEY, max_tokens: int = 320
) -> GeneratingAssistant:
    assistant = copy(generating)
    provider = Fixed(Endpoint(base_url, "scripted", "Scripted 1B", key))
    breaker = Breaker(clock or Clock())
    assistant.writer = Writer(provider, timeout_s=TIMEOUT_S, max_tokens=max_tokens, breaker=breaker)
    return assistant


@pytest.fixture
def opened(generating: GeneratingAssistant) -> Iterator[Opened]:
    """An assistant with a server that copies the first two sentences, until the test tells it otherwise."""
    clock = Clock()
    with ScriptedModel(Says(TWO_LINES)) as server:
        yield Opened(answering(generating, server.base_url, clock), server, clock)


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
    return port


def assert_is_quotation(answer: Answer, quoted: Answer, note: str = "") -> None:
    """The answer is the one that needs no model, and says in one sentence why."""
    assert answer.generation is not None
    assert answer.generation.outcome is Outcome.FELL_BACK
    assert not answer.generation.is_shown
    assert replace(answer, timings_ms={}, generation=None) == replace(quoted, timings_ms={})
    assert answer.generation.quotation == quoted.answer
    assert re.fullmatch(r"[^\n。]*[一-鿿][^\n。]*，以下为原文摘录。", answer.generation.note), answer.generation.note
    assert note in answer.generation.note


def words_of(answer: Answer) -> list[str]:
    """The lines of an answer without list marks, citation marks and full stops."""
    lines = [re.sub(r"^- |\[\d+\]", "", line) for line in answer.answer.splitlines()]
    return [line.rstrip("。") for line in lines]


def evidence(messages: Messages) -> list[tuple[str, str]]:
    """What a prompt gives the model: handles with their words."""
    found = re.findall(r"^\[([a-z]{2})\]（[^）]*）(.+)$", messages[-1]["content"], re.M)
    return [(str(handle), str(words)) for handle, words in found]


# --- a model that does as it should -------------------------------------------------------------------------------


def test_words_of_the_model_are_shown_with_numbered_citations(opened: Opened, quoted: Answer) -> None:
    answer = opened.ask()
    assert answer.generation is not None
    assert (answer.answer, answer.answerer) == (SHOWN, "Scripted 1B")
    assert answer.citations == quoted.citations[:2]
    assert (answer.generation.outcome, answer.generation.note) == (Outcome.WRITTEN, "")
    assert (answer.generation.sentences, answer.generation.bound, answer.generation.struck) == (2, 2, 0)
    assert answer.generation.quotation == quoted.answer
    assert 0 < answer.generation.first_ms <= answer.timings_ms["total"]


def test_answer_computed_from_the_prompt_is_borne_by_it(opened: Opened) -> None:
    opened.server.does(Echo(lambda messages: "\n".join(f"[{h}]{words}。" for h, words in evidence(messages))))
    answer = opened.ask()
    assert answer.generation is not None and answer.generation.outcome is Outcome.WRITTEN
    assert words_of(answer) == [words for _, words in evidence(opened.first_asked().messages)]


@pytest.mark.parametrize("chunk", [pytest.param(1, id="character_by_character"), pytest.param(1_000, id="all_at_once")])
def test_size_of_the_chunks_changes_nothing(opened: Opened, chunk: int) -> None:
    opened.server.does(Says(TWO_LINES, chunk))
    assert opened.ask().answer == SHOWN


def test_last_line_needs_no_end_of_line(opened: Opened) -> None:
    opened.server.does(Says(f"{FIRST}{JOBS}\n{SECOND}{TALENT}"))
    assert opened.ask().answer == SHOWN


def test_quotation_is_given_before_the_server_is_asked(opened: Opened, quoted: Answer) -> None:
    running = opened.assistant.stream(QUESTION)
    first = next(running)
    assert replace(first, timings_ms={}) == replace(quoted, timings_ms={})
    assert opened.server.asked == []


def test_answer_grows_clause_by_clause_and_only_at_its_end_is_not_being_written(opened: Opened) -> None:
    opened.server.does(Says(TWO_LINES, pause_s=0.01))
    _, *growing, last = opened.states()
    assert all(state.generation and state.generation.outcome is Outcome.WRITING for state in growing)
    shown = [words_of(state) for state in growing if state.answerer == "Scripted 1B"]
    assert [words for words, _ in groupby(shown)] == [
        ["深化全方位公共就业服务"],
        [JOBS],
        [JOBS, "实施青年人才集聚计划"],
        [JOBS, "实施青年人才集聚计划，新增博士10名"],
        [JOBS, TALENT],
    ]
    assert last.answer == SHOWN


@pytest.mark.parametrize(
    "question",
    [
        pytest.param(FACT_QUESTION, id="fact"),
        pytest.param("2024年主要目标有哪些？", id="list"),
        pytest.param("联系人是谁？", id="header"),
        pytest.param("核对：城镇新增就业7000人", id="wording_check"),
        pytest.param("今天天气怎么样", id="declined"),
        pytest.param("介绍一下火星基地", id="account_of_what_is_not_there"),
    ],
)
def test_question_that_needs_no_wording_never_asks_the_server(
    opened: Opened, quoting: PlanAssistant, question: str
) -> None:
    (answer,) = opened.states(question)
    assert replace(answer, timings_ms={}) == replace(quoting.ask(question), timings_ms={})
    assert answer.generation is None
    assert opened.server.asked == []


# --- what the server is sent --------------------------------------------------------------------------------------


def test_key_stands_in_the_authorization_header_and_nowhere_else(opened: Opened) -> None:
    opened.ask()
    assert opened.first_asked().headers["authorization"] == f"Bearer {KEY}"
    assert KEY not in json.dumps(opened.first_asked().body)
    assert KEY not in repr(Endpoint("http://127.0.0.1/v1", "scripted", "Scripted 1B", KEY))


def test_model_limit_and_temperature_are_sent_under_the_names_that_all_servers_know(opened: Opened) -> None:
    opened.ask()
    body = opened.first_asked().body
    sent = {name: value for name, value in body.items() if name != "messages"}
    assert sent == {"model": "scripted", "stream": True, "max_tokens": 320, "temperature": 0}


def test_everything_but_the_last_message_is_the_same_for_all_questions(opened: Opened) -> None:
    opened.ask(QUESTION)
    opened.ask(OTHER_QUESTION)
    one, other = (json.dumps(asked.messages[:-1], ensure_ascii=False).encode() for asked in opened.server.asked)
    assert one == other
    assert opened.server.asked[0].messages[-1] != opened.server.asked[1].messages[-1]


def test_evidence_and_question_stand_in_the_last_message_only(opened: Opened, quoted: Answer) -> None:
    opened.ask()
    *fixed, last = opened.first_asked().messages
    assert [message["role"] for message in fixed] == ["system", "user", "assistant"]
    assert last["role"] == "user"
    assert [words for _, words in evidence([last])] == [citation.quote for citation in quoted.citations]
    assert QUESTION in last["content"]
    assert not any(words in json.dumps(fixed, ensure_ascii=False) for _, words in evidence([last]))


# --- faults of the server -----------------------------------------------------------------------------------------

FAULTS = [
    pytest.param(Status(500), "出错（500）", id="error_500"),
    pytest.param(Status(503), "出错（503）", id="error_503"),
    pytest.param(Status(400), "出错（400）", id="error_400"),
    pytest.param(Status(404), "没有这个模型", id="no_such_model"),
    pytest.param(Status(429, {"Retry-After": "7"}), "繁忙", id="busy"),
    pytest.param(Status(401), "密钥", id="key_rejected"),
    pytest.param(Status(403), "密钥", id="key_forbidden"),
    pytest.param(Hangs(), "1 秒内没有写完", id="hangs"),
    pytest.param(Hangs(f"{FIRST}{JOBS}。\n"), "1 秒内没有写完", id="hangs_after_a_good_line"),
    pytest.param(Endless(" ", 0.05), "1 秒内没有写完", id="trickles"),
    pytest.param(Stops(""), "模型", id="cut_at_once"),
    pytest.param(Stops(f"{FIRST}深化全方位"), "模型", id="cut_in_a_line"),
    pytest.param(Stops(f"{TWO_LINES}[qd]加速"), "模型", id="cut_after_two_good_lines"),
    pytest.param(EndsWithoutFinish(TWO_LINES), "中途断了", id="ends_without_finish"),
    pytest.param(NotJson(), "无法读取", id="not_json"),
    pytest.param(WrongShape(), "模型", id="json_of_another_shape"),
    pytest.param(Sends('data: {"choices": []}\n\ndata: [DONE]\n\n'), "模型", id="no_choices"),
    pytest.param(Sends('data: {"error": {"message": "CUDA out of memory"}}\n\n'), "无法读取", id="error_in_the_stream"),
    pytest.param(Sends("data: [1, 2]\n\n"), "无法读取", id="list_for_an_object"),
    pytest.param(Sends("<html>nginx</html>", "text/html"), "无法读取", id="page_of_a_proxy"),
    pytest.param(Sends('{"choices": []}', "application/json"), "无法读取", id="not_streamed"),
    pytest.param(Sends(""), "无法读取", id="empty_body"),
]
BAD_ANSWERS = [
    pytest.param(Says("人工智能助手很高兴为您服务。我认为前景广阔！"), id="nonsense"),
    pytest.param(Says("Sure! Here is the summary.\nOK."), id="foreign_language"),
    pytest.param(Says(""), id="nothing"),
    pytest.param(Says("\n\n 。\n"), id="blank_lines"),
    pytest.param(
        Says("[mu]办企业方面，加快建设青禾现代产业园，新引进食品加工企业8家。"), id="the_example_of_the_prompt"
    ),
    pytest.param(Says("文件未提及稳就业方面的内容。"), id="claims_silence"),
    pytest.param(Says("根据现有资料无法确定。"), id="claims_not_to_know"),
    pytest.param(Says("<think>先看资料，确保城镇新增就业7000人。\n"), id="thought_without_end"),
    pytest.param(Endless("胡言乱语"), id="endless_line"),
    pytest.param(Endless("胡言乱语。\n"), id="endless_lines"),
    pytest.param(Endless("\n" * 50), id="endless_blank_lines"),
]


@pytest.mark.parametrize(("script", "note"), FAULTS)
def test_fault_ends_in_the_quotation_in_time_after_one_request(
    opened: Opened, quoted: Answer, script: Script, note: str
) -> None:
    opened.server.does(script)
    assert_is_quotation(opened.ask(), quoted, note)
    assert len(opened.server.asked) == 1


@pytest.mark.parametrize("script", BAD_ANSWERS)
def test_answer_of_which_nothing_is_borne_ends_in_the_quotation(opened: Opened, quoted: Answer, script: Script) -> None:
    opened.server.does(script)
    assert_is_quotation(opened.ask(), quoted, NOTHING_BOUND)
    assert len(opened.server.asked) == 1


def test_connection_refused_ends_in_the_quotation(
    generating: GeneratingAssistant, quoted: Answer, closed_port: int
) -> None:
    started = time.perf_counter()
    answer = answering(generating, f"http://127.0.0.1:{closed_port}/v1").ask(QUESTION)
    assert_is_quotation(answer, quoted, "连不上模型服务")
    assert time.perf_counter() - started < TIMEOUT_S + 1


def test_wrong_key_ends_in_the_quotation(generating: GeneratingAssistant, quoted: Answer) -> None:
    with ScriptedModel(Says(TWO_LINES), key="another key") as server:
        assert_is_quotation(answering(generating, server.base_url).ask(QUESTION), quoted, "不接受密钥")
    assert len(server.asked) == 1


@pytest.mark.parametrize("key", [pytest.param("密钥", id="chinese"), pytest.param("sk-1\n", id="end_of_line")])
def test_key_that_no_header_can_hold_ends_in_the_quotation(
    generating: GeneratingAssistant, quoted: Answer, key: str
) -> None:
    with ScriptedModel(Says(TWO_LINES)) as server:
        assert_is_quotation(answering(generating, server.base_url, key=key).ask(QUESTION), quoted)
    assert server.asked == []


@pytest.mark.parametrize(
    "base_url",
    [
        pytest.param("http://", id="no_host"),
        pytest.param("http://127.0.0.1:99999/v1", id="no_such_port"),
        pytest.param("http://[::1", id="not_an_address"),
    ],
)
def test_address_that_leads_nowhere_ends_in_the_quotation(
    generating: GeneratingAssistant, quoted: Answer, base_url: str
) -> None:
    assert_is_quotation(answering(generating, base_url).ask(QUESTION), quoted)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("ALL_PROXY", "socks5://127.0.0.1:9", id="socks_proxy_without_its_library"),
        pytest.param("SSL_CERT_FILE", "/nowhere/certificates.pem", id="certificates_missing"),
    ],
)
def test_environment_that_no_client_can_be_made_in_ends_in_the_quotation(
    generating: GeneratingAssistant, quoted: Answer, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    assert_is_quotation(answering(generating, "https://model.example/v1").ask(QUESTION), quoted)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("ALL_PROXY", "socks5://127.0.0.1:9", id="socks_proxy_without_its_library"),
        pytest.param(
            "SSL_CERT_FILE",
            "/nowhere/certificates.pem",
            id="certificates_missing",
            marks=pytest.mark.xfail(strict=True, reason="Endpoint.chat_model has LangChain make a second client"),
        ),
    ],
)
def test_environment_means_nothing_for_a_server_on_this_machine(
    opened: Opened, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    assert opened.ask().answer == SHOWN


def test_server_that_takes_no_connection_is_not_waited_for_as_long_as_one_that_writes(
    generating: GeneratingAssistant, quoted: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assistant.generation.endpoint.CONNECT_S", 0.2)
    with socket.socket() as full, ExitStack() as waiting:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(3):  # nobody takes these, so the next one waits
            waiting.enter_context(closing(one := socket.socket())).setblocking(False)
            one.connect_ex(full.getsockname())
        started = time.perf_counter()
        answer = answering(generating, f"http://127.0.0.1:{full.getsockname()[1]}/v1").ask(QUESTION)
    assert_is_quotation(answer, quoted)
    assert time.perf_counter() - started < TIMEOUT_S * 0.8


def test_server_on_this_machine_is_asked_past_any_proxy(
    opened: Opened, monkeypatch: pytest.MonkeyPatch, closed_port: int
) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{closed_port}")
    assert opened.ask().answer == SHOWN


@pytest.mark.parametrize(("script", "note"), FAULTS[:7])
def test_fault_is_one_quiet_line_in_the_log_without_the_key(
    opened: Opened, caplog: pytest.LogCaptureFixture, script: Script, note: str
) -> None:
    opened.server.does(script)
    with caplog.at_level(logging.WARNING):
        opened.ask()
    (record,) = caplog.records
    assert (record.levelno, record.exc_info) == (logging.WARNING, None)
    assert "\n" not in record.getMessage()
    assert KEY not in record.getMessage() and QUESTION not in record.getMessage()


def test_what_the_server_says_of_its_fault_is_not_shown(opened: Opened) -> None:
    opened.server.does(Sends('data: {"error": {"message": "CUDA out of memory"}}\n\n'))
    assert "CUDA" not in json.dumps(opened.ask().to_dict(), ensure_ascii=False)


def test_states_before_a_cut_show_only_what_the_plan_bears(opened: Opened, quoted: Answer) -> None:
    opened.server.does(Stops(f"{FIRST}{JOBS}。\n{SECOND}{TALENT.replace('3600', '9600')}。\n[qd]稳步推进火星"))
    _, *growing, last = opened.states()
    shown = [words_of(state) for state in growing if state.answerer == "Scripted 1B"]
    assert shown[-1] == [JOBS, TALENT]  # the second one is the original in place of what the model wrote
    assert all(JOBS.startswith(words) or TALENT.startswith(words) for state in shown for words in state)
    assert_is_quotation(last, quoted)


def test_note_of_a_cut_says_that_the_answer_broke_off(opened: Opened) -> None:
    opened.server.does(Stops(TWO_LINES))
    answer = opened.ask()
    assert answer.generation is not None and "中途断了" in answer.generation.note


def test_endless_answer_is_cut_off_on_the_server_too(opened: Opened) -> None:
    opened.server.does(Endless("胡言乱语"))
    opened.ask()
    assert opened.first_asked().was_left.wait(2)


def test_endless_repetition_is_shown_once(opened: Opened) -> None:
    opened.server.does(Endless(f"{FIRST}{JOBS}。\n"))
    answer = opened.ask()
    assert answer.generation is not None and answer.generation.sentences <= MOST_LINES
    assert answer.answer == f"{JOBS}。[1]"
    assert opened.first_asked().was_left.wait(2)


def test_sentence_that_the_limit_of_tokens_cut_is_not_shown(opened: Opened) -> None:
    opened.server.does(Says(f"{FIRST}{JOBS}。\n{SECOND}实施青年人才", finish="length"))
    assert opened.ask().answer == f"{JOBS}。[1]"


def test_time_of_retry_after_that_no_calendar_holds_does_no_harm(opened: Opened, quoted: Answer) -> None:
    opened.server.does(Status(429, {"Retry-After": "Wed, 99999999999999999999 Oct 2015 07:28:00 GMT"}))
    assert_is_quotation(opened.ask(), quoted, "繁忙")


# --- leaving a failing server alone -------------------------------------------------------------------------------


def test_server_is_left_alone_after_three_faults(opened: Opened, quoted: Answer) -> None:
    opened.server.does(Status(500))
    for _ in range(FAILURES):
        opened.ask()
    answers = [opened.ask() for _ in range(5)]
    assert len(opened.server.asked) == FAILURES
    for answer in answers:
        assert_is_quotation(answer, quoted, "暂时停用")


def test_good_answer_between_faults_keeps_the_server_in_use(opened: Opened) -> None:
    opened.server.does(Status(500), Status(500), Says(TWO_LINES), Status(500), Status(500), Says(TWO_LINES))
    outcomes = [answer.generation and answer.generation.outcome for answer in (opened.ask() for _ in range(6))]
    fell_back, written = Outcome.FELL_BACK, Outcome.WRITTEN
    assert outcomes == [fell_back, fell_back, written, fell_back, fell_back, written]


def test_answer_of_which_nothing_is_borne_is_no_fault_of_the_server(opened: Opened) -> None:
    opened.server.does(Says("胡言乱语。"))
    for _ in range(FAILURES + 2):
        opened.ask()
    assert len(opened.server.asked) == FAILURES + 2


def test_after_the_pause_one_good_trial_brings_the_server_back(opened: Opened) -> None:
    opened.server.does(*[Status(500)] * FAILURES, Says(TWO_LINES))
    for _ in range(FAILURES):
        opened.ask()
    opened.clock.now += PAUSE_S - 1
    opened.ask()
    assert len(opened.server.asked) == FAILURES
    opened.clock.now += 2
    assert [opened.ask().answer for _ in range(2)] == [SHOWN, SHOWN]
    assert len(opened.server.asked) == FAILURES + 2


def test_after_the_pause_one_bad_trial_is_enough_for_another_pause(opened: Opened) -> None:
    opened.server.does(Status(500))
    for _ in range(FAILURES):
        opened.ask()
    opened.clock.now += PAUSE_S + 1
    for _ in range(3):
        opened.ask()
    assert len(opened.server.asked) == FAILURES + 1


def test_nobody_else_asks_while_the_trial_runs(opened: Opened, quoted: Answer) -> None:
    opened.server.does(*[Status(500)] * FAILURES, Says(TWO_LINES, pause_s=0.01))
    for _ in range(FAILURES):
        opened.ask()
    opened.clock.now += PAUSE_S + 1
    trial = opened.assistant.stream(QUESTION)
    assert next(trial).generation is None
    assert next(trial).generation is not None  # now the server has been asked
    assert_is_quotation(opened.ask(), quoted, "暂时停用")
    *_, last = trial
    assert last.answer == SHOWN
    assert len(opened.server.asked) == FAILURES + 1


def test_trial_that_the_reader_stopped_leaves_the_next_one_to_try(opened: Opened) -> None:
    opened.server.does(*[Status(500)] * FAILURES, Hangs(), Says(TWO_LINES))
    for _ in range(FAILURES):
        opened.ask()
    opened.clock.now += PAUSE_S + 1
    trial = opened.assistant.stream(QUESTION)
    next(trial), next(trial)
    trial.close()  # type: ignore[attr-defined]
    assert opened.ask().answer == SHOWN


@pytest.mark.parametrize(
    ("script", "pause_s"),
    [
        pytest.param(Status(429, {"Retry-After": "7"}), 7, id="seconds"),
        pytest.param(Status(429, {"Retry-After": "0"}), 1, id="at_once"),
        pytest.param(Status(429, {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}), 1, id="date_that_is_over"),
        pytest.param(Status(429, {"Retry-After": "99999999"}), LONGEST_S, id="for_years"),
        pytest.param(Status(429, {"Retry-After": "inf"}), LONGEST_S, id="for_ever"),
        pytest.param(Status(429, {"Retry-After": "soon"}), BUSY_S, id="no_time"),
        pytest.param(Status(429), BUSY_S, id="no_header"),
        pytest.param(Status(429, {"Retry-After": "nan"}), BUSY_S, id="no_number"),
        pytest.param(Status(401), REJECTED_S, id="key_rejected"),
        pytest.param(Status(404), REJECTED_S, id="no_such_model"),
        pytest.param(Status(503, {"Retry-After": "7"}), 7, id="unavailable"),
    ],
)
def test_pause_that_a_fault_asks_for_is_kept_from_the_first_one_on(
    opened: Opened, script: Script, pause_s: float
) -> None:
    opened.server.does(script, Says(TWO_LINES))
    opened.ask()
    opened.clock.now += pause_s - 0.1
    opened.ask()
    assert len(opened.server.asked) == 1
    opened.clock.now += 0.1
    assert opened.ask().answer == SHOWN
    assert len(opened.server.asked) == 2


def test_date_until_which_a_busy_server_wants_to_be_left_alone_is_kept(opened: Opened) -> None:
    opened.server.does(Status(429, {"Retry-After": formatdate(time.time() + 90, usegmt=True)}), Says(TWO_LINES))
    opened.ask()
    opened.clock.now += 60  # a date is told in whole seconds, and the real clock goes on
    opened.ask()
    assert len(opened.server.asked) == 1
    opened.clock.now += 30
    assert opened.ask().answer == SHOWN


# --- stopping -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(Hangs(), id="before_the_first_word"),
        pytest.param(Hangs(f"{FIRST}{JOBS}。\n"), id="after_a_line"),
        pytest.param(Endless("胡", 0.05), id="in_mid_line"),
    ],
)
@pytest.mark.parametrize("way", ["closed", "dropped"])
def test_stop_ends_the_work_of_the_server(opened: Opened, script: Script, way: str) -> None:
    opened.server.does(script)
    running = opened.assistant.stream(QUESTION)
    next(running), next(running)
    assert not opened.first_asked().was_left.is_set()
    if way == "closed":
        running.close()  # type: ignore[attr-defined]
    del running
    assert opened.first_asked().was_left.wait(2)


def test_stops_are_not_counted_as_faults(opened: Opened) -> None:
    opened.server.does(*[Hangs()] * FAILURES, Says(TWO_LINES))
    for _ in range(FAILURES):
        running = opened.assistant.stream(QUESTION)
        next(running), next(running)
        running.close()  # type: ignore[attr-defined]
    assert opened.ask().answer == SHOWN


def test_reader_hears_several_times_a_second_that_the_model_still_writes(opened: Opened) -> None:
    opened.server.does(Hangs())
    told = [time.perf_counter() for _ in opened.assistant.stream(QUESTION)]
    assert max(later - earlier for earlier, later in pairwise(told)) < 0.5


def test_server_is_let_go_when_the_time_is_over(opened: Opened) -> None:
    opened.server.does(Hangs())
    opened.ask()
    assert opened.first_asked().was_left.wait(2)


def test_no_connection_is_left_to_the_garbage_collector(
    generating: GeneratingAssistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("assistant.generation.assistant"), "disabled", True)  # records keep the fault
    with (
        warnings.catch_warnings(record=True) as told,
        ScriptedModel(Status(500), keeps_open=True) as server,
    ):
        warnings.simplefilter("always")
        answering(generating, server.base_url).ask(QUESTION)
        time.sleep(0.1)  # the event loop lets go of the request
        gc.collect()
    assert [str(warning.message) for warning in told if warning.category is ResourceWarning] == []


# --- several at once ----------------------------------------------------------------------------------------------


def test_questions_at_the_same_time_all_get_their_own_answer(opened: Opened) -> None:
    opened.server.does(
        Echo(lambda messages: "\n".join(f"[{h}]{w}。" for h, w in evidence(messages)[:2]), pause_s=0.005)
    )
    questions = [QUESTION, OTHER_QUESTION] * 4
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(opened.assistant.ask, questions))
    assert len(opened.server.asked) == 8
    for question, answer in zip(questions, answers, strict=True):
        assert answer.generation is not None
        assert (answer.question, answer.generation.outcome) == (question, Outcome.WRITTEN)
        assert words_of(answer) == [citation.quote for citation in answer.citations]
    assert answers[0].answer != answers[1].answer


def test_questions_at_the_same_time_all_end_whatever_the_server_does(opened: Opened, quoted: Answer) -> None:
    scripts: list[Script] = [
        Hangs(),
        Stops(TWO_LINES),
        Status(500),
        NotJson(),
        EndsWithoutFinish(""),
        Hangs("[qh]"),
        Endless(" ", 0.05),
    ]
    opened.server.does(*scripts, Says(TWO_LINES))
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: opened.ask(), range(8)))
    assert len(opened.server.asked) <= 8
    for answer in answers:
        if answer.answer != SHOWN:
            assert_is_quotation(answer, quoted)


# --- what a model writes ------------------------------------------------------------------------------------------


def asserted(opened: Opened, text: str) -> Answer:
    opened.server.does(Says(text))
    answer = opened.ask()
    assert answer.generation is not None
    return answer


@pytest.mark.parametrize("chunk", [1, 7, 1_000])
@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"<think>先看资料。\n确保城镇新增就业7000人。\n</think>\n{TWO_LINES}", id="first"),
        pytest.param(f"<think></think>{TWO_LINES}", id="empty"),
        pytest.param(f"{FIRST}{JOBS}。\n<think>新增博士10名。\n</think>{SECOND}{TALENT}。", id="between"),
        pytest.param(f"<think>一。</think>{FIRST}{JOBS}。<think>二。</think>\n{SECOND}{TALENT}。", id="twice"),
    ],
)
def test_thoughts_of_a_reasoning_model_are_never_shown(opened: Opened, text: str, chunk: int) -> None:
    opened.server.does(Says(text, chunk))
    states = opened.states()
    assert states[-1].answer == SHOWN
    shown = [words for state in states if state.answerer == "Scripted 1B" for words in words_of(state)]
    assert all(JOBS.startswith(words) or TALENT.startswith(words) for words in shown)


@pytest.mark.parametrize("chunk", [1, 7, 1_000])
def test_lines_before_a_thought_without_end_stand(opened: Opened, chunk: int) -> None:
    opened.server.does(Says(f"{TWO_LINES}<think>新增博士10名。", chunk))
    assert opened.ask().answer == SHOWN


def test_handles_that_were_not_given_are_removed_and_counted(opened: Opened, quoted: Answer) -> None:
    answer = asserted(opened, f"[zz]{JOBS}。\n{SECOND}[yy]{TALENT}。")
    assert answer.generation is not None
    assert (answer.answer, answer.citations) == (SHOWN, quoted.citations[:2])
    assert answer.generation.unknown_handles == 2


def test_wrong_handle_is_set_right_by_the_words(opened: Opened, quoted: Answer) -> None:
    answer = asserted(opened, f"{SECOND}{JOBS}。\n{FIRST}{TALENT}。")
    assert (answer.answer, answer.citations) == (SHOWN, quoted.citations[:2])


@pytest.mark.parametrize(
    "text", [f"〔qh〕{JOBS}。", f"【qh】{JOBS}。", f"（qh）{JOBS}。", f"{JOBS}[qh]。", f"[ qh ]{JOBS}。"]
)
def test_handle_is_known_in_all_brackets_and_places(opened: Opened, text: str) -> None:
    answer = asserted(opened, text)
    assert answer.generation is not None
    assert (answer.answer, answer.generation.unknown_handles) == (f"{JOBS}。[1]", 0)


def test_claim_of_silence_beside_good_lines_is_struck(opened: Opened) -> None:
    answer = asserted(opened, f"文件未提及具体措施。\n{TWO_LINES}")
    assert answer.generation is not None
    assert (answer.answer, answer.gate.removed) == (SHOWN, 1)
    assert (answer.generation.outcome, answer.generation.struck) == (Outcome.MENDED, 1)


@pytest.mark.parametrize(
    "altered",
    [
        pytest.param(JOBS.replace("7000", "9000"), id="figure"),
        pytest.param(JOBS.replace("7000人", "7000人以上"), id="bound_word"),
        pytest.param(JOBS.replace("7000人", "7000户"), id="unit"),
        pytest.param(JOBS.replace("确保", "不再确保"), id="negation"),
        pytest.param(JOBS.replace("城镇", "农村"), id="subject"),
        pytest.param(JOBS + "，同比增长12%", id="invented_clause"),
        pytest.param(JOBS.replace("确保城镇", "2025年确保城镇"), id="year"),
        pytest.param(JOBS.replace("确保", "已实现"), id="target_told_as_a_result"),
    ],
)
def test_altered_sentence_is_struck_and_the_original_stands_in_its_place(opened: Opened, altered: str) -> None:
    answer = asserted(opened, f"{FIRST}{altered}。\n{SECOND}{TALENT}。")
    assert answer.generation is not None
    assert answer.answer == SHOWN
    assert (answer.generation.outcome, answer.generation.bound, answer.generation.struck) == (Outcome.MENDED, 1, 1)
    assert answer.gate.removed == 1


def test_altered_sentence_without_a_handle_is_left_out(opened: Opened) -> None:
    answer = asserted(opened, f"{FIRST}{JOBS}。\n{TALENT.replace('3600', '9600')}。")
    assert answer.answer == f"{JOBS}。[1]"
    assert answer.gate.removed == 1


def test_best_evidence_is_quoted_first_where_the_model_passed_over_it(opened: Opened) -> None:
    assert asserted(opened, f"{SECOND}{TALENT}。").answer == SHOWN


def test_original_does_not_stand_beside_the_words_that_tell_the_same(opened: Opened) -> None:
    answer = asserted(opened, f"{FIRST}{JOBS}。\n{FIRST}{JOBS.replace('7000', '9000')}。")
    assert answer.answer == f"{JOBS}。[1]"


def test_answer_of_altered_sentences_only_ends_in_the_quotation(opened: Opened, quoted: Answer) -> None:
    opened.server.does(Says(TWO_LINES.replace("7000", "9000").replace("10名", "11名")))
    assert_is_quotation(opened.ask(), quoted, NOTHING_BOUND)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"- {FIRST}{JOBS}。\n- {SECOND}{TALENT}。", id="bullets"),
        pytest.param(f"1. {FIRST}{JOBS}。\n2. {SECOND}{TALENT}。", id="numbers"),
        pytest.param(f"（一）{FIRST}{JOBS}。\n（二）{SECOND}{TALENT}。", id="chinese_numbers"),
        pytest.param(f"{FIRST}**{JOBS}**。\n{SECOND}`{TALENT}`。", id="bold_and_code"),
        pytest.param(f"### {FIRST}{JOBS}\n{SECOND}{TALENT}。", id="heading"),
        pytest.param(f"{FIRST}{JOBS}[1]。\n{SECOND}{TALENT}[12][]。", id="citation_marks"),
        pytest.param(f"{FIRST}{JOBS}。【1】\n{SECOND}{TALENT}。【3】", id="full_width_citation_marks"),
        pytest.param(f"| {FIRST}{JOBS} |\n|---|\n| {SECOND}{TALENT} |", id="table"),
        pytest.param(f"{FIRST}<b>{JOBS}</b>。<br>\n{SECOND}{TALENT}。", id="html"),
    ],
)
def test_marks_around_the_words_are_taken_off(opened: Opened, text: str) -> None:
    answer = asserted(opened, text)
    assert answer.generation is not None
    assert (answer.answer, answer.generation.outcome) == (SHOWN, Outcome.WRITTEN)


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("<script>alert(1)</script>", id="script"),
        pytest.param(f"<b>{JOBS}</b>。", id="tag"),
        pytest.param(f"<scr<b>ipt>{JOBS}</script>。", id="tag_in_a_tag"),
        pytest.param("[城镇新增就业](http://evil.example)7000人。", id="link"),
        pytest.param("![就业](http://evil.example/x.png)", id="picture"),
    ],
)
def test_code_and_links_are_never_shown(opened: Opened, line: str) -> None:
    opened.server.does(Says(f"{FIRST}{line}\n{SECOND}{TALENT}。"))
    for state in opened.states():
        assert "<" not in state.answer and "http" not in state.answer


def test_gate_report_counts_figures_and_no_citation_marks(opened: Opened) -> None:
    assert (opened.ask().gate.figures, opened.ask().gate.bound) == (3, 3)


# --- follow-ups that the rules cannot place -----------------------------------------------------------------------


def test_follow_up_is_put_into_a_whole_question_by_the_model(opened: Opened) -> None:
    opened.server.does(Says("2023年新增就业是多少？"))
    states = opened.states("新增就业那个呢", ["2023年水肥一体化是多少？"])
    answer = states[-1]
    assert "城镇新增就业8074人" in answer.answer
    assert (answer.question, answer.standalone_question) == ("新增就业那个呢", "2023年新增就业是多少？")
    assert answer.generation is not None and answer.generation.rewritten


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(Says("2024年北京市地区生产总值增长目标是多少？"), id="brings_in_something_new"),
        pytest.param(Says("2025年地区生产总值增长的深层原因是什么？"), id="brings_in_another_year"),
        pytest.param(Says(""), id="says_nothing"),
        pytest.param(Status(500), id="fails"),
        pytest.param(Hangs(), id="hangs"),
        pytest.param(Stops("2024年"), id="is_cut"),
        pytest.param(NotJson(), id="not_json"),
    ],
)
def test_follow_up_that_the_model_does_not_help_with_stays_unanswered(
    opened: Opened, quoting: PlanAssistant, script: Script
) -> None:
    opened.server.does(script)
    answer = opened.ask(LATE_QUESTION, TURNS)
    assert replace(answer, timings_ms={}) == replace(quoting.ask(LATE_QUESTION, TURNS), timings_ms={})
    assert len(opened.server.asked) == 1


def test_model_that_is_not_good_enough_for_follow_ups_is_not_asked_to_put_them(opened: Opened) -> None:
    provider = Fixed(Endpoint(opened.server.base_url, "scripted", "Scripted 1B", KEY), rewrites=False)
    opened.assistant.writer = Writer(provider, timeout_s=TIMEOUT_S, max_tokens=320)
    opened.ask(LATE_QUESTION, TURNS)
    assert opened.server.asked == []


def test_reader_can_stop_while_a_follow_up_is_put_into_a_question(opened: Opened) -> None:
    opened.server.does(Hangs())
    told = [time.perf_counter() for _ in opened.assistant.stream(LATE_QUESTION, TURNS)]
    ended = time.perf_counter()
    assert max(later - earlier for earlier, later in zip(told, [*told[1:], ended], strict=True)) < 0.5


# --- warming up and looking whether a server is there -------------------------------------------------------------


def warmed_up(assistant: GeneratingAssistant) -> None:
    assistant.prepare()
    for thread in threading.enumerate():
        if thread.name == "model-warm-up":
            thread.join(TIMEOUT_S + 1)
            assert not thread.is_alive()


def test_warming_up_sends_what_stands_first_in_every_prompt(opened: Opened) -> None:
    warmed_up(opened.assistant)
    opened.ask()
    warming, asking = opened.server.asked
    assert warming.messages[:-1] == asking.messages[:-1]


@pytest.mark.parametrize("script", [Status(500), Hangs(), NotJson()], ids=repr)
def test_warming_up_leaves_a_fault_to_the_first_question(opened: Opened, script: Script) -> None:
    opened.server.does(script, Says(TWO_LINES))
    warmed_up(opened.assistant)
    assert opened.ask().answer == SHOWN


def test_server_that_is_there_is_reached() -> None:
    with ScriptedModel(Says(""), key=KEY) as server:
        Endpoint(server.base_url, "scripted", "Scripted 1B", KEY).reach()
    assert server.asked == []


@pytest.mark.parametrize(
    ("base_url", "key", "note"),
    [
        pytest.param(lambda server, port: server, "another key", "模型服务不接受密钥", id="key_rejected"),
        pytest.param(lambda server, port: f"http://127.0.0.1:{port}/v1", KEY, "连不上模型服务", id="refused"),
        pytest.param(lambda server, port: f"{server}/elsewhere", KEY, "", id="another_path"),
    ],
)
def test_server_that_cannot_be_reached_is_a_fault_with_a_note(
    closed_port: int, base_url: Callable[[str, int], str], key: str, note: str
) -> None:
    with ScriptedModel(Says(""), key=KEY) as server, pytest.raises(ModelFault) as caught:
        Endpoint(base_url(server.base_url, closed_port), "scripted", "Scripted 1B", key).reach()
    assert note in caught.value.note and key not in caught.value.note

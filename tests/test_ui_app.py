"""The page without a browser: what a question leads to, what is logged, what is served."""

from __future__ import annotations

import logging
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import httpx
import pytest
from gradio_client import Client
from ui_fakes import PLAN, FakeAssistant, running

from assistant.draft import MAX_DRAFT_BYTES
from corpus.errors import RequestError
from ui.conversation import FAILED, STOPPED, Conversation, PageSettings
from ui.examples import load_examples
from ui.loading import Loader, LoadState
from ui.server import content_security_policy, listen, serve
from ui.shell import localised_shell
from ui.types import Assistant, Session

# Gradio 6.31 calls pandas 3 in an outdated way after every queued call.
pytestmark = pytest.mark.filterwarnings("ignore:The copy keyword is deprecated")
ROOT = Path(__file__).resolve().parents[1]


def conversation(assistant: FakeAssistant | None = None, **changes: object) -> Conversation:
    settings = PageSettings(**changes)  # type: ignore[arg-type]
    return Conversation(Loader(assistant or FakeAssistant()), settings)


def ask(talk: Conversation, question: str, session: Session = Session()) -> Session:  # noqa: B008
    session, hint = talk.accept(question, session)
    assert not hint
    return list(talk.respond(session))[-1][0]


# --- the conversation --------------------------------------------------------------------------------------------


def test_fake_is_an_assistant() -> None:
    assert isinstance(FakeAssistant(), Assistant)


def test_answer_appears_piece_by_piece_and_quickly() -> None:
    talk = conversation()
    session, _ = talk.accept("列出2024年全部主要目标", Session())
    began = time.perf_counter()
    stages = [writing for state, writing in talk.respond(session) if state.pending]
    assert time.perf_counter() - began < 1.5
    written = [stage for stage in stages if "正在查阅" not in stage]
    assert len(written) > 5
    assert all(len(a) <= len(b) for a, b in pairwise(written))


def test_finished_answer_stands_in_the_conversation_with_its_source() -> None:
    talk = conversation()
    session = ask(talk, "新增停车位多少个？")
    user, bot = talk.messages(session)
    assert user == {"role": "user", "content": "新增停车位多少个？"}
    assert "新增停车位1000个" in bot["content"]
    assert "出处：第三部分" in bot["content"]
    sources, citation = talk.sources(session)
    assert "<mark>新增停车位1000个</mark>" in sources
    assert citation.endswith("“新增停车位1000个”")
    assert (
        talk.sources(session, address="https://plan.example/")[1].splitlines()[1].startswith("https://plan.example/?p=")
    )


def test_earlier_questions_are_handed_on_oldest_first() -> None:
    assistant = FakeAssistant()
    talk = conversation(assistant, max_turns=2)
    session = Session()
    for question in ("城镇新增就业多少人？", "停车位呢？", "公园呢？", "那去年呢？"):
        session = ask(talk, question, session)
    assert assistant.seen[0][1] == ()
    assert assistant.seen[1][1] == ("城镇新增就业多少人？",)
    assert assistant.seen[3][1] == ("停车位呢？", "公园呢？")


@pytest.mark.parametrize("question", ["", "   \n", None])
def test_empty_question_is_not_asked(question: str | None) -> None:
    session, hint = conversation().accept(question, Session())
    assert session.pending == ""
    assert hint == "请先输入问题。"


def test_too_long_question_is_refused_with_both_numbers() -> None:
    session, hint = conversation(max_question_chars=10).accept("问" * 11, Session())
    assert session.pending == ""
    assert "11" in hint
    assert "10" in hint


def test_second_question_waits_until_the_first_is_answered() -> None:
    talk = conversation()
    session, _ = talk.accept("一", Session())
    again, hint = talk.accept("二", session)
    assert again.pending == "一"
    assert "停止" in hint


def test_exception_becomes_a_plain_sentence_and_details_stay_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    talk = conversation()
    with caplog.at_level(logging.ERROR):
        session = ask(talk, "请崩溃")
    shown = talk.messages(session)[-1]["content"]
    assert FAILED in shown
    assert "秘密" not in shown
    assert "秘密的细节" in caplog.text
    assert talk.sources(session)[1] == ""
    assert session.asked(10) == ()


def test_error_about_the_question_is_shown() -> None:
    class Strict(FakeAssistant):
        def ask(self, question: str, turns: object = ()) -> None:  # type: ignore[override]
            raise RequestError("问题含有 <无法处理> 的字符。")

    talk = conversation(Strict())
    assert "&#60;无法处理&#62;" in talk.messages(ask(talk, "问"))[-1]["content"]


def test_stopped_question_is_closed_with_a_sentence() -> None:
    talk = conversation()
    session, _ = talk.accept("问", Session())
    session = talk.end(session, STOPPED)
    assert session.pending == ""
    assert STOPPED in talk.messages(session)[-1]["content"]
    assert talk.end(session, STOPPED) == session


def test_nothing_is_written_about_a_question_that_was_ended() -> None:
    talk = conversation(FakeAssistant(pause_s=0.3))
    session, _ = talk.accept("新增停车位多少个？", Session())
    steps = talk.respond(session)
    next(steps)
    talk.end(session, STOPPED)
    assert list(steps) == []


def test_question_text_is_not_logged_at_info(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        ask(conversation(), "新增停车位多少个？")
    assert "answered in" in caplog.text
    assert "停车位" not in caplog.text


def test_sources_of_an_earlier_turn_can_be_shown_again() -> None:
    talk = conversation()
    session = ask(talk, "公园新增几个？", ask(talk, "新增停车位多少个？"))
    assert "<mark>新增停车位1000个</mark>" in talk.sources(session, 0)[0]


# --- loading -----------------------------------------------------------------------------------------------------


def test_question_waits_for_the_index_and_is_then_answered() -> None:
    may_load = threading.Event()

    def factory() -> FakeAssistant:
        may_load.wait(10)
        return FakeAssistant()

    loader = Loader(factory).start()
    talk = Conversation(loader, PageSettings())
    assert "正在准备索引" in talk.status()
    session, _ = talk.accept("新增停车位多少个？", Session())
    states = talk.respond(session)
    assert "正在准备索引" in next(states)[1]
    may_load.set()
    assert "1000个" in talk.messages(list(states)[-1][0])[-1]["content"]
    assert "就绪" in talk.status()


def test_failed_loading_is_said_without_details(caplog: pytest.LogCaptureFixture) -> None:
    def factory() -> FakeAssistant:
        raise OSError("/a/secret/path")

    loader = Loader(factory).start()
    assert loader.wait(10) is LoadState.FAILED
    talk = Conversation(loader, PageSettings())
    shown = talk.messages(ask(talk, "问"))[-1]["content"]
    assert "服务暂时不可用" in shown
    assert "secret" not in shown + talk.status()
    assert "secret" in caplog.text


def test_waiting_for_the_index_ends() -> None:
    release = threading.Event()
    loader = Loader(lambda: release.wait(10) and FakeAssistant()).start()  # type: ignore[arg-type, return-value]
    talk = Conversation(loader, PageSettings(load_timeout_s=0.2))
    assert "仍在准备" in talk.messages(ask(talk, "问"))[-1]["content"]
    release.set()


def test_factory_runs_once() -> None:
    calls = []
    loader = Loader(lambda: calls.append(1) or FakeAssistant())  # type: ignore[func-returns-value]
    loader.start().start()
    loader.wait(10)
    assert calls == [1]


# --- examples ----------------------------------------------------------------------------------------------------


def test_examples_serve_three_groups_and_hold_no_figure_of_the_plan() -> None:
    groups = load_examples()
    assert len(groups) == 3
    plan = PLAN.read_text(encoding="utf-8")
    figures = set(re.findall(r"\d+(?:\.\d+)?", plan)) - {"2023", "2024"}
    for group in groups:
        assert group.questions
        for question in group.questions:
            assert not figures & set(re.findall(r"\d+(?:\.\d+)?", question))


# --- served ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with running(FakeAssistant) as address:
        yield address


def test_health_check_says_whether_the_assistant_is_ready() -> None:
    release = threading.Event()

    def factory() -> FakeAssistant:
        release.wait(20)
        return FakeAssistant()

    with running(factory) as address:
        assert httpx.get(f"{address}/healthz").json() == {"ready": False}
        assert httpx.get(address).status_code == 200
        release.set()
        deadline = time.monotonic() + 5
        while not httpx.get(f"{address}/healthz").json()["ready"] and time.monotonic() < deadline:
            time.sleep(0.05)
        assert httpx.get(f"{address}/healthz").json() == {"ready": True}


def test_start_page_is_ours(address: str) -> None:
    page = httpx.get(f"{address}/").text
    assert 'lang="zh-CN"' in page
    assert 'lang="en"' not in page
    assert "<title>莱芜区2024年国民经济和社会发展计划问答</title>" in page
    assert "manifest.json" not in page
    assert "githubusercontent" not in page
    assert 'property="og:' not in page
    assert not re.search(r"(?:src|href)=\"https?://", page)


def test_every_response_has_the_security_headers(address: str) -> None:
    for path in ("/", "/healthz", "/config", "/favicon.ico", "/missing"):
        headers = httpx.get(address + path).headers
        assert headers["content-security-policy"] == content_security_policy()
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"


def test_policy_allows_no_other_host_unless_told() -> None:
    assert "http" not in content_security_policy()
    assert "unsafe-eval" not in content_security_policy()
    policy = content_security_policy(["https://www.laiwu.gov.cn"])
    assert policy.endswith("frame-ancestors 'self' https://www.laiwu.gov.cn")


def test_other_origins_get_no_permission(address: str) -> None:
    foreign = {"origin": "https://evil.example", "host": "plan.example"}
    for path in ("/config", "/gradio_api/info", "/healthz"):
        assert "access-control-allow-origin" not in httpx.get(address + path, headers=foreign).headers


def test_large_files_cannot_be_uploaded(address: str) -> None:
    response = httpx.post(f"{address}/gradio_api/upload", files={"files": ("a.txt", b"x" * (MAX_DRAFT_BYTES + 1))})
    assert response.status_code == 413


def test_page_keeps_no_history_and_links_nowhere(address: str) -> None:
    config = httpx.get(f"{address}/config").json()
    assert config["footer_links"] == []
    assert not config.get("run_history")


def test_only_the_question_endpoint_is_public(address: str) -> None:
    info = httpx.get(f"{address}/gradio_api/info").json()
    assert list(info["named_endpoints"]) == ["/ask"]


def test_programs_get_the_published_json(address: str) -> None:
    client = Client(address, verbose=False)
    answer = client.predict("新增停车位多少个？", [], api_name="/ask")
    assert answer["status"] == "answered"
    assert answer["citations"][0]["quote"] == "新增停车位1000个"
    with pytest.raises(Exception, match="请先输入问题"):
        client.predict(" ", [], api_name="/ask")


def test_shell_without_the_expected_tags_is_left_whole() -> None:
    assert "<p>x</p>" in localised_shell("<p>x</p>", title="t", description="d")


def test_title_cannot_break_out_of_the_shell() -> None:
    shell = localised_shell('<meta charset="utf-8" />', title="</title><script>x", description='"><script>')
    assert "</title><script>x" not in shell
    assert '"><script>"' not in shell


def test_taken_port_is_one_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(RequestError, match=f"端口 {port} 已被占用"):
            serve(FakeAssistant, "127.0.0.1", port)


@pytest.mark.parametrize(("host", "port"), [("203.0.113.9", 0), ("127.0.0.1", 70000)])
def test_unusable_address_is_one_sentence(host: str, port: int) -> None:
    with pytest.raises(RequestError, match="--host"):
        listen(host, port)


def test_server_starts_within_ten_seconds_and_ends_cleanly_at_ctrl_c() -> None:
    code = (
        "import sys; sys.path[:0] = sys.argv[1:]\n"
        "from ui.server import serve; from ui_fakes import FakeAssistant\n"
        "serve(FakeAssistant, '127.0.0.1', 0, on_listening=lambda address: print(address, flush=True))\n"
        "print('ended', flush=True)\n"
    )
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(ROOT), str(ROOT / "tests")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    address = process.stdout.readline().strip()
    with httpx.stream("GET", f"{address}/gradio_api/heartbeat/x"):
        assert httpx.get(f"{address}/healthz").status_code == 200
        assert httpx.get(address).status_code == 200
        took = time.monotonic() - began
        process.send_signal(signal.SIGINT)
        time.sleep(0.2)
    output, errors = process.communicate(timeout=15)
    assert took < 10
    assert output.strip() == "ended"
    assert process.returncode == 0
    assert "Traceback" not in errors

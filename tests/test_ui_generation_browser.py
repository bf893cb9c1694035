"""A language model behind the page, in a real browser: its words, its label, and what stands when it fails midway."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from scripted_model import Hangs, Says, ScriptedModel, Stops
from ui_fakes import running
from ui_visit import Visit, chromium, require_browser, visiting

from assistant.generation.assistant import GeneratingAssistant
from assistant.generation.endpoint import Endpoint
from assistant.generation.writer import Fixed, Writer
from assistant.settings import Settings
from corpus.types import Document
from index.bigrams import bigram_embedder
from index.build import ensure_index

pytestmark = [
    pytest.mark.browser,
    # Gradio 6.31 calls pandas 3 in an outdated way after every queued call.
    pytest.mark.filterwarnings("ignore:The copy keyword is deprecated"),
]

require_browser()

from playwright.sync_api import Browser, expect  # noqa: E402

QUESTION = "2024年在稳就业方面打算怎么做？"
JOBS = "深化全方位公共就业服务，确保城镇新增就业7000人"
TALENT = "实施青年人才集聚计划，新增博士10名，本专科大学生3600名"
TWO_LINES = f"[qh]{JOBS}。\n[qb]{TALENT}。\n"


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedModel]:
    with ScriptedModel(Says(TWO_LINES)) as server:
        yield server


@pytest.fixture(scope="module")
def assistant(
    plan: Document, server: ScriptedModel, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GeneratingAssistant]:
    index = ensure_index([plan], tmp_path_factory.mktemp("plan"), bigram_embedder()).index
    writer = Writer(Fixed(Endpoint(server.base_url, "scripted", "Scripted 1B")), timeout_s=5, max_tokens=320)
    yield GeneratingAssistant(index, Settings(_env_file=None), writer)  # type: ignore[call-arg]
    index.close()


@pytest.fixture(scope="module")
def address(assistant: GeneratingAssistant) -> Iterator[str]:
    with running(assistant) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def visit(browser: Browser, address: str, tmp_path: Path) -> Iterator[Visit]:
    with visiting(browser, address, tmp_path) as visit:
        visit.open()
        yield visit


def test_status_says_what_words_the_answers(visit: Visit) -> None:
    expect(visit.page.locator("#status")).to_contain_text("由 AI（Scripted 1B）组织语言")


def test_generated_answer_is_labelled_on_the_page_and_in_what_is_copied(visit: Visit, server: ScriptedModel) -> None:
    server.does(Says(TWO_LINES))
    visit.ask(QUESTION)
    answer = visit.page.locator("#chat [data-testid=bot]").last
    expect(answer).to_contain_text("AI 生成（Scripted 1B）")
    expect(answer).to_contain_text(JOBS)
    visit.page.locator("#chat").get_by_role("button", name="复制回答与出处").last.click()
    assert "AI 生成" in visit.page.evaluate("navigator.clipboard.readText()")


def test_quotation_stands_while_the_model_writes_and_stopping_ends_it(visit: Visit, server: ScriptedModel) -> None:
    server.does(Hangs())
    visit.box.fill(QUESTION)
    visit.box.press("Enter")
    answer = visit.page.locator("#chat [data-testid=bot]").last
    expect(answer).to_contain_text("AI 正在据此组织语言")
    expect(answer).to_contain_text("新增博士10名")
    visit.page.get_by_role("button", name="停止").click()
    expect(answer).to_contain_text("已停止回答")
    assert server.asked[-1].was_left.wait(3)


def test_server_lost_in_the_middle_of_an_answer_leaves_the_quotation(visit: Visit, server: ScriptedModel) -> None:
    server.does(Stops(f"[qh]{JOBS}。\n[qb]实施青年人才"))
    visit.ask(QUESTION)
    answer = visit.page.locator("#chat [data-testid=bot]").last
    expect(answer).to_contain_text("模型的回答中途断了，以下为原文摘录")
    expect(answer).to_contain_text("本专科大学生3600名")
    expect(answer).not_to_contain_text("AI 生成")


def test_fact_is_quoted_without_asking_the_model(visit: Visit, server: ScriptedModel) -> None:
    asked = len(server.asked)
    visit.ask("新增停车位多少个？")
    answer = visit.page.locator("#chat [data-testid=bot]").last
    expect(answer).to_contain_text("新增停车位1000个")
    expect(answer).not_to_contain_text("AI 生成")
    assert len(server.asked) == asked

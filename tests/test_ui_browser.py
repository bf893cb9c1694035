"""The page in a real browser: Debian's Chromium, driven by Playwright, against the real server."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ui_fakes import FakeAssistant, FakeDesk, running
from ui_visit import Visit, chromium, contrast, require_browser, visiting

from ui.conversation import PageSettings

pytestmark = [
    pytest.mark.browser,
    # Gradio 6.31 calls pandas 3 in an outdated way after every queued call.
    pytest.mark.filterwarnings("ignore:The copy keyword is deprecated"),
]

QUESTION = "新增停车位多少个？"


require_browser()

from playwright.sync_api import Browser, expect  # noqa: E402


@pytest.fixture(scope="module")
def assistant() -> FakeAssistant:
    return FakeDesk()


@pytest.fixture(scope="module")
def address(assistant: FakeAssistant) -> Iterator[str]:
    with running(assistant) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def visit(browser: Browser, address: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Visit]:
    """A page of its own; ``@pytest.mark.parametrize("visit", [(390, 844)], indirect=True)`` sets its size."""
    with visiting(browser, address, tmp_path, getattr(request, "param", (1280, 800))) as visit:
        visit.open()
        yield visit


PHONE = pytest.mark.parametrize("visit", [(390, 844)], indirect=True)


def test_page_loads_in_chinese(visit: Visit) -> None:
    page = visit.page
    assert page.evaluate("document.documentElement.lang") == "zh-CN"
    assert page.title() == "莱芜区2024年国民经济和社会发展计划问答"
    expect(page.get_by_role("heading", level=1)).to_have_text("莱芜区2024年国民经济和社会发展计划问答")
    shown = page.locator("body").inner_text()
    assert not re.findall(r"[A-Za-z]{3,}", shown)
    visit.shot("empty")


def test_every_control_has_a_name_and_the_status_is_announced(visit: Visit) -> None:
    visit.ask(QUESTION)
    page = visit.page
    page.wait_for_timeout(300)
    nameless = page.evaluate(
        """() => [...document.querySelectorAll('button, textarea, input, [role=link]')]
            .filter(e => e.getClientRects().length)
            .filter(e => !(e.getAttribute('aria-label') || e.innerText || e.labels?.[0]?.innerText || '').trim())
            .map(e => e.outerHTML.slice(0, 200))"""
    )
    assert nameless == []
    names = page.evaluate(
        "() => [...document.querySelectorAll('[aria-label], [title]')].filter(e => e.getClientRects().length)"
        ".flatMap(e => [e.getAttribute('aria-label') ?? '', e.title ?? ''])"
    )
    assert [name for name in names if re.search(r"[A-Za-z]{3,}", name)] == []
    expect(page.get_by_role("status").first).to_contain_text("就绪")


def test_focus_is_visible(visit: Visit) -> None:
    visit.page.keyboard.press("Tab")
    for _ in range(4):
        outline = visit.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid"
        visit.page.keyboard.press("Tab")


def test_answer_is_written_out_with_its_source(visit: Visit) -> None:
    page = visit.page
    page.evaluate(
        """() => { window.stages = new Set();
            new MutationObserver(() => document.querySelectorAll('#chat [data-testid=bot]')
                .forEach(e => window.stages.add(e.innerText.length)))
            .observe(document.body, { subtree: true, childList: true, characterData: true }); }"""
    )
    began = time.monotonic()
    visit.ask("列出2024年全部主要目标")
    assert time.monotonic() - began < 5
    assert page.evaluate("window.stages.size") >= 3
    answer = page.locator("#chat [data-testid=bot]").last
    expect(answer).to_contain_text("回答")
    expect(answer).to_contain_text("一般公共预算收入增长6.6%")
    expect(answer.locator("sup.cite")).to_have_count(4)
    expect(answer).to_contain_text("出处：第二部分（二）主要目标 · 第1段")
    visit.shot("answer")


def test_source_panel_highlights_the_quoted_words(visit: Visit) -> None:
    visit.ask(QUESTION)
    page = visit.page
    expect(page.locator("#sources mark").first).to_have_text("新增停车位1000个")
    expect(page.locator("#sources")).to_contain_text("（三）聚力城乡协调并进，统筹城乡融合发展")
    page.locator("#sources summary").click()
    expect(page.locator("#sources details blockquote")).to_contain_text("集中突破城区建设")
    card = f"《莱芜区2024年国民经济和社会发展计划》第三部分（三）第1段：“新增停车位1000个”\n{visit.address}/?p=3.3.1&s="
    expect(page.get_by_label("引用卡片（可复制）")).to_have_value(re.compile(re.escape(card)))


def test_panel_stands_beside_the_chat(visit: Visit) -> None:
    visit.ask(QUESTION)
    chat, panel = visit.page.locator("#chat").bounding_box(), visit.page.locator("#source-panel").bounding_box()
    assert chat is not None
    assert panel is not None
    assert panel["x"] >= chat["x"] + chat["width"]


def test_follow_up_keeps_the_conversation(visit: Visit, assistant: FakeAssistant) -> None:
    visit.ask(QUESTION)
    visit.ask("那公园呢？")
    assert assistant.seen[-1] == ("那公园呢？", (QUESTION,))
    expect(visit.page.locator("#chat [data-testid=user]")).to_have_count(2)
    expect(visit.page.locator("#chat [data-testid=bot]").last).to_contain_text("理解为")


def test_selecting_an_earlier_answer_shows_its_sources(visit: Visit) -> None:
    visit.ask(QUESTION)
    visit.ask("列出2024年全部主要目标")
    expect(visit.page.locator("#sources mark").first).to_have_text("全区地区生产总值增长6%")
    visit.page.locator("#chat [data-testid=bot]").first.locator("sup.cite").click()
    expect(visit.page.locator("#sources mark").first).to_have_text("新增停车位1000个")


def test_clear_empties_the_page_and_forgets_the_questions(visit: Visit, assistant: FakeAssistant) -> None:
    visit.ask(QUESTION)
    visit.page.get_by_role("button", name="清空对话").last.click()
    expect(visit.page.locator("#chat [data-testid=bot]")).to_have_count(0)
    expect(visit.page.locator("#source-panel")).to_be_hidden()
    visit.ask("城镇新增就业多少人？")
    assert assistant.seen[-1] == ("城镇新增就业多少人？", ())


def test_example_is_asked_when_clicked(visit: Visit, assistant: FakeAssistant) -> None:
    visit.page.get_by_role("button", name="停车位要多修几个？").click()
    expect(visit.page.locator("#chat [data-testid=bot]")).to_have_count(1)
    expect(visit.page.locator("#question .submit-button")).to_be_visible()
    assert assistant.seen[-1][0] == "停车位要多修几个？"


def test_nothing_found_offers_the_nearest_passages(visit: Visit) -> None:
    visit.ask("火星基地何时竣工？")
    answer = visit.page.locator("#chat [data-testid=bot]").last
    expect(answer).to_contain_text("文件未提及")
    expect(answer.locator("li")).to_have_count(3)
    visit.shot("not-found")


def test_wording_check_shows_the_difference(visit: Visit) -> None:
    visit.ask("核对：一般公共预算收入增长6.5%")
    answer = visit.page.locator("#chat [data-testid=bot]").last
    expect(answer).to_contain_text("与原文不一致")
    expect(answer.locator("ins")).to_have_text("6.6%")
    expect(answer.locator("del")).to_have_text("6.5%")


def test_copied_message_is_plain_and_includes_the_source_line(visit: Visit) -> None:
    visit.ask(QUESTION)
    visit.page.get_by_role("button", name="复制回答与出处").last.click()
    visit.page.wait_for_timeout(300)
    copied = visit.page.evaluate("navigator.clipboard.readText()")
    assert copied == ("回答\n\n新增停车位1000个。[1]\n\n出处：第三部分（三）聚力城乡协调并进，统筹城乡融合发展 · 第1段")


def test_rating_is_logged_without_the_text(visit: Visit, caplog: pytest.LogCaptureFixture) -> None:
    visit.ask(QUESTION)
    with caplog.at_level("INFO", logger="ui.chat_tab"):
        visit.page.get_by_role("button", name="有帮助", exact=True).click()
        deadline = time.monotonic() + 5
        while "rated useful" not in caplog.text and time.monotonic() < deadline:
            visit.page.wait_for_timeout(50)
    assert "message 1 rated useful" in caplog.text
    assert "停车位" not in caplog.text


def test_error_is_a_plain_sentence(visit: Visit) -> None:
    visit.ask("请崩溃")
    expect(visit.page.locator("#chat [data-testid=bot]").last).to_contain_text("抱歉，这个问题暂时无法处理")
    assert "秘密" not in visit.page.content()
    visit.ask(QUESTION)
    expect(visit.page.locator("#chat [data-testid=bot]").last).to_contain_text("1000个")


def test_too_long_question_stays_in_the_box(visit: Visit) -> None:
    visit.ask(QUESTION)
    visit.box.fill("问" * 1501)
    visit.box.press("Enter")
    expect(visit.page.locator("#status")).to_contain_text("超过上限 1500 个字")
    # What follows an accepted question must not follow a refused one and empty the page.
    visit.page.wait_for_timeout(700)
    expect(visit.box).to_have_value("问" * 1501)
    expect(visit.page.locator("#chat [data-testid=bot]")).to_have_count(1)
    visit.ask(QUESTION)
    expect(visit.page.locator("#chat [data-testid=bot]")).to_have_count(2)


@pytest.mark.parametrize(
    "payload",
    [
        "<img src=x onerror=alert(1)>停车位",
        "<script>alert(1)</script>停车位",
        "<img src=https://evil.example/x.png>停车位",
        "![图](https://evil.example/x.png)停车位",
        "[停车位](javascript:alert(1))",
        "<svg/onload=alert(1)>停车位",
        "<iframe srcdoc='<script>parent.alert(1)</script>'></iframe>停车位",
        "<form action=https://evil.example><button>停车位</button></form>",
        "https://evil.example/停车位 www.evil.example",
        "<div style='position:fixed;inset:0'>停车位</div>",
    ],
)
def test_hostile_question_is_shown_as_text(visit: Visit, payload: str) -> None:
    # As a question, and back in the answer of an assistant that repeats it ("文件没有提到“…”").
    for question in (payload, f"火星{payload.replace('停车位', '')}"):
        visit.ask(question)
    visit.page.wait_for_timeout(200)
    assert visit.page.locator("#chat [data-testid=user]").first.inner_text().strip() == payload
    active = "img, svg, iframe, script, form, a, [style*=fixed], [onerror], [onload]"
    for place in ("#chat .message-content", "#sources"):
        assert visit.page.locator(place).locator(active).count() == 0


def test_dark_page_is_legible(browser: Browser, address: str, tmp_path: Path) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 800}, color_scheme="dark")
    visit = Visit(context.new_page(), address, tmp_path)
    visit.open()
    visit.ask(QUESTION)
    for selector in (
        "#chat [data-testid=bot] p >> nth=1",
        "#chat .source-line >> nth=0",
        "#sources mark >> nth=0",
        "#sources blockquote >> nth=0",
        "#status .state",
        "#page-footer p",
    ):
        assert contrast(visit.page, selector) >= 4.5, selector
    visit.shot("dark")
    context.close()


def test_light_page_is_legible(visit: Visit) -> None:
    visit.ask(QUESTION)
    for selector in ("#chat .source-line >> nth=0", "#chat .badge >> nth=0", "#status .state", "#page-footer p"):
        assert contrast(visit.page, selector) >= 4.5, selector


@PHONE
def test_phone_has_no_horizontal_scroll_and_the_panel_below(visit: Visit) -> None:
    page = visit.page
    visit.shot("phone-empty")
    for question in (QUESTION, "列出2024年全部主要目标", "火星" + "x" * 200):
        visit.ask(question)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
    chat, panel = page.locator("#question").bounding_box(), page.locator("#source-panel").bounding_box()
    assert chat is not None
    assert panel is not None
    assert panel["y"] >= chat["y"] + chat["height"]
    assert panel["width"] > 320
    visit.shot("phone-answer")


def test_stop_ends_the_answer_and_the_next_question_is_taken(browser: Browser, tmp_path: Path) -> None:
    with running(FakeAssistant(pause_s=2)) as address:
        context = browser.new_context()
        visit = Visit(context.new_page(), address, tmp_path)
        visit.open()
        for stopped in range(1, 4):
            visit.box.fill(QUESTION)
            visit.box.press("Enter")
            visit.page.get_by_role("button", name="停止").click()
            expect(visit.page.get_by_text("已停止回答")).to_have_count(stopped)
        visit.ask("城镇新增就业多少人？")
        expect(visit.page.locator("#chat [data-testid=bot]").last).to_contain_text("就业", timeout=10_000)
        context.close()


def test_clear_while_answering_leaves_nothing_behind(browser: Browser, tmp_path: Path) -> None:
    assistant = FakeAssistant(pause_s=1)
    with running(assistant) as address:
        context = browser.new_context()
        visit = Visit(context.new_page(), address, tmp_path)
        visit.open()
        visit.box.fill(QUESTION)
        visit.box.press("Enter")
        expect(visit.page.locator("#chat [data-testid=bot]")).to_contain_text("正在查阅")
        visit.page.locator("#clear").click()
        visit.page.wait_for_timeout(2000)
        expect(visit.page.locator("#chat .message-content")).to_have_count(0)
        visit.ask("城镇新增就业多少人？")
        assert assistant.seen[-1] == ("城镇新增就业多少人？", ())
        context.close()


def test_page_is_there_while_the_index_is_prepared(browser: Browser, tmp_path: Path) -> None:
    def factory() -> FakeAssistant:
        time.sleep(4)
        return FakeAssistant()

    with running(factory) as address:
        context = browser.new_context()
        page = context.new_page()
        page.goto(address)
        box = page.get_by_role("textbox", name="问题")
        expect(page.locator("#status")).to_contain_text("正在准备索引")
        box.fill(QUESTION)
        box.press("Enter")
        expect(page.locator("#chat [data-testid=bot]").last).to_contain_text("正在准备索引")
        expect(page.locator("#chat [data-testid=bot]").last).to_contain_text("1000个", timeout=15_000)
        expect(page.locator("#status")).to_contain_text("就绪")
        context.close()


def test_full_queue_is_said_and_the_question_stays(browser: Browser, tmp_path: Path) -> None:
    settings = PageSettings(concurrency=1, max_waiting=1)
    with running(FakeAssistant(pause_s=3), settings) as address:
        visits = [Visit(browser.new_context().new_page(), address, tmp_path) for _ in range(3)]
        for visit in visits:
            visit.open()
        for visit in visits:
            visit.box.fill(QUESTION)
            visit.box.press("Enter")
            visit.page.wait_for_timeout(500)
        expect(visits[2].page.locator("#status")).to_contain_text("当前提问人数较多")
        expect(visits[2].box).to_have_value(QUESTION)
        for visit in visits[:2]:
            expect(visit.page.locator("#chat [data-testid=bot]").last).to_contain_text("1000个", timeout=15_000)
            visit.page.context.close()
        visits[2].page.context.close()

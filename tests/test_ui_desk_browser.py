"""原文核对, 指标台账, 计划全文 and permalinks in a real browser, against the real server."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest
from ui_fakes import FakeAssistant, FakeDesk, running
from ui_visit import Visit, chromium, contrast, require_browser, visiting

from assistant.draft import MAX_DRAFT_BYTES

pytestmark = [
    pytest.mark.browser,
    # Gradio 6.31 calls pandas 3 in an outdated way after every queued call.
    pytest.mark.filterwarnings("ignore:The copy keyword is deprecated"),
]
require_browser()

from playwright.sync_api import Browser, Locator, expect  # noqa: E402

DRAFT = "新增停车位1000个。一般公共预算收入增长6.5%。\n规上工业增加值增长8.5%。我们将在火星建设3座基地。"
PHONE = pytest.mark.parametrize("visit", [(390, 844)], indirect=True)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with running(FakeDesk()) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def visit(browser: Browser, address: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Visit]:
    with visiting(browser, address, tmp_path, getattr(request, "param", (1280, 800))) as visit:
        visit.open()
        yield visit


# --- 原文核对 ----------------------------------------------------------------------------------------------------


def check(visit: Visit, text: str) -> Locator:
    """Check a pasted text and give the list of its sentences."""
    visit.tab("原文核对")
    visit.page.get_by_label("要核对的文字").fill(text)
    visit.page.get_by_role("button", name="核对", exact=True).click()
    expect(visit.page.locator("#check-status")).to_contain_text("核对完成")
    return visit.page.locator("#check-result .checked")


def upload(visit: Visit, file: Path) -> None:
    visit.tab("原文核对")
    # Named once the page's script has seen it.
    visit.page.locator("#check-input input[type=file][aria-label]").set_input_files(file)


def test_pasted_text_is_checked_sentence_by_sentence(visit: Visit) -> None:
    sentences = check(visit, DRAFT)
    expect(sentences).to_have_count(4)
    expect(visit.page.locator("#check-summary")).to_contain_text("4 句：一致 2，不一致 1，文件中没有 1")
    expect(sentences.nth(0).locator(".verdict")).to_have_text("一致")
    expect(sentences.nth(1).locator("ins")).to_have_text("6.6")
    expect(sentences.nth(1).locator("del")).to_have_text("6.5")
    expect(sentences.nth(2)).to_contain_text("同义")
    expect(sentences.nth(3).locator(".verdict")).to_have_text("文件中没有")
    visit.shot("check")


def test_only_what_differs_can_be_shown(visit: Visit) -> None:
    sentences = check(visit, DRAFT)
    visit.page.get_by_label("只看不一致").check()
    expect(sentences).to_have_count(1)
    expect(sentences).to_contain_text("一般公共预算收入")
    visit.page.get_by_label("按文中顺序").check()
    expect(sentences).to_have_count(4)


def test_uploaded_file_is_read_checked_and_not_kept(visit: Visit, tmp_path: Path) -> None:
    file = tmp_path / "区长讲话稿.txt"
    file.write_text("新增停车位100个。这一份文件不该留下来。", encoding="utf-8")
    with visit.page.expect_response(lambda response: "/upload" in response.url) as uploaded:
        upload(visit, file)
    expect(visit.page.locator("#check-status")).to_contain_text("已读入“区长讲话稿.txt”，21 个字")
    expect(visit.page.get_by_label("要核对的文字")).to_have_value(file.read_text(encoding="utf-8"))
    assert not Path(uploaded.value.json()[0]).exists()
    visit.page.get_by_role("button", name="核对", exact=True).click()
    expect(visit.page.locator("#check-summary")).to_contain_text("区长讲话稿.txt")


@pytest.mark.parametrize(("ending", "name"), [("docx", "下载报告（Word）"), ("md", "下载报告（Markdown）")])
def test_report_is_downloaded_with_a_chinese_dated_name(visit: Visit, ending: str, name: str) -> None:
    check(visit, DRAFT)
    with visit.page.expect_download() as downloading:
        visit.page.get_by_role("link", name=name).click()
    download = downloading.value
    assert re.fullmatch(rf"核对报告_粘贴的文字_\d{{4}}-\d\d-\d\d\.{ending}", unquote(download.suggested_filename))
    content = download.path().read_text(encoding="utf-8")
    assert content.startswith(f"{ending}\n")
    assert "mismatch：一般公共预算收入增长6.5%" in content


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("图.txt", b"\x89PNG\0\0", "这个文件不是文本"),
        ("大.docx", b"a" * (MAX_DRAFT_BYTES + 1), "文件超过上限 10 MB"),
    ],
    ids=["binary", "large"],
)
def test_bad_file_is_one_sentence_and_loses_nothing(
    visit: Visit, tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    check(visit, DRAFT)
    (tmp_path / name).write_bytes(content)
    upload(visit, tmp_path / name)
    expect(visit.page.locator("#check-status")).to_contain_text(said)
    expect(visit.page.get_by_label("要核对的文字")).to_have_value(DRAFT)
    expect(visit.page.locator("#check-result .checked")).to_have_count(4)


def test_nothing_entered_is_said(visit: Visit) -> None:
    visit.tab("原文核对")
    visit.page.get_by_role("button", name="核对", exact=True).click()
    expect(visit.page.locator("#check-status")).to_contain_text("请先粘贴要核对的文字")


def test_clear_empties_the_tab_and_withdraws_the_report(visit: Visit) -> None:
    sentences = check(visit, DRAFT)
    report = f"{visit.address}/{visit.page.get_by_role('link', name='下载报告（Word）').get_attribute('href')}"
    assert visit.page.request.get(report).status == 200
    visit.page.locator("#check-clear").click()
    expect(sentences).to_have_count(0)
    expect(visit.page.get_by_label("要核对的文字")).to_have_value("")
    expect(visit.page.get_by_role("link", name="下载报告（Word）")).to_have_count(0)
    assert visit.page.request.get(report).status == 404


def test_check_shows_progress_and_can_be_stopped(browser: Browser, tmp_path: Path) -> None:
    with running(FakeDesk(sentence_s=0.2)) as address, visiting(browser, address, tmp_path) as visit:
        visit.open()
        visit.tab("原文核对")
        visit.page.get_by_label("要核对的文字").fill("新增停车位1000个。" * 40)
        visit.page.get_by_role("button", name="核对", exact=True).click()
        expect(visit.page.locator("#check-status")).to_contain_text(re.compile(r"已核对 [2-9]/40 句"))
        expect(visit.page.get_by_role("button", name="核对", exact=True)).to_be_hidden()
        visit.shot("checking")
        visit.page.locator("#check-stop").click()
        expect(visit.page.locator("#check-status")).to_contain_text("已停止核对")
        sentences = check(visit, "新增停车位1000个。")
        expect(sentences).to_have_count(1)


@pytest.mark.parametrize(
    "payload",
    [
        "<img src=x onerror=alert(1)>停车位",
        "![图](https://evil.example/x.png)停车位",
        "[停车位](javascript:alert(1))",
        "<a class=permalink href=https://evil.example>停车位</a>",
        "<div style='position:fixed;inset:0'>停车位</div>",
        "</p></div><form action=https://evil.example><button>停车位</button></form>",
    ],
)
def test_hostile_draft_is_shown_as_text(visit: Visit, payload: str) -> None:
    check(visit, f"{payload}\n新增停车位100个{payload}")
    visit.page.wait_for_timeout(200)
    active = "img, svg, iframe, script, form, a:not([href^='?p=']), [style*=fixed], [onerror]"
    assert visit.page.locator("#check-result").locator(active).count() == 0
    assert payload[1:9] in visit.page.locator("#check-result").inner_text()


# --- 指标台账 ----------------------------------------------------------------------------------------------------


def open_ledger(visit: Visit) -> Locator:
    """Open the ledger and give the cells of its column 指标."""
    visit.tab("指标台账")
    expect(visit.page.locator("#ledger-count")).to_contain_text("共 9 条")
    names = visit.page.locator("#ledger-table .body-cell[data-col='1']")
    expect(names).to_have_count(9)
    return names


def choose(visit: Visit, name: str, option: str) -> None:
    visit.page.get_by_label(name, exact=True).click()
    visit.page.get_by_role("option", name=option).click()
    expect(visit.page.get_by_role("option")).to_have_count(0)


def test_ledger_lists_every_entry_and_counts_them(visit: Visit) -> None:
    names = open_ledger(visit)
    expect(names.first).to_have_text("地区生产总值")
    expect(visit.page.locator("#ledger-count")).to_have_text(re.compile("共 9 条，另有 1 个数字未归类"))
    visit.shot("ledger")


def test_filters_narrow_the_table(visit: Visit) -> None:
    names = open_ledger(visit)
    choose(visit, "年份", "2024")
    expect(names).to_have_count(5)
    choose(visit, "章节", "（三）聚力城乡协调并进")
    expect(names).to_have_count(1)
    expect(names).to_have_text("停车位")
    expect(visit.page.locator("#ledger-count")).to_contain_text("共 1 条（全部 9 条）")
    choose(visit, "年份", "全部")
    choose(visit, "章节", "全部")
    choose(visit, "性质", "存量")
    expect(names).to_have_text(["省级以上创新平台"])


def test_words_filter_as_they_are_typed_or_composed(visit: Visit) -> None:
    names = open_ledger(visit)
    box = visit.page.get_by_label("关键词")
    box.press_sequentially("6-8")
    expect(names).to_have_text(["高端配套项目"])
    # An input method puts whole words in, without a key for each.
    box.fill("")
    visit.page.keyboard.insert_text("科技型 入库")
    expect(names).to_have_text(["科技型中小企业", "科技型中小企业"])
    box.fill("没有的指标")
    expect(visit.page.locator("#ledger-count")).to_contain_text("共 0 条")


def test_column_sorts_by_value_and_a_row_stays_its_own(visit: Visit) -> None:
    names = open_ledger(visit)
    visit.page.get_by_role("button", name="数值：排序").last.click()
    visit.page.get_by_role("menuitem", name="降序").click()
    expect(names.first).to_have_text("停车位")
    expect(names.last).to_have_text("地区生产总值")
    names.first.click()
    expect(visit.page.locator("#ledger-source mark").first).to_have_text("新增停车位1000个")


def test_row_shows_its_paragraph_and_the_card(visit: Visit) -> None:
    open_ledger(visit).nth(7).click()
    expect(visit.page.locator("#ledger-source mark").first).to_have_text("新增停车位1000个")
    visit.page.locator("#ledger-source summary").click()
    expect(visit.page.locator("#ledger-source details blockquote")).to_contain_text("集中突破城区建设")
    expect(visit.page.locator("#ledger-card textarea")).to_have_value(
        re.compile(
            re.escape("《莱芜区2024年国民经济和社会发展计划》第三部分（三）第1段：“新增停车位1000个”\n")
            + re.escape(visit.address)
            + r"/\?p=3\.3\.1&s=\d+&e=\d+"
        )
    )
    visit.shot("ledger-row")


def test_row_can_be_chosen_by_keyboard(visit: Visit) -> None:
    open_ledger(visit)
    visit.page.locator("#ledger-table .body-cell[tabindex='0']").first.focus()
    visit.page.keyboard.press("Enter")
    expect(visit.page.locator("#ledger-source mark").first).to_have_text("地区生产总值增长4.5%")
    visit.page.keyboard.press("ArrowDown")
    visit.page.keyboard.press("Enter")
    expect(visit.page.locator("#ledger-source mark").first).to_have_text("规上工业增加值增长6.2%")


@pytest.mark.parametrize(("ending", "name"), [("csv", "导出 CSV"), ("xlsx", "导出 Excel"), ("json", "导出 JSON")])
def test_what_is_filtered_is_exported(visit: Visit, ending: str, name: str) -> None:
    names = open_ledger(visit)
    choose(visit, "年份", "2023")
    expect(names).to_have_count(4)
    with visit.page.expect_download() as downloading:
        visit.page.get_by_role("link", name=name).click()
    file_name = unquote(downloading.value.suggested_filename)
    assert re.fullmatch(rf"指标台账_莱芜区2024年国民经济和社会发展计划_\d{{4}}-\d\d-\d\d\.{ending}", file_name)
    content = downloading.value.path().read_text(encoding="utf-8")
    assert content.count("家") == 1
    assert "停车位" not in content


def test_unplaced_figures_can_be_listed(visit: Visit) -> None:
    open_ledger(visit)
    visit.page.get_by_role("button", name="未归类的数字（1 个）").click()
    expect(visit.page.locator("#unplaced-list mark")).to_have_text("76116296")


def test_chart_draws_result_beside_target(visit: Visit) -> None:
    open_ledger(visit)
    pairs = visit.page.locator("#chart .pair")
    expect(pairs).to_have_count(3)
    widths = [box["width"] for bar in pairs.nth(0).locator(".bar-fill").all() if (box := bar.bounding_box())]
    assert widths[0] / widths[1] == pytest.approx(4.5 / 6, abs=0.02)


# --- 计划全文 and permalinks -------------------------------------------------------------------------------------


def is_in_view(mark: Locator) -> bool:
    return bool(
        mark.evaluate("e => { const b = e.getBoundingClientRect(); return b.top >= 0 && b.bottom <= innerHeight; }")
    )


def selected(visit: Visit) -> str:
    return visit.page.locator("[role=tab][aria-selected=true]").inner_text()


def query_of(quote: str) -> str:
    """The link to words of the paragraph 3.3.1."""
    text = FakeDesk().document.text
    start = text.index(quote)
    return f"?p=3.3.1&s={start}&e={start + len(quote)}"


@pytest.mark.parametrize("size", [(1280, 800), (390, 844)], ids=["desktop", "phone"])
def test_permalink_opens_the_paragraph_with_its_words_marked(
    browser: Browser, address: str, tmp_path: Path, size: tuple[int, int]
) -> None:
    with visiting(browser, address, tmp_path, size) as visit:
        visit.page.goto(f"{address}/{query_of('新增停车位1000个')}")
        mark = visit.page.locator("#plan-text mark")
        expect(mark).to_have_text("新增停车位1000个")
        visit.page.wait_for_timeout(300)
        assert selected(visit) == "计划全文"
        assert is_in_view(mark)
        assert visit.width() <= size[0]
        visit.shot("permalink")


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("?p=9.9.9&s=1&e=2", "在本文件中不存在"),
        ("?p=3.3.1&s=1&e=2", "不在所指段落内"),
        ("?p=<b>&s=x", "在本文件中不存在"),
    ],
    ids=["paragraph", "offset", "hostile"],
)
def test_wrong_permalink_says_so_over_the_text(
    browser: Browser, address: str, tmp_path: Path, query: str, said: str
) -> None:
    with visiting(browser, address, tmp_path) as visit:
        visit.page.goto(f"{address}/{query}")
        expect(visit.page.locator("#plan-notice")).to_contain_text(said)
        expect(visit.page.locator("#plan-text")).to_contain_text("地区生产总值增长4.5%")
        assert visit.page.locator("#plan-text mark").count() == 0


def test_permalink_waits_for_the_index(browser: Browser, tmp_path: Path) -> None:
    def factory() -> FakeDesk:
        time.sleep(3)
        return FakeDesk()

    with running(factory) as address, visiting(browser, address, tmp_path) as visit:
        visit.page.goto(f"{address}/{query_of('新增停车位1000个')}")
        expect(visit.page.locator("#status")).to_contain_text("正在准备索引")
        expect(visit.page.locator("#plan-text mark")).to_have_text("新增停车位1000个")


def test_link_inside_the_page_keeps_what_was_done(visit: Visit) -> None:
    sentences = check(visit, DRAFT)
    for _ in range(2):
        sentences.nth(0).get_by_role("link", name="查看原文").click()
        mark = visit.page.locator("#plan-text mark")
        expect(mark).to_have_text("新增停车位1000个")
        visit.page.wait_for_timeout(300)
        assert is_in_view(mark)
        visit.tab("原文核对")
        expect(sentences).to_have_count(4)
    sentences.nth(1).get_by_role("link", name="查看原文").click()
    expect(visit.page.locator("#plan-text mark")).to_have_text("一般公共预算收入增长6.6%")


def test_whole_plan_can_be_read_with_a_link_for_each_paragraph(visit: Visit) -> None:
    visit.tab("计划全文")
    text = visit.page.locator("#plan-text")
    expect(text.get_by_role("heading", name="二、2024年经济社会发展总体要求和主要目标")).to_be_visible()
    text.locator("a.permalink[href='?p=3.3.1']").click()
    expect(text.locator(".is-target")).to_contain_text("集中突破城区建设")
    assert is_in_view(text.locator(".is-target"))


# --- the three tabs ----------------------------------------------------------------------------------------------


def walk(visit: Visit) -> Iterator[str]:
    """Each tab in turn, with something in it."""
    check(visit, DRAFT)
    yield "原文核对"
    open_ledger(visit).nth(7).click()
    expect(visit.page.locator("#ledger-source mark").first).to_be_visible()
    yield "指标台账"
    visit.tab("计划全文")
    expect(visit.page.locator("#plan-text h3").first).to_be_visible()
    yield "计划全文"


@PHONE
def test_phone_has_no_horizontal_scroll(visit: Visit) -> None:
    for tab in walk(visit):
        assert visit.width() <= 390, tab
        visit.shot(f"phone-{tab}")


def test_every_control_has_a_chinese_name(visit: Visit) -> None:
    for tab in walk(visit):
        visit.page.wait_for_timeout(300)
        names = visit.page.evaluate(
            """() => [...document.querySelectorAll('button, textarea, input, a, [role=link]')]
                .filter(e => e.getClientRects().length)
                .map(e => (e.getAttribute('aria-label') || e.innerText || e.labels?.[0]?.innerText || e.title || '').trim()
                    || e.outerHTML.slice(0, 160))"""
        )
        allowed = re.compile(r"Word|Markdown|Excel|CSV|JSON")
        assert [name for name in names if re.search(r"[A-Za-z]{3,}", allowed.sub("", name))] == [], tab


def test_dark_tabs_are_legible(browser: Browser, address: str, tmp_path: Path) -> None:
    with visiting(browser, address, tmp_path) as visit:
        visit.page.emulate_media(color_scheme="dark")
        visit.open()
        legible = {
            "原文核对": (".checked-words >> nth=0", ".check-counts .count >> nth=2", ".checked .source-line >> nth=0"),
            "指标台账": ("#ledger-source mark >> nth=0", ".bar-label >> nth=0", ".bar-value a >> nth=0"),
            "计划全文": ("#plan-text p >> nth=3", "#plan-text h3 >> nth=0", ".plan-number a >> nth=3"),
        }
        for tab in walk(visit):
            for selector in legible[tab]:
                assert contrast(visit.page, selector) >= 4.5, selector
            visit.shot(f"dark-{tab}")


def test_assistant_without_desk_says_so(browser: Browser, tmp_path: Path) -> None:
    with running(FakeAssistant()) as address, visiting(browser, address, tmp_path) as visit:
        visit.open()
        visit.tab("指标台账")
        expect(visit.page.locator("#ledger-status")).to_contain_text("不提供指标台账")
        visit.tab("原文核对")
        visit.page.get_by_label("要核对的文字").fill(DRAFT)
        visit.page.get_by_role("button", name="核对", exact=True).click()
        expect(visit.page.locator("#check-status")).to_contain_text("不提供原文核对")


def test_ledger_and_plan_fill_in_once_the_index_is_there(browser: Browser, tmp_path: Path) -> None:
    def factory() -> FakeDesk:
        time.sleep(4)
        return FakeDesk()

    with running(factory) as address, visiting(browser, address, tmp_path) as visit:
        visit.page.goto(address)
        visit.tab("指标台账")
        expect(visit.page.locator("#ledger-status")).to_contain_text("正在准备索引")
        expect(visit.page.locator("#ledger-count")).to_contain_text("共 9 条")
        visit.tab("计划全文")
        expect(visit.page.locator("#plan-text h3").first).to_be_visible()

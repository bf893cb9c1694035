"""Answers as Markdown: what is shown, where it is marked, and that nothing from outside is ever active."""

from __future__ import annotations

import doctest
import html
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from ui_fakes import PLAN, cite

import ui.render
from assistant.display import whole_figures
from assistant.types import Answer, Citation, Generation, Outcome, Status, WordingCheck
from corpus.load import load_document, parse_document
from ui.render import (
    answer_markdown,
    body_markdown,
    escape,
    escape_inline,
    highlighted,
    note_markdown,
    partial_markdown,
    place_of,
    question_markdown,
    source_line,
    sources_markdown,
    unfinished_markdown,
    wording_markdown,
)

DOCUMENT = load_document(PLAN)
DOCUMENTS = {DOCUMENT.doc_id: DOCUMENT}
INCOME = "城镇和农村居民人均可支配收入分别增长5.5%和6.5%"

XSS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<iframe src=javascript:alert(1)></iframe>",
    "[点我](javascript:alert(1))",
    "![图](https://evil.example/x.png)",
    "<a href='https://evil.example'>x</a>",
    "https://evil.example/path",
    "www.evil.example",
    "someone@evil.example",
    "</mark></blockquote><form action=https://evil.example><input></form>",
    "<div style='position:fixed;inset:0'>盖住</div>",
    "`</code><b onmouseover=alert(1)>b</b>`",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "<details open ontoggle=alert(1)>",
    "    <b>代码块</b>",
    "# 标题\n> 引用\n| a | b |\n|---|---|\n***粗***",
    "$$\\href{javascript:alert(1)}{x}$$",
    "<!-- --><math><mtext></mtext></math>",
)
OWN_ELEMENTS = {"span", "sup", "mark", "ins", "del", "b", "br", "p", "div", "blockquote", "details", "summary"}


class Elements(HTMLParser):
    """Collects the elements, attributes and words of a piece of HTML."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.names: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag == "br":
            self.text += "\n"

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        self.names.add("<!-- -->")


def words(text: str) -> str:
    return Elements(text).text.replace("\u2060", "")


def marked(text: str) -> list[str]:
    return [html.unescape(piece) for piece in re.findall(r"<mark>(.*?)</mark>", text)]


def answered(text: str = "今年目标是6.5%。[1]", *citations: Citation, **changes: object) -> Answer:
    answer = Answer("问？", "问？", Status.ANSWERED, text, citations or (cite(DOCUMENT, INCOME),))
    return replace(answer, **changes)  # type: ignore[arg-type]


def assert_inert(text: str) -> None:
    elements = Elements(text)
    assert elements.names <= OWN_ELEMENTS
    assert elements.attributes <= {"class", "id"}
    # Outside our own tags no character is left that Markdown or an automatic linker reads as syntax.
    outside = re.sub(r"&#\d+;", "", re.sub(r"<[^<>]*>", "", text))
    assert not re.search(r"[<>&\[\]()*_`~#|\\$:/@!{}\"']", outside), outside
    assert not re.search(r"^(?: {4}|\t)", text, re.M)


@pytest.mark.parametrize("payload", XSS)
class TestEscaping:
    def test_question_is_text(self, payload: str) -> None:
        shown = question_markdown(payload)
        assert_inert(shown)
        assert words(shown) == "\n".join(line.strip() for line in payload.split("\n"))

    def test_note_is_text(self, payload: str) -> None:
        assert_inert(note_markdown(payload))

    def test_answer_is_text(self, payload: str) -> None:
        shown = answer_markdown(answered(f"甲{payload}乙[1]", standalone_question=payload), DOCUMENTS, follow_up=True)
        assert_inert(re.sub(r"^(?:- |\d+\. )", "", shown, flags=re.M))
        assert payload.split("\n")[0].strip() in words(shown)

    def test_every_stage_of_writing_is_text(self, payload: str) -> None:
        for end in range(len(payload) + 1):
            assert_inert(partial_markdown(answered(f"{payload}[1]"), end))

    def test_quote_section_and_title_are_text(self, payload: str) -> None:
        body = f"关于印发{payload}的通知\n一、{payload}\n（一）{payload}。正文{payload}结束，增长6%。\n".replace(
            "\n# ", " "
        )
        document = replace(parse_document(body, "other"), title=payload)
        start = body.index("正文")
        citation = Citation(1, "other", "1.1.1", payload, body[start : start + 9], start, start + 9, document.sha256)
        answer = answered("见原文[1]", citation)
        documents = {"other": document}
        assert_inert(answer_markdown(answer, documents))
        assert_inert(sources_markdown(answer, documents))

    def test_unlocated_quote_is_text(self, payload: str) -> None:
        citation = Citation(1, payload, "1.1", payload, payload, 0, 5, "")
        answer = answered("见原文[1]", citation)
        assert_inert(answer_markdown(answer, DOCUMENTS))
        assert_inert(sources_markdown(answer, DOCUMENTS))

    def test_nearest_is_text(self, payload: str) -> None:
        citation = Citation(1, payload, "1.1", payload, payload, 0, 5, "")
        answer = Answer(payload, payload, Status.NOT_FOUND, payload, nearest=(citation,))
        assert_inert(re.sub(r"^(?:- |\d+\. )", "", answer_markdown(answer, DOCUMENTS), flags=re.M))

    def test_wording_check_is_text(self, payload: str) -> None:
        diff = (("equal", payload), ("delete", payload), ("insert", payload))
        for verdict in ("match", "mismatch", "not_found", payload):
            assert_inert(wording_markdown(WordingCheck(verdict, payload, diff)))


def test_docstring_examples_hold() -> None:
    assert doctest.testmod(ui.render).failed == 0


def test_ordinary_words_stay_as_they_are() -> None:
    text = "新增停车位1000个，延链招引6-8个，增长6.5%；PM2.5？"
    assert escape(text) == text


def test_control_and_direction_characters_are_taken_out() -> None:
    assert escape_inline("a\x00b\u202ec\ud800") == "abc�"


def test_indentation_cannot_make_a_code_block() -> None:
    assert escape("　　第一行\n    第二行") == "第一行\n第二行"


# --- the chat message --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "word"),
    [
        (Status.ANSWERED, "回答"),
        (Status.CLARIFY, "需要明确"),
        (Status.NOT_FOUND, "文件未提及"),
        (Status.DECLINED, "不在服务范围"),
    ],
)
def test_status_is_said_in_words(status: Status, word: str) -> None:
    assert words(answer_markdown(answered(status=status), DOCUMENTS)).startswith(word)


def test_known_citation_number_becomes_a_mark_and_others_stay_text() -> None:
    body = body_markdown("甲[1]乙[2]丙[0]", [1])
    assert body.count('<sup class="cite">') == 1
    assert words(body) == "甲[1]乙[2]丙[0]"


def test_list_lines_become_a_list() -> None:
    body = body_markdown("目标：\n- 甲6%[1]\n• 乙\n完", [1])
    assert re.sub(r"&#8288;<sup.*?</sup>", "①", body) == "目标：\n\n- 甲6%①\n- 乙\n\n完"


def test_numbered_lines_keep_their_numbers() -> None:
    assert body_markdown("1. 甲\n2. 乙") == "1. 甲\n2. 乙"


def test_decimal_at_the_start_of_a_line_is_no_list() -> None:
    assert body_markdown("6.5%是目标") == "6.5%是目标"


def test_half_a_citation_mark_is_not_shown_while_writing() -> None:
    answer = answered("增长[1]。")
    assert words(partial_markdown(answer, 3)).endswith("增长")
    assert words(partial_markdown(answer, 6)).endswith("增长[1]。")


def test_source_line_names_part_section_and_paragraph() -> None:
    assert source_line([cite(DOCUMENT, INCOME)], DOCUMENTS) == "出处：第二部分（二）主要目标 · 第1段"


def test_source_line_joins_citations_of_one_paragraph() -> None:
    quotes = ("全区地区生产总值增长6%", "一般公共预算收入增长6.6%", "固定资产投资增长6%")
    citations = [cite(DOCUMENT, quote, n) for n, quote in enumerate(quotes, start=1)]
    assert source_line(citations, DOCUMENTS) == "出处：第二部分（二）主要目标 · 第1段"


def test_source_line_numbers_several_places() -> None:
    citations = [cite(DOCUMENT, INCOME, 1), cite(DOCUMENT, "城乡居民人均可支配收入分别增长5.5%、7.2%", 2)]
    line = source_line(citations, DOCUMENTS)
    assert line.startswith("出处：[1] 第二部分（二）主要目标 · 第1段；[2] 第一部分（五）")


def test_source_line_is_empty_without_citations() -> None:
    assert source_line([], DOCUMENTS) == ""


def test_place_in_the_head_of_the_document() -> None:
    place = place_of(cite(DOCUMENT, "电话：76116296"), DOCUMENT)
    assert place.short().startswith("文件开头 · 第")


def test_nearest_passages_are_offered_with_their_places() -> None:
    answer = Answer("问", "问", Status.NOT_FOUND, "文件没有提到。", nearest=(cite(DOCUMENT, "新增停车位1000个"),))
    shown = words(answer_markdown(answer, DOCUMENTS))
    assert "最接近" in shown
    assert "新增停车位1000个" in shown
    assert "第三部分（三）聚力城乡协调并进，统筹城乡融合发展 · 第1段" in shown


def test_follow_up_says_how_it_was_understood() -> None:
    answer = answered(standalone_question="2023年农村居民收入增长多少？")
    assert "理解为：2023年农村居民收入增长多少？" in words(answer_markdown(answer, DOCUMENTS, follow_up=True))
    assert "理解为" not in answer_markdown(answer, DOCUMENTS)


def test_wording_mismatch_shows_both_sides_with_the_whole_figure_marked() -> None:
    diff = (("equal", "预算收入增长6."), ("delete", "6"), ("insert", "5"), ("equal", "%"))
    shown = wording_markdown(WordingCheck("mismatch", "预算收入增长6.6%", diff))
    assert "与原文不一致" in shown
    assert "预算收入增长<ins>6.6</ins>%" in shown
    assert "预算收入增长<del>6.5</del>%" in shown


def test_whole_figures_loses_no_character() -> None:
    diff = [
        ("delete", "约"),
        ("equal", "12"),
        ("insert", "3"),
        ("equal", ".5个，"),
        ("delete", "以上"),
        ("equal", "。"),
    ]
    widened = whole_figures(diff)
    for own in ("delete", "insert"):
        assert "".join(c for s, c in widened if s in ("equal", own)) == "".join(
            c for s, c in diff if s in ("equal", own)
        )
    assert any(step == "delete" and characters.endswith("12.5") for step, characters in widened)
    assert ("insert", "123.5") in widened


# --- the source panel --------------------------------------------------------------------------------------------


def test_quoted_words_are_marked_in_their_paragraph() -> None:
    panel = sources_markdown(answered(), DOCUMENTS)
    assert set(marked(panel)) == {INCOME}
    assert "二、2024年经济社会发展总体要求和主要目标 › （二）主要目标" in words(panel)
    assert "第1段" in panel


@pytest.mark.parametrize("quote", ["新增停车位1000个", "完成市下达的节能减排降碳约束性指标", "76116296", INCOME])
def test_highlight_gives_back_the_text_and_marks_exactly_the_span(quote: str) -> None:
    citation = cite(DOCUMENT, quote)
    start, end = max(0, citation.start - 40), citation.end + 40
    shown = highlighted(DOCUMENT.text, start, end, [citation])
    assert marked(shown) == [quote]
    before = words(shown.split("<mark>")[0])
    assert re.sub(r"\s+", "", before) == re.sub(r"\s+", "", DOCUMENT.text[start : citation.start])
    assert re.sub(r"\s+", "", words(shown)) == re.sub(r"\s+", "", DOCUMENT.text[start:end])


def test_second_occurrence_is_marked_where_the_offsets_say() -> None:
    text = "甲5个项目，乙5个项目，丙"
    second = text.rindex("5个项目")
    citation = Citation(1, "d", "1.1", "", "5个项目", second, second + 4, "")
    assert highlighted(text, 0, len(text), [citation]) == "甲5个项目，乙<mark>5个项目</mark>，丙"


def test_overlapping_quotes_become_one_mark() -> None:
    text = "甲乙丙丁戊"
    one, two = Citation(1, "d", "1", "", "甲乙丙", 0, 3, ""), Citation(2, "d", "1", "", "丙丁", 2, 4, "")
    shown = highlighted(text, 0, 5, [two, one], labelled=True)
    assert marked(shown) == ["甲乙丙丁"]
    assert words(shown) == "甲乙丙丁[1][2]戊"


def test_long_paragraph_shows_the_sentence_and_offers_the_rest() -> None:
    panel = sources_markdown(answered("有[1]", cite(DOCUMENT, "新增停车位1000个")), DOCUMENTS)
    excerpt, _, rest = panel.partition("<details>")
    assert "……" in excerpt
    assert "城市公园3个" in words(excerpt)
    assert "集中突破城区建设" not in words(excerpt)
    assert "集中突破城区建设" in words(rest)
    assert marked(excerpt) == marked(rest) == ["新增停车位1000个"]


def test_citations_of_one_paragraph_share_a_section() -> None:
    citations = (cite(DOCUMENT, "固定资产投资增长6%", 2), cite(DOCUMENT, INCOME, 1))
    panel = sources_markdown(answered("甲[1]乙[2]", *citations), DOCUMENTS)
    assert panel.count('class="source"') == 1
    assert 'id="source-1"' in panel
    assert 'id="source-2"' in panel


def test_quotation_across_lines_is_shown_whole() -> None:
    quote = DOCUMENT.text[DOCUMENT.text.index("关于印发") : DOCUMENT.text.index("的通知") + 3]
    panel = sources_markdown(answered("题[1]", cite(DOCUMENT, quote)), DOCUMENTS)
    assert marked(panel)[0].replace("<br>", "\n") == quote


@pytest.mark.parametrize(
    "changes",
    [{"sha256": "0" * 64}, {"start": 5}, {"end": 10**9}, {"quote": "没有的话"}, {"document": "other"}],
    ids=["other version", "wrong start", "end outside", "altered quote", "unknown document"],
)
def test_quote_that_is_not_there_is_never_marked(changes: dict[str, object]) -> None:
    citation = replace(cite(DOCUMENT, INCOME), **changes)  # type: ignore[arg-type]
    panel = sources_markdown(answered("有[1]", citation), DOCUMENTS)
    assert "<mark>" not in panel
    assert "未能在当前文件中定位" in panel


def test_panel_without_citations_says_so() -> None:
    answer = Answer("问", "问", Status.DECLINED, "不在范围。")
    assert "没有引用" in sources_markdown(answer, DOCUMENTS)
    assert "这里显示" in sources_markdown(None, DOCUMENTS)


def generated(outcome: Outcome, note: str = "") -> Answer:
    citation = cite(DOCUMENT, "新增停车位1000个")
    made = Generation("小模型<b>", outcome, "2024年计划：新增停车位1000个。[1]", note=note)
    return replace(answered("今年新增停车位1000个。[1]", citation), generation=made, is_extract=True)


@pytest.mark.parametrize("outcome", [Outcome.WRITTEN, Outcome.MENDED])
def test_generated_answer_says_so_with_the_model_and_what_was_checked(outcome: Outcome) -> None:
    shown = words(answer_markdown(generated(outcome), DOCUMENTS))
    assert "AI 生成（小模型<b>）" in shown
    assert "核对" in shown


def test_name_of_a_model_is_no_markup() -> None:
    assert "<b>" not in answer_markdown(generated(Outcome.WRITTEN), DOCUMENTS)


def test_quotation_has_no_label() -> None:
    answer = answered("新增停车位1000个。[1]", cite(DOCUMENT, "新增停车位1000个"))
    assert "AI" not in answer_markdown(answer, DOCUMENTS)


def test_quotation_that_stands_in_for_a_model_says_why_in_one_quiet_line() -> None:
    shown = answer_markdown(generated(Outcome.FELL_BACK, "连不上模型服务，以下为原文摘录。"), DOCUMENTS)
    assert '<span class="note">连不上模型服务，以下为原文摘录</span>' in shown
    assert "AI 生成" not in shown


def test_quotation_stands_while_the_model_writes() -> None:
    waiting = replace(generated(Outcome.WRITING), answer="2024年计划：新增停车位1000个。[1]")
    assert "AI 正在据此组织语言" in unfinished_markdown(waiting)
    assert "AI 生成" not in unfinished_markdown(waiting)
    assert "AI 生成" in unfinished_markdown(generated(Outcome.WRITING))

from __future__ import annotations

import datetime
import doctest
import io
import re
from typing import Any

import docx
import pytest
from docx.shared import RGBColor
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

import assistant.draft_report
from assistant.draft import CheckedDraft, CheckedSentence, check_draft, summarise
from assistant.draft_report import report_docx, report_markdown, report_text, sides
from assistant.places import citation_at
from assistant.types import CheckedFigure, Difference, FigureState, Finding, Verdict, WordingCheck
from assistant.wording import WordingChecker
from corpus.passages import passages
from corpus.types import Document

DAY = datetime.date(2026, 5, 7)
DRAFT = """工作汇报
2026年，全区地区生产总值增长6.2%，一般公共预算收入增长5.4%。
年内完成投资135亿元以上。建成地铁3条线路。"""
NASTY = "<b>*粗*</b> [点](http://a.example) `码` |a|b| ~~删~~ # &amp; $x$ \\ _下_\x00\x0b\x1f\u202e\ud800\ufffe"


@pytest.fixture(scope="module")
def draft(mini: Document) -> CheckedDraft:
    return check_draft(DRAFT, WordingChecker(mini, passages(mini)), mini, name="汇报.txt")


def with_words(words: str, document: Document) -> CheckedDraft:
    """A draft one sentence of which is altered, one absent and one there, all of the same words."""
    start = document.text.index("新增停车位600个")
    citation = citation_at(document, start, start + 9)
    check = WordingCheck(
        Verdict.MISMATCH,
        "新增停车位600个",
        (("equal", "新增"), ("delete", "停车位600个"), ("insert", words)),
        (Finding(Difference.WORDS, words, "停车位600个", f"说的是{words}"),),
    )
    absent = WordingCheck(Verdict.NOT_FOUND, "", figures=(CheckedFigure(words, 0, 1, FigureState.ABSENT, ""),))
    sentences = [
        CheckedSentence(words, 0, len(words), check, citation),
        CheckedSentence(words, 0, len(words), absent, None),
        CheckedSentence(words, 0, len(words), WordingCheck(Verdict.MATCH, words), citation),
    ]
    return CheckedDraft(words, tuple(sentences), summarise(sentences))


def paragraphs_of(data: bytes) -> list[Any]:
    return list(docx.Document(io.BytesIO(data)).paragraphs)


def docx_words(draft: CheckedDraft, document: Document) -> str:
    return "\n".join(p.text for p in paragraphs_of(report_docx(draft, document, on=DAY)))


def markdown_words(markdown: str) -> str:
    """What a reader sees of Markdown: its text without any syntax."""
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(markdown)
    lines = ["".join(child.content for child in token.children or []) for token in tokens if token.type == "inline"]
    return "\n".join(lines)


@pytest.fixture(scope="module", params=["markdown", "docx"])
def words(request: pytest.FixtureRequest, draft: CheckedDraft, mini: Document) -> str:
    """The words of the report in each of its forms."""
    if request.param == "docx":
        return docx_words(draft, mini)
    return markdown_words(report_markdown(draft, mini, on=DAY))


def test_report_says_what_was_checked_against_what_and_when(words: str, mini: Document) -> None:
    assert words.startswith("原文核对报告\n核对的文稿：汇报.txt\n")
    assert "依据的文件：《沅湾区2026年国民经济和社会发展计划》（沅政发〔2026〕12号）\n" in words
    assert f"文件 sha256：{mini.sha256[:12]}\n" in words
    assert "核对日期：2026年5月7日" in words


def test_report_counts_sentences_and_figures(words: str) -> None:
    assert "句子：核对 4 句，一致 1，不一致 1，文件中没有 2" in words
    assert "数字：核对 4 个，一致 2，改动 1，文中没有 1" in words


def test_mismatches_come_first_then_what_is_absent_then_matches(words: str) -> None:
    places = [words.index(f"{title}（{count} 句）") for title, count in
              (("与原文不一致", 1), ("文件中没有", 2), ("与原文一致", 1))]  # fmt: skip
    assert places == sorted(places)


def test_absent_sentences_with_figures_come_before_those_without(words: str) -> None:
    assert words.index("建成地铁3条线路") < words.index("工作汇报")
    assert "数字：3条（文中没有）" in words


def test_mismatch_shows_draft_original_place_and_findings(words: str) -> None:
    block = words[words.index("第 2 句") : words.index("文件中没有（")]
    said, original, place, *findings = [line.replace(" ", "") for line in block.strip().split("\n")][1:]
    assert said == "草稿：2026年，全区地区生产总值增长6.2%，一般公共预算收入增长5.4%"
    assert original == "原文：全区地区生产总值增长6.2%，一般公共预算收入增长4.5%"
    assert place == "出处：《沅湾区2026年国民经济和社会发展计划》第二部分（二）第1段"
    assert any("4.5%" in finding and "5.4%" in finding for finding in findings)


def test_differences_are_marked_in_markdown(draft: CheckedDraft, mini: Document) -> None:
    markdown = report_markdown(draft, mini)
    assert re.search(r"预算收入增长 ~~5\.4%?~~", markdown)
    assert re.search(r"预算收入增长 \*\*4\.5%?\*\*", markdown)


def test_differences_are_coloured_struck_and_underlined_in_word(draft: CheckedDraft, mini: Document) -> None:
    runs = [run for paragraph in paragraphs_of(report_docx(draft, mini)) for run in paragraph.runs]
    struck = [run for run in runs if run.font.strike]
    underlined = [run for run in runs if run.font.underline]
    assert any("5.4" in run.text for run in struck) and any("4.5" in run.text for run in underlined)
    assert {run.font.color.rgb for run in struck} == {RGBColor(0xC0, 0, 0)}
    assert {run.font.color.rgb for run in underlined} == {RGBColor(0, 0x6B, 0x3C)}


def test_date_is_that_of_today_where_none_is_given(draft: CheckedDraft, mini: Document) -> None:
    today = datetime.date.today()
    assert f"核对日期：{today.year}年" in report_markdown(draft, mini)


def test_pasted_text_has_no_name(mini: Document) -> None:
    pasted = check_draft("新增停车位600个。", WordingChecker(mini, passages(mini)), mini)
    assert "核对的文稿：粘贴的文字" in report_markdown(pasted, mini)


def test_sides_without_marks_are_the_sentence_and_the_original(mini: Document) -> None:
    check = WordingCheck(Verdict.MISMATCH, "甲增长6%")
    assert sides(CheckedSentence("甲增长7%", 0, 5, check, None)) == ([("甲增长7%", False)], [("甲增长6%", False)])


@pytest.mark.parametrize(
    "words",
    [
        pytest.param("%以上", id="percent_sign"),
        pytest.param("，增长6%。", id="chinese_punctuation"),
        pytest.param("“甲”", id="quotation_marks"),
        pytest.param("*甲*", id="asterisks"),
        pytest.param("~甲~", id="tildes"),
    ],
)
def test_marks_bind_whatever_stands_beside_them(mini: Document, words: str) -> None:
    check = WordingCheck(Verdict.MISMATCH, "甲乙", (("equal", "甲"), ("insert", words), ("equal", "乙")))
    sentences = [CheckedSentence(f"甲{words}乙", 0, 5, check, None)]
    html = MarkdownIt("gfm-like", {"linkify": False}).render(
        report_markdown(CheckedDraft("", tuple(sentences), summarise(sentences)), mini)
    )
    assert f"<s>{words}</s>" in html


def test_words_of_the_draft_are_never_markdown(mini: Document) -> None:
    markdown = report_markdown(with_words(NASTY, mini), mini)
    html = MarkdownIt("gfm-like", {"linkify": False}).render(markdown)
    assert set(re.findall(r"<(\w+)", html)) <= {"h1", "h2", "h3", "ul", "li", "p", "s", "strong"}
    shown = markdown_words(markdown)
    assert "<b>*粗*</b> [点](http://a.example) `码` |a|b| ~~删~~ # &amp; $x$ \\ _下_" in shown


def test_control_characters_do_not_break_a_report(mini: Document) -> None:
    draft = with_words(NASTY, mini)
    shown = docx_words(draft, mini)
    assert "<b>*粗*</b>" in shown
    for text in (shown, report_markdown(draft, mini), report_text(draft, mini)):
        assert not re.search("[\x00-\x08\x0b-\x1f\u202e\ud800-\udfff\ufffe]", text)


@settings(max_examples=30, deadline=None)
@given(words=st.text(min_size=1, max_size=40))
def test_any_words_make_a_report(mini: Document, words: str) -> None:
    draft = with_words(words, mini)
    assert report_markdown(draft, mini).encode("utf-8")
    assert paragraphs_of(report_docx(draft, mini))


def test_text_for_the_terminal_has_each_sentence_and_ends_in_the_counts(draft: CheckedDraft, mini: Document) -> None:
    lines = report_text(draft, mini).split("\n")
    assert lines[0] == "1. [文件中没有] 工作汇报"
    assert "2. [与原文不一致] 2026年，全区地区生产总值增长6.2%，一般公共预算收入增长5.4%" in lines
    assert "   原文：全区地区生产总值增长6.2%，一般公共预算收入增长4.5%" in lines
    assert "   出处：《沅湾区2026年国民经济和社会发展计划》第二部分（二）第1段" in lines
    assert lines[-2].startswith("句子：核对 4 句") and lines[-1].startswith("数字：核对 4 个")


def test_examples_in_the_docstrings() -> None:
    assert doctest.testmod(assistant.draft_report).failed == 0

from __future__ import annotations

import doctest

import pytest

import assistant.display
from assistant.display import clean, one_line
from assistant.places import citation_at, place_of, whole_title
from corpus.load import parse_document
from corpus.types import Document


@pytest.mark.parametrize(
    ("words", "paragraph", "section", "brief"),
    [
        pytest.param(
            "一般公共预算收入增长4.5%",
            "2.2.1",
            "二、2026年经济社会发展总体要求和主要目标 / （二）主要目标",
            "第二部分（二）第1段",
            id="body",
        ),
        pytest.param("二、2026年经济社会发展总体要求和主要目标", "2", None, "第二部分标题", id="heading"),
        pytest.param("80120417", "0.10", "文件头", "文件开头第10段", id="head_of_the_document"),
    ],
)
def test_citation_of_a_span_says_where_it_stands(
    mini: Document, words: str, paragraph: str, section: str | None, brief: str
) -> None:
    start = mini.text.index(words)
    citation = citation_at(mini, start, start + len(words), 7)
    assert (citation.n, citation.document, citation.sha256) == (7, mini.doc_id, mini.sha256)
    assert (citation.quote, citation.start, citation.end) == (words, start, start + len(words))
    assert (citation.paragraph, citation.section) == (paragraph, section or words)
    assert place_of(citation, mini).brief() == brief


@pytest.mark.parametrize(("start", "end"), [(5, 5), (-1, 0), (10**6, 10**6 + 1)], ids=["empty", "before", "after"])
def test_span_outside_the_document_has_no_citation(mini: Document, start: int, end: int) -> None:
    with pytest.raises(ValueError):
        citation_at(mini, start, end)


def test_title_carries_the_document_number_where_there_is_one(mini: Document) -> None:
    assert whole_title(mini) == "《沅湾区2026年国民经济和社会发展计划》（沅政发〔2026〕12号）"
    assert whole_title(parse_document("某区2026年工作要点\n一、工业\n增长6%。", "a")) == "《某区2026年工作要点》"


def test_shown_text_has_no_control_characters() -> None:
    assert clean("甲\x00\x0b\u202e乙\ud800\r\n丙") == "甲乙�\n丙"
    assert one_line(" 国民经济和 \n　社会发展\n") == "国民经济和社会发展"


def test_examples_in_the_docstrings() -> None:
    assert doctest.testmod(assistant.display).failed == 0

"""Links to words of the document, the cards that quote them, and the whole text that the links open."""

from __future__ import annotations

import doctest
import re
from dataclasses import replace
from urllib.parse import parse_qsl

import pytest
from test_ui_render import DOCUMENT, DOCUMENTS, INCOME, XSS, Elements, marked, words
from ui_fakes import cite

import ui.permalink
from assistant.types import Citation
from corpus.errors import RequestError
from corpus.load import parse_document
from corpus.segment import clauses, paragraphs
from ui.permalink import (
    Target,
    card_text,
    cards_text,
    citation_query,
    find_target,
    link_markdown,
    page_address,
    query_of,
)
from ui.plan_view import plan_markdown


def fields(query: str) -> dict[str, str]:
    return dict(parse_qsl(query.lstrip("?")))


def test_docstring_examples_hold() -> None:
    assert doctest.testmod(ui.permalink).failed == 0


# --- the card ----------------------------------------------------------------------------------------------------


def test_card_has_title_place_words_and_link() -> None:
    citation = cite(DOCUMENT, INCOME)
    assert card_text(citation, DOCUMENTS, "https://plan.example/") == (
        f"《莱芜区2024年国民经济和社会发展计划》第二部分（二）第1段：“{INCOME}”\n"
        f"https://plan.example/?p=2.2.1&s={citation.start}&e={citation.end}"
    )


def test_card_without_an_address_has_no_link() -> None:
    assert "\n" not in card_text(cite(DOCUMENT, INCOME), DOCUMENTS)


def test_card_of_words_before_the_first_part() -> None:
    assert "》文件开头第10段：“电话" in card_text(cite(DOCUMENT, "电话：76116296"), DOCUMENTS)


def test_card_puts_a_quotation_of_several_lines_on_one() -> None:
    start = DOCUMENT.text.index("关于印发")
    quote = DOCUMENT.text[start : DOCUMENT.text.index("的通知") + 3]
    assert "“关于印发莱芜区2024年国民经济和社会发展计划的通知”" in card_text(cite(DOCUMENT, quote), DOCUMENTS)


@pytest.mark.parametrize(
    "changes",
    [{"sha256": "0" * 64}, {"start": 5}, {"quote": "没有的话"}, {"document": "other"}],
    ids=["other version", "wrong start", "altered quote", "unknown document"],
)
def test_words_that_are_not_there_get_no_link(changes: dict[str, object]) -> None:
    citation = replace(cite(DOCUMENT, INCOME), **changes)  # type: ignore[arg-type]
    assert "http" not in card_text(citation, DOCUMENTS, "https://plan.example/")


def test_several_cards_are_numbered() -> None:
    text = cards_text([cite(DOCUMENT, INCOME, 1), cite(DOCUMENT, "固定资产投资增长6%", 2)], DOCUMENTS)
    assert [line[:3] for line in text.split("\n")] == ["[1]", "[2]"]


# --- from a link to its words and back ---------------------------------------------------------------------------


def test_link_of_every_clause_leads_back_to_it() -> None:
    for paragraph in paragraphs(DOCUMENT):
        for start, end in clauses(DOCUMENT.text, paragraph.start, paragraph.end):
            citation = Citation(1, DOCUMENT.doc_id, "", "", DOCUMENT.text[start:end], start, end, DOCUMENT.sha256)
            assert find_target(fields(citation_query(citation, DOCUMENT)), DOCUMENT) == Target(
                paragraph.paragraph_id, start, end
            )


def test_link_to_a_paragraph_marks_no_words() -> None:
    target = find_target(fields(query_of("2.2.1")), DOCUMENT)
    assert target is not None
    assert target.start == target.end


def test_query_without_a_paragraph_names_nothing() -> None:
    assert find_target({}, DOCUMENT) is None
    assert find_target({"__theme": "dark", "s": "1"}, DOCUMENT) is None


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("?p=9.9.9&s=1&e=2", "段落“9.9.9”在本文件中不存在"),
        ("?p=%3Cscript%3E", "不存在"),
        ("?p=2.2.1&s=1&e=2", "不在所指段落内"),
        ("?p=2.2.1&s=2720&e=2719", "不在所指段落内"),
        ("?p=2.2.1&s=2720&e=99999999", "不在所指段落内"),
        ("?p=2.2.1&s=a&e=b", "不是数字"),
        ("?p=2.2.1&s=2720", "不是数字"),
        ("?p=2.2.1&s=-1&e=5", "不是数字"),
        ("?p=2.2.1&s=٣&e=٤", "不是数字"),
        ("?p=2.2.1&s=" + "9" * 5000 + "&e=1", "不是数字"),
    ],
)
def test_wrong_link_is_one_sentence(query: str, said: str) -> None:
    with pytest.raises(RequestError, match=re.escape(said)) as caught:
        find_target(fields(query), DOCUMENT)
    assert str(caught.value).count("。") == 1


@pytest.mark.parametrize(
    ("headers", "address"),
    [
        ({"referer": "https://gov.example/plan/?p=1&s=2#x", "host": "10.0.0.1"}, "https://gov.example/plan/"),
        ({"referer": "http://127.0.0.1:7860/", "origin": "http://127.0.0.1:7860"}, "http://127.0.0.1:7860/"),
        ({"origin": "https://gov.example", "host": "10.0.0.1"}, "https://gov.example/"),
        ({"origin": "null", "host": "gov.example"}, "http://gov.example/"),
        ({"referer": "javascript:alert(1)"}, ""),
        ({}, ""),
    ],
    ids=["behind a proxy", "local", "referrer withheld", "neither", "no address", "nothing"],
)
def test_links_start_with_the_address_that_the_browser_used(headers: dict[str, str], address: str) -> None:
    assert page_address(headers) == address


# --- the whole text ----------------------------------------------------------------------------------------------


def test_whole_text_holds_every_paragraph_in_order() -> None:
    shown = words(plan_markdown(DOCUMENT))
    position = 0
    for paragraph in paragraphs(DOCUMENT):
        text = DOCUMENT.text[paragraph.start : paragraph.end]
        position = shown.index(text, position) + len(text)


def test_headings_are_headings() -> None:
    shown = plan_markdown(DOCUMENT)
    assert "<h3" in shown
    assert re.search(r"<h4[^>]*>（一）聚力实体经济振兴发展", shown)


def test_words_of_a_link_are_marked_in_their_paragraph_only() -> None:
    target = find_target(fields(citation_query(cite(DOCUMENT, INCOME), DOCUMENT)), DOCUMENT)
    shown = plan_markdown(DOCUMENT, target)
    assert marked(shown) == [INCOME]
    assert shown.count("is-target") == 1
    assert INCOME in words(shown[shown.index("is-target") :].split("</div>")[0])


def test_link_to_words_over_two_lines_marks_both() -> None:
    start = DOCUMENT.text.index("关于印发")
    citation = cite(DOCUMENT, DOCUMENT.text[start : DOCUMENT.text.index("的通知") + 3])
    shown = plan_markdown(DOCUMENT, find_target(fields(citation_query(citation, DOCUMENT)), DOCUMENT))
    assert "".join(marked(shown)) == citation.quote.replace("\n", "").replace(" ", "")


@pytest.mark.parametrize("payload", XSS)
def test_text_of_the_document_is_never_active(payload: str) -> None:
    line = payload.replace("\n", " ")
    document = replace(parse_document(f"关于印发某某的通知\n一、工作\n正文{line}。\n", "other"), title=payload)
    elements = Elements(plan_markdown(document))
    assert elements.names <= {"h2", "h3", "div", "span", "p", "a", "br"}
    assert elements.attributes <= {"class", "href"}


def test_link_leads_nowhere_else() -> None:
    assert link_markdown("") == ""
    assert link_markdown("?p=1&s=2", "<b>") == '<a class="permalink" href="?p=1&amp;s=2">&#60;b&#62;</a>'

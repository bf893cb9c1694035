from __future__ import annotations

import pytest

from assistant.header import header_passages
from assistant.question import understand
from corpus.load import parse_document
from corpus.passages import passages
from corpus.types import Document

ASKED = [
    pytest.param("文号是什么？", "文号", id="number"),
    pytest.param("这份文件的发文字号是多少", "文号", id="number_in_full"),
    pytest.param("印发机关是哪个？", "印发机关", id="issuer"),
    pytest.param("这份计划是哪个机关印发的？", "印发机关", id="issuer_asked_with_a_verb"),
    pytest.param("什么时候印发的？", "印发日期", id="date"),
    pytest.param("印发日期是哪天", "印发日期", id="date_by_name"),
    pytest.param("联系人是谁？", "联系人", id="contact"),
    pytest.param("有疑问找谁联系？", "联系人", id="contact_in_everyday_words"),
    pytest.param("联系电话是多少？", "联系电话", id="telephone"),
    pytest.param("咨询电话", "联系电话", id="telephone_in_two_words"),
    pytest.param("聯繫電話是多少", "联系电话", id="telephone_in_traditional_script"),
    pytest.param("这份通知发给谁", "主送机关", id="addressees"),
    pytest.param("是否公开发布", "公开方式", id="publicity"),
]


def field_asked(text: str, document: Document) -> str | None:
    found = header_passages(understand(text, document), document, passages(document))
    return found[0].field if found else None


def test_two_fields_asked_for_together_are_both_found(document: Document) -> None:
    found = header_passages(understand("查一下发文字号和印发日期", document), document, passages(document))
    assert [passage.field for passage in found] == ["文号", "印发日期"]


@pytest.mark.parametrize(("text", "field"), ASKED)
def test_question_for_the_head_finds_its_field(document: Document, text: str, field: str) -> None:
    assert field_asked(text, document) == field


def test_title_and_year_beside_the_asking_do_not_matter(document: Document) -> None:
    assert field_asked(f"《{document.title}》的文号是什么", document) == "文号"
    assert field_asked(f"{document.year}年{document.place}计划的文号是什么", document) == "文号"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(
            "区长的电话是多少？",
            id="telephone_of_somebody",
        ),
        pytest.param("停车位多少个？", id="figure"),
        pytest.param("消费券什么时候发放？", id="date_of_something"),
        pytest.param("招聘活动的联系人是谁", id="contact_of_something"),
        pytest.param("涉农补贴发给谁", id="receiver_of_money"),
        pytest.param("", id="empty"),
    ],
)
def test_question_for_something_else_finds_no_field(mini: Document, text: str) -> None:
    assert field_asked(text, mini) is None


def test_field_that_the_head_lacks_is_not_found() -> None:
    document = parse_document("沅湾区2026年计划\n一、目标\n增长6%。", "bare")
    assert field_asked("联系电话是多少？", document) is None

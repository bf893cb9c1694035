"""Questions for an account of something: what they are about, and the sentences that are laid out for them."""

from __future__ import annotations

import pytest

from assistant.account import account_wanted
from assistant.service import PlanAssistant
from assistant.types import Answer, Status


@pytest.mark.parametrize(
    ("question", "topic"),
    [
        pytest.param("概括一下今年项目建设的情况", "今年项目建设的情况", id="summary"),
        pytest.param("用大白话说说今年就业怎么抓", "今年就业怎么抓", id="plain words"),
        pytest.param("乡村振兴去年做得怎么样，简单介绍一下", "乡村振兴去年做得怎么样", id="request behind"),
        pytest.param("给村里老人讲讲，今年的目标是什么", "今年的目标是什么", id="for whom"),
        pytest.param("把教育上的安排归纳成三条", "教育上的安排", id="in what form"),
        pytest.param("“三大战略”是什么意思", "“三大战略”", id="meaning"),
        pytest.param("概括成两句话", "", id="form only"),
        pytest.param("用大白话再说一遍", "", id="said again"),
    ],
)
def test_topic_is_what_is_left_without_the_request(question: str, topic: str) -> None:
    wanted = account_wanted(question)
    assert wanted is not None
    assert wanted.is_explicit
    assert wanted.topic == topic


@pytest.mark.parametrize("question", ["新增停车位多少个", "GDP目标增长百分之几", "第一产业比较弱吗", "说明书在哪里领"])
def test_question_for_a_fact_wants_no_account(question: str) -> None:
    assert account_wanted(question) is None


def test_question_how_wants_an_account_without_saying_so() -> None:
    wanted = account_wanted("今年怎么促进消费")
    assert wanted is not None
    assert not wanted.is_explicit


def quotes(answer: Answer) -> str:
    return "|".join(citation.quote for citation in answer.citations)


def test_account_lays_out_whole_sentences_of_the_topic(mini_assistant: PlanAssistant) -> None:
    answer = mini_assistant.ask("概括一下今年发展现代农业的安排")
    assert answer.status is Status.ANSWERED
    assert answer.is_extract
    assert "改造提升高标准农田3万亩，年内补贴各类农机具860台（套）以上，农业生产综合机械化率达到88%" in quotes(answer)
    assert "新认证绿色食品8个、名特优新农产品3个" in quotes(answer)
    for citation in answer.citations:
        assert mini_assistant.document.text[citation.start : citation.end] == citation.quote


def test_year_that_is_named_leaves_the_other_year_out(mini_assistant: PlanAssistant) -> None:
    answer = mini_assistant.ask("概括一下2026年就业方面的安排")
    assert "确保城镇新增就业5000人" in quotes(answer)
    assert "5260" not in quotes(answer)


def test_saying_it_again_in_other_words_is_about_what_was_asked_before(mini_assistant: PlanAssistant) -> None:
    answer = mini_assistant.ask("用大白话再说一遍", ["今年怎么做好稳就业工作"])
    assert answer.is_extract
    assert "城镇新增就业5000人" in quotes(answer)


def test_several_topics_spoken_of_before_are_brought_together(mini_assistant: PlanAssistant) -> None:
    answer = mini_assistant.ask("这两样合在一起讲讲", ["今年新增停车位多少个", "绿色食品新认证几个"])
    assert "新增停车位600个" in quotes(answer)
    assert "新认证绿色食品8个" in quotes(answer)


def test_fact_is_no_account(mini_assistant: PlanAssistant) -> None:
    answer = mini_assistant.ask("今年新增停车位多少个")
    assert not answer.is_extract
    assert "600个" in answer.answer


@pytest.mark.parametrize(
    "question", ["概括一下2031年的就业目标", "介绍一下大连市今年的项目建设", "为什么停车位只新增600个，解释一下"]
)
def test_account_of_what_the_document_does_not_hold_is_refused(mini_assistant: PlanAssistant, question: str) -> None:
    answer = mini_assistant.ask(question)
    assert answer.status is Status.NOT_FOUND
    assert "文件" in answer.answer
    assert "概括" not in answer.answer
    assert "介绍" not in answer.answer

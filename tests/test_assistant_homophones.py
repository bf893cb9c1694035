"""A mistyped character is repaired from the document's own words, and nothing else is touched."""

from __future__ import annotations

import pytest

from assistant.homophones import Homophones

TEXT = "以嬴城电子信息产业园为阵地，实施瀛汶河生态治理项目，新增停车位820个"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        pytest.param("赢城电子信息产业园在哪里", "嬴城电子信息产业园在哪里", id="one_character"),
        pytest.param("嬴汶河治理项目几个", "瀛汶河治理项目几个", id="another_name"),
        pytest.param("新增停车未多少个", "新增停车位多少个", id="inside_a_longer_word"),
        pytest.param("新增停车位多少个", "新增停车位多少个", id="nothing_to_repair"),
        pytest.param("去年赢得了什么", "去年赢得了什么", id="word_of_the_dictionary"),
        pytest.param("明天天气怎么样", "明天天气怎么样", id="nothing_alike"),
        pytest.param("", "", id="empty"),
    ],
)
def test_repair(typed: str, meant: str) -> None:
    assert Homophones(TEXT).repair(typed) == meant

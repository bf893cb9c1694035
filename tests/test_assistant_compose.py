from __future__ import annotations

import pytest

from assistant.compose import enumerated
from corpus.load import parse_document
from corpus.passages import passages


@pytest.mark.parametrize(
    ("sentence", "members"),
    [
        pytest.param(
            "实施“产业立区、文化润区、开放兴区”三大战略。",
            ["产业立区", "文化润区", "开放兴区"],
            id="within_one_quotation",
        ),
        pytest.param("推进“一窗链办”“即备即营”等创新模式。", ["一窗链办", "即备即营"], id="quotations_in_a_row"),
        pytest.param(
            "推进沅湾学校新建、云栖路小学改扩建等3个项目。",
            ["沅湾学校新建", "云栖路小学改扩建"],
            id="opening_and_count_left_out",
        ),
        pytest.param(
            "建成黄河路东路、复元南路和长江路东路。", ["黄河路东路", "复元南路", "长江路东路"], id="last_joined"
        ),
        pytest.param("启动职业教育实训基地建设。", [], id="no_list"),
    ],
)
def test_members_that_a_clause_names_side_by_side(sentence: str, members: list[str]) -> None:
    document = parse_document(f"沅湾区2026年计划\n一、重点\n{sentence}\n", doc_id="members")
    passage = next(passage for passage in passages(document) if passage.is_clause)
    assert enumerated(passage, document) == members

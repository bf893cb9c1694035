from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from assistant.ledger import Ledger, build_ledger
from corpus.figures import find_figures
from corpus.load import parse_document
from corpus.passages import passages
from corpus.types import Document
from evals.ledger_scores import FIELDS, GOLD, GoldEntry, GoldLedgerError, as_text, read_gold, score_ledger

TEXT = "云溪区2026年发展计划\n二、2026年主要目标\n全区工作稳步推进。新增停车位600个，地区生产总值增长6.2%。"
FIELDS_RIGHT = 0.97  # what the issue asks for on the plan: mean over the fields


@pytest.fixture(scope="module")
def document() -> Document:
    return parse_document(TEXT, "one")


@pytest.fixture(scope="module")
def ledger(document: Document) -> Ledger:
    return build_ledger(document, passages(document))


def gold(**changes: Any) -> GoldEntry:
    """The parking spaces of ``TEXT`` as a person reads them, with changes."""
    start = TEXT.index("新增停车位600个")
    fields: dict[str, Any] = {
        "figure": "600个", "figure_start": start + 5, "figure_end": start + 9, "indicator": "停车位", "value": "600", "unit": "个",
        "relation": "新增", "year": 2026, "kind": "target", "place": "云溪区", "paragraph": "1.0.1", "quote": "新增停车位600个", "start": start, "end": start + 9,
    }  # fmt: skip
    return GoldEntry.model_validate(fields | changes)


def test_rules_read_the_plan_as_people_do(plan: Document) -> None:
    scores = score_ledger(build_ledger(plan, passages(plan)), read_gold(GOLD))
    assert scores.recall == 1
    assert scores.precision == 1
    assert scores.mean >= FIELDS_RIGHT
    assert scores.fields["indicator"] >= FIELDS_RIGHT


def test_gold_of_the_plan_holds_every_figure_where_it_stands(plan: Document) -> None:
    entries = read_gold(GOLD)
    assert [(e.figure_start, e.figure_end) for e in entries] == [(f.start, f.end) for f in find_figures(plan.text)]
    assert all(plan.text[e.start : e.end] == e.quote for e in entries)
    assert all(plan.text[e.figure_start : e.figure_end] == e.figure for e in entries)


def test_a_figure_that_is_read_as_the_person_did_is_right_in_every_field(ledger: Ledger) -> None:
    scores = score_ledger(ledger, [gold()])
    assert (scores.recall, scores.mean, scores.all_right) == (1, 1, 1)
    assert scores.precision == 0.5  # the other figure of the text is not in this gold


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        pytest.param({"indicator": "车位"}, "indicator", id="indicator"),
        pytest.param({"value": "60"}, "value", id="value"),
        pytest.param({"upper": "700"}, "upper", id="upper"),
        pytest.param({"unit": "万个"}, "unit", id="unit"),
        pytest.param({"bound": "以上"}, "bound", id="bound"),
        pytest.param({"relation": "建成"}, "relation", id="relation"),
        pytest.param({"year": 2025}, "year", id="year"),
        pytest.param({"year": None}, "year", id="no_year"),
        pytest.param({"kind": "result"}, "kind", id="kind"),
        pytest.param({"place": "高新区"}, "place", id="place"),
        pytest.param({"paragraph": "9.9.9"}, "paragraph", id="paragraph"),
        pytest.param({"end": len(TEXT)}, "quote", id="span_of_the_quotation"),
    ],
)
def test_a_field_that_differs_is_one_miss_with_both_readings(
    ledger: Ledger, changes: dict[str, Any], field: str
) -> None:
    scores = score_ledger(ledger, [gold(**changes)])
    assert scores.fields == {name: float(name != field) for name in FIELDS}
    assert scores.all_right == 0
    assert [miss.field for miss in scores.misses if miss.field != "figure"] == [field]


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"indicator": "车位", "indicators_also": ["停车位"]}, id="another_wording_of_the_indicator"),
        pytest.param({"relation": "建成", "relations_also": ["新增"]}, id="another_relation"),
        pytest.param({"kind": "stock", "kinds_also": ["target"]}, id="another_kind"),
        pytest.param({"place": "全区", "places_also": ["云溪区"]}, id="another_place"),
        pytest.param({"indicator": "“停车位”"}, id="quotation_marks"),
        pytest.param({"value": "600.0"}, id="zeros_behind_the_point"),
    ],
)
def test_what_counts_as_right_too(ledger: Ledger, changes: dict[str, Any]) -> None:
    assert score_ledger(ledger, [gold(**changes)]).all_right == 1


def test_a_figure_without_entry_is_wrong_in_every_field(document: Document) -> None:
    scores = score_ledger(Ledger(document, (), ()), [gold()])
    assert (scores.recall, scores.precision, scores.mean) == (0, 0, 0)
    assert [miss.field for miss in scores.misses] == ["figure"]


def test_no_gold_is_no_measure(ledger: Ledger) -> None:
    with pytest.raises(ValueError, match="empty"):
        score_ledger(ledger, [])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("{}", "第 1 行", id="fields_missing"),
        pytest.param("no json", "第 1 行", id="no_json"),
        pytest.param("\n", "没有台账答案", id="empty"),
    ],
)
def test_a_gold_file_that_cannot_be_used_is_named(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "gold.jsonl"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(GoldLedgerError, match=said):
        read_gold(path)


def test_a_missing_gold_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(GoldLedgerError, match="无法读取"):
        read_gold(tmp_path / "none.jsonl")


def test_gold_whose_figure_stands_outside_its_quotation_is_refused() -> None:
    with pytest.raises(ValueError, match="引文之内"):
        gold(start=0, end=3)


def test_report_names_every_miss(ledger: Ledger) -> None:
    report = as_text(score_ledger(ledger, [gold(indicator="车位")]))
    assert "indicator：应为“车位”，得到“停车位”｜新增停车位600个" in report

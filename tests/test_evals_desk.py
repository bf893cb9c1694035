from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import pytest

from assistant.ledger import Ledger, build_ledger
from corpus.load import parse_document
from corpus.passages import passages
from corpus.types import Document
from evals.cli import run
from evals.desk import examine_desk, gold_of, ledger_report

TEXT = "一、2026年主要目标\n地区生产总值增长6%，新增停车位600个以上。\n"


@pytest.fixture(scope="module")
def small() -> Document:
    return replace(parse_document(TEXT, doc_id="small"), year=2026, place="云溪区")


def test_gold_is_found_by_its_quotes(plan: Document, small: Document) -> None:
    assert gold_of(plan)
    assert gold_of(small) is None


def test_gold_of_a_text_with_one_character_more_is_another(plan: Document) -> None:
    assert gold_of(replace(plan, text="　" + plan.text)) is None


def test_report_counts_what_is_placed_and_what_is_not(small: Document) -> None:
    ledger = build_ledger(small, passages(small))
    report = ledger_report(ledger)
    assert (report.figures, report.placed, report.unplaced, report.scores) == (2, 2, 0, None)
    assert ledger_report(Ledger(small, ledger.entries[:1], ())).placed == 1


def test_desk_holds_both_tests_of_each_document(small: Document) -> None:
    (report,) = examine_desk({"small": small})
    assert report.mutations.is_clean
    groups = [group for group, *_ in report.mutation_rows()]
    assert set(groups) == {"改动", "无害的写法"}
    assert all(right <= tried for _, _, tried, right in report.mutation_rows())
    assert report.ledger.figures == 2


def test_command_prints_how_complete_the_ledger_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "small.txt"
    source.write_text(TEXT, encoding="utf-8")
    assert run(argparse.Namespace(ledger=True, source=[source])) == 0
    assert "全文数字 2 个：已归类 2，未归类 0" in capsys.readouterr().out


def test_command_prints_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "small.txt"
    source.write_text(TEXT, encoding="utf-8")
    run(argparse.Namespace(ledger=True, source=[source], json=True))
    (report,) = json.loads(capsys.readouterr().out)
    assert (report["figures"], report["placed"], report["scores"]) == (2, 2, None)

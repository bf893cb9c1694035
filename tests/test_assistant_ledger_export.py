from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from openpyxl import load_workbook

from assistant.cli import main
from assistant.ledger import EntryKind, Ledger, build_ledger
from assistant.ledger_export import HEADINGS, as_csv, as_json, as_table, as_xlsx, filtered, rows
from corpus.figures import find_figures
from corpus.load import parse_document
from corpus.passages import passages
from corpus.types import Document

FORMULAS = ["=1+1个", "+增长", "-下降", "@公园"]


def of(document: Document) -> Ledger:
    return build_ledger(document, passages(document))


@pytest.fixture(scope="module")
def ledger(mini: Document) -> Ledger:
    return of(mini)


@pytest.fixture(scope="module")
def mixed() -> Ledger:
    """A ledger with a placed and an unplaced figure."""
    text = "云溪区2026年发展计划\n二、2026年主要目标\n全区工作稳步推进。新增停车位600个。庆祝建区100周年。"
    return of(parse_document(text, "mixed"))


def csv_rows(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))


@pytest.mark.parametrize(
    ("arguments", "indicators"),
    [
        pytest.param(
            {"year": 2026, "words": "地区生产总值"}, ["地区生产总值"], id="year_and_word"
        ),
        pytest.param({"kind": EntryKind.COUNT, "words": "省重点"}, ["省重点", "市级重点建设类项目"], id="kind"),
        pytest.param({"section": "主要目标", "words": "进出口"}, ["进出口总额"], id="section"),
        pytest.param({"section": "主要目标", "words": "财政 收入"}, [], id="every_word_counts"),
        pytest.param({"year": 1999}, [], id="nothing_fits"),
    ],
)  # fmt: skip
def test_filter_keeps_what_fits(ledger: Ledger, arguments: dict[str, object], indicators: list[str]) -> None:
    found = filtered(ledger, **arguments)  # type: ignore[arg-type]
    assert [e.indicator for e in found.entries] == indicators


def test_filter_without_wishes_keeps_everything(ledger: Ledger) -> None:
    assert filtered(ledger) == ledger


def test_filters_by_year_share_out_the_ledger(ledger: Ledger) -> None:
    years = {e.year for e in ledger.entries}
    assert None not in years
    assert sum(len(filtered(ledger, year=year).entries) for year in years) == len(ledger.entries)


@pytest.mark.parametrize(
    ("year", "kind", "is_kept"),
    [
        pytest.param(2026, None, True, id="year_of_its_paragraph"),
        pytest.param(2025, None, False, id="another_year"),
        pytest.param(None, EntryKind.TARGET, True, id="kind_of_its_paragraph"),
        pytest.param(None, EntryKind.RESULT, False, id="another_kind"),
    ],
)
def test_an_unplaced_figure_is_filtered_by_its_paragraph(
    mixed: Ledger, year: int | None, kind: EntryKind | None, is_kept: bool
) -> None:
    assert bool(filtered(mixed, year, kind).unplaced) is is_kept


def test_rows_are_every_figure_in_reading_order(mini: Document, ledger: Ledger) -> None:
    assert [row.figure for row in rows(ledger)] == [f.text for f in find_figures(mini.text)]
    assert [row.figure_start for row in rows(ledger)] == [f.start for f in find_figures(mini.text)]


def test_csv_opens_in_excel_with_chinese_headings_and_the_place_of_each_figure(mini: Document, ledger: Ledger) -> None:
    data = as_csv(ledger)
    assert data.startswith(b"\xef\xbb\xbf")
    read = csv_rows(data)
    assert tuple(read[0]) == HEADINGS
    assert len(read) == len(ledger.entries)
    for row in read:
        assert mini.text[int(row["原文起"]) : int(row["原文止"])] == row["原文"]
        assert mini.text[int(row["数字起"]) : int(row["数字止"])] == row["数字原文"]
        assert row["文件sha256"] == mini.sha256
        assert row["章节"] and row["段落"]


def test_csv_lists_unplaced_figures_too(mixed: Ledger) -> None:
    placed, unplaced = csv_rows(as_csv(mixed))
    assert (placed["状态"], placed["指标"], placed["数值"]) == ("已归类", "停车位", "600")
    assert (unplaced["状态"], unplaced["指标"], unplaced["数字原文"]) == ("未归类", "", "100周年")
    assert unplaced["原文"] == "庆祝建区100周年"


def test_workbook_has_a_bold_heading_that_stays_in_view(ledger: Ledger) -> None:
    sheet = load_workbook(io.BytesIO(as_xlsx(ledger))).active
    assert tuple(cell.value for cell in sheet[1]) == HEADINGS
    assert all(cell.font.bold for cell in sheet[1])
    assert sheet.freeze_panes == "A2"
    assert sheet.column_dimensions["B"].width > 8
    assert sheet.max_row == len(ledger.entries) + 1


def test_workbook_holds_numbers_as_numbers(mixed: Ledger) -> None:
    sheet = load_workbook(io.BytesIO(as_xlsx(mixed))).active
    [row] = [r for r in sheet.iter_rows(min_row=2, values_only=True) if r[0] == "已归类"]
    assert row[HEADINGS.index("数值")] == 600


@pytest.fixture
def tempting() -> Ledger:
    """A ledger whose quotations begin like formulas."""
    lines = "\n".join(f"{words}增长5%，公园6个" for words in FORMULAS)
    return of(parse_document(f"云溪区2026年发展计划\n二、2026年主要目标\n{lines}", "tempting"))


def test_no_csv_cell_is_a_formula(tempting: Ledger) -> None:
    read = csv_rows(as_csv(tempting))
    cells = [cell for row in read for cell in row.values()]
    assert any(cell.startswith("'=") for cell in cells)
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]


def test_no_workbook_cell_is_a_formula(tempting: Ledger) -> None:
    sheet = load_workbook(io.BytesIO(as_xlsx(tempting))).active
    cells = [cell for row in sheet.iter_rows(min_row=2) for cell in row if isinstance(cell.value, str)]
    assert any(cell.value.startswith("=") for cell in cells)
    assert {cell.data_type for cell in cells} == {"s"}


def test_json_has_english_keys_and_counts(mixed: Ledger) -> None:
    data = json.loads(as_json(mixed))
    assert (data["placed"], data["unplaced"], data["sha256"]) == (1, 1, mixed.document.sha256)
    placed, unplaced = data["figures"]
    assert placed | {"indicator": "停车位", "value": "600", "unit": "个", "kind": "target", "year": 2026} == placed
    assert (placed["status"], unplaced["status"]) == ("placed", "unplaced")
    assert mixed.document.text[unplaced["figure_start"] : unplaced["figure_end"]] == "100周年"
    assert all(key.isascii() for record in data["figures"] for key in record)


def test_json_keeps_every_digit_of_a_value() -> None:
    ledger = of(parse_document("云溪区2026年发展计划\n二、2026年主要目标\n全区工作。技术合同成交额7.10亿元。", "one"))
    [record] = json.loads(as_json(ledger))["figures"]
    assert record["value"] == "7.10"


def test_table_shows_placed_then_unplaced_then_counts(mixed: Ledger) -> None:
    table = as_table(mixed, width=120)
    head, row, unplaced, counts, document = table.splitlines()
    assert head.startswith("指标")
    assert "停车位" in row and "600个" in row and "目标" in row
    assert unplaced.startswith("未归类：100周年")
    assert counts == "共 2 个数字：已归类 1 个，未归类 1 个。"
    assert document.endswith(mixed.document.sha256)


def test_table_of_nothing_says_so(mixed: Ledger) -> None:
    assert as_table(filtered(mixed, year=1999)).startswith("共 0 个数字")


def test_command_lists_what_is_asked_for(mini_path: Path, ledger: Ledger, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["targets", "--source", str(mini_path), "--year", "2026", "--kind", "target", "--format", "json"])
    assert code == 0
    written = capsys.readouterr()
    data = json.loads(written.out)
    assert {(r["year"], r["kind"]) for r in data["figures"]} == {(2026, "target")}
    assert data["placed"] == len(filtered(ledger, 2026, EntryKind.TARGET).entries)
    assert written.err == ""


def test_command_without_options_shows_the_bundled_plan(capsys: pytest.CaptureFixture[str], plan: Document) -> None:
    assert main(["targets"]) == 0
    assert plan.sha256 in capsys.readouterr().out


def test_workbook_needs_a_file(mini_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["targets", "--source", str(mini_path), "--format", "xlsx"]) == 2
    written = capsys.readouterr()
    assert written.out == ""
    assert written.err == "--format xlsx 需要同时用 --out 指定结果文件。\n"


@pytest.mark.parametrize("form", ["table", "csv", "xlsx", "json"])
def test_every_form_can_be_written_to_a_file(
    form: str, mini_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / f"ledger.{form}"
    assert main(["targets", "--source", str(mini_path), "--format", form, "--out", str(target)]) == 0
    written = capsys.readouterr()
    assert target.stat().st_size > 1000
    assert written.out == "" and str(target) in written.err
    assert list(tmp_path.iterdir()) == [target]


def test_csv_file_is_what_standard_output_holds(
    mini_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "ledger.csv"
    assert main(["targets", "--source", str(mini_path), "--format", "csv"]) == 0
    shown = capsys.readouterr().out
    assert main(["targets", "--source", str(mini_path), "--format", "csv", "--out", str(target)]) == 0
    assert shown.encode("utf-8") == target.read_bytes()


def test_document_itself_is_never_overwritten(
    mini_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "plan.txt"
    copy.write_bytes(mini_path.read_bytes())
    assert main(["targets", "--source", str(copy), "--format", "csv", "--out", str(copy)]) == 1
    assert "就是输入的文件" in capsys.readouterr().err
    assert copy.read_bytes() == mini_path.read_bytes()


@pytest.mark.parametrize(
    ("out", "said"),
    [
        pytest.param("none/ledger.csv", "不存在", id="folder_is_missing"),
        pytest.param(".", "是文件夹", id="folder_given"),
    ],
)
def test_a_place_that_cannot_be_written_is_said_in_one_sentence(
    out: str, said: str, mini_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["targets", "--source", str(mini_path), "--format", "csv", "--out", str(tmp_path / out)])
    error = capsys.readouterr().err
    assert code == 1
    assert said in error and error.count("\n") == 1


def test_an_empty_document_is_said_in_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    empty = tmp_path / "empty.txt"
    empty.write_bytes(b"")
    assert main(["targets", "--source", str(empty)]) == 1
    assert "是空的" in capsys.readouterr().err

"""Filter a ledger and write it as a table, CSV, XLSX or JSON, each row with its place in the plan."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from assistant.ledger import EntryKind, Ledger, LedgerEntry, UnplacedFigure
from assistant.normalise import fold
from corpus.segment import paragraphs
from corpus.types import Document

KIND_NAMES = {
    EntryKind.RESULT: "实际",
    EntryKind.TARGET: "目标",
    EntryKind.STOCK: "存量",
    EntryKind.COUNT: "数目",
}
PLACED, UNPLACED = "已归类", "未归类"
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_WIDE = 200  # columns of a table that goes into a file or another program
_MAX_COLUMN_WIDTH = 60  # characters of a column in a workbook


@dataclass(frozen=True, slots=True)
class Row:
    """One figure as it is exported: placed, or not placed with its fields empty. Offsets count characters."""

    status: str
    indicator: str
    relation: str
    figure: str
    value: Decimal | None
    upper: Decimal | None
    unit: str
    bound: str
    year: int | None
    kind: EntryKind | None
    place: str
    section: tuple[str, ...]
    paragraph: str
    quote: str
    start: int
    end: int
    figure_start: int
    figure_end: int
    document: str
    sha256: str
    identifier: str


_COLUMNS: tuple[tuple[str, str], ...] = (
    ("状态", "status"),
    ("指标", "indicator"),
    ("关系", "relation"),
    ("数字原文", "figure"),
    ("数值", "value"),
    ("数值上限", "upper"),
    ("单位", "unit"),
    ("限定词", "bound"),
    ("年份", "year"),
    ("类别", "kind"),
    ("主体", "place"),
    ("章节", "section"),
    ("段落", "paragraph"),
    ("原文", "quote"),
    ("原文起", "start"),
    ("原文止", "end"),
    ("数字起", "figure_start"),
    ("数字止", "figure_end"),
    ("文件", "document"),
    ("文件sha256", "sha256"),
    ("编号", "identifier"),
)
HEADINGS = tuple(heading for heading, _ in _COLUMNS)


def filtered(
    ledger: Ledger, year: int | None = None, kind: EntryKind | None = None, section: str = "", words: str = ""
) -> Ledger:
    """The entries of a year and kind, under headings that hold ``section``, that hold every one of ``words``.

    Args:
        ledger: The ledger; it is not changed.
        year: ``None`` for every year, also for figures without one.
        kind: ``None`` for every kind.
        section: A part of a heading, in any width or script; empty for all.
        words: Words parted by blanks, looked for in indicator, relation, place and quotation; empty for all.

    Returns:
        The ledger with what fits, in reading order. An unplaced figure has no kind and only the year of its
        paragraph: it fits where its paragraph is of the year, and no kind but that of its paragraph is asked for.
    """
    wanted = [fold(word) for word in words.split()]
    heading = fold(section)

    def fits(path: tuple[str, ...], *texts: str) -> bool:
        said = fold(" ".join(texts))
        return (not heading or heading in fold(" ".join(path))) and all(word in said for word in wanted)

    known = {p.paragraph_id: (p.year, p.kind.value) for p in paragraphs(ledger.document)}

    def may_fit(figure: UnplacedFigure) -> bool:
        own_year, own_kind = known.get(figure.paragraph, (None, ""))
        return (year is None or own_year == year) and (kind is None or own_kind == kind.value)

    return replace(
        ledger,
        entries=tuple(
            e
            for e in ledger.entries
            if (year is None or e.year == year)
            and (kind is None or e.kind is kind)
            and fits(e.section, e.indicator, e.relation, e.place, e.quote)
        ),
        unplaced=tuple(u for u in ledger.unplaced if may_fit(u) and fits(u.section, u.quote)),
    )


def rows(ledger: Ledger) -> list[Row]:
    """Entries and unplaced figures together, in reading order."""
    found = [*_placed(ledger), *_not_placed(ledger)]
    return sorted(found, key=lambda row: row.figure_start)


def _placed(ledger: Ledger) -> Iterator[Row]:
    document = ledger.document
    for e in ledger.entries:
        figure = document.text[e.figure_start : e.figure_end]
        yield Row(
            PLACED, e.indicator, e.relation, figure, e.value, e.upper, e.unit, e.bound, e.year, e.kind, e.place,
            *_whereabouts(document, e), e.entry_id,
        )  # fmt: skip


def _not_placed(ledger: Ledger) -> Iterator[Row]:
    for u in ledger.unplaced:
        yield Row(UNPLACED, "", "", u.figure, None, None, "", "", None, None, "", *_whereabouts(ledger.document, u), "")


def _whereabouts(
    document: Document, figure: LedgerEntry | UnplacedFigure
) -> tuple[tuple[str, ...], str, str, int, int, int, int, str, str]:
    return (
        figure.section,
        figure.paragraph,
        figure.quote,
        figure.start,
        figure.end,
        figure.figure_start,
        figure.figure_end,
        document.title or document.doc_id,
        document.sha256,
    )


def _cell(row: Row, name: str) -> str | int | float:
    """What stands in a cell: numbers as numbers, everything else as words."""
    value = getattr(row, name)
    if value is None:
        return ""
    if isinstance(value, EntryKind):
        return KIND_NAMES[value]
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, tuple):
        return " / ".join(value)
    return value if isinstance(value, int) else str(value)


def _harmless(value: str | int | float) -> str | int | float:
    """A cell that a spreadsheet does not take for a formula: an apostrophe goes before one that looks like it."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA_STARTS) else value


def as_csv(ledger: Ledger) -> bytes:
    """The ledger as CSV in UTF-8 with byte order mark, which Excel opens rightly; headings in Chinese."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(HEADINGS)
    for row in rows(ledger):
        writer.writerow([_harmless(_cell(row, name)) for _, name in _COLUMNS])
    return text.getvalue().encode("utf-8-sig", "replace")


def as_xlsx(ledger: Ledger) -> bytes:
    """The ledger as a workbook of one sheet; the heading row is bold and stays in view."""
    from openpyxl import Workbook
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
    from openpyxl.styles import Alignment, Font
    from openpyxl.utils import get_column_letter

    book = Workbook()
    sheet = book.active
    sheet.title = "指标台账"
    sheet.append(HEADINGS)
    for cell in sheet[1]:
        cell.font = Font(bold=True)
    sheet.freeze_panes = "A2"
    widths = [_width(heading) for heading in HEADINGS]
    for number, row in enumerate(rows(ledger), start=2):
        for column, (_, name) in enumerate(_COLUMNS, start=1):
            value = _cell(row, name)
            if isinstance(value, str):
                value = ILLEGAL_CHARACTERS_RE.sub("", value.encode("utf-8", "replace").decode("utf-8"))
            cell = sheet.cell(number, column, value)
            cell.alignment = Alignment(wrap_text=True, vertical="top")
            if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
                cell.data_type, cell.quotePrefix = "s", True
            widths[column - 1] = max(widths[column - 1], _width(str(value)))
    for column, width in enumerate(widths, start=1):
        sheet.column_dimensions[get_column_letter(column)].width = min(width + 2, _MAX_COLUMN_WIDTH)
    sheet.auto_filter.ref = sheet.dimensions
    sheet.page_setup.orientation, sheet.page_setup.fitToHeight = "landscape", 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.print_title_rows = "1:1"
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def _width(text: str) -> int:
    """How wide a text is in columns of a sheet; a Chinese character takes two."""
    return sum(2 if ord(character) > 0x2E7F else 1 for character in text)


def as_json(ledger: Ledger) -> str:
    """The ledger as JSON: the document, the counts, and one record a figure with English keys.

    Values are strings as written, so that no digit is lost.
    """
    document = ledger.document
    records = rows(ledger)
    data = {
        "document": document.doc_id,
        "title": document.title,
        "sha256": document.sha256,
        "placed": len(ledger.entries),
        "unplaced": len(ledger.unplaced),
        "figures": [_record(row) for row in records],
    }
    return json.dumps(data, ensure_ascii=False, indent=2)


def _record(row: Row) -> dict[str, Any]:
    return {
        "id": row.identifier or None,
        "status": "placed" if row.status == PLACED else "unplaced",
        "indicator": row.indicator,
        "relation": row.relation,
        "figure": row.figure,
        "value": None if row.value is None else str(row.value),
        "upper": None if row.upper is None else str(row.upper),
        "unit": row.unit,
        "bound": row.bound,
        "year": row.year,
        "kind": row.kind.value if row.kind else None,
        "place": row.place,
        "section": list(row.section),
        "paragraph": row.paragraph,
        "quote": row.quote,
        "start": row.start,
        "end": row.end,
        "figure_start": row.figure_start,
        "figure_end": row.figure_end,
        "sha256": row.sha256,
    }


def as_table(ledger: Ledger, width: int | None = None) -> str:
    """The ledger for the terminal: a table of the placed figures, the unplaced ones below it, and the counts.

    Args:
        ledger: What is shown; an empty one gives the counts alone.
        width: Columns of the terminal; found out where it is ``None``, and wide where there is no terminal.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    lines = io.StringIO()
    if width is None and not sys.stdout.isatty():
        width = _WIDE
    console = Console(file=lines, width=width, color_system=None, highlight=False, emoji=False, markup=False)
    if ledger.entries:
        table = Table(box=None, pad_edge=False, header_style="")
        for heading in ("指标", "关系", "数字", "年份", "类别", "主体", "段落", "原文"):
            table.add_column(heading, overflow="fold", no_wrap=heading in ("年份", "类别"))
        for row in rows(replace(ledger, unplaced=())):
            cells = (
                row.indicator, row.relation, row.figure, str(row.year or ""), str(_cell(row, "kind")), row.place,
                row.paragraph, row.quote,
            )  # fmt: skip
            table.add_row(*(Text(cell) for cell in cells))
        console.print(table)
    below = [f"{UNPLACED}：{u.figure}（第{u.paragraph}段：“{u.quote}”）" for u in ledger.unplaced]
    placed, unplaced = len(ledger.entries), len(ledger.unplaced)
    below += [
        f"共 {placed + unplaced} 个数字：{PLACED} {placed} 个，{UNPLACED} {unplaced} 个。",
        f"文件 {ledger.document.title or ledger.document.doc_id}，sha256 {ledger.document.sha256}",
    ]
    return "\n".join([*(line.rstrip() for line in lines.getvalue().splitlines()), *below])

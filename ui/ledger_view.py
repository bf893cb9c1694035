"""The ledger as the page shows it: as rows of a table, as counts, as a list; pure, everything escaped for Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Literal

from assistant.ledger import Ledger, LedgerEntry, UnplacedFigure
from assistant.ledger_export import KIND_NAMES
from assistant.places import Place, citation_at, place_of
from assistant.types import Citation
from corpus.types import Document
from ui.permalink import citation_query, link_markdown
from ui.render import escape_inline

ALL = "全部"
HEADERS = ("序号", "指标", "数值", "单位", "界限", "关系", "年份", "性质", "位置", "原文")
DATATYPES: tuple[Literal["number", "str"], ...] = (
    "number",
    "str",
    "number",
    "str",
    "str",
    "str",
    "number",
    "str",
    "str",
    "str",
)
WIDTHS = ("76px", "190px", "88px", "80px", "80px", "80px", "80px", "80px", "180px", "262px")


def in_section(ledger: Ledger, section: tuple[str, ...]) -> Ledger:
    """The part of a ledger that stands under ``section``: headings from the outermost on, none for all."""
    depth = len(section)
    return replace(
        ledger,
        entries=tuple(entry for entry in ledger.entries if entry.section[:depth] == section),
        unplaced=tuple(figure for figure in ledger.unplaced if figure.section[:depth] == section),
    )


def year_choices(ledger: Ledger) -> list[str]:
    """The years of the entries, latest first."""
    return sorted({str(entry.year) for entry in ledger.entries if entry.year is not None}, reverse=True)


def section_choices(ledger: Ledger) -> list[tuple[str, tuple[str, ...]]]:
    """Names and headings of the sections that hold figures, in the order of the document, inner ones set in."""
    found: dict[tuple[str, ...], None] = {}
    spans = sorted([(e.start, e.section) for e in ledger.entries] + [(u.start, u.section) for u in ledger.unplaced])
    for _, section in spans:
        for depth in range(1, len(section) + 1):
            found.setdefault(section[:depth])
    return [("　" * (len(section) - 1) + section[-1], section) for section in found]


# --- the table ---------------------------------------------------------------------------------------------------


def table(ledger: Ledger, numbers: Mapping[str, int]) -> dict[str, Any]:
    """Rows for ``gr.Dataframe``, values to sort by beside the words to show.

    Args:
        ledger: What is shown.
        numbers: The running number of each entry in the whole ledger, by ``entry_id``.
    """
    rows = [_row(entry, numbers[entry.entry_id], ledger.document) for entry in ledger.entries]
    shown = [[str(cell) for cell in row] for row in rows]
    for row, entry in zip(shown, ledger.entries, strict=True):
        row[2], row[6] = value_words(entry), str(entry.year or "")
    return {"headers": list(HEADERS), "data": rows, "metadata": {"display_value": shown, "styling": None}}


def _row(entry: LedgerEntry, number: int, document: Document) -> list[Any]:
    return [
        number,
        whose(entry, document),
        float(entry.value),
        entry.unit,
        entry.bound,
        entry.relation,
        entry.year or 0,
        KIND_NAMES[entry.kind],
        place_of_span(entry, document).brief(),
        entry.quote.replace("\n", ""),
    ]


def whose(entry: LedgerEntry, document: Document) -> str:
    """The indicator, with its place where that is not the document's own."""
    has_other_place = entry.place and entry.place != document.place and entry.place not in entry.indicator
    return f"{entry.place}{entry.indicator}" if has_other_place else entry.indicator


def value_words(entry: LedgerEntry) -> str:
    """The value as written, ``6-8`` for a range."""
    return f"{entry.value}-{entry.upper}" if entry.upper is not None else str(entry.value)


def running_numbers(ledger: Ledger) -> dict[str, int]:
    """Numbers of the entries from 1 on, in reading order, by ``entry_id``."""
    return {entry.entry_id: number for number, entry in enumerate(ledger.entries, start=1)}


def count_line(shown: Ledger, whole: Ledger) -> str:
    """How many entries are shown, of how many, and how many figures have no place in the ledger."""
    all_of_them = f"（全部 {len(whole.entries)} 条）" if len(shown.entries) != len(whole.entries) else ""
    return f"共 **{len(shown.entries)}** 条{all_of_them}，另有 {len(shown.unplaced)} 个数字未归类"


# --- places ------------------------------------------------------------------------------------------------------


def cited(figure: LedgerEntry | UnplacedFigure, document: Document) -> Citation:
    """The quotation of an entry, as a citation."""
    return citation_at(document, figure.start, figure.end)


def place_of_span(figure: LedgerEntry | UnplacedFigure, document: Document) -> Place:
    """Where a figure stands, in words."""
    return place_of(cited(figure, document), document)


def unplaced_markdown(figures: Iterable[UnplacedFigure], document: Document) -> str:
    """The figures that are not in the ledger, each with its sentence and place."""
    items = [_unplaced_item(figure, document) for figure in figures]
    return "\n".join(items) if items else '<p class="panel-empty">没有未归类的数字。</p>'


def _unplaced_item(figure: UnplacedFigure, document: Document) -> str:
    before = document.text[figure.start : figure.figure_start]
    within = document.text[figure.figure_start : figure.figure_end]
    after = document.text[figure.figure_end : figure.end]
    link = link_markdown(citation_query(cited(figure, document), document))
    return (
        f"- {escape_inline(before)}<mark>{escape_inline(within)}</mark>{escape_inline(after)}<br>"
        f'<span class="source-line">{escape_inline(place_of_span(figure, document).short())}'
        f" {link}</span>"
    )

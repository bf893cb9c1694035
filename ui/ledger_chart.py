"""The result of one year beside the target of the next, as bars in Markdown; pure, everything escaped."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from assistant.comparison import Pair, pairs, way
from assistant.ledger import Ledger, LedgerEntry
from assistant.places import citation_at
from corpus.types import Document
from ui.permalink import citation_query, link_markdown
from ui.render import escape_inline


def chart_markdown(ledger: Ledger) -> str:
    """Bars for every indicator that may be compared, with the figures as written.

    Shares and rates share a scale, amounts have each their own.
    """
    compared, document = pairs(ledger), ledger.document
    if not compared or document.year is None:
        return '<p class="panel-empty">没有同时给出上年实际与本年目标、口径相同的指标。</p>'
    names = (f"{document.year - 1}年实际", f"{document.year}年目标")
    rates = [pair for pair in compared if _is_rate(pair)]
    amounts = [pair for pair in compared if not _is_rate(pair)]
    top = max((value for pair in rates for value in _values(pair)), default=Decimal(0))
    blocks = [_legend(names)]
    blocks += _group("增速与比重", rates, names, document, top)
    blocks += _group("总量与数量（各按自身比例）", amounts, names, document, None)
    return "\n\n".join(blocks)


def _legend(names: tuple[str, str]) -> str:
    return (
        f'<p class="legend"><span class="legend-result">{escape_inline(names[0])}</span>'
        f'<span class="legend-target">{escape_inline(names[1])}</span></p>'
    )


def _is_rate(pair: Pair) -> bool:
    return pair.later.unit == "%"


def _values(pair: Pair) -> tuple[Decimal, Decimal]:
    return abs(pair.earlier.value), abs(pair.later.value)


def _group(
    title: str, compared: Sequence[Pair], names: tuple[str, str], document: Document, top: Decimal | None
) -> list[str]:
    if not compared:
        return []
    items = "".join(_pair(pair, names, document, max(_values(pair)) if top is None else top) for pair in compared)
    return [f'<h4 class="chart-title">{title}</h4>', f'<div class="chart">{items}</div>']


def _pair(pair: Pair, names: tuple[str, str], document: Document, top: Decimal) -> str:
    change = {"rise": "增长", "fall": "下降"}.get(way(pair.later), "")
    indicator = pair.later.indicator.removesuffix(change) + change
    bars = _bar("result", names[0], pair.earlier, document, top) + _bar("target", names[1], pair.later, document, top)
    return f'<div class="pair"><p class="pair-name">{escape_inline(indicator)}</p>{bars}</div>'


def _bar(name: str, label: str, entry: LedgerEntry, document: Document, top: Decimal) -> str:
    share = round(100 * abs(entry.value) / top) if top else 0
    figure = document.text[entry.figure_start : entry.figure_end]
    link = link_markdown(citation_query(citation_at(document, entry.start, entry.end), document), figure)
    return (
        f'<p class="bar"><span class="bar-label">{escape_inline(label)}</span>'
        f'<span class="bar-track"><span class="bar-fill bar-{name}" style="width:{share}%"></span></span>'
        f'<span class="bar-value">{link}</span></p>'
    )

"""The tab 指标台账 without a browser: rows, filters, counts, chart."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from test_ui_render import XSS, Elements, marked, words
from ui_fakes import FakeAssistant, FakeDesk

from assistant.ledger import Ledger
from corpus.load import parse_document
from ui.ledger_chart import chart_markdown
from ui.ledger_view import (
    HEADERS,
    count_line,
    in_section,
    running_numbers,
    section_choices,
    table,
    unplaced_markdown,
    value_words,
    year_choices,
)
from ui.types import LedgerKeeper

LEDGER = FakeDesk().ledger()


def column(ledger: Ledger, name: str) -> list[Any]:
    rows = table(ledger, running_numbers(LEDGER))["data"]
    return [row[HEADERS.index(name)] for row in rows]


def shown(ledger: Ledger, name: str) -> list[str]:
    rows = table(ledger, running_numbers(LEDGER))["metadata"]["display_value"]
    return [row[HEADERS.index(name)] for row in rows]


def test_fake_keeps_a_ledger() -> None:
    assert isinstance(FakeDesk(), LedgerKeeper)
    assert not isinstance(FakeAssistant(), LedgerKeeper)


# --- the table ---------------------------------------------------------------------------------------------------


def test_row_says_everything_about_its_figure() -> None:
    row = table(LEDGER, running_numbers(LEDGER))["data"][7]
    assert dict(zip(HEADERS, row, strict=True)) == {
        "序号": 8,
        "指标": "停车位",
        "数值": 1000.0,
        "单位": "个",
        "界限": "",
        "关系": "新增",
        "年份": 2024,
        "性质": "目标",
        "位置": "第三部分（三）第1段",
        "原文": "新增停车位1000个",
    }


def test_values_sort_as_numbers_and_show_as_written() -> None:
    assert all(isinstance(value, float) for value in column(LEDGER, "数值"))
    assert shown(LEDGER, "数值") == ["4.5", "6.2", "76", "486", "6", "8.5", "6-8", "1000", "400"]


def test_value_keeps_its_zeros() -> None:
    assert value_words(replace(LEDGER.entries[0], value=Decimal("6.0"))) == "6.0"


def test_entry_without_a_year_shows_none() -> None:
    ledger = replace(LEDGER, entries=(replace(LEDGER.entries[0], year=None),))
    assert shown(ledger, "年份") == [""]


def test_place_of_another_body_stands_before_its_indicator() -> None:
    ledger = replace(LEDGER, entries=(replace(LEDGER.entries[0], place="某某高新区"),))
    assert shown(ledger, "指标") == ["某某高新区地区生产总值"]


def test_numbers_stay_those_of_the_whole_ledger() -> None:
    assert column(in_section(LEDGER, LEDGER.entries[7].section[:1]), "序号") == [7, 8, 9]


# --- filters -----------------------------------------------------------------------------------------------------


def test_sections_are_offered_in_the_order_of_the_document_inner_ones_set_in() -> None:
    names = [name for name, _ in section_choices(LEDGER)]
    assert names[0] == "一、2023年国民经济和社会发展计划执行情况"
    assert names[1].startswith("　（一）")
    assert [name for name in names if not name.startswith("　")] == [
        "一、2023年国民经济和社会发展计划执行情况",
        "二、2024年经济社会发展总体要求和主要目标",
        "三、2024年经济社会发展重点和主要措施",
    ]


def test_section_holds_its_inner_sections() -> None:
    parts = [in_section(LEDGER, path) for name, path in section_choices(LEDGER) if not name.startswith("　")]
    assert sum(len(part.entries) for part in parts) == len(LEDGER.entries)
    assert in_section(LEDGER, ()) == LEDGER


def test_years_are_offered_latest_first() -> None:
    assert year_choices(LEDGER) == ["2024", "2023"]


def test_count_says_how_many_of_how_many() -> None:
    assert count_line(LEDGER, LEDGER) == "共 **9** 条，另有 1 个数字未归类"
    part = replace(LEDGER, entries=LEDGER.entries[:2], unplaced=())
    assert count_line(part, LEDGER) == "共 **2** 条（全部 9 条），另有 0 个数字未归类"


# --- unplaced figures --------------------------------------------------------------------------------------------


def test_unplaced_figures_are_listed_with_words_and_place() -> None:
    listed = unplaced_markdown(LEDGER.unplaced, LEDGER.document)
    assert marked(listed) == ["76116296"]
    assert "文件开头 · 第10段 查看原文" in words(listed)


def test_no_unplaced_figures_is_said() -> None:
    assert "没有未归类的数字" in unplaced_markdown((), LEDGER.document)


# --- the chart ---------------------------------------------------------------------------------------------------


RESULT, TARGET = LEDGER.entries[0], LEDGER.entries[4]


def test_indicators_without_a_partner_are_left_out() -> None:
    shown = words(chart_markdown(LEDGER))
    assert "停车位" not in shown
    assert "创新平台" not in shown


def test_figures_that_only_look_comparable_are_left_out() -> None:
    for result in (replace(RESULT, unit="亿元"), replace(RESULT, relation="下降"), replace(RESULT, place="某某高新区")):
        assert "没有同时给出" in chart_markdown(replace(LEDGER, entries=(result, TARGET)))


def test_document_without_a_year_has_no_chart() -> None:
    assert "没有同时给出" in chart_markdown(replace(LEDGER, document=replace(LEDGER.document, year=None)))


def test_bars_have_year_figure_as_written_and_link() -> None:
    chart = chart_markdown(LEDGER)
    assert "地区生产总值增长2023年实际4.5%2024年目标6%" in words(chart)
    assert "科技型中小企业2023年实际486家2024年目标400家" in words(chart)
    assert re.search(r'href="\?p=1\.1\.1&amp;s=\d+&amp;e=\d+">4\.5%</a>', chart)


def test_rates_share_a_scale_and_amounts_have_their_own() -> None:
    widths = [int(width) for width in re.findall(r"width:(\d+)%", chart_markdown(LEDGER))]
    assert widths == [53, 71, 73, 100, 100, 82]


@pytest.mark.parametrize("payload", XSS)
def test_words_of_the_document_are_text(payload: str) -> None:
    line = payload.replace("\n", " ")
    document = replace(
        parse_document(f"关于印发某某2024年计划的通知\n一、工作\n正文{line}增长4.5%。\n", "other"), year=2024
    )
    start = document.text.index("正文")
    end = document.text.index("。", start)
    at = {"quote": document.text[start:end], "start": start, "end": end, "figure_start": start, "figure_end": end}
    result, target = replace(RESULT, indicator=payload, **at), replace(TARGET, indicator=payload, **at)  # type: ignore[arg-type]
    unplaced = replace(LEDGER.unplaced[0], figure=payload, **at)  # type: ignore[arg-type]
    ledger = Ledger(document, (result, target), (unplaced,))
    for text in (chart_markdown(ledger), unplaced_markdown(ledger.unplaced, document), count_line(ledger, ledger)):
        elements = Elements(text)
        assert elements.names <= {"div", "p", "span", "a", "br", "mark", "h4"}
        assert elements.attributes <= {"class", "href", "style"}

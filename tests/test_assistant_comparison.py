from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from assistant import comparison, figure_lists
from assistant.comparison import Pair
from assistant.ledger import Ledger, LedgerEntry, build_ledger
from assistant.question import understand
from assistant.service import PlanAssistant
from assistant.types import Status
from corpus.passages import passages
from corpus.types import Document


@pytest.fixture(scope="module")
def ledger(mini: Document) -> Ledger:
    return build_ledger(mini, passages(mini))


@pytest.fixture(scope="module")
def pair(ledger: Ledger) -> Pair:
    """Result and target of one indicator."""
    return next(pair for pair in comparison.pairs(ledger) if pair.later.indicator == "地区生产总值")


@pytest.mark.parametrize(
    ("question", "indicator"),
    [
        pytest.param("今年GDP目标比去年实际高几个百分点？", "gdp", id="higher_by_how_much"),
        pytest.param("2025年和2026年的进出口总额对比", "进出口总额", id="both_years_named"),
        pytest.param("城镇新增就业今年比去年少多少人", "城镇新增就业", id="amount_less"),
        pytest.param("固定资产投资今年和去年比怎么样", "固定资产投资", id="what_about_it"),
        pytest.param("今年目标比去年实际高几个百分点", "", id="no_indicator"),
        pytest.param("今年GDP比去年增长多少", None, id="growth_itself"),
        pytest.param("2026年地区生产总值目标是多少", None, id="one_year"),
        pytest.param("2025年和2026年的GDP分别是多少", None, id="both_without_comparing"),
        pytest.param("2024年比2023年高多少", None, id="years_of_another_plan"),
    ],
)
def test_indicator_that_is_to_be_compared(mini: Document, question: str, indicator: str | None) -> None:
    assert comparison.asked(question, mini) == indicator


def test_pairs_are_of_one_indicator_unit_and_way_of_speaking(ledger: Ledger, mini: Document) -> None:
    found = comparison.pairs(ledger)
    assert found
    for pair in found:
        assert mini.year is not None
        assert (pair.earlier.year, pair.later.year) == (mini.year - 1, mini.year)
        assert pair.earlier.unit == pair.later.unit
        assert comparison.way(pair.earlier) == comparison.way(pair.later)
        assert not comparison.incomparable(pair.earlier, pair.later)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        pytest.param({"indicator": "洽谈引进项目"}, "口径不同", id="another_indicator"),
        pytest.param({"unit": "亿元"}, "单位不同", id="another_unit"),
        pytest.param({"relation": "下降"}, "说法不同", id="rise_and_fall"),
        pytest.param({"upper": Decimal(9)}, "区间", id="range"),
        pytest.param({"bound": "以上"}, "以上", id="bound_word"),
    ],
)
def test_figures_that_only_look_comparable_are_not_subtracted(pair: Pair, change: dict[str, object], why: str) -> None:
    other: LedgerEntry = replace(pair.later, **change)  # type: ignore[arg-type]
    assert why in comparison.incomparable(pair.earlier, other)


@pytest.mark.parametrize(
    ("earlier", "later", "unit", "relation", "formula", "says"),
    [
        pytest.param(
            "4.5", "6", "%", "增长", "6%－4.5%＝1.5个百分点", "2026年目标增幅比2025年实际高1.5个百分点", id="rate_up"
        ),
        pytest.param("12.7", "6.6", "%", "增长", "12.7%－6.6%＝6.1个百分点", "低6.1个百分点", id="rate_down"),
        pytest.param(
            "8074", "7000", "人", "", "8074人－7000人＝1074人", "2026年目标比2025年实际少1074人", id="amount_down"
        ),
        pytest.param("0.3", "0.1", "%", "增长", "0.3%－0.1%＝0.2个百分点", "低0.2个百分点", id="no_binary_fractions"),
        pytest.param("5.5", "5.5", "%", "增长", "5.5%－5.5%＝0个百分点", "持平", id="equal"),
    ],
)
def test_difference_shows_its_formula_and_its_label(
    pair: Pair, earlier: str, later: str, unit: str, relation: str, formula: str, says: str
) -> None:
    one = replace(pair.earlier, value=Decimal(earlier), unit=unit, relation=relation)
    other = replace(pair.later, value=Decimal(later), unit=unit, relation=relation)
    said = comparison.derived(Pair(one, other))
    assert said.startswith(f"{comparison.DERIVED}：{formula}")
    assert says in said


def test_compared_answer_cites_both_figures_and_labels_the_difference(
    mini_assistant: PlanAssistant, mini: Document, pair: Pair
) -> None:
    answer = mini_assistant.ask("今年地区生产总值目标比去年实际高几个百分点？")
    assert answer.status is Status.ANSWERED
    assert comparison.derived(pair) in answer.answer
    for entry in (pair.earlier, pair.later):
        figure = mini.text[entry.figure_start : entry.figure_end]
        assert any(c.start <= entry.figure_start < c.end and figure in c.quote for c in answer.citations)


def test_without_an_indicator_all_that_compare_are_listed(mini_assistant: PlanAssistant, ledger: Ledger) -> None:
    answer = mini_assistant.ask("今年目标比去年实际高多少？")
    lines = [line for line in answer.answer.split("\n") if line.startswith("- ")]
    assert len(lines) == len(comparison.pairs(ledger))
    assert all("－" in line and "＝" in line for line in lines)
    assert comparison.DERIVED in answer.answer


@pytest.mark.parametrize(
    ("question", "topic"),
    [
        pytest.param("生态环境方面有哪些指标", "生态环境", id="topic"),
        pytest.param("列出2025年全部数字", "", id="everything_of_a_year"),
        pytest.param("列出2026年全部主要目标", None, id="main_goals_are_another_matter"),
        pytest.param("地区生产总值目标是多少", None, id="one_fact"),
        pytest.param("有哪些重点项目", None, id="list_of_other_things"),
    ],
)
def test_topic_of_a_wanted_list(mini: Document, question: str, topic: str | None) -> None:
    want = figure_lists.wanted(understand(question, mini), mini)
    assert (want and want.topic) == topic


def test_list_of_a_year_holds_every_figure_of_the_ledger_for_it(mini_assistant: PlanAssistant, ledger: Ledger) -> None:
    answer = mini_assistant.ask("列出2025年全部数字")
    quoted = [(c.start, c.end) for c in answer.citations]
    for entry in ledger.entries:
        if entry.year == 2025 and entry.kind != "count":
            assert any(start <= entry.figure_start < end for start, end in quoted), entry.quote

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.load import parse_document
from corpus.segment import clauses, lines, paragraphs, section_year_kind, sentences, split_spans
from corpus.types import Document, Kind, Paragraph

# Punctuation that may lie between two pieces; everything else must lie in one.
BETWEEN = re.compile(r"[\s。！？!?…，；：,;:—、]*")
PLANLIKE = st.text(
    alphabet="区计划增长投资6%0.5,:万亿年。，；：、！？—…（）()“”《》‘’[]【】〔〕 　\n\tGDP", max_size=120
)


def left_out(text: str, spans: list[tuple[int, int]], start: int = 0, end: int | None = None) -> list[str]:
    """What lies before, between and after the spans; fails where they overlap or run backwards."""
    stops = [start, *(place for span in spans for place in span), len(text) if end is None else end]
    assert stops == sorted(stops)
    return [text[before:after] for before, after in list(pairwise(stops))[::2]]


def found(document: Document) -> dict[str, Paragraph]:
    return {paragraph.paragraph_id: paragraph for paragraph in paragraphs(document)}


def test_lines_and_what_lies_between_are_the_document(document: Document) -> None:
    spans = lines(document)
    assert all(gap.strip() == "" for gap in left_out(document.text, spans))


def test_paragraphs_are_the_lines(document: Document) -> None:
    assert [(p.start, p.end) for p in paragraphs(document)] == lines(document)


@pytest.mark.parametrize("divide", [sentences, clauses], ids=["sentences", "clauses"])
def test_pieces_leave_out_punctuation_and_blanks_only(document: Document, divide: object) -> None:
    assert callable(divide)
    spans = [span for p in paragraphs(document) for span in divide(document.text, p.start, p.end)]
    assert all(BETWEEN.fullmatch(gap) for gap in left_out(document.text, spans))


def test_clauses_lie_in_their_sentences(document: Document) -> None:
    for paragraph in paragraphs(document):
        for start, end in sentences(document.text, paragraph.start, paragraph.end):
            assert all(start <= a < b <= end for a, b in clauses(document.text, start, end))
            assert document.text[start:end] == document.text[start:end].strip()


@settings(max_examples=150, deadline=None)
@given(PLANLIKE)
def test_any_mix_of_text_brackets_and_quotes_is_divided_without_loss(text: str) -> None:
    document = parse_document(text, "mix")
    spans = lines(document)
    assert all(gap.strip() == "" for gap in left_out(text, spans))
    for divide in (sentences, clauses):
        pieces = [span for start, end in spans for span in divide(text, start, end)]
        assert all(BETWEEN.fullmatch(gap) for gap in left_out(text, pieces))
        assert all(text[a:b].strip() for a, b in pieces)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "一、2025年工作回顾",
                "二、2026年主要目标",
                "（一）主要目标。增长6%。",
                "（二）安排。",
                "全区增长5%。",
                "第一章 总则",
                "",
            ]
        ),
        max_size=14,
    )
)
def test_any_order_of_headings_gives_each_line_one_paragraph_with_an_id_of_its_own(chosen: list[str]) -> None:
    document = parse_document("\n".join(chosen), "mix")
    identifiers = [p.paragraph_id for p in paragraphs(document)]
    assert len(identifiers) == len([line for line in chosen if line])
    assert len(set(identifiers)) == len(identifiers)


def test_paragraph_ids_are_unique(document: Document) -> None:
    identifiers = [p.paragraph_id for p in paragraphs(document)]
    assert len(set(identifiers)) == len(identifiers)


@pytest.mark.parametrize("numbered", ["1.做好工作。", "（1）做好工作。", "1、做好工作。"])
def test_numbered_line_under_a_section_has_an_id_of_its_own(numbered: str) -> None:
    document = parse_document(f"一、2025年工作回顾\n（一）主要成绩。增长6%。\n{numbered}", "numbered")
    identifiers = [p.paragraph_id for p in paragraphs(document)]
    assert len(set(identifiers)) == 3


def test_what_stands_before_the_first_part_is_part_zero(document: Document) -> None:
    head = [p for p in paragraphs(document) if p.paragraph_id.startswith("0.")]
    assert head[-1].end < document.text.index("一、")
    assert all(p.section == () and p.kind is Kind.OTHER for p in head)


@pytest.mark.parametrize(
    ("identifier", "section", "year", "kind"),
    [
        pytest.param(
            "1.0.1", ("一、2025年国民经济和社会发展计划执行情况",), 2025, Kind.RESULT, id="part_without_section"
        ),
        pytest.param(
            "1.2.1",
            ("一、2025年国民经济和社会发展计划执行情况", "（二）城乡面貌持续改善"),
            2025,
            Kind.RESULT,
            id="section_with_its_text_on_one_line",
        ),
        pytest.param(
            "2.2.1",
            ("二、2026年经济社会发展总体要求和主要目标", "（二）主要目标"),
            2026,
            Kind.TARGET,
            id="section_numbers_start_anew_under_each_part",
        ),
        pytest.param(
            "3.2.2",
            ("三、2026年经济社会发展重点和主要措施", "（二）聚力城乡融合，建设宜居沅湾"),
            2026,
            Kind.TARGET,
            id="second_paragraph_under_a_heading_line",
        ),
    ],
)
def test_paragraph_carries_section_path_year_and_kind(
    mini: Document, identifier: str, section: tuple[str, ...], year: int, kind: Kind
) -> None:
    paragraph = found(mini)[identifier]
    assert (paragraph.section, paragraph.year, paragraph.kind) == (section, year, kind)
    assert not paragraph.is_heading


def test_headings_are_those_lines_that_only_name_a_part_or_section(mini: Document) -> None:
    headings = [p.paragraph_id for p in paragraphs(mini) if p.is_heading]
    assert headings == ["1", "2", "3", "3.1", "3.2", "3.3"]


def test_part_of_results_is_the_year_before_and_part_of_targets_the_year_planned(document: Document) -> None:
    assert document.year is not None
    years = {p.kind: p.year for p in paragraphs(document) if p.section}
    assert years == {Kind.RESULT: document.year - 1, Kind.TARGET: document.year}


@pytest.mark.parametrize(
    ("title", "year", "kind"),
    [
        pytest.param("2025年工作回顾", 2025, Kind.RESULT, id="review_with_year"),
        pytest.param("过去一年工作情况", 2025, Kind.RESULT, id="review_without_year"),
        pytest.param("2026年主要目标任务", 2026, Kind.TARGET, id="targets_with_year"),
        pytest.param("重点工作安排", 2026, Kind.TARGET, id="tasks_without_year"),
        pytest.param("2025年国民经济和社会发展计划执行情况", 2025, Kind.RESULT, id="plan_executed_is_a_result"),
        pytest.param("过去五年工作回顾", None, Kind.RESULT, id="review_of_several_years"),
        pytest.param("“十四五”时期主要目标", None, Kind.TARGET, id="targets_of_several_years"),
        pytest.param(
            "“十五五”时期主要目标",
            None,
            Kind.TARGET,
            id="targets_of_the_fifteenth_plan",
        ),
    ],
)
def test_heading_gives_year_and_kind(title: str, year: int | None, kind: Kind) -> None:
    assert section_year_kind(title, 2026) == (year, kind)


def test_heading_that_says_neither_leaves_year_and_kind_open() -> None:
    assert section_year_kind("基本区情", 2026) is None


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        pytest.param("增长6%，下降2%。", ["增长6%", "下降2%"], id="comma_ends_a_clause"),
        pytest.param(
            "实施“三看，三深化”行动，推进项目", ["实施“三看，三深化”行动", "推进项目"], id="comma_in_quotes_does_not"
        ),
        pytest.param(
            "功能区（街道，镇）建设，推进项目", ["功能区（街道，镇）建设", "推进项目"], id="comma_in_brackets_does_not"
        ),
        pytest.param("功能区（街道，推进项目", ["功能区（街道", "推进项目"], id="bracket_that_never_closes"),
        pytest.param("功能区）街道，推进项目", ["功能区）街道", "推进项目"], id="bracket_that_never_opened"),
        pytest.param("新增3,600人,增长6%", ["新增3,600人", "增长6%"], id="comma_inside_a_number"),
        pytest.param("比例为3:1：增长6%", ["比例为3:1", "增长6%"], id="colon_inside_a_ratio"),
        pytest.param("。，；", [], id="nothing_but_punctuation"),
        pytest.param("", [], id="empty"),
        pytest.param("　增长6%　", ["增长6%"], id="wide_blanks"),
    ],
)
def test_clauses_end_at_their_marks(text: str, pieces: list[str]) -> None:
    assert [text[a:b] for a, b in clauses(text, 0, len(text))] == pieces


def test_sentence_ends_at_full_stops_only() -> None:
    text = "增长6%，下降2%；完成任务。实现目标！达到了吗？"
    assert [text[a:b] for a, b in sentences(text, 0, len(text))] == ["增长6%，下降2%；完成任务", "实现目标", "达到了吗"]


def test_span_is_divided_within_its_bounds_only() -> None:
    text = "甲、乙、丙、丁"
    assert [text[a:b] for a, b in split_spans(text, 2, 5, "、")] == ["乙", "丙"]


@pytest.mark.parametrize("text", ["", "\n\n", "　\n"], ids=["empty", "line_ends", "wide_blank"])
def test_document_without_words_has_no_paragraph(text: str) -> None:
    assert paragraphs(parse_document(text, "blank")) == []

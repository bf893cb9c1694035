from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from assistant.cli import main
from assistant.types import CheckedFigure, FigureState, Verdict, WordingCheck
from corpus.figures import find_figures
from corpus.load import parse_document
from corpus.passages import passages
from corpus.types import Document
from evals.mutation_run import run_mutations, sample, text_table, write_report
from evals.mutations import Alteration, Mutation, alterations, mutations
from evals.unaltered import Harmless, benign

A = Alteration
H = Harmless


def document_of(results: str = "", targets: str = "") -> Document:
    """A plan with one paragraph of results of 2025 and one of targets of 2026."""
    lines = ["青渡区2026年国民经济和社会发展计划"]
    lines += ["一、2025年国民经济和社会发展计划执行情况", results] if results else []
    lines += ["二、2026年经济社会发展主要目标", targets] if targets else []
    return parse_document("\n".join(lines), "small")


def made_of(document: Document, kind: A, original: str = "") -> list[str]:
    """The claims of one kind, in reading order; with ``original``, only those made of these words."""
    found = mutations(document, passages(document))
    return [m.altered for m in found if m.kind is kind and original in ("", m.original)]


def harmless_of(document: Document, kind: H) -> list[str]:
    return [m.altered for m in benign(document, passages(document)) if m.kind is kind]


def differs_in_one(altered: str, original: str) -> bool:
    return len(altered) == len(original) and sum(a != b for a, b in zip(altered, original, strict=True)) == 1


# --- alterations ---


def test_every_single_digit_is_changed() -> None:
    clause = "出口额达到12.5亿元"
    made = made_of(document_of(targets=f"{clause}。"), A.DIGIT_CHANGED, clause)
    changed = [next(i for i, c in enumerate(altered) if c != clause[i]) for altered in made]
    assert changed == [5, 6, 8]
    assert all(differs_in_one(altered, clause) for altered in made)


@pytest.mark.parametrize(
    ("kind", "clause", "expected"),
    [
        pytest.param(
            A.DIGIT_DROPPED,
            "出口额12.5亿元",
            ["出口额2.5亿元", "出口额1.5亿元"],
            id="digit_dropped",
        ),
        pytest.param(A.DIGIT_DROPPED, "新建公园3个", ["新建公园个"], id="the_only_digit_dropped"),
        pytest.param(
            A.POINT_MOVED, "出口额12.5亿元", ["出口额1.25亿元", "出口额125亿元"], id="point_moved_left_and_right"
        ),
        pytest.param(A.POINT_MOVED, "新建公园6个", ["新建公园0.6个", "新建公园60个"], id="point_put_in"),
        pytest.param(A.POINT_DROPPED, "出口额增长12.5%", ["出口额增长125%"], id="point_dropped"),
        pytest.param(A.POINT_DROPPED, "占比达到0.62%", ["占比达到62%"], id="point_behind_zero_dropped"),
        pytest.param(A.SCALE_CHANGED, "完成投资9亿元", ["完成投资9元", "完成投资9万元"], id="scale_of_money"),
        pytest.param(A.SCALE_CHANGED, "新增就业5200人", ["新增就业5200万人"], id="scale_put_in"),
        pytest.param(A.SCALE_CHANGED, "出口额增长6%", [], id="no_scale_for_a_share"),
        pytest.param(A.UNIT_CHANGED, "利用外资90万美元", ["利用外资90万元"], id="dollars_for_yuan"),
        pytest.param(
            A.PERCENT_CHANGED, "出口额增长6%", ["出口额增长6个百分点", "出口额增长6‰"], id="percent_for_points"
        ),
        pytest.param(A.PERCENT_CHANGED, "占比提高2个百分点", ["占比提高2%"], id="points_for_percent"),
        pytest.param(A.BOUND_LOST, "完成投资9亿元以上", ["完成投资9亿元"], id="bound_word_behind_lost"),
        pytest.param(A.BOUND_LOST, "零售额突破9亿元", ["零售额9亿元"], id="bound_word_in_front_lost"),
        pytest.param(A.BOUND_LOST, "培训工人300多名", ["培训工人300名"], id="bound_word_inside_lost"),
        pytest.param(A.HEDGE_LOST, "力争出口额增长6%", ["出口额增长6%"], id="aim_lost"),
        pytest.param(A.HEDGE_LOST, "能力还不足3%", ["能力还足3%"], id="negation_lost"),
        pytest.param(A.HEDGE_LOST, "不锈钢产量增长3%", [], id="no_negation_in_a_word"),
        pytest.param(A.HEDGE_ADDED, "出口额增长6%", ["力争出口额增长6%", "预计出口额增长6%"], id="aim_put_in"),
        pytest.param(A.DIRECTION_CHANGED, "出口额增长6%", ["出口额下降6%"], id="rise_for_fall"),
        pytest.param(A.DIRECTION_CHANGED, "能耗降低6%", ["能耗提高6%"], id="fall_for_rise"),
        pytest.param(A.DIRECTION_CHANGED, "工业增加值8亿元", [], id="no_direction_in_a_word"),
        pytest.param(
            A.NEGATION_ADDED, "项目完成投资6亿元", ["项目未完成投资6亿元", "项目不再完成投资6亿元"], id="negation_added"
        ),
        pytest.param(A.CUT_UNIT, "完成投资9亿元以上", ["完成投资9"], id="cut_behind_the_number"),
        pytest.param(A.CUT_BOUND, "完成投资9亿元以上", ["完成投资9亿元"], id="cut_behind_the_unit"),
        pytest.param(A.CUT_BOUND, "完成投资9亿元", [], id="no_bound_word_to_cut"),
    ],
)
def test_a_clause_is_altered_by_rule(kind: A, clause: str, expected: list[str]) -> None:
    assert made_of(document_of(targets=f"{clause}，城市更加宜居。"), kind, clause) == expected


def test_a_digit_is_added_at_every_place_of_a_number() -> None:
    clause = "出口额增长12.5%"
    made = made_of(document_of(targets=f"{clause}。"), A.DIGIT_ADDED, clause)
    assert [altered.replace("出口额增长", "").index(".") for altered in made] == [3, 3, 3, 2, 2]
    assert all(len(altered) == len(clause) + 1 for altered in made)


def test_a_bound_word_is_exchanged_for_every_other_but_those_that_say_the_same() -> None:
    made = made_of(document_of(targets="完成投资9亿元以内。"), A.BOUND_CHANGED)
    assert sorted(made) == [f"完成投资9亿元{word}" for word in ("上下", "以上", "以下", "左右")]


def test_bound_words_are_put_in_before_and_behind_a_figure_that_has_none() -> None:
    made = made_of(document_of(targets="完成投资9亿元。"), A.BOUND_ADDED)
    assert {"完成投资9亿元以上", "完成投资约9亿元", "完成投资突破9亿元", "完成投资至少9亿元"} <= set(made)


def test_chinese_numerals_in_names_are_changed() -> None:
    (made,) = made_of(document_of(targets="开展八大行动。"), A.NUMERAL_CHANGED)
    assert differs_in_one(made, "开展八大行动") and made.startswith("开展") and made.endswith("大行动")


def test_each_change_is_tried_on_the_clause_and_on_its_sentence() -> None:
    document = document_of(targets="全力稳外贸，出口额增长6%，环境更好。")
    assert made_of(document, A.DIRECTION_CHANGED) == ["出口额下降6%", "全力稳外贸，出口额下降6%，环境更好"]


def test_a_wrong_year_is_put_in_front() -> None:
    document = document_of("出口额增长4.5%。", "出口额增长6%。")
    assert made_of(document, A.YEAR_WRONG, "出口额增长4.5%") == [
        "2024年，出口额增长4.5%",
        "2024年出口额增长4.5%",
        "2026年，出口额增长4.5%",
        "2026年出口额增长4.5%",
    ]


def test_a_year_in_whose_part_the_words_stand_is_not_wrong() -> None:
    document = document_of("出口额增长6%。", "出口额增长6%。")
    made = made_of(document, A.YEAR_WRONG)
    assert made and not any(altered.startswith(("2025年", "2026年")) for altered in made)


def test_a_result_is_given_as_a_target_and_a_target_as_a_result() -> None:
    document = document_of("出口额增长4.5%。", "新建公园3个。")
    assert made_of(document, A.KIND_WRONG) == [
        "2025年目标：出口额增长4.5%",
        "2026年目标：出口额增长4.5%",
        "2026年实际新建公园3个",
        "2025年实际新建公园3个",
    ]


def test_years_inside_the_words_are_changed() -> None:
    document = document_of(targets="编制2026年土地方案。")
    assert made_of(document, A.YEAR_CHANGED, "编制2026年土地方案") == ["编制2025年土地方案", "编制2027年土地方案"]


def test_figures_of_neighbouring_clauses_are_exchanged() -> None:
    document = document_of(targets="出口额增长6%，投资增长8%。")
    assert made_of(document, A.FIGURES_EXCHANGED) == ["出口额增长8%", "出口额增长8%，投资增长6%", "投资增长6%"]


def test_figures_of_one_clause_are_exchanged() -> None:
    document = document_of(targets="引育领军人才20人、青年人才400人。")
    assert made_of(document, A.FIGURES_EXCHANGED) == ["引育领军人才400人、青年人才20人"]


def test_an_indicator_is_replaced_by_its_neighbour() -> None:
    document = document_of(targets="出口额增长6%，投资增长8%。")
    assert made_of(document, A.INDICATOR_EXCHANGED) == [
        "投资增长6%",
        "投资增长6%，投资增长8%",
        "出口额增长8%",
        "出口额增长6%，出口额增长8%",
    ]


def test_members_and_figures_of_shares_are_exchanged() -> None:
    document = document_of(targets="事故起数、死亡人数分别下降18%和44%。")
    assert made_of(document, A.SHARES_EXCHANGED) == [
        "事故起数、死亡人数分别下降44%和18%",
        "死亡人数、事故起数分别下降18%和44%",
    ]


def test_clauses_of_different_sentences_are_glued_together() -> None:
    document = document_of(targets="出口额增长6%，外贸更稳，开放更深。环境更好，空气更清，新建公园3个。")
    made = made_of(document, A.GLUED, "出口额增长6%")
    assert made == ["出口额增长6%，新建公园3个"]


def test_a_list_loses_its_first_a_middle_and_its_last_member() -> None:
    document = document_of(targets="扩大农产品、机电、化学品等优势。")
    assert made_of(document, A.MEMBER_LOST) == [
        "机电、化学品等优势",
        "扩大机电、化学品等优势",
        "扩大农产品、化学品等优势",
        "扩大农产品、机电等优势",
    ]


def test_a_list_inside_quotation_marks_loses_members() -> None:
    document = document_of(targets="实施“产业立区、文化润区、开放兴区”战略。")
    assert "实施“产业立区、开放兴区”战略" in made_of(document, A.MEMBER_LOST)


def test_a_member_of_another_list_is_added() -> None:
    document = document_of(targets="扩大农产品、机电、化学品等优势。守牢粮食、能源、消防底线。")
    assert made_of(document, A.MEMBER_ADDED, "守牢粮食、能源、消防底线") == ["守牢粮食、机电、能源、消防底线"]


def test_what_stands_elsewhere_in_the_same_year_is_left_out_and_counted() -> None:
    document = document_of(targets="出口额增长6%，投资增长6%，税收增长5%。")
    made, left_out = alterations(document, passages(document))
    assert "投资增长6%" not in {m.altered for m in made}
    assert left_out == 2  # 出口额 for 投资 and 投资 for 出口额


def test_what_stands_in_another_year_is_tried_with_its_own_year_in_front() -> None:
    document = document_of("出口额下降6%。", "出口额增长6%。")
    assert made_of(document, A.DIRECTION_CHANGED) == ["2025年，出口额增长6%", "2026年，出口额下降6%"]


def test_members_of_a_list_that_each_have_their_figure_stand_alone() -> None:
    document = document_of(targets="新建公园3个、驿站2座。")
    assert made_of(document, A.MEMBER_LOST) == []


def test_what_is_left_of_a_list_is_no_alteration_where_other_words_hold_it() -> None:
    document = document_of(targets="布局预制菜、发展现代农业。着力发展现代农业。")
    assert made_of(document, A.MEMBER_LOST) == ["布局预制菜"]


def test_a_list_whose_members_share_a_figure_may_lose_none() -> None:
    document = document_of(targets="新建中学、小学11所。")
    assert "小学11所" in made_of(document, A.MEMBER_LOST)


@pytest.mark.parametrize("words", ["增长6%", "2026年"], ids=["nothing_but_a_figure", "nothing_but_a_year"])
def test_a_clause_that_names_nothing_is_altered_in_its_sentence_only(words: str) -> None:
    document = document_of(targets=f"出口额20亿元，{words}，环境更好。")
    made = list(mutations(document, passages(document)))
    assert not [m for m in made if m.original == words]
    assert [m for m in made if words not in m.altered]


def test_a_range_is_kept_in_one_clause() -> None:
    document = document_of(targets="引进项目3—5个，环境更好。")
    assert made_of(document, A.CUT_UNIT) == ["引进项目3—5"]
    assert "引进项目三至五个" in harmless_of(document, H.NUMERALS)


def test_the_number_of_an_entry_is_no_figure() -> None:
    document = document_of(targets="12.新建公园3个。")
    assert made_of(document, A.FIGURES_EXCHANGED) == []
    assert "12.新建公园三个" in harmless_of(document, H.NUMERALS)


def test_alterations_of_a_plan_keep_what_they_promise(document: Document) -> None:
    made, _ = alterations(document, passages(document))
    assert {m.kind for m in made} >= set(A) - {A.HEDGE_LOST, A.NUMERAL_CHANGED}
    assert all(document.text[m.start : m.end] == m.original != m.altered for m in made)
    assert len({(m.kind, m.altered) for m in made}) == len(made)
    for m in made:
        spans = {(figure.start, figure.end) for figure in find_figures(m.altered)}
        assert set(m.figures) <= spans
        assert m.figures or m.kind not in {A.DIGIT_ADDED, A.POINT_DROPPED, A.BOUND_LOST, A.FIGURES_EXCHANGED}


def test_the_same_seed_gives_the_same_alterations_and_another_seed_others(mini: Document) -> None:
    found = passages(mini)
    assert alterations(mini, found, 1) == alterations(mini, found, 1) != alterations(mini, found, 2)


# --- harmless words ---


@pytest.mark.parametrize(
    ("kind", "clause", "expected"),
    [
        pytest.param(H.SENTENCE, "出口额增长6%", ["出口额增长6%"], id="as_it_is"),
        pytest.param(H.WIDTH, "GDP增长6.5%", ["ＧＤＰ增长６．５％"], id="full_width"),
        pytest.param(H.TRADITIONAL, "出口额增长6%", ["出口額增長6%"], id="traditional"),
        pytest.param(
            H.BLANKS_AROUND, "新建公园3个，城市更美", ["新建公园 3 个，城市更美", "新建公园 3 个"], id="blanks"
        ),
        pytest.param(H.NUMERALS, "改造农田1万亩", ["改造农田一万亩"], id="numeral_with_scale"),
        pytest.param(H.NUMERALS, "出口额增长4.5%", ["出口额增长百分之四点五"], id="percent"),
        pytest.param(H.NUMERALS, "新增就业5260人以上", ["新增就业五千二百六十人以上"], id="numeral_with_bound_word"),
        pytest.param(H.NUMERALS, "新建公园2个", ["新建公园两个"], id="two"),
        pytest.param(H.NUMERALS, "引进项目6-8个", ["引进项目六至八个"], id="range"),
        pytest.param(H.NUMERALS, "收入比缩小至1.78:1", [], id="ratio_left"),
        pytest.param(H.YEAR_NUMERALS, "编制2026年方案", ["编制二〇二六年方案"], id="year_in_numerals"),
        pytest.param(H.QUOTES_STRAIGHT, "落实“双减”政策", ['落实"双减"政策'], id="straight_quotes"),
        pytest.param(H.QUOTES_CORNER, "落实“双减”政策", ["落实「双减」政策"], id="corner_quotes"),
        pytest.param(H.QUOTES_LOST, "落实“双减”政策", ["落实双减政策"], id="no_quotes"),
        pytest.param(H.YEAR_RIGHT, "出口额增长6%", ["2026年，出口额增长6%", "2026年出口额增长6%"], id="right_year"),
        pytest.param(H.KIND_RIGHT, "出口额增长6%", ["2026年目标：出口额增长6%"], id="right_kind"),
        pytest.param(H.SYNONYM, "规上工业增长6%", ["规模以上工业增长6%"], id="synonym"),
        pytest.param(H.SYNONYM, "能耗占GDP的6%", ["能耗占地区生产总值的6%"], id="gdp"),
        pytest.param(H.THOUSANDS, "利用外资9737万美元", ["利用外资9,737万美元"], id="thousands"),
        pytest.param(H.NOTATION, "改造农田1.5万亩", ["改造农田15000亩"], id="ten_thousands_written_out"),
        pytest.param(
            H.NOTATION, "出口额161.1亿元以上", ["出口额1611000万元以上"], id="hundred_millions_as_ten_thousands"
        ),
    ],
)
def test_words_are_rendered_without_harm(kind: H, clause: str, expected: list[str]) -> None:
    document = document_of(targets=f"{clause}。")
    made = [
        m for m in benign(document, passages(document)) if m.kind is kind and m.start >= document.text.index(clause)
    ]
    assert [m.altered for m in made] == expected


def test_breaks_and_blanks_change_no_character_and_split_no_number(document: Document) -> None:
    kinds = {H.BLANKS_AROUND, H.BLANKS_BETWEEN, H.LINE_BREAKS}
    made = [m for m in benign(document, passages(document)) if m.kind in kinds]
    assert {m.kind for m in made} == kinds
    for m in made:
        assert "".join(m.altered.split()) == "".join(m.original.split())
        assert [f.value for f in find_figures("".join(m.altered.split()))] == [
            f.value for f in find_figures(m.original)
        ]


def test_excerpts_are_neighbouring_clauses_sentences_and_paragraphs() -> None:
    document = document_of(targets="农业更强，工业更大，外贸更稳，服务更优。新建公园3个。新建驿站5座。")
    assert harmless_of(document, H.CLAUSES) == [
        "农业更强，工业更大",
        "工业更大，外贸更稳",
        "外贸更稳，服务更优",
        "农业更强，工业更大，外贸更稳",
        "工业更大，外贸更稳，服务更优",
    ]
    assert harmless_of(document, H.SENTENCES) == [
        "农业更强，工业更大，外贸更稳，服务更优。新建公园3个",
        "新建公园3个。新建驿站5座",
    ]
    assert harmless_of(document, H.PARAGRAPH) == ["农业更强，工业更大，外贸更稳，服务更优。新建公园3个。新建驿站5座"]


def test_harmless_words_keep_every_value(document: Document) -> None:
    for m in benign(document, passages(document)):
        if m.kind in {H.THOUSANDS, H.NOTATION, H.SYNONYM}:
            values = [(f.value, f.upper) for f in find_figures(m.altered)]
            assert values == [(f.value, f.upper) for f in find_figures(m.original)]


# --- the run ---


class Always:
    """A checker that gives one verdict and one state to whatever it is asked."""

    def __init__(self, verdict: Verdict, state: FigureState) -> None:
        self.verdict, self.state = verdict, state

    def check(self, claim: str, /) -> tuple[WordingCheck, None]:
        figures = tuple(CheckedFigure(f.text, f.start, f.end, self.state, "") for f in find_figures(claim))
        return WordingCheck(self.verdict, "原文", figures=figures), None


def rates(results: Sequence[object]) -> set[tuple[str, float]]:
    return {(result.kind, result.right / result.tried) for result in results}  # type: ignore[attr-defined]


def test_a_checker_that_always_agrees_catches_nothing_and_raises_no_alarm(mini: Document) -> None:
    report = run_mutations(mini, passages(mini), Always(Verdict.MATCH, FigureState.EXACT), max_altered=600)
    assert {rate for _, rate in rates(report.altered)} == {0.0}
    assert {rate for _, rate in rates(report.harmless)} == {1.0}
    assert not any(result.figures_right for result in report.altered)
    assert not report.is_clean


def test_a_checker_that_never_agrees_catches_all_and_always_alarms(mini: Document) -> None:
    report = run_mutations(mini, passages(mini), Always(Verdict.MISMATCH, FigureState.ALTERED), max_altered=600)
    assert {rate for _, rate in rates(report.altered)} == {1.0}
    assert {rate for _, rate in rates(report.harmless)} == {0.0}
    assert all(result.figures_right == result.figures_judged for result in report.altered)
    assert not any(result.figures_right for result in report.harmless)
    assert not report.is_clean


def test_words_that_are_not_found_are_caught() -> None:
    document = document_of(targets="出口额增长6%。")
    report = run_mutations(document, passages(document), Always(Verdict.NOT_FOUND, FigureState.ABSENT))
    assert all(result.right == result.tried for result in report.altered)


class Literal:
    """A checker that compares letter for letter."""

    def __init__(self, document: Document) -> None:
        self.text = document.text

    def check(self, claim: str, /) -> tuple[WordingCheck, None]:
        return WordingCheck(Verdict.MATCH if claim in self.text else Verdict.MISMATCH, ""), None


def test_misses_and_alarms_are_shown_with_what_was_checked() -> None:
    document = document_of(targets="完成投资9亿元以上。")
    report = run_mutations(document, passages(document), Literal(document))
    missed = {result.kind: [wrong.altered for wrong in result.wrong] for result in report.altered}
    assert missed[A.BOUND_LOST.value] == ["完成投资9亿元"]
    assert missed[A.CUT_UNIT.value] == ["完成投资9"]
    assert missed[A.DIGIT_CHANGED.value] == []
    alarms = {result.kind: [wrong.altered for wrong in result.wrong] for result in report.harmless}
    assert "完成投资九亿元以上" in alarms[H.NUMERALS.value]
    assert alarms[H.SENTENCE.value] == []


def test_coverage_counts_sentences_that_had_an_alteration_tried() -> None:
    document = document_of(targets="出口额增长6%。好。新建公园3个。")
    report = run_mutations(document, passages(document), Literal(document))
    assert (report.figure_sentences_tried, report.figure_sentences) == (2, 2)
    assert report.sentences_tried < report.sentences


def test_a_document_without_figures_is_no_error() -> None:
    document = parse_document("关于开会的通知\n请准时参加。", "notice")
    report = run_mutations(document, passages(document), Literal(document))
    assert report.figure_sentences == 0
    assert "含数字的句子 0/0" in text_table(report)


def test_sampling_cuts_the_largest_kinds_and_keeps_small_ones_whole() -> None:
    made = {A.GLUED: [_dummy(i) for i in range(3)], A.CUT_UNIT: [_dummy(i) for i in range(50)]}
    chosen = sample({**made, A.CUT_BOUND: [_dummy(i) for i in range(20)]}, 23)
    assert [len(members) for members in chosen.values()] == [3, 10, 10]
    starts = [m.start for m in chosen[A.CUT_UNIT]]
    assert starts == sorted(starts)
    assert sample(made, 100) == made


def _dummy(start: int) -> Mutation:
    return Mutation(A.GLUED, "", "", start, start, "")


def test_each_step_is_told(mini: Document) -> None:
    seen: list[tuple[int, int]] = []
    run_mutations(
        mini,
        passages(mini),
        Literal(mini),
        max_altered=50,
        max_harmless=40,
        on_step=lambda done, total: seen.append((done, total)),
    )
    assert [done for done, _ in seen] == list(range(1, len(seen) + 1))
    assert {total for _, total in seen} == {len(seen)}


def test_the_report_is_written_as_markdown_and_json(tmp_path: Path) -> None:
    document = document_of(targets="完成投资9亿元以上。")
    report = run_mutations(document, passages(document), Literal(document))
    markdown, data = write_report(report, tmp_path / "new", "small")
    assert markdown.name == "mutations-small.md" and data.name == "mutations-small.json"
    text = markdown.read_text(encoding="utf-8")
    assert "| 漏界限词 | 1 | 1 | 0 | 1 |" in text
    assert "| 漏“以上” | 完成投资9亿元 | match |" in text
    read = json.loads(data.read_text(encoding="utf-8"))
    assert read["tried"] - read["caught"] == sum(len(result["wrong"]) for result in read["altered"])


@pytest.fixture
def small_file(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "small.txt"
    path.write_text(document_of("出口额增长4.5%。", "完成投资9亿元以上。").text, encoding="utf-8")
    yield path


def test_the_command_prints_the_report_and_writes_it(
    small_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main(["eval", "--mutations", "--json", "--source", str(small_file), "--report", str(tmp_path / "out")])
    (report,) = json.loads(capsys.readouterr().out)
    assert status == (0 if report["is_clean"] else 1)
    assert report["figure_sentences"] == report["figure_sentences_tried"] == 2
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"mutations-small.md", "mutations-small.json"}


def test_the_command_prints_a_table(small_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["eval", "--mutations", "--source", str(small_file)])
    out = capsys.readouterr().out
    assert "改一位数字" in out and "覆盖：含数字的句子 2/2" in out


def test_a_missing_source_gives_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["eval", "--mutations", "--source", "没有.txt"]) == 1
    assert len(capsys.readouterr().err.strip().splitlines()) == 1

from __future__ import annotations

import time
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.indicator import read
from assistant.ledger import EntryKind, Ledger, LedgerEntry, build_ledger, open_ledger
from corpus.errors import CorpusError, RequestError
from corpus.figures import find_figures
from corpus.load import parse_document
from corpus.passages import passages
from corpus.segment import paragraphs
from corpus.types import Document

RESULTS = "一、2025年工作回顾"
TARGETS = "二、2026年主要目标"


def ledger_of(text: str, heading: str = TARGETS) -> Ledger:
    """The ledger of one paragraph under one heading of an invented plan for 2026."""
    document = parse_document(f"云溪区2026年发展计划\n{heading}\n全区工作稳步推进。{text}", "one")
    return build_ledger(document, passages(document))


def entries(text: str, heading: str = TARGETS) -> list[LedgerEntry]:
    ledger = ledger_of(text, heading)
    assert not ledger.unplaced
    return list(ledger.entries)


def named(text: str, heading: str = TARGETS) -> list[tuple[str, str]]:
    return [(entry.indicator, entry.relation) for entry in entries(text, heading)]


def every_figure_has_its_place(ledger: Ledger) -> None:
    """Placed and unplaced figures together are the figures of the text, each once; every span slices to its words."""
    text = ledger.document.text
    placed = [(e.figure_start, e.figure_end) for e in ledger.entries]
    unplaced = [(u.figure_start, u.figure_end) for u in ledger.unplaced]
    assert sorted(placed + unplaced) == [(f.start, f.end) for f in find_figures(text)]
    ids = {p.paragraph_id for p in paragraphs(ledger.document)}
    for item in (*ledger.entries, *ledger.unplaced):
        assert text[item.start : item.end] == item.quote
        assert item.start <= item.figure_start < item.figure_end <= item.end
        assert item.paragraph in ids
    assert all(text[u.figure_start : u.figure_end] == u.figure for u in ledger.unplaced)
    assert len({e.entry_id for e in ledger.entries}) == len(ledger.entries)


def test_every_figure_of_a_document_is_placed_or_listed_as_unplaced(document: Document) -> None:
    every_figure_has_its_place(build_ledger(document, passages(document)))


def test_every_figure_of_the_plan_is_placed(plan: Document) -> None:
    ledger = build_ledger(plan, passages(plan))
    assert ledger.entries and not ledger.unplaced


_PIECE = st.one_of(
    st.sampled_from(
        [
            "一、2025年工作回顾\n", "二、2026年主要目标\n", "（一）经济平稳。", "城乡居民收入分别增长", "新增停车位", "等", "个项目建成投产", "和", "、", "，", "；", "。", "\n",
            "5%", "6.5%", "3万亩", "12个", "6-8家", "达到76个", "第4名", "突破30亿元以上", "“", "”", "（", "）", "《", "【3】", "由", "从", "比上年增长", "占", "其中", "分别", "1.", "２０", "=1+1", "2026年",
        ]
    ),
    st.text(alphabet="增长个万亿元的第年0123456789.,，-—至%家以上超达近约[]#", max_size=8),
    st.text(max_size=6),
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(_PIECE, max_size=30).map("".join))
def test_every_figure_of_any_text_is_placed_or_listed_as_unplaced(text: str) -> None:
    document = parse_document(text, "any")
    every_figure_has_its_place(build_ledger(document, passages(document)))


def test_a_figure_that_no_passage_carries_is_still_in_the_ledger() -> None:
    document = parse_document(f"{TARGETS}\n新增停车位600个，城市公园4个。", "one")
    assert [e.indicator for e in build_ledger(document, []).entries] == ["停车位", "城市公园"]


def test_a_text_without_figures_has_an_empty_ledger() -> None:
    ledger = ledger_of("持续优化营商环境。")
    assert ledger.entries == () and ledger.unplaced == ()


@pytest.mark.parametrize(
    ("text", "readings"),
    [
        pytest.param("地区生产总值增长6.2%。", [("地区生产总值", "增长")], id="rate_of_growth"),
        pytest.param("全区地区生产总值同比增长6.2%。", [("地区生产总值", "增长")], id="scope_and_comparison_belong_to_none"),
        pytest.param("预计全年完成技术合同成交额7.1亿元。", [("技术合同成交额", "完成")], id="time_and_light_verb"),
        pytest.param("农业生产综合机械化率达到88%。", [("农业生产综合机械化率", "达到")], id="relation_that_is_a_bound_word"),
        pytest.param("实际使用外资3500万美元。", [("实际使用外资", "")], id="verb_inside_the_name_of_an_indicator"),
        pytest.param("新增停车位600个。", [("停车位", "新增")], id="verb_in_front"),
        pytest.param("新增设施蔬菜8万亩。", [("设施蔬菜", "新增")], id="verb_is_no_part_of_a_word"),
        pytest.param("洽谈推进项目310个。", [("洽谈推进项目", "洽谈推进")], id="noun_that_says_too_little_keeps_its_verb"),
        pytest.param("新建5处口袋公园。", [("口袋公园", "新建")], id="noun_behind_the_figure"),
        pytest.param("推动恒越电驱等4个项目建成投产。", [("建成投产项目", "建成投产")], id="predicate_behind_the_noun"),
        pytest.param("12件民生实事全部完成。", [("民生实事", "全部完成")], id="noun_and_predicate"),
        pytest.param("87家企业纳入全市重点培育库。", [("纳入全市重点培育库的企业", "纳入")], id="predicate_with_an_object"),
        pytest.param("新建云栖路、望江路等跨沅河桥梁5座。", [("跨沅河桥梁", "新建")], id="examples_are_left_out"),
        pytest.param(
            "新建改造公共卫生间9座、城管驿站6座。",
            [("公共卫生间", "新建改造"), ("城管驿站", "新建改造")],
            id="verb_holds_for_the_members_after_it",
        ),
        pytest.param(
            "城乡居民人均可支配收入分别增长4.9%、6.3%。",
            [("城镇居民人均可支配收入", "增长"), ("农村居民人均可支配收入", "增长")],
            id="shared_out_gives_one_entry_each",
        ),
        pytest.param(
            "完成进出口总额86.4亿元，增长1.9%。",
            [("进出口总额", "完成"), ("进出口总额", "增长")],
            id="subject_of_the_clause_before",
        ),
        pytest.param(
            "实施重点技改项目16个，完成投资24亿元。",
            [("重点技改项目", "实施"), ("重点技改项目完成投资", "完成")],
            id="investment_is_that_of_what_was_named",
        ),
        pytest.param(
            "清理闲置土地25宗、存量业务化解率98%。",
            [("闲置土地", "清理"), ("存量业务化解率", "")],
            id="rate_takes_no_verb_from_another_member",
        ),
        pytest.param(
            "城镇新增就业5000人，居民消费价格涨幅2%左右。",
            [("城镇新增就业", "新增"), ("居民消费价格涨幅", "")],
            id="residents_are_no_rank",
        ),
        pytest.param(
            "工业投资增长9%，占固定资产投资的18.2%。",
            [("工业投资", "增长"), ("工业投资占固定资产投资", "")],
            id="share_of_what_was_named",
        ),
        pytest.param("医保参保率比2020年提高6.8个百分点。", [("医保参保率", "提高")], id="year_compared_with"),
        pytest.param("在全市项目观摩评议中位列第2名。", [("项目观摩评议", "位列")], id="rank"),
    ],
)  # fmt: skip
def test_indicator_and_relation_are_read_from_the_words_beside_the_figure(
    text: str, readings: list[tuple[str, str]]
) -> None:
    assert named(text) == readings


@pytest.mark.parametrize(
    ("text", "heading", "kinds"),
    [
        pytest.param("新增停车位600个。", RESULTS, ["result"], id="done"),
        pytest.param("新增停车位600个。", TARGETS, ["target"], id="intended"),
        pytest.param("省级以上创新平台达到76个。", RESULTS, ["stock"], id="there_in_all"),
        pytest.param("动态储备项目255个。", RESULTS, ["stock"], id="kept_in_store"),
        pytest.param("省级以上创新平台达到76个。", TARGETS, ["target"], id="what_there_is_to_be"),
        pytest.param("村卫生室公建率达到100%。", RESULTS, ["result"], id="rate_that_is_reached"),
        pytest.param("21个项目发行专项债券23.6亿元。", RESULTS, ["count", "result"], id="number_of_what_carries_another"),
        pytest.param(
            "4个省重点、9个市级重点建设类项目完成年度投资的132%、147%。",
            RESULTS,
            ["count", "count", "result", "result"],
            id="numbers_of_members",
        ),
        pytest.param("年产3000吨复合材料项目建成投产。", RESULTS, ["count"], id="size_in_a_name"),
        pytest.param("加快推进100万吨新能源用钢项目建设。", TARGETS, ["count"], id="size_in_a_name_of_what_is_intended"),
        pytest.param("建成3万亩高标准农田。", TARGETS, ["target"], id="area_that_is_the_amount"),
        pytest.param("每千人床位数从4.2张增至5.6张。", RESULTS, ["count", "stock"], id="what_it_rose_from"),
    ],
)  # fmt: skip
def test_kind_follows_the_section_and_the_words(text: str, heading: str, kinds: list[str]) -> None:
    assert [entry.kind for entry in entries(text, heading)] == kinds


@pytest.mark.parametrize(
    ("text", "written"),
    [
        pytest.param("完成投资135亿元以上。", ("135", None, "亿元", "以上"), id="scale_stays_with_the_unit"),
        pytest.param("引进配套项目5-7个。", ("5", "7", "个", ""), id="range"),
        pytest.param("网络零售额突破18亿元。", ("18", None, "亿元", "突破"), id="bound_in_front"),
        pytest.param("建成至少2个消费集聚区。", ("2", None, "个", "至少"), id="at_least"),
        pytest.param("培训务工人员3000多名。", ("3000", None, "名", "多"), id="bound_inside"),
        pytest.param("补贴农机具860台（套）以上。", ("860", None, "台（套）", "以上"), id="unit_with_brackets"),
        pytest.param("发放补贴1,263.5万元。", ("1263.5", None, "万元", ""), id="comma_in_the_number"),
        pytest.param("在全市评议中位列第2名。", ("2", None, "名", ""), id="rank"),
        pytest.param("空气质量综合指数3.92。", ("3.92", None, "", ""), id="no_unit"),
        pytest.param("PM2.5浓度33微克/立方米。", ("33", None, "微克/立方米", ""), id="compound_unit"),
    ],
)
def test_value_unit_and_bound_are_as_written(text: str, written: tuple[str, str | None, str, str]) -> None:
    [entry] = entries(text)
    value, upper, unit, bound = written
    assert (entry.value, entry.unit, entry.bound) == (Decimal(value), unit, bound)
    assert entry.upper == (None if upper is None else Decimal(upper))


@pytest.mark.parametrize(
    ("text", "place"),
    [
        pytest.param("新增停车位600个。", "云溪区", id="the_document_s_own"),
        pytest.param("沅湾湖生物谷，二期厂房建成运营，签约入驻企业13家。", "沅湾湖生物谷", id="park_that_the_sentence_is_about"),
        pytest.param("沅湾高新区聚新发力，望江医药等12个项目签约入驻。", "沅湾高新区", id="park_that_opens_the_sentence"),
        pytest.param("沅湾国际产业园新引进外资项目2个。", "沅湾国际产业园", id="park_that_opens_the_clause"),
        pytest.param("恒越材料有限公司轻合金生产等6个项目建成投产。", "云溪区", id="company_that_is_an_example"),
        pytest.param("智能制造产业，招引配套项目8个。", "云溪区", id="industry_is_no_place"),
        pytest.param("本专科大学生增加2100名。", "云溪区", id="ending_inside_a_word"),
    ],
)  # fmt: skip
def test_place_is_the_documents_own_unless_another_is_named(text: str, place: str) -> None:
    assert [entry.place for entry in entries(text)] == [place]


def test_place_is_no_part_of_the_indicator() -> None:
    [entry] = entries("沅湾国际产业园新增医药企业2家。")
    assert (entry.indicator, entry.place) == ("医药企业", "沅湾国际产业园")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("105国道改线工程开工。", id="number_of_a_road"),
        pytest.param("落实“五型”政府【4】建设要求。", id="number_of_a_note"),
        pytest.param("庆祝建区100周年。", id="anniversary"),
    ],
)
def test_what_measures_no_indicator_is_listed_with_its_sentence(text: str) -> None:
    ledger = ledger_of(text)
    assert not ledger.entries
    assert [u.quote for u in ledger.unplaced] == [text.removesuffix("。")]


def test_entry_tells_year_section_and_clause() -> None:
    [first, second] = entries("地区生产总值增长6.2%，新增停车位600个。")
    assert (first.year, second.year) == (2026, 2026)
    assert first.section == (TARGETS,)
    assert (first.quote, second.quote) == ("地区生产总值增长6.2%", "新增停车位600个")
    assert first.kind is EntryKind.TARGET


def test_readings_need_no_document() -> None:
    [figure] = find_figures("12个")
    assert read("", figure, "").indicator == ""


def test_ledger_of_the_bundled_plan_needs_no_path(plan: Document) -> None:
    assert open_ledger().document == plan


def test_several_documents_are_refused(plan_path: Path, mini_path: Path) -> None:
    with pytest.raises(RequestError, match="2 份"):
        open_ledger([plan_path, mini_path])


def test_missing_document_is_said(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="找不到文件"):
        open_ledger([tmp_path / "none.txt"])


def test_ledger_is_built_in_less_than_a_second(plan: Document) -> None:
    of_plan = passages(plan)
    build_ledger(plan, of_plan)
    started = time.perf_counter()
    build_ledger(plan, of_plan)
    assert time.perf_counter() - started < 1

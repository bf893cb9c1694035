from __future__ import annotations

import doctest
import io
import json
import os
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import docx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import assistant.draft
from assistant.alignment import Context
from assistant.draft import (
    MAX_DRAFT_BYTES,
    MAX_DRAFT_CHARS,
    MAX_SENTENCE_CHARS,
    CheckedDraft,
    StatedYears,
    check_draft,
    draft_sentences,
    read_draft,
    read_draft_bytes,
    unwrapped,
)
from assistant.draft_docx import MAX_PART_BYTES
from assistant.types import Verdict, WordingCheck
from assistant.wording import Located, WordingChecker
from corpus.errors import RequestError
from corpus.passages import passages
from corpus.types import Document, Kind

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
STRICT = "http://purl.oclc.org/ooxml/wordprocessingml/main"
RELATIONS = (
    '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" '
    'Target="{target}"/></Relationships>'
)


def word_file(body: str, *, namespace: str = W, prolog: str = "", target: str = "word/document.xml") -> bytes:
    """A Word file with no more than its main part."""
    mc = "http://schemas.openxmlformats.org/markup-compatibility/2006"
    xml = f'<?xml version="1.0" encoding="UTF-8"?>{prolog}<w:document xmlns:w="{namespace}" xmlns:mc="{mc}"><w:body>{body}</w:body></w:document>'
    return zipped({"_rels/.rels": RELATIONS.format(target=target), target.lstrip("/"): xml})


def zipped(parts: dict[str, str | bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def saved(document: Any) -> bytes:
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def paragraph(words: str) -> str:
    return f"<w:p><w:r><w:t>{words}</w:t></w:r></w:p>"


def words_of(text: str) -> list[str]:
    return [text[start:end] for start, end in draft_sentences(text)]


@pytest.fixture(scope="module")
def checker(mini: Document) -> WordingChecker:
    return WordingChecker(mini, tuple(passages(mini)))


# --- reading -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "text"),
    [
        pytest.param("甲增长6%。\r\n乙".encode(), "甲增长6%。\n乙", id="utf_8"),
        pytest.param("甲增长6%。".encode("utf-8-sig"), "甲增长6%。", id="byte_order_mark"),
        pytest.param("甲增长6%。".encode("gb18030"), "甲增长6%。", id="gb18030"),
    ],
)
def test_text_file_is_read_as_the_documents_are(data: bytes, text: str) -> None:
    assert read_draft_bytes(data, "稿.TXT") == text


def test_word_file_gives_a_line_for_each_paragraph_and_table_row_in_their_order() -> None:
    document = docx.Document()
    document.add_paragraph("第一段。")
    table = document.add_table(2, 2)
    for row, values in zip(table.rows, (("指标", "目标"), ("地区生产总值", "增长6%")), strict=True):
        for cell, value in zip(row.cells, values, strict=True):
            cell.text = value
    document.add_paragraph("第二段").add_run("，同段。")
    document.sections[0].header.paragraphs[0].text = "页眉"
    document.sections[0].footer.paragraphs[0].text = "页脚"
    text = read_draft_bytes(saved(document), "稿.docx")
    assert text.split("\n") == ["第一段。", "指标\t目标", "地区生产总值\t增长6%", "第二段，同段。"]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        pytest.param(
            "<w:p><w:r><w:t>增长</w:t></w:r><w:del><w:r><w:delText>5</w:delText><w:t>5</w:t></w:r></w:del>"
            "<w:ins><w:r><w:t>6</w:t></w:r></w:ins><w:r><w:t>%</w:t></w:r></w:p>",
            "增长6%",
            id="tracked_changes_are_accepted",
        ),
        pytest.param(
            "<w:p><w:moveFrom><w:r><w:t>甲</w:t></w:r></w:moveFrom><w:moveTo><w:r><w:t>乙</w:t></w:r></w:moveTo></w:p>",
            "乙",
            id="moved_words_stand_where_they_were_moved_to",
        ),
        pytest.param(
            "<w:tbl><w:tr><w:trPr><w:del/></w:trPr><w:tc><w:p><w:r><w:t>删</w:t></w:r></w:p></w:tc></w:tr>"
            "<w:tr><w:tc><w:p><w:r><w:t>留</w:t></w:r></w:p></w:tc></w:tr></w:tbl>",
            "留",
            id="deleted_row",
        ),
        pytest.param(
            "<w:p><w:r><w:t>正文</w:t><mc:AlternateContent><mc:Choice><w:txbxContent>"
            "<w:p><w:r><w:t>框内</w:t></w:r></w:p></w:txbxContent></mc:Choice><mc:Fallback><w:txbxContent>"
            "<w:p><w:r><w:t>框内</w:t></w:r></w:p></w:txbxContent></mc:Fallback></mc:AlternateContent></w:r></w:p>",
            "正文\n框内",
            id="text_box_once_and_after_its_paragraph",
        ),
        pytest.param(
            "<w:p><w:r><w:t>上</w:t><w:br/><w:t>下</w:t><w:br w:type='page'/><w:t>页</w:t><w:tab/><w:t>末</w:t></w:r></w:p>",
            "上\n下页\t末",
            id="breaks_and_tabs",
        ),
        pytest.param(
            "<w:sdt><w:sdtContent><w:p><w:hyperlink><w:r><w:t>链接</w:t></w:r></w:hyperlink></w:p></w:sdtContent></w:sdt>",
            "链接",
            id="content_controls_and_links",
        ),
        pytest.param(
            "<w:p><w:r><w:instrText>PAGE</w:instrText><w:t>字</w:t></w:r><!-- 注 --></w:p>", "字", id="field_codes_out"
        ),
    ],
)
def test_word_file_reads_as_it_is_shown(body: str, text: str) -> None:
    assert read_draft_bytes(word_file(body), "稿.docx") == text


@pytest.mark.parametrize(
    ("namespace", "target"),
    [
        pytest.param(STRICT, "word/document.xml", id="strict_form"),
        pytest.param(W, "/word/document.xml", id="absolute_target"),
        pytest.param(W, "word/document2.xml", id="main_part_of_another_name"),
    ],
)
def test_word_file_of_other_programs_is_read(namespace: str, target: str) -> None:
    assert read_draft_bytes(word_file(paragraph("文"), namespace=namespace, target=target), "稿.docx") == "文"


BOMB = word_file(paragraph("0" * (MAX_PART_BYTES + 1)))
XLSX = zipped({"_rels/.rels": RELATIONS.format(target="xl/workbook.xml"), "xl/workbook.xml": "<workbook/>"})
ENTITIES = '<!DOCTYPE w:document [<!ENTITY a "甲乙丙"><!ENTITY b "&a;&a;&a;">]>'


def encrypted() -> bytes:
    """A zip whose entries are marked as encrypted."""
    data = bytearray(word_file(paragraph("密")))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.find(signature)
        while at != -1:
            data[at + offset] |= 1
            at = data.find(signature, at + 4)
    return bytes(data)


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        pytest.param("稿.txt", b"", "空的", id="empty"),
        pytest.param("稿.txt", b" \n\t", "空的", id="blank"),
        pytest.param("稿.docx", b"", "空的", id="empty_docx"),
        pytest.param("稿.txt", b"\x89PNG\r\n\x1a\n\xff\xfe", "编码", id="binary"),
        pytest.param("稿.txt", b"abc\x00def", "NUL", id="nul"),
        pytest.param("稿.txt", "12".encode("utf-16-le"), "UTF-8", id="utf_16_without_its_mark"),
        pytest.param("稿.txt", b"a" * (MAX_DRAFT_BYTES + 1), "上限", id="large"),
        pytest.param("稿.docx", b"a" * (50 * 2**20), "52,428,800", id="fifty_megabytes"),
        pytest.param("稿.pdf", b"%PDF-1.7", ".pdf", id="pdf"),
        pytest.param("稿.doc", b"\xd0\xcf\x11\xe0", ".doc", id="doc"),
        pytest.param("稿", b"abc", "扩展名", id="no_ending"),
        pytest.param("稿.docx", "文".encode(), "不是有效的 .docx", id="docx_that_is_no_zip"),
        pytest.param("稿.docx", word_file(paragraph("文"))[:-30], "不是有效的 .docx", id="cut_off"),
        pytest.param("稿.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 512, "密码", id="password"),
        pytest.param("稿.docx", encrypted(), "加密", id="encrypted_zip"),
        pytest.param("稿.docx", zipped({"a.txt": "文"}), "压缩包", id="zip_of_something_else"),
        pytest.param(
            "稿.docx", zipped({"_rels/.rels": RELATIONS.format(target="x.xml")}), "没有正文", id="no_main_part"
        ),
        pytest.param("稿.docx", zipped({"_rels/.rels": "<a"}), "无法解析", id="broken_xml"),
        pytest.param("稿.docx", XLSX, "Excel", id="xlsx"),
        pytest.param("稿.docx", BOMB, "解压后", id="zip_bomb"),
        pytest.param("稿.docx", word_file(paragraph("&b;"), prolog=ENTITIES), "DTD", id="entities"),
        pytest.param("稿.docx", word_file(paragraph(" ")), "没有文字", id="word_file_without_words"),
        pytest.param("稿.docx", word_file("<w:p>" * 5000 + "</w:p>" * 5000), "无法解析", id="nested_too_deep"),
    ],
)
def test_file_that_cannot_be_read_is_refused_in_one_sentence(name: str, data: bytes, said: str) -> None:
    with pytest.raises(RequestError) as refused:
        read_draft_bytes(data, name)
    message = str(refused.value)
    assert said in message and name in message
    assert message.endswith("。") and message.count("。") == 1 and "\n" not in message


def test_external_entity_is_not_fetched(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("机密", encoding="utf-8")
    prolog = f'<!DOCTYPE w:document [<!ENTITY x SYSTEM "{secret.as_uri()}">]>'
    with pytest.raises(RequestError) as refused:
        read_draft_bytes(word_file(paragraph("&x;"), prolog=prolog), "稿.docx")
    assert "DTD" in str(refused.value) and "机密" not in str(refused.value)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damaged_word_file_is_read_or_refused(data: st.DataObject) -> None:
    content = bytearray(word_file(paragraph("全区地区生产总值增长6%。") * 5))
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        assert isinstance(read_draft_bytes(bytes(content), "稿.docx"), str)
    except RequestError as error:
        assert str(error).endswith("。")


def test_file_on_disk_is_read(tmp_path: Path) -> None:
    path = tmp_path / "稿.txt"
    path.write_text("甲增长6%。", encoding="utf-8")
    assert read_draft(path) == "甲增长6%。"


def test_large_file_is_refused_without_reading_it(tmp_path: Path) -> None:
    path = tmp_path / "大.txt"
    with path.open("wb") as handle:
        handle.truncate(2**40)  # sparse: reading it would fail
    with pytest.raises(RequestError, match="上限"):
        read_draft(path)


def test_missing_file_folder_and_pipe_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "管道.txt")
    for path, said in (
        (tmp_path / "无.txt", "找不到"),
        (tmp_path, "文件夹"),
        (tmp_path / "管道.txt", "普通文件"),
        (Path("a\0b.txt"), "找不到"),
        (tmp_path / ("长" * 300 + ".txt"), "无法读取"),
    ):
        with pytest.raises(RequestError, match=said):
            read_draft(path)


# --- sentences ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("甲增长6%。乙增长5%！", ["甲增长6%", "乙增长5%"], id="full_stops"),
        pytest.param("甲\n\n  乙  \n", ["甲", "乙"], id="lines"),
        pytest.param("一、总体要求\n（二）主要目标。甲。", ["总体要求", "主要目标", "甲"], id="headings"),
        pytest.param("1. 甲\n2、乙\n（3）丙\n4）丁\n①戊\n第五部分 己", list("甲乙丙丁戊己"), id="numbers"),
        pytest.param("• 甲\n- 乙\n——丙\n## 丁\n● 戊", list("甲乙丙丁戊"), id="bullets"),
        pytest.param("1.2024年新增3个", ["2024年新增3个"], id="number_before_a_year"),
        pytest.param("一是新增3个；二是新增4个。", ["新增3个；二是新增4个"], id="one_is"),
        pytest.param("1\t地区生产总值\t6%", ["地区生产总值\t6%"], id="number_of_a_table_row"),
        pytest.param("3.5万亩\n-5%\n三、四季度", ["3.5万亩", "-5%", "三、四季度"], id="figures_are_no_numbers"),
        pytest.param("。。。\n——\n“”\n***", [], id="bare_marks"),
        pytest.param("他说：“甲。乙。”", ["他说：“甲", "乙"], id="sentences_in_quotation_marks"),
        pytest.param("坚持“干好。”的要求", ["坚持“干好。”的要求"], id="one_stop_in_quotation_marks"),
        pytest.param("一、", ["一"], id="nothing_behind_the_number"),
    ],
)
def test_sentences_of_a_draft(text: str, expected: list[str]) -> None:
    assert words_of(text) == expected


def test_long_sentence_is_cut_at_clause_marks() -> None:
    text = "新增停车位600个，" * 300
    parts = words_of(text)
    assert all(part.endswith("600个") and len(part) <= MAX_SENTENCE_CHARS for part in parts)
    assert "".join(parts).count("600个") == 300


def test_line_with_brackets_left_open_is_cut_all_the_same() -> None:
    assert len(words_of("（" * 150_000 + "甲")) < 500


@given(st.text(alphabet="甲乙6%.,，。；！“”（）()一二1、 \n\t•-是年2024", max_size=300))
def test_sentences_are_in_order_apart_and_neither_blank_nor_padded(text: str) -> None:
    position = 0
    for start, end in draft_sentences(text):
        assert position <= start < end <= len(text)
        assert text[start:end] == text[start:end].strip()
        position = end


@given(st.text(alphabet="甲乙丙丁6%，。\n ", max_size=400))
def test_unwrapping_moves_nothing(text: str) -> None:
    flowing = unwrapped(text)
    assert len(flowing) == len(text)
    assert all(a == b or (a, b) == ("\n", " ") for a, b in zip(text, flowing, strict=True))


def test_lines_wrapped_at_one_width_are_one_paragraph() -> None:
    line = "新增停车位600个，城市公园4个，新建改造公共卫生间9座、城管驿站6座，新建提升跨沅河桥梁5座，开工改造45万平方米，补贴农机具860台"
    line += "（套）以上，农业生产综合机械化率达到88%，新认证绿色食品8个"
    text = "\n".join(line[start : start + 25] for start in range(0, len(line), 25))
    assert text.count("\n") >= 3 and len(draft_sentences(text)) == 1
    assert len(draft_sentences(line.replace("，", "\n"))) == line.count("，") + 1


# --- years -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words", "expected"),
    [
        pytest.param("甲增长6%。", "甲", (None, None), id="nothing_says_so"),
        pytest.param("2026年，甲增长6%，乙增长5%。", "2026年，甲", (2026, None), id="own_words"),
        pytest.param("2026年，甲增长6%。乙增长5%。", "乙", (2026, None), id="sentence_before"),
        pytest.param("2026年，甲增长6%。\n乙增长5%。", "乙", (None, None), id="paragraph_before_says_nothing"),
        pytest.param("去年，甲增长6%。今年，乙增长5%。", "去年", (2025, Kind.RESULT), id="last_year"),
        pytest.param("去年，甲增长6%。今年，乙增长5%。", "今年", (2026, None), id="this_year"),
        pytest.param("一、2025年工作回顾\n甲增长6%。", "甲", (2025, Kind.RESULT), id="heading_of_a_result"),
        pytest.param("二、主要目标\n甲增长6%。", "甲", (2026, Kind.TARGET), id="heading_of_a_target"),
        pytest.param("一、工业\n甲增长6%。", "甲", (None, None), id="heading_that_says_nothing"),
        pytest.param("一、工业\n2026年，甲增长6%。乙增长5%。", "乙", (2026, None), id="sentence_under_such_a_heading"),
        pytest.param("一、主要目标\n去年，甲增长6%。乙增长5%。", "乙", (2025, Kind.RESULT), id="sentence_over_heading"),
        pytest.param("2026年，甲增长百分之六。", "2026年", (2026, None), id="chinese_numerals"),
        pytest.param("一、2025年工作回顾\n干部群众团结奋斗。", "干部", (None, None), id="no_figure"),
    ],
)
def test_year_and_kind_are_those_of_headings_and_clauses_before(
    mini: Document, text: str, words: str, expected: tuple[int | None, Kind | None]
) -> None:
    span = next((start, end) for start, end in draft_sentences(text) if text.startswith(words, start))
    assert StatedYears(text, mini).of(*span) == expected


class Recording:
    """Finds nothing, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int | None, Kind | None]] = []

    def check(
        self, claim: str, *, year: int | None = None, kind: Kind | None = None, columns: Sequence[Context] = ()
    ) -> tuple[WordingCheck, Located | None]:
        self.asked.append((claim, year, kind))
        return WordingCheck(Verdict.NOT_FOUND, ""), None


def test_each_sentence_is_checked_with_its_year_and_kind(mini: Document) -> None:
    recording = Recording()
    text = "一、2025年工作回顾\n甲增长6%。\n二、主要目标\n甲增长7%。"
    check_draft(text, recording, mini)  # type: ignore[arg-type]
    assert recording.asked == [
        ("2025年工作回顾", None, None),
        ("甲增长6%", 2025, Kind.RESULT),
        ("主要目标", None, None),
        ("甲增长7%", 2026, Kind.TARGET),
    ]


# --- checking ----------------------------------------------------------------------------------------------------


DRAFT = """工作汇报
（二）主要目标。全区地区生产总值增长6.2%，一般公共预算收入增长5.4%。
年内完成投资135亿元以上。建成地铁3条线路。"""


@pytest.fixture(scope="module")
def checked(checker: WordingChecker, mini: Document) -> CheckedDraft:
    return check_draft(DRAFT, checker, mini, name="汇报.txt")


def test_sentences_have_their_place_in_the_draft_and_in_the_plan(checked: CheckedDraft, mini: Document) -> None:
    assert all(DRAFT[s.start : s.end] == s.text for s in checked.sentences)
    cited = [s.citation for s in checked.sentences if s.citation]
    assert [c.n for c in cited] == list(range(1, len(cited) + 1))
    for citation in cited:
        assert mini.text[citation.start : citation.end] == citation.quote
        assert (citation.document, citation.sha256) == (mini.doc_id, mini.sha256)


def test_altered_figure_is_found_beside_exact_and_absent_ones(checked: CheckedDraft) -> None:
    by_text = {s.text: s for s in checked.sentences}
    assert by_text["年内完成投资135亿元以上"].check.verdict == Verdict.MATCH
    assert by_text["建成地铁3条线路"].check.verdict == Verdict.NOT_FOUND
    assert by_text["建成地铁3条线路"].citation is None
    altered = by_text["全区地区生产总值增长6.2%，一般公共预算收入增长5.4%"]
    assert altered.check.verdict == Verdict.MISMATCH
    assert "一般公共预算收入增长4.5%" in altered.check.original


def test_summary_counts_sentences_and_figures(checked: CheckedDraft) -> None:
    summary = checked.summary
    assert summary.sentences == len(checked.sentences) == summary.match + summary.mismatch + summary.not_found
    assert (summary.figures, summary.exact, summary.altered, summary.absent) == (4, 2, 1, 1)


def test_result_given_as_a_target_by_its_heading_is_no_match(checker: WordingChecker, mini: Document) -> None:
    words = "地区生产总值增长5.1%。"
    right = check_draft(f"一、2025年工作回顾\n{words}", checker, mini).sentences[-1]
    wrong = check_draft(f"二、2026年主要目标\n{words}", checker, mini).sentences[-1]
    assert (right.check.verdict, wrong.check.verdict) == (Verdict.MATCH, Verdict.MISMATCH)


def test_document_itself_has_no_altered_and_no_absent_figure(document: Document) -> None:
    checked = check_draft(document.text, WordingChecker(document, passages(document)), document)
    assert checked.summary.figures == checked.summary.exact > 60
    assert [s.text for s in checked.sentences if s.check.figures and s.check.verdict != Verdict.MATCH] == []


@pytest.mark.parametrize("width", [25, 38])
def test_document_wrapped_by_hand_has_no_altered_figure(document: Document, width: int) -> None:
    lines = document.text.split("\n")
    text = "\n".join(line[i : i + width] for line in lines for i in range(0, len(line), width))
    summary = check_draft(text, WordingChecker(document, passages(document)), document).summary
    assert summary.figures == summary.exact


def test_progress_is_told_after_each_sentence(checker: WordingChecker, mini: Document) -> None:
    steps: list[tuple[int, int]] = []
    check_draft("甲。\n乙。", checker, mini, on_progress=lambda done, total: steps.append((done, total)))
    assert steps == [(1, 2), (2, 2)]


@pytest.mark.parametrize("text", ["", " \n", "。。。", "\x00", "\ud800"], ids=repr)
def test_draft_without_words_is_refused(checker: WordingChecker, mini: Document, text: str) -> None:
    with pytest.raises(RequestError, match="空的"):
        check_draft(text, checker, mini)


def test_draft_that_is_too_long_is_refused(checker: WordingChecker, mini: Document) -> None:
    with pytest.raises(RequestError, match="200,001"):
        check_draft("甲" * (MAX_DRAFT_CHARS + 1), checker, mini)


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="甲增长6.5%，。；“”（）一、1 \n\t2026年今去\x00\x0b\u2028\ud800", min_size=1, max_size=120))
def test_any_draft_is_checked_or_refused(checker: WordingChecker, mini: Document, text: str) -> None:
    try:
        checked = check_draft(text, checker, mini)
    except RequestError:
        return
    assert all(text[s.start : s.end] == s.text for s in checked.sentences)


def test_json_form_names_draft_document_and_each_sentence(checked: CheckedDraft, mini: Document) -> None:
    data = json.loads(json.dumps(checked.to_dict(mini), ensure_ascii=False))
    assert list(data) == ["draft", "document", "sha256", "summary", "sentences"]
    assert (data["draft"], data["document"], data["sha256"]) == ("汇报.txt", mini.doc_id, mini.sha256)
    first = data["sentences"][0]
    assert list(first) == ["text", "start", "end", "wording_check", "citation"]
    assert list(first["wording_check"]) == ["verdict", "original", "diff", "findings", "figures"]


def test_examples_in_the_docstrings() -> None:
    assert doctest.testmod(assistant.draft).failed == 0


TABLE = "2025年主要指标\n指标\t2025年实际\t2026年目标\n地区生产总值\t{}\t{}\n新增停车位600个。\n"


@pytest.mark.parametrize(
    ("earlier", "later", "states"),
    [
        pytest.param("增长5.1%", "增长6.2%", ["exact", "exact"], id="as_in_the_plan"),
        pytest.param("增长6.2%", "增长5.1%", ["altered", "altered"], id="columns_in_exchange"),
        pytest.param("5.1%", "6.3%", ["exact", "altered"], id="one_figure_altered"),
    ],
)
def test_head_of_a_table_says_the_year_of_its_columns(
    mini: Document, earlier: str, later: str, states: list[str]
) -> None:
    checker = WordingChecker(mini, tuple(passages(mini)))
    checked = check_draft(TABLE.format(earlier, later), checker, mini)
    row = next(sentence for sentence in checked.sentences if sentence.text.startswith("地区生产总值"))
    assert [figure.state for figure in row.check.figures] == states

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import corpus.load
from corpus.errors import CorpusError
from corpus.load import decode, load_document, parse_document
from corpus.types import Document

MINI_HEADER = {
    "文号": "沅政发〔2026〕12号",
    "标题": "关于印发沅湾区2026年国民经济和\n社会发展计划的通知",
    "主送机关": "各街道（镇）办事处（人民政府），区政府各部门，区直各单位",
    "印发机关": "青渡市沅湾区人民政府",
    "印发日期": "2026年3月9日",
    "审议会议": "沅湾区第八届人民代表大会第五次会议",
    "联系人": "田知夏",
    "联系电话": "80120417",
    "公开方式": "此件公开发布",
}
PLAN_HEADER = {
    "文号": "莱芜政发〔2024〕4号",
    "标题": "关于印发莱芜区2024年国民经济和\n社会发展计划的通知",
    "主送机关": "各功能区管委会，各街道（镇）办事处（人民政府），区政府各部门，区直各企事业单位",
    "印发机关": "济南市莱芜区人民政府",
    "印发日期": "2024年8月15日",
    "审议会议": "莱芜区第十九届人民代表大会第三次会议",
    "联系人": "刘润畅",
    "联系电话": "76116296",
    "公开方式": "此件公开发布",
}


def fields(document: Document) -> dict[str, str]:
    return {field.name: field.value for field in document.header}


def is_one_sentence(message: str) -> bool:
    return message.endswith("。") and message.count("。") == 1 and "\n" not in message


def test_header_of_the_plan_is_read_in_full(plan: Document) -> None:
    assert fields(plan) == PLAN_HEADER


def test_header_of_another_plan_is_read_by_the_same_code(mini: Document) -> None:
    assert fields(mini) == MINI_HEADER


def test_each_header_field_stands_at_its_offsets_in_reading_order(document: Document) -> None:
    assert all(document.text[field.start : field.end] == field.value for field in document.header)
    starts = [field.start for field in document.header]
    assert starts == sorted(starts)


def test_title_broken_over_two_lines_is_read_whole(document: Document) -> None:
    assert document.title not in document.text.splitlines()[2]
    assert document.title.endswith("国民经济和社会发展计划")
    assert document.title.startswith(document.place)


@pytest.mark.parametrize(
    ("name", "place", "year"),
    [pytest.param("plan", "莱芜区", 2024, id="plan"), pytest.param("mini", "沅湾区", 2026, id="mini_plan")],
)
def test_place_and_year_are_those_of_the_plan(request: pytest.FixtureRequest, name: str, place: str, year: int) -> None:
    document: Document = request.getfixturevalue(name)
    assert (document.place, document.year) == (place, year)


@pytest.mark.parametrize(
    ("text", "title", "place", "year"),
    [
        pytest.param(
            "沅湾区2026年国民经济和社会发展计划\n一、2025年计划执行情况\n二、2026年主要目标\n",
            "沅湾区2026年国民经济和社会发展计划",
            "沅湾区",
            2026,
            id="title_on_the_first_line",
        ),
        pytest.param(
            "青渡市2026年政府工作报告\n（2026年1月8日在青渡市第九届人民代表大会第一次会议上）\n市长 顾若川\n一、2025年工作回顾\n经济增长5%。\n二、2026年工作安排\n经济增长6%。\n",
            "青渡市2026年政府工作报告",
            "青渡市",
            2026,
            id="report_with_speaker",
        ),
        pytest.param(
            "政府工作报告\n——2026年1月8日在青渡市第九届人民代表大会第一次会议上\n一、2025年工作回顾\n经济增长5%。\n二、2026年工作安排\n经济增长6%。\n",
            "政府工作报告",
            "青渡市",
            2026,
            id="place_in_the_line_below_the_title",
        ),
        pytest.param("工作要点\n认真做好各项工作。\n", "工作要点", "", None, id="neither_place_nor_year"),
    ],
)
def test_title_place_and_year_of_other_heads(text: str, title: str, place: str, year: int | None) -> None:
    document = parse_document(text, "other")
    assert (document.title, document.place, document.year) == (title, place, year)


def test_speaker_of_a_report_is_a_header_field() -> None:
    text = "政府工作报告\n——2026年1月8日在青渡市第九届人民代表大会第一次会议上\n市长　顾若川\n一、2025年工作回顾\n经济增长5%。\n"
    document = parse_document(text, "report")
    assert fields(document)["报告人"].replace("　", " ") == "市长 顾若川"
    assert fields(document)["日期"] == "2026年1月8日"


def test_field_that_the_head_lacks_is_left_out() -> None:
    text = "沅湾区2026年国民经济和社会发展计划\n一、2025年计划执行情况\n联系电话：80120417。\n"
    assert fields(parse_document(text, "plan")) == {}


def test_text_without_any_head_is_a_document() -> None:
    document = parse_document("地区生产总值增长6%。", "bare")
    assert (document.header, document.year, document.place) == ((), None, "")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param("沅湾区。\n增长6%。\n".encode(), id="utf8"),
        pytest.param("沅湾区。\n增长6%。\n".encode("utf-8-sig"), id="utf8_with_bom"),
        pytest.param("沅湾区。\n增长6%。\n".encode("gb18030"), id="gb18030"),
        pytest.param("沅湾区。\n增长6%。\n".encode("utf-16"), id="utf16_as_notepad_writes_it"),
        pytest.param("沅湾区。\r\n增长6%。\r\n".encode(), id="crlf"),
        pytest.param("沅湾区。\r增长6%。\r".encode(), id="cr"),
        pytest.param("沅湾区。\r\n增长6%。\r\n".encode("gb18030"), id="gb18030_with_crlf"),
    ],
)
def test_encodings_and_line_ends_give_the_same_text(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "plan.txt"
    path.write_bytes(data)
    document = load_document(path)
    assert document.text == "沅湾区。\n增长6%。\n"
    assert document.sha256 == hashlib.sha256(data).hexdigest()


def test_identifier_is_the_name_of_the_file(mini: Document, plan: Document) -> None:
    assert (mini.doc_id, plan.doc_id) == ("mini_plan", "laiwu-2024-plan")


def test_sha256_is_that_of_the_bytes_on_disk(mini: Document, mini_path: Path) -> None:
    assert mini.sha256 == hashlib.sha256(mini_path.read_bytes()).hexdigest()


def test_bundled_plan_is_unchanged(plan: Document) -> None:
    assert plan.sha256 == "25c14f66e4664c7a7f8a4f8fef250b7c1ff23380a614d67b030d1da03b7a095b"


@settings(deadline=None)
@given(st.text(alphabet="区计划增长6%。，\n（）“”", min_size=1).filter(lambda text: text.strip() != ""))
def test_text_survives_either_encoding(text: str) -> None:
    assert decode(text.encode("utf-8"), "x") == text
    assert decode(text.encode("utf-8-sig"), "x") == text
    try:
        text.encode("gb18030").decode("utf-8")
    except UnicodeDecodeError:
        assert decode(text.encode("gb18030"), "x") == text


@pytest.mark.parametrize(
    ("data", "said"),
    [
        pytest.param(b"", "空", id="empty"),
        pytest.param(b" \n\t\r\n", "空", id="blank"),
        pytest.param("计划\x00正文".encode(), "NUL", id="nul"),
        pytest.param("计划".encode("utf-16-le"), "txt", id="utf16_without_its_mark"),
        pytest.param(b"\x89PNG\r\n\x1a\n\xff\xfe\xfd" * 40, "文本", id="image"),
        pytest.param(bytes(range(1, 32)) * 8, "文本", id="control_characters"),
        pytest.param(b"\xff\xff\xff\xff\xff\xff\xff\xff", "文本", id="neither_utf8_nor_gb18030"),
        pytest.param(b"PK\x03\x04\x14\x00\x06\x00word/document.xml", "NUL", id="docx"),
    ],
)
def test_file_that_is_no_text_is_refused_in_one_sentence(tmp_path: Path, data: bytes, said: str) -> None:
    path = tmp_path / "bad.txt"
    path.write_bytes(data)
    with pytest.raises(CorpusError) as caught:
        load_document(path)
    assert is_one_sentence(str(caught.value).replace("bad.txt", "bad"))
    assert said in str(caught.value)
    assert str(path) in str(caught.value)


def test_missing_file_is_named_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"找不到文件 .*missing") as caught:
        load_document(tmp_path / "missing")
    assert is_one_sentence(str(caught.value))


def test_folder_in_place_of_a_file_is_refused_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="文件夹"):
        load_document(tmp_path)


def test_unreadable_file_is_refused_in_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "plan"
    path.symlink_to(path)
    with pytest.raises(CorpusError, match="无法读取文件") as caught:
        load_document(path)
    assert is_one_sentence(str(caught.value))


def test_name_with_a_nul_is_refused_like_any_other_bad_name() -> None:
    with pytest.raises(CorpusError):
        load_document(Path("plan\x00.txt"))


def test_too_large_file_is_refused_in_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpus.load, "MAX_DOCUMENT_BYTES", 100)
    path = tmp_path / "large"
    path.write_text("增" * 34, encoding="utf-8")
    with pytest.raises(CorpusError, match=r"102 字节.*上限 100 字节") as caught:
        load_document(path)
    assert is_one_sentence(str(caught.value))


def test_file_at_the_limit_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpus.load, "MAX_DOCUMENT_BYTES", 102)
    path = tmp_path / "fits.txt"
    path.write_text("增" * 34, encoding="utf-8")
    assert load_document(path).text == "增" * 34

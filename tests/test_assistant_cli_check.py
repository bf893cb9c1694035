from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import docx
import pytest

from assistant import cli
from assistant.cli import main
from assistant.service import PlanAssistant
from corpus.types import Document

ROOT = Path(__file__).resolve().parents[1]
DRAFT = (
    "（二）主要目标。全区地区生产总值增长6.2%，一般公共预算收入增长5.4%。\n年内完成投资135亿元以上。建成地铁3条线路。\n"
)


@pytest.fixture(autouse=True)
def _no_index(monkeypatch: pytest.MonkeyPatch) -> None:
    """A check opens no index and loads no model."""

    def refused(_: object) -> PlanAssistant:
        raise AssertionError("the index was opened")

    monkeypatch.setattr(cli, "_open", refused)


@pytest.fixture
def draft(tmp_path: Path) -> Path:
    path = tmp_path / "汇报.txt"
    path.write_text(DRAFT, encoding="utf-8")
    return path


@pytest.fixture
def source(mini_path: Path) -> list[str]:
    return ["--source", str(mini_path)]


def result(capsys: pytest.CaptureFixture[str]) -> Any:
    written = capsys.readouterr()
    assert written.err == "" and written.out.count("\n") == 1
    return json.loads(written.out)


# --- one sentence ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param("年内完成投资135亿元以上", "与原文一致：“年内完成投资135亿元以上”。[1]", id="match"),
        pytest.param("年内完成投资135亿元", "与原文不一致，原文是：“年内完成投资135亿元以上”。[1]", id="mismatch"),
        pytest.param("建成地铁3条线路", "文件中没有找到这一表述。", id="not_found"),
    ],
)
def test_one_sentence_is_answered_with_its_quotation(
    capsys: pytest.CaptureFixture[str], source: list[str], words: str, said: str
) -> None:
    assert main(["check", words, *source]) == 0
    assert capsys.readouterr().out.startswith(f"{said}\n")


@pytest.mark.parametrize(
    "words",
    ["年内完成投资135亿元以上", "2026年地区生产总值增长5.1%", "建成地铁3条线路", "全区地区生产总值增长6.2%"],
    ids=["match", "mismatch", "not_found", "target"],
)
def test_json_of_one_sentence_is_the_answer_of_the_assistant(
    capsys: pytest.CaptureFixture[str], source: list[str], words: str, mini_assistant: PlanAssistant
) -> None:
    assert main(["check", words, "--json", *source]) == 0
    data = result(capsys)
    expected = json.loads(json.dumps(mini_assistant.check(words).to_dict(), ensure_ascii=False))
    assert list(data) == list(expected)
    assert data | {"timings_ms": {}} == expected | {"timings_ms": {}}
    assert data["timings_ms"]["total"] > 0


def test_bundled_plan_is_what_is_checked_against_without_a_source(
    capsys: pytest.CaptureFixture[str], plan: Document
) -> None:
    assert main(["check", "年内完成投资179亿元以上", "--json"]) == 0
    assert result(capsys)["citations"][0]["sha256"] == plan.sha256


# --- a draft -----------------------------------------------------------------------------------------------------


def test_draft_is_written_sentence_by_sentence_with_its_counts(
    capsys: pytest.CaptureFixture[str], source: list[str], draft: Path
) -> None:
    assert main(["check", "--file", str(draft), *source]) == 0
    out = capsys.readouterr().out
    assert "2. [与原文不一致] 全区地区生产总值增长6.2%，一般公共预算收入增长5.4%" in out
    assert "3. [与原文一致] 年内完成投资135亿元以上" in out
    assert "4. [文件中没有] 建成地铁3条线路" in out
    assert out.endswith("数字：核对 4 个，一致 2，改动 1，文中没有 1\n")


def test_json_of_a_draft_is_one_object(
    capsys: pytest.CaptureFixture[str], source: list[str], draft: Path, mini: Document
) -> None:
    assert main(["check", "--file", str(draft), "--json", *source]) == 0
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    data = json.loads(out)
    assert (data["draft"], data["document"], data["sha256"]) == ("汇报.txt", mini.doc_id, mini.sha256)
    assert data["summary"]["altered"] == 1
    for sentence in data["sentences"]:
        assert DRAFT[sentence["start"] : sentence["end"]] == sentence["text"]
        assert sentence["wording_check"]["verdict"] in ("match", "mismatch", "not_found")
        if citation := sentence["citation"]:
            assert mini.text[citation["start"] : citation["end"]] == citation["quote"]


def test_word_file_is_checked(capsys: pytest.CaptureFixture[str], source: list[str], tmp_path: Path) -> None:
    document = docx.Document()
    document.add_paragraph("年内完成投资135亿元以上。")
    document.save(str(tmp_path / "稿.docx"))
    assert main(["check", "--file", str(tmp_path / "稿.docx"), *source]) == 0
    assert "1. [与原文一致] 年内完成投资135亿元以上" in capsys.readouterr().out


@pytest.mark.parametrize("text", [DRAFT, "年内完成投资135亿元以上。新增停车位600个。", "新增停车位600个\n新增博士6名"])
def test_pasted_text_of_several_sentences_is_checked_as_a_draft(
    capsys: pytest.CaptureFixture[str], source: list[str], text: str
) -> None:
    assert main(["check", text, "--json", *source]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["draft"] == "" and len(data["sentences"]) > 1


@pytest.mark.parametrize("ending", ["md", "DOCX"])
def test_report_is_written_beside_the_result(
    capsys: pytest.CaptureFixture[str], source: list[str], draft: Path, tmp_path: Path, ending: str
) -> None:
    target = tmp_path / f"报告.{ending}"
    target.write_text("earlier", encoding="utf-8")
    assert main(["check", "--file", str(draft), "--report", str(target), *source]) == 0
    assert "数字：核对 4 个" in capsys.readouterr().out
    data = target.read_bytes()
    if ending == "md":
        assert data.decode("utf-8").startswith("# 原文核对报告\n")
    else:
        assert docx.Document(io.BytesIO(data)).paragraphs[0].text == "原文核对报告"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([draft.name, target.name])


def test_one_sentence_with_a_report_is_checked_as_a_draft(
    capsys: pytest.CaptureFixture[str], source: list[str], tmp_path: Path
) -> None:
    assert main(["check", "新增停车位600个", "--report", str(tmp_path / "a.md"), *source]) == 0
    assert "句子：核对 1 句" in capsys.readouterr().out
    assert "新增停车位600个" in (tmp_path / "a.md").read_text(encoding="utf-8")


# --- what is refused ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["check"], id="nothing_to_check"),
        pytest.param(["check", "甲", "--file", "a.txt"], id="words_and_file"),
        pytest.param(["check", "甲", "--report", "a.pdf"], id="report_of_another_kind"),
    ],
)
def test_wrong_usage_exits_with_two(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    assert main(arguments) == 2
    written = capsys.readouterr()
    assert written.out == "" and written.err != ""


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one sentence with which a check is refused."""
    assert main(["check", *arguments]) == 1
    written = capsys.readouterr()
    assert written.out == ""
    assert written.err.count("\n") == 1 and written.err.endswith("。\n")
    return written.err


@pytest.mark.parametrize("words", ["", " ", "\ud800", "。。\n。"], ids=["empty", "blank", "surrogate", "marks"])
def test_words_without_content_are_refused(capsys: pytest.CaptureFixture[str], source: list[str], words: str) -> None:
    assert "空" in refused(capsys, words, *source)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        pytest.param("稿.txt", None, "找不到", id="missing"),
        pytest.param("稿.txt", b"", "空的", id="empty"),
        pytest.param("稿.txt", b"a\x00b", "NUL", id="binary"),
        pytest.param("稿.txt", b"a" * (50 * 2**20), "上限", id="fifty_megabytes"),
        pytest.param("稿.docx", b"no zip", "不是有效的", id="docx_that_is_no_zip"),
        pytest.param("稿.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 99, "密码", id="password"),
        pytest.param("稿.pdf", b"%PDF", ".pdf", id="pdf"),
    ],
)
def test_bad_file_is_refused_and_nothing_is_lost(
    capsys: pytest.CaptureFixture[str], source: list[str], tmp_path: Path, name: str, content: bytes | None, said: str
) -> None:
    path, report = tmp_path / name, tmp_path / "报告.md"
    report.write_text("earlier", encoding="utf-8")
    if content is not None:
        path.write_bytes(content)
    assert said in refused(capsys, "--file", str(path), "--report", str(report), *source)
    assert report.read_text(encoding="utf-8") == "earlier"
    assert not path.exists() or path.read_bytes() == content


def test_several_sources_are_refused(capsys: pytest.CaptureFixture[str], mini_path: Path, plan_path: Path) -> None:
    assert "2 份" in refused(capsys, "新增停车位600个", "--source", str(mini_path), str(plan_path))


def test_report_never_overwrites_the_draft(
    capsys: pytest.CaptureFixture[str], source: list[str], tmp_path: Path
) -> None:
    path = tmp_path / "稿.docx"
    document = docx.Document()
    document.add_paragraph("新增停车位600个。")
    document.save(str(path))
    before = path.read_bytes()
    assert "覆盖" in refused(capsys, "--file", str(path), "--report", str(path), *source)
    assert path.read_bytes() == before


def test_report_that_cannot_be_written_is_refused_before_the_check(
    capsys: pytest.CaptureFixture[str], source: list[str], draft: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "夹.md"
    folder.mkdir()
    assert "文件夹" in refused(capsys, "--file", str(draft), "--report", str(folder), *source)
    assert "不存在" in refused(capsys, "--file", str(draft), "--report", str(tmp_path / "无" / "a.md"), *source)


def test_program_checks_a_sentence_without_loading_a_model(mini_path: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from assistant.cli import main; main(sys.argv[1:]);"
        "sys.exit(any(name in sys.modules for name in ('torch', 'chromadb', 'sentence_transformers', 'gradio')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "check", "新增停车位600个", "--source", str(mini_path)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "LAIWU_INDEX_DIR": str(tmp_path / "index")},
        capture_output=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert "与原文一致" in done.stdout.decode("utf-8")
    assert not (tmp_path / "index").exists()

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from assistant import cli
from assistant.cli import main
from assistant.service import PlanAssistant

ROOT = Path(__file__).resolve().parents[1]
PARKING = "2026年新增停车位多少个？"


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch, mini_assistant: PlanAssistant) -> Iterator[list[Sequence[Path]]]:
    """The command line on the invented plan, without its model; what it was asked to open is kept."""
    sources: list[Sequence[Path]] = []

    def open_mini(documents: Sequence[Path]) -> PlanAssistant:
        sources.append(documents)
        return mini_assistant

    monkeypatch.setattr(cli, "_open", open_mini)
    yield sources


def batch(tmp_path: Path, *lines: str) -> tuple[int, list[dict[str, Any]]]:
    """Run a batch of lines; the exit code and the result lines."""
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text("\n".join(lines) + "\n", encoding="utf-8")
    code = main(["ask", "--batch", str(source), "--out", str(target)])
    return code, [json.loads(line) for line in target.read_text(encoding="utf-8").split("\n")[:-1]]


def is_one_sentence(error: str) -> bool:
    return error.count("\n") == 1 and error.endswith("。\n")


def record(**fields: object) -> str:
    return json.dumps(fields, ensure_ascii=False)


def test_answer_with_its_quotation_is_all_that_is_written(
    opened: list[Sequence[Path]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ask", PARKING]) == 0
    written = capsys.readouterr()
    answer, quotation = written.out.splitlines()
    assert "新增停车位600个" in answer and answer.endswith("[1]")
    assert quotation.startswith("[1] 三、2026年经济社会发展重点和主要措施 / （二）聚力城乡融合，建设宜居沅湾")
    assert quotation.endswith("第3.2.1段：“新增停车位600个”")
    assert written.err == ""


def test_json_is_one_line_and_all_that_is_written(
    opened: list[Sequence[Path]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ask", PARKING, "--json"]) == 0
    written = capsys.readouterr()
    assert written.out.count("\n") == 1
    data = json.loads(written.out)
    assert (data["question"], data["status"]) == (PARKING, "answered")
    assert "停车位" in written.out
    assert "id" not in data
    assert written.err == ""


def test_nearest_passages_are_listed_where_nothing_is_found(
    opened: list[Sequence[Path]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ask", "2030年地区生产总值增长目标是多少？"]) == 0
    out = capsys.readouterr().out
    assert "未提及" in out and "最接近的原文：\n- " in out


def test_source_is_what_is_opened(opened: list[Sequence[Path]], mini_path: Path) -> None:
    assert main(["ask", PARKING, "--source", str(mini_path)]) == 0
    assert opened == [[mini_path]]


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param([], id="no_command"),
        pytest.param(["ask"], id="no_question"),
        pytest.param(["ask", "问题", "--batch", "in.jsonl"], id="question_and_batch"),
        pytest.param(["ask", "--batch", "in.jsonl"], id="batch_without_out"),
        pytest.param(["ask", "问题", "--nonsense"], id="unknown_option"),
        pytest.param(["nonsense"], id="unknown_command"),
        pytest.param(["serve", "--port", "many"], id="port_that_is_no_number"),
        pytest.param(["index", "--source"], id="source_without_a_file"),
    ],
)
def test_wrong_usage_exits_with_two_and_writes_no_result(
    opened: list[Sequence[Path]], capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert main(arguments) == 2
    written = capsys.readouterr()
    assert written.out == ""
    assert written.err != ""
    assert opened == []


def test_out_without_batch_is_wrong_usage(
    opened: list[Sequence[Path]], capsys: pytest.CaptureFixture[str], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    assert main(["ask", PARKING, "--out", str(tmp_path / "out.jsonl")]) == 2


@pytest.mark.parametrize("arguments", [["--help"], ["ask", "--help"]], ids=["program", "command"])
def test_help_exits_with_zero(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    assert main(arguments) == 0
    assert "usage" in capsys.readouterr().out


@pytest.mark.parametrize(
    "question",
    [
        pytest.param("", id="empty"),
        pytest.param("  ", id="blank"),
        pytest.param("\ud800", id="lone_surrogate"),
        pytest.param("停" * 100_000, id="too_long"),
    ],
)
def test_question_that_cannot_be_taken_exits_with_one_sentence(
    opened: list[Sequence[Path]], capsys: pytest.CaptureFixture[str], question: str
) -> None:
    assert main(["ask", question]) == 1
    written = capsys.readouterr()
    assert written.out == ""
    assert is_one_sentence(written.err)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(None, "找不到文件", id="missing"),
        pytest.param(b"", "空", id="empty"),
        pytest.param(b"\x89PNG\x00\x01", "NUL", id="image"),
    ],
)
def test_source_that_cannot_be_read_exits_with_one_sentence(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, content: bytes | None, said: str
) -> None:
    source = tmp_path / "plan.txt"
    if content is not None:
        source.write_bytes(content)
    for arguments in (["ask", PARKING, "--source", str(source)], ["index", "--source", str(source)]):
        assert main(arguments) == 1
        written = capsys.readouterr()
        assert written.out == ""
        assert said in written.err and is_one_sentence(written.err.lstrip("\n"))


def test_nothing_but_the_sentence_is_on_standard_error(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    main(["ask", PARKING, "--source", str(tmp_path / "missing")])
    assert is_one_sentence(capsys.readouterr().err)


def test_setting_that_cannot_be_used_exits_with_one_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAIWU_PORT", "many")
    assert main(["ask", PARKING]) == 1
    written = capsys.readouterr()
    assert written.out == "" and "LAIWU_PORT" in written.err


def test_interruption_exits_with_one_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: object) -> PlanAssistant:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_open", interrupted)
    assert main(["ask", PARKING]) == 1
    assert capsys.readouterr().err == "已中断。\n"


def test_batch_answers_each_line_with_its_id(opened: list[Sequence[Path]], tmp_path: Path) -> None:
    code, answers = batch(
        tmp_path,
        record(id="q1", question=PARKING),
        record(id="q2", question="2025年呢？", turns=[PARKING]),
        record(id=3, question="文号是什么？", turns=[]),
        record(question="今天天气怎么样", turns=None),
    )
    assert code == 0
    assert [answer.get("id") for answer in answers] == ["q1", "q2", 3, None]
    assert "id" not in answers[3]
    assert [answer["status"] for answer in answers] == ["answered", "answered", "answered", "declined"]
    assert "820个" in answers[1]["answer"]


def test_batch_writes_nothing_to_standard_output_and_counts_at_the_end(
    opened: list[Sequence[Path]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    batch(tmp_path, record(id="q1", question=PARKING), "{broken")
    written = capsys.readouterr()
    assert written.out == ""
    assert "已回答 1 个问题，失败 1 个" in written.err


BROKEN = [
    pytest.param("{broken", "JSON", id="no_json"),
    pytest.param("[1, 2]", "question", id="no_object"),
    pytest.param("null", "question", id="null"),
    pytest.param(record(id="b"), "question", id="no_question"),
    pytest.param(record(id="b", question=5), "question", id="question_that_is_no_text"),
    pytest.param(record(id="b", question=""), "空", id="empty_question"),
    pytest.param(record(id="b", question="停" * 100_000), "上限", id="too_long_question"),
    pytest.param(record(id="b", question="\x00"), "空", id="nul"),
    pytest.param('{"id": "b", "question": "\\ud800"}', "空", id="lone_surrogate"),
    pytest.param(record(id="b", question="停车位？", turns="去年呢？"), "turns", id="turns_that_are_no_list"),
    pytest.param(record(id="b", question="停车位？", turns=[1]), "turns", id="turns_that_are_no_text"),
    pytest.param("[" * 100_000, "JSON", id="nested_too_deep"),
]


@pytest.mark.parametrize(("line", "said"), BROKEN)
def test_batch_goes_on_after_a_broken_line(opened: list[Sequence[Path]], tmp_path: Path, line: str, said: str) -> None:
    code, answers = batch(tmp_path, record(id="a", question=PARKING), line, record(id="c", question=PARKING))
    assert code == 1
    assert [answers[0]["id"], answers[2]["id"]] == ["a", "c"]
    assert "600个" in answers[0]["answer"] and "600个" in answers[2]["answer"]
    assert set(answers[1]) == {"id", "line", "error"}
    assert answers[1]["line"] == 2
    assert said in answers[1]["error"]


def test_batch_goes_on_after_any_numeral(opened: list[Sequence[Path]], tmp_path: Path) -> None:
    batch(tmp_path, record(id="a", question="今年投资两亿二元吗？"), record(id="b", question=PARKING))


@pytest.mark.parametrize(
    "line",
    ['{"id": "a", "question": "停车位\\ud800多少个？"}', '{"id": "\\ud800", "question": "停车位多少个？"}'],
    ids=["question", "id"],
)
def test_batch_goes_on_after_a_lone_surrogate(opened: list[Sequence[Path]], tmp_path: Path, line: str) -> None:
    batch(tmp_path, line, record(id="b", question=PARKING))


def test_blank_lines_of_a_batch_are_passed_over(opened: list[Sequence[Path]], tmp_path: Path) -> None:
    code, answers = batch(tmp_path, "", record(id="a", question=PARKING), "   ", "")
    assert (code, len(answers)) == (0, 1)


def test_line_numbers_are_those_of_the_file(
    opened: list[Sequence[Path]], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    _, answers = batch(tmp_path, "", "", "{broken")
    assert answers[0]["line"] == 3


def test_batch_reads_other_encodings_and_line_ends(opened: list[Sequence[Path]], tmp_path: Path) -> None:
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_bytes("\ufeff{0}\r\n{0}\r\n".format(record(id="a", question=PARKING)).encode())
    assert main(["ask", "--batch", str(source), "--out", str(target)]) == 0
    assert len(target.read_text(encoding="utf-8").splitlines()) == 2


def test_line_separator_inside_a_question_does_not_end_the_line(opened: list[Sequence[Path]], tmp_path: Path) -> None:
    code, answers = batch(tmp_path, record(id="a", question="2026年新增\u2028停车位多少个？"))
    assert (code, len(answers)) == (0, 1)


@pytest.mark.parametrize(
    "content", [None, b"", b"\x00\x01", b"\xff\xff\xff"], ids=["missing", "empty", "nul", "no_text"]
)
def test_batch_file_that_cannot_be_read_leaves_nothing_behind(
    opened: list[Sequence[Path]], tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | None
) -> None:
    source = tmp_path / "in.jsonl"
    if content is not None:
        source.write_bytes(content)
    before = sorted(tmp_path.iterdir())
    assert main(["ask", "--batch", str(source), "--out", str(tmp_path / "out.jsonl")]) == 1
    written = capsys.readouterr()
    assert written.out == "" and written.err.count("\n") == 1
    assert sorted(tmp_path.iterdir()) == before


def test_folder_in_place_of_a_batch_file_exits_with_one_sentence(
    opened: list[Sequence[Path]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ask", "--batch", str(tmp_path), "--out", str(tmp_path / "out.jsonl")]) == 1
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("target", ["nowhere/out.jsonl", "folder"], ids=["folder_missing", "is_a_folder"])
def test_unwritable_out_exits_with_one_sentence_and_leaves_nothing_behind(
    opened: list[Sequence[Path]], tmp_path: Path, capsys: pytest.CaptureFixture[str], target: str
) -> None:
    (tmp_path / "folder").mkdir()
    source = tmp_path / "in.jsonl"
    source.write_text(record(id="a", question=PARKING), encoding="utf-8")
    before = sorted(tmp_path.rglob("*"))
    assert main(["ask", "--batch", str(source), "--out", str(tmp_path / target)]) == 1
    assert is_one_sentence(capsys.readouterr().err.lstrip("\n"))
    assert sorted(tmp_path.rglob("*")) == before


def test_unwritable_out_is_noticed_before_the_first_question(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mini_assistant: PlanAssistant
) -> None:
    asked: list[str] = []

    class Counting:
        def ask(self, question: str, turns: Sequence[str]) -> object:
            asked.append(question)
            return mini_assistant.ask(question, turns)

    monkeypatch.setattr(cli, "_open", lambda _: Counting())
    (tmp_path / "in.jsonl").write_text(record(question=PARKING), encoding="utf-8")
    assert main(["ask", "--batch", str(tmp_path / "in.jsonl"), "--out", str(tmp_path)]) == 1
    assert asked == []


def test_batch_that_breaks_off_keeps_the_earlier_result(
    opened: list[Sequence[Path]], tmp_path: Path, mini_assistant: PlanAssistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text(f"{record(id='a', question=PARKING)}\n{record(id='b', question='停')}\n", encoding="utf-8")
    target.write_text("earlier\n", encoding="utf-8")

    class Interrupted:
        def ask(self, question: str, turns: Sequence[str]) -> object:
            if question == "停":
                raise KeyboardInterrupt
            return mini_assistant.ask(question, turns)

    monkeypatch.setattr(cli, "_open", lambda _: Interrupted())
    assert main(["ask", "--batch", str(source), "--out", str(target)]) == 1
    assert target.read_text(encoding="utf-8") == "earlier\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.jsonl", "out.jsonl"]


def test_questions_are_never_overwritten_by_their_answers(
    opened: list[Sequence[Path]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "questions.jsonl"
    path.write_text(record(id="a", question=PARKING), encoding="utf-8")
    assert main(["ask", "--batch", str(path), "--out", str(path)]) == 1
    assert json.loads(path.read_text(encoding="utf-8"))["question"] == PARKING
    assert "会覆盖它" in capsys.readouterr().err


def test_result_file_can_be_read_by_others(opened: list[Sequence[Path]], tmp_path: Path) -> None:
    batch(tmp_path, record(id="a", question=PARKING))
    assert stat.S_IMODE((tmp_path / "out.jsonl").stat().st_mode) == 0o644


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "assistant.cli", *arguments]
    return subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        timeout=200,
        check=False,
    )


def test_program_says_what_is_wrong_without_loading_a_model(tmp_path: Path) -> None:
    missing = run("ask", PARKING, "--source", str(tmp_path / "missing.txt"), LAIWU_INDEX_DIR=str(tmp_path / "index"))
    assert (missing.returncode, missing.stdout) == (1, b"")
    assert missing.stderr.decode().lstrip().startswith("找不到文件")
    assert run("ask").returncode == 2


@pytest.mark.slow
def test_program_with_its_own_model_answers_from_another_plan(mini_path: Path, tmp_path: Path) -> None:
    done = run("ask", PARKING, "--json", "--source", str(mini_path), LAIWU_INDEX_DIR=str(tmp_path / "index"))
    assert done.returncode == 0, done.stderr.decode()
    data = json.loads(done.stdout.decode("utf-8"))
    assert (data["status"], data["citations"][0]["quote"]) == ("answered", "新增停车位600个")
    assert data["citations"][0]["document"] == "mini_plan"

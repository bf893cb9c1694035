"""Files of questions are read strictly, and say where they are wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from assistant.types import Answer, Citation, GateReport, Status, WordingCheck
from evals.types import QuestionFileError, answer_from_dict, load_cases

GOOD: dict[str, Any] = {
    "id": "a",
    "type": "single_fact",
    "question": "增长多少？",
    "answerable": True,
    "gold_values": ["6%"],
}
REFUSE: dict[str, Any] = {"id": "b", "type": "unanswerable", "question": "天气？", "answerable": False}
CHECK: dict[str, Any] = {
    "id": "c",
    "type": "wording_check",
    "question": "核对“六”",
    "answerable": True,
    "expected": "match",
}


def written(folder: Path, *rows: Any) -> Path:
    path = folder / "questions.jsonl"
    path.write_text(
        "\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows) + "\n", encoding="utf-8"
    )
    return path


def test_good_lines_are_read_in_order_and_fields_of_others_are_dropped(tmp_path: Path) -> None:
    cases = load_cases(written(tmp_path, GOOD | {"gold_lines": [7], "extra": 1}, "", REFUSE, CHECK))
    assert [case.id for case in cases] == ["a", "b", "c"]
    assert not hasattr(cases[0], "extra")
    assert cases[0].spellings() == (("6%",),)


def test_the_value_itself_is_always_an_accepted_spelling(tmp_path: Path) -> None:
    (case,) = load_cases(written(tmp_path, GOOD | {"accept": [["百分之六", "6%"]]}))
    assert case.spellings() == (("6%", "百分之六"),)


@pytest.mark.parametrize(
    ("row", "word"),
    [
        pytest.param("{", "JSON", id="no_json"),
        pytest.param("[1]", "对象", id="no_object"),
        pytest.param({key: value for key, value in GOOD.items() if key != "id"}, "id", id="no_id"),
        pytest.param(GOOD | {"id": ""}, "id", id="empty_id"),
        pytest.param(GOOD | {"question": ""}, "question", id="no_question"),
        pytest.param(GOOD | {"type": "Single Fact"}, "type", id="type_with_blank"),
        pytest.param(GOOD | {"persona": "robot"}, "persona", id="unknown_persona"),
        pytest.param(GOOD | {"gold_values": []}, "gold_values", id="nothing_to_say"),
        pytest.param(GOOD | {"gold_values": [""]}, "空字符串", id="empty_value"),
        pytest.param(GOOD | {"accept": [["6%"], ["7%"]]}, "accept", id="spellings_of_nothing"),
        pytest.param(REFUSE | {"gold_values": ["6%"]}, "gold_values", id="answer_of_the_unanswerable"),
        pytest.param(CHECK | {"expected": "nearly"}, "expected", id="unknown_verdict"),
        pytest.param(CHECK | {"expected": None}, "expected", id="check_without_verdict"),
        pytest.param(GOOD | {"expected": "match"}, "expected", id="verdict_without_check"),
    ],
)
def test_a_bad_line_is_refused_with_file_and_line(tmp_path: Path, row: Any, word: str) -> None:
    path = written(tmp_path, GOOD | {"id": "first"}, row)
    with pytest.raises(QuestionFileError) as error:
        load_cases(path)
    message = str(error.value)
    assert str(path) in message and "第 2 行" in message and word in message
    assert message.endswith("。") and "\n" not in message


def test_an_id_that_stands_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(QuestionFileError, match=r"第 3 行.*第 1 行"):
        load_cases(written(tmp_path, GOOD, REFUSE, GOOD))


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xff\xfe\x00"])
def test_a_file_without_questions_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "questions.jsonl"
    path.write_bytes(content)
    with pytest.raises(QuestionFileError):
        load_cases(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(QuestionFileError, match="检查路径"):
        load_cases(tmp_path / "missing.jsonl")


def test_an_answer_survives_being_written_and_read() -> None:
    citation = Citation(1, "plan", "1.1.1", "一、", "增长6%", 3, 7, "00")
    answer = Answer(
        question="问",
        standalone_question="全问",
        status=Status.ANSWERED,
        answer="6%。[1]",
        citations=(citation,),
        nearest=(citation,),
        wording_check=WordingCheck("mismatch", "增长6%", (("equal", "增长"), ("delete", "6%"))),
        answerer="quote",
        gate=GateReport(1, 1, 0),
        timings_ms={"total": 1.5},
        id="a",
    )
    assert answer_from_dict(json.loads(json.dumps(answer.to_dict()))) == answer
    plain = Answer("问", "问", Status.NOT_FOUND, "")
    assert answer_from_dict(json.loads(json.dumps(plain.to_dict()))) == plain

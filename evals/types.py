"""Questions with their right answers, as read from JSONL, and what the measures make of an answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from assistant.types import Answer, Citation, GateReport, Status, WordingCheck
from corpus.errors import PlanAssistantError

KNOWN_TYPES = (
    "single_fact",
    "year_contrast",
    "paraphrase",
    "count",
    "yes_no",
    "header",
    "list",
    "follow_up",
    "clarify",
    "wording_check",
    "unanswerable",
)


class QuestionFileError(PlanAssistantError):
    """A file of questions, or of stored answers, cannot be used; the message names file and line."""


class EvalCase(BaseModel):
    """One question with its right answer.

    ``accept`` holds, for each of ``gold_values``, every spelling that counts; ``gold_spans`` stand verbatim in the
    document. ``trap_values`` are what a confused answer would say (the other year, the neighbouring indicator).
    ``expected``, ``original`` and ``wrong_values`` belong to wording checks only. Fields not named here are dropped.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", str_strip_whitespace=False)

    id: str = Field(min_length=1)
    type: str = Field(pattern=r"^[a-z][a-z_]*$")
    turns: tuple[str, ...] = ()
    question: str = Field(min_length=1)
    answerable: bool
    gold_values: tuple[str, ...] = ()
    accept: tuple[tuple[str, ...], ...] = ()
    gold_spans: tuple[str, ...] = ()
    section: str = ""
    persona: Literal["official", "public", "staff", ""] = ""
    trap_values: tuple[str, ...] = ()
    kind: str = ""
    expected: Literal["match", "mismatch", "not_found"] | None = None
    original: str = ""
    wrong_values: tuple[str, ...] = ()
    note: str = ""

    @model_validator(mode="after")
    def _is_gradable(self) -> Self:
        if self.accept and len(self.accept) != len(self.gold_values):
            raise ValueError(
                f"accept 有 {len(self.accept)} 组写法，gold_values 有 {len(self.gold_values)} 个值，两者应一一对应"
            )
        if (self.type == "wording_check") != (self.expected is not None):
            raise ValueError("expected 应当、且只应当出现在 wording_check 题中")
        if self.answerable and self.type != "wording_check" and not self.gold_values:
            raise ValueError("可回答的题应至少有一个 gold_values")
        if not self.answerable and self.gold_values:
            raise ValueError("不可回答的题不应有 gold_values")
        if any(not value for value in (*self.gold_values, *self.trap_values, *self.gold_spans)):
            raise ValueError("gold_values、trap_values、gold_spans 中不应有空字符串")
        return self

    def spellings(self) -> tuple[tuple[str, ...], ...]:
        """For each gold value every accepted spelling, the value itself first."""
        if not self.accept:
            return tuple((value,) for value in self.gold_values)
        return tuple(
            (value, *(spelling for spelling in accepted if spelling and spelling != value))
            for value, accepted in zip(self.gold_values, self.accept, strict=True)
        )

    def is_list(self) -> bool:
        """Whether the answer is an enumeration, which may be long and hold many figures."""
        return self.type in ("list", "clarify")


@dataclass(frozen=True, slots=True)
class Score:
    """What one measure says of one answer: ``value`` from 0 to 1, higher is better, with a reason for a reader."""

    case_id: str
    measure: str
    value: float
    reason: str


@dataclass(frozen=True, slots=True)
class Retrieved:
    """A passage that the index gave back for a stand-alone question; ``text`` is what the passage may say."""

    doc_id: str
    passage_id: str
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Result:
    """One answer of a run: ``retrieved`` is best first, ``seconds`` the wall time of the whole answer."""

    case: EvalCase
    answer: Answer
    retrieved: tuple[Retrieved, ...]
    seconds: float


def load_cases(path: Path) -> tuple[EvalCase, ...]:
    """Read the questions of a JSONL file; blank lines are passed over.

    Raises:
        QuestionFileError: The file is missing or empty, a line is no JSON object or no gradable question, or an id
            stands twice.
    """
    cases: list[EvalCase] = []
    lines: dict[str, int] = {}
    for number, data in json_lines(path):
        try:
            case = EvalCase.model_validate(data)
        except ValidationError as error:
            problems = "；".join(
                f"{'.'.join(map(str, problem['loc'])) or '整行'}：{problem['msg'].removeprefix('Value error, ')}"
                for problem in error.errors(include_input=False, include_url=False)
            )
            raise QuestionFileError(f"{path} 第 {number} 行不是可评分的问题（{problems}），请改正后再运行。") from None
        if case.id in lines:
            raise QuestionFileError(f"{path} 第 {number} 行的编号 {case.id} 已在第 {lines[case.id]} 行用过，请改名。")
        lines[case.id] = number
        cases.append(case)
    if not cases:
        raise QuestionFileError(f"{path} 里没有问题，请给出每行一个问题的 JSONL 文件。")
    return tuple(cases)


def json_lines(path: Path) -> list[tuple[int, dict[str, Any]]]:
    """The JSON objects of a file with their line numbers, counted from 1.

    Raises:
        QuestionFileError: The file cannot be read, or a line is no JSON object.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise QuestionFileError(f"无法读取文件 {path}（{error.strerror}），请检查路径。") from None
    except UnicodeDecodeError:
        raise QuestionFileError(f"文件 {path} 不是 UTF-8 文本，请另存为 UTF-8。") from None
    found: list[tuple[int, dict[str, Any]]] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            data = json.loads(line)
        except json.JSONDecodeError as error:
            raise QuestionFileError(
                f"{path} 第 {number} 行不是 JSON（第 {error.colno} 列起），请改正后再运行。"
            ) from None
        if not isinstance(data, dict):
            raise QuestionFileError(f"{path} 第 {number} 行不是 JSON 对象，请写成 {{…}}。")
        found.append((number, data))
    return found


def answer_from_dict(data: Mapping[str, Any]) -> Answer:
    """The answer that ``Answer.to_dict`` wrote."""
    check = data["wording_check"]
    return Answer(
        question=data["question"],
        standalone_question=data["standalone_question"],
        status=Status(data["status"]),
        answer=data["answer"],
        citations=tuple(Citation(**citation) for citation in data["citations"]),
        nearest=tuple(Citation(**citation) for citation in data["nearest"]),
        wording_check=check
        and WordingCheck(check["verdict"], check["original"], tuple((step[0], step[1]) for step in check["diff"])),
        answerer=data["answerer"],
        gate=GateReport(**data["gate"]),
        timings_ms=dict(data["timings_ms"]),
        id=data.get("id"),
    )

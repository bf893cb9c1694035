"""The values that a question passes through on its way to an answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Status(StrEnum):
    """How a question ended."""

    ANSWERED = "answered"
    CLARIFY = "clarify"
    NOT_FOUND = "not_found"
    DECLINED = "declined"


@dataclass(frozen=True, slots=True)
class Citation:
    """A quotation with its place: ``document.text[start:end] == quote`` on the text as published."""

    n: int
    document: str
    paragraph: str
    section: str
    quote: str
    start: int
    end: int
    sha256: str


@dataclass(frozen=True, slots=True)
class WordingCheck:
    """What became of a wording question; ``diff`` leads from the original to the words asked about.

    ``verdict`` is ``match``, ``mismatch`` or ``not_found``; each step of ``diff`` is ``equal``, ``delete`` or
    ``insert`` with its characters.
    """

    verdict: str
    original: str
    diff: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class GateReport:
    """Figures in the answer, how many are bound to a cited quote, how many statements were taken out."""

    figures: int = 0
    bound: int = 0
    removed: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """Everything that page, command line, log and evaluation need to know about one answer."""

    question: str
    standalone_question: str
    status: Status
    answer: str
    citations: tuple[Citation, ...] = ()
    nearest: tuple[Citation, ...] = ()
    wording_check: WordingCheck | None = None
    answerer: str = "quote"
    gate: GateReport = GateReport()
    timings_ms: dict[str, float] = field(default_factory=dict)
    id: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The answer in the published JSON form; keys as in the contract, ``id`` only where one was given."""
        data: dict[str, Any] = {} if self.id is None else {"id": self.id}
        data |= {
            "question": self.question,
            "standalone_question": self.standalone_question,
            "status": self.status.value,
            "answer": self.answer,
            "citations": [_citation(citation) for citation in self.citations],
            "nearest": [_citation(citation) for citation in self.nearest],
            "wording_check": self.wording_check
            and {
                "verdict": self.wording_check.verdict,
                "original": self.wording_check.original,
                "diff": [list(step) for step in self.wording_check.diff],
            },
            "answerer": self.answerer,
            "gate": {"figures": self.gate.figures, "bound": self.gate.bound, "removed": self.gate.removed},
            "timings_ms": self.timings_ms,
        }
        return data


def _citation(citation: Citation) -> dict[str, Any]:
    return {name: getattr(citation, name) for name in Citation.__slots__}

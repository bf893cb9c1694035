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


class Verdict(StrEnum):
    """What a wording check ends in."""

    MATCH = "match"
    MISMATCH = "mismatch"
    NOT_FOUND = "not_found"


class FigureState(StrEnum):
    """What became of one figure of the words checked: as in the plan, other than in the plan, or not there at all."""

    EXACT = "exact"
    ALTERED = "altered"
    ABSENT = "absent"


class Difference(StrEnum):
    """In what words differ from the original, the gravest first; the last three differ without being wrong."""

    NUMBER = "数字"
    UNIT = "单位"
    BOUND = "界限词"
    DIRECTION = "增减"
    YEAR = "年份"
    KIND = "性质"  # a result given as a target, or the other way round
    INDICATOR = "指标"  # the figure is another indicator's
    CUT = "截断"  # an end cut so that the meaning changes
    OMITTED = "缺漏"
    ADDED = "增添"
    JOINED = "拼接"  # clauses that do not stand together
    WORDS = "用字"
    SYNONYM = "同义"
    NOTATION = "写法"  # the same value or word, written otherwise
    EXCERPT = "节选"  # stands there, inside a longer clause

    @property
    def is_wrong(self) -> bool:
        """Whether words with this difference are no match."""
        return self not in (Difference.SYNONYM, Difference.NOTATION, Difference.EXCERPT)


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference: what the words checked say, what the original says (either may be empty), and it in a sentence."""

    difference: Difference
    said: str
    original: str
    note: str


@dataclass(frozen=True, slots=True)
class CheckedFigure:
    """One figure of the words checked; ``start`` and ``end`` count characters of those words.

    ``original`` is the figure that the plan has in its place, empty where it has none.
    """

    text: str
    start: int
    end: int
    state: FigureState
    original: str


@dataclass(frozen=True, slots=True)
class WordingCheck:
    """What became of a wording question; ``diff`` leads from the original to the words asked about.

    ``verdict`` is a :class:`Verdict`; each step of ``diff`` is ``equal``, ``delete`` or ``insert`` with its characters,
    and there are none where the words match or were not found. ``findings`` name the differences, the gravest first and
    of one kind in reading order; with a match there may be some that are not wrong. ``figures`` are those of the words,
    in reading order.
    """

    verdict: Verdict
    original: str
    diff: tuple[tuple[str, str], ...] = ()
    findings: tuple[Finding, ...] = ()
    figures: tuple[CheckedFigure, ...] = ()

    @property
    def is_only_reworded(self) -> bool:
        """Whether words that do not match say every figure as the plan does, only in other words or another order."""
        return (
            self.verdict == Verdict.MISMATCH
            and all(figure.state is FigureState.EXACT for figure in self.figures)
            and all(f.difference in _REWORDED or not f.difference.is_wrong for f in self.findings)
        )


_REWORDED = frozenset({Difference.ADDED, Difference.JOINED, Difference.WORDS})


@dataclass(frozen=True, slots=True)
class GateReport:
    """Figures in the answer, how many are bound to a cited quote, how many statements were taken out."""

    figures: int = 0
    bound: int = 0
    removed: int = 0


class Outcome(StrEnum):
    """What became of a model's words on a question."""

    WRITING = "writing"  # not at its end yet; what is there has passed the gate
    WRITTEN = "written"  # shown as the model wrote it
    MENDED = "mended"  # what the cited text does not bear was taken out or replaced by the original
    FELL_BACK = "fell_back"  # nothing of it is shown; the answer is the quotation


@dataclass(frozen=True, slots=True)
class Generation:
    """How a model's words came to be an answer, or why they did not.

    ``quotation`` is the answer that needed no model. ``note`` says in a sentence why it stands alone, empty where it does
    not. Of ``sentences`` that the model wrote the gate could judge ``judged`` (the others state nothing) and bound
    ``bound``; ``struck`` were not shown. ``unknown_handles`` cite what the model was not given. Tokens are counted as Qwen
    counts them; ``first_ms`` is the time to the first words shown, 0 where none were.
    """

    model: str
    outcome: Outcome
    quotation: str
    note: str = ""
    sentences: int = 0
    judged: int = 0
    bound: int = 0
    struck: int = 0
    unknown_handles: int = 0
    prompt_tokens: int = 0
    answer_tokens: int = 0
    first_ms: float = 0.0
    rewritten: bool = False

    @property
    def is_shown(self) -> bool:
        """Whether words of the model are shown, so that they must be said to be generated."""
        return self.outcome is not Outcome.FELL_BACK


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
    # Whether it lays out sentences as they stand, where words of one's own would tell the same better.
    is_extract: bool = False
    generation: Generation | None = None

    def to_dict(self) -> dict[str, Any]:
        """The answer in the published JSON form; keys as in the contract, ``id`` only where one was given."""
        data: dict[str, Any] = {} if self.id is None else {"id": self.id}
        data |= {
            "question": self.question,
            "standalone_question": self.standalone_question,
            "status": self.status.value,
            "answer": self.answer,
            "citations": [_fields(citation) for citation in self.citations],
            "nearest": [_fields(citation) for citation in self.nearest],
            "wording_check": self.wording_check
            and {
                "verdict": self.wording_check.verdict,
                "original": self.wording_check.original,
                "diff": [list(step) for step in self.wording_check.diff],
                "findings": [_fields(finding) for finding in self.wording_check.findings],
                "figures": [_fields(figure) for figure in self.wording_check.figures],
            },
            "answerer": self.answerer,
            "gate": {"figures": self.gate.figures, "bound": self.gate.bound, "removed": self.gate.removed},
            "timings_ms": self.timings_ms,
        }
        if self.generation is not None:
            data["generation"] = _fields(self.generation)
        return data


def _fields(value: Citation | Finding | CheckedFigure | Generation) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__slots__}

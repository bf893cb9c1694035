"""How well the ledger's rules read a document: figures found, and fields right, against a ledger written by people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from assistant.ledger import Ledger, LedgerEntry
from corpus.errors import PlanAssistantError
from evals.fold import fold

FIELDS = ("indicator", "value", "upper", "unit", "bound", "relation", "year", "kind", "place", "paragraph", "quote")
GOLD = Path(__file__).with_name("ledger") / "laiwu-2024-plan.jsonl"


class GoldLedgerError(PlanAssistantError):
    """A gold ledger cannot be used; the message names file and line."""


class GoldEntry(BaseModel):
    """One figure as a person reads it; each ``…_also`` holds other wordings that are just as right."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    figure: str = Field(min_length=1)
    figure_start: int = Field(ge=0)
    figure_end: int
    indicator: str = Field(min_length=1)
    indicators_also: tuple[str, ...] = ()
    value: Decimal
    upper: Decimal | None = None
    unit: str = ""
    bound: str = ""
    relation: str = ""
    relations_also: tuple[str, ...] = ()
    year: int | None = None
    kind: str = Field(pattern="^(?:result|target|stock|count)$")
    kinds_also: tuple[str, ...] = ()
    place: str = ""
    places_also: tuple[str, ...] = ()
    paragraph: str
    quote: str = Field(min_length=1)
    start: int = Field(ge=0)
    end: int

    @model_validator(mode="after")
    def _holds_its_figure(self) -> Self:
        if not self.start <= self.figure_start < self.figure_end <= self.end:
            raise ValueError("数字应在引文之内")
        return self

    def accepted(self, field: str) -> tuple[str, ...]:
        """What counts as right for a field, folded, the gold itself first."""
        also: dict[str, tuple[str, ...]] = {
            "indicator": self.indicators_also,
            "relation": self.relations_also,
            "kind": self.kinds_also,
            "place": self.places_also,
        }
        return tuple(_comparable(value) for value in (getattr(self, field), *also.get(field, ())))


@dataclass(frozen=True, slots=True)
class Miss:
    """A field that is not right, or a figure that only one side has (``field`` is ``figure`` then)."""

    figure: str
    figure_start: int
    field: str
    expected: str
    found: str
    quote: str

    def reason(self) -> str:
        """One line for a reader."""
        return f"[{self.figure_start}] {self.figure} · {self.field}：应为“{self.expected}”，得到“{self.found}”｜{self.quote}"


@dataclass(frozen=True, slots=True)
class LedgerScores:
    """Shares from 0 to 1: of gold figures found, of entries that are gold figures, of gold figures with a field right.

    A gold figure that has no entry counts as wrong in every field.
    """

    n: int
    recall: float
    precision: float
    fields: dict[str, float]
    mean: float
    all_right: float
    misses: tuple[Miss, ...]


def read_gold(path: Path) -> list[GoldEntry]:
    """The gold ledger of a JSONL file, one figure a line.

    Raises:
        GoldLedgerError: The file cannot be read or a line is no gold entry.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise GoldLedgerError(f"无法读取台账答案 {path}（{error.strerror}），请检查路径。") from None
    entries = []
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                entries.append(GoldEntry.model_validate_json(line))
            except ValidationError as error:
                first = error.errors()[0]
                where = ".".join(map(str, first["loc"]))
                raise GoldLedgerError(f"{path} 第 {number} 行不是合格的台账答案：{where} {first['msg']}。") from None
    if not entries:
        raise GoldLedgerError(f"{path} 没有台账答案，请给出至少一行。")
    return entries


def score_ledger(ledger: Ledger, gold: Sequence[GoldEntry]) -> LedgerScores:
    """Compare a ledger with what people wrote, figure by figure; figures meet where their spans overlap.

    Raises:
        ValueError: ``gold`` is empty.
    """
    if not gold:
        raise ValueError("gold ledger is empty")
    pairs = [(wanted, _met(wanted, ledger.entries)) for wanted in gold]
    misses: list[Miss] = []
    for wanted, entry in pairs:
        if entry is None:
            misses.append(Miss(wanted.figure, wanted.figure_start, "figure", wanted.indicator, "未归类", wanted.quote))
        else:
            misses += [_miss(wanted, entry, field) for field in FIELDS if not _is_right(wanted, entry, field)]
    met = {entry.entry_id for _, entry in pairs if entry is not None}
    misses += [
        Miss(str(entry.value), entry.figure_start, "figure", "无此数字", entry.indicator, entry.quote)
        for entry in ledger.entries
        if entry.entry_id not in met
    ]
    shares = {
        field: sum(entry is not None and _is_right(wanted, entry, field) for wanted, entry in pairs) / len(gold)
        for field in FIELDS
    }
    whole = sum(entry is not None and all(_is_right(wanted, entry, f) for f in FIELDS) for wanted, entry in pairs)
    return LedgerScores(
        n=len(gold),
        recall=sum(entry is not None for _, entry in pairs) / len(gold),
        precision=len(met) / len(ledger.entries) if ledger.entries else 0.0,
        fields=shares,
        mean=sum(shares.values()) / len(FIELDS),
        all_right=whole / len(gold),
        misses=tuple(misses),
    )


def _met(wanted: GoldEntry, entries: Sequence[LedgerEntry]) -> LedgerEntry | None:
    return next((e for e in entries if e.figure_start < wanted.figure_end and wanted.figure_start < e.figure_end), None)


def _is_right(wanted: GoldEntry, entry: LedgerEntry, field: str) -> bool:
    if field == "quote" and (entry.start, entry.end) != (wanted.start, wanted.end):
        return False
    return _comparable(getattr(entry, field)) in wanted.accepted(field)


def _comparable(value: object) -> str:
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    return "" if value is None else fold(str(value))


def _miss(wanted: GoldEntry, entry: LedgerEntry, field: str) -> Miss:
    expected, found = getattr(wanted, field), getattr(entry, field)
    return Miss(wanted.figure, wanted.figure_start, field, str(expected), str(found), wanted.quote)


def as_text(scores: LedgerScores) -> str:
    """The scores for a reader: one line a measure, then every miss."""
    lines = [
        f"数字 {scores.n} 个：找到 {scores.recall:.1%}，归类的都是数字 {scores.precision:.1%}",
        f"各字段平均 {scores.mean:.2%}，全部字段都对 {scores.all_right:.1%}",
        *(f"  {field:10} {share:.1%}" for field, share in scores.fields.items()),
        *(miss.reason() for miss in scores.misses),
    ]
    return "\n".join(lines)

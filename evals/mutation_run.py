"""Run a wording check over altered and unaltered words and count what it catches and where it alarms for nothing."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from statistics import quantiles
from typing import Protocol

from assistant.types import CheckedFigure, FigureState, Verdict, WordingCheck
from corpus.figures import find_figures
from corpus.types import Document, Passage
from evals.mutations import SEED, Alteration, Mutation, alterations, sentence_spans
from evals.unaltered import Harmless, benign

MAX_ALTERED = 8_000  # claims tried; with the check's few milliseconds each a run stays under two minutes
MAX_HARMLESS = 4_000
SHOWN = 5  # examples per kind in the Markdown report; the JSON holds all


class Checker(Protocol):
    """What is tested: a check of one claim; only the first of what it returns is looked at."""

    def check(self, claim: str, /) -> tuple[WordingCheck, object]:
        """Compare a claim with the document."""
        ...


@dataclass(frozen=True, slots=True)
class Wrong:
    """A claim that was judged wrongly, or one of whose figures was: what was checked and what the check said."""

    what: str
    original: str
    altered: str
    verdict: str
    found: str
    figures: str


@dataclass(frozen=True, slots=True)
class KindResult:
    """How the claims of one kind were judged.

    ``made`` counts all claims of the kind, ``tried`` those checked. ``right`` are those caught, or for harmless words
    those that raised no alarm. ``figures_right`` of ``figures_judged`` claims had their figures judged so too: the
    altered ones altered or absent, those of harmless words all exact.
    """

    kind: str
    made: int
    tried: int
    right: int
    figures_judged: int
    figures_right: int
    wrong: tuple[Wrong, ...]
    figures_wrong: tuple[Wrong, ...]


@dataclass(frozen=True, slots=True)
class MutationReport:
    """What a mutation test comes to; ``left_out`` alterations stand in the document and so are none."""

    document: str
    sha256: str
    seed: int
    left_out: int
    altered: tuple[KindResult, ...]
    harmless: tuple[KindResult, ...]
    sentences: int
    sentences_tried: int
    figure_sentences: int
    figure_sentences_tried: int
    p50_ms: float
    p95_ms: float

    @property
    def is_clean(self) -> bool:
        """Whether every alteration was caught and no harmless words raised an alarm."""
        return all(result.right == result.tried for result in (*self.altered, *self.harmless))

    def to_dict(self) -> dict[str, object]:
        """The report in JSON form, with ``caught`` and ``alarms`` of all kinds together in front."""
        caught, alarms = total(self.altered), total(self.harmless)
        return {
            "tried": caught.tried,
            "caught": caught.right,
            "harmless": alarms.tried,
            "false_alarms": alarms.tried - alarms.right,
            "is_clean": self.is_clean,
            **asdict(self),
        }


def total(results: Iterable[KindResult], name: str = "合计") -> KindResult:
    """The counts of several kinds together, without their examples."""
    found = list(results)
    return KindResult(
        name,
        sum(result.made for result in found),
        sum(result.tried for result in found),
        sum(result.right for result in found),
        sum(result.figures_judged for result in found),
        sum(result.figures_right for result in found),
        (),
        (),
    )


def run_mutations(
    document: Document,
    passages: Sequence[Passage],
    checker: Checker,
    *,
    seed: int = SEED,
    max_altered: int = MAX_ALTERED,
    max_harmless: int = MAX_HARMLESS,
    on_step: Callable[[int, int], None] | None = None,
) -> MutationReport:
    """Check altered and harmless words of a document.

    Args:
        document: The document.
        passages: Its passages.
        checker: The check that is tested.
        seed: Chooses what is put in, and the sample where there is more than may be tried.
        max_altered: Most alterations tried; the largest kinds are sampled, small ones stay whole.
        max_harmless: Most harmless claims tried, likewise.
        on_step: Told after each claim how many are done, and of how many.
    """
    made, left_out = alterations(document, passages, seed)
    altered = _by_kind(made, Alteration)
    harmless = _by_kind(benign(document, passages, seed), Harmless)
    tried_altered, tried_harmless = sample(altered, max_altered, seed), sample(harmless, max_harmless, seed)
    count = sum(map(len, (*tried_altered.values(), *tried_harmless.values())))
    times: list[float] = []

    def judged(mutation: Mutation) -> WordingCheck:
        begun = time.perf_counter()
        check, _ = checker.check(mutation.altered)
        times.append((time.perf_counter() - begun) * 1000)
        if on_step:
            on_step(len(times), count)
        return check

    altered_results = tuple(
        _result(kind, len(altered[kind]), [(m, judged(m)) for m in tried], _is_caught, _are_altered)
        for kind, tried in tried_altered.items()
    )
    harmless_results = tuple(
        _result(kind, len(harmless[kind]), [(m, judged(m)) for m in tried], _is_calm, _are_exact)
        for kind, tried in tried_harmless.items()
    )
    spans = sentence_spans(passages)
    with_figures = {span for span in spans if find_figures(document.text[slice(*span)])}
    covered = _covered(spans, [m for tried in tried_altered.values() for m in tried])
    cuts = quantiles(times, n=20) if len(times) > 1 else [0.0] * 19
    return MutationReport(
        document=document.title or document.doc_id,
        sha256=document.sha256,
        seed=seed,
        left_out=left_out,
        altered=altered_results,
        harmless=harmless_results,
        sentences=len(spans),
        sentences_tried=len(covered),
        figure_sentences=len(with_figures),
        figure_sentences_tried=len(covered & with_figures),
        p50_ms=cuts[9],
        p95_ms=cuts[18],
    )


def _by_kind(made: Iterable[Mutation], kinds: type[StrEnum]) -> dict[StrEnum, list[Mutation]]:
    found: dict[StrEnum, list[Mutation]] = {kind: [] for kind in kinds}
    for mutation in made:
        found[mutation.kind].append(mutation)
    return {kind: members for kind, members in found.items() if members}


def sample(made: dict[StrEnum, list[Mutation]], most: int, seed: int = SEED) -> dict[StrEnum, list[Mutation]]:
    """At most so many claims, the largest kinds cut to one size and the smaller ones kept whole; order is kept."""
    room, size = most, max(map(len, made.values()), default=0)
    for left, members in zip(range(len(made), 0, -1), sorted(map(len, made.values())), strict=True):
        if members * left > room:
            size = room // left
            break
        room -= members
    chosen = {}
    for kind, members_of_kind in made.items():
        numbers = range(len(members_of_kind))
        kept = random.Random(f"{seed}:{kind}").sample(numbers, min(size, len(numbers)))
        chosen[kind] = [members_of_kind[number] for number in sorted(kept)]
    return chosen


def _covered(spans: Sequence[tuple[int, int]], tried: Iterable[Mutation]) -> set[tuple[int, int]]:
    starts = {m.start for m in tried}
    return {(start, end) for start, end in spans if any(position in starts for position in range(start, end))}


def _is_caught(check: WordingCheck) -> bool:
    return check.verdict != Verdict.MATCH


def _is_calm(check: WordingCheck) -> bool:
    return check.verdict == Verdict.MATCH


def _are_altered(mutation: Mutation, figures: Sequence[CheckedFigure]) -> bool | None:
    """Whether each figure that was altered is reported so; ``None`` where none was."""
    if not mutation.figures:
        return None
    return all(
        any(f.state is not FigureState.EXACT and f.start < end and start < f.end for f in figures)
        for start, end in mutation.figures
    )


def _are_exact(mutation: Mutation, figures: Sequence[CheckedFigure]) -> bool | None:
    """Whether all figures are reported as exact; ``None`` where the words hold none."""
    if not find_figures(mutation.original):
        return None
    return bool(figures) and all(f.state is FigureState.EXACT for f in figures)


def _result(
    kind: StrEnum,
    made: int,
    checked: Sequence[tuple[Mutation, WordingCheck]],
    is_right: Callable[[WordingCheck], bool],
    are_right: Callable[[Mutation, Sequence[CheckedFigure]], bool | None],
) -> KindResult:
    figures = [(mutation, check, are_right(mutation, check.figures)) for mutation, check in checked]
    return KindResult(
        kind=kind.value,
        made=made,
        tried=len(checked),
        right=sum(is_right(check) for _, check in checked),
        figures_judged=sum(right is not None for _, _, right in figures),
        figures_right=sum(right is True for _, _, right in figures),
        wrong=tuple(_wrong(mutation, check) for mutation, check in checked if not is_right(check)),
        figures_wrong=tuple(_wrong(mutation, check) for mutation, check, right in figures if right is False),
    )


def _wrong(mutation: Mutation, check: WordingCheck) -> Wrong:
    states = "，".join(f"{f.text}＝{f.state.value}" for f in check.figures)
    return Wrong(mutation.what, mutation.original, mutation.altered, str(check.verdict), check.original, states)


def text_table(report: MutationReport) -> str:
    """The counts of every kind for a terminal."""
    lines = [report.document, _row("改动", "生成", "核对", "发现", "遗漏", "数字判对")]
    lines += [_counts(result) for result in (*report.altered, total(report.altered))]
    lines += ["", _row("无害", "生成", "核对", "通过", "误报", "数字判对")]
    lines += [_counts(result) for result in (*report.harmless, total(report.harmless))]
    lines += [
        "",
        f"覆盖：含数字的句子 {report.figure_sentences_tried}/{report.figure_sentences}，"
        f"全部句子 {report.sentences_tried}/{report.sentences}",
        f"别处原文本有而不计的改动：{report.left_out}",
        f"每次核对：p50 {report.p50_ms:.1f} ms，p95 {report.p95_ms:.1f} ms",
    ]
    return "\n".join(lines)


def _counts(result: KindResult) -> str:
    figures = f"{result.figures_right}/{result.figures_judged}" if result.figures_judged else "–"
    return _row(result.kind, result.made, result.tried, result.right, result.tried - result.right, figures)


def _row(name: str, *cells: object) -> str:
    width = sum(2 if ord(c) > 0x2E7F or c in "“”" else 1 for c in name)
    return name + " " * max(1, 26 - width) + "".join(_right_aligned(str(cell), 12) for cell in cells)


def _right_aligned(cell: str, width: int) -> str:
    return " " * max(1, width - sum(2 if ord(c) > 0x2E7F else 1 for c in cell)) + cell


def write_report(report: MutationReport, folder: Path, name: str) -> tuple[Path, Path]:
    """Write ``mutations-<name>.md`` and ``.json``; the folder is made if missing."""
    from evals.report import environment

    folder.mkdir(parents=True, exist_ok=True)
    markdown, data = (folder / f"mutations-{name}.{ending}" for ending in ("md", "json"))
    template = environment().get_template("mutations.md")
    text = template.render(
        report=report,
        altered=total(report.altered),
        harmless=total(report.harmless),
        shown=SHOWN,
    )
    markdown.write_text(text, encoding="utf-8")
    data.write_text(json.dumps(report.to_dict(), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    return markdown, data

"""A run as a report: Markdown to paste, HTML with charts to read. Nothing in a template is trusted, all is escaped."""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from corpus.types import Document
from evals.desk import DeskReport
from evals.run import RunInfo
from evals.summary import (
    MEASURES,
    OVERALL,
    Latency,
    Mean,
    all_scores,
    by_persona,
    by_type,
    is_retrieval,
    latency,
    means,
)
from evals.types import Result, Score

if TYPE_CHECKING:
    from jinja2 import Environment
    from matplotlib.figure import Figure

TEMPLATES = Path(__file__).parent / "templates"
_ANSWER_MEASURES = tuple(name for name in MEASURES if not is_retrieval(name))
_RETRIEVAL_MEASURES = tuple(name for name in MEASURES if is_retrieval(name))


@dataclass(frozen=True, slots=True)
class Run:
    """One answerer's answers to a suite with their scores."""

    info: RunInfo
    results: Sequence[Result]
    scores: Sequence[Score]
    overall: Mapping[str, Mean]
    types: Mapping[tuple[str, str], Mean]
    personas: Mapping[tuple[str, str], Mean]
    latency: Latency | None


@dataclass(frozen=True, slots=True)
class Fault:
    """A wrong answer as the report shows it; a sealed question shows ``id``, a hash, and nothing else."""

    id: str
    type: str
    question: str
    expected: str
    got: str
    reason: str


def scored_run(info: RunInfo, results: Sequence[Result], documents: Mapping[str, Document]) -> Run:
    """Score a run and take the means that the report needs."""
    scores = all_scores(results, documents)
    cases = [result.case for result in results]
    return Run(
        info=info,
        results=results,
        scores=scores,
        overall={mean.measure: mean for mean in means(scores, cases)},
        types={(mean.group, mean.measure): mean for mean in means(scores, cases, by_type)},
        personas={(mean.group, mean.measure): mean for mean in means(scores, cases, by_persona)},
        latency=latency(results),
    )


def hashed_id(case_id: str) -> str:
    """What stands for a sealed question: the same each time, and nothing to learn from."""
    return hashlib.sha256(case_id.encode()).hexdigest()[:10]


def faults(run: Run, sealed: Collection[str] = ()) -> list[Fault]:
    """The answers that are not right, or say a figure that is not bound, or cite what does not stand there.

    Args:
        run: A scored run.
        sealed: Ids of questions of which nothing may be shown.
    """
    watched = ("right", "bound", "citations_slice")
    reasons: dict[str, list[str]] = {}
    for score in run.scores:
        if score.measure in watched and not score.value:
            reasons.setdefault(score.case_id, []).append(f"{score.measure}：{score.reason}")
    found = []
    for result in run.results:
        case, answer = result.case, result.answer
        if case.id not in reasons:
            continue
        if case.id in sealed:
            found.append(Fault(hashed_id(case.id), "", "", "", "", ""))
            continue
        expected = "、".join(case.gold_values) if case.answerable else "不答"
        if case.expected:
            expected = " ".join(filter(None, (case.expected, "、".join(case.gold_values))))
        got = f"{answer.status.value}：{' '.join(answer.answer.split())}"
        if answer.wording_check:
            got += f"（{answer.wording_check.verdict}｜{answer.wording_check.original}）"
        question = " → ".join((*case.turns, case.question))
        found.append(Fault(case.id, case.type, question, expected, got, "；".join(reasons[case.id])))
    return found


def write_report(
    runs: Sequence[Run], folder: Path, *, sealed: Collection[str] = (), desk: Sequence[DeskReport] = ()
) -> tuple[Path, Path]:
    """Write ``<suite>.md`` and ``<suite>.html``; the first run is the one reported, the others stand beside it.

    Args:
        runs: Scored runs of one suite, at least one.
        folder: Where to write; made if missing.
        sealed: Ids of questions of which nothing may be shown.
        desk: What is said of wording check and ledger, a section for each document.

    Returns:
        The paths of the Markdown and of the HTML file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    markdown, html = (folder / f"{runs[0].info.suite}.{ending}" for ending in ("md", "html"))
    markdown.write_text(render(runs, "report.md", sealed=sealed, desk=desk), encoding="utf-8")
    html.write_text(render(runs, "report.html", sealed=sealed, desk=desk), encoding="utf-8")
    return markdown, html


def render(runs: Sequence[Run], template: str, *, sealed: Collection[str] = (), desk: Sequence[DeskReport] = ()) -> str:
    """The text of a report from one of the templates."""
    run = runs[0]
    return (
        environment()
        .get_template(template)
        .render(
            run=run,
            runs=runs,
            measures=MEASURES,
            answer_measures=[name for name in _ANSWER_MEASURES if name in run.overall],
            retrieval_measures=[name for name in _RETRIEVAL_MEASURES if name in run.overall],
            types=sorted({group for group, _ in run.types}),
            personas=sorted({group for group, _ in run.personas}),
            faults=faults(run, sealed),
            desk=desk,
            charts=[] if template.endswith(".md") else charts(runs),
        )
    )


def environment() -> Environment:
    """Templates in which everything is escaped and a misspelt name is an error."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters["share"] = share
    made.filters["cell"] = cell
    return made


def share(mean: Mean | None) -> str:
    """A mean for a table: ``.912 (.880–.940)``; a dash where nothing was measured."""
    if mean is None:
        return "–"
    return f"{mean.mean:.3f} ({mean.low:.3f}–{mean.high:.3f})"


def cell(text: str) -> str:
    """Text that stays in its cell of a Markdown table; escaping of HTML is the template's."""
    return " ".join(text.replace("\\", "\\\\").replace("|", "\\|").split())


def charts(runs: Sequence[Run]) -> list[str]:
    """The charts as ``data:`` addresses of SVG images. All labels are ASCII: no font for Chinese is needed."""
    from matplotlib.figure import Figure

    types = sorted({group for group, _ in runs[0].types})
    by_types = Figure(figsize=(9, 0.16 * len(types) * (len(runs) + 1) + 1.2), layout="constrained")
    axes = by_types.add_subplot()
    height = 0.8 / len(runs)
    for number, run in enumerate(runs):
        found = [run.types.get((name, "right")) or Mean("right", name, 0, 0, 0, 0) for name in types]
        axes.barh(
            [position + number * height for position in range(len(types))],
            [mean.mean for mean in found],
            height=height,
            label=_ascii(run.info.answerer),
            xerr=[[mean.mean - mean.low for mean in found], [mean.high - mean.mean for mean in found]],
            error_kw={"elinewidth": 0.8},
        )
    axes.set_yticks([position + height * (len(runs) - 1) / 2 for position in range(len(types))], map(_ascii, types))
    axes.invert_yaxis()
    axes.set_xlim(0, 1.02)
    axes.set_xlabel("right answers (share, 95% interval)")
    by_types.legend(loc="outside upper right", ncols=4, fontsize="small")

    names = [name for name in _RETRIEVAL_MEASURES if name in runs[0].overall]
    retrieval = Figure(figsize=(9, 3), layout="constrained")
    axes = retrieval.add_subplot()
    width = 0.8 / len(runs)
    for number, run in enumerate(runs):
        axes.bar(
            [position + number * width for position in range(len(names))],
            [run.overall[name].mean if name in run.overall else 0 for name in names],
            width=width,
            label=_ascii(run.info.answerer),
        )
    axes.set_xticks([position + width * (len(runs) - 1) / 2 for position in range(len(names))], names)
    axes.set_ylim(0, 1.02)
    axes.set_ylabel("retrieval")
    retrieval.legend(loc="outside upper right", ncols=4, fontsize="small")
    return [_svg(by_types), *([_svg(retrieval)] if names else [])]


def _ascii(text: str) -> str:
    return "".join(c if c.isascii() else "?" for c in text).replace("$", r"\$")


def _svg(figure: Figure) -> str:
    written = io.BytesIO()
    # The fixed salt and the missing date make equal runs give equal files.
    from matplotlib import rc_context

    with rc_context({"svg.hashsalt": "evals"}):
        figure.savefig(written, format="svg", metadata={"Date": None})
    return "data:image/svg+xml;base64," + base64.b64encode(written.getvalue()).decode()


def text_table(runs: Sequence[Run]) -> str:
    """The overall means of every run, and the right answers by type, for a terminal."""
    head = f"{'':<20}" + "".join(f"{run.info.answerer:>28}" for run in runs)
    lines = [f"{runs[0].info.suite}: {len(runs[0].results)}", head]
    lines += [_row(name, [run.overall.get(name) for run in runs]) for name in MEASURES if name in runs[0].overall]
    lines.append("")
    lines += [
        _row(f"right {name}", [run.types.get((name, "right")) for run in runs])
        for name in (*sorted({group for group, _ in runs[0].types}),)
        if name != OVERALL
    ]
    lines.append("")
    lines += [
        f"{label:<20}" + "".join(f"{getattr(run.latency, key) * 1000:>25.1f} ms" for run in runs if run.latency)
        for label, key in (("latency p50", "p50"), ("latency p95", "p95"))
    ]
    return "\n".join(lines)


def _row(name: str, found: Sequence[Mean | None]) -> str:
    return f"{name:<20}" + "".join(f"{share(mean) + (f' n={mean.n:<4}' if mean else ''):>28}" for mean in found)

"""What ``laiwu-plan eval`` does: run a suite, time the assistant, or test the wording check with altered words.

Results go to standard output, everything else to standard error.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from corpus.errors import PlanAssistantError
from evals.answerers import WITHOUT_MODEL, fingerprint_of, forgetter, open_answerer, open_documents, query_encoder
from evals.run import (
    is_sealed,
    result_path,
    run_info,
    run_suite,
    sealed_ids,
    stored_run,
    suite_cases,
    write_results,
)
from evals.types import Result

_EXTRA = {"ir_measures", "pytrec_eval", "matplotlib", "jinja2"}


def run(options: argparse.Namespace) -> int:
    """Do what the parsed command line ``laiwu-plan eval`` says; an option that was not parsed keeps its default."""
    if getattr(options, "benchmark", False):
        return run_benchmark(as_json=getattr(options, "json", False))
    if getattr(options, "mutations", False):
        return run_mutation_test(options.source, options.report, as_json=getattr(options, "json", False))
    if getattr(options, "ledger", False):
        return run_ledger_test(options.source, as_json=getattr(options, "json", False))
    if getattr(options, "accounts", False):
        return run_account_test(options.suite, options.answerer or ("quote",), options.source, options.report)
    return run_eval(
        options.suite,
        options.answerer or ("quote",),
        options.report,
        options.source,
        as_json=getattr(options, "json", False),
        rescore=getattr(options, "rescore", False),
        reveal=getattr(options, "reveal", False),
        limit=getattr(options, "limit", None),
    )


def run_eval(
    suite: str = "dev",
    answerers: Sequence[str] = ("quote",),
    report_dir: Path | None = None,
    source: Sequence[Path] = (),
    questions: Path | None = None,
    *,
    as_json: bool = False,
    rescore: bool = False,
    reveal: bool = False,
    limit: int | None = None,
) -> int:
    """Run a suite, keep the answers, print the means and write a report.

    Args:
        suite: ``dev``, ``sealed``, ``all`` or the path of a JSONL file.
        answerers: Names of ``evals.answerers.ANSWERERS``, or ``all`` that need no language model; the first is reported, the others beside it.
        report_dir: Where the Markdown and HTML report goes; none is written without it.
        source: Documents in place of the bundled plan.
        questions: A JSONL file in place of the suite.
        as_json: Print the means as JSON in place of a table.
        rescore: Score the stored answers again in place of asking.
        reveal: Show sealed questions one by one in the report.
        limit: At most so many questions, taken evenly from the suite; all without it.

    Returns:
        Exit status: 0 done, 1 failed.
    """
    try:
        return _run_eval(suite, answerers, report_dir, source, questions, as_json, rescore, reveal, limit)
    except PlanAssistantError as error:
        sys.stderr.write(f"{error}\n")
    except ModuleNotFoundError as error:
        if error.name not in _EXTRA:
            raise
        sys.stderr.write(f"缺少评测所需的组件 {error.name}，请运行 scripts/install eval。\n")
    return 1


def _run_eval(
    suite: str,
    answerers: Sequence[str],
    report_dir: Path | None,
    source: Sequence[Path],
    questions: Path | None,
    as_json: bool,
    rescore: bool,
    reveal: bool,
    limit: int | None,
) -> int:
    from evals.desk import examine_desk
    from evals.report import scored_run, text_table, write_report

    suite = str(questions) if questions else suite
    names = WITHOUT_MODEL if "all" in answerers else tuple(dict.fromkeys(answerers))
    cases = suite_cases(suite)
    if limit is not None and limit < len(cases):
        cases = tuple(cases[number * len(cases) // limit] for number in range(limit))
        suite = f"{Path(suite).stem}-{limit}"
    if rescore:
        documents = open_documents(source)
        runs = [scored_run(*stored_run(suite, name, cases, documents), documents) for name in names]
    else:
        base = open_answerer(names[0], source)
        documents = dict(base.documents)
        runs = []
        for name in names:
            current = base if name == names[0] else open_answerer(name, source, base=base)
            info = run_info(suite, name, fingerprint_of(base), current.documents.values())
            results = run_suite(current, cases, on_result=_progress(name, len(cases)))
            path = result_path(info)
            write_results(path, info, results)
            sys.stderr.write(f"{name}：{len(results)} 题的答案已存入 {path}\n")
            runs.append(scored_run(info, results, current.documents))
    if report_dir:
        hidden = frozenset() if reveal else sealed_ids(suite)
        desk = examine_desk(documents, _steps("原文核对"))
        for written in write_report(runs, report_dir, sealed=hidden, desk=desk):
            sys.stderr.write(f"报告：{written}\n")
    if as_json:
        summary = [
            {
                "run": asdict(run.info),
                "overall": [asdict(mean) for mean in run.overall.values()],
                "types": [asdict(mean) for mean in run.types.values()],
                "personas": [asdict(mean) for mean in run.personas.values()],
                "latency_s": run.latency and asdict(run.latency),
            }
            for run in runs
        ]
        sys.stdout.write(json.dumps(summary, ensure_ascii=False, indent=2) + "\n")
    else:
        sys.stdout.write(text_table(runs) + "\n")
    return 0


def _progress(name: str, total: int) -> Callable[[Result], None] | None:
    """Counts the answers on a terminal; nothing where standard error is a file."""
    if not sys.stderr.isatty():
        return None
    done = 0

    def count(result: Result) -> None:
        nonlocal done
        done += 1
        sys.stderr.write(f"\r{name}：{done}/{total}")
        sys.stderr.flush()

    return count


def run_account_test(
    suite: str = "dev",
    answerers: Sequence[str] = ("quote",),
    source: Sequence[Path] = (),
    report_dir: Path | None = None,
) -> int:
    """Ask for accounts of topics and print, side by side, how much of what belongs there each answerer says.

    Args:
        suite: ``dev``, ``sealed`` or the path of a JSONL file.
        answerers: Names of ``evals.answerers.ANSWERERS``.
        source: Documents in place of the bundled plan.
        report_dir: Where ``accounts-<suite>.md`` goes; none is written without it.

    Returns:
        Exit status: 0 done, 1 failed.
    """
    from evals.accounts import SUITES, AccountScore, as_markdown, load_accounts, run_accounts, text_table

    try:
        cases = load_accounts(SUITES.get(suite, Path(suite)))
        runs: dict[str, list[AccountScore]] = {}
        base = open_answerer("quote", source)
        for name in dict.fromkeys(answerers):
            answerer = open_answerer(name, source, base=base)
            runs[name] = run_accounts(answerer, cases, _steps(name))
    except PlanAssistantError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(text_table(runs) + "\n")
    if report_dir is not None:
        report_dir.mkdir(parents=True, exist_ok=True)
        path = report_dir / f"accounts-{Path(suite).stem}.md"
        path.write_text(as_markdown(runs, is_sealed=is_sealed(suite)), encoding="utf-8")
        sys.stderr.write(f"报告：{path}\n")
    return 0


def run_mutation_test(source: Sequence[Path] = (), report_dir: Path | None = None, *, as_json: bool = False) -> int:
    """Alter the words of documents by rule, check them, and print what was caught and what alarmed for nothing.

    Args:
        source: Documents in place of the bundled plan.
        report_dir: Where ``mutations-<document>.md`` and ``.json`` go; none are written without it.
        as_json: Print JSON, a list with one report for each document, in place of tables.

    Returns:
        Exit status: 0 every alteration caught and no false alarm, 1 not so, or failed.
    """
    from assistant.wording import WordingChecker
    from corpus.passages import passages
    from evals.mutation_run import run_mutations, text_table, write_report

    reports = []
    try:
        for name, document in open_documents(source).items():
            found = tuple(passages(document))
            report = run_mutations(document, found, WordingChecker(document, found), on_step=_steps(name))
            reports.append(report)
            for written in write_report(report, report_dir, name) if report_dir else ():
                sys.stderr.write(f"报告：{written}\n")
    except PlanAssistantError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except ModuleNotFoundError as error:
        if error.name not in _EXTRA:
            raise
        sys.stderr.write(f"缺少评测所需的组件 {error.name}，请运行 scripts/install eval。\n")
        return 1
    if as_json:
        sys.stdout.write(json.dumps([each.to_dict() for each in reports], ensure_ascii=False, indent=2) + "\n")
    else:
        sys.stdout.write("\n\n".join(map(text_table, reports)) + "\n")
    return 0 if all(report.is_clean for report in reports) else 1


def run_ledger_test(source: Sequence[Path] = (), *, as_json: bool = False) -> int:
    """Print how complete the ledger of each document is, and how it compares with the one written by people.

    Returns:
        Exit status: 0 no figure is lost, 1 one is, or failed.
    """
    from assistant.ledger import build_ledger
    from corpus.passages import passages
    from evals.desk import ledger_report
    from evals.ledger_scores import as_text

    try:
        reports = {
            document.title: ledger_report(build_ledger(document, passages(document)))
            for document in open_documents(source).values()
        }
    except PlanAssistantError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if as_json:
        data = [{"title": title, **asdict(report)} for title, report in reports.items()]
        sys.stdout.write(json.dumps(data, ensure_ascii=False, indent=2, default=str) + "\n")
    else:
        for title, report in reports.items():
            counts = f"全文数字 {report.figures} 个：已归类 {report.placed}，未归类 {report.unplaced}"
            scores = as_text(report.scores) if report.scores else "没有人工台账可对照。"
            sys.stdout.write(f"{title}\n{counts}\n{scores}\n")
    return 0 if all(report.placed + report.unplaced == report.figures for report in reports.values()) else 1


def _steps(name: str) -> Callable[[int, int], None] | None:
    """Counts the claims on a terminal; nothing where standard error is a file."""
    if not sys.stderr.isatty():
        return None

    def step(done: int, total: int) -> None:
        if done % 50 == 0 or done == total:
            end = "\n" if done == total else ""
            sys.stderr.write(f"\r{name}：{done}/{total}{end}")
            sys.stderr.flush()

    return step


def run_benchmark(*, warm_only: bool = False, as_json: bool = False, rounds: int = 3, limit: int = 60) -> int:
    """Time the assistant on questions of the ``dev`` suite and print the times as a table or as JSON.

    Args:
        warm_only: Leave out what starts new processes: index, page, cold start.
        as_json: Print JSON in place of a table.
        rounds: How often each question is asked.
        limit: How many questions are asked, taken evenly from the suite.

    Returns:
        Exit status: 0 fast enough, 1 failed or too slow.
    """
    from evals import benchmark

    try:
        cases = suite_cases("dev")
        cases = cases[:: max(1, len(cases) // limit)][:limit]
        answerer = open_answerer("quote")
        result = benchmark.warm_times(
            answerer, query_encoder(answerer), cases, rounds=rounds, forget=forgetter(answerer)
        )
        if not warm_only:
            result = replace(
                result,
                index_build_s=benchmark.index_build_seconds(),
                page_ready_s=benchmark.page_ready_seconds(),
                ask_cold_s=benchmark.ask_cold_seconds(),
            )
    except PlanAssistantError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if as_json:
        data = {**asdict(result), "max_ratio": benchmark.MAX_RATIO, "is_fast_enough": result.is_fast_enough}
        sys.stdout.write(json.dumps(data, ensure_ascii=False, indent=2) + "\n")
    else:
        sys.stdout.write(benchmark.text_table(result) + "\n")
    return 0 if result.is_fast_enough else 1

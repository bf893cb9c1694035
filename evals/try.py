"""Ask a file of questions and print what was right and what was not: the tuner's loop.

Usage: ``python -m evals.try QUESTIONS.jsonl [--source DOCUMENT] [--type TYPE] [--wrong] [--answerer NAME]``
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from corpus.errors import PlanAssistantError
from evals.answerers import open_answerer
from evals.grade import bound, citations_slice, right
from evals.run import is_sealed, run_suite, suite_cases
from evals.types import Result, Score


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; exit status 0 done, 1 failed."""
    parser = argparse.ArgumentParser(prog="python -m evals.try", description="提问、评分、列出答错的题")
    parser.add_argument("questions", help="JSONL 文件，或 dev")
    parser.add_argument("--source", type=Path, action="append", default=[], help="替代内置计划的文件，可多次给出")
    parser.add_argument("--type", action="append", default=[], help="只问这一类，可多次给出")
    parser.add_argument("--id", action="append", default=[], help="只问编号含这段文字的题，可多次给出")
    parser.add_argument("--wrong", action="store_true", help="只列出答错的题；不给时连答对的一起列出")
    parser.add_argument("--answerer", default="quote", help="quote、keyword、dense、top-sentence")
    options = parser.parse_args(arguments)
    if is_sealed(options.questions):
        parser.error("封存的题不能逐题查看，请用 laiwu-plan eval --suite sealed 看总分")
    logging.getLogger("jieba").setLevel(logging.ERROR)
    try:
        cases = [
            case
            for case in suite_cases(options.questions)
            if (not options.type or case.type in options.type)
            and (not options.id or any(part in case.id for part in options.id))
        ]
        answerer = open_answerer(options.answerer, options.source)
        results = run_suite(answerer, cases)
    except PlanAssistantError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    scores = [right(result.case, result.answer) for result in results]
    for result, score in zip(results, scores, strict=True):
        extra = (bound(result.case, result.answer), citations_slice(result.case, result.answer, answerer.documents))
        faults = [fault for fault in extra if not fault.value]
        if not options.wrong or not score.value or faults:
            sys.stdout.write(describe(result, score, faults) + "\n")
    sys.stdout.write(table(results, scores) + "\n")
    return 0


def describe(result: Result, score: Score, faults: Sequence[Score] = ()) -> str:
    """One answer in a few lines: what was asked, expected and got, and why it counts as it does."""
    case, answer = result.case, result.answer
    history = "".join(f"{turn} → " for turn in case.turns)
    if case.type == "wording_check":
        expected = f"{case.expected} {'、'.join(case.gold_values)}".strip()
    else:
        expected = "、".join(case.gold_values) if case.answerable else f"不答（{case.kind}）"
    lines = [f"{'✓' if score.value else '✗'} {case.id}  {history}{case.question}", f"    应为 {expected}"]
    if answer.standalone_question not in ("", case.question):
        lines.append(f"    理解 {answer.standalone_question}")
    got = f"    实得 {answer.status.value}：{' '.join(answer.answer.split())}"
    if answer.wording_check:
        got += f"〔{answer.wording_check.verdict}｜{answer.wording_check.original}〕"
    lines.append(got)
    if not score.value:
        lines.append(f"    因为 {score.reason}")
    lines += [f"    另有 {fault.measure}：{fault.reason}" for fault in faults]
    return "\n".join(lines)


def table(results: Sequence[Result], scores: Sequence[Score]) -> str:
    """Right answers by type, then all together."""
    counts: dict[str, list[float]] = defaultdict(list)
    for result, score in zip(results, scores, strict=True):
        counts[result.case.type].append(score.value)
    lines = [
        f"{name:<16}{sum(values):>4.0f} /{len(values):>4}  {sum(values) / len(values):.3f}"
        for name, values in sorted(counts.items())
    ]
    total = [score.value for score in scores]
    lines.append(f"{'全部':<14}{sum(total):>4.0f} /{len(total):>4}  {sum(total) / max(1, len(total)):.3f}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())

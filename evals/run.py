"""Put the questions of a suite to an answerer, keep every answer in a file, and score the file.

Asking is slow and needs the assistant; scoring needs the file and the documents only, so it can be repeated for free.
"""

from __future__ import annotations

import json
import logging
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from assistant.types import Answer
from corpus.types import Document
from evals.grade import grade
from evals.types import EvalCase, QuestionFileError, Result, Retrieved, Score, answer_from_dict, json_lines, load_cases
from index.types import ScoredPassage

logger = logging.getLogger(__name__)

QUESTIONS = Path(__file__).parent / "questions"
RESULTS = Path(__file__).parent / "results"
SUITES: Mapping[str, tuple[str, ...]] = {"dev": ("dev",), "sealed": ("sealed",), "all": ("dev", "sealed")}
RETRIEVAL_DEPTH = 10


class SearchIndex(Protocol):
    """What the measures need of an index."""

    def search(self, query: str, *, k: int = ...) -> list[ScoredPassage]:
        """The ``k`` best passages, best first."""


class Answerer(Protocol):
    """What can be evaluated: the assistant, a baseline, a fake."""

    @property
    def index(self) -> SearchIndex:
        """What retrieval is measured on."""

    @property
    def documents(self) -> Mapping[str, Document]:
        """The documents that may be cited, by ``doc_id``."""

    def ask(self, question: str, turns: Sequence[str] = ()) -> Answer:
        """Answer a question after earlier ones, oldest first."""


@dataclass(frozen=True, slots=True)
class RunInfo:
    """What a run was made of; stands in the first line of its file."""

    suite: str
    answerer: str
    fingerprint: str
    commit: str
    made: str
    documents: tuple[str, ...]


def suite_cases(suite: str) -> tuple[EvalCase, ...]:
    """The questions of a named suite (``dev``, ``sealed``, ``all``) or of the file at a path.

    Raises:
        QuestionFileError: The name is no suite and no file, or the file cannot be used.
    """
    if suite in SUITES:
        return tuple(case for name in SUITES[suite] for case in load_cases(QUESTIONS / f"{name}.jsonl"))
    if not Path(suite).exists():
        raise QuestionFileError(
            f"没有名为 {suite} 的问题集，也没有这个文件；可用：{'、'.join(SUITES)}，或一个 JSONL 文件的路径。"
        )
    return load_cases(Path(suite))


def is_sealed(suite: str) -> bool:
    """Whether single questions of the suite must stay out of sight."""
    return "sealed" in SUITES.get(suite, (Path(suite).stem,))


def sealed_ids(suite: str) -> frozenset[str]:
    """The ids of the suite's questions that must stay out of reports."""
    if suite in SUITES:
        names = [name for name in SUITES[suite] if is_sealed(name)]
        return frozenset(case.id for name in names for case in load_cases(QUESTIONS / f"{name}.jsonl"))
    return frozenset(case.id for case in load_cases(Path(suite))) if is_sealed(suite) else frozenset()


def run_suite(
    answerer: Answerer,
    cases: Iterable[EvalCase],
    *,
    on_result: Callable[[Result], None] | None = None,
) -> list[Result]:
    """Ask every question once, in order.

    Retrieval is recorded for the stand-alone question that the answerer understood. An error of the answerer ends the
    run: it is a fault to mend, not an answer to grade.

    Args:
        answerer: Who is asked.
        cases: The questions.
        on_result: Called after each answer, for progress.
    """
    results = []
    for case in cases:
        start = time.perf_counter()
        try:
            answer = answerer.ask(case.question, case.turns)
        except Exception as error:
            error.add_note(f"在评测题 {case.id} 处")
            raise
        seconds = time.perf_counter() - start
        found = answerer.index.search(answer.standalone_question or case.question, k=RETRIEVAL_DEPTH)
        result = Result(case, answer, tuple(_retrieved(passage) for passage in found), seconds)
        results.append(result)
        if on_result:
            on_result(result)
    return results


def _retrieved(scored: ScoredPassage) -> Retrieved:
    passage = scored.passage
    return Retrieved(scored.doc_id, passage.passage_id, passage.start, passage.end, passage.text)


def score_results(results: Iterable[Result], documents: Mapping[str, Document]) -> list[Score]:
    """Every score of every answer, in the order of the results; retrieval is measured in :mod:`evals.retrieval`."""
    return [score for result in results for score in grade(result.case, result.answer, documents)]


def run_info(suite: str, answerer: str, fingerprint: str, documents: Iterable[Document]) -> RunInfo:
    """Describe a run that is made now, from the code as it stands."""
    made = datetime.now(UTC).isoformat(timespec="seconds")
    return RunInfo(Path(suite).stem, answerer, fingerprint, git_commit(), made, _hashes(documents))


def _hashes(documents: Iterable[Document]) -> tuple[str, ...]:
    return tuple(f"{document.doc_id} {document.sha256}" for document in documents)


def git_commit() -> str:
    """The commit that the code stands at, with ``+`` behind it where files differ; empty outside a repository."""
    folder = Path(__file__).parent.parent

    def git(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(("git", *arguments), cwd=folder, capture_output=True, text=True, check=False, timeout=30)

    try:
        head = git("rev-parse", "--short=12", "HEAD")
        changed = git("status", "--porcelain")
    except (OSError, subprocess.TimeoutExpired):
        return ""
    if head.returncode:
        return ""
    return head.stdout.strip() + ("+" if changed.stdout.strip() else "")


def result_path(info: RunInfo, folder: Path | None = None) -> Path:
    """Where the answers of a run are kept; in ``RESULTS`` unless a folder is given."""
    folder = folder or RESULTS
    answerer = "".join(c if c.isalnum() or c in "-_." else "-" for c in info.answerer)
    return folder / f"{info.suite}-{answerer}.jsonl"


def write_results(path: Path, info: RunInfo, results: Iterable[Result]) -> None:
    """Write a run: its description in the first line, an answer in each line after it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as file:
        file.write(_line({"run": asdict(info)}))
        for result in results:
            file.write(
                _line(
                    {
                        "case": result.case.model_dump(),
                        "answer": result.answer.to_dict(),
                        "retrieved": [asdict(passage) for passage in result.retrieved],
                        "seconds": round(result.seconds, 6),
                    }
                )
            )


def _line(data: dict[str, Any]) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")) + "\n"


def read_results(path: Path) -> tuple[RunInfo, list[Result]]:
    """Read what :func:`write_results` wrote.

    Raises:
        QuestionFileError: The file is missing or was not written by a run.
    """
    lines = json_lines(path)
    try:
        (_, head), *rest = lines
        info = RunInfo(**{**head["run"], "documents": tuple(head["run"]["documents"])})
        results = [
            Result(
                EvalCase.model_validate(data["case"]),
                answer_from_dict(data["answer"]),
                tuple(Retrieved(**passage) for passage in data["retrieved"]),
                data["seconds"],
            )
            for _, data in rest
        ]
    except (KeyError, TypeError, ValueError):
        raise QuestionFileError(f"{path} 不是评测运行写出的结果文件，请重新运行评测。") from None
    return info, results


def stored_run(
    suite: str, answerer: str, cases: Iterable[EvalCase], documents: Mapping[str, Document]
) -> tuple[RunInfo, list[Result]]:
    """The stored answers of a run, put beside the questions as they are now: gold may have been mended since.

    Raises:
        QuestionFileError: There is no stored run, or its questions or documents are not the present ones.
    """
    path = result_path(RunInfo(Path(suite).stem, answerer, "", "", "", ()))
    info, results = read_results(path)
    if info.documents != _hashes(documents.values()):
        raise QuestionFileError(f"{path} 是对另一份文件的评测，请重新运行评测。")
    stored = {(result.case.id, result.case.question, result.case.turns): result for result in results}
    try:
        return info, [replace(stored[case.id, case.question, case.turns], case=case) for case in cases]
    except KeyError as error:
        raise QuestionFileError(f"{path} 里没有题目 {error.args[0][0]} 的答案，请重新运行评测。") from None

"""The wording check without an index: one document, read once; one claim becomes an answer."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from assistant.places import citation_at
from assistant.settings import only_document
from assistant.types import Answer, GateReport, Status, Verdict
from assistant.wording import WordingChecker
from corpus.figures import find_figures
from corpus.load import load_document
from corpus.passages import passages
from corpus.types import Document


def open_checker(sources: Sequence[Path] = ()) -> tuple[WordingChecker, Document]:
    """A checker for the bundled document, or for another one; no model is loaded and nothing is indexed.

    Raises:
        RequestError: More than one document is given.
        CorpusError: The document cannot be read.
    """
    document = load_document(only_document(sources, "对照一份文件核对"))
    return WordingChecker(document, passages(document)), document


def checked_answer(text: str, claim: str, checker: WordingChecker, document: Document) -> Answer:
    """The answer to a wording question.

    Args:
        text: The question as asked.
        claim: The words in it that are to be checked.
        checker: Checks words against ``document``.
        document: The document that is cited.
    """
    started = time.perf_counter()
    check, located = checker.check(claim)
    timings = {"total": round((time.perf_counter() - started) * 1000, 2)}
    cited = (citation_at(document, located.start, located.end),) if located else ()
    if not cited or check.verdict == Verdict.NOT_FOUND:
        words = "文件中没有找到这一表述。"
        return Answer(text, text, Status.NOT_FOUND, words, nearest=cited, wording_check=check, timings_ms=timings)
    said = "与原文一致：" if check.verdict == Verdict.MATCH else "与原文不一致，原文是："
    figures = len(find_figures(check.original))
    return Answer(
        text,
        text,
        Status.ANSWERED,
        f"{said}“{check.original}”。[1]",
        citations=cited,
        wording_check=check,
        gate=GateReport(figures, figures, 0),
        timings_ms=timings,
    )

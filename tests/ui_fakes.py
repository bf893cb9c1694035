"""An honest stand-in for the assistant: finds the sentence that shares most with the question, or says there is none."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import uvicorn

import corpus
from assistant.types import Answer, Citation, GateReport, Status, WordingCheck
from corpus.load import load_document
from corpus.segment import clauses, paragraphs
from corpus.types import Document
from ui.conversation import PageSettings
from ui.server import create_app, listen

PLAN = Path(corpus.__file__).with_name("data") / "laiwu-2024-plan.txt"


def bigrams(text: str) -> set[str]:
    """The pairs of neighbouring characters in ``text``."""
    return {text[i : i + 2] for i in range(len(text) - 1)}


def cite(document: Document, quote: str, n: int = 1) -> Citation:
    """A citation of the first place where ``quote`` stands in ``document``."""
    start = document.text.index(quote)
    paragraph = next(p for p in paragraphs(document) if p.start <= start < p.end)
    return Citation(
        n=n,
        document=document.doc_id,
        paragraph=paragraph.paragraph_id,
        section="".join(paragraph.section),
        quote=quote,
        start=start,
        end=start + len(quote),
        sha256=document.sha256,
    )


class FakeAssistant:
    """Answers with the clause of the plan that shares most character pairs with the question.

    A question with a comma-free ``核对：`` is compared with the plan; ``崩溃`` raises; a follow-up (``那…``) is put after
    the last question. ``seen`` keeps what was asked, with its earlier questions.
    """

    def __init__(self, document: Document | None = None, pause_s: float = 0.0) -> None:
        self.document = document or load_document(PLAN)
        self.pause_s = pause_s
        self.seen: list[tuple[str, tuple[str, ...]]] = []
        self._clauses = [
            self.document.text[start:end]
            for paragraph in paragraphs(self.document)
            if not paragraph.is_heading
            for start, end in clauses(self.document.text, paragraph.start, paragraph.end)
        ]

    @property
    def documents(self) -> Mapping[str, Document]:
        return {self.document.doc_id: self.document}

    def ask(self, question: str, turns: Sequence[str] = ()) -> Answer:
        self.seen.append((question, tuple(turns)))
        time.sleep(self.pause_s)
        if "崩溃" in question:
            raise RuntimeError("秘密的细节")
        if "笑话" in question:
            return Answer(question, question, Status.DECLINED, "我只回答与本计划有关的问题。")
        if "核对" in question:
            return self._checked(question)
        standalone = f"{turns[-1]} {question}" if question.startswith("那") and turns else question
        if "主要目标" in question:
            return self._listed(question, standalone)
        scored = sorted(self._clauses, key=lambda clause: len(bigrams(clause) & bigrams(standalone)), reverse=True)
        if len(bigrams(scored[0]) & bigrams(standalone)) < 2:
            nearest = tuple(cite(self.document, clause, n) for n, clause in enumerate(scored[:3], start=1))
            return Answer(
                question, standalone, Status.NOT_FOUND, f"文件没有提到“{question}”所问的内容。", nearest=nearest
            )
        citation = cite(self.document, scored[0])
        return Answer(question, standalone, Status.ANSWERED, f"{scored[0]}。[1]", (citation,), gate=GateReport(1, 1, 0))

    def _checked(self, question: str) -> Answer:
        asked = question.partition("：")[2]
        original = max(self._clauses, key=lambda clause: len(bigrams(clause) & bigrams(asked)))
        is_same = asked in self.document.text
        prefix = next((i for i, (a, b) in enumerate(zip(original, asked, strict=False)) if a != b), len(original))
        diff = (("equal", original[:prefix]), ("delete", original[prefix:]), ("insert", asked[prefix:]))
        quote = asked if is_same else original
        check = WordingCheck("match" if is_same else "mismatch", quote, () if is_same else diff)
        words = "这段文字与原文一致。[1]" if is_same else "这段文字与原文不一致，差异见下。[1]"
        return Answer(question, question, Status.ANSWERED, words, (cite(self.document, quote),), wording_check=check)

    def _listed(self, question: str, standalone: str) -> Answer:
        quotes = (
            "全区地区生产总值增长6%",
            "一般公共预算收入增长6.6%",
            "规模以上工业增加值增长8.5%",
            "固定资产投资增长6%",
        )
        citations = tuple(cite(self.document, quote, n) for n, quote in enumerate(quotes, start=1))
        lines = "\n".join(f"- {quote}[{n}]" for n, quote in enumerate(quotes, start=1))
        return Answer(
            question, standalone, Status.ANSWERED, f"2024年主要目标：\n{lines}", citations, gate=GateReport(4, 4, 0)
        )


@contextmanager
def running(source: FakeAssistant | Callable[[], FakeAssistant], settings: PageSettings | None = None) -> Iterator[str]:
    """The page served on a free port of this machine, in a thread; gives its address."""
    listener = listen("127.0.0.1", 0)
    app = create_app(source, settings=settings)
    server = uvicorn.Server(
        uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=1, server_header=False)
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        deadline = time.monotonic() + 30
        while not server.started and time.monotonic() < deadline:
            time.sleep(0.05)
        assert server.started
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(timeout=15)
        listener.close()

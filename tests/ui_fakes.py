"""Honest stand-ins for the assistant: they find the sentence that shares most with the words, or say there is none."""

from __future__ import annotations

import difflib
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import uvicorn

import corpus
from assistant.draft import CheckedDraft, CheckedSentence, summarise
from assistant.ledger import EntryKind, Ledger, LedgerEntry, UnplacedFigure
from assistant.types import (
    Answer,
    CheckedFigure,
    Citation,
    Difference,
    FigureState,
    Finding,
    GateReport,
    Status,
    Verdict,
    WordingCheck,
)
from corpus.errors import RequestError
from corpus.figures import find_figures
from corpus.load import load_document
from corpus.segment import clauses, paragraphs, sentences
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

    answerer = "quote"

    def stream(self, question: str, turns: Sequence[str] = ()) -> Iterator[Answer]:
        yield self.ask(question, turns)

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


class FakeDesk(FakeAssistant):
    """The stand-in with drafts and a ledger.

    A sentence that stands in the plan matches (``规上`` is called a synonym), one that shares most of its character pairs
    with a clause differs from it, any other is absent. ``sentence_s`` is what the check of a sentence takes. The ledger
    holds a handful of entries. ``uploads`` keeps names and sizes of files.
    """

    def __init__(self, document: Document | None = None, pause_s: float = 0.0, sentence_s: float = 0.0) -> None:
        super().__init__(document, pause_s)
        self.sentence_s = sentence_s
        self.uploads: list[tuple[str, int]] = []
        self.checked = 0

    def read_draft(self, data: bytes, name: str) -> str:
        self.uploads.append((name, len(data)))
        if b"\0" in data:
            raise RequestError("这个文件不是文本，请另存为 .txt 或 .docx 后再上传。")
        return data.decode("utf-8")

    def check_draft(self, text: str, name: str, on_progress: Callable[[int, int], None] | None = None) -> CheckedDraft:
        spans = [span for line in _lines(text) for span in sentences(text, *line)]
        checked = []
        for number, (start, end) in enumerate(spans, start=1):
            if on_progress is not None:
                on_progress(number - 1, len(spans))
            time.sleep(self.sentence_s)
            self.checked += 1
            checked.append(self._sentence(text[start:end], start, end))
        return CheckedDraft(name, tuple(checked), summarise(checked))

    def _sentence(self, words: str, start: int, end: int) -> CheckedSentence:
        if "崩溃" in words:
            raise RuntimeError("秘密的细节")
        plain = words.replace("规上", "规模以上")
        states = FigureState.EXACT
        if plain in self.document.text:
            synonym = Finding(Difference.SYNONYM, "规上", "规模以上", "“规上”同“规模以上”，非原文用字。")
            check = WordingCheck(Verdict.MATCH, plain, (), (synonym,) * (plain != words))
            citation = cite(self.document, plain)
        else:
            nearest = max(self._clauses, key=lambda clause: len(bigrams(clause) & bigrams(words)))
            if len(bigrams(nearest) & bigrams(words)) < 0.5 * len(bigrams(words)):
                states, check, citation = FigureState.ABSENT, WordingCheck(Verdict.NOT_FOUND, ""), None
            else:
                states = FigureState.ALTERED
                finding = Finding(Difference.NUMBER, words, nearest, f"文稿作“{words}”，原文为“{nearest}”。")
                check = WordingCheck(Verdict.MISMATCH, nearest, _diff(nearest, words), (finding,))
                citation = cite(self.document, nearest)
        figures = tuple(CheckedFigure(f.text, f.start, f.end, states, "") for f in find_figures(words))
        check = WordingCheck(check.verdict, check.original, check.diff, check.findings, figures)
        return CheckedSentence(words, start, end, check, citation)

    def draft_report(self, draft: CheckedDraft, format: str) -> bytes:
        lines = [f"{sentence.check.verdict.value}：{sentence.text}" for sentence in draft.sentences]
        return "\n".join([format, draft.name, *lines]).encode()

    def ledger(self) -> Ledger:
        text = self.document.text
        result, target = EntryKind.RESULT, EntryKind.TARGET
        entries = (
            self._entry("地区生产总值", "地区生产总值增长4.5%", "4.5", "%", "增长", 2023, result),
            self._entry("规上工业增加值", "规上工业增加值增长6.2%", "6.2", "%", "增长", 2023, result),
            self._entry(
                "省级以上创新平台", "省级以上创新平台达到76个", "76", "个", "达到", 2023, EntryKind.STOCK, "达到"
            ),
            self._entry("科技型中小企业", "科技型中小企业入库486家", "486", "家", "入库", 2023, result),
            self._entry("地区生产总值", "全区地区生产总值增长6%", "6", "%", "增长", 2024, target),
            self._entry("规模以上工业增加值", "规模以上工业增加值增长8.5%", "8.5", "%", "增长", 2024, target),
            self._entry("高端配套项目", "延链招引高端配套项目6-8个", "6", "个", "延链招引", 2024, target, upper="8"),
            self._entry("停车位", "新增停车位1000个", "1000", "个", "新增", 2024, target),
            self._entry("科技型中小企业", "入库科技型中小企业400家", "400", "家", "入库", 2024, target),
        )
        start = text.index("电话：76116296")
        found = cite(self.document, "电话：76116296")
        unplaced = UnplacedFigure("76116296", found.paragraph, (), found.quote, start, found.end, start + 3, found.end)
        return Ledger(self.document, entries, (unplaced,))

    def _entry(
        self,
        indicator: str,
        quote: str,
        value: str,
        unit: str,
        relation: str,
        year: int,
        kind: EntryKind,
        bound: str = "",
        upper: str = "",
    ) -> LedgerEntry:
        citation = cite(self.document, quote)
        section = next(p for p in paragraphs(self.document) if p.start <= citation.start < p.end).section
        figure = next(iter(find_figures(quote)))
        return LedgerEntry(
            f"{citation.paragraph}-{citation.start}",
            indicator,
            Decimal(value),
            Decimal(upper) if upper else None,
            unit,
            bound,
            relation,
            year,
            kind,
            self.document.place,
            citation.paragraph,
            section,
            quote,
            citation.start,
            citation.end,
            citation.start + figure.start,
            citation.start + figure.end,
        )

    def export_ledger(self, ledger: Ledger, format: str) -> bytes:
        rows = [[entry.indicator, str(entry.value), entry.unit] for entry in ledger.entries]
        if format == "json":
            return json.dumps(rows, ensure_ascii=False).encode()
        return "\n".join([format, *(",".join(row) for row in rows)]).encode()


def _lines(text: str) -> Iterator[tuple[int, int]]:
    position = 0
    for line in text.splitlines(keepends=True):
        yield position, position + len(line)
        position += len(line)


def _diff(original: str, words: str) -> tuple[tuple[str, str], ...]:
    steps: list[tuple[str, str]] = []
    for tag, a, b, c, d in difflib.SequenceMatcher(None, original, words, autojunk=False).get_opcodes():
        if tag == "equal":
            steps.append(("equal", original[a:b]))
        else:
            steps += [("delete", original[a:b]), ("insert", words[c:d])]
    return tuple(step for step in steps if step[1])


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

"""The values that the page keeps, and what it asks of an assistant."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from assistant.draft import CheckedDraft
from assistant.ledger import Ledger
from assistant.types import Answer
from corpus.types import Document

ReportFormat = Literal["md", "docx"]
LedgerFormat = Literal["csv", "xlsx", "json"]
# Called with how many sentences are checked and how many there are; it may raise, which ends the check.
OnProgress = Callable[[int, int], None]


@runtime_checkable
class Assistant(Protocol):
    """Whatever answers questions about documents; called from several threads at once."""

    @property
    def documents(self) -> Mapping[str, Document]:
        """The documents that answers cite, by ``doc_id``."""
        ...

    @property
    def answerer(self) -> str:
        """What words the answers: ``quote``, or the name of a language model."""
        ...

    def ask(self, question: str, turns: Sequence[str] = ()) -> Answer:
        """Answer ``question``; ``turns`` are the earlier questions, oldest first."""
        ...

    def stream(self, question: str, turns: Sequence[str] = ()) -> Iterator[Answer]:
        """The answer as it comes to be, the last state whole; closing the iterator ends the work on it."""
        ...


@runtime_checkable
class DraftChecker(Protocol):
    """What the tab 原文核对 asks of an assistant."""

    def read_draft(self, data: bytes, name: str) -> str:
        """The text of an uploaded file.

        Raises:
            RequestError: The file cannot be read, said in one sentence.
        """
        ...

    def check_draft(self, text: str, name: str, on_progress: OnProgress | None = None) -> CheckedDraft:
        """Check every sentence of a draft; what ``on_progress`` raises is passed on.

        Raises:
            RequestError: There is nothing to check, or too much of it.
        """
        ...

    def draft_report(self, draft: CheckedDraft, format: ReportFormat) -> bytes:
        """The check as a file."""
        ...


@runtime_checkable
class LedgerKeeper(Protocol):
    """What the tab 指标台账 asks of an assistant."""

    def ledger(self) -> Ledger:
        """All figures of the document; called often, so made once."""
        ...

    def export_ledger(self, ledger: Ledger, format: LedgerFormat) -> bytes:
        """The entries of ``ledger``, which may be a part of all, as a file."""
        ...


@dataclass(frozen=True, slots=True)
class Turn:
    """One question with its answer, or with a plain sentence (``note``) where there is no answer."""

    question: str
    answer: Answer | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Session:
    """One visitor's conversation.

    ``pending`` is the question being answered, empty when none is; ``token`` names that one answering of it.
    """

    turns: tuple[Turn, ...] = ()
    pending: str = ""
    token: str = ""

    def asked(self, limit: int) -> tuple[str, ...]:
        """The last ``limit`` questions that were answered, oldest first."""
        questions = tuple(turn.question for turn in self.turns if turn.answer is not None)
        return questions[-limit:] if limit > 0 else ()

    def closed(self, turn: Turn) -> Session:
        """The conversation with ``turn`` at its end and nothing pending."""
        return Session((*self.turns, turn))


@dataclass(frozen=True, slots=True)
class ExampleGroup:
    """Questions that one group of readers may start from."""

    title: str
    questions: tuple[str, ...]

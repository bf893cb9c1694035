"""The values that the page keeps, and what it asks of an assistant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from assistant.types import Answer
from corpus.types import Document


@runtime_checkable
class Assistant(Protocol):
    """Whatever answers questions about documents; called from several threads at once."""

    @property
    def documents(self) -> Mapping[str, Document]:
        """The documents that answers cite, by ``doc_id``."""
        ...

    def ask(self, question: str, turns: Sequence[str] = ()) -> Answer:
        """Answer ``question``; ``turns`` are the earlier questions, oldest first."""
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

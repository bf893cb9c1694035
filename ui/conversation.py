"""What happens on the page, without the page: plain functions from session to session."""

from __future__ import annotations

import logging
import queue
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from assistant.draft import MAX_DRAFT_CHARS
from assistant.types import Answer
from corpus.errors import RequestError
from corpus.types import Document
from ui.examples import load_examples
from ui.loading import PREPARING, UNAVAILABLE, Loader, LoadState
from ui.permalink import cards_text
from ui.render import (
    answer_markdown,
    escape_inline,
    note_markdown,
    partial_markdown,
    question_markdown,
    sources_markdown,
    unfinished_markdown,
)
from ui.types import Assistant, ExampleGroup, Session, Turn

log = logging.getLogger(__name__)

TITLE = "莱芜区2024年国民经济和社会发展计划问答"
SUBTITLE = "依据公开印发的文件原文作答，每个数字注明年份与出处"
FOOTER = "回答取自文件原文并注明出处，引用前请以印发文本为准。请勿在问题中填写个人信息。"
READY = "就绪"
QUOTE = "quote"
SEARCHING = "正在查阅文件…"
FAILED = "抱歉，这个问题暂时无法处理，请稍后再试，或换一种问法。"
BUSY = "当前提问人数较多，请稍后再试。"
STOPPED = "已停止回答。"
STILL_PREPARING = "索引仍在准备中，请稍后再提问。"

# An answer is written out in at most this many steps: visible progress, and still done in a third of a second.
STREAM_STEPS = 12
STREAM_MIN_CHARS = 6
STREAM_PAUSE_S = 0.025
POLL_S = 0.5
ASK_PAUSE_S = 0.1

Messages = list[dict[str, str]]


@dataclass(frozen=True, slots=True)
class PageSettings:
    """What may be set about the page."""

    title: str = TITLE
    subtitle: str = SUBTITLE
    footer: str = FOOTER
    examples: tuple[ExampleGroup, ...] = field(default_factory=load_examples)
    # Characters; long enough for a pasted paragraph of the plan.
    max_question_chars: int = 1500
    # Earlier questions given to the assistant.
    max_turns: int = 10
    # Questions answered at the same time; Gradio's own default is one.
    concurrency: int = 8
    # Questions that may wait; one more is turned away with a sentence.
    max_waiting: int = 64
    # Characters of a draft to be checked.
    max_draft_chars: int = MAX_DRAFT_CHARS
    # Drafts checked at the same time: each takes a processor for seconds.
    check_concurrency: int = 2
    # Seconds that a question waits for the index.
    load_timeout_s: float = 300.0


class Conversation:
    """Takes questions in, has them answered and says what to show; one for all visitors, their sessions are values."""

    def __init__(self, loader: Loader, settings: PageSettings) -> None:
        self._loader = loader
        self._settings = settings
        # Tokens of the questions being answered; one that is stopped or cleared away is taken out.
        self._open: set[str] = set()

    @property
    def documents(self) -> Mapping[str, Document]:
        """The documents of the assistant, none while it is being loaded."""
        return self._loader.documents

    # --- what is shown ---

    def status(self, hint: str = "") -> str:
        """The status line: ``hint`` where there is one, else how far loading is."""
        state = self._loader.state
        words = {LoadState.WAITING: PREPARING, LoadState.READY: READY, LoadState.FAILED: UNAVAILABLE}[state]
        name = "hint" if hint else state.value
        assistant = self._loader.assistant
        if assistant is not None and assistant.answerer != QUOTE:
            words = f"{READY} · 由 AI（{assistant.answerer}）组织语言，逐句核对原文"
        return f'<span class="state state-{name}">{escape_inline(hint or words)}</span>'

    def messages(self, session: Session, writing: str | None = None) -> Messages:
        """The conversation as chat messages; ``writing`` is the answer being written, as Markdown."""
        shown: Messages = []
        for index, turn in enumerate(session.turns):
            shown.append({"role": "user", "content": question_markdown(turn.question)})
            reply = (
                answer_markdown(turn.answer, self.documents, follow_up=index > 0)
                if turn.answer is not None
                else note_markdown(turn.note)
            )
            shown.append({"role": "assistant", "content": reply})
        if session.pending:
            shown.append({"role": "user", "content": question_markdown(session.pending)})
        if writing is not None:
            shown.append({"role": "assistant", "content": writing})
        return shown

    def sources(self, session: Session, turn: int = -1, address: str = "") -> tuple[str, str]:
        """Source panel and cards to be copied for one turn, the last one if not told.

        ``address`` is that of the page, for the links on the cards; without it they have none.
        """
        answer = session.turns[turn].answer if session.turns else None
        cited = (answer.citations or answer.nearest) if answer is not None else ()
        return sources_markdown(answer, self.documents), cards_text(cited, self.documents, address)

    # --- what happens ---

    def accept(self, question: str | None, session: Session) -> tuple[Session, str]:
        """Take a question in, or say why not.

        Returns:
            The session, with the question pending where it was taken, and a hint, empty where it was.
        """
        text = (question or "").strip()
        if session.pending:
            return session, "上一个问题还在回答中，请稍候或点击“停止”。"
        if not text:
            return session, "请先输入问题。"
        limit = self._settings.max_question_chars
        if len(text) > limit:
            return session, f"问题有 {len(text)} 个字，超过上限 {limit} 个字，请缩短后再发送。"
        return Session(session.turns, text, uuid.uuid4().hex), ""

    def respond(self, session: Session) -> Iterator[tuple[Session, str]]:
        """Answer the pending question.

        Yields:
            The session and the answer written so far, as Markdown; the last session has the finished turn. Nothing
            more once the question was ended from elsewhere.
        """
        if not session.pending:
            return
        self._open.add(session.token)
        try:
            for step in self._steps(session):
                # Gradio cancels a running generator with a delay, in which it would write over what came after.
                if session.token not in self._open:
                    return
                yield step
        finally:
            self._open.discard(session.token)

    def _steps(self, session: Session) -> Iterator[tuple[Session, str]]:
        deadline = time.monotonic() + self._settings.load_timeout_s
        while self._loader.state is LoadState.WAITING and time.monotonic() < deadline:
            yield session, note_markdown(PREPARING)
            self._loader.wait(POLL_S)
        assistant = self._loader.assistant
        if assistant is None:
            note = STILL_PREPARING if self._loader.state is LoadState.WAITING else f"{UNAVAILABLE}。"
            yield session.closed(Turn(session.pending, note=note)), ""
            return
        states = self._start(assistant, session)
        state: Answer | None = None
        shown = ""
        while True:
            try:
                coming = states.get(timeout=ASK_PAUSE_S)
            except queue.Empty:
                # Given back to Gradio now and then, because it can stop a generator only there.
                yield session, shown or note_markdown(SEARCHING)
                continue
            if isinstance(coming, str):
                yield session.closed(Turn(session.pending, note=coming)), ""
                return
            if coming is None:
                break
            if state is None:
                yield from self._written_out(session, coming)
            state = coming
            shown = unfinished_markdown(state)
            yield session, shown
        if state is not None:
            yield session.closed(Turn(session.pending, state)), ""

    def _written_out(self, session: Session, answer: Answer) -> Iterator[tuple[Session, str]]:
        """An answer bit by bit."""
        length = len(answer.answer)
        step = max(STREAM_MIN_CHARS, -(-length // STREAM_STEPS))
        for end in range(step, length, step):
            yield session, partial_markdown(answer, end)
            time.sleep(STREAM_PAUSE_S)

    def _start(self, assistant: Assistant, session: Session) -> queue.SimpleQueue[Answer | str | None]:
        """Ask in a thread of its own; a daemon, so that a slow model does not hold up Ctrl-C.

        Returns:
            Where the states of the answer come in; ``None`` after the last, a sentence where there is no answer.
        """
        states: queue.SimpleQueue[Answer | str | None] = queue.SimpleQueue()
        earlier = session.asked(self._settings.max_turns)
        threading.Thread(
            target=self._ask, args=(assistant, session.pending, earlier, session.token, states.put), daemon=True
        ).start()
        return states

    def _ask(
        self,
        assistant: Assistant,
        question: str,
        earlier: Sequence[str],
        token: str,
        give: Callable[[Answer | str | None], object],
    ) -> None:
        """Give the states of the answer, or a plain sentence where there is none, until nobody waits for them.

        The question itself is logged at DEBUG only.
        """
        turn_id = uuid.uuid4().hex[:8]
        log.debug("turn %s asks %r", turn_id, question)
        began = time.perf_counter()
        answer: Answer | None = None
        try:
            for state in assistant.stream(question, earlier):
                if token and token not in self._open:
                    log.info("turn %s stopped", turn_id)
                    return
                if state is not answer and state != answer:
                    give(state)
                answer = state
        except RequestError as error:
            log.info("turn %s refused as it is", turn_id)
            give(str(error))
            return
        except Exception:
            log.exception("turn %s failed", turn_id)
            give(FAILED)
            return
        if answer is None:
            give(FAILED)
            return
        log.info(
            "turn %s %s in %.0f ms: %d citations, %d of %d figures bound",
            turn_id,
            answer.status.value,
            1000 * (time.perf_counter() - began),
            len(answer.citations),
            answer.gate.bound,
            answer.gate.figures,
        )
        give(None)

    def end(self, session: Session, note: str) -> Session:
        """Close a question that is not to be answered any more with a sentence."""
        self.abandon(session)
        return session.closed(Turn(session.pending, note=note)) if session.pending else session

    def abandon(self, session: Session) -> None:
        """Have nothing more written about the pending question."""
        self._open.discard(session.token)

    def ask(self, question: str, turns: Sequence[str] = ()) -> dict[str, Any]:
        """One answer as published JSON, for programs.

        Raises:
            RequestError: The question cannot be taken, or the assistant is not ready.
        """
        session, hint = self.accept(question, Session())
        if hint:
            raise RequestError(hint)
        self._loader.wait(self._settings.load_timeout_s)
        assistant = self._loader.assistant
        if assistant is None:
            raise RequestError(f"{UNAVAILABLE}。")
        states: list[Answer | str | None] = []
        self._ask(assistant, session.pending, tuple(turns)[-self._settings.max_turns :], "", states.append)
        *_, last = (state for state in states if state is not None)
        if isinstance(last, str):
            raise RequestError(last)
        return last.to_dict()

"""What happens on the tab 原文核对, without the tab: plain functions from a draft to its check."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, wait
from dataclasses import dataclass

from assistant.draft import MAX_DRAFT_BYTES, CheckedDraft
from corpus.errors import RequestError
from corpus.types import Document
from ui.conversation import PageSettings
from ui.loading import PREPARING, Loader, LoadState
from ui.types import DraftChecker, ReportFormat

log = logging.getLogger(__name__)

PASTED = "粘贴的文字"
EMPTY = "请先粘贴要核对的文字，或选择一个文件。"
STOPPED = "已停止核对，没有生成结果。"
FAILED = "抱歉，这份文稿暂时无法核对，请稍后再试。"
NOT_OFFERED = "当前运行的服务不提供原文核对。"
UNREADABLE = "这个文件无法读取，请换一个文件，或直接粘贴文字。"
TOO_LARGE = f"文件超过上限 {MAX_DRAFT_BYTES // 2**20} MB，请拆分后再上传，或直接粘贴文字。"
PAUSE_S = 0.1


@dataclass(frozen=True, slots=True)
class CheckSession:
    """One visitor's draft: the text being checked (empty when none is), and the last check that was finished."""

    pending: str = ""
    name: str = ""
    token: str = ""
    draft: CheckedDraft | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a check is; ``total`` is 0 until it is known. ``note`` is what to say in place of numbers."""

    done: int = 0
    total: int = 0
    note: str = ""


class _Stopped(Exception):
    """The visitor stopped the check."""


class DraftChecks:
    """Takes drafts in and has them checked; one for all visitors, their sessions are values."""

    def __init__(self, loader: Loader, settings: PageSettings) -> None:
        self._loader = loader
        self._settings = settings
        # Tokens of the checks that are running; one that is stopped is taken out.
        self._open: set[str] = set()

    @property
    def documents(self) -> Mapping[str, Document]:
        """The documents of the assistant, none while it is being loaded."""
        return self._loader.documents

    def _checker(self) -> DraftChecker:
        assistant = self._loader.require()
        if not isinstance(assistant, DraftChecker):
            raise RequestError(NOT_OFFERED)
        return assistant

    def read(self, data: bytes, name: str) -> str:
        """The text of an uploaded file.

        Raises:
            RequestError: It cannot be read, is too large or holds too much, said in one sentence.
        """
        if len(data) > MAX_DRAFT_BYTES:
            raise RequestError(TOO_LARGE)
        checker = self._checker()
        try:
            text = checker.read_draft(data, name)
        except RequestError:
            raise
        except Exception:
            # A damaged file is no fault of ours, but which step broke may be.
            log.exception("an uploaded file of %d bytes could not be read", len(data))
            raise RequestError(UNREADABLE) from None
        if hint := self._too_long(text):
            raise RequestError(hint)
        return text

    def accept(self, text: str | None, name: str, session: CheckSession) -> tuple[CheckSession, str]:
        """Take a draft in, or say why not.

        Returns:
            The session, with the text pending where it was taken, and a hint, empty where it was.
        """
        text = text or ""
        if session.pending:
            return session, "上一份文稿还在核对中，请稍候或点击“停止”。"
        if not text.strip():
            return session, EMPTY
        if hint := self._too_long(text):
            return session, hint
        return CheckSession(text, name or PASTED, uuid.uuid4().hex, session.draft), ""

    def _too_long(self, text: str) -> str:
        limit = self._settings.max_draft_chars
        return f"文稿有 {len(text)} 个字，超过上限 {limit} 个字，请分几次核对。" if len(text) > limit else ""

    def run(self, session: CheckSession) -> Iterator[tuple[CheckSession, Progress]]:
        """Check the pending draft.

        Yields:
            The session and how far the check is; the last session has nothing pending, and a draft or, where the check
            failed, a note. Nothing more once the check was stopped.
        """
        if not session.pending:
            return
        self._open.add(session.token)
        try:
            for step in self._steps(session):
                if session.token not in self._open:
                    return
                yield step
        finally:
            self._open.discard(session.token)

    def _steps(self, session: CheckSession) -> Iterator[tuple[CheckSession, Progress]]:
        deadline = time.monotonic() + self._settings.load_timeout_s
        while self._loader.state is LoadState.WAITING and time.monotonic() < deadline:
            yield session, Progress(note=PREPARING)
            self._loader.wait(PAUSE_S)
        latest = [Progress()]
        checking = self._start(session, latest)
        while not checking.done():
            # Given back to Gradio now and then, because it can stop a generator only there.
            yield session, latest[0]
            wait([checking], timeout=PAUSE_S)
        draft, note = checking.result()
        yield CheckSession(draft=draft or session.draft), Progress(note=note)

    def _start(self, session: CheckSession, latest: list[Progress]) -> Future[tuple[CheckedDraft | None, str]]:
        """Check in a thread of its own; ``latest`` holds how far it is."""

        def advance(done: int, total: int) -> None:
            if session.token not in self._open:
                raise _Stopped
            latest[0] = Progress(done, total)

        def check() -> tuple[CheckedDraft | None, str]:
            began = time.perf_counter()
            try:
                draft = self._checker().check_draft(session.pending, session.name, advance)
            except _Stopped:
                return None, STOPPED
            except RequestError as error:
                return None, str(error)
            except Exception:
                log.exception("a draft could not be checked")
                return None, FAILED
            summary = draft.summary
            log.info(
                "draft of %d sentences checked in %.1f s: %d match, %d mismatch, %d not found",
                summary.sentences,
                time.perf_counter() - began,
                summary.match,
                summary.mismatch,
                summary.not_found,
            )
            return draft, ""

        checking: Future[tuple[CheckedDraft | None, str]] = Future()
        threading.Thread(target=lambda: checking.set_result(check()), daemon=True).start()
        return checking

    def stop(self, session: CheckSession) -> CheckSession:
        """End the check that is running; what was checked before stays."""
        self._open.discard(session.token)
        return CheckSession(draft=session.draft)

    def report(self, draft: CheckedDraft, format: ReportFormat) -> bytes:
        """The check as a file.

        Raises:
            RequestError: The assistant offers none.
        """
        return self._checker().draft_report(draft, format)

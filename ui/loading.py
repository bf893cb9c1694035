"""Load the assistant beside the running page."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from enum import StrEnum

from corpus.errors import RequestError
from corpus.types import Document
from ui.types import Assistant

log = logging.getLogger(__name__)

PREPARING = "正在准备索引…"
UNAVAILABLE = "服务暂时不可用，请稍后再试"


class LoadState(StrEnum):
    """How far the assistant is."""

    WAITING = "waiting"
    READY = "ready"
    FAILED = "failed"


class Loader:
    """Runs a factory once, in a background thread, and hands out what it made.

    Model and index take seconds to load; the page is served meanwhile. ``start`` may be called any number of times.
    """

    def __init__(self, source: Assistant | Callable[[], Assistant]) -> None:
        self._done = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._assistant: Assistant | None = None
        self._factory: Callable[[], Assistant] | None = None
        # A class with the assistant's methods is a factory of assistants, not one itself.
        if isinstance(source, Assistant) and not isinstance(source, type):
            self._assistant = source
            self._done.set()
        else:
            self._factory = source

    def start(self) -> Loader:
        """Begin loading, unless that was done already."""
        with self._lock:
            if self._factory is not None and self._thread is None:
                self._thread = threading.Thread(target=self._load, name="assistant-loader", daemon=True)
                self._thread.start()
        return self

    def _load(self) -> None:
        assert self._factory is not None
        began = time.perf_counter()
        try:
            self._assistant = self._factory()
            log.info("assistant ready after %.1f s", time.perf_counter() - began)
        except Exception:
            log.exception("the assistant could not be loaded")
        finally:
            self._done.set()

    @property
    def state(self) -> LoadState:
        """Whether the assistant is being loaded, is there, or could not be loaded."""
        if not self._done.is_set():
            return LoadState.WAITING
        return LoadState.FAILED if self._assistant is None else LoadState.READY

    @property
    def assistant(self) -> Assistant | None:
        """The assistant, ``None`` until it is there."""
        return self._assistant if self._done.is_set() else None

    @property
    def documents(self) -> Mapping[str, Document]:
        """The documents of the assistant, none until it is there."""
        assistant = self.assistant
        return assistant.documents if assistant is not None else {}

    def require(self) -> Assistant:
        """The assistant.

        Raises:
            RequestError: It is still being loaded, or could not be loaded.
        """
        assistant = self.assistant
        if assistant is None:
            raise RequestError(PREPARING if self.state is LoadState.WAITING else f"{UNAVAILABLE}。")
        return assistant

    def wait(self, timeout_s: float) -> LoadState:
        """Wait until loading has ended, at most ``timeout_s`` seconds, and say how far it is."""
        self._done.wait(timeout_s)
        return self.state

"""Keeps a model server that fails from being asked again and again.

The usual libraries know neither a pause that the server itself asks for (Retry-After) nor a single trial after it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from enum import IntEnum

FAILURES = 3  # in a row, after which the server is left alone
PAUSE_S = 30.0  # how long


class Admission(IntEnum):
    """Whether a server may be asked; only ``REFUSED`` is false."""

    REFUSED = 0
    USUAL = 1
    TRIAL = 2  # after a pause: the one question that shows whether it is over


class Breaker:
    """Says whether a server may be asked; safe to use from several threads.

    Closed: it may. Open: not before the pause is over. Half-open: one question tries it, the others wait for what
    becomes of that.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._until: float | None = None
        self._is_tried = False

    def admit(self) -> Admission:
        """Whether to ask now; who is admitted hands the admission back with what became of it."""
        with self._lock:
            if self._until is None:
                return Admission.USUAL
            if self._clock() < self._until or self._is_tried:
                return Admission.REFUSED
            self._is_tried = True
            return Admission.TRIAL

    def succeeded(self) -> None:
        """The server answered."""
        with self._lock:
            self._failures, self._until, self._is_tried = 0, None, False

    def failed(self, pause_s: float | None = None, admission: Admission = Admission.USUAL) -> None:
        """The server did not answer; with ``pause_s`` it is left alone at once and for so long."""
        with self._lock:
            self._failures += 1
            was_trial = admission is Admission.TRIAL
            if was_trial:
                self._is_tried = False
            if pause_s is not None or was_trial or self._failures >= FAILURES:
                until = self._clock() + (PAUSE_S if pause_s is None else pause_s)
                self._until = until if self._until is None else max(self._until, until)

    def abandoned(self, admission: Admission = Admission.USUAL) -> None:
        """Nobody waited for the end, which says nothing about the server."""
        with self._lock:
            if admission is Admission.TRIAL:
                self._is_tried = False

"""A language model inside this process: llama.cpp through xllamacpp, as an OpenAI-compatible server on loopback."""

from __future__ import annotations

import logging
import secrets
import threading
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from assistant.generation.endpoint import Endpoint, ModelFault

log = logging.getLogger(__name__)

CONTEXT_TOKENS = 4_096  # instruction, example, evidence, question and answer together need some 1,500
QUIET = 0  # llama.cpp's own log goes to standard error, which is the user's


def is_available() -> bool:
    """Whether the library that runs local models is installed."""
    return find_spec("xllamacpp") is not None


@dataclass
class LocalModel:
    """A GGUF file that is loaded when it is first needed, once, and stays loaded."""

    path: Path
    name: str
    context_tokens: int = CONTEXT_TOKENS
    # A model this small puts follow-ups no better than the rules do: of 1,464 development questions it would have
    # rewritten two that the rules could not place, and got neither right.
    rewrites: bool = False
    _server: Any = field(default=None, init=False, repr=False)
    _endpoint: Endpoint | None = field(default=None, init=False, repr=False)
    _fault: ModelFault | None = field(default=None, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def endpoint(self) -> Endpoint:
        """The endpoint of the loaded model; loading takes seconds.

        Raises:
            ModelFault: The library is not installed or cannot load the file.
        """
        with self._lock:
            if self._fault is not None:
                raise self._fault
            if self._endpoint is None:
                try:
                    self._endpoint = self._start()
                except (ImportError, RuntimeError, ValueError, OSError) as error:
                    log.warning("the local model could not be loaded: %s", error)
                    self._fault = ModelFault("本地模型无法加载")
                    raise self._fault from error
            return self._endpoint

    def _start(self) -> Endpoint:
        import xllamacpp

        key = secrets.token_urlsafe(24)
        params = xllamacpp.CommonParams()
        params.model.path = str(self.path)
        params.n_ctx = self.context_tokens
        params.n_parallel = 1
        params.port = 0
        params.api_keys = [key]
        params.verbosity = QUIET
        self._server = xllamacpp.Server(params)
        return Endpoint(f"{self._server.listening_address}/v1", "local", self.name, key)

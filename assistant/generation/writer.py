"""Have a model write: an LCEL chain from evidence and question to lines, within a time limit, and its faults by name."""

from __future__ import annotations

import asyncio
import queue
import re
import threading
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from assistant.generation.breaker import Breaker
from assistant.generation.endpoint import Endpoint, ModelFault, fault_of
from assistant.generation.prompt import Piece, evidence_text, prompt_template, rewrite_template
from index.tokens import count_tokens

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessageChunk
    from langchain_core.runnables import Runnable

HEARTBEAT_S = 0.2
MOST_LINES = 10  # what goes on beyond is no answer any more
MOST_CHARS_PER_TOKEN = 4  # a server that does not keep to the limit of tokens is cut off at so many characters for each
REWRITE_TOKENS = 60
_THOUGHT = re.compile(r"<think>.*?</think>", re.S)
_END = re.compile(r"[。！？\n]")


class Provider(Protocol):
    """Gives the endpoint to ask; it may have to start it first."""

    @property
    def name(self) -> str:
        """The model's name, as readers see it."""
        ...

    @property
    def rewrites(self) -> bool:
        """Whether the model is good enough to put a follow-up that the rules could not place."""
        ...

    def endpoint(self) -> Endpoint:
        """Where to ask.

        Raises:
            ModelFault: It cannot be started.
        """
        ...


@dataclass(frozen=True, slots=True)
class Fixed:
    """An endpoint that somebody else runs."""

    there: Endpoint
    rewrites: bool = True

    @property
    def name(self) -> str:
        """The model's name."""
        return self.there.name

    def endpoint(self) -> Endpoint:
        """The endpoint."""
        return self.there


class Writer:
    """Asks one model. Safe to use from several threads; all requests run on one event loop of its own."""

    def __init__(
        self, provider: Provider, *, timeout_s: float, max_tokens: int, breaker: Breaker | None = None
    ) -> None:
        """Nothing is started or asked yet.

        Args:
            provider: Gives the endpoint.
            timeout_s: Seconds for one answer, from the request to its last word.
            max_tokens: Tokens of one answer.
            breaker: Decides whether the server is asked.
        """
        self.name = provider.name
        self.rewrites = provider.rewrites
        self._provider = provider
        self._timeout_s = timeout_s
        self._max_tokens = max_tokens
        self._breaker = breaker or Breaker()
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    def lines(self, question: str, given: Sequence[Piece]) -> Generator[str | None, None, None]:
        """The answer line by line (a sentence, or what stands on a line), each as soon as it is whole.

        ``None`` is given while nothing new has come, so that who reads can stop: closing the iterator ends the request,
        on the server too.

        Raises:
            ModelFault: The model gave no answer, or not to its end; the lines before it stand.
        """
        chain = prompt_template() | self._model(self._max_tokens)
        yield from self._run(chain, {"evidence": evidence_text(given), "question": question}, self._max_tokens)

    def rewrite(self, question: str, turns: Sequence[str]) -> str:
        """The question made stand-alone, as the model puts it: one line.

        Raises:
            ModelFault: The model gave no answer.
        """
        chain = rewrite_template() | self._model(REWRITE_TOKENS)
        asked = "\n".join(f"- {turn}" for turn in turns)
        running = self._run(chain, {"turns": asked, "question": question}, REWRITE_TOKENS)
        try:
            return next((line for line in running if line), "").strip()
        finally:
            running.close()

    def warm_up(self) -> None:
        """Start the model, and have it read what stands first in every prompt; a fault is left to the first question."""
        with suppress(ModelFault):
            for _ in filter(None, self.lines("好", [Piece("zz", "", "好。")])):
                break

    def _model(self, max_tokens: int) -> Runnable[Any, Any]:
        return self._provider.endpoint().chat_model(max_tokens=max_tokens, timeout_s=self._timeout_s)

    def _run(
        self, chain: Runnable[Any, Any], asked: dict[str, str], max_tokens: int
    ) -> Generator[str | None, None, None]:
        """What ``_lines`` gives, on the loop of this writer, handed over one by one."""
        if not self._breaker.admit():
            raise ModelFault("模型服务暂时停用，稍后自动恢复")
        handed: queue.SimpleQueue[str | ModelFault | None] = queue.SimpleQueue()

        async def pump() -> None:
            try:
                async with aclosing(self._lines(chain, asked, max_tokens)) as lines:
                    async for line in lines:
                        handed.put(line)
                handed.put(None)
            except ModelFault as fault:
                handed.put(fault)

        running = asyncio.run_coroutine_threadsafe(pump(), self._running_loop())
        is_over = False
        try:
            while not is_over:
                try:
                    item = handed.get(timeout=HEARTBEAT_S)
                except queue.Empty:
                    yield None
                    continue
                if isinstance(item, ModelFault):
                    is_over = True
                    self._breaker.failed(item.retry_after_s)
                    raise item
                if item is None:
                    is_over = True
                    self._breaker.succeeded()
                else:
                    yield item
        finally:
            if not is_over:
                running.cancel()
                self._breaker.abandoned()

    async def _lines(
        self, chain: Runnable[Any, Any], asked: dict[str, str], max_tokens: int
    ) -> AsyncGenerator[str, None]:
        deadline = asyncio.get_running_loop().time() + self._timeout_s
        said, told, number, is_ended = "", 0, 0, False
        stream = chain.astream(asked)
        try:
            while True:
                left = deadline - asyncio.get_running_loop().time()
                try:
                    async with asyncio.timeout(max(0.0, left)):
                        chunk: BaseMessageChunk = await anext(stream)
                except StopAsyncIteration:
                    break
                except TimeoutError:
                    raise ModelFault(f"模型在 {self._timeout_s:g} 秒内没有写完") from None
                except Exception as error:  # whatever a server can cause ends in the quotation
                    raise fault_of(error) from error
                said = _THOUGHT.sub("", said + _text(chunk))
                is_ended = is_ended or bool(chunk.response_metadata.get("finish_reason"))
                while (end := _END.search(said, told)) and not _is_thinking(said):
                    line, told = said[told : end.end()].strip(), end.end()
                    if line:
                        number += 1
                        yield line
                if number >= MOST_LINES or len(said) > MOST_CHARS_PER_TOKEN * max_tokens:
                    return
        finally:
            close = getattr(stream, "aclose", None)
            if close is not None:
                with suppress(Exception):
                    await close()
        if not is_ended:
            raise ModelFault("模型的回答中途断了")
        rest = said[told:].strip()
        if rest and not _is_thinking(said):
            yield rest

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._loop.run_forever, name="model-requests", daemon=True).start()
            return self._loop


def _text(chunk: BaseMessageChunk) -> str:
    return chunk.content if isinstance(chunk.content, str) else chunk.text


def _is_thinking(said: str) -> bool:
    """Whether what a reasoning model thinks is not over yet."""
    return said.rfind("<think>") > said.rfind("</think>")


def tokens(text: str) -> int:
    """Tokens of a text as Qwen counts them; about right for other models."""
    return count_tokens(text)

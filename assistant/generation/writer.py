"""Have a model write: an LCEL chain from evidence and question to lines, within a time limit, and its faults by name."""

from __future__ import annotations

import asyncio
import logging
import queue
import re
import threading
from collections.abc import AsyncGenerator, Callable, Generator, Iterator, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, cast

from assistant.generation.breaker import Breaker
from assistant.generation.endpoint import AWAY, Endpoint, ModelFault, fault_of
from assistant.generation.prompt import Piece, evidence_text, prompt_template, rewrite_template

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessageChunk
    from langchain_core.prompts import ChatPromptTemplate

log = logging.getLogger(__name__)

CUT = "模型的回答中途断了"
HEARTBEAT_S = 0.2
MOST_LINES = 10  # what goes on beyond is no answer any more
MOST_CHARS_PER_TOKEN = 4  # a server that does not keep to the limit of tokens is cut off at so many characters for each
REWRITE_TOKENS = 60
_THOUGHT = re.compile(r"<think>.*?</think>", re.S)
_CLAUSE_ENDS = "，；"
_END = re.compile(r"[。！？\n]")


class Unfinished(str):
    """The beginning of a line, up to the end of one of its clauses; the whole line comes later."""


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

        The line that is being written is given clause by clause before, as :class:`Unfinished`.

        ``None`` is given while nothing new has come, so that who reads can stop: closing the iterator ends the request,
        on the server too.

        Raises:
            ModelFault: The model gave no answer, or not to its end; the lines before it stand.
        """
        asked = {"evidence": evidence_text(given), "question": question}
        yield from self._run(prompt_template, asked, self._max_tokens)

    def rewrite(self, question: str, turns: Sequence[str]) -> Generator[str | None, None, None]:
        """The question made stand-alone, as the model puts it, in its first line; ``None`` as in :meth:`lines`.

        Raises:
            ModelFault: The model gave no answer.
        """
        asked = {"turns": "\n".join(f"- {turn}" for turn in turns), "question": question}
        yield from self._run(rewrite_template, asked, REWRITE_TOKENS)

    def warm_up(self) -> None:
        """Start the model, and have it read what stands first in every prompt; a fault is left to the first question."""
        with suppress(ModelFault):
            for _ in filter(None, self.lines("好", [Piece("zz", "", "好。")])):
                break

    def _run(
        self, template: Callable[[], ChatPromptTemplate], asked: dict[str, str], max_tokens: int
    ) -> Generator[str | None, None, None]:
        """What ``_lines`` gives, on the loop of this writer, handed over one by one."""
        admission = self._breaker.admit()
        if not admission:
            raise ModelFault("模型服务暂时停用，稍后自动恢复")
        handed: queue.SimpleQueue[str | ModelFault | None] = queue.SimpleQueue()

        async def pump() -> None:
            try:
                async with aclosing(self._lines(template, asked, max_tokens)) as lines:
                    async for line in lines:
                        handed.put(line)
                handed.put(None)
            except ModelFault as fault:
                handed.put(fault)
            except Exception as error:
                log.exception("the model could not be asked")
                handed.put(fault_of(error))

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
                    self._breaker.failed(item.retry_after_s, admission)
                    raise item
                if item is None:
                    is_over = True
                    self._breaker.succeeded()
                else:
                    yield item
        finally:
            if not is_over:
                running.cancel()
                self._breaker.abandoned(admission)

    async def _lines(
        self, template: Callable[[], ChatPromptTemplate], asked: dict[str, str], max_tokens: int
    ) -> AsyncGenerator[str, None]:
        """Whole lines of what the model writes, its thoughts left out; ends with it, or where it writes without end."""
        read, number, finish = _Reader(), 0, ""
        async with aclosing(self._chunks(template, asked, max_tokens)) as chunks:
            async for chunk in chunks:
                finish = chunk.response_metadata.get("finish_reason") or finish
                for line in read.add(_text(chunk)):
                    number += not isinstance(line, Unfinished)
                    yield line
                if number >= MOST_LINES or read.characters > MOST_CHARS_PER_TOKEN * max_tokens:
                    return
        if not finish:
            raise ModelFault(CUT)
        rest = read.rest()
        if rest and finish != "length":
            yield rest

    async def _chunks(
        self, template: Callable[[], ChatPromptTemplate], asked: dict[str, str], max_tokens: int
    ) -> AsyncGenerator[BaseMessageChunk, None]:
        """What the server sends until its time is over; whatever goes wrong is a :class:`ModelFault`."""
        is_begun = False
        try:
            endpoint = await asyncio.to_thread(self._provider.endpoint)  # a local model takes seconds to load
            deadline = asyncio.get_running_loop().time() + self._timeout_s
            async with endpoint.client(self._timeout_s) as client:
                model = endpoint.chat_model(client, max_tokens=max_tokens, timeout_s=self._timeout_s)
                stream = cast("AsyncGenerator[BaseMessageChunk, None]", (template() | model).astream(asked))
                try:
                    while True:
                        async with asyncio.timeout_at(deadline):
                            chunk: BaseMessageChunk = await anext(stream)
                        is_begun = is_begun or bool(_text(chunk))
                        yield chunk
                except StopAsyncIteration:
                    return
                finally:
                    with suppress(Exception):
                        await stream.aclose()
        except TimeoutError:
            raise ModelFault(f"模型在 {self._timeout_s:g} 秒内没有写完") from None
        except ModelFault:
            raise
        except Exception as error:  # whatever a server can cause ends in the quotation
            fault = fault_of(error)
            is_lost = is_begun and fault.note == AWAY
            raise (ModelFault(CUT) if is_lost else fault) from error

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._loop.run_forever, name="model-requests", daemon=True).start()
            return self._loop


class _Reader:
    """Makes lines of what comes in bit by bit, and leaves out what a reasoning model thinks."""

    def __init__(self) -> None:
        self.characters = 0
        self._said = ""
        self._given = 0  # characters of the line being written that were given already

    def add(self, text: str) -> Iterator[str]:
        """The lines that are whole with some more text, and the clauses of the one after them."""
        self.characters += len(text)
        self._said += text
        while line := self._next():
            self._given = 0
            if plain := line.strip():
                yield plain
        begun = self._said.partition("<")[0]
        end = max(begun.rfind(mark) for mark in _CLAUSE_ENDS)
        if end > self._given:
            self._given = end
            yield Unfinished(begun[:end].strip())

    def _next(self) -> str:
        """The next line, taken off; empty where none is whole."""
        self._said = _THOUGHT.sub("", self._said)
        before, _, _ = self._said.partition("<think")
        end = _END.search(before)
        if end is None:
            return ""
        line, self._said = before[: end.end()], self._said[end.end() :]
        return line

    def rest(self) -> str:
        """What stands after the last whole line."""
        return _THOUGHT.sub("", self._said).partition("<think")[0].strip()


def _text(chunk: BaseMessageChunk) -> str:
    return chunk.content if isinstance(chunk.content, str) else chunk.text

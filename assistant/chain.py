"""The assistant as a LangChain Runnable: invoke, stream, batch and their asynchronous forms."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any, TypedDict

from langchain_core.runnables import Runnable, RunnableGenerator, RunnableLambda

from assistant.service import PlanAssistant
from assistant.types import Answer

STREAM_CHARS = 12  # characters a piece; small enough to read along, large enough not to cost time


class Asked(TypedDict, total=False):
    """What the chain takes: a question and the earlier questions of the conversation, oldest first."""

    question: str
    turns: Sequence[str]


def answer_chain(assistant: PlanAssistant) -> Runnable[Any, Answer]:
    """A chain from question and turns (``Asked``) to an ``Answer``: stand-alone question, then answer.

    >>> chain.invoke({"question": "那农村居民呢？", "turns": ["2024年城镇居民收入目标是多少？"]})  # doctest: +SKIP
    """

    def answer(asked: dict[str, Any]) -> Answer:
        return assistant.ask(asked["question"], asked.get("turns") or ())

    return RunnableLambda(answer).with_config(run_name="plan_answer")


def text_chain(assistant: PlanAssistant) -> Runnable[Any, str]:
    """A chain whose stream gives the answer's text piece by piece; the pieces joined are the whole text."""

    def pieces(answers: Iterator[Answer]) -> Iterator[str]:
        for answer in answers:
            for start in range(0, len(answer.answer), STREAM_CHARS):
                yield answer.answer[start : start + STREAM_CHARS]

    async def apieces(answers: AsyncIterator[Answer]) -> AsyncIterator[str]:
        async for answer in answers:
            for piece in pieces(iter([answer])):
                yield piece

    return answer_chain(assistant) | RunnableGenerator(pieces, apieces)

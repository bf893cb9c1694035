from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from assistant.chain import STREAM_CHARS, Asked, answer_chain, text_chain
from assistant.service import PlanAssistant
from assistant.types import Answer, Status
from corpus.errors import RequestError

PARKING: Asked = {"question": "2026年新增停车位多少个？"}
FOLLOW_UP: Asked = {"question": "2025年呢？", "turns": ["2026年新增停车位多少个？"]}
GOALS: Asked = {"question": "2026年主要目标有哪些？", "turns": []}
ALL = [PARKING, FOLLOW_UP, GOALS]


def plain(answer: Answer) -> Answer:
    return replace(answer, timings_ms={})


def direct(assistant: PlanAssistant, asked: Asked) -> Answer:
    return plain(assistant.ask(asked["question"], asked.get("turns") or ()))


def test_invoke_gives_the_answer_of_the_assistant(mini_assistant: PlanAssistant) -> None:
    for asked in ALL:
        assert plain(answer_chain(mini_assistant).invoke(asked)) == direct(mini_assistant, asked)


def test_turns_are_followed(mini_assistant: PlanAssistant) -> None:
    answer = answer_chain(mini_assistant).invoke(FOLLOW_UP)
    assert answer.status is Status.ANSWERED
    assert "820个" in answer.answer


def test_batch_gives_the_answers_in_order(mini_assistant: PlanAssistant) -> None:
    answers = answer_chain(mini_assistant).batch(ALL)
    assert [plain(answer) for answer in answers] == [direct(mini_assistant, asked) for asked in ALL]


def test_batch_goes_on_past_a_question_that_cannot_be_taken(mini_assistant: PlanAssistant) -> None:
    empty: Asked = {"question": ""}
    first, failed, last = answer_chain(mini_assistant).batch([PARKING, empty, GOALS], return_exceptions=True)
    assert isinstance(failed, RequestError)
    assert isinstance(first, Answer) and isinstance(last, Answer)


def test_ainvoke_and_abatch_give_the_same_answers(mini_assistant: PlanAssistant) -> None:
    async def both() -> tuple[Answer, list[Answer]]:
        chain = answer_chain(mini_assistant)
        return await chain.ainvoke(FOLLOW_UP), await chain.abatch(ALL)

    one, several = asyncio.run(both())
    assert plain(one) == direct(mini_assistant, FOLLOW_UP)
    assert [plain(answer) for answer in several] == [direct(mini_assistant, asked) for asked in ALL]


@pytest.mark.parametrize("asked", ALL, ids=["fact", "follow_up", "list"])
def test_streamed_pieces_join_to_the_answer(mini_assistant: PlanAssistant, asked: Asked) -> None:
    pieces = list(text_chain(mini_assistant).stream(asked))
    assert "".join(pieces) == direct(mini_assistant, asked).answer
    assert all(0 < len(piece) <= STREAM_CHARS for piece in pieces)
    assert len(pieces) > 1


def test_text_of_an_invoked_chain_is_the_answer(mini_assistant: PlanAssistant) -> None:
    assert text_chain(mini_assistant).invoke(GOALS) == direct(mini_assistant, GOALS).answer


@pytest.mark.parametrize("asked", ALL, ids=["fact", "follow_up", "list"])
def test_asynchronously_streamed_pieces_join_to_the_answer(mini_assistant: PlanAssistant, asked: Asked) -> None:
    async def stream() -> list[str]:
        return [piece async for piece in text_chain(mini_assistant).astream(asked)]

    assert "".join(asyncio.run(stream())) == direct(mini_assistant, asked).answer


def test_question_that_cannot_be_taken_raises_its_own_error(mini_assistant: PlanAssistant) -> None:
    with pytest.raises(RequestError, match="空"):
        answer_chain(mini_assistant).invoke({"question": " "})

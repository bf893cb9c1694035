"""Whether a stand-alone question that a model wrote may stand for what was asked: it must bring in nothing new."""

from __future__ import annotations

import re
from collections.abc import Sequence

import jieba

from assistant.normalise import arabic, fold, tidy
from assistant.wordlists import question_words

MOST_CHARS = 60
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_ASKS = re.compile(r"多少|几(?=[个家项座处条名人亿万点])|哪|什么|谁|吗|怎么")
_POINTS = re.compile(r"这个|那个|这|那|它|其中|呢|前者|后者|个|的|了|是")
_WORD = re.compile(r"\w")


def may_stand_for(alone: str, said: Sequence[str]) -> bool:
    """Whether ``alone`` asks one thing, in words that were all said, and with every word of what was asked last.

    Args:
        alone: The question as the model puts it.
        said: The questions of the conversation, oldest first, the one that is rewritten last.
    """
    if not 4 <= len(alone) <= MOST_CHARS or "\n" in alone or tidy(alone) == tidy(said[-1]):
        return False
    if len(_ASKS.findall(alone)) > 1:
        return False
    known, new = _folded("".join(said)), _folded(alone)
    words = _words(new)
    if not set(_NUMBER.findall(new)) <= set(_NUMBER.findall(known)):
        return False
    return all(word in known or (not _NUMBER.search(word) and set(word) <= set(known)) for word in words) and all(
        word in new for word in (*_words(_folded(said[-1])), *_NUMBER.findall(_folded(said[-1])))
    )


def _folded(text: str) -> str:
    return fold(arabic(fold(text)))


def _words(folded: str) -> list[str]:
    """The words of a question that say what it is about."""
    noise = question_words().noise
    return [
        word for word in jieba.lcut(folded) if _WORD.search(word) and word not in noise and not _POINTS.fullmatch(word)
    ]

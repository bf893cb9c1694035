"""Whether a stand-alone question that a model wrote may stand for what was asked: it must bring in nothing new."""

from __future__ import annotations

import re
from collections.abc import Sequence

import jieba

from assistant.normalise import arabic, fold, tidy
from assistant.wordlists import question_words

MOST_CHARS = 60
_YEAR = re.compile(r"(?:19|20)\d{2}")
_WORD = re.compile(r"\w")


def may_stand_for(alone: str, said: Sequence[str]) -> bool:
    """Whether every content word and every number of ``alone`` was said in the conversation.

    Args:
        alone: The question as the model puts it.
        said: The questions of the conversation, oldest first, the one that is rewritten last.
    """
    if not 4 <= len(alone) <= MOST_CHARS or "\n" in alone or tidy(alone) == tidy(said[-1]):
        return False
    known = fold(arabic(fold("".join(said))))
    noise = question_words().noise
    words = [token for token in jieba.lcut(fold(arabic(fold(alone)))) if _WORD.search(token) and token not in noise]
    return all(word in known or all(character in known for character in word) for word in words)

"""Repair a mistyped character where the document has a word that sounds the same (赢城, 瀛城 for 嬴城)."""

from __future__ import annotations

import re
from collections import defaultdict
from functools import lru_cache

import jieba
from pypinyin import lazy_pinyin

from assistant.wordlists import question_words

_RUN = re.compile(r"[一-鿿]+")
_LENGTHS = (4, 3, 2)
MAX_REPAIRS = 3


@lru_cache(maxsize=8192)
def _sound(character: str) -> str:
    return str(lazy_pinyin(character)[0])


class Homophones:
    """The words of a document by their sound; built once."""

    def __init__(self, text: str) -> None:
        """Collect the runs of two to four characters of a folded text."""
        self._text = text
        self._by_sound: dict[tuple[str, ...], set[str]] = defaultdict(set)
        for run in _RUN.findall(text):
            for length in _LENGTHS:
                for start in range(len(run) - length + 1):
                    word = run[start : start + length]
                    self._by_sound[tuple(map(_sound, word))].add(word)

    def repair(self, text: str) -> str:
        """Replace a stray character where the document has one run of characters that sounds the same.

        A character is stray that the dictionary joins to no neighbour: 赢 in 赢城 is, 赢 in 赢得 is not. At most
        ``MAX_REPAIRS`` characters are replaced.
        """
        for _ in range(MAX_REPAIRS):
            repaired = self._repaired_once(text)
            if repaired == text:
                break
            text = repaired
        return text

    def _repaired_once(self, text: str) -> str:
        stray = {
            begin
            for word, begin, _ in jieba.tokenize(text, HMM=False)
            if len(word) == 1 and word not in question_words().noise
        }
        for length in _LENGTHS:
            for begin in range(len(text) - length + 1):
                window = text[begin : begin + length]
                if not _RUN.fullmatch(window) or window in self._text:
                    continue
                if length == 2 and not {begin, begin + 1} <= stray:
                    continue
                alike = {
                    other
                    for other in self._by_sound.get(tuple(map(_sound, window)), ())
                    if (changed := [i for i in range(length) if window[i] != other[i]])
                    and len(changed) == 1
                    and begin + changed[0] in stray
                }
                if len(alike) == 1:
                    return text[:begin] + alike.pop() + text[begin + length :]
        return text

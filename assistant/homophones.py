"""Repair a mistyped character where the document has a word that sounds the same (赢城, 瀛城 for 嬴城)."""

from __future__ import annotations

import re
from collections import defaultdict
from functools import lru_cache

import jieba
from pypinyin import lazy_pinyin

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
        """Replace one character of a run that the document does not have, where one run of it sounds the same.

        Dictionary words of two characters are left as they are: 赢得 is no mistyped name. At most ``MAX_REPAIRS``
        characters are replaced.
        """
        for _ in range(MAX_REPAIRS):
            repaired = self._repaired_once(text)
            if repaired == text:
                break
            text = repaired
        return text

    def _repaired_once(self, text: str) -> str:
        for length in _LENGTHS:
            for run in _RUN.findall(text):
                for start in range(len(run) - length + 1):
                    word = run[start : start + length]
                    if word in self._text or (length == 2 and jieba.dt.FREQ.get(word)):
                        continue
                    alike = {
                        other
                        for other in self._by_sound.get(tuple(map(_sound, word)), ())
                        if sum(a != b for a, b in zip(word, other, strict=True)) == 1
                    }
                    if len(alike) == 1:
                        return text.replace(word, alike.pop(), 1)
        return text

"""What words say in front of a statement: of which year it is, whether a result or a target, and of what whole."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from assistant.canonical import wording_words
from assistant.normalise import arabic, fold
from corpus.types import Document, Kind


@dataclass(frozen=True, slots=True)
class Label:
    """What words say in front of themselves about their year; empty where they name none.

    The words proper begin at one of ``ends``, with the kind that is said before: right behind the year, or further on,
    for what follows the year (实际, 预计) may belong to them (实际利用外资).
    """

    year: int | None
    ends: tuple[tuple[int, Kind | None], ...]


def read_label(text: str, start: int, end: int, document: Document) -> Label:
    """What ``text[start:end]`` says in front about its year; the label is empty where it names none.

    Args:
        text: Words that are checked.
        start: Where a statement begins, with what is said in front of it.
        end: Where it ends.
        document: Says what 今年 means and which place needs no naming.
    """
    front, word = _label_patterns(document.place)
    match = front.match(text, start, end)
    year = year_in(match.group(), document) if match else None
    if match is None or year is None:
        return Label(None, ())
    ends: list[tuple[int, Kind | None]] = [(match.end(), kind_said(match.group()))]
    while following := word.match(text, ends[-1][0], end):
        ends.append((following.end(), kind_said(text[start : following.end()])))
    return Label(year, tuple(ends))


def speaks_of_whole(words: str) -> bool:
    """Whether words speak of the document's place as a whole (全区)."""
    return any(name in words for name in wording_words()["whole_place"])


def year_in(words: str, document: Document) -> int | None:
    """The first year that words name, 今年 and its like counted from the document's own."""
    match = re.search(r"((?:19|20)\d{2})年|今年|本年|去年|上年|明年", arabic(fold(words)))
    if match is None or match.group(1):
        return int(match.group(1)) if match else None
    shift = {"今年": 0, "本年": 0, "明年": 1}.get(match.group(), -1)
    return document.year + shift if document.year else None


def kind_said(words: str) -> Kind | None:
    """Whether the words in front of a statement call it a result or a target."""
    if any(word in words for word in wording_words()["label_result"]):
        return Kind.RESULT
    return Kind.TARGET if any(word in words for word in wording_words()["label_target"]) else None


@cache
def _label_patterns(place: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """What may stand in front of a statement up to its year, and one word more of it behind the year."""
    data = wording_words()
    names = [name for name in (place, place[:-1] if len(place) > 2 else "") if name]
    listed = sorted([*names, *data["label"], *data["whole_place"]], key=len, reverse=True)
    words, blank = "|".join(map(re.escape, listed)), r"[，,：:\s]*"
    digits = "〇零○０-９0-9一二三四五六七八九"
    year = rf"(?:到|截至|至)?(?:[12一二１２][{digits}]{{3}}年(?:度|末|底)?|今年|本年度?|去年|上年|明年)"
    return re.compile(rf"(?:(?:{words}){blank})*{year}{blank}"), re.compile(rf"(?:{words}){blank}")

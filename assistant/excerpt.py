"""Whether words taken out of a clause still say what the clause says: what may be left off at either end."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from itertools import pairwise

import jieba.posseg

from assistant.canonical import wording_words
from assistant.types import Difference, Finding
from corpus.figures import bound_words, find_figures
from corpus.passages import shared_out

_MARKS = re.compile(r"[^\w%％‰℃°]+")
_OPENERS = frozenset({"v", "vd", "vn", "d", "ad", "p", "c", "t", "f", "zg", "ul", "uj", "r", "vi", "vg"})
_EDGES = "，、；：。,;: \n\t　"
_NUMBERING = re.compile(
    r"[（(]?(?:[零一二三四五六七八九十百]+|\d{1,2})[）)、.．]|第[零一二三四五六七八九十百]+[章节条]"
)
_QUOTES = "“”‘’\"'「」『』《》（）() "


def cut_findings(text: str, clauses: Sequence[tuple[int, int]], start: int, end: int) -> list[Finding]:
    """What is lost where ``text[start:end]`` begins or ends inside a clause.

    Args:
        text: The document.
        clauses: Spans of its clauses that the excerpt touches, in order; at least one.
        start: First character of the excerpt.
        end: Character behind the excerpt.

    Returns:
        One finding for each end that is cut; those of kind ``EXCERPT`` are harmless. None where no clause is cut.
    """
    first, last = clauses[0], clauses[-1]
    if numbering := _NUMBERING.match(text, *first):
        first = numbering.end(), first[1]
    found = []
    head, tail = text[first[0] : start], text[end : last[1]]
    if _MARKS.sub("", head):
        found.append(_cut_before(text, first, start, min(end, first[1])))
    if _MARKS.sub("", tail):
        found.append(_cut_behind(text, last, max(start, last[0]), end))
    return found


def _finding(difference: Difference, original: str, note: str) -> Finding:
    return Finding(difference, "", original.strip(), note)


def _cut_before(text: str, clause: tuple[int, int], start: int, end: int) -> Finding:
    head, kept = text[clause[0] : start], text[start:end]
    left = head.strip(_EDGES)
    missing = _missing_members(text, clause, start, end)
    if missing is not None:
        return missing
    figures = find_figures(kept)
    cut = next((f for f in find_figures(text[clause[0] : clause[1]], clause[0]) if f.start < start < f.end), None)
    if cut:
        return _finding(Difference.CUT, cut.text, f"原文是“{cut.text}”，前面截去了“{text[cut.start : start]}”")
    weighty = next((word for word in _weighty() if _says(left, word)), "")
    if weighty:
        return _finding(Difference.CUT, left, f"原文前面还有“{left}”，略去后意思不同")
    if not figures:
        return _finding(Difference.EXCERPT, left, f"节选，原文前面还有“{left}”")
    if not _is_opening(text[clause[0] : clause[1]], start - clause[0]):
        return _finding(Difference.CUT, left, f"原文前面还有“{left}”，略去后说的不是同一事项")
    return _finding(Difference.EXCERPT, left, f"节选，原文前面还有“{left}”")


def _cut_behind(text: str, clause: tuple[int, int], start: int, end: int) -> Finding:
    tail, kept = text[end : clause[1]], text[start:end]
    whole = text[clause[0] : clause[1]]
    for figure in find_figures(whole, clause[0]):
        if figure.start < end < figure.end:
            return _finding(Difference.CUT, figure.text, f"原文是“{figure.text}”，后面截去了“{text[end : figure.end]}”")
    after = next((word for word in bound_words()["after"] if tail.startswith(word)), "")
    if after or (kept[-1:].isdigit() and tail[:1].isalnum()):
        return _finding(Difference.CUT, tail, f"原文后面还有“{tail}”，略去后意思不同")
    missing = _missing_members(text, clause, start, end)
    if missing is not None:
        return missing
    return _finding(Difference.EXCERPT, tail, f"节选，原文后面还有“{tail.strip(_EDGES)}”")


def _missing_members(text: str, clause: tuple[int, int], start: int, end: int) -> Finding | None:
    """The members of a list that the excerpt leaves out where its end falls between two of them."""
    whole = text[clause[0] : clause[1]]
    shared = shared_out(whole)
    inside = find_figures(text[start:end])
    if shared and inside and len(inside) < len(find_figures(whole)):
        return _finding(Difference.OMITTED, whole, f"原文是“{whole}”，各项数字不能只取一部分")
    members = _members(whole, clause[0])
    if len(members) < 2:
        return None
    touched = [(a, b) for a, b in members if a < end and start < b]
    left_out = [(a, b) for a, b in members if (a, b) not in touched]
    at_mark = text[:start].rstrip(_QUOTES).endswith("、") or text[end:].lstrip(_QUOTES).startswith("、")
    if not at_mark or not left_out or not touched:
        return None
    bears = all(find_figures(text[a:b]) for a, b in left_out) and "分别" not in whole
    if len(touched) == 1 and bears and find_figures(text[start:end]):
        return None  # one member with its own figure, beside others with theirs
    names = "、".join(text[a:b] for a, b in left_out)
    return _finding(Difference.OMITTED, names, f"原文并列的还有“{names}”")


def _members(clause: str, offset: int) -> list[tuple[int, int]]:
    """What stands between the 、 of a clause, those inside quotation marks among them."""
    cuts = [-1, *(place for place, character in enumerate(clause) if character == "、"), len(clause)]
    return [(offset + a + 1, offset + b) for a, b in pairwise(cuts)]


def _is_opening(clause: str, cut: int) -> bool:
    """Whether what stands before ``cut`` in a clause is no part of the noun phrase that follows."""
    left = clause[:cut]
    while left:
        word = next((w for w in _neutral() if left.endswith(w)), "")
        if not word:
            break
        left = left[: -len(word)]
    left = _MARKS.sub("", left) and left
    if not left:
        return True
    position = 0
    for token in jieba.posseg.lcut(clause):
        position += len(token.word)
        if position == len(left):
            return token.flag in _OPENERS
        if position > len(left):
            return False
    return False


def _says(words: str, word: str) -> bool:
    """Whether a word of weight stands in the words; one of a single character only at their end."""
    return word in words if len(word) > 1 else words.endswith(word)


@cache
def _weighty() -> tuple[str, ...]:
    return tuple(sorted(wording_words()["weighty"], key=len, reverse=True))


@cache
def _neutral() -> tuple[str, ...]:
    return tuple(sorted(wording_words()["neutral"], key=len, reverse=True))

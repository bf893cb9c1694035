"""Name what differs between words and the clause that they were meant to be."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache

from rapidfuzz.distance import Indel, Levenshtein

from assistant.alignment import Side, content, figure_key
from assistant.canonical import wording_words
from assistant.normalise import fold
from assistant.types import CheckedFigure, Difference, FigureState, Finding
from corpus.figures import bound_words
from corpus.passages import shared_out
from corpus.types import Figure

_UP_TO = re.compile("(?:提高|增加|提升|扩大|上升|下降|降低|减少|压减|缩减)[到至]")
_LEVELS = "国省市区县乡镇村"
_PREDICATE = re.compile("增长|下降|提高|降低|增加|减少|达到|达|完成|实现|为")


def difference(original: str, words: str) -> list[tuple[str, str]]:
    """The steps from the original to other words: ``equal``, ``delete`` and ``insert`` runs of characters.

    >>> difference("增长6%", "增长6.5%")
    [('equal', '增长6'), ('insert', '.5'), ('equal', '%')]
    """
    steps: list[tuple[str, str]] = []
    for code in Indel.opcodes(original, words):
        if code.tag == "equal":
            steps.append(("equal", original[code.src_start : code.src_end]))
        elif code.tag == "delete":
            steps.append(("delete", original[code.src_start : code.src_end]))
        else:
            steps.append(("insert", words[code.dest_start : code.dest_end]))
    return steps


def changes(source: str, target: str) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """The runs in which two rows of codes differ: what is changed in the source, and into what in the target."""
    run: tuple[tuple[int, int], tuple[int, int]] | None = None
    for code in Levenshtein.opcodes(source, target):
        if code.tag == "equal":
            if run:
                yield run
            run = None
        else:
            start = run or ((code.src_start, 0), (code.dest_start, 0))
            run = (start[0][0], code.src_end), (start[1][0], code.dest_end)
    if run:
        yield run


def named(original: Side, left: tuple[int, int], said: Side, right: tuple[int, int]) -> Finding:
    """A change of some codes of the original into some codes of the words said, called what it is."""
    was, now = original.written(*left), said.written(*right)
    old, new = _figure_over(original, left), _figure_over(said, right)
    old_figure = original.text[old.start : old.end] if old else ""
    new_figure = said.text[new.start : new.end] if new else ""
    is_number = _has_number(original, left), _has_number(said, right)
    same_digits = bool(old and new) and _digits(old_figure) == _digits(new_figure)
    if all(is_number) or (same_digits and not any(is_number) and old_figure != new_figure and not _bound_in(was + now)):
        kind = Difference.UNIT if same_digits else Difference.NUMBER
        was, now = old_figure or was, new_figure or now
        return Finding(kind, now, was, f"{kind}不同：原文“{was}”，此处“{now}”")
    turned = _word_over(original.codes, left, _directions()), _word_over(said.codes, right, _directions())
    if all(turned) and _direction(turned[0]) != _direction(turned[1]):
        return Finding(
            Difference.DIRECTION, turned[1], turned[0], f"增减方向不同：原文“{turned[0]}”，此处“{turned[1]}”"
        )
    bounds = _word_over(original.codes, left, _bounds()), _word_over(said.codes, right, _bounds())
    if any(bounds):
        was, now = bounds
        note = f"原文“{was}”，此处“{now}”" if was and now else f"缺少原文的“{was}”" if was else f"原文没有“{now}”"
        return Finding(Difference.BOUND, now, was, f"界限词不同：{note}")
    if not now:
        return Finding(Difference.OMITTED, now, was, f"缺少原文的“{was}”")
    if not was:
        return Finding(Difference.ADDED, now, was, f"原文没有“{now}”")
    return Finding(Difference.WORDS, now, was, f"用字不同：原文“{was}”，此处“{now}”")


def checked_figures(original: Side, said: Side, *, altered: bool) -> list[CheckedFigure]:
    """The figures of the words said, each beside the one that the original has in its place.

    Args:
        original: What was meant.
        said: The words said.
        altered: Whether they are said of another year, kind or indicator; then no figure is exact.
    """
    checked = []
    for figure, other in zip(said.figures(), _partners(original, said), strict=True):
        if other is None:
            checked.append(checked_figure(figure, said.text, FigureState.ABSENT))
            continue
        same = (
            same_figure(figure, other)
            and _is_said_alike(_before(original, other), _before(said, figure))
            and _efforts(original, other) == _efforts(said, figure)
        )
        state = FigureState.EXACT if same and not altered else FigureState.ALTERED
        checked.append(checked_figure(figure, said.text, state, original.text[other.start : other.end]))
    return checked


def is_other_indicator(original: Side, said: Side) -> bool:
    """Whether some of the words that say what a figure is a figure of were exchanged, not only moved or left out.

    Where all else is word for word the original, words put in or left out inside count too (出口额, 进出口额).
    """
    was, now = content(original.plain), content(said.plain)
    whole = list(changes(original.codes, said.codes))
    is_quote = len(whole) == 1 and not _has_number(original, whole[0][0]) and not _has_number(said, whole[0][1])
    for left, right in changes(was, now):
        old, new = was[slice(*left)], now[slice(*right)]
        if old and new:
            levels = {c for c in old if c in _LEVELS}, {c for c in new if c in _LEVELS}
            is_moved = old in now or new in was
            if not is_moved and (len(old) + len(new) > 2 or (all(levels) and not levels[0] & levels[1])):
                return True
        elif is_quote and left[0] > 0 and left[1] < len(was):
            return True
    stages = [{word for word in wording_words()["stages"] if word in side.plain} for side in (original, said)]
    return all(stages) and not stages[0] & stages[1]


def _has_number(side: Side, run: tuple[int, int]) -> bool:
    return "#" in side.words.plains[side.first + run[0] : side.first + run[1]]


def _before(side: Side, figure: Figure) -> str:
    """The words before a figure, back to the figure before it, or to that before a row of figures."""
    end = figure.start
    for other in reversed([f for f in side.figures() if f.end <= figure.start]):
        between = side.text[other.end : end]
        if between.strip("、，和与及 "):
            return fold(between)
        end = other.start
    return fold(side.text[side.span()[0] : end])


def _is_said_alike(one: str, other: str) -> bool:
    """Whether the words before two figures are as firm, and of one direction."""
    firm, turned = [], []
    for before in (one, other):
        firm.append({w for w in wording_words()["commitments"] if (w in before if len(w) > 1 else before.endswith(w))})
        turned.append({_direction(word) for word in _directions() if word in before})
    up_to = [_UP_TO.search(before) is None for before in (one, other)]
    return firm[0] == firm[1] and up_to[0] == up_to[1] and (not all(turned) or bool(turned[0] & turned[1]))


def _efforts(side: Side, figure: Figure) -> set[str]:
    """The words before a figure that make an effort or an expectation of the whole clause."""
    before = fold(side.text[side.span()[0] : figure.start])
    return {word for word in wording_words()["efforts"] if word in before}


def checked_figure(figure: Figure, text: str, state: FigureState, original: str = "") -> CheckedFigure:
    """A figure of a text with what became of it."""
    return CheckedFigure(text[figure.start : figure.end], figure.start, figure.end, state, original)


def same_figure(one: Figure, other: Figure) -> bool:
    """Whether two figures have the same value, unit and bound word."""
    return figure_key(one) == figure_key(other)


def _partners(original: Side, said: Side) -> list[Figure | None]:
    """For each figure said the one in its place.

    That is the one given to the same member by a “分别”; else by order where there are as many; else by the words around.
    """
    mine, theirs = said.figures(), original.figures()
    shared = shared_out(said.written()), shared_out(original.written())
    if all(len(members) > 1 for members in shared) and len(mine) == len(theirs) == len(shared[0]) == len(shared[1]):
        found = [
            max(zip(theirs, shared[1], strict=True), key=lambda item: _member_likeness(item[1], member))
            for member in shared[0]
        ]
        return [figure for figure, _ in found]
    if len(mine) == len(theirs):
        return list(theirs)
    likely = sorted(
        ((_likeness(a, said, b, original), i, j) for i, a in enumerate(mine) for j, b in enumerate(theirs)),
        key=lambda item: -item[0],
    )
    placed: list[Figure | None] = [None] * len(mine)
    taken: set[int] = set()
    for _, i, j in likely:
        if placed[i] is None and j not in taken:
            placed[i] = theirs[j]
            taken.add(j)
    return placed


def _member_likeness(one: tuple[str, Figure], other: tuple[str, Figure]) -> float:
    """How alike two members of a “分别” are; their last words, which tell them apart, count twice."""
    names = [_PREDICATE.split(words.replace(figure.text, ""))[0] for words, figure in (one, other)]
    ends = [name[-4:] for name in names]
    return Indel.normalized_similarity(*names) + 2 * Indel.normalized_similarity(*ends)


def _likeness(figure: Figure, said: Side, other: Figure, original: Side) -> float:
    """How alike the words before and behind two figures are; equal figures come first among likes."""
    pairs = zip(_around(figure, said), _around(other, original), strict=True)
    alike = sum(Indel.normalized_similarity(a, b) for a, b in pairs)
    return alike + (0.3 if same_figure(figure, other) else 0.0)


def _around(figure: Figure, side: Side) -> tuple[str, str]:
    placed = list(zip(side.codes, side.words.spans[side.first : side.last], strict=True))
    before = "".join(code for code, (_, end) in placed if end <= figure.start)
    behind = "".join(code for code, (start, _) in placed if start >= figure.end)
    return before[-8:], behind[:6]


def _figure_over(side: Side, run: tuple[int, int]) -> Figure | None:
    """The figure that a run of codes touches, or that it stands right behind."""
    start, end = side.span(*run)
    return next((f for f in side.figures() if f.start < max(end, start + 1) and start <= f.end), None)


def _word_over(codes: str, run: tuple[int, int], words: Sequence[str]) -> str:
    """The listed word that a run of codes lies in or touches; empty where there is none or nothing was changed there."""
    start, end = run
    if start == end:
        return ""
    for word in words:
        at = codes.find(word, max(0, start - len(word) + 1))
        while at != -1 and at < end:
            if at + len(word) > start:
                return word
            at = codes.find(word, at + 1)
    return ""


def _direction(word: str) -> int:
    return next(i for i, group in enumerate(wording_words()["directions"]) if word in group)


def _bound_in(words: str) -> bool:
    return any(word in words for word in _bounds())


@cache
def _bounds() -> tuple[str, ...]:
    listed = {word for words in bound_words().values() for word in words} | set(wording_words()["bounds"])
    return tuple(sorted(listed, key=len, reverse=True))


@cache
def _directions() -> tuple[str, ...]:
    return tuple(sorted((w for group in wording_words()["directions"] for w in group), key=len, reverse=True))


def _digits(words: str) -> str:
    return "".join(re.findall(r"[\d.]+", fold(words)))

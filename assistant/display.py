"""Text made fit to be shown, on whatever surface: page, terminal, report."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from assistant.canonical import same_words
from assistant.types import Generation, Outcome

# Words in pieces, each with whether it is to be marked.
Pieces = list[tuple[str, bool]]

_INVISIBLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_NUMBER_END = re.compile(r"[\d.]+$")
_NUMBER_START = re.compile(r"[\d.]+")


def clean(text: str) -> str:
    """``text`` without control and direction characters, line ends unified, broken characters shown as ``�``."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
    return _SURROGATE.sub("�", _INVISIBLE.sub("", text))


def one_line(text: str) -> str:
    """``text`` cleaned and on one line: line breaks with the blanks around them, and blanks at the ends, taken out."""
    return re.sub(r"[ \t　]*\n[ \t　]*", "", clean(text)).strip()


def whole_figures(diff: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """A diff whose changes hold whole numbers: ``6.`` + ``6``/``5`` + ``%`` becomes ``6.6``/``6.5`` + ``%``.

    >>> whole_figures([("equal", "增长6."), ("delete", "6"), ("insert", "5"), ("equal", "%")])
    [('equal', '增长'), ('delete', '6.6'), ('insert', '6.5'), ('equal', '%')]
    >>> whole_figures([("insert", "5."), ("equal", "4"), ("delete", ".5"), ("equal", "%")])
    [('delete', '4.5'), ('insert', '5.4'), ('equal', '%')]
    """
    # Equal runs stand at even places, changes (deleted, inserted) at odd ones.
    runs: list[list[str]] = [[""]]
    for step, characters in diff:
        if step == "equal" and len(runs) % 2 == 0:
            runs.append([characters])
        elif step == "equal":
            runs[-1][0] += characters
        else:
            if len(runs) % 2:
                runs.append(["", ""])
            runs[-1][step == "insert"] += characters
    for index in range(1, len(runs), 2):
        change, before = runs[index], runs[index - 1]
        if any(_NUMBER_START.match(side) for side in change) and (head := _NUMBER_END.search(before[0])):
            before[0] = before[0][: head.start()]
            change[:] = [head.group() + side for side in change]
        after = runs[index + 1] if index + 1 < len(runs) else [""]
        if any(_NUMBER_END.search(side) for side in change) and (tail := _NUMBER_START.match(after[0])):
            after[0] = after[0][tail.end() :]
            change[:] = [side + tail.group() for side in change]
    steps = [
        step
        for index, run in enumerate(runs)
        for step in zip(("delete", "insert") if index % 2 else ("equal",), run, strict=True)
        if step[1]
    ]
    return list(_joined(steps))


def sides(diff: Sequence[tuple[str, str]]) -> tuple[Pieces, Pieces]:
    """Original and other words in pieces, each with whether it is to be marked as differing.

    A change that makes no difference (GDP for 地区生产总值, 一万 for 1万, a comma) is not marked.

    >>> sides([("delete", "1"), ("insert", "一"), ("equal", "万亩"), ("insert", "以上")])
    ([('1', False), ('万亩', False)], [('一', False), ('万亩', False), ('以上', True)])
    """
    original: Pieces = []
    other: Pieces = []
    for is_equal, group in groupby(whole_figures(diff), key=lambda step: step[0] == "equal"):
        words = dict(group)
        was, now = (words["equal"],) * 2 if is_equal else (words.get("delete", ""), words.get("insert", ""))
        is_marked = not is_equal and not same_words(was, now)
        original += [(was, is_marked)] if was else []
        other += [(now, is_marked)] if now else []
    return original, other


def _joined(steps: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """The steps with the changes that follow each other as one: what is deleted, then what is inserted."""
    for is_equal, group in groupby(steps, key=lambda step: step[0] == "equal"):
        own = list(group)
        for name in ("equal",) if is_equal else ("delete", "insert"):
            if characters := "".join(words for step, words in own if step == name):
                yield name, characters


def generation_note(generation: Generation) -> str:
    """Who worded an answer and how far it was checked, or why the original stands alone; one sentence without its end."""
    if generation.outcome is Outcome.FELL_BACK:
        return generation.note.rstrip("。") or f"问题由 AI（{generation.model}）补全，答案为原文摘录"
    said = {
        Outcome.WRITING: "正在生成，已显示的句子均已核对原文",
        Outcome.WRITTEN: "各句的数字、年份与名称均已核对原文",
        Outcome.MENDED: "未能核对上的句子已删去或换成原文",
    }[generation.outcome]
    return f"AI 生成（{generation.model}），{said}"

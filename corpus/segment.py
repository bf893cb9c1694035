"""Divide a document into paragraphs, sentences and clauses with exact offsets.

Paragraphs are the lines of the published text. Sentences tile a paragraph and clauses lie in a sentence, with nothing
but punctuation and blanks between them, so the pieces and what lies between give back the document.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from corpus.types import Document, Kind, Paragraph

_NUMERALS = "零〇一二三四五六七八九十百"
_LEVELS = (
    re.compile(rf"^[ \t　]*(?:[{_NUMERALS}]+、|第[{_NUMERALS}]+(?:部分|章|编)|专栏[{_NUMERALS}\d]*)"),
    re.compile(rf"^[ \t　]*(?:[（(][{_NUMERALS}]+[）)]|第[{_NUMERALS}]+节)"),
    re.compile(r"^[ \t　]*(?:\d{1,2}[.．、](?!\d)|[（(]\d{1,2}[）)])"),
)
_PLAIN_PART = re.compile(
    r"^(?:(?:19|20)\d{2}年[^，。；：]{0,12}|过去[五三]年[^，。；：]{0,12}|今后[五三]年[^，。；：]{0,12})(?:回顾|安排|任务|目标|打算|工作|要求|措施|情况|建议)$"
)
_SENTENCE_END = "。！？!?…"
_CLAUSE_END = "，；：,;:—"
_OPEN, _CLOSE = "（(《“‘[〔【", "）)》”’]〕】"
_YEAR = re.compile(r"(?<!\d)((?:19|20)\d{2})年")
_RESULT_WORDS = ("回顾", "执行情况", "完成情况", "主要成绩", "主要成就", "工作总结", "工作情况", "取得的", "过去")
_TARGET_WORDS = ("目标", "任务", "安排", "措施", "要求", "打算", "计划", "部署", "重点", "建议", "思路", "举措", "工作")
MAX_LEAD_CHARS = 22


def split_spans(text: str, start: int, end: int, marks: str) -> Iterator[tuple[int, int]]:
    """Spans of ``text[start:end]`` between ``marks``, which end a span and belong to none.

    A mark inside brackets or quotation marks does not end a span, unless the brackets never close.
    Blank spans are left out. Sentence marks always end a span when they are among ``marks``.
    """
    depth = 0
    begin = start
    position = start
    while position < end:
        character = text[position]
        if character in _OPEN:
            closing = _CLOSE[_OPEN.index(character)]
            if text.find(closing, position, end) != -1:
                depth += 1
        elif character in _CLOSE and depth:
            depth -= 1
        elif depth == 0 and character in marks and not _is_inside_number(text, position):
            yield from _trimmed(text, begin, position)
            begin = position + 1
        position += 1
    yield from _trimmed(text, begin, end)


def _is_inside_number(text: str, position: int) -> bool:
    return (
        text[position] in ",:：—"
        and text[position - 1 : position].isdigit()
        and text[position + 1 : position + 2].isdigit()
    )


def _trimmed(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while start < end and (text[start].isspace() or text[start] in _SENTENCE_END + _CLAUSE_END + "、"):
        start += 1
    while end > start and (text[end - 1].isspace() or text[end - 1] in "、"):
        end -= 1
    if start < end:
        yield start, end


def sentences(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Spans of the sentences in ``text[start:end]``, without their full stops."""
    return list(split_spans(text, start, end, _SENTENCE_END))


def clauses(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Spans of the clauses in ``text[start:end]``, without their punctuation."""
    return list(split_spans(text, start, end, _SENTENCE_END + _CLAUSE_END))


def lines(document: Document) -> list[tuple[int, int]]:
    """Spans of the lines of the document that are not blank, without blanks at either end."""
    found, position = [], 0
    for line in document.text.splitlines(keepends=True):
        stripped = line.strip()
        if stripped:
            begin = position + line.index(stripped[0])
            found.append((begin, begin + len(stripped)))
        position += len(line)
    return found


def section_year_kind(title: str, plan_year: int | None) -> tuple[int | None, Kind] | None:
    """Year and kind that a part heading gives, ``None`` where it says neither.

    A heading about what was done speaks of its own year, or of the year before the plan; one about targets, tasks or
    measures of its own year, or of the plan's. A review of several years has a kind but no single year.
    """
    years = [int(y) for y in _YEAR.findall(title)]
    is_result = any(word in title for word in _RESULT_WORDS)
    is_target = any(word in title for word in _TARGET_WORDS)
    several = bool(re.search(r"[五三四十]年|“?十[一二三四五]五”?", title)) and not years
    if is_result:
        year = None if several else (years[0] if years else (plan_year - 1 if plan_year else None))
        return year, Kind.RESULT
    if years and plan_year and years[0] < plan_year:
        return years[0], Kind.RESULT
    if is_target:
        return (None if several else (years[0] if years else plan_year)), Kind.TARGET
    return None


def paragraphs(document: Document) -> list[Paragraph]:
    """The paragraphs of the document in reading order, each with its section path, year and kind.

    A numbered line that is short or ends in no full stop is a heading; in a longer one the first sentence is
    (``（二）主要目标。全区……``). Numbering starts anew under each heading.
    """
    text = document.text
    path: list[str] = []
    counts = [0, 0, 0]
    numbers: Counter[str] = Counter()
    year: int | None = None
    kind = Kind.OTHER
    found: list[Paragraph] = []
    has_plain_parts = False
    for start, end in lines(document):
        line = text[start:end]
        level = next((i for i, pattern in enumerate(_LEVELS) if pattern.match(line)), None)
        if level is None and _PLAIN_PART.match(line):
            level, has_plain_parts = 0, True
        is_heading = False
        if level is not None and (level == 0 or counts[0] or level == 2):
            marker = _LEVELS[level].match(line)
            first_start, first_end = (sentences(text, start, end) or [(start, end)])[0]
            is_heading = first_end >= end - 1 and end - start <= 60
            title = text[first_start:first_end] if first_end - first_start <= 60 else ""
            if title or is_heading:
                path = [*path[:level], *[""] * (level - len(path)), title]
                counts[level] += 1
                counts[level + 1 :] = [0] * (len(counts) - level - 1)
                known = section_year_kind(title[marker.end() :] if marker else title, document.year)
                if known and (level == 0 or _YEAR.search(title)):
                    year, kind = known
                elif level == 0 and not has_plain_parts:
                    year, kind = document.year, Kind.TARGET if kind is Kind.TARGET else Kind.OTHER
        prefix = [str(count) for count in counts[:2]]
        if counts[2]:
            prefix[-1] += f"-{counts[2]}"
        if not is_heading:
            parent = ".".join(prefix) if counts[0] else "0"
            numbers[parent] += 1
            identifier = f"{parent}.{numbers[parent]}"
        else:
            while prefix and prefix[-1] == "0":
                prefix.pop()
            identifier = ".".join(prefix)
        found.append(Paragraph(identifier, tuple(part for part in path if part), year, kind, is_heading, start, end))
    return found

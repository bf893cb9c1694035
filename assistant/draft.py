"""A draft of several pages: its sentences, each checked against the plan."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assistant.alignment import Context
from assistant.display import clean
from assistant.draft_docx import docx_text
from assistant.label import kind_said, year_in
from assistant.normalise import arabic
from assistant.places import citation_at
from assistant.types import Citation, FigureState, Verdict, WordingCheck
from corpus.errors import CorpusError, RequestError
from corpus.figures import find_figures
from corpus.load import decode
from corpus.segment import lines, paragraphs, sentences
from corpus.types import Document, Kind, Passage

if TYPE_CHECKING:
    from assistant.wording import WordingChecker

MAX_DRAFT_BYTES = 10 * 2**20
MAX_DRAFT_CHARS = 200_000
# A longer sentence is cut at its clause marks; the longest of the plan has 267 characters.
MAX_SENTENCE_CHARS = 500
# A longer line is first cut at sentence marks, so that no bracket left open makes one sentence of it.
MAX_LINE_CHARS = 5_000
# Lines up to this width (columns, a Chinese character has two) may be one paragraph wrapped by hand or by a program.
MAX_WRAPPED_COLUMNS = 160
_MIN_WRAPPED_COLUMNS = 40
_MIN_WRAPPED_LINES = 3
_RAGGED_COLUMNS = 6  # a wrapped line may be so much narrower: a word or a mark that may not open the next is moved

_NUMERALS = "零〇一二三四五六七八九十百"
_NUMBERING = re.compile(
    rf"[ \t　]*(?:[{_NUMERALS}]{{1,4}}、(?![{_NUMERALS}])|[（(][{_NUMERALS}]{{1,4}}[）)]"
    rf"|第[{_NUMERALS}\d]{{1,4}}(?:(?:部分|章|编|节)[、：: 　]?|条[、：: 　])"
    r"|\d{1,2}[.．、](?=(?:19|20)\d\d年|\D)|\d{1,2}(?:[）)]|\t)|[（(]\d{1,2}[）)]|[①-⑳⑴-⒇❶-❿]"
    r"|#{1,6}[ \t]|[-*+>][ \t]+|[—–-]+(?=[一-鿿])|[•·●▪■□◆◇○★☆※➢➤►▶√✓\uf000-\uf0ff])[ \t　]*"
)
_COUNTED = re.compile(r"[一二三四五六七八九十]{1,2}是(?=[一-鿿])")
_WORD = re.compile(r"[^\W_]")
_BETWEEN_ENDS = re.compile(r"[^。！？!?…]+")
# Where what is too long is cut, best first.
_CUTS = ("。！？!?…", "；;", "，、")
_BLANKS = " \t\n　"
_CLOSED = re.compile(r"[。！？!?…；;：:][”’」』）)]?$")
_OPENS_WITH_YEAR = re.compile(r".{0,2}(?<!\d)(?:19|20)\d{2}年|今年|去年|上年|明年")
# Title of the draft as a document: it stands in no line (an empty one would stand in every line).
_NO_TITLE = "\n"
_Said = tuple[int | None, Kind]
_NOTHING: _Said = (None, Kind.OTHER)


@dataclass(frozen=True, slots=True)
class CheckedSentence:
    """One sentence of a draft: ``draft[start:end] == text``; the place in the plan where there is one."""

    text: str
    start: int
    end: int
    check: WordingCheck
    citation: Citation | None


@dataclass(frozen=True, slots=True)
class DraftSummary:
    """What a check of a draft comes to: counts of its sentences and of its figures.

    ``reworded`` are those of the ``mismatch`` that say every figure as the plan does, only in other words.
    """

    sentences: int
    match: int
    mismatch: int
    reworded: int
    not_found: int
    figures: int
    exact: int
    altered: int
    absent: int


@dataclass(frozen=True, slots=True)
class CheckedDraft:
    """A draft with the check of each of its sentences, in reading order; blank lines and bare marks are left out."""

    name: str
    sentences: tuple[CheckedSentence, ...]
    summary: DraftSummary

    def to_dict(self, document: Document) -> dict[str, Any]:
        """The check in its published JSON form; ``document`` is what the draft was checked against."""
        return {
            "draft": self.name,
            "document": document.doc_id,
            "sha256": document.sha256,
            "summary": asdict(self.summary),
            "sentences": [
                {
                    "text": sentence.text,
                    "start": sentence.start,
                    "end": sentence.end,
                    "wording_check": asdict(sentence.check),
                    "citation": sentence.citation and asdict(sentence.citation),
                }
                for sentence in self.sentences
            ],
        }


# --- reading -----------------------------------------------------------------------------------------------------


def read_draft(source: Path) -> str:
    """The text of a draft in a file, ``.txt`` or ``.docx``.

    Raises:
        RequestError: The file is missing, no plain file, unreadable or larger than ``MAX_DRAFT_BYTES``; or see
            :func:`read_draft_bytes`.
    """
    try:
        if source.is_dir():
            raise RequestError(f"{source} 是文件夹，不是文件，请给出一份 .txt 或 .docx 文件。")
        size = source.stat().st_size
        if not source.is_file():
            raise RequestError(f"{source} 不是普通文件，请给出一份 .txt 或 .docx 文件。")
        _refuse_large(size, str(source))
        with source.open("rb") as handle:
            data = handle.read(MAX_DRAFT_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        raise RequestError(f"找不到文件 {clean(str(source))}，请检查路径。") from None
    except OSError as error:
        raise RequestError(f"无法读取文件 {source}（{error.strerror}），请检查路径和权限。") from None
    return read_draft_bytes(data, str(source))


def read_draft_bytes(data: bytes, name: str) -> str:
    r"""The text of a draft, line ends unified to ``\n``.

    Args:
        data: The bytes of the file.
        name: Name of the file; its ending says how it is read.

    Raises:
        RequestError: The file is empty, larger than ``MAX_DRAFT_BYTES``, neither ``.txt`` nor ``.docx``, or not what
            its ending says.
    """
    name = clean(name).replace("\n", "")
    ending = Path(name).suffix.lower()
    if ending not in (".txt", ".docx"):
        what = f"是 {ending} 文件" if ending else "没有扩展名"
        raise RequestError(f"文件 {name} {what}，目前只能核对 .txt 和 .docx，请另存为其中一种。")
    if not data:
        raise RequestError(f"文件 {name} 是空的（0 字节），请给出一份有正文的文件。")
    _refuse_large(len(data), name)
    if ending == ".docx":
        text = docx_text(data, name)
    else:
        try:
            text = decode(data, name)
        except CorpusError as error:
            raise RequestError(str(error)) from None
    if not text.strip():
        raise RequestError(f"文件 {name} 里没有文字，请给出一份有正文的文件。")
    return text


def _refuse_large(size: int, name: str) -> None:
    if size > MAX_DRAFT_BYTES:
        raise RequestError(
            f"文件 {name} 有 {size:,} 字节，超过上限 {MAX_DRAFT_BYTES:,} 字节，请拆成几份或去掉图片后再核对。"
        )


# --- sentences ---------------------------------------------------------------------------------------------------


def draft_sentences(text: str) -> list[tuple[int, int]]:
    r"""Spans of the sentences of a draft in reading order, without full stops, numbering and bullets in front.

    A line is a paragraph, unless lines are wrapped at one width. A sentence longer than ``MAX_SENTENCE_CHARS`` is cut
    at its clause marks. What holds neither letter nor digit is left out.

    >>> text = "一、主要目标\n1. 甲增长6%。乙增长5%。"
    >>> [text[start:end] for start, end in draft_sentences(text)]
    ['主要目标', '甲增长6%', '乙增长5%']
    """
    return _sentences(unwrapped(text))


def _sentences(text: str) -> list[tuple[int, int]]:
    found = []
    for line_start, line_end in lines(_as_document(text, "", None)):
        for piece_start, piece_end in _parts(text, line_start, line_end, MAX_LINE_CHARS):
            for start, end in sentences(text, piece_start, piece_end):
                for begin, stop in _short_enough(text, start, end):
                    begin = _without_numbering(text, begin, stop)
                    if _WORD.search(text, begin, stop):
                        found.append((begin, stop))
    return found


def _short_enough(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """A sentence as it is; several that stand in one pair of quotation marks apart, and a long one in parts."""
    inner = [(match.start(), match.end()) for match in _BETWEEN_ENDS.finditer(text, start, end)]
    for whole_start, whole_end in inner if len(inner) > 2 else [(start, end)]:
        for begin, stop in _parts(text, whole_start, whole_end, MAX_SENTENCE_CHARS):
            words = text[begin:stop]
            kept = len(words) - len(words.lstrip(_BLANKS)), len(words.rstrip(f"{_BLANKS}；;：:，、"))
            if kept[0] < kept[1]:
                yield begin + kept[0], begin + kept[1]


def _parts(text: str, start: int, end: int, limit: int) -> Iterator[tuple[int, int]]:
    """``text[start:end]`` in parts of at most ``limit`` characters, cut after the last mark in reach where there is one."""
    while end - start > limit:
        lasts = (max(text.rfind(mark, start, start + limit) for mark in marks) + 1 for marks in _CUTS)
        cut = next((last for last in lasts if last > start), start + limit)
        yield start, cut
        start = cut
    yield start, end


def _without_numbering(text: str, start: int, end: int) -> int:
    """Where the words begin after numbering and bullets; ``start`` where there are none or nothing else."""
    begin = start
    while match := _NUMBERING.match(text, begin, end):
        begin = match.end()
    if match := _COUNTED.match(text, begin, end):
        begin = match.end()
    return begin if begin < end else start


def unwrapped(text: str) -> str:
    r"""The text with a blank for each line end that only wraps a paragraph; every offset stays as it is.

    A text counts as wrapped where at least three of its widest lines end inside a sentence. Some programs wrap by
    columns, some by characters.
    """
    rows = text.split("\n")
    lengths = [len(row.rstrip()) for row in rows]
    columns = [sum(2 if ord(character) > 0x2E7F else 1 for character in row.rstrip()) for row in rows]
    longest, widest = max(lengths), max(columns)
    if not _MIN_WRAPPED_COLUMNS <= widest <= MAX_WRAPPED_COLUMNS:
        return text
    soft = {
        index
        for index, following in enumerate(rows[1:])
        if (columns[index] >= widest - _RAGGED_COLUMNS or lengths[index] >= longest - _RAGGED_COLUMNS // 2)
        and not _CLOSED.search(rows[index].rstrip())
        and following.strip()
        and not following[0].isspace()
        and not _NUMBERING.match(following)
    }
    if len(soft) < _MIN_WRAPPED_LINES:
        return text
    return "".join(row + (" " if index in soft else "\n") for index, row in enumerate(rows))[:-1]


# --- checking ----------------------------------------------------------------------------------------------------


def check_draft(
    text: str,
    checker: WordingChecker,
    document: Document,
    *,
    name: str = "",
    on_progress: Callable[[int, int], None] | None = None,
) -> CheckedDraft:
    """Check every sentence of a draft.

    Args:
        text: The draft.
        checker: Checks words against ``document``.
        document: The document that the draft quotes; its year and place say what 今年 and the like mean.
        name: What the draft is called.
        on_progress: Called after each sentence with how many are done and how many there are; what it raises is
            passed on.

    Returns:
        Its sentences in reading order; citations are numbered through, a sentence that was not found has none.

    Raises:
        RequestError: The draft holds no words, or more than ``MAX_DRAFT_CHARS`` characters.
    """
    if len(text) > MAX_DRAFT_CHARS:
        raise RequestError(f"文稿有 {len(text):,} 个字符，超过上限 {MAX_DRAFT_CHARS:,} 个，请拆成几份再核对。")
    flowing = unwrapped(text)
    spans = _sentences(flowing)
    if not spans:
        raise RequestError("要核对的文字是空的，请粘贴一句话或一份文稿。")
    years = StatedYears(flowing, document)
    table = _Table(document)
    checked: list[CheckedSentence] = []
    cited = 0
    for done, (start, end) in enumerate(spans, start=1):
        year, kind = years.of(start, end)
        columns = table.columns(flowing, start, end)
        check, located = checker.check(text[start:end], year=year, kind=kind, columns=columns)
        citation = None
        if located is not None and check.verdict != Verdict.NOT_FOUND:
            cited += 1
            citation = citation_at(document, located.start, located.end, cited)
        checked.append(CheckedSentence(text[start:end], start, end, check, citation))
        if on_progress:
            on_progress(done, len(spans))
    return CheckedDraft(name, tuple(checked), summarise(checked))


class _Table:
    """The head of the table that is being read: rows follow it line by line, cells parted by tabs."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._head: list[Context] = []

    def columns(self, text: str, start: int, end: int) -> list[Context]:
        """What the head says of the columns of the row ``text[start:end]``; empty for what is no row of a table."""
        cells = text[start:end].split("\t")
        if len(cells) < 2:
            self._head = []
            return []
        if not find_figures(text[start:end]) and any(year_in(cell, self._document) for cell in cells):
            self._head = [Context(year_in(cell, self._document), kind_said(cell)) for cell in cells]
            return []
        return self._head if len(cells) == len(self._head) else []


def summarise(checked: list[CheckedSentence]) -> DraftSummary:
    """The counts of sentences by verdict and of figures by what became of them."""
    verdicts = Counter(str(sentence.check.verdict) for sentence in checked)
    states = Counter(str(figure.state) for sentence in checked for figure in sentence.check.figures)
    return DraftSummary(
        sentences=len(checked),
        match=verdicts[Verdict.MATCH],
        mismatch=verdicts[Verdict.MISMATCH],
        reworded=sum(sentence.check.is_only_reworded for sentence in checked),
        not_found=verdicts[Verdict.NOT_FOUND],
        figures=states.total(),
        exact=states[FigureState.EXACT],
        altered=states[FigureState.ALTERED],
        absent=states[FigureState.ABSENT],
    )


def _as_document(text: str, place: str, year: int | None) -> Document:
    return Document("draft", _NO_TITLE, text, "", place, year, ())


class StatedYears:
    """Of which year, and of what kind, the figures of a draft are by its headings and the clauses before them.

    Read as the plan's own are, but a draft is not known to be a plan: where nothing says so there is no year, and a
    year that opens a sentence holds for the sentences after it in its paragraph.
    """

    def __init__(self, text: str, document: Document) -> None:
        """Read the headings and clauses of a draft that quotes ``document``."""
        from corpus.passages import passages

        draft = _as_document(text, document.place, document.year)
        self._text = text
        self._plan_year = document.year
        found: dict[int, _Said] = {}
        opening: dict[int, _Said] = {}
        headed = paragraphs(draft)
        starts = [paragraph.start for paragraph in headed]
        current, said = -1, _NOTHING
        for start, group in groupby(passages(draft), key=lambda passage: passage.sentence_start):
            index = bisect_right(starts, start) - 1
            by_heading = headed[index].year, headed[index].kind
            if index != current:
                current, said = index, self._unless_assumed(by_heading)
            for place, passage in enumerate(group):
                own = passage.year, passage.kind
                if own == by_heading and not self._names_year(passage):
                    own = said
                if place == 0:
                    opening[start] = own
                    if _OPENS_WITH_YEAR.match(text, start):
                        said = own
                for figure in passage.figures:
                    found.setdefault(figure.start, own)
        self._figures = sorted(found.items())
        self._openings = sorted(opening.items())

    def _unless_assumed(self, said: _Said) -> _Said:
        """What a heading says; a numbered heading that says nothing is taken for the plan's year in a plan only."""
        return _NOTHING if said == (self._plan_year, Kind.OTHER) else said

    def _names_year(self, passage: Passage) -> bool:
        words = self._text[passage.sentence_start : passage.end]
        return f"{passage.year}年" in words or (passage.year == self._plan_year and "今年" in words)

    def of(self, start: int, end: int) -> tuple[int | None, Kind | None]:
        """Year and kind of the first figure in ``text[start:end]``; ``None`` for each that nothing says.

        Where figures are written in Chinese numerals, what holds at the start of the sentence.
        """
        year, kind = _NOTHING
        next_figure = bisect_left(self._figures, start, key=lambda found: found[0])
        if next_figure < len(self._figures) and self._figures[next_figure][0] < end:
            year, kind = self._figures[next_figure][1]
        elif find_figures(arabic(self._text[start:end])):
            before = bisect_right(self._openings, start, key=lambda found: found[0])
            year, kind = self._openings[before - 1][1] if before else _NOTHING
        return year, None if kind is Kind.OTHER else kind

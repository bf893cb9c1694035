"""The ledger: every figure of a document as a typed entry, or listed as unplaced."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from pathlib import Path

from assistant.indicator import MAX_INDICATOR, Reading, front, is_rate, needs_subject, read, words
from assistant.settings import only_document
from corpus.figures import bound_words, find_figures
from corpus.load import load_document
from corpus.passages import passages as corpus_passages
from corpus.segment import clauses, paragraphs, sentences
from corpus.types import Document, Figure, Kind, Paragraph, Passage


class EntryKind(StrEnum):
    """What a figure says of its indicator."""

    RESULT = "result"  # what was reached in the year
    TARGET = "target"  # what is intended for the year
    STOCK = "stock"  # what there is in all at the time, not what the year added
    COUNT = "count"  # how many things a statement is about, or a size that describes one; no result or target itself


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One figure with what it says, and where.

    ``value`` (``upper`` at the end of a range) and ``unit`` are as written: ``179亿元以上`` is 179, ``亿元`` and the bound
    word ``以上``. ``relation`` is the word that ties the figure to the indicator (增长, 下降, 达到, 新增…), empty where
    none does. ``place`` is whose figure it is. ``document.text[start:end] == quote``, the clause; the figure itself stands
    at ``document.text[figure_start:figure_end]``.
    """

    entry_id: str
    indicator: str
    value: Decimal
    upper: Decimal | None
    unit: str
    bound: str
    relation: str
    year: int | None
    kind: EntryKind
    place: str
    paragraph: str
    section: tuple[str, ...]
    quote: str
    start: int
    end: int
    figure_start: int
    figure_end: int


@dataclass(frozen=True, slots=True)
class UnplacedFigure:
    """A figure that the rules cannot give to an indicator, with the sentence it stands in."""

    figure: str
    paragraph: str
    section: tuple[str, ...]
    quote: str
    start: int
    end: int
    figure_start: int
    figure_end: int


@dataclass(frozen=True, slots=True)
class Ledger:
    """All figures of a document in reading order: those placed and those not."""

    document: Document
    entries: tuple[LedgerEntry, ...]
    unplaced: tuple[UnplacedFigure, ...]


def open_ledger(sources: Sequence[Path] = ()) -> Ledger:
    """The ledger of the bundled document, or of another one; no model is loaded and nothing is indexed.

    Raises:
        RequestError: More than one document is given.
        CorpusError: The document cannot be read.
    """
    document = load_document(only_document(sources, "列出一份文件的台账"))
    return build_ledger(document, corpus_passages(document))


def build_ledger(document: Document, passages: Sequence[Passage]) -> Ledger:
    """Every figure of ``document``, each once: as an entry, or as unplaced where no indicator can be read.

    Args:
        document: The document as published.
        passages: Its passages, as ``corpus.passages.passages`` gives them: they know who “分别” gives a figure to,
            what subject a clause leaves out, and of which year it speaks.

    Returns:
        The ledger in reading order; ``len(entries) + len(unplaced)`` is the number of figures in the text.
    """
    carrying: dict[int, Passage] = {}
    for passage in passages:
        if not passage.is_header:
            for figure in passage.figures:
                carrying.setdefault(figure.start, passage)
    entries: list[LedgerEntry] = []
    unplaced: list[UnplacedFigure] = []
    for paragraph, figures in _by_paragraph(document):
        before = _Before()
        for number, figure in enumerate(figures, start=1):
            statement = _statement(document, paragraph, figure, carrying.get(figure.start))
            reading, place = _reading(document, statement)
            reading, before = before.completes(reading, statement)
            if _is_name(reading.indicator):
                identifier = f"{paragraph.paragraph_id}-{number}"
                entries.append(_entry(document, paragraph, statement, reading, place, identifier))
            else:
                unplaced.append(_unplaced(document, paragraph, statement))
    return Ledger(document, tuple(entries), tuple(unplaced))


_RATE = find_figures("1%")[0]


@dataclass(frozen=True, slots=True)
class _Statement:
    """A figure with the words on either side of it, and the spans of its clause and sentence."""

    figure: Figure
    before: str
    after: str
    subject: str
    year: int | None
    kind: Kind
    carries_on: bool  # another figure follows in the same statement
    clause: tuple[int, int]
    sentence: tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Before:
    """What the figure before leaves to the next: its indicator within the sentence, its verb within the clause."""

    subject: str = ""
    verb: str = ""
    clause: tuple[int, int] = (-1, -1)
    sentence: tuple[int, int] = (-1, -1)

    def completes(self, reading: Reading, statement: _Statement) -> tuple[Reading, _Before]:
        """The reading with what it leaves out (总投资 of what; 新建公园24个、游园60个), and what it leaves in turn."""
        subject = self.subject if self.sentence == statement.sentence else ""
        if needs_subject(reading.indicator):
            reading = replace(reading, indicator=subject + reading.indicator)
        else:
            subject = reading.indicator
        if self.clause == statement.clause and not reading.relation and not is_rate(statement.figure):
            reading = replace(reading, relation=self.verb)
        verb = reading.relation if words().verb.fullmatch(reading.relation) else ""
        return reading, _Before(subject, verb, statement.clause, statement.sentence)


def _by_paragraph(document: Document) -> Iterator[tuple[Paragraph, list[Figure]]]:
    """The figures of the text with the paragraph that each stands in."""
    figures = list(find_figures(document.text))
    for paragraph in paragraphs(document):
        inside = [figure for figure in figures if paragraph.start <= figure.start < paragraph.end]
        if inside:
            yield paragraph, inside


def _statement(document: Document, paragraph: Paragraph, figure: Figure, passage: Passage | None) -> _Statement:
    text = document.text
    sentence = _around(sentences(text, paragraph.start, paragraph.end), figure) or (paragraph.start, paragraph.end)
    clause = _around(clauses(text, *sentence), figure) or sentence
    year, kind, subject = paragraph.year, paragraph.kind, ""
    said, position = text[slice(*clause)], figure.start - clause[0]
    if passage is not None:
        year, kind, subject = passage.year, passage.kind, passage.subject
        found = _position(passage, figure)
        if found >= 0:
            said, position = passage.text, found
    before = said[:position]
    if is_rate(figure):
        before = _said_there(before, text[clause[0] : figure.start])
    behind = said[position + len(figure.text) :]
    following = find_figures(behind)
    after = behind[: following[0].start] if following else behind
    after = re.split(r"[，；。：]", after)[0]
    return _Statement(figure, before, after, subject, year, kind, bool(following), clause, sentence)


def _said_there(before: str, written: str) -> str:
    """The words before a rate without a verb that a passage carries over from another member (清理…、化解率98%)."""
    shared = 0
    while shared < min(len(before), len(written)) and before[-shared - 1] == written[-shared - 1]:
        shared += 1
    own = before[len(before) - shared :]
    return own if own and not needs_subject(read(own, _RATE, "").indicator) else before


def _around(spans: list[tuple[int, int]], figure: Figure) -> tuple[int, int] | None:
    """The span that holds a figure, or the spans that it reaches over taken together."""
    holding = [span for span in spans if span[0] < figure.end and figure.start < span[1]]
    return (min(holding[0][0], figure.start), max(holding[-1][1], figure.end)) if holding else None


def _position(passage: Passage, figure: Figure) -> int:
    """Where a figure stands in the words of a passage; -1 where it does not."""
    earlier = sum(1 for other in passage.figures if other.text == figure.text and other.start < figure.start)
    alike = [found.start for found in find_figures(passage.text) if found.text == figure.text]
    return alike[min(earlier, len(alike) - 1)] if alike else passage.text.find(figure.text)


def _reading(document: Document, statement: _Statement) -> tuple[Reading, str]:
    """What the words beside the figure name, and whose figure it is."""
    figure = statement.figure
    if any(field.start <= figure.start < field.end for field in document.header):
        return Reading("", ""), document.place
    place, own = _place(document, statement)
    said = statement.before.replace(place, "", 1) if own else statement.before
    return read(_without_place(said, document), figure, statement.after), place


def _is_name(indicator: str) -> bool:
    return len(re.findall(r"[一-鿿A-Za-z]", indicator)) >= 2 and len(indicator) <= MAX_INDICATOR


def _entry(
    document: Document, paragraph: Paragraph, statement: _Statement, reading: Reading, place: str, identifier: str
) -> LedgerEntry:
    figure = statement.figure
    value, upper, unit = _as_written(figure)
    return LedgerEntry(
        entry_id=identifier,
        indicator=reading.indicator,
        value=value,
        upper=upper,
        unit=unit,
        bound=figure.bound,
        relation=reading.relation,
        year=statement.year,
        kind=_kind(document, statement, reading),
        place=place,
        paragraph=paragraph.paragraph_id,
        section=paragraph.section,
        quote=document.text[slice(*statement.clause)],
        start=statement.clause[0],
        end=statement.clause[1],
        figure_start=figure.start,
        figure_end=figure.end,
    )


def _unplaced(document: Document, paragraph: Paragraph, statement: _Statement) -> UnplacedFigure:
    start, end = statement.sentence
    figure = statement.figure
    return UnplacedFigure(
        figure=figure.text,
        paragraph=paragraph.paragraph_id,
        section=paragraph.section,
        quote=document.text[start:end],
        start=start,
        end=end,
        figure_start=figure.start,
        figure_end=figure.end,
    )


def _as_written(figure: Figure) -> tuple[Decimal, Decimal | None, str]:
    """The number, the end of its range and the unit with its scale, as written: 179亿元以上 is 179 and 亿元."""
    bounds = bound_words()
    words_of = re.sub(rf"^(?:{'|'.join(bounds['before'])})?第?", "", figure.text)
    words_of = re.sub(rf"(?:{'|'.join(bounds['after'])})$", "", words_of)
    number = r"\d+(?:[,，]\d{3}(?!\d))*(?:[.．]\d+)?"
    match = re.match(rf"({number})([百十千万亿]*)(?:[-—－~～至到]({number}))?", words_of)
    if match is None:  # pragma: no cover - every figure has a number
        return figure.value, figure.upper, figure.unit
    rest = re.sub(rf"^(?:{'|'.join(bounds['inside'])})", "", words_of[match.end() :])
    rest = re.sub(r"[多余]$", "", rest)
    return _number(match[1]), _number(match[3]) if match[3] else None, match[2] + rest


def _number(written: str) -> Decimal:
    return Decimal(re.sub("[,，]", "", written).replace("．", "."))


def _kind(document: Document, statement: _Statement, reading: Reading) -> EntryKind:
    figure = statement.figure
    is_time = figure.unit in words().spans_of_time and (reading.describes or reading.relation in ("连续", ""))
    if is_time or reading.is_size or (reading.describes and statement.carries_on):
        return EntryKind.COUNT
    if reading.relation in ("由", "从"):
        return EntryKind.COUNT
    kind = statement.kind
    if kind is Kind.OTHER and statement.year and document.year:
        kind = Kind.TARGET if statement.year >= document.year else Kind.RESULT
    if kind is Kind.TARGET:
        return EntryKind.TARGET
    counts = not figure.unit.endswith(("%", "％", "‰", "百分点", "元", "吨", "分", "天", "名"))
    if counts and (reading.relation in words().stock_relations or words().stock_nouns.search(statement.before)):
        return EntryKind.STOCK
    return EntryKind.RESULT


def _place(document: Document, statement: _Statement) -> tuple[str, bool]:
    """Whose figure it is, and whether the statement itself opens with that name."""
    own = _body(words().body, statement.before)
    if own and len(statement.before) > len(own) and not re.match(r"[^，；。]*?等$", statement.before):
        return own, True
    opening = document.text[statement.sentence[0] : statement.clause[1]]
    first = re.split(r"[，；：]", opening)[0]
    whole = _body(words().body, first)
    if whole == first or (statement.subject and whole == statement.subject):
        return whole, False
    zone = _body(words().zone, first)
    return (zone, False) if zone else (document.place, False)


def _body(pattern: re.Pattern[str], text: str) -> str:
    """The name of a park, a company or another body that a text opens with; empty where it opens with none."""
    match = pattern.match(text)
    if not match or words().foreign.search(match.group()):
        return ""
    if any(front(pattern, match.group()) for pattern in (words().verb, words().light, words().opening)):
        return ""
    return match.group()


def _without_place(text: str, document: Document) -> str:
    """``text`` without the document's own place in front of it."""
    stem = document.place[:-1] if len(document.place) > 2 else document.place
    for name in (document.place, stem):
        if name and text.startswith(name) and len(text) > len(name) + 1:
            return text[len(name) :]
    return text

"""The values a published document is made of. Every span counts Unicode characters of ``Document.text``."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class Kind(StrEnum):
    """What a section reports: what was reached, what is intended, or neither."""

    RESULT = "result"
    TARGET = "target"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class HeaderField:
    """One fact of the document's head, such as 文号 or 电话; ``text[start:end]`` is ``value`` up to line breaks."""

    name: str
    value: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Document:
    """A document as published.

    ``year`` is the year that the document plans for (what 今年 means in it), ``None`` where it names none.
    ``place`` is the place whose document it is, empty where none was found.
    """

    doc_id: str
    title: str
    text: str
    sha256: str
    place: str
    year: int | None
    header: tuple[HeaderField, ...]


@dataclass(frozen=True, slots=True)
class Paragraph:
    """One line of the published text: the unit that is cited.

    ``paragraph_id`` counts part, section and paragraph, as in ``2.2.1``; part 0 is what stands before the first part.
    ``year`` and ``kind`` are what the headings say; ``year`` is ``None`` where they say nothing.
    """

    paragraph_id: str
    section: tuple[str, ...]
    year: int | None
    kind: Kind
    is_heading: bool
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with its unit and bound word, as written.

    ``value`` is the number in base units (``1万亩`` is 10000), ``upper`` the end of a range (``6-8个``).
    ``start`` and ``end`` span number, unit and an adjoining bound word (``179亿元以上``, ``突破30亿元``).
    """

    text: str
    value: Decimal
    upper: Decimal | None
    unit: str
    bound: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Passage:
    """The unit that is retrieved: a clause, or one member of a clause that carries several figures.

    ``text`` is what may be said: the words of the clause, with a subject that the sentence gave earlier put in front
    and “分别” resolved. ``start`` and ``end`` span the contiguous quotation that bears it, and every character of
    ``text`` stands in that quotation, save for the parts of a listed compound (城乡 is 城镇 and 农村).
    ``context`` is what surrounds it: the sentence. ``lead`` is the short sentence that opens its group
    (``做大做强龙头企业``), empty where there is none. ``subject`` is what the sentence opens with and the clause speaks of
    without naming it (``鲁中国际生物谷，…，签约入驻企业11家``), empty where the clause names its own.
    ``field`` is empty for a clause, else ``lead``, ``heading``, ``topic`` (a clause that only names the subject) or the
    name of the header field.
    """

    passage_id: str
    paragraph_id: str
    section: tuple[str, ...]
    lead: str
    text: str
    context: str
    year: int | None
    kind: Kind
    figures: tuple[Figure, ...]
    start: int
    end: int
    sentence_start: int
    sentence_end: int
    field: str = ""
    subject: str = ""

    @property
    def is_clause(self) -> bool:
        """Whether the passage says something: no title, lead, bare subject or header field."""
        return not self.field

    @property
    def is_header(self) -> bool:
        """Whether the passage is a field of the document's head."""
        return self.field not in ("", "lead", "heading", "topic")

    def heading(self) -> str:
        """The nearest words above the passage: its subject, else its lead, else its innermost section title."""
        return self.subject or self.lead or (self.section[-1] if self.section else "")

    def embedding_text(self) -> str:
        """What is embedded: the nearest heading beside the words, never mixed into what is quoted."""
        heading = self.heading()
        return f"{heading}｜{self.text}" if heading and heading not in self.text else self.text

"""Where words stand in a document: the citation of a span, and its place in words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from assistant.display import clean
from assistant.types import Citation
from corpus.segment import paragraphs
from corpus.types import Document, Paragraph

_NUMERALS = "零〇一二三四五六七八九十百"
_PART = re.compile(rf"^[ \t　]*(?:([{_NUMERALS}]+)、|(第[{_NUMERALS}]+(?:部分|章|编)))[ \t　]*")
_INNER = re.compile(rf"^[ \t　]*(?:[（(][{_NUMERALS}]+[）)]|第[{_NUMERALS}]+节)")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a citation stands, in words: plain text, not yet escaped."""

    part: str
    section: tuple[str, ...]
    paragraph: str

    def short(self) -> str:
        """``第二部分（二）主要目标 · 第1段``."""
        inner = "".join(self.section[1:])
        first = self.section[0] if self.section else ""
        head = f"{self.part}{inner}" if inner and self.part else f"{self.part}{_PART.sub('', first)}{inner}"
        return " · ".join(piece for piece in (head or "文件开头", self.paragraph) if piece)

    def path(self) -> str:
        """The headings in full, outermost first."""
        return " › ".join(self.section) or "文件开头"

    def brief(self) -> str:
        """By numbers, ``第二部分（二）第1段``; a title stands where a heading has no number."""
        first = self.part or (self.section[0] if self.section else "文件开头")
        inner = [match.group().strip() if (match := _INNER.match(title)) else title for title in self.section[1:]]
        return clean("".join((first, *inner, self.paragraph)))


@lru_cache(maxsize=64)
def _paragraphs(document: Document) -> tuple[Paragraph, ...]:
    return tuple(paragraphs(document))


def paragraphs_of(citation: Citation, document: Document) -> list[Paragraph]:
    """The paragraphs that the quotation touches, in reading order."""
    return [p for p in _paragraphs(document) if p.start < citation.end and citation.start < p.end]


def is_located(citation: Citation, document: Document | None) -> bool:
    """Whether the quotation stands in ``document`` where the citation says."""
    return (
        document is not None
        and 0 <= citation.start < citation.end <= len(document.text)
        and document.text[citation.start : citation.end] == citation.quote
        and (not citation.sha256 or citation.sha256 == document.sha256)
    )


def place_of(citation: Citation, document: Document | None) -> Place:
    """Part, headings and paragraph number of a citation; what the citation itself says where it is not located."""
    touched = paragraphs_of(citation, document) if document is not None and is_located(citation, document) else []
    section = touched[0].section if touched else tuple(part for part in (citation.section,) if part)
    part = ""
    if section and (match := _PART.match(section[0])):
        part = match.group(2) or f"第{match.group(1)}部分"
    number = (touched[0].paragraph_id if touched else citation.paragraph).rsplit(".", 1)[-1]
    if touched and touched[0].is_heading:
        paragraph = "标题"
    elif number.isdigit():
        paragraph = f"第{number}段"
    else:
        paragraph = ""
    return Place(part, section, paragraph)


def citation_at(document: Document, start: int, end: int, number: int = 1) -> Citation:
    """The citation of ``document.text[start:end]``; the section of words before the first part is 文件头.

    Args:
        document: The document cited.
        start: First character of the quotation, inside a line that is not blank.
        end: After its last character.
        number: The number that the citation goes by.

    Raises:
        ValueError: The span lies in no paragraph of the document.
    """
    touched = next((p for p in _paragraphs(document) if p.start < end and start < p.end), None)
    if touched is None or not 0 <= start < end <= len(document.text):
        raise ValueError(f"{start}:{end} lies in no paragraph of {document.doc_id}")
    return Citation(
        n=number,
        document=document.doc_id,
        paragraph=touched.paragraph_id,
        section=" / ".join(touched.section) or "文件头",
        quote=document.text[start:end],
        start=start,
        end=end,
        sha256=document.sha256,
    )


def whole_title(document: Document) -> str:
    """The document's title with its number, where its head has one: ``《…》（…〔2024〕4号）``."""
    number = next((field.value for field in document.header if field.name == "文号"), "")
    return clean(f"《{document.title}》（{number}）" if number else f"《{document.title}》")

"""Links to words of the document, and the card that quotes them with their place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlencode, urlsplit

from assistant.display import clean, one_line
from assistant.places import is_located, place_of
from assistant.types import Citation
from corpus.errors import RequestError
from corpus.segment import paragraphs
from corpus.types import Document, Paragraph
from ui.render import escape_inline

PARAGRAPH, START, END = "p", "s", "e"
MAX_ADDRESS_CHARS = 300


@dataclass(frozen=True, slots=True)
class Target:
    """Words that a link points at; ``start == end`` where it points at the whole paragraph."""

    paragraph_id: str
    start: int
    end: int


@lru_cache(maxsize=8)
def document_paragraphs(document: Document) -> tuple[Paragraph, ...]:
    """The paragraphs of a document, in reading order."""
    return tuple(paragraphs(document))


def query_of(paragraph_id: str, start: int | None = None, end: int | None = None) -> str:
    """The query of a link, with its question mark: to the words ``start`` to ``end``, or to a paragraph.

    >>> query_of("2.2.1", 10, 20)
    '?p=2.2.1&s=10&e=20'
    """
    fields = {PARAGRAPH: paragraph_id}
    if start is not None and end is not None:
        fields |= {START: str(start), END: str(end)}
    return "?" + urlencode(fields)


def citation_query(citation: Citation, document: Document | None) -> str:
    """The query of a link to a citation; empty where it does not stand in ``document``."""
    if document is None or not is_located(citation, document):
        return ""
    begins_in = next((p for p in document_paragraphs(document) if p.start <= citation.start < p.end), None)
    return query_of(begins_in.paragraph_id, citation.start, citation.end) if begins_in else ""


def link_markdown(query: str, words: str = "查看原文") -> str:
    """A link inside the page (``static/page.js`` follows it without leaving); empty where ``query`` is."""
    if not query:
        return ""
    return f'<a class="permalink" href="{query.replace("&", "&amp;")}">{escape_inline(words)}</a>'


def find_target(fields: Mapping[str, str], document: Document) -> Target | None:
    """The words that the fields of a query name; ``None`` where they name none.

    Raises:
        RequestError: There is no such paragraph, or the words do not begin in it.
    """
    paragraph_id = fields.get(PARAGRAPH, "")
    if not paragraph_id:
        return None
    paragraph = next((p for p in document_paragraphs(document) if p.paragraph_id == paragraph_id), None)
    if paragraph is None:
        raise RequestError(f"链接所指的段落“{clean(paragraph_id)[:20]}”在本文件中不存在，请核对链接或文件版本。")
    start, end = fields.get(START, ""), fields.get(END, "")
    if not start and not end:
        return Target(paragraph_id, paragraph.start, paragraph.start)
    if not _is_offset(start) or not _is_offset(end):
        raise RequestError("链接中的字符位置不是数字，请核对链接是否完整。")
    target = Target(paragraph_id, int(start), int(end))
    if not paragraph.start <= target.start < paragraph.end or not target.start < target.end <= len(document.text):
        raise RequestError("链接中的字符位置不在所指段落内，请核对链接或文件版本。")
    return target


def _is_offset(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10


def page_address(headers: Mapping[str, str]) -> str:
    """The address of the page as the browser knows it, without query; empty where the request does not say.

    The page's own requests carry it as referrer, path of a proxy and all.
    """
    referrer = urlsplit(headers.get("referer", "")[:MAX_ADDRESS_CHARS])
    if referrer.scheme in ("http", "https") and referrer.netloc:
        return f"{referrer.scheme}://{referrer.netloc}{referrer.path or '/'}"
    origin = headers.get("origin", "")[:MAX_ADDRESS_CHARS]
    if origin.startswith(("http://", "https://")):
        return f"{origin}/"
    host = headers.get("host", "")[:MAX_ADDRESS_CHARS]
    return f"http://{host}/" if host else ""


# --- the card ----------------------------------------------------------------------------------------------------


def card_text(citation: Citation, documents: Mapping[str, Document], address: str = "") -> str:
    """One citation to be copied, plain text: ``《title》第二部分（二）第1段：“quote”`` and the link under it.

    Args:
        citation: What is quoted.
        documents: The documents, by ``doc_id``.
        address: Address of the page; without it there is no link.
    """
    document = documents.get(citation.document)
    title = document.title if document else citation.document
    query = citation_query(citation, document)
    link = f"\n{address}{query}" if address and query else ""
    return f"《{clean(title)}》{place_of(citation, document).brief()}：“{one_line(citation.quote)}”{link}"


def cards_text(citations: Sequence[Citation], documents: Mapping[str, Document], address: str = "") -> str:
    """All citations to be copied, numbered where there are several."""
    cards = [card_text(citation, documents, address) for citation in citations]
    if len(cards) > 1:
        cards = [f"[{citation.n}] {card}" for citation, card in zip(citations, cards, strict=True)]
    return "\n".join(cards)

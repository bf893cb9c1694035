"""The whole text of the document as Markdown, by paragraph, with the words that a link points at marked; pure."""

from __future__ import annotations

from assistant.types import Citation
from corpus.types import Document, Paragraph
from ui.permalink import Target, document_paragraphs, link_markdown, query_of
from ui.render import escape_inline, highlighted

NOT_READY = '<p class="panel-empty">正在准备索引，文件全文稍后显示。</p>'
UNAVAILABLE = '<p class="panel-empty">服务暂时不可用，请稍后再试。</p>'


def plan_markdown(document: Document, target: Target | None = None) -> str:
    """Title and paragraphs; the paragraph that ``target`` names has the class ``is-target``."""
    blocks = [f'<h2 class="plan-title">{escape_inline(document.title)}</h2>']
    blocks += [_block(paragraph, document, target) for paragraph in document_paragraphs(document)]
    return "\n\n".join(blocks)


def _block(paragraph: Paragraph, document: Document, target: Target | None) -> str:
    names = ["plan-paragraph"]
    if target is not None and target.paragraph_id == paragraph.paragraph_id:
        names.append("is-target")
    words = highlighted(document.text, paragraph.start, paragraph.end, [_marked(target)] if target else [])
    if paragraph.is_heading:
        level = min(2 + max(1, len(paragraph.section)), 6)
        return f'<h{level} class="{" ".join(names)}">{words}</h{level}>'
    number = paragraph.paragraph_id.rsplit(".", 1)[-1]
    link = link_markdown(query_of(paragraph.paragraph_id), f"第{number}段")
    return f'<div class="{" ".join(names)}"><span class="plan-number">{link}</span><p>{words}</p></div>'


def _marked(target: Target) -> Citation:
    """The words as :func:`highlighted` takes them; an empty span marks nothing."""
    return Citation(0, "", target.paragraph_id, "", "", target.start, target.end, "")

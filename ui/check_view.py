"""A checked draft as Markdown: summary, and each sentence with what was found; pure, everything escaped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from itertools import groupby

from assistant.draft import CheckedDraft, CheckedSentence
from assistant.places import place_of
from assistant.types import Citation, Finding, Verdict
from corpus.types import Document
from ui.checking import Progress
from ui.permalink import citation_query, link_markdown
from ui.render import difference_markdown, escape_inline

VERDICT_BADGES: Mapping[str, str] = {
    Verdict.MATCH: "一致",
    Verdict.MISMATCH: "不一致",
    Verdict.NOT_FOUND: "文件中没有",
}
# Sentences that the page shows; a longer draft is in the report in full.
MAX_SHOWN = 400


class Order(StrEnum):
    """Which sentences are shown."""

    READING = "按文中顺序"
    WRONG = "只看不一致"


def progress_markdown(progress: Progress) -> str:
    """The status line while a draft is checked."""
    if progress.note:
        return f'<span class="state state-waiting">{escape_inline(progress.note)}</span>'
    if not progress.total:
        return '<span class="state state-waiting">正在核对…</span>'
    share = round(100 * progress.done / progress.total)
    return (
        f'<span class="state state-waiting">已核对 {progress.done}/{progress.total} 句</span>'
        f'<span class="progress"><span class="progress-done" style="width:{min(share, 100)}%"></span></span>'
    )


def summary_markdown(draft: CheckedDraft) -> str:
    """What the check comes to: sentences and figures by result."""
    summary = draft.summary
    sentences = _counts(
        (
            ("match", "一致", summary.match),
            ("mismatch", "不一致", summary.mismatch - summary.reworded),
            *([("reworded", "字句不同、数字一致", summary.reworded)] if summary.reworded else []),
            ("not_found", "文件中没有", summary.not_found),
        )
    )
    figures = _counts(
        (
            ("match", "一致", summary.exact),
            ("mismatch", "改动", summary.altered),
            ("not_found", "文中没有", summary.absent),
        )
    )
    return (
        f'<p class="check-name">{escape_inline(draft.name)}</p>\n\n'
        f'<p class="check-counts"><b>{summary.sentences} 句</b>：{sentences}</p>\n\n'
        f'<p class="check-counts"><b>{summary.figures} 个数字</b>：{figures}</p>'
    )


def _counts(counts: Iterable[tuple[str, str, int]]) -> str:
    return "，".join(
        f'<span class="count count-{name if number else "none"}">{word} {number}</span>'
        for name, word, number in counts
    )


def draft_markdown(draft: CheckedDraft, documents: Mapping[str, Document], order: Order = Order.READING) -> str:
    """The sentences of a draft, in reading order, or only those that differ from the original."""
    numbered = list(enumerate(draft.sentences, start=1))
    if not numbered:
        return '<p class="panel-empty">文稿中没有可以核对的句子。</p>'
    if order is Order.WRONG:
        numbered = [(number, s) for number, s in numbered if s.check.verdict == Verdict.MISMATCH]
    blocks = []
    for is_apart, group in groupby(numbered[:MAX_SHOWN], key=lambda item: _says_nothing_of_the_plan(item[1])):
        sentences = list(group)
        shown = [_sentence(number, sentence, documents) for number, sentence in sentences]
        blocks += [_folded(sentences[0][0], sentences[-1][0], shown)] if is_apart and len(shown) > 1 else shown
    if order is Order.WRONG:
        blocks.append(_left_out(draft, len(numbered)))
    if len(numbered) > MAX_SHOWN:
        blocks.append(f'<p class="panel-lead">页面只显示前 {MAX_SHOWN} 句，其余见下载的报告。</p>')
    return "\n\n".join(blocks)


def _says_nothing_of_the_plan(sentence: CheckedSentence) -> bool:
    """Whether a sentence is the writer's own: not in the document, and without a figure."""
    return sentence.check.verdict == Verdict.NOT_FOUND and not sentence.check.figures


def _folded(first: int, last: int, sentences: Iterable[str]) -> str:
    """Sentences of the writer's own one after the other, folded away."""
    words = f"第 {first}–{last} 句：文件中没有，也不含数字"
    return f'<details class="checked checked-apart"><summary>{words}</summary>{"".join(sentences)}</details>'


def _left_out(draft: CheckedDraft, shown: int) -> str:
    summary = draft.summary
    lead = "" if shown else "没有与原文不一致的句子。"
    rest = f"未列出：一致 {summary.match} 句，文件中没有 {summary.not_found} 句。"
    return f'<p class="panel-lead">{lead}{rest}</p>'


def _sentence(number: int, sentence: CheckedSentence, documents: Mapping[str, Document]) -> str:
    check = sentence.check
    name = check.verdict if check.verdict in VERDICT_BADGES else "other"
    badge = escape_inline(VERDICT_BADGES.get(check.verdict, check.verdict))
    if check.is_only_reworded:
        name, badge = "reworded", "字句不同，数字一致"
    head = (
        f'<p class="checked-head"><span class="checked-number">{number}</span>'
        f'<span class="verdict verdict-{name}">{badge}</span></p>'
    )
    wrong = [finding for finding in check.findings if finding.difference.is_wrong]
    quiet = [finding for finding in check.findings if not finding.difference.is_wrong]
    if check.verdict == Verdict.MISMATCH and check.diff:
        words = f"<p>{difference_markdown(check.diff, '文稿')}</p>"
    else:
        words = f'<p class="checked-words">{escape_inline(sentence.text)}</p>'
    return (
        f'<div class="checked checked-{name}">{head}{words}{_findings(wrong, "finding")}{_findings(quiet, "finding quiet")}'
        f"{_place(sentence.citation, documents)}</div>"
    )


def _findings(findings: Iterable[Finding], names: str) -> str:
    items = "".join(
        f'<li class="{names}"><b>{escape_inline(finding.difference.value)}</b>　{escape_inline(finding.note)}</li>'
        for finding in findings
    )
    return f"<ul>{items}</ul>" if items else ""


def _place(citation: Citation | None, documents: Mapping[str, Document]) -> str:
    if citation is None:
        return ""
    document = documents.get(citation.document)
    place = escape_inline(place_of(citation, document).short())
    return f'<p class="source-line">出处：{place} {link_markdown(citation_query(citation, document))}</p>'

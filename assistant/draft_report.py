"""The check of a draft as a report: for the terminal, as Markdown and as a Word file.

The three say the same in the same order: what was checked against what, counts, then what differs from the plan (in figures
first), what is not in it (sentences with figures first), and briefly what is the same.
"""

from __future__ import annotations

import datetime
import io
import re
from collections.abc import Iterator
from typing import Any

from assistant import display
from assistant.display import Pieces, one_line
from assistant.draft import CheckedDraft, CheckedSentence, DraftSummary
from assistant.places import place_of, whole_title
from assistant.types import FigureState, Verdict, WordingCheck
from corpus.types import Document

TITLE = "原文核对报告"
VERDICT_WORDS = {
    Verdict.MISMATCH: "与原文不一致",
    Verdict.NOT_FOUND: "文件中没有",
    Verdict.MATCH: "与原文一致",
}
REWORDED = "只是字句不同，数字一致"
_STATE_WORDS = {FigureState.EXACT: "一致", FigureState.ALTERED: "改动", FigureState.ABSENT: "文中没有"}
_LEGEND = "草稿中与原文不同的字加删除线，原文的字加粗。"
_LEGEND_DOCX = "草稿中与原文不同的字为红色删除线，原文的字为绿色下划线。"
_MARKDOWN_SYNTAX = re.compile(r"[\\`*_\[\]<>#|~&$]|:(?=//)")
# Colours of what the draft has wrongly and of what the plan has: red and green that tell apart in grey print too.
_WRONG, _RIGHT, _QUIET = "C00000", "006B3C", "595959"
_FONT = "宋体"


def report_text(draft: CheckedDraft, document: Document) -> str:
    """The check for the terminal: each sentence in reading order with its result, then the counts."""
    lines = []
    for number, sentence in enumerate(draft.sentences, start=1):
        check = sentence.check
        verdict = REWORDED if check.is_only_reworded else VERDICT_WORDS[Verdict(check.verdict)]
        lines.append(f"{number}. [{verdict}] {one_line(sentence.text)}")
        if check.verdict == Verdict.MISMATCH:
            lines.append(f"   原文：{one_line(check.original)}")
        if sentence.citation:
            lines.append(f"   出处：{place_words(sentence, document)}")
        lines += [f"   · {words}" for words in _notes(check)]
    return "\n".join([*lines, "", *(f"{name}：{words}" for name, words in summary_words(draft.summary))])


def report_markdown(draft: CheckedDraft, document: Document, *, on: datetime.date | None = None) -> str:
    """The report as Markdown, every character of draft and document escaped.

    Args:
        draft: The checked draft.
        document: The document it was checked against.
        on: Date of the report; today where none is given.
    """
    blocks = [f"# {TITLE}", "\n".join(f"- {name}：{escaped(words)}" for name, words in _head(draft, document, on))]
    blocks.append("\n".join(f"- {name}：{words}" for name, words in summary_words(draft.summary)))
    for verdict, sentences in _groups(draft):
        blocks.append(f"## {VERDICT_WORDS[verdict]}（{len(sentences)} 句）")
        if verdict is Verdict.MISMATCH:
            blocks.append(_LEGEND)
            blocks += [_mismatch_markdown(number, sentence, document) for number, sentence in sentences]
        else:
            blocks.append("\n".join(_line_markdown(number, sentence, document) for number, sentence in sentences))
    return "\n\n".join(blocks) + "\n"


def _mismatch_markdown(number: int, sentence: CheckedSentence, document: Document) -> str:
    said, original = sides(sentence)
    lines = [
        f"### {_heading(number, sentence)}",
        "",
        f"- 草稿：{_marked(said, '~~')}",
        f"- 原文：{_marked(original, '**')}",
        f"- 出处：{escaped(place_words(sentence, document))}",
    ]
    return "\n".join([*lines, *(f"- {escaped(words)}" for words in _notes(sentence.check))])


def _heading(number: int, sentence: CheckedSentence) -> str:
    return f"第 {number} 句" + (f"（{REWORDED}）" if sentence.check.is_only_reworded else "")


def _line_markdown(number: int, sentence: CheckedSentence, document: Document) -> str:
    line = f"- 第 {number} 句：{escaped(one_line(sentence.text))}"
    if sentence.citation:
        line += f"（{escaped(place_words(sentence, document))}）"
    return "\n".join([line, *(f"  - {escaped(words)}" for words in _notes(sentence.check))])


def _marked(pieces: Pieces, mark: str) -> str:
    """Pieces with the marked ones between marks, set off by blanks: beside Chinese punctuation marks alone do not bind."""
    words = "".join(f" {mark}{escaped(piece)}{mark} " if is_marked else escaped(piece) for piece, is_marked in pieces)
    return words.strip()


def escaped(text: str) -> str:
    r"""Text on one line that shows as it is in Markdown.

    >>> print(escaped("6~8个*[1]"))
    6\~8个\*\[1\]
    """
    return _MARKDOWN_SYNTAX.sub(r"\\\g<0>", one_line(text))


def report_docx(draft: CheckedDraft, document: Document, *, on: datetime.date | None = None) -> bytes:
    """The report as a Word file; differences are coloured, and struck out or underlined.

    Args:
        draft: The checked draft.
        document: The document it was checked against.
        on: Date of the report; today where none is given.
    """
    file = _empty_docx()
    file.add_heading(TITLE, 0)
    for name, words in (*_head(draft, document, on), *summary_words(draft.summary)):
        _add_line(file, name, [(one_line(words), False)])
    for verdict, sentences in _groups(draft):
        file.add_heading(f"{VERDICT_WORDS[verdict]}（{len(sentences)} 句）", 1)
        if verdict is Verdict.MISMATCH:
            _add_quiet(file, _LEGEND_DOCX)
        for number, sentence in sentences:
            _add_sentence(file, number, sentence, document)
    buffer = io.BytesIO()
    file.save(buffer)
    return buffer.getvalue()


def _add_sentence(file: Any, number: int, sentence: CheckedSentence, document: Document) -> None:
    if sentence.check.verdict == Verdict.MISMATCH:
        said, original = sides(sentence)
        file.add_heading(_heading(number, sentence), 2)
        _add_line(file, "草稿", said, _WRONG)
        _add_line(file, "原文", original, _RIGHT)
        _add_line(file, "出处", [(place_words(sentence, document), False)])
    else:
        _add_line(file, f"第 {number} 句", [(one_line(sentence.text), False)])
        if sentence.citation:
            _add_quiet(file, f"出处：{place_words(sentence, document)}")
    for words in _notes(sentence.check):
        _add_quiet(file, words)


def _empty_docx() -> Any:
    """A Word file without content whose styles have a Chinese font."""
    from docx import Document as new_docx
    from docx.oxml.ns import qn
    from docx.shared import Pt

    file: Any = new_docx()
    for name in ("Normal", "Title", "Heading 1", "Heading 2"):
        style = file.styles[name]
        style.font.name = _FONT
        fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
        for attribute in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):  # these would win over a name
            fonts.attrib.pop(qn(f"w:{attribute}"), None)
        fonts.set(qn("w:eastAsia"), _FONT)
    file.styles["Normal"].paragraph_format.space_after = Pt(3)
    file.core_properties.title = TITLE
    file.core_properties.author = ""
    file.core_properties.comments = ""
    return file


def _add_line(file: Any, name: str, pieces: Pieces, colour: str = "") -> None:
    from docx.shared import RGBColor

    paragraph = file.add_paragraph()
    paragraph.add_run(f"{name}：").bold = True
    for words, is_marked in pieces:
        run = paragraph.add_run(words)
        if is_marked:
            run.font.color.rgb = RGBColor.from_string(colour)
            run.font.strike = colour == _WRONG or None
            run.font.underline = colour == _RIGHT or None


def _add_quiet(file: Any, words: str) -> None:
    from docx.shared import Pt, RGBColor

    paragraph = file.add_paragraph()
    paragraph.paragraph_format.left_indent = Pt(18)
    paragraph.add_run(words).font.color.rgb = RGBColor.from_string(_QUIET)


# --- what all three say ------------------------------------------------------------------------------------------


def _head(draft: CheckedDraft, document: Document, on: datetime.date | None) -> Iterator[tuple[str, str]]:
    day = on or datetime.date.today()
    yield "核对的文稿", one_line(draft.name) or "粘贴的文字"
    yield "依据的文件", whole_title(document)
    yield "文件 sha256", document.sha256[:12]
    yield "核对日期", f"{day.year}年{day.month}月{day.day}日"


def summary_words(summary: DraftSummary) -> tuple[tuple[str, str], tuple[str, str]]:
    """The counts in words: of the sentences and of the figures."""
    return (
        (
            "句子",
            f"核对 {summary.sentences} 句，一致 {summary.match}，不一致 {summary.mismatch}"
            + (f"（其中 {summary.reworded} 句{REWORDED}）" if summary.reworded else "")
            + f"，文件中没有 {summary.not_found}",
        ),
        (
            "数字",
            f"核对 {summary.figures} 个，一致 {summary.exact}，改动 {summary.altered}，文中没有 {summary.absent}",
        ),
    )


def _groups(draft: CheckedDraft) -> Iterator[tuple[Verdict, list[tuple[int, CheckedSentence]]]]:
    """The numbered sentences by verdict, as the report orders them; a verdict that none has is left out."""
    numbered = list(enumerate(draft.sentences, start=1))
    for verdict in VERDICT_WORDS:
        sentences = [(number, sentence) for number, sentence in numbered if sentence.check.verdict == verdict]
        if verdict is Verdict.NOT_FOUND:
            sentences.sort(key=lambda numbered: not numbered[1].check.figures)
        if verdict is Verdict.MISMATCH:
            sentences.sort(key=lambda numbered: numbered[1].check.is_only_reworded)
        if sentences:
            yield verdict, sentences


def place_words(sentence: CheckedSentence, document: Document) -> str:
    """``《title》第二部分（二）第1段``; empty where the sentence has no place in the document."""
    if sentence.citation is None:
        return ""
    return f"{one_line(f'《{document.title}》')}{place_of(sentence.citation, document).brief()}"


def sides(sentence: CheckedSentence) -> tuple[Pieces, Pieces]:
    """The draft's words and the original in pieces, each with whether only that side has it."""
    check = sentence.check
    original, said = (
        [(line, is_marked) for words, is_marked in side if (line := one_line(words))]
        for side in display.sides(check.diff)
    )
    if not said or not original:
        return [(one_line(sentence.text), False)], [(one_line(check.original), False)]
    # The diff is without what the sentence says in front about its year.
    before, found, after = one_line(sentence.text).partition("".join(words for words, _ in said))
    if found:
        said = [piece for piece in ((before, False), *said, (after, False)) if piece[0]]
    return said, original


def _notes(check: WordingCheck) -> Iterator[str]:
    """What is said of a sentence beside the words: its findings, and its figures that are not in the document."""
    for finding in check.findings:
        kind = str(finding.difference)
        yield one_line(finding.note if finding.note.startswith(kind) else f"{kind}：{finding.note}")
    absent = [figure.text for figure in check.figures if figure.state == FigureState.ABSENT]
    if absent:
        yield one_line(f"数字：{'、'.join(absent)}（{_STATE_WORDS[FigureState.ABSENT]}）")

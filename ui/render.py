"""Turn answers into Markdown for the page; pure, and every character of question, document and answer escaped.

The page shows Markdown with a few HTML elements of this module's own (``mark``, ``sup``, ``del``, ``details``).
Whatever comes from outside goes through :func:`escape_inline`, after which it is neither Markdown nor HTML.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from assistant.types import Answer, Citation, Status, WordingCheck
from corpus.segment import paragraphs, sentences
from corpus.types import Document, Paragraph

STATUS_WORDS: Mapping[Status, str] = {
    Status.ANSWERED: "回答",
    Status.CLARIFY: "需要明确",
    Status.NOT_FOUND: "文件未提及",
    Status.DECLINED: "不在服务范围",
}
VERDICT_WORDS: Mapping[str, str] = {
    "match": "与原文一致",
    "mismatch": "与原文不一致",
    "not_found": "文件中没有这段文字",
}
# A paragraph up to this length (characters) is shown whole; of a longer one, the sentences around the quoted words.
WHOLE_PARAGRAPH_CHARS = 200
MAX_PLACES_IN_LINE = 3

_INVISIBLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_ASCII_PUNCTUATION = re.compile(r"[!-/:-@\[-`{-~]")
_HARMLESS = "%,?;"
_MARK = re.compile(r"\[(\d{1,3})\]")
_BULLET = re.compile(r"[-*•·●▪][ \t　]*(?=\S)")
_NUMBERED = re.compile(r"(\d{1,3})[.)][ \t　]+(?=\S)")
_NUMBER_END = re.compile(r"[\d.]+$")
_NUMBER_START = re.compile(r"[\d.]+")
_PART = re.compile(
    r"^[ \t　]*(?:([零〇一二三四五六七八九十百]+)、|(第[零〇一二三四五六七八九十百]+(?:部分|章|编)))[ \t　]*"
)


# --- escaping ----------------------------------------------------------------------------------------------------


def clean(text: str) -> str:
    """``text`` without control and direction characters, line ends unified, broken characters shown as ``�``."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
    return _SURROGATE.sub("�", _INVISIBLE.sub("", text))


def escape_inline(text: str) -> str:
    """``text`` so that it shows as it is, in Markdown and in HTML; line ends become ``<br>``.

    ASCII punctuation becomes numeric character references, which neither a Markdown parser nor an automatic linker
    reads as syntax. Left alone are ``%,?;``, a point between digits and a hyphen inside a word.

    >>> escape_inline("增长6.5%，<b>[1]</b>")
    '增长6.5%，&#60;b&#62;&#91;1&#93;&#60;&#47;b&#62;'
    """
    text = clean(text)

    def reference(match: re.Match[str]) -> str:
        character, position = match.group(), match.start()
        before, after = text[position - 1 : position] if position else "", text[position + 1 : position + 2]
        is_inside = (character == "." and before.isdigit() and after.isdigit()) or (
            character == "-" and before.isalnum() and after.isalnum()
        )
        return character if character in _HARMLESS or is_inside else f"&#{ord(character)};"

    return re.sub(r"\s*\n\s*", "<br>", _ASCII_PUNCTUATION.sub(reference, text))


def escape(text: str) -> str:
    """``text`` escaped as lines of Markdown.

    Blanks at the start of a line are dropped, because they would make it a code block.
    """
    return "\n".join(escape_inline(line.strip()) for line in clean(text).split("\n"))


# --- places ------------------------------------------------------------------------------------------------------


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


@lru_cache(maxsize=64)
def _paragraphs(document: Document) -> tuple[Paragraph, ...]:
    return tuple(paragraphs(document))


def _paragraphs_of(citation: Citation, document: Document) -> list[Paragraph]:
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
    touched = _paragraphs_of(citation, document) if document is not None and is_located(citation, document) else []
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


def citation_text(citation: Citation, documents: Mapping[str, Document]) -> str:
    """One citation to be copied, plain text: ``《title》 section 第n段：“quote”``."""
    document = documents.get(citation.document)
    place = place_of(citation, document)
    title = document.title if document else citation.document
    quote = re.sub(r"[ \t　]*\n[ \t　]*", "", clean(citation.quote)).strip()
    where = "".join(piece for piece in (" ".join(place.section) or "文件开头", " ", place.paragraph)).strip()
    return f"《{clean(title)}》 {clean(where)}：“{quote}”"


def citations_text(citations: Sequence[Citation], documents: Mapping[str, Document]) -> str:
    """All citations to be copied, one a line, numbered where there are several."""
    lines = [citation_text(citation, documents) for citation in citations]
    if len(lines) > 1:
        lines = [f"[{citation.n}] {line}" for citation, line in zip(citations, lines, strict=True)]
    return "\n".join(lines)


def _numbers(citations: Sequence[Citation]) -> str:
    """Citation marks, runs of three and more joined: ``[1][2]``, ``[1]–[4]``."""
    numbers = sorted({citation.n for citation in citations})
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return "".join(
        f"[{run[0]}]–[{run[-1]}]" if len(run) > 2 else "".join(f"[{number}]" for number in run) for run in runs
    )


def source_line(citations: Sequence[Citation], documents: Mapping[str, Document]) -> str:
    """The line under an answer that says where it stands, plain text; empty without citations.

    Citations of one paragraph share an entry; marks are given only where there are several entries, titles only where
    several documents are cited.
    """
    several = len({citation.document for citation in citations}) > 1
    entries: dict[str, list[Citation]] = {}
    for citation in citations:
        document = documents.get(citation.document)
        name = place_of(citation, document).short()
        if several:
            name = f"《{document.title if document else citation.document}》{name}"
        entries.setdefault(name, []).append(citation)
    if not entries:
        return ""
    if len(entries) == 1:
        return f"出处：{next(iter(entries))}"
    shown = [f"{_numbers(cited)} {name}" for name, cited in list(entries.items())[:MAX_PLACES_IN_LINE]]
    more = f"；等{len(entries)}处" if len(entries) > MAX_PLACES_IN_LINE else ""
    return f"出处：{'；'.join(shown)}{more}"


# --- the chat message --------------------------------------------------------------------------------------------


def question_markdown(question: str) -> str:
    """A visitor's question as a chat message."""
    return escape(question)


def note_markdown(note: str) -> str:
    """A plain sentence of the page itself as a chat message."""
    return f'<span class="note">{escape_inline(note)}</span>'


def body_markdown(text: str, marks: Sequence[int] = ()) -> str:
    """The answer's words as Markdown: lists as lists, ``[n]`` as a citation mark where ``n`` is in ``marks``."""
    blocks: list[list[str]] = []
    was_item = False
    for line in clean(text).split("\n"):
        line = line.strip()
        bullet, numbered = _BULLET.match(line), _NUMBERED.match(line)
        is_item = bool(bullet or numbered)
        if bullet:
            line = "- " + _with_marks(line[bullet.end() :], marks)
        elif numbered:
            line = f"{numbered.group(1)}. " + _with_marks(line[numbered.end() :], marks)
        else:
            line = _with_marks(line, marks)
        if not line or not blocks or is_item != was_item:
            blocks.append([])
        if line:
            blocks[-1].append(line)
        was_item = is_item
    return "\n\n".join("\n".join(block) for block in blocks if block)


def _with_marks(line: str, marks: Sequence[int]) -> str:
    pieces, position = [], 0
    for match in _MARK.finditer(line):
        if int(match.group(1)) in marks:
            pieces += [escape_inline(line[position : match.start()]), _mark(int(match.group(1)))]
            position = match.end()
    return "".join([*pieces, escape_inline(line[position:])])


def _mark(number: int) -> str:
    # The word joiner keeps the mark on the line of the word before it.
    return f'&#8288;<sup class="cite">&#91;{number}&#93;</sup>'


def badge(status: Status) -> str:
    """The status in words."""
    return f'<span class="badge badge-{status.value}">{STATUS_WORDS[status]}</span>'


def partial_markdown(answer: Answer, characters: int) -> str:
    """The first ``characters`` characters of an answer, while it is being written out."""
    cut = answer.answer[:characters]
    if characters < len(answer.answer):
        cut = re.sub(r"\[\d{0,3}$", "", cut)
    return f"{badge(answer.status)}\n\n{body_markdown(cut, [citation.n for citation in answer.citations])}"


def answer_markdown(answer: Answer, documents: Mapping[str, Document], *, follow_up: bool = False) -> str:
    """An answer as a chat message: status, words, wording check, source line, nearest passages.

    Args:
        answer: What the assistant gave.
        documents: The documents it cites, by ``doc_id``.
        follow_up: Whether earlier questions were taken into account; the question as understood is then said.
    """
    marks = [citation.n for citation in answer.citations]
    blocks = [badge(answer.status)]
    if follow_up and answer.standalone_question.strip() not in ("", answer.question.strip()):
        blocks.append(f'<span class="understood">理解为：{escape_inline(answer.standalone_question)}</span>')
    blocks.append(body_markdown(answer.answer, marks))
    if answer.wording_check is not None:
        blocks.append(wording_markdown(answer.wording_check))
    if line := source_line(answer.citations, documents):
        blocks.append(f'<span class="source-line">{escape_inline(line)}</span>')
    if answer.nearest:
        blocks.append("文件中最接近的内容：\n\n" + "\n".join(_offers(answer.nearest, documents)))
    return "\n\n".join(block for block in blocks if block)


def _offers(nearest: Sequence[Citation], documents: Mapping[str, Document]) -> Iterator[str]:
    for citation in nearest:
        place = place_of(citation, documents.get(citation.document)).short()
        quote = escape_inline(citation.quote.strip())
        yield f'- {quote}<br><span class="source-line">{escape_inline(place)}</span>'


def wording_markdown(check: WordingCheck) -> str:
    """The result of a wording check: verdict, and original and asked words under each other, differences marked."""
    verdict = VERDICT_WORDS.get(check.verdict, check.verdict)
    blocks = [f'<span class="verdict verdict-{_css_name(check.verdict)}">核对结果：{escape_inline(verdict)}</span>']
    if check.verdict == "mismatch" and check.diff:
        diff = whole_figures(check.diff)
        original = _diff_line(diff, "equal", "delete", "ins")
        asked = _diff_line(diff, "equal", "insert", "del")
        blocks.append(f'<span class="diff"><b>原文</b>：{original}<br><b>所问</b>：{asked}</span>')
    elif check.original:
        blocks.append(f'<span class="diff"><b>原文</b>：{escape_inline(check.original)}</span>')
    return "\n\n".join(blocks)


def whole_figures(diff: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """A diff whose changes hold whole numbers: ``6.`` + ``6``/``5`` + ``%`` becomes ``6.6``/``6.5`` + ``%``.

    >>> whole_figures([("equal", "增长6."), ("delete", "6"), ("insert", "5"), ("equal", "%")])
    [('equal', '增长'), ('delete', '6.6'), ('insert', '6.5'), ('equal', '%')]
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
    return [
        (step, characters)
        for run in runs
        for step, characters in (
            zip(("equal",), run, strict=True) if len(run) == 1 else zip(("delete", "insert"), run, strict=True)
        )
        if characters
    ]


def _css_name(word: str) -> str:
    return word if word in VERDICT_WORDS else "other"


def _diff_line(diff: Sequence[tuple[str, str]], same: str, own: str, element: str) -> str:
    """One side of a diff: characters of that side only stand in ``element``."""
    pieces = []
    for step, characters in diff:
        if step == same:
            pieces.append(escape_inline(characters))
        elif step == own and characters:
            pieces.append(f"<{element}>{escape_inline(characters)}</{element}>")
    return "".join(pieces)


# --- the source panel --------------------------------------------------------------------------------------------


def sources_markdown(answer: Answer | None, documents: Mapping[str, Document]) -> str:
    """The source panel: each cited paragraph in its section, the quoted words in ``<mark>``.

    Citations of one paragraph are shown together. With ``not_found`` the nearest passages are shown in their place.
    """
    if answer is None:
        return '<p class="panel-empty">提出问题后，这里显示回答所依据的原文段落。</p>'
    citations = answer.citations or answer.nearest
    if not citations:
        return '<p class="panel-empty">这条回答没有引用原文。</p>'
    numbered = bool(answer.citations)
    lead = "" if numbered else '<p class="panel-lead">文件未直接提及所问内容，以下是最接近的段落。</p>\n\n'
    groups: dict[tuple[str, int], list[Citation]] = {}
    for index, citation in enumerate(citations):
        document = documents.get(citation.document)
        touched = _paragraphs_of(citation, document) if document and is_located(citation, document) else []
        key = (citation.document, touched[0].start) if touched else (citation.document, -1 - index)
        groups.setdefault(key, []).append(citation)
    several = len({citation.document for citation in citations}) > 1
    return lead + "\n\n".join(
        _source(group, documents.get(group[0].document), numbered=numbered, titled=several) for group in groups.values()
    )


def _source(group: Sequence[Citation], document: Document | None, *, numbered: bool, titled: bool) -> str:
    place = place_of(group[0], document)
    ids = "".join(f'<span id="source-{citation.n}"></span>' for citation in group) if numbered else ""
    number = f'<span class="source-number">{escape_inline(_numbers(group))}</span> ' if numbered else ""
    title = f"《{escape_inline(document.title)}》 " if titled and document else ""
    head = (
        f'<p class="source-place">{number}{title}{escape_inline(place.path())}'
        f"{f' · <b>{escape_inline(place.paragraph)}</b>' if place.paragraph else ''}</p>"
    )
    if document is None or not is_located(group[0], document):
        quotes = "<br>".join(f"“{escape_inline(citation.quote)}”" for citation in group)
        return (
            f'<div class="source">{ids}{head}<blockquote>{quotes}</blockquote>'
            '<p class="panel-lead">未能在当前文件中定位这段引文，请核对文件版本。</p></div>'
        )
    touched = [paragraph for citation in group for paragraph in _paragraphs_of(citation, document)]
    start = min(paragraph.start for paragraph in touched)
    end = max(paragraph.end for paragraph in touched)
    labelled = len(group) > 1 and numbered
    whole = highlighted(document.text, start, end, group, labelled=labelled)
    if end - start <= WHOLE_PARAGRAPH_CHARS:
        return f'<div class="source">{ids}{head}<blockquote>{whole}</blockquote></div>'
    excerpt = _excerpt(document.text, start, end, group, labelled=labelled)
    return (
        f'<div class="source">{ids}{head}<blockquote>{excerpt}</blockquote>'
        f"<details><summary>查看整段</summary><blockquote>{whole}</blockquote></details></div>"
    )


def _excerpt(text: str, start: int, end: int, group: Sequence[Citation], *, labelled: bool) -> str:
    """The sentences that hold the quoted words, ``……`` for what is left out."""
    kept = [
        (begin, finish)
        for begin, finish in sentences(text, start, end)
        if any(begin < citation.end and citation.start < finish for citation in group)
    ]
    runs: list[list[int]] = []
    for begin, finish in kept:
        finish += text[finish : finish + 1] in "。！？；" and finish < end
        if runs and begin - runs[-1][1] <= 1:
            runs[-1][1] = finish
        else:
            runs.append([begin, finish])
    if not runs:
        return highlighted(text, start, end, group, labelled=labelled)
    pieces = [highlighted(text, begin, finish, group, labelled=labelled) for begin, finish in runs]
    before = "……" if runs[0][0] > start else ""
    after = "……" if runs[-1][1] < end else ""
    return before + "……".join(pieces) + after


def highlighted(text: str, start: int, end: int, group: Sequence[Citation], *, labelled: bool = False) -> str:
    """``text[start:end]`` as HTML, the characters that ``group`` cites in ``<mark>``; overlapping spans become one.

    ``labelled`` puts the citation numbers after each marked span.
    """
    spans: list[tuple[int, int, list[int]]] = []
    for citation in sorted(group, key=lambda citation: (citation.start, citation.end)):
        begin, finish = max(citation.start, start), min(citation.end, end)
        if begin >= finish:
            continue
        if spans and begin < spans[-1][1]:
            last = spans[-1]
            spans[-1] = (last[0], max(last[1], finish), [*last[2], citation.n])
        else:
            spans.append((begin, finish, [citation.n]))
    pieces, position = [], start
    for begin, finish, numbers in spans:
        label = "".join(_mark(number) for number in dict.fromkeys(numbers)) if labelled else ""
        pieces += [
            escape_inline(text[position:begin]),
            f"<mark>{escape_inline(text[begin:finish])}</mark>{label}",
        ]
        position = finish
    return "".join([*pieces, escape_inline(text[position:end])])

"""Turn answers into Markdown for the page; pure, and every character of question, document and answer escaped.

The page shows Markdown with a few HTML elements of this module's own (``mark``, ``sup``, ``del``, ``details``).
Whatever comes from outside goes through :func:`escape_inline`, after which it is neither Markdown nor HTML.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from assistant.display import Pieces, generation_note, sides
from assistant.display import clean as clean
from assistant.places import Place as Place
from assistant.places import is_located as is_located
from assistant.places import paragraphs_of
from assistant.places import place_of as place_of
from assistant.types import Answer, Citation, Outcome, Status, WordingCheck
from corpus.segment import sentences
from corpus.types import Document

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
WORDING = "原文如下，AI 正在据此组织语言…"

_ASCII_PUNCTUATION = re.compile(r"[!-/:-@\[-`{-~]")
_HARMLESS = "%,?;"
_MARK = re.compile(r"\[(\d{1,3})\]")
_BULLET = re.compile(r"[-*•·●▪][ \t　]*(?=\S)")
_NUMBERED = re.compile(r"(\d{1,3})[.)][ \t　]+(?=\S)")


# --- escaping ----------------------------------------------------------------------------------------------------


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


def unfinished_markdown(answer: Answer) -> str:
    """An answer of which more is to come, as far as it has been checked; the quotation stands until then."""
    marks = [citation.n for citation in answer.citations]
    label = generated_label(answer) or note_markdown(WORDING if answer.is_extract else "")
    return "\n\n".join((badge(answer.status), label, body_markdown(answer.answer, marks)))


def generated_label(answer: Answer) -> str:
    """The line that says of an answer that it was generated, or why it was not; empty for a plain quotation."""
    generation = answer.generation
    if generation is None or (generation.outcome is Outcome.WRITING and answer.answer == generation.quotation):
        return ""
    name = "generated" if generation.is_shown else "note"
    return f'<span class="{name}">{escape_inline(generation_note(generation))}</span>'


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
    blocks.append(generated_label(answer))
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
        blocks.append(difference_markdown(check.diff, "所问"))
    elif check.original:
        blocks.append(f'<span class="diff"><b>原文</b>：{escape_inline(check.original)}</span>')
    if check.findings:
        notes = (
            f'<span class="{"finding" if finding.difference.is_wrong else "finding quiet"}">'
            f"<b>{escape_inline(finding.difference.value)}</b>　{escape_inline(finding.note)}</span>"
            for finding in check.findings
        )
        blocks.append("<br>".join(notes))
    return "\n\n".join(blocks)


def difference_markdown(diff: Sequence[tuple[str, str]], asked: str) -> str:
    """Original and other words under each other, differences marked; ``asked`` says what the other words are."""
    original, other = sides(diff)
    return (
        f'<span class="diff"><b>原文</b>：{_marked(original, "ins")}<br><b>{asked}</b>：{_marked(other, "del")}</span>'
    )


def _css_name(word: str) -> str:
    return word if word in VERDICT_WORDS else "other"


def _marked(pieces: Pieces, element: str) -> str:
    """Words in pieces, those to be marked in ``element``."""
    return "".join(
        f"<{element}>{escape_inline(words)}</{element}>" if is_marked else escape_inline(words)
        for words, is_marked in pieces
    )


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
        touched = paragraphs_of(citation, document) if document and is_located(citation, document) else []
        key = (citation.document, touched[0].start) if touched else (citation.document, -1 - index)
        groups.setdefault(key, []).append(citation)
    several = len({citation.document for citation in citations}) > 1
    return lead + "\n\n".join(
        _source(group, documents.get(group[0].document), numbered=numbered, titled=several) for group in groups.values()
    )


def citation_markdown(citation: Citation, documents: Mapping[str, Document]) -> str:
    """One citation as in the source panel: its paragraph, the quoted words in ``<mark>``."""
    return _source([citation], documents.get(citation.document), numbered=False, titled=False)


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
    touched = [paragraph for citation in group for paragraph in paragraphs_of(citation, document)]
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

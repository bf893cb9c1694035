"""Put an answer together from evidence: short, with year and kind said, every statement on its quotation."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from assistant.evidence import Evidence, Profile, matched, unit_class
from assistant.gate import Statement
from assistant.normalise import fold, plain_number
from assistant.question import Form, Question
from assistant.types import Citation
from corpus.figures import find_figures
from corpus.segment import clauses
from corpus.types import Document, Kind, Passage

_PARTS = re.compile(r"[,，、;；]|以及|还有|和|与|及|并")
MAX_LISTED = 30
MAX_SUBJECT_QUOTE = 160  # characters; a longer quotation is not given only to name a subject
SHORT_SENTENCE = 90  # characters; a sentence up to this length answers a question for a fact as a whole
REPEATED = 0.75  # share of a passage's characters in the question from which it says nothing new
NEAR_DENSE = 0.1  # how far below the best the cosine of an enumeration in the same sentence may lie
JOINED_SCORE = 6.0  # how far below the best a second clause of the same sentence may score
_GENERAL = re.compile(r"主要|重要|全部|所有|年度|总体|发展|经济|社会|都|出来|核心|关键|量化|约束性|预期性")
_ATTRIBUTE = re.compile(r"面积|金额|资金|投资额?|数量|规模|总量|总额|比例|增速")
_LIST_END = re.compile(r"等(?:“[^”]*”)?[\d一二两三四五六七八九十]*[个家项大类种条]?[^、]*$")
_LIST_START = re.compile(
    r"^(?:(?:全力|加快|积极|着力|重点|坚定|深入|大力)?(?:推进|推动|实施|加快|建设|开展|力促|包括|围绕|打好|完成|支持|抓好|建成|启动|培育|打造|改造))+(?=..)"
)
_FORMER = re.compile(r"原来|原先|之前|以前|由|从|多了|涨了|增加了|提高了|变化")
_RISEN_FROM = re.compile(
    r"(?:由|从)[^，；。由从]*?(?=(?:提高|增加|提升|上升|扩大|下降|降低|降|缩短|压缩|压减|调整|增长)(?:到|至))"
)
_SEVERAL = re.compile(
    r"哪些|哪[几两二三四五六七八九十]|些|分别|都|各|几|[两二三四五六七八九十](?:个|大|项|种|条|件|类|样)"
)
_ENUMERATED = re.compile(r"、|”“|等(?:\d|[一-鿿]{0,6}(?:项目|企业|产业|活动|行动))")
_ASKS = (
    ("percent", re.compile(r"增长|增速|增幅|涨|下降|降幅|占比|比重|比例|百分|同比|率")),
    (
        "money",
        re.compile(r"投资额|金额|总额|资金|多少钱|总投资|投资(?:是)?多少|亿元|万元|产值|营收|多少亿|完成投资|年度投资"),
    ),
    ("count", re.compile(r"数量|多少[个家项座处所条件名人户场套台]|几[个家项座处所条件名人户场套台]|个数|多少项目")),
)


def label(passage: Passage) -> str:
    """The words that say year and kind, or the header field: ``2024年目标``; empty where there is neither."""
    if passage.is_header:
        return passage.field
    if passage.year is None:
        return ""
    if passage.kind is Kind.RESULT:
        return f"{passage.year}年实际"
    if passage.kind is Kind.TARGET:
        is_goal = any("目标" in title for title in passage.section[-1:]) or "目标" in passage.context[:12]
        return f"{passage.year}年{'目标' if is_goal else '计划'}"
    return f"{passage.year}年"


def state(passage: Passage, document: Document, *, span: tuple[int, int] | None = None) -> Statement:
    """A statement that says a passage, or the published words of ``span`` around it."""
    start, end = span or (passage.start, passage.end)
    words = passage.text if span is None else document.text[start:end]
    return Statement(
        label=label(passage),
        words=re.sub(r"\s*\n\s*", "", words.strip()),
        quote=document.text[start:end],
        start=start,
        end=end,
        doc_id=document.doc_id,
        paragraph=passage.paragraph_id,
        section=passage.section,
        year=passage.year,
        kind=passage.kind,
    )


def with_subject(statement: Statement, passage: Passage, document: Document) -> Statement:
    """Put the subject that the sentence opens with in front of the words, and widen the quotation to bear it."""
    if not passage.subject or passage.subject in statement.words:
        return statement
    start = passage.sentence_start
    if statement.end - start > MAX_SUBJECT_QUOTE:
        return statement
    return replace(
        statement,
        words=f"{passage.subject}：{statement.words}",
        quote=document.text[start : statement.end],
        start=start,
    )


def clause_span(passage: Passage, document: Document) -> tuple[int, int]:
    """The whole clause or clauses that a passage is part of."""
    around = [
        span
        for span in clauses(document.text, passage.sentence_start, passage.sentence_end)
        if span[0] < passage.end and passage.start < span[1]
    ]
    if not around:
        return passage.start, passage.end
    return min(passage.start, around[0][0]), max(passage.end, around[-1][1])


def is_enumeration(text: str) -> bool:
    """Whether words name several things side by side."""
    return bool(_ENUMERATED.search(text))


def enumerated(passage: Passage, document: Document) -> list[str]:
    """The members that a passage's clause names side by side, without what opens and closes the list; empty for none."""
    if not passage.is_clause:
        return []
    text = document.text[slice(*clause_span(passage, document))]
    inside = re.search(r"“([^”]*、[^”]*)”", text)
    if inside:
        return inside.group(1).split("、")
    if len(quoted := re.findall(r"“([^”]+)”(?=[“、和及])|(?<=[”、和及])“([^”]+)”", text)) > 1:
        return [first or second for first, second in quoted]
    *parts, last = _LIST_END.sub("", text).split("、")
    parts += re.split(r"(?<=..)(?:和|以及|及)(?=..)", last, maxsplit=1) if parts else []
    return [_LIST_START.sub("", part.strip("“”")) for part in parts]


def facts(question: Question, ranked: Sequence[Evidence], document: Document) -> list[Statement]:
    """The statements that answer a question for a figure or a fact: one, or one for each thing asked for together."""
    chosen = _asked_together(question, ranked) or [_below(ranked)]
    chosen.sort(key=lambda evidence: evidence.passage.start)
    return [_fact(question, evidence, document) for evidence in chosen]


def _below(ranked: Sequence[Evidence]) -> Evidence:
    """The best evidence; for a subject that only opens a sentence, the best clause of that sentence."""
    best = ranked[0]
    if best.passage.field != "topic":
        return best
    return next((e for e in ranked[1:] if e.passage.is_clause and e.is_beside(best)), best)


def _fact(question: Question, evidence: Evidence, document: Document) -> Statement:
    passage = evidence.passage
    member = _singled_out(question, passage, document)
    if member:
        return replace(state(passage, document, span=clause_span(passage, document)), words=member)
    statement = _risen(question, state(passage, document, span=_widened(question, evidence, document)))
    wants_name = question.form in (Form.WHO, Form.WHERE, Form.WHAT, Form.LIST, Form.YESNO)
    names = any(
        own < 0.5 and matched(term.alternatives, fold(passage.subject)) >= 0.5
        for term, own in zip(question.terms, evidence.own, strict=True)
    )
    return with_subject(statement, passage, document) if wants_name or names else statement


def _risen(question: Question, statement: Statement) -> Statement:
    """The statement without what a figure rose or fell from, unless that is asked for (由每月75元提高到85元)."""
    if question.form is not Form.AMOUNT or _FORMER.search(question.folded):
        return statement
    return replace(statement, words=_RISEN_FROM.sub("", statement.words))


def _singled_out(question: Question, passage: Passage, document: Document) -> str:
    """The one member of an enumeration that a question is about (哪所学校改扩建); empty where its words fit none or several.

    A name in the question that stands in one member only speaks for that member. The first member may carry the verb
    of all, the last their common noun, so there the name must stand in the part as long as the other members.
    """
    if question.form not in (Form.WHO, Form.WHERE, Form.WHAT) or _SEVERAL.search(question.folded):
        return ""
    members = enumerated(passage, document)
    folded = [fold(member) for member in members]
    if len(folded) < 2 or any(words in folded[-1] for words in question.quoted):
        return ""
    own = [folded[0][-_room(folded[1:]) :], *folded[1:-1], folded[-1][: _room(folded[:-1])]]
    meant = set()
    for term in question.terms:
        holding = [i for i, words in enumerate(folded) if any(word in words for word in term.alternatives)]
        if len(holding) == 1 and len(term.text) >= 2:
            inside = own[holding[0]]
            if not any(word in inside and len(inside) >= len(word) + 2 for word in term.alternatives):
                return ""
            meant.add(holding[0])
    return members[meant.pop()] if len(meant) == 1 else ""


def _room(others: Sequence[str]) -> int:
    """How long a member may be beside the others, in characters."""
    return max(map(len, others))


def _widened(question: Question, evidence: Evidence, document: Document) -> tuple[int, int] | None:
    """What is quoted where how is asked or the passage leaves out words of the question; ``None`` for it alone.

    Its whole sentence where that is short and has hardly a figure, else the passage with the clause beside it that
    holds such words, or with the one after it where the passage only repeats the question.
    """
    passage = evidence.passage
    if question.form in (Form.AMOUNT, Form.LIST) or not passage.is_clause:
        return None
    missing = [t for t, own in zip(question.terms, evidence.own, strict=True) if own < 0.5 and len(t.text) >= 2]
    sentence = document.text[passage.sentence_start : passage.sentence_end]
    said = fold(sentence)
    speaks = question.form is Form.HOW or any(matched(term.alternatives, said) >= 0.5 for term in missing)
    if speaks and len(sentence) <= SHORT_SENTENCE and len(find_figures(sentence)) <= 1:
        return passage.sentence_start, passage.sentence_end
    spans = clauses(document.text, passage.sentence_start, passage.sentence_end)
    here = clause_span(passage, document)
    place = next((i for i, span in enumerate(spans) if span[0] >= here[0]), 0)
    repeats = question.form is not Form.YESNO and evidence.feature("focus") >= REPEATED
    for beside in (place + 1, place - 1):
        if 0 <= beside < len(spans):
            words = fold(document.text[slice(*spans[beside])])
            holds = any(matched(term.alternatives, words) >= 0.9 for term in missing)
            if holds or (repeats and beside > place and not find_figures(words)):
                return min(here[0], spans[beside][0]), max(here[1], spans[beside][1])
    return None


def _asked_together(question: Question, ranked: Sequence[Evidence]) -> list[Evidence]:
    """The evidence for each of several facts that one question asks for; one where it asks for one.

    The question is read in the parts that commas and “和” make. Each part goes to the passage that covers its words and
    holds a figure of the kind it asks for; parts that go to the same passage ask for one fact.
    """
    best = ranked[0]
    if len(question.years) > 1:
        twins = [
            next((e for e in ranked[:15] if e.passage.year == y and e.fits_like(best)), None) for y in question.years
        ]
        return [twin for twin in twins if twin is not None]
    parts = [part for part in _PARTS.split(question.folded) if part]
    if question.form is not Form.AMOUNT or len(parts) < 2:
        return []
    chosen: list[Evidence] = []
    for part in parts:
        evidence = _for_part(part, question, ranked)
        if evidence is not None and evidence.passage.text not in [e.passage.text for e in chosen]:
            chosen.append(evidence)
    return chosen if 2 <= len(chosen) <= 3 else []


def _for_part(part: str, question: Question, ranked: Sequence[Evidence]) -> Evidence | None:
    places = [
        i
        for i, term in enumerate(question.terms)
        if term.text in part and len(term.text) >= 2 and not _ATTRIBUTE.fullmatch(term.text)
    ]
    wanted = next((name for name, pattern in _ASKS if pattern.search(part)), "")
    scored = []
    for evidence in ranked[:20]:
        passage = evidence.passage
        if not passage.figures or not passage.is_clause or passage.year != ranked[0].passage.year:
            continue
        own = sum(evidence.own[i] for i in places) / len(places) if places else 0.0
        fits = not wanted or any(unit_class(figure.unit) == wanted for figure in passage.figures)
        beside = evidence.is_beside(ranked[0])
        if own >= 0.5 or (wanted and fits and beside):
            scored.append((fits, evidence.score + 5 * own + 2 * beside, evidence))
    return max(scored, key=lambda entry: entry[:2])[2] if scored else None


def _by_terms(question: Question, near: Sequence[Evidence]) -> list[Evidence]:
    """Evidence that covers words of the question which the better one leaves out, taken greedily."""
    if not near:
        return []
    chosen = [near[0]]
    best = list(near[0].own)
    for evidence in near[1:]:
        new = [
            term
            for term, own, had in zip(question.terms, evidence.own, best, strict=True)
            if own >= 0.9 and had < 0.5 and len(term.text) >= 2
        ]
        if new and evidence.passage.figures and evidence.passage.text != near[0].passage.text:
            chosen.append(evidence)
            best = [max(a, b) for a, b in zip(best, evidence.own, strict=True)]
    return chosen if len(chosen) <= 3 else chosen[:1]


def listing(
    question: Question, ranked: Sequence[Evidence], document: Document, passages: Sequence[Passage], profile: Profile
) -> list[Statement]:
    """The statements that answer a question for a list: the members of a group, or the clause that names them."""
    best = ranked[0]
    passage = best.passage
    if passage.field in ("lead", "heading"):
        passage = _most_specific(question, passage, passages)
        members = group_members(passage, passages)
        if members and len(members) <= MAX_LISTED:
            return [state(member, document) for member in members]
    if passage.field == "topic":
        members = [p for p in passages if p.sentence_start == passage.sentence_start and p.is_clause]
        return [state(member, document) for member in members] or [state(passage, document)]
    if passage.field:
        return [state(passage, document)]
    if passage.sentence_start in profile.announcing:
        listed = profile.announcing[passage.sentence_start]
        return [state(p, document) for p in passages if p.sentence_start == listed and p.is_clause and len(p.text) > 3]
    if not is_enumeration(document.text[slice(*clause_span(passage, document))]):
        named = next(
            (
                e
                for e in ranked
                if e.is_beside(best)
                and is_enumeration(e.passage.text)
                and (max(e.own) >= 0.9 or best.found.dense - e.found.dense <= NEAR_DENSE)
            ),
            None,
        )
        if named is not None:
            return [state(named.passage, document, span=clause_span(named.passage, document))]
        together = _by_terms(
            question, [e for e in ranked[:8] if e.is_beside(best) and best.score - e.score <= JOINED_SCORE]
        )
        if len(together) > 1:
            return [state(e.passage, document, span=clause_span(e.passage, document)) for e in together]
    statement = state(passage, document, span=clause_span(passage, document))
    needs_subject = re.search(r"哪家|哪个|谁|园区|企业|公司|单位", question.folded) and not is_enumeration(
        statement.words
    )
    return [with_subject(statement, passage, document) if needs_subject else statement]


def _most_specific(question: Question, opening: Passage, passages: Sequence[Passage]) -> Passage:
    """The title or lead below ``opening`` that the question names; ``opening`` where it names none."""
    if opening.field != "heading":
        return opening
    depth = len(opening.section)
    best, most = opening, 0.7
    for passage in passages:
        if passage.section[:depth] != opening.section or passage.field not in ("heading", "lead") or passage is opening:
            continue
        name = fold(re.sub(r"^[（(]?[一二三四五六七八九十]+[）)、]", "", passage.text))
        named = matched([name], question.folded, partial=1.0) if len(name) >= 4 else 0.0
        if named > most:
            best, most = passage, named
    return best


def group_members(opening: Passage, passages: Sequence[Passage]) -> list[Passage]:
    """The passages that a lead or a section title opens, in reading order.

    A title that stands over further titles or leads opens those; a lead whose sentences each open with a subject opens
    the subjects; else the clauses are the members.
    """
    if opening.field == "lead":
        inside = [p for p in passages if p.paragraph_id == opening.paragraph_id and p.lead == opening.text]
        topics = [p for p in inside if p.field == "topic"]
        return topics if len(topics) >= 3 else [p for p in inside if p.is_clause]
    depth = len(opening.section)
    below = [p for p in passages if p.section[:depth] == opening.section and p is not opening]
    titles = [p for p in below if p.field == "heading" and len(p.section) == depth + 1]
    leads = [p for p in below if p.field == "lead"]
    return titles or leads or [p for p in below if p.is_clause]


def goals(question: Question, passages: Sequence[Passage]) -> list[Passage]:
    """All goals of the document, in reading order, where a question asks for goals and names none of them.

    They are the clauses under the title that says 目标 and opens most figures; empty where the document has no such title.
    """
    asks = re.search(r"目标|指标", question.folded) and question.kind is not Kind.RESULT
    if not asks or any(not _GENERAL.fullmatch(term.text) for term in question.terms):
        return []
    best: list[Passage] = []
    for opening in passages:
        is_asked = opening.year is None or not question.years or opening.year in question.years
        if opening.field == "heading" and "目标" in opening.text and is_asked:
            members = [p for p in group_members(opening, passages) if p.is_clause]
            if sum(bool(p.figures) for p in members) > sum(bool(p.figures) for p in best):
                best = members
    return best if len(best) > 1 else []


def counted_titles(question: Question, passages: Sequence[Passage]) -> list[Passage]:
    """The titles or leads of one group that share a quoted word and are as many as the question counts (七个“聚力”)."""
    counted = re.search(r"([\d二两三四五六七八九十]+)(?:个|大|项|条|方面|种|类)", question.folded)
    number = int(plain_number(counted.group(1))) if counted else 0
    for word in question.quoted if number >= 3 else ():
        groups: dict[tuple[str, ...], list[Passage]] = {}
        for passage in passages:
            if passage.field in ("heading", "lead") and word in fold(passage.text):
                above = passage.section[:-1] if passage.field == "heading" else (passage.paragraph_id,)
                groups.setdefault((passage.field, *above), []).append(passage)
        for members in groups.values():
            if len(members) == number:
                return members
    return []


def written(statements: Sequence[Statement], numbers: Sequence[int]) -> str:
    """The statements as the reader sees them: one sentence, or a list under what they have in common."""
    labels = {statement.label for statement in statements}
    if len(statements) == 1:
        statement = statements[0]
        return f"{_labelled(statement)}。[{numbers[0]}]"
    if len(labels) == 1:
        common = f"{labels.pop()}："
        common = "" if common == "：" else common
        if len(statements) <= 3 and sum(len(s.words) for s in statements) <= 80:
            return common + "；".join(f"{s.words}[{n}]" for s, n in zip(statements, numbers, strict=True)) + "。"
        return f"{common}\n" + "\n".join(f"- {s.words}[{n}]" for s, n in zip(statements, numbers, strict=True))
    if len(statements) == 2:
        return "；".join(f"{_labelled(s)}[{n}]" for s, n in zip(statements, numbers, strict=True)) + "。"
    return "\n".join(f"- {_labelled(s)}[{n}]" for s, n in zip(statements, numbers, strict=True))


def _labelled(statement: Statement) -> str:
    return f"{statement.label}：{statement.words}" if statement.label else statement.words


def citation(statement: Statement, number: int, document: Document) -> Citation:
    """The citation of a statement, numbered as in the answer."""
    return Citation(
        n=number,
        document=document.doc_id,
        paragraph=statement.paragraph,
        section=section_path(statement.section),
        quote=document.text[statement.start : statement.end],
        start=statement.start,
        end=statement.end,
        sha256=document.sha256,
    )


def section_path(section: Sequence[str]) -> str:
    """The section titles from the outside in; 文件头 where there are none."""
    return " / ".join(section) if section else "文件头"


def number_citations(
    statements: Sequence[Statement], documents: Mapping[str, Document]
) -> tuple[list[int], list[Citation]]:
    """Number the quotations by first appearance; statements on the same quotation share a number."""
    seen: dict[tuple[str, int, int], int] = {}
    cited: list[Citation] = []
    numbers = []
    for statement in statements:
        key = (statement.doc_id, statement.start, statement.end)
        if key not in seen:
            seen[key] = len(seen) + 1
            cited.append(citation(statement, seen[key], documents[statement.doc_id]))
        numbers.append(seen[key])
    return numbers, cited

"""Grade one answer against one question: pure functions, each a score with its reason.

A measure that has nothing to look at because nothing was returned is 0, never skipped; a measure that does not concern
a question (a year contrast of a list) is ``None``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal

from assistant.types import Answer, Citation, Status
from corpus.types import Document, Figure
from evals.fold import contains, figures_of, fold, without_marks
from evals.types import EvalCase, Score

DERIVED_LABEL = "计算得出"
_SUBTRACTION = re.compile(
    r"(?P<from>\d+(?:\.\d+)?)[^\d－＝；。]*－(?P<less>\d+(?:\.\d+)?)[^\d－＝；。]*＝(?P<result>(?P<left>\d+(?:\.\d+)?)[^\d，。；\n]*)"
)
_FACT_CHARS, _FACT_RATIO = 90, 2.2
_LIST_CHARS, _LIST_RATIO = 220, 3.0
_BOUND_CLASSES = {
    "至少": ("不低于", "不少于", "至少", "以上"),
    "至多": ("不高于", "不超过", "控制在", "以内", "以下", "之内"),
    "大约": ("左右", "上下", "约"),
    "超过": ("超", "突破", "逾", "多", "余"),
    "接近": ("接近", "近"),
    "": ("达到", "达"),
}
_REFUSALS = (Status.NOT_FOUND, Status.DECLINED)


def grade(case: EvalCase, answer: Answer, documents: Mapping[str, Document]) -> tuple[Score, ...]:
    """Every score that concerns the case, in a fixed order.

    Args:
        case: The question with its right answer.
        answer: What was answered.
        documents: The documents that may be cited, by ``doc_id``.
    """
    measures: tuple[Callable[[], Score | None], ...] = (
        lambda: right(case, answer),
        lambda: found(case, answer),
        lambda: right_refusal(case, answer),
        lambda: not_refused(case, answer),
        lambda: right_year(case, answer),
        lambda: right_wording(case, answer),
        lambda: bound(case, answer),
        lambda: citations_slice(case, answer, documents),
        lambda: citation_precision(case, answer, documents),
        lambda: citation_recall(case, answer, documents),
    )
    return tuple(score for measure in measures if (score := measure()) is not None)


def right(case: EvalCase, answer: Answer) -> Score:
    """Whether the answer is right as a whole.

    Answerable: every gold value said, no trap said, to the point. Unanswerable: refused. Wording check: the verdict.
    """
    if case.type == "wording_check":
        return _score(case, "right", _wording_fault(case, answer))
    if not case.answerable:
        return _score(case, "right", _refusal_fault(answer))
    fault = (
        _status_fault(case, answer)
        or _value_fault(case, answer)
        or _trap_fault(case, answer)
        or _focus_fault(case, answer)
    )
    return _score(case, "right", fault)


def found(case: EvalCase, answer: Answer) -> Score | None:
    """Whether every gold value is said, whatever else the answer says; ``None`` where there is none to say."""
    if not case.answerable or case.type == "wording_check":
        return None
    return _score(case, "found", _status_fault(case, answer) or _value_fault(case, answer))


def right_refusal(case: EvalCase, answer: Answer) -> Score | None:
    """Whether an unanswerable question is refused: ``not_found`` or ``declined``, a counter-question is neither."""
    if case.answerable or case.type == "wording_check":
        return None
    return _score(case, "right_refusal", _refusal_fault(answer))


def not_refused(case: EvalCase, answer: Answer) -> Score | None:
    """Whether an answerable question is not refused, right or wrong as the answer may be."""
    if not case.answerable or case.type == "wording_check":
        return None
    fault = f"可回答的问题被拒答（{answer.status.value}）" if answer.status in _REFUSALS else ""
    return _score(case, "not_refused", fault)


def right_year(case: EvalCase, answer: Answer) -> Score | None:
    """Whether a year contrast is answered without the other year's value; ``None`` for other questions."""
    if case.type != "year_contrast" or not case.answerable:
        return None
    return _score(case, "right_year", _status_fault(case, answer) or _trap_fault(case, answer))


def right_wording(case: EvalCase, answer: Answer) -> Score | None:
    """Whether a wording check has the expected verdict and, where words differ, the original ones."""
    return _score(case, "right_wording", _wording_fault(case, answer)) if case.type == "wording_check" else None


def bound(case: EvalCase, answer: Answer) -> Score:
    """Whether every figure of the answer stands in a cited quote, with its bound word and nothing beside its digits.

    The gate's own report must agree, and each figure is looked up again here. A derived figure is one where it is labelled
    and its formula comes out, whose other figures must stand in the quotes; the words of the question may be repeated where they are checked or refused.
    """
    gate = answer.gate
    if gate.figures != gate.bound:
        return _score(case, "bound", f"数字关卡报告 {gate.figures} 个数字中只有 {gate.bound} 个有依据")
    sources = [citation.quote for citation in (*answer.citations, *answer.nearest)]
    if answer.wording_check is not None:
        sources.append(answer.wording_check.original)
    if case.type == "wording_check" or answer.status in _REFUSALS:
        sources += [case.question, *case.turns]
    known = [figure for source in sources for figure in figures_of(source)]
    if DERIVED_LABEL in answer.answer:
        known += [figure for result in _worked_out(answer.answer) for figure in figures_of(result)]
    loose = [figure.text for figure in figures_of(answer.answer) if not _is_bound(figure, known, sources)]
    return _score(case, "bound", f"引文中找不到这些数字：{'、'.join(loose)}" if loose else "")


def _worked_out(text: str) -> list[str]:
    """The results, with their units, of the subtractions in a text that come out."""
    return [
        match["result"]
        for match in _SUBTRACTION.finditer(text)
        if Decimal(match["from"]) - Decimal(match["less"]) == Decimal(match["left"])
    ]


def citations_slice(case: EvalCase, answer: Answer, documents: Mapping[str, Document]) -> Score:
    """Whether ``document.text[start:end]`` is the quote, for every citation and every nearest passage.

    An answer that states something without a citation scores 0; a refusal need not cite.
    """
    for citation in (*answer.citations, *answer.nearest):
        document = documents.get(citation.document)
        if document is None:
            return _score(case, "citations_slice", f"引用了不存在的文件 {citation.document}")
        if citation.start >= citation.end or document.text[citation.start : citation.end] != citation.quote:
            place = f"{citation.document}[{citation.start}:{citation.end}]"
            return _score(case, "citations_slice", f"引文 [{citation.n}] 与 {place} 的原文不同")
        if citation.sha256 != document.sha256:
            return _score(case, "citations_slice", f"引文 [{citation.n}] 的 sha256 与文件不同")
    states = answer.status in (Status.ANSWERED, Status.CLARIFY)
    refuted = answer.wording_check is not None and answer.wording_check.verdict == "not_found"
    return _score(
        case, "citations_slice", "给出了答案而没有引文" if states and not refuted and not answer.citations else ""
    )


def citation_precision(case: EvalCase, answer: Answer, documents: Mapping[str, Document]) -> Score | None:
    """Share of the citations that touch a gold span; 0 without citations, ``None`` for unanswerable questions."""
    if not is_citable(case):
        return None
    good = [
        c
        for c in answer.citations
        if any(_touches(c, place) for span in case.gold_spans for place in places(span, documents))
    ]
    value = len(good) / len(answer.citations) if answer.citations else 0.0
    return Score(case.id, "citation_precision", value, f"{len(answer.citations)} 条引文中 {len(good)} 条落在答案所在处")


def citation_recall(case: EvalCase, answer: Answer, documents: Mapping[str, Document]) -> Score | None:
    """Share of the gold spans that a citation touches at one of their places; ``None`` for unanswerable questions."""
    if not is_citable(case):
        return None
    covered = [
        span
        for span in case.gold_spans
        if any(_touches(citation, place) for citation in answer.citations for place in places(span, documents))
    ]
    reason = f"{len(case.gold_spans)} 处答案中 {len(covered)} 处被引用"
    return Score(case.id, "citation_recall", len(covered) / len(case.gold_spans), reason)


def places(span: str, documents: Mapping[str, Document]) -> Iterator[tuple[str, int, int]]:
    """Every place where a gold span stands: ``(doc_id, start, end)``."""
    for doc_id, document in documents.items():
        start = document.text.find(span)
        while start != -1:
            yield doc_id, start, start + len(span)
            start = document.text.find(span, start + 1)


def _is_bound(figure: Figure, known: Sequence[Figure], sources: Sequence[str]) -> bool:
    same = [other for other in known if (other.value, other.upper) == (figure.value, figure.upper)]
    if not same:
        return any(contains(source, figure.text) for source in sources)
    return any((other.unit, bound_class(other)) == (figure.unit, bound_class(figure)) for other in same)


def bound_class(figure: Figure) -> str:
    """What the bound words of a figure claim: words that claim the same (以上, 不低于) are one; 达到 claims nothing."""
    words = figure.bound
    for claim, spellings in _BOUND_CLASSES.items():
        if any(spelling in words for spelling in spellings):
            return claim
    return words


def is_citable(case: EvalCase) -> bool:
    """Whether the document bears an answer to the case, so that it can be found and cited."""
    return case.answerable and bool(case.gold_spans) and case.expected != "not_found"


def _touches(citation: Citation, place: tuple[str, int, int]) -> bool:
    doc_id, start, end = place
    return citation.document == doc_id and citation.start < end and start < citation.end


def _score(case: EvalCase, measure: str, fault: str) -> Score:
    return Score(case.id, measure, 0.0 if fault else 1.0, fault or "正确")


def _status_fault(case: EvalCase, answer: Answer) -> str:
    accepted = (Status.ANSWERED, Status.CLARIFY) if case.type == "clarify" else (Status.ANSWERED,)
    return "" if answer.status in accepted else f"应当回答，状态却是 {answer.status.value}"


def _refusal_fault(answer: Answer) -> str:
    return "" if answer.status in _REFUSALS else f"文件没有答案，状态却是 {answer.status.value}"


def _value_fault(case: EvalCase, answer: Answer) -> str:
    said = without_marks(answer.answer)
    missing = [group[0] for group in case.spellings() if not any(contains(said, spelling) for spelling in group)]
    return f"缺少：{'、'.join(missing)}" if missing else ""


def _trap_fault(case: EvalCase, answer: Answer) -> str:
    said = without_marks(answer.answer)
    golds = [spelling for group in case.spellings() for spelling in group]
    traps = [trap for trap in case.trap_values if not any(contains(gold, trap) for gold in golds)]
    sprung = [trap for trap in traps if contains(said, trap)]
    return f"说了不该说的值：{'、'.join(sprung)}" if sprung else ""


def _focus_fault(case: EvalCase, answer: Answer) -> str:
    """Whether the answer says much more than was asked; enumerations may hold any number of figures."""
    said = "".join(without_marks(answer.answer).split())
    is_list = case.is_list()
    gold_chars = sum(map(len, case.gold_spans))
    limit = max(_LIST_CHARS, _LIST_RATIO * gold_chars) if is_list else max(_FACT_CHARS, _FACT_RATIO * gold_chars)
    if len(said) > limit:
        return f"太长：{len(said)} 字，至多 {limit:.0f} 字"
    if is_list or DERIVED_LABEL in answer.answer:
        return ""
    figures = _distinct(answer.answer)
    asked = sum(len(figures_of(value)) for value in case.gold_values)
    around = min((len(figures_of(span)) for span in case.gold_spans), default=0)
    most = asked + max(1, around)
    return f"答非所问的数字太多：{len(figures)} 个，至多 {most} 个" if len(figures) > most else ""


def _distinct(text: str) -> set[str]:
    return {fold(figure.text) for figure in figures_of(text)}


def _wording_fault(case: EvalCase, answer: Answer) -> str:
    check = answer.wording_check
    if check is None:
        return f"没有核对结论（状态 {answer.status.value}）"
    if check.verdict != case.expected:
        return f"结论应为 {case.expected}，却是 {check.verdict}"
    if case.expected != "mismatch":
        return ""
    if case.gold_values:
        missing = [g[0] for g in case.spellings() if not any(contains(check.original, spelling) for spelling in g)]
    else:
        gold = (case.original,) if case.original else case.gold_spans
        missing = [span for span in gold if fold(span) not in fold(check.original)]
    return f"给出的原文里没有：{'、'.join(missing)}" if missing else ""

"""Which of several passages that fit comes first, and which fit so alike that the question must be given back."""

from __future__ import annotations

from collections.abc import Sequence

from assistant.evidence import Evidence, leans
from assistant.normalise import fold
from assistant.question import Form, Question
from assistant.refusal import unit_clashes

MAX_FITTING = 4
CLARIFY_MARGIN = 0.6  # score distance under which two readings count as equal; chosen on the development questions


def promoted(first: Evidence | None, ranked: Sequence[Evidence]) -> list[Evidence]:
    """The evidence with one piece put first; unchanged where there is none to put first."""
    return list(ranked) if first is None else [first, *(e for e in ranked if e is not first)]


def prefer_asked_year(question: Question, ranked: list[Evidence]) -> list[Evidence]:
    """Put the passage of the year asked about first where the best one says the same of another year."""
    if not ranked or not question.years or ranked[0].passage.year in (None, *question.years):
        return ranked
    asked = (e for e in ranked[1:10] if e.passage.year in question.years and e.fits_like(ranked[0]))
    return promoted(next(asked, None), ranked)


def prefer_level(question: Question, ranked: list[Evidence]) -> list[Evidence]:
    """Put the amount before its rate of growth where the question asks for no rate (进出口总额是多少)."""
    if not ranked or not ranked[0].feature("percent_unasked"):
        return ranked
    best = ranked[0]
    levels = (
        e for e in ranked[1:10]
        if e.is_beside(best) and e.passage.figures and not e.feature("percent_unasked") and e.fits_like(best)
    )  # fmt: skip
    return promoted(next(levels, None), ranked)


def prefer_unit(question: Question, ranked: list[Evidence]) -> list[Evidence]:
    """Put a figure of the kind asked for first where the best passage's sentence goes on to it (培训3000人，人均增收1.5万元)."""
    if not ranked or question.form is not Form.AMOUNT or not unit_clashes(question, ranked[0].passage):
        return ranked
    best = ranked[0]
    going_on = (
        e for e in ranked[1:6]
        if e.is_beside(best) and e.passage.figures and not unit_clashes(question, e.passage) and leans(e.passage.text)
    )  # fmt: skip
    return promoted(next(going_on, None), ranked)


def equally_fitting(question: Question, ranked: Sequence[Evidence], plan_year: int | None) -> list[Evidence]:
    """Two to four readings that fit a question for a figure equally well; empty where one fits best.

    Readings differ in year where the question names none, or in their subject where its words fit both. Where more
    would do, those of the year planned for are given.
    """
    best = ranked[0]
    if question.form is not Form.AMOUNT or not best.passage.figures or not best.passage.is_clause or not best.own:
        return []
    if min(best.own) < 0.5 or len(question.years) > 1:
        return []
    readings = [
        e for e in ranked[:15]
        if e.passage.figures and e.passage.is_clause
        and ((e.fits_like(best) and (best.score - e.score <= CLARIFY_MARGIN or _is_twin(question, e, best)))
             or _shares_quote(question, e, best))
    ]  # fmt: skip
    if any(not e.feature("percent_unasked") for e in readings):
        readings = [e for e in readings if not e.feature("percent_unasked")]
    unique = list({e.passage.text + str(e.passage.year): e for e in reversed(readings)}.values())
    if len(unique) > MAX_FITTING:
        unique = [e for e in unique if e.passage.year == plan_year][:MAX_FITTING]
    return sorted(unique, key=lambda e: e.passage.start) if len(unique) > 1 else []


def _shares_quote(question: Question, one: Evidence, other: Evidence) -> bool:
    """Whether “分别” gives two passages of one quotation a figure each and no word of the question chooses between them."""
    if one.passage.start >= other.passage.end or other.passage.start >= one.passage.end:
        return False
    if {figure.unit for figure in one.passage.figures} != {figure.unit for figure in other.passage.figures}:
        return False
    texts = fold(one.passage.text), fold(other.passage.text)
    pairs = [word[i : i + 2] for term in question.terms for word in term.alternatives for i in range(len(word) - 1)]
    return not any((pair in texts[0]) != (pair in texts[1]) for pair in pairs)


def _is_twin(question: Question, one: Evidence, other: Evidence) -> bool:
    """Whether two passages say the same thing of two years and the question does not choose between them."""
    return (
        not question.years
        and question.kind is None
        and one.passage.year != other.passage.year
        and one.feature("cover") >= 0.8
    )

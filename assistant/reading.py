"""Choose what a question in a conversation means: of the stand-alone questions it can be, the one whose evidence fits best.

Each is described by a few numbers (``READING_FEATURES``); a linear model fitted on conversations about other documents
turns them into one score. The fit and what it replaced are in ``docs/retrieval.md``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from assistant.evidence import Evidence, Profile, matched
from assistant.history import StandAlone, Way, asks_itself, names_something
from assistant.question import Form, Question, Term
from assistant.refusal import form_met

_BACK = re.compile(r"回到|说回|回头|前面|刚才|刚刚|之前|最开始|一开始|最早|第一个(?:问题|指标)|开头")
_REFERS = re.compile(r"它|他们|这个|那个|这些|那些|前者|后者|该|其中|此")
_ASKS_ON = re.compile(r"^(?:那|再|还|换)|呢[？?]?$")

READING_FEATURES = (
    *(f"is_{way.value}" for way in Way),
    "is_far",
    "is_far_said",
    "confidence",
    "is_refused",
    "is_answered",
    "typed",
    "typed_names",
    "typed_wide",
    "cover",
    "margin",
    "dense",
    "length",
    "form_unmet",
    "form_kept",
    "form_lost",
    "figure_kept",
    "year_agrees",
    "year_differs",
    "year_kept",
    "same_passage",
    "same_sentence",
    "same_paragraph",
    "same_section",
    "typed_refers",
    "typed_asks_on",
    "typed_says",
)

PLAINEST = (Way.TYPED, Way.LISTED, Way.DATED, Way.PUT_IN, Way.REFERRED, Way.JOINED)


@dataclass(frozen=True, slots=True)
class Reading:
    """A question made stand-alone one way, as understood, with the evidence found for it, best first.

    ``sure`` is the probability that the evidence answers it, ``is_refused`` whether a rule speaks against it,
    ``earlier_years`` the years that the question before it was about.
    """

    alone: StandAlone
    question: Question
    ranked: Sequence[Evidence]
    sure: float
    is_refused: bool
    is_answered: bool
    earlier_years: tuple[int, ...]
    timings_ms: Mapping[str, float]


def choose(
    readings: Sequence[Reading],
    typed: Question,
    earlier: Sequence[Reading],
    profile: Profile,
    weights: Sequence[float],
) -> Reading:
    """The reading that fits best; of several that come to the same answer, the one in the plainest words.

    Args:
        readings: At least one, as ``history.stand_alone`` gives them.
        typed: The question as typed, as understood.
        earlier: How the earlier questions were read, oldest first.
        profile: The document.
        weights: One for each of ``READING_FEATURES``.

    Returns:
        The first where none has evidence, or where the best is not answered and the question asks for something by name
        itself: nothing speaks for having borrowed.
    """
    found = [reading for reading in readings if reading.ranked and reading.question.terms]
    if len(found) < 2:
        return found[0] if found else readings[0]
    scores = [
        sum(w * v for w, v in zip(weights, describe_reading(reading, typed, earlier, profile), strict=True))
        for reading in found
    ]
    best = found[scores.index(max(scores))]
    if not best.is_answered and asks_itself(typed.text) and sum(names_something(t.text) for t in typed.terms) >= 2:
        return found[0]
    same = [reading for reading in found if _come_to(reading) == _come_to(best)]
    return min(same, key=lambda reading: _plainness(reading.alone, typed))


def _plainness(alone: StandAlone, typed: Question) -> tuple[bool, int]:
    """Lower is plainer; words that ask nothing themselves are plainer where they are put into a question that does."""
    return alone.way is Way.TYPED and not asks_itself(typed.text), PLAINEST.index(alone.way)


def _come_to(reading: Reading) -> tuple[object, ...]:
    question = reading.question
    return (
        reading.ranked[0].passage.passage_id,
        reading.is_answered,
        question.form,
        question.unit_class,
        question.years,
        question.kind,
    )


def holds(terms: Sequence[Term], target: str) -> float:
    """The mean share of the terms that a text holds; 1 where there are none."""
    return sum(matched(term.alternatives, target) for term in terms) / len(terms) if terms else 1.0


def describe_reading(
    reading: Reading, typed: Question, earlier: Sequence[Reading], profile: Profile
) -> tuple[float, ...]:
    """The values of ``READING_FEATURES``.

    Args:
        reading: What is described; its evidence is not empty.
        typed: The question as typed, as understood.
        earlier: How the earlier questions were read, oldest first.
        profile: The document.
    """
    alone, best = reading.alone, reading.ranked[0]
    passage, folded = best.passage, profile.folded[best.passage.passage_id]
    names = [term for term in typed.terms if names_something(term.text)]
    own = folded.text + folded.subject
    wide = own + folded.context + folded.lead + folded.section
    said = [before.ranked[0].passage for before in earlier if before.ranked]
    is_typed, is_far = alone.way is Way.TYPED, alone.back > 1
    odds = math.log(max(reading.sure, 1e-6) / max(1 - reading.sure, 1e-6))
    before, asks = earlier[-1].question if earlier else typed, asks_itself(typed.text)
    following = next((e.score for e in reading.ranked[1:]), best.score - 3)
    return (
        *(float(alone.way is way) for way in Way),
        float(is_far),
        float(is_far and bool(_BACK.search(typed.folded))),
        odds,
        float(reading.is_refused),
        float(reading.is_answered),
        holds(typed.terms, own),
        holds(names, own),
        holds(names, wide),
        best.feature("cover"),
        min(best.score - following, 3.0),
        best.found.dense,
        len(alone.text) / 40,
        float(not form_met(typed, best, profile)),
        float(not asks and reading.question.form is before.form),
        float(asks and reading.question.form is not typed.form),
        float(not asks and before.form is Form.AMOUNT and bool(passage.figures)),
        float(passage.year in typed.years),
        float(bool(typed.years) and passage.year not in typed.years),
        float(not typed.years and bool(said) and said[-1].year == passage.year),
        float(any(p.passage_id == passage.passage_id for p in said)),
        float(any(p.sentence_start == passage.sentence_start for p in said)),
        float(any(p.paragraph_id == passage.paragraph_id for p in said)),
        float(any(p.section == passage.section for p in said)),
        float(is_typed and bool(_REFERS.search(typed.folded))),
        float(is_typed and bool(_ASKS_ON.search(typed.folded))),
        float(is_typed) * min(len(names), 4),
    )

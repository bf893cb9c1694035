"""The shipped questions are gradable, stand on the plan's own words, and are enough of each kind.

Nothing here may print a sealed question: failures name ids only.
"""

from __future__ import annotations

from collections import Counter

import pytest

from evals.answerers import open_documents
from evals.fold import contains
from evals.run import QUESTIONS, suite_cases
from evals.types import KNOWN_TYPES, EvalCase

FILES = sorted(path.stem for path in QUESTIONS.glob("*.jsonl"))
(PLAN,) = open_documents().values()


@pytest.fixture(scope="module")
def cases() -> tuple[EvalCase, ...]:
    return suite_cases("all")


def ids(cases: tuple[EvalCase, ...], faulty: list[bool]) -> list[str]:
    return [case.id for case, is_faulty in zip(cases, faulty, strict=True) if is_faulty]


def test_the_suites_are_all_the_files() -> None:
    assert FILES == ["dev", "sealed"]


def test_every_gold_span_stands_in_the_plan(cases: tuple[EvalCase, ...]) -> None:
    assert ids(cases, [any(span not in PLAN.text for span in case.gold_spans) for case in cases]) == []


def test_every_answerable_question_has_a_span_that_bears_each_value(cases: tuple[EvalCase, ...]) -> None:
    def is_bare(case: EvalCase) -> bool:
        if not case.answerable or case.expected == "not_found":
            return False
        return not case.gold_spans or not all(
            any(contains(span, spelling) for span in case.gold_spans for spelling in group)
            for group in case.spellings()
        )

    assert ids(cases, [is_bare(case) for case in cases]) == []


def test_ids_are_unique_over_all_files(cases: tuple[EvalCase, ...]) -> None:
    assert [name for name, count in Counter(case.id for case in cases).items() if count > 1] == []


def test_no_question_stands_in_both_files() -> None:
    def asked(suite: str) -> dict[tuple[tuple[str, ...], str], str]:
        return {(case.turns, "".join(case.question.split())): case.id for case in suite_cases(suite)}

    dev, sealed = asked("dev"), asked("sealed")
    assert sorted(dev[key] for key in dev.keys() & sealed.keys()) == []


def test_types_are_the_known_ones(cases: tuple[EvalCase, ...]) -> None:
    assert {case.type for case in cases} <= set(KNOWN_TYPES)


def test_a_trap_is_not_what_is_asked_for(cases: tuple[EvalCase, ...]) -> None:
    assert ids(cases, [bool(set(case.trap_values) & set(case.gold_values)) for case in cases]) == []


@pytest.mark.parametrize(
    ("kind", "least"),
    [("all", 300), ("unanswerable", 50), ("paraphrase", 40), ("follow_up", 30), ("sealed", 100)],
)
def test_there_are_enough_questions(cases: tuple[EvalCase, ...], kind: str, least: int) -> None:
    counts = {
        "all": len(cases),
        "unanswerable": sum(not case.answerable for case in cases),
        "paraphrase": sum(case.type == "paraphrase" for case in cases),
        "follow_up": sum(bool(case.turns) for case in cases),
        "sealed": len(suite_cases("sealed")),
    }
    assert counts[kind] >= least
    assert 3 * counts["sealed"] >= counts["all"]

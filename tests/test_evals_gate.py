"""The assistant does not fall below the floors of ``evals/gate.toml`` on the ``dev`` suite."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

import evals
from evals.answerers import open_answerer
from evals.run import run_suite, suite_cases
from evals.summary import MEASURES, all_scores, means

GATE = Path(evals.__file__).with_name("gate.toml")
FLOORS: dict[str, float] = tomllib.loads(GATE.read_text(encoding="utf-8"))["dev"]


def test_floors_are_shares_of_known_measures() -> None:
    assert set(FLOORS) <= set(MEASURES)
    assert all(0 <= floor <= 1 for floor in FLOORS.values())
    assert {"right", "right_refusal", "bound", "citations_slice"} <= set(FLOORS)


@pytest.mark.slow
def test_no_measure_falls_below_its_floor() -> None:
    assistant = open_answerer("quote")
    results = run_suite(assistant, suite_cases("dev"))
    cases = [result.case for result in results]
    measured = {mean.measure: mean.mean for mean in means(all_scores(results, assistant.documents), cases)}
    below = {name: (measured.get(name), floor) for name, floor in FLOORS.items() if measured.get(name, -1) < floor}
    assert below == {}

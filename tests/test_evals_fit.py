from __future__ import annotations

import json

import numpy as np
import pytest

from assistant.confidence import Confidence
from evals.fit import fit_choice, fit_confidence


@pytest.fixture(scope="module")
def rows() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    values = rng.normal(size=(400, 4))
    labels = (values[:, 0] * values[:, 1] + 0.3 * rng.normal(size=400)) > 0
    return values, labels


def test_confidence_is_the_mean_log_odds_of_the_two_models_that_the_library_fitted(
    rows: tuple[np.ndarray, np.ndarray],
) -> None:
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression

    values, labels = rows
    library = HistGradientBoostingClassifier(
        max_iter=150, learning_rate=0.05, max_leaf_nodes=12, min_samples_leaf=15, l2_regularization=3, random_state=0
    ).fit(values, labels)
    scale = values.std(axis=0) + 1e-6
    logistic = LogisticRegression(C=0.3, max_iter=5000).fit(values / scale, labels)
    odds = (library.decision_function(values[:50]) + logistic.decision_function(values[:50] / scale)) / 2
    confidence = fit_confidence(values, labels)
    assert [confidence.probability(row) for row in values[:50]] == pytest.approx(1 / (1 + np.exp(-odds)), abs=1e-6)


def test_confidence_survives_being_written_as_json(rows: tuple[np.ndarray, np.ndarray]) -> None:
    values, labels = rows
    fitted = fit_confidence(values, labels)
    again = Confidence.read(json.loads(json.dumps(fitted.written())))
    assert [again.probability(row) for row in values[:20]] == [fitted.probability(row) for row in values[:20]]


def test_what_is_not_fitted_is_undecided() -> None:
    assert Confidence.undecided(2).probability([0.0, 1.0]) == 0.5


def test_choice_learns_what_makes_a_row_right() -> None:
    rng = np.random.default_rng(3)
    matrices = [rng.normal(size=(rng.integers(2, 6), 3)) for _ in range(200)]
    rights = [matrix[:, 1] == matrix[:, 1].max() for matrix in matrices]
    weights = fit_choice(matrices, rights, penalty=1e-3)
    chosen = [int(np.argmax(matrix @ weights)) for matrix in matrices]
    assert np.mean([right[row] for row, right in zip(chosen, rights, strict=True)]) > 0.95


def test_choice_between_several_right_rows_favours_neither() -> None:
    matrices = [np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])] * 20
    first, second = fit_choice(matrices, [np.array([True, True, False])] * 20, penalty=1e-3)
    assert first == pytest.approx(second, abs=1e-3)
    assert first > 0

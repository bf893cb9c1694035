from __future__ import annotations

import json

import numpy as np
import pytest

from assistant.confidence import Trees
from evals.fit import fit_confidence


@pytest.fixture(scope="module")
def rows() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    values = rng.normal(size=(400, 4))
    labels = (values[:, 0] * values[:, 1] + 0.3 * rng.normal(size=400)) > 0
    return values, labels


def test_trees_give_the_probabilities_of_the_library_that_fitted_them(rows: tuple[np.ndarray, np.ndarray]) -> None:
    from sklearn.ensemble import HistGradientBoostingClassifier

    values, labels = rows
    library = HistGradientBoostingClassifier(
        max_iter=150, learning_rate=0.05, max_leaf_nodes=12, min_samples_leaf=15, l2_regularization=3, random_state=0
    ).fit(values, labels)
    trees = fit_confidence(values, labels)
    ours = [trees.probability(row) for row in values[:50]]
    assert ours == pytest.approx(library.predict_proba(values[:50])[:, 1], abs=1e-6)


def test_trees_survive_being_written_as_json(rows: tuple[np.ndarray, np.ndarray]) -> None:
    values, labels = rows
    trees = fit_confidence(values, labels)
    again = Trees.read(json.loads(json.dumps(trees.written())))
    assert [again.probability(row) for row in values[:20]] == [trees.probability(row) for row in values[:20]]


def test_unfitted_trees_are_undecided() -> None:
    assert Trees.undecided().probability([0.0, 1.0]) == 0.5

"""Candidates of our own making against what they are made of."""

import numpy as np
from sklearn.base import clone
from sklearn.ensemble import ExtraTreesClassifier

from lepton_platform.tasks.binary.candidates import ExtraTrees


def test_extra_trees_answer_as_scikit_learns_forest_does():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(500, 6))
    y = (X[:, 0] + rng.normal(size=500) > 0).astype(int)
    options = {"n_estimators": 40, "min_samples_leaf": 3, "max_features": 0.5, "random_state": 7}
    forest, mine = ExtraTreesClassifier(**options).fit(X, y), clone(ExtraTrees(**options)).fit(X, y)
    new = rng.normal(size=(300, 6))
    assert np.array_equal(mine.predict_proba(new)[:, 1], forest.predict_proba(new)[:, 1])
    assert np.allclose(mine.predict_proba(new).sum(axis=1), 1)

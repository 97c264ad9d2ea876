"""What may become the model of a binary outcome: linear, smooth, boosted.

Parameters are common starting values for tables of a few hundred to a few hundred thousand rows,
not tuned to any one data set; ``--budget`` lets Optuna look for better ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from lightgbm import LGBMClassifier
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, QuantileTransformer, SplineTransformer, StandardScaler

from lepton_platform.model.candidate import Candidate

if TYPE_CHECKING:
    import optuna

FEW_ROWS = 100_000
"""Below this, a fit uses one thread: on a busy machine more of them wait longer than they work."""


def logistic() -> Candidate:
    """Return regularised logistic regression on scaled numbers and one-hot categories."""
    scaled = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    return Candidate(_linear(scaled, C=0.05), search=_search_strength)


def splines(rows: int) -> Candidate:
    """Return logistic regression on cubic splines of each number's rank: an additive, smooth model."""
    quantiles = int(np.clip(rows // 4, 10, 200))
    smooth = make_pipeline(
        SimpleImputer(strategy="median"),
        QuantileTransformer(n_quantiles=quantiles, subsample=50_000, random_state=0),
        SplineTransformer(n_knots=5, degree=3, include_bias=False),
        StandardScaler(),
    )
    return Candidate(_linear(smooth, C=0.1), search=_search_strength)


def _linear(numbers: Any, C: float) -> Any:
    return make_pipeline(_encoder(numbers), LogisticRegression(C=C, solver="newton-cholesky", max_iter=200))


def _encoder(numbers: Any) -> Any:
    """Give each number to ``numbers``, each category a column per level, each gap an indicator."""
    number, category = (make_column_selector(dtype_include=kind) for kind in ("number", "category"))
    levels = make_pipeline(
        SimpleImputer(strategy="constant", fill_value="(missing)"),
        OneHotEncoder(handle_unknown="ignore", sparse_output=False),
    )
    return ColumnTransformer(
        [
            ("numbers", numbers, number),
            ("missing", MissingIndicator(features="missing-only", error_on_new=False), number),
            ("categories", levels, category),
        ]
    )


def boosting(rows: int) -> Candidate:
    """Return LightGBM with trees of 15 leaves, for interactions."""
    return Candidate(
        _lightgbm(rows, n_estimators=200, learning_rate=0.03, num_leaves=15, min_child_samples=30,
                  subsample=0.8, subsample_freq=1, colsample_bytree=0.7, reg_lambda=1.0),
        search=_search_boosting,
    )  # fmt: skip


def small_trees(rows: int) -> Candidate:
    """Return LightGBM with trees of 5 leaves and few conditions on groups of cases, for small tables."""
    return Candidate(
        _lightgbm(rows, n_estimators=300, learning_rate=0.04, num_leaves=5, min_child_samples=10,
                  subsample=0.8, subsample_freq=1, colsample_bytree=0.5, reg_lambda=1.0,
                  cat_smooth=1.0, min_data_per_group=10),
        search=_search_boosting,
    )  # fmt: skip


class ExtraTrees(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Extremely randomised trees (Geurts, Ernst and Wehenkel 2006): another family of errors.

    scikit-learn's forest without the estimator that it keeps around every tree: the same probabilities,
    saved in half the time, and one case is answered in half a millisecond instead of seven.

    Attributes
    ----------
    trees_ : list of sklearn.tree._tree.Tree
    """

    def __init__(
        self,
        n_estimators: int = 200,
        min_samples_leaf: int = 5,
        max_features: float = 0.3,
        random_state: int = 0,
    ):
        self.n_estimators = n_estimators
        self.min_samples_leaf = min_samples_leaf
        self.max_features = max_features
        self.random_state = random_state

    def fit(self, X: NDArray[np.float64], y: ArrayLike) -> Self:
        """Fit on numbers without gaps, shape (n, columns), and two classes."""
        forest = ExtraTreesClassifier(**self.get_params(), n_jobs=1).fit(X, y)
        self.classes_ = forest.classes_
        self.trees_ = [one.tree_ for one in forest.estimators_]
        return self

    def predict_proba(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the probabilities, shape (n, 2): the mean share of each class in the leaves."""
        values = np.ascontiguousarray(X, dtype=np.float32)  # what the trees were split on
        positive = np.zeros(len(values))
        for tree in self.trees_:
            positive += tree.value[:, 0, 1][tree.apply(values)]
        positive /= len(self.trees_)
        return np.column_stack([1 - positive, positive])


def extra_trees() -> Candidate:
    """Return extremely randomised trees on filled numbers and one-hot categories."""
    return Candidate(make_pipeline(_encoder(SimpleImputer(strategy="median")), ExtraTrees()))


def _lightgbm(rows: int, **parameters: Any) -> LGBMClassifier:
    return LGBMClassifier(
        **parameters,
        random_state=0,
        n_jobs=1 if rows < FEW_ROWS else -1,
        deterministic=True,
        force_col_wise=True,
        verbose=-1,
    )


class CatBoost(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """CatBoost on a cleaned table: its categories as they are, missing ones as a level of their own.

    Needs the extra ``lepton-platform[catboost]``.
    """

    def __init__(
        self, iterations: int = 300, learning_rate: float = 0.05, depth: int = 5, random_state: int = 0
    ):
        self.iterations = iterations
        self.learning_rate = learning_rate
        self.depth = depth
        self.random_state = random_state

    def fit(self, X: pd.DataFrame, y: ArrayLike) -> Self:
        """Fit on a frame of numbers and pandas categories."""
        from catboost import CatBoostClassifier

        self.categories_ = [name for name in X.columns if isinstance(X[name].dtype, pd.CategoricalDtype)]
        self.model_ = CatBoostClassifier(
            iterations=self.iterations,
            learning_rate=self.learning_rate,
            depth=self.depth,
            random_seed=self.random_state,
            thread_count=1,
            cat_features=self.categories_,
            allow_writing_files=False,
            verbose=0,
        ).fit(self._filled(X), np.asarray(y))
        self.classes_ = np.array([0, 1])
        return self

    def _filled(self, X: pd.DataFrame) -> pd.DataFrame:
        texts = {name: X[name].astype(object).fillna("(missing)").astype(str) for name in self.categories_}
        return X.assign(**texts)

    def predict_proba(self, X: pd.DataFrame) -> NDArray[np.float64]:
        """Return the probabilities, shape (n, 2)."""
        return np.asarray(self.model_.predict_proba(self._filled(X)), dtype=float)


def catboost() -> Candidate:
    """Return CatBoost, where its extra is installed."""
    return Candidate(CatBoost(), search=_search_catboost)


def _search_strength(trial: optuna.Trial) -> dict[str, Any]:
    return {"logisticregression__C": trial.suggest_float("C", 1e-3, 10, log=True)}


def _search_boosting(trial: optuna.Trial) -> dict[str, Any]:
    return {
        "learning_rate": trial.suggest_float("learning_rate", 0.01, 0.1, log=True),
        "n_estimators": trial.suggest_int("n_estimators", 100, 800, log=True),
        "num_leaves": trial.suggest_int("num_leaves", 4, 63, log=True),
        "min_child_samples": trial.suggest_int("min_child_samples", 5, 200, log=True),
        "colsample_bytree": trial.suggest_float("colsample_bytree", 0.3, 1.0),
        "reg_lambda": trial.suggest_float("reg_lambda", 1e-2, 100, log=True),
    }


def _search_catboost(trial: optuna.Trial) -> dict[str, Any]:
    return {
        "iterations": trial.suggest_int("iterations", 100, 1000, log=True),
        "learning_rate": trial.suggest_float("learning_rate", 0.01, 0.2, log=True),
        "depth": trial.suggest_int("depth", 3, 8),
    }

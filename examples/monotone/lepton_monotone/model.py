"""Model stage: boosted trees whose effects never turn, and the defaults of the safest applicants."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from lightgbm import LGBMClassifier
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin

from lepton_monotone.config import Monotone
from lepton_monotone.directions import directions
from lepton_platform import Candidate, DataError, Dataset, Finding, Metric, hookimpl

if TYPE_CHECKING:
    import optuna


@hookimpl
def lepton_models(dataset: Dataset, config: Monotone) -> Mapping[str, Candidate]:
    """Add ``monotone/boosting``; a column that an option names must be one of numbers."""
    numbers = dataset.cases.select_dtypes("number").columns
    named = {"up": config.up, "down": config.down, "free": config.free}
    if faults := [
        Finding(
            "error",
            f"is named by --monotone.{option}, but the model sees no such column of numbers",
            column=name,
            remedy=f"Columns of numbers: {', '.join(map(str, numbers))}",
        )
        for option, names in named.items()
        for name in names
        if name not in numbers
    ]:
        raise DataError(faults)
    return {"boosting": Candidate(MonotoneBoosting(config.given, find=config.find), search=_search)}


class MonotoneBoosting(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """LightGBM with monotone constraints, given or found in the rows that it is fitted on.

    Small trees, as of the task's candidate of that name: constraints and few interactions serve the
    same end, an effect that can be told.

    Parameters
    ----------
    given : dict of column name → -1, 0 or 1
        With 1 the probability never falls as the column grows, with -1 it never rises, with 0 it may turn.
    find : bool
        Whether other columns of numbers take the direction that the rows show, if they show one.

    Attributes
    ----------
    directions_ : dict of column name → -1, 0 or 1
    """

    def __init__(
        self,
        given: dict[str, int] | None = None,
        *,
        find: bool = True,
        n_estimators: int = 300,
        learning_rate: float = 0.04,
        num_leaves: int = 5,
        min_child_samples: int = 10,
        colsample_bytree: float = 0.5,
        random_state: int = 0,
    ) -> None:
        self.given = given
        self.find = find
        self.n_estimators = n_estimators
        self.learning_rate = learning_rate
        self.num_leaves = num_leaves
        self.min_child_samples = min_child_samples
        self.colsample_bytree = colsample_bytree
        self.random_state = random_state

    def fit(self, X: pd.DataFrame, y: Any) -> Self:
        """Fit on numbers and pandas categories, shape (n, columns); ``y`` is 0 or 1 per row."""
        known = {**(directions(X, np.asarray(y)) if self.find else {}), **(self.given or {})}
        self.directions_ = {name: known.get(name, 0) for name in map(str, X)}
        self.model_ = LGBMClassifier(
            n_estimators=self.n_estimators,
            learning_rate=self.learning_rate,
            num_leaves=self.num_leaves,
            min_child_samples=self.min_child_samples,
            colsample_bytree=self.colsample_bytree,
            monotone_constraints=list(self.directions_.values()),
            subsample=0.8,
            subsample_freq=1,
            reg_lambda=1.0,
            cat_smooth=1.0,
            min_data_per_group=10,
            random_state=self.random_state,
            n_jobs=1,
            deterministic=True,
            force_col_wise=True,
            verbose=-1,
        ).fit(X, np.asarray(y))
        self.classes_ = self.model_.classes_
        return self

    def predict_proba(self, X: pd.DataFrame) -> NDArray[np.float64]:
        """Return the probabilities of 0 and 1, shape (n, 2)."""
        return np.asarray(self.model_.predict_proba(X), dtype=np.float64)

    def predict(self, X: pd.DataFrame) -> NDArray[Any]:
        """Return the likelier outcome, shape (n,)."""
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])


def _search(trial: optuna.Trial) -> dict[str, Any]:
    return {
        "n_estimators": trial.suggest_int("n_estimators", 100, 800, log=True),
        "learning_rate": trial.suggest_float("learning_rate", 0.01, 0.1, log=True),
        "num_leaves": trial.suggest_int("num_leaves", 2, 31, log=True),
        "min_child_samples": trial.suggest_int("min_child_samples", 5, 100, log=True),
        "colsample_bytree": trial.suggest_float("colsample_bytree", 0.2, 1.0),
    }


@hookimpl
def lepton_metrics(config: Monotone) -> Mapping[str, Metric]:
    """Defaults among the applicants that a lender would take first, up to a volume that it has in mind."""

    def rate(truth: NDArray[np.int_], predictions: pd.DataFrame) -> float:
        return defaults_of_safest(truth, predictions["probability"].to_numpy(), config.safest)

    said = f"default rate if the safest {config.safest:.0%} of the applicants were approved"
    return {"defaults_of_safest": Metric(rate, "lower", bounds=(0.0, 1.0), summary=said)}


def defaults_of_safest(truth: NDArray[np.int_], probability: NDArray[np.float64], share: float) -> float:
    """Return the mean outcome of the ``share`` of cases with the least probability.

    Of the cases that tie at the border as large a part of each is counted as there is room for.

    Examples
    --------
    >>> risk = np.array([0.1, 0.2, 0.2, 0.9])
    >>> defaults_of_safest(np.array([0, 0, 1, 1]), risk, 0.5)
    0.25
    """
    room = share * len(truth)
    border = np.sort(probability)[int(np.ceil(room)) - 1]
    safer, at_border = probability < border, probability == border
    part = (room - safer.sum()) / at_border.sum()
    return float((truth[safer].sum() + part * truth[at_border].sum()) / room)

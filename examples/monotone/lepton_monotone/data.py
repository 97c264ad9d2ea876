"""Data stage: a step in front of this extension's own model, learned inside each fold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin

from lepton_monotone.config import Monotone
from lepton_platform import Step, hookimpl


@hookimpl
def lepton_steps(config: Monotone) -> Mapping[str, Step]:
    """One of columns that say the same: twins share an effect at random, so that neither curve is whole."""
    return {"twins": Step(DropTwins(config.twins, wanted=(*config.up, *config.down)), order=80)}


class DropTwins(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Keeps one of each set of numeric columns that put the cases in (nearly) the same order.

    Of twins, the one stays whose rank correlation with the outcome is stronger.

    Parameters
    ----------
    above : float
        Absolute rank correlation from which two columns are twins.
    wanted : tuple of str
        Columns that stay rather than their twins.

    Attributes
    ----------
    dropped_ : list of str

    Examples
    --------
    >>> table = pd.DataFrame({"euros": [1.0, 2.0, 3.0], "cents": [100, 200, 300], "age": [40, 20, 30]})
    >>> DropTwins().fit(table, [0, 0, 1]).dropped_
    ['cents']
    >>> DropTwins(wanted=("cents",)).fit(table, [0, 0, 1]).dropped_
    ['euros']
    """

    def __init__(self, above: float = 0.95, wanted: tuple[str, ...] = ()) -> None:
        self.above = above
        self.wanted = wanted

    def fit(self, X: pd.DataFrame, y: Any) -> Self:
        """Learn which columns of ``X``, shape (n, columns), to drop; ``y`` is 0 or 1 per row."""
        self.feature_names_in_ = np.asarray(X.columns, dtype=object)
        numbers = X.select_dtypes("number")
        ranks = numbers.rank().assign(**{"\0outcome": np.asarray(y)})
        alike = ranks.fillna(ranks.mean()).corr().abs().fillna(0.0).to_numpy()
        wanted = [name in self.wanted for name in numbers]
        best_first = np.lexsort((-alike[:-1, -1], np.logical_not(wanted)))
        kept: list[int] = []
        for column in best_first:
            if wanted[column] or not (alike[column, kept] >= self.above).any():
                kept.append(int(column))
        self.dropped_ = [str(name) for place, name in enumerate(numbers) if place not in kept]
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return ``X`` without the dropped columns."""
        return X.drop(columns=self.dropped_)

    def get_feature_names_out(self, input_features: Any = None) -> Any:
        """Return the names of the columns that stay."""
        return np.asarray([name for name in self.feature_names_in_ if name not in self.dropped_])

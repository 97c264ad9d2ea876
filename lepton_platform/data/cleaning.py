"""The step in front of every table model: what a column means is learned per fold."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin

from lepton_platform.data.dataset import Finding
from lepton_platform.errors import DataError

RARE = "(rare or new)"
WIDE = str.maketrans('[]{}":,', "［］｛｝＂：，")
"""LightGBM refuses these signs in a column's name; their full-width forms read the same."""


class TableCleaner(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Gives models numbers and categories only, in an order that their content alone decides.

    Trees sample columns by their place, so without that the same table with its columns renamed or
    exchanged would give another model.

    Numbers: special codes become missing, and an indicator column per code keeps what they say.
    Categories: those rarer than ``min_count``, and those first met later, share one level.
    Dates: days since 1970-01-01. Nothing is filled and no row is dropped.

    Parameters
    ----------
    special : dict of column name → list of float
        Codes that are no amounts, by numeric column.
    min_count : int
        Training rows that a category needs for a level of its own.

    Examples
    --------
    >>> table = pd.DataFrame({"income": [10.0, -9.0, 30.0], "home": ["own", "own", "rent"]})
    >>> TableCleaner(special={"income": [-9.0]}, min_count=2).fit_transform(table)
       income  income = -9           home
    0    10.0          0.0            own
    1     NaN          1.0            own
    2    30.0          0.0  (rare or new)
    """

    def __init__(self, special: dict[str, list[float]] | None = None, min_count: int = 5) -> None:
        self.special = special
        self.min_count = min_count

    def fit(self, X: pd.DataFrame, y: Any = None) -> Self:
        """Learn which codes, categories and columns there are, from shape (n, columns)."""
        self.feature_names_in_ = np.asarray(X.columns, dtype=object)
        contents = {str(name): _content(values) for name, values in X.items()}
        self.order_ = sorted(contents, key=lambda name: contents[name])
        self.numbers_: dict[str, list[float]] = {}
        self.levels_: dict[str, list[str]] = {}
        self.dates_: list[str] = []
        for name, values in X.items():
            if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
                codes = (self.special or {}).get(str(name), [])
                self.numbers_[str(name)] = [code for code in codes if bool((values == code).any())]
            elif pd.api.types.is_datetime64_any_dtype(values):
                self.dates_.append(str(name))
            else:
                counts = values.value_counts()
                self.levels_[str(name)] = sorted(map(str, counts.index[counts >= self.min_count]))
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return the cleaned table; columns are found by name."""
        if missing := [name for name in self.feature_names_in_ if name not in X.columns]:
            raise DataError([Finding("error", "is missing", column=name) for name in missing])
        cleaned: dict[str, Any] = {}
        for name in self.order_:
            values = X[name]
            if name in self.numbers_:
                numbers = values.to_numpy(dtype=np.float64)
                codes = self.numbers_[name]
                cleaned[name] = np.where(np.isin(numbers, codes), np.nan, numbers) if codes else numbers
                for code in codes:
                    cleaned[_indicator(name, code)] = (numbers == code).astype(np.float64)
            elif name in self.levels_:
                cleaned[name] = self._categories(name, values)
            else:
                cleaned[name] = (values - pd.Timestamp(0, tz="UTC")).dt.total_seconds() / 86_400
        return pd.DataFrame(cleaned, index=X.index).set_axis(self.get_feature_names_out(), axis=1)

    def _names(self, column: str) -> list[str]:
        return [column, *(_indicator(column, code) for code in self.numbers_.get(column, []))]

    def _categories(self, name: str, values: pd.Series[Any]) -> pd.Categorical[Any]:
        levels = self.levels_[name]
        text = values if values.dtype == object else values.astype("string")  # as the levels are
        codes = pd.Index(levels).get_indexer(pd.Index(text))
        codes = np.where(values.isna(), -1, np.where(codes < 0, len(levels), codes))
        return pd.Categorical.from_codes(codes, dtype=pd.CategoricalDtype([*levels, RARE]))

    def get_feature_names_out(self, input_features: Any = None) -> Any:
        """Return the names of the cleaned columns."""
        names = [name for column in self.order_ for name in self._names(column)]
        return np.asarray([name.translate(WIDE) for name in names], dtype=object)


def _indicator(column: str, code: float) -> str:
    return f"{column} = {code:g}"


def _content(values: pd.Series[Any]) -> int:
    """Return a number that depends on a column's values, not on its name nor on the rows' order."""
    return int(pd.util.hash_pandas_object(values, index=False).to_numpy().sum(dtype=np.uint64))

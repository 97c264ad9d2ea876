"""Many series on one calendar: a matrix of values, a column per period.

``values`` has shape (series, periods), NaN where nothing is known: before a series began, after it
ended, in its gaps. The last column is the last period that anything is known of.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lepton_platform.tasks.forecast import periods

Floats = NDArray[np.float64]
Positions = NDArray[np.intp]


@dataclass(frozen=True)
class Panel:
    """The known values of some series, and the covariates that were known with them."""

    series: NDArray[Any]
    """Names of the series, shape (series,)."""
    values: Floats
    covariates: Floats
    """Shape (series, periods, covariates); NaN where a row was missing."""
    names: tuple[str, ...]
    """Of the covariates."""
    attributes: NDArray[np.str_]
    """Shape (series, attributes): what never changes."""
    attribute_names: tuple[str, ...]
    end: int
    """Number of the last period."""
    frequency: str

    @property
    def periods(self) -> int:
        return int(self.values.shape[1])

    @classmethod
    def of(cls, X: pd.DataFrame, y: pd.Series[Any], frequency: str) -> Panel:
        """Return the panel of long rows: ``X`` and ``y`` are indexed by (series, time).

        Numeric columns of ``X`` are covariates, categories are static attributes.
        """
        codes, series = coded(X.index, 0)
        number = numbers_of(X.index, frequency)
        end, start = int(number.max()), int(number.min())
        column = np.subtract(number, start, out=number)
        values = np.full((len(series), end - start + 1), np.nan)
        values[codes, column] = y.to_numpy(dtype=float)
        names = tuple(X.columns[[not isinstance(kind, pd.CategoricalDtype) for kind in X.dtypes]])
        covariates = np.full((*values.shape, len(names)), np.nan)
        covariates[codes, column] = X[list(names)].to_numpy(dtype=float)
        attributes = X.drop(columns=list(names))
        written = attributes[~pd.Series(codes).duplicated().to_numpy()].to_numpy(dtype=str)
        labels = np.asarray(series.astype(str), dtype=str)
        return cls(labels, values, covariates, names, written, tuple(attributes.columns), end, frequency)

    def until(self, end: int) -> Panel:
        """Return the panel as it was known at the end of the period with this number."""
        kept = self.periods - (self.end - end)
        return replace(self, values=self.values[:, :kept], covariates=self.covariates[:, :kept], end=end)

    def renewed(self, newer: Panel, instead: bool) -> Panel:
        """Return the same series over as many periods, up to the later end, with newer values.

        Where ``newer`` knows no value, the one that is known stays, unless it stands ``instead`` of this.
        """
        end = newer.end if instead else max(self.end, newer.end)
        row = pd.Index(newer.series).get_indexer(self.series)
        parts = [
            newer._window(content, row, end, self.periods) for content in (newer.values, newer.covariates)
        ]
        if not instead:
            every = np.arange(len(self.series))
            old = [
                self._window(content, every, end, self.periods) for content in (self.values, self.covariates)
            ]
            parts = [np.where(np.isnan(new), known, new) for new, known in zip(parts, old, strict=True)]
        return replace(self, values=parts[0], covariates=parts[1], end=end)

    def _window(self, content: Floats, row: Positions, end: int, periods: int) -> Floats:
        """Return rows of values or covariates (-1: none) over the periods up to ``end``; NaN if unknown."""
        column = np.arange(end - periods, end) - (self.end - self.periods)
        known = (column >= 0) & (column < self.periods)
        found: Floats = content[np.ix_(row, np.where(known, column, 0))]
        found[row < 0], found[:, ~known] = np.nan, np.nan
        return found

    def began(self) -> NDArray[np.intp]:
        """Return the first column with a value of each series; ``periods`` where there is none."""
        known = ~np.isnan(self.values)
        return np.where(known.any(axis=1), known.argmax(axis=1), self.periods)


@dataclass(frozen=True)
class Future:
    """The rows to forecast: which series of the panel, how many periods ahead, and their covariates."""

    row: Positions
    """Position of each asked row's series in the panel; -1: not in it."""
    step: NDArray[np.int64]
    """Periods after the panel's end, from 1."""
    covariates: Floats
    """Shape (rows, covariates)."""

    @classmethod
    def of(cls, X: pd.DataFrame, panel: Panel) -> Future:
        """Return the rows of ``X``, indexed by (series, time), as seen from the panel's end."""
        row, step = positions_of(X.index, panel.series, panel.end, panel.frequency)
        return cls(row, step, X[list(panel.names)].to_numpy(dtype=float))

    def take(self, rows: Positions) -> Future:
        """Return some of the rows."""
        return Future(self.row[rows], self.step[rows], self.covariates[rows])


def coded(index: pd.Index[Any], level: int) -> tuple[Positions, pd.Index[Any]]:
    """Return the number of each row's value at a level of (series, time), and the values, by first use.

    What ``pd.factorize`` says of the level's values, without writing them out: rows may be millions.
    """
    assert isinstance(index, pd.MultiIndex)
    codes, used = pd.factorize(index.codes[level])
    return codes, index.levels[level][used]


def numbers_of(index: pd.Index[Any], frequency: str) -> periods.Periods:
    """Return the number of the period of each row of an index (series, time)."""
    codes, times = coded(index, 1)
    return periods.numbered(periods.parsed(times), frequency)[codes]


def positions_of(
    index: pd.Index[Any], series: NDArray[Any], end: int, frequency: str
) -> tuple[Positions, NDArray[np.int64]]:
    """Return for rows indexed by (series, time) the position among ``series`` and the step after ``end``."""
    codes, names = coded(index, 0)
    row = pd.Index(series).get_indexer(names.astype(str))[codes]
    return np.asarray(row, dtype=np.intp), numbers_of(index, frequency) - end


def groups_of(panel: Panel) -> Positions:
    """Return the number of each series' group: of those with the same first attribute."""
    if not panel.attribute_names:
        return np.zeros(len(panel.series), dtype=np.intp)
    return np.asarray(np.unique(panel.attributes[:, 0], return_inverse=True)[1], dtype=np.intp)

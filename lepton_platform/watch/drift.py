"""Whether the cases that a model decides are still like those it learned from.

Two questions, asked whenever ``WINDOW`` further cases were decided: is the distribution of the predictions
that of the run's hold-out (population stability index), and do columns hold values unlike any in training
more often than these did?
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lepton_platform.alert import Alert
from lepton_platform.data.schema import Schema
from lepton_platform.model.stability import SHIFT, psi

WINDOW = 500
"""Cases that are judged together."""
BINS = 10
MORE = 0.05
"""Share of unlike values, beyond what training had and chance explains, that is told."""


class Drift:
    """Counts of the cases that were decided since the last judgement.

    Parameters
    ----------
    schema : Schema
        Columns as training saw them.
    predictions : DataFrame
        Of the run's hold-out.
    """

    def __init__(self, schema: Schema, predictions: pd.DataFrame) -> None:
        self._columns = {column.name: column for column in schema.columns}
        numbers = predictions.select_dtypes("number")
        self._edges = {
            str(name): np.unique(np.nanquantile(numbers[name], np.linspace(0, 1, BINS + 1)[1:-1]))
            for name in numbers
            if numbers[name].notna().any()
        }
        self._expected = {name: self._binned(name, numbers[name].to_numpy()) for name in self._edges}
        self._forget()
        self.drifted: set[str] = set()
        """What has been told and not been right since."""

    def _forget(self) -> None:
        self.cases = 0
        self._found = {name: np.zeros(len(edges) + 1) for name, edges in self._edges.items()}
        self._unlike = dict.fromkeys(self._columns, 0)

    def _binned(self, name: str, values: NDArray[Any]) -> NDArray[np.float64]:
        edges = self._edges[name]
        known = values[~np.isnan(values)]
        return np.bincount(np.searchsorted(edges, known), minlength=len(edges) + 1).astype(float)

    def take(self, cases: pd.DataFrame, predictions: pd.DataFrame, row: int) -> Iterator[Alert]:
        """Count further cases; yield alerts when a window of them is full, each once until it has passed.

        ``row`` is the number of the first of them in the stream.
        """
        start = 0
        while start < len(cases):
            part = slice(start, start + WINDOW - self.cases)
            for name in self._edges.keys() & set(predictions.columns):
                self._found[name] += self._binned(name, predictions[name].iloc[part].to_numpy(dtype=float))
            for name in self._columns.keys() & set(cases.columns):
                self._unlike[name] += int(unlike(cases[name].iloc[part], self._columns[name]).sum())
            taken = len(cases.iloc[part])
            start, self.cases = start + taken, self.cases + taken
            if self.cases == WINDOW:
                yield from self._judged(f"row {row + start - 1}")
                self._forget()

    def _judged(self, time: str) -> Iterator[Alert]:
        now = {}
        for name, found in self._found.items():
            index = stability_index(self._expected[name], found)
            noise = BINS * (1 / max(self._expected[name].sum(), 1) + 1 / max(found.sum(), 1))
            if index > max(SHIFT, 3 * noise):
                said = f"{name} is spread otherwise than in the run: stability index {index:.2f}"
                now[name] = Alert("drift", name, time, "warning", said, {"stability_index": round(index, 4)})
        for name, count in self._unlike.items():
            share, usual = count / self.cases, self._columns[name].missing
            if share > usual + MORE + 3 * np.sqrt(usual * (1 - usual) / self.cases):
                said = f"column {name!r} is unlike training in {share:.0%} of the last {self.cases:,} cases"
                now[name] = Alert("drift", name, time, "warning", said, {"share": round(share, 4)})
        yield from (alert for name, alert in now.items() if name not in self.drifted)
        self.drifted = set(now)

    def to_json(self) -> dict[str, Any]:
        """Return what was counted, to go on with later."""
        return {
            "cases": self.cases,
            "found": {name: found.tolist() for name, found in self._found.items()},
            "unlike": self._unlike,
            "drifted": sorted(self.drifted),
        }

    def go_on(self, counted: Mapping[str, Any]) -> None:
        """Take up what was counted before."""
        self.cases = counted["cases"]
        self._found |= {name: np.array(found) for name, found in counted["found"].items()}
        self._unlike |= counted["unlike"]
        self.drifted = set(counted["drifted"])


def unlike(values: pd.Series[Any], column: Any) -> NDArray[np.bool_]:
    """Return where values are missing, beyond the range of training, or of a category it never saw."""
    empty = values.isna().to_numpy()
    if column.levels:
        return np.asarray(empty | ~values.astype(str).isin(column.levels).to_numpy())
    if column.low is None or column.high is None or not pd.api.types.is_numeric_dtype(values):
        return empty
    numbers = values.to_numpy(dtype=float)
    special = np.isin(numbers, column.special)
    return np.asarray(empty | (~special & ((numbers < column.low) | (numbers > column.high))))


def stability_index(expected: NDArray[Any], found: NDArray[Any]) -> float:
    """Return the population stability index of two histograms: 0 where their shares are equal.

    >>> stability_index(np.array([50, 50]), np.array([5, 5]))
    0.0
    >>> round(stability_index(np.array([1, 1]), np.array([9, 1])), 3)
    0.878
    """
    a, b = ((counts + 1e-4 * max(counts.sum(), 1)) for counts in (expected, found))
    return psi(a / a.sum(), b / b.sum())

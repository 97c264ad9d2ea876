"""Metrics of forecasts: each a ratio of sums over series, so that an interval over series is cheap.

Scales are those of the training rows alone: of a series' errors, the mean absolute change from the
season before (MASE; Hyndman and Koehler 2006) or the mean squared change from the period before,
from its first sale on (RMSSE; Makridakis, Spiliotis and Assimakopoulos 2022, "M5 accuracy
competition"). Rows without a truth are left out; bias is positive for forecasts that are too high.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lepton_platform.model.candidate import Metric
from lepton_platform.model.ratio import Parts, Ratio
from lepton_platform.tasks.forecast.direct import known_mean
from lepton_platform.tasks.forecast.panel import Panel
from lepton_platform.tasks.forecast.quantiles import COLUMNS, GRID, LEVELS, pinball

Floats = NDArray[np.float64]

OF_GRID = [COLUMNS[LEVELS.index(round(float(level), 2))] for level in GRID]


@dataclass(frozen=True)
class Scales:
    """What errors of each series are measured in, by its name; NaN where it never changes."""

    absolute: pd.Series[Any]
    squared: pd.Series[Any]
    share: pd.Series[Any]
    """Of all that was sold in training, which weighs the WRMSSE."""

    @classmethod
    def learn(cls, panel: Panel, season: int) -> Scales:
        """Learn from the training panel."""
        values = panel.values
        season = min(season, max(panel.periods - 1, 1))
        absolute = known_mean(np.abs(values[:, season:] - values[:, :-season]))
        sold = np.maximum.accumulate(np.nan_to_num(values) != 0, axis=1)
        squared = known_mean(np.where(sold[:, :-1], np.diff(values, axis=1), np.nan) ** 2)
        total = np.nansum(np.abs(values), axis=1)
        share = total / total.sum() if total.sum() > 0 else np.full(len(total), 1 / max(len(total), 1))
        absolute, squared = (np.where(scale > 0, scale, np.nan) for scale in (absolute, squared))
        return cls(*(pd.Series(part, panel.series) for part in (absolute, squared, share)))


@dataclass(frozen=True)
class Judged:
    """Forecasts beside the truth, and the series that each row belongs to."""

    truth: Floats
    predictions: pd.DataFrame
    code: NDArray[np.intp]
    names: pd.Index[Any]

    @classmethod
    def of(cls, truth: NDArray[Any], predictions: pd.DataFrame) -> Judged:
        """Keep the rows whose truth is known."""
        known = ~np.isnan(np.asarray(truth, dtype=float))
        kept = predictions if known.all() else predictions[known]
        code, names = pd.factorize(kept.index.get_level_values(0))
        return cls(np.asarray(truth, dtype=float)[known], kept, code, pd.Index(names.astype(str)))

    def total(self, rows: Floats) -> Floats:
        """Return the sum over each series' rows."""
        return np.bincount(self.code, weights=rows, minlength=len(self.names)).astype(float)

    def mean(self, rows: Floats) -> Floats:
        """Return the mean over each series' rows."""
        return self.total(rows) / np.bincount(self.code, minlength=len(self.names))

    def column(self, name: str) -> Floats:
        return self.predictions[name].to_numpy(dtype=float)

    def quantile_losses(self) -> Floats:
        """Return twice the mean quantile loss of each row; level by level, for rows may be many."""
        total = np.zeros(len(self.truth))
        for name, level in zip(OF_GRID, GRID, strict=True):
            total += pinball(self.truth, self.column(name)[:, None], np.array([level]))[:, 0]
        return 2 * total / len(GRID)


def _by_series(parts: Callable[[Judged], Parts]) -> Ratio:
    return Ratio(lambda truth, predictions: parts(Judged.of(truth, predictions)))


def _scaled(errors: Floats, scale: pd.Series[Any], judged: Judged, weight: Floats | None = None) -> Parts:
    """Return the parts of a mean over the series that have a scale."""
    by = scale.reindex(judged.names).to_numpy(dtype=float)
    counted = np.isfinite(by).astype(float) * (1 if weight is None else weight)
    return np.where(np.isfinite(by), errors / by, 0) * (1 if weight is None else weight), counted


def of_panel(scales: Scales, counts: bool) -> Mapping[str, Metric]:
    """Return the metrics by name, the one that chooses first.

    ``counts``: whether values cannot be negative, so that totals mean something.
    """

    def scaled_quantile_loss(judged: Judged) -> Parts:
        return _scaled(judged.mean(judged.quantile_losses()), scales.absolute, judged)

    def wql(judged: Judged) -> Parts:
        return judged.total(judged.quantile_losses()), judged.total(np.abs(judged.truth))

    def wape(judged: Judged) -> Parts:
        return judged.total(np.abs(judged.column("median") - judged.truth)), judged.total(
            np.abs(judged.truth)
        )

    def bias(judged: Judged) -> Parts:
        return judged.total(judged.column("mean") - judged.truth), judged.total(np.abs(judged.truth))

    def mase(judged: Judged) -> Parts:
        return _scaled(judged.mean(np.abs(judged.column("median") - judged.truth)), scales.absolute, judged)

    def smape(judged: Judged) -> Parts:
        size = np.abs(judged.truth) + np.abs(judged.column("median"))
        errors = 200 * np.abs(judged.column("median") - judged.truth)
        return judged.mean(np.divide(errors, size, out=np.zeros_like(errors), where=size > 0)), np.ones(
            len(judged.names)
        )

    def rmsse(judged: Judged) -> Parts:
        squares = judged.mean((judged.column("mean") - judged.truth) ** 2)
        return _scaled(np.sqrt(squares), np.sqrt(scales.squared), judged)

    def wrmsse(judged: Judged) -> Parts:
        squares = judged.mean((judged.column("mean") - judged.truth) ** 2)
        share = scales.share.reindex(judged.names).fillna(0).to_numpy()
        return _scaled(np.sqrt(squares), np.sqrt(scales.squared), judged, share)

    def msis(judged: Judged) -> Parts:
        low, high = judged.column("q0.025"), judged.column("q0.975")
        outside = np.maximum(low - judged.truth, 0) + np.maximum(judged.truth - high, 0)
        return _scaled(judged.mean(high - low + 2 / 0.05 * outside), scales.absolute, judged)

    def coverage(low: str, high: str) -> Callable[[Judged], Parts]:
        def inside(judged: Judged) -> Parts:
            held = (judged.truth >= judged.column(low)) & (judged.truth <= judged.column(high))
            return judged.total(held.astype(float)), judged.total(np.ones(len(held)))

        return inside

    zero, infinity = 0.0, float("inf")
    said = {
        "scaled_quantile_loss": (
            scaled_quantile_loss,
            "error of the quantiles 0.05 to 0.95 against how much each series usually changes",
        ),
        "mase": (mase, "mean absolute error of the median against that of repeating the season before"),
        "msis": (msis, "width of the 95 % interval, and 40 times what lies outside, in units of the MASE"),
        "rmsse": (rmsse, "root mean squared error of the mean against that of repeating the last value"),
    }
    if counts:
        said |= {
            "wape": (wape, "absolute error of the median as a share of all that was sold"),
            "wrmsse": (wrmsse, "RMSSE with each series weighed by its share of what was sold"),
            "wql": (wql, "error of the quantiles as a share of all that was sold; forecasting nothing has 1"),
            "smape": (smape, "error in % of the mean of forecast and truth, 0 to 200; misleading near zero"),
        }
    found = {
        name: Metric(_by_series(parts), "lower", bounds=(zero, infinity), summary=summary)
        for name, (parts, summary) in said.items()
    }
    found["coverage_95"] = _coverage(_by_series(coverage("q0.025", "q0.975")), 95)
    found["coverage_90"] = _coverage(_by_series(coverage("q0.05", "q0.95")), 90)
    if counts:
        summary = "forecast less sold, as a share of what was sold: positive is too high"
        found["bias"] = Metric(_by_series(bias), "lower", summary=summary)
    return found


def _coverage(function: Ratio, nominal: int) -> Metric:
    summary = f"share of the truths inside the {nominal} % interval; right is 0.{nominal}"
    return Metric(function, "higher", bounds=(0.0, 1.0), summary=summary)

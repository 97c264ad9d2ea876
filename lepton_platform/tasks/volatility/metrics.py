"""Metrics of tail forecasts: means over days, whole days being drawn for their intervals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lepton_platform.model.candidate import Metric
from lepton_platform.model.ratio import Parts, Ratio
from lepton_platform.tasks.volatility.scores import fz0_loss, qlike, tick_loss

Floats = NDArray[np.float64]
Losses = Callable[[Floats, pd.DataFrame], Floats]


def by_day(losses: Losses) -> Ratio:
    """Return the mean of a loss as a ratio of sums over days; rows whose loss is unknown are left out."""

    def parts(truth: NDArray[Any], predictions: pd.DataFrame) -> Parts:
        loss = losses(np.asarray(truth, dtype=float), predictions)
        known = ~np.isnan(loss)
        day = pd.factorize(predictions.index.get_level_values(0))[0]
        total = np.bincount(day, weights=np.where(known, loss, 0.0))
        return total.astype(float), np.bincount(day, weights=known.astype(float)).astype(float)

    return Ratio(parts)


def of_levels(
    levels: tuple[float, ...], es_levels: tuple[float, ...], realised: bool
) -> Mapping[str, Metric]:
    """Return the metrics by name, the one that chooses first."""
    found = {}
    for level in es_levels:
        name = "fz0" if level == es_levels[0] else f"fz0_{level:g}"
        summary = (
            f"joint loss of VaR and ES at {level:.1%}; only differences mean something, as in log-likelihoods"
        )
        found[name] = Metric(by_day(_fz0(level)), "lower", summary=summary)
    for level in levels:
        summary = f"quantile loss of the {level:.1%} VaR, in the unit of the returns"
        found[f"tick_{level:g}"] = Metric(
            by_day(_tick(level)), "lower", bounds=(0.0, np.inf), summary=summary
        )
    for level in levels:
        summary = f"share of days with a loss beyond the {level:.1%} VaR; right is {level:g}, not less"
        found[f"exceedances_{level:g}"] = Metric(
            by_day(_hits(level)), "lower", bounds=(0.0, 1.0), summary=summary
        )
    if realised:
        summary = "loss of the forecast of realised variance; 0 would be perfect"
        found["qlike"] = Metric(by_day(_qlike), "lower", bounds=(0.0, np.inf), summary=summary)
    return found


def _fz0(level: float) -> Losses:
    return lambda r, told: fz0_loss(r, told[f"var_{level:g}"], told[f"es_{level:g}"], level)


def _tick(level: float) -> Losses:
    return lambda r, told: tick_loss(r, told[f"var_{level:g}"], level)


def _hits(level: float) -> Losses:
    return lambda r, told: np.where(np.isnan(told[f"var_{level:g}"]), np.nan, r < -told[f"var_{level:g}"])


def _qlike(r: Floats, told: pd.DataFrame) -> Floats:
    return qlike(told["realised"], told["realised_variance"])

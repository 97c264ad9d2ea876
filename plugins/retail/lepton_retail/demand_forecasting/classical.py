"""Statistical forecasts, each series by itself: exponential smoothing, theta, decomposition, Croston.

The models are statsforecast's (Nixtla). Quantiles are empirical: the errors of a forecast from one
horizon earlier, in units of the series' own mean error, pooled over all series.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, RegressorMixin

from lepton_platform.store import replacing
from lepton_platform.tasks.forecast.direct import held
from lepton_platform.tasks.forecast.error_quantiles import ErrorQuantiles
from lepton_platform.tasks.forecast.panel import Panel, positions_of

Floats = NDArray[np.float64]
Model = Literal["ets", "theta", "mstl", "croston", "imapa", "tsb"]

FEWEST = 6
"""Values below which a series is forecast by its mean."""
LONGEST = 3
"""Longest seasons of a history that are used; more costs time and says little of now."""
SHORTEST = 104
"""Periods that are used in any case."""
BLOCK = 2_000
"""Series that are forecast before what was found is kept."""


class Classical(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """One of statsforecast's models, fitted to each series.

    Gaps inside a series count as the last value of the same season. ``predict`` returns shape
    (rows, 1 + quantiles): the mean, then the quantiles. With ``checkpoints``, a folder, a fit that was
    ended goes on after its last block of series.
    """

    def __init__(
        self,
        model: Model = "theta",
        horizon: int = 1,
        seasons: tuple[int, ...] = (1,),
        frequency: str = "1",
        checkpoints: Path | None = None,
    ) -> None:
        self.model = model
        self.horizon = horizon
        self.seasons = seasons
        self.frequency = frequency
        self.checkpoints = checkpoints

    def fit(self, X: pd.DataFrame, y: pd.Series[Any]) -> Self:
        """Forecast each series of rows indexed by (series, time), and the last horizon from before it."""
        return self.renew(Panel.of(X, y, self.frequency))

    def renew(self, panel: Panel) -> Self:
        """Fit the series of this panel; there is nothing else to be learned."""
        values, horizon = panel.values, min(self.horizon, max(panel.periods - 1, 1))
        self.panel_ = panel
        self.forecast_ = self._forecast(values, self.horizon)
        before = self._forecast(values[:, :-horizon], horizon) if panel.periods > 1 else self.forecast_[:, :1]
        self.errors_ = ErrorQuantiles().fit(values[:, -horizon:], before)
        return self

    def _forecast(self, values: Floats, horizon: int) -> Floats:
        """Return the forecasts of the periods after ``values``, shape (series, horizon)."""
        length = max(LONGEST * max(self.seasons), SHORTEST)
        filled = held(held(values, self.seasons[0] if self.seasons[0] < values.shape[1] else 1)[:, -length:])
        firsts = range(0, len(filled), BLOCK)
        return np.concatenate([self._block(filled[first : first + BLOCK], horizon) for first in firsts])

    def _block(self, values: Floats, horizon: int) -> Floats:
        """Return the forecasts of some series, computed or as they were kept before."""
        if self.checkpoints is None:
            return np.array([self._one(series[~np.isnan(series)], horizon) for series in values])
        asked = f"{self.model} {horizon} {self.seasons}".encode() + values.tobytes()
        kept = self.checkpoints / f"{self.model}-{hashlib.sha256(asked).hexdigest()[:16]}.npy"
        if kept.exists():
            return np.asarray(np.load(kept, allow_pickle=False), dtype=float)
        told = np.array([self._one(series[~np.isnan(series)], horizon) for series in values])
        kept.parent.mkdir(parents=True, exist_ok=True)
        with replacing(kept) as temporary, temporary.open("wb") as file:
            np.save(file, told)
        return told

    def _one(self, series: Floats, horizon: int) -> Floats:
        if len(series) < FEWEST or series.min() == series.max():
            return np.full(horizon, series.mean() if len(series) else 0.0)
        seasons = [season for season in self.seasons if 2 * season <= len(series)] or [1]
        found = np.asarray(_model(self.model, seasons).forecast(y=series, h=horizon)["mean"], dtype=float)
        return np.where(np.isfinite(found), found, series.mean())

    def predict(self, X: pd.DataFrame) -> Floats:
        """Return the mean and the quantiles of rows after the panel's end."""
        row, step = positions_of(X.index, self.panel_.series, self.panel_.end, self.frequency)
        return self.errors_.around(self.forecast_[row, step - 1], row)


def _model(name: Model, seasons: list[int]) -> Any:
    from statsforecast import models

    match name:
        case "ets":
            return models.AutoETS(season_length=seasons[0])
        case "theta":
            return models.DynamicOptimizedTheta(season_length=seasons[0])
        case "mstl":
            return models.MSTL(season_length=seasons, trend_forecaster=models.AutoETS(model="ZZN"))
        case "croston":
            return models.CrostonSBA()
        case "imapa":
            return models.IMAPA()
        case "tsb":
            return models.TSB(alpha_d=0.1, alpha_p=0.1)

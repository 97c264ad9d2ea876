"""Global boosting: one model of all series, from each origin to each step directly.

LightGBM on the rows of ``direct.py``, in the manner of the best M4 and M5 entries (Makridakis,
Spiliotis and Assimakopoulos 2020 and 2022): pooled over series, no recursion, so that no forecast
feeds on another. A median, a few other quantiles, and a mean where values have zeros.
"""

from __future__ import annotations

from typing import Any, Self

import lightgbm as lgb
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, RegressorMixin

from lepton_platform.tasks.forecast import periods
from lepton_platform.tasks.forecast.direct import History, Row, Scale, known_mean, rolling_mean
from lepton_platform.tasks.forecast.panel import Future, Panel, groups_of
from lepton_platform.tasks.forecast.quantiles import between
from lepton_platform.tasks.forecast.response import Response

Floats = NDArray[np.float64]

HEADS = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)
"""Levels that have a model of their own; the others lie between."""
MOST_ROWS = 400_000
"""Rows of (series, origin, step) to learn from; of more, a random part."""
FEWEST_ORIGINS = 8
"""Origins in the phase of the season below which those between are used as well."""


class GlobalBoosting(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Gradient boosting of all series at once, direct for each step ahead.

    Parameters
    ----------
    horizon : periods ahead that it learns to forecast
    seasons : periods of the seasons, shortest first; (1,) for none
    frequency : of the times, see ``periods``
    rounds, learning_rate, leaves : of the median and the mean; the other quantiles take a third of the rounds

    ``predict`` returns shape (rows, 1 + quantiles): the mean, then the quantiles of ``LEVELS``.
    """

    def __init__(
        self,
        horizon: int = 1,
        seasons: tuple[int, ...] = (1,),
        frequency: str = "1",
        rounds: int = 400,
        learning_rate: float = 0.05,
        leaves: int = 31,
        random_state: int = 0,
    ) -> None:
        self.horizon = horizon
        self.seasons = seasons
        self.frequency = frequency
        self.rounds = rounds
        self.learning_rate = learning_rate
        self.leaves = leaves
        self.random_state = random_state

    def fit(self, X: pd.DataFrame, y: pd.Series[Any]) -> Self:
        """Learn from rows indexed by (series, time): covariates and categories in ``X``, values in ``y``."""
        panel = Panel.of(X, y, self.frequency)
        self.panel_ = panel
        self.scale_ = Scale.learn(panel.values)
        self.groups_ = groups_of(panel)
        scaled = self.scale_.to(panel.values)
        if panel.names:
            self.response_ = Response().fit(scaled, panel.covariates, self.groups_)
            scaled = scaled - self.response_.effect(panel.covariates)
        history = History(scaled, self.usable_seasons())
        self.by_level_ = history.by_level
        row = self._rows(scaled)
        anchor, scale = history.anchor(row), history.scale(row)
        target = (scaled[row.series, row.origin + row.step] - anchor) / scale
        base = anchor
        future = panel.covariates[row.series, row.origin + row.step]
        if panel.names:
            base = anchor + self.response_.effect(future, row.series)
        weight = self._importance(row, scale * self.scale_.slope(base))
        features = self._features(history, row, future)
        self._fit_quantiles(features, target, weight)
        if self.scale_.offset:
            self._fit_mean(features, row, base)
        return self

    def usable_seasons(self) -> tuple[int, ...]:
        """Return the seasons that the history holds at least two of and a horizon; (1,) if none."""
        length = self.panel_.periods
        return tuple(season for season in self.seasons if 2 * season + self.horizon <= length) or (1,)

    def _rows(self, scaled: Floats) -> Row:
        """Return the rows to learn from: origins in the phase of the forecast's, if there are enough."""
        count, season = scaled.shape[1], self.usable_seasons()[0]
        began = self.panel_.began()
        first = int(min(max(2 * season, *self.usable_seasons()), count // 2))
        spacing = season if (count - first) // season >= FEWEST_ORIGINS else 1
        origins = np.arange(count - 1 - spacing, min(first, count - 2) - 1, -spacing)
        if len(origins) == 0:
            origins = np.arange(count - 2, -1, -1)
        series, origin, step = (
            part.ravel()
            for part in np.meshgrid(
                np.arange(len(scaled)), origins, np.arange(1, self.horizon + 1), indexing="ij"
            )
        )
        usable = (origin + step < count) & (origin >= began[series])
        series, origin, step = series[usable], origin[usable], step[usable]
        known = ~np.isnan(scaled[series, origin + step])
        kept = np.flatnonzero(known)
        if len(kept) > MOST_ROWS:
            kept = np.sort(np.random.default_rng(self.random_state).choice(kept, MOST_ROWS, replace=False))
        return Row(series[kept], origin[kept], step[kept])

    def _importance(self, row: Row, sensitivity: Floats) -> Floats:
        """Return each row's weight: its share in the relative and in the scaled error of its series."""
        values, season = self.panel_.values, self.usable_seasons()[0]
        size = known_mean(np.abs(values))
        change = known_mean(np.abs(values[:, season:] - values[:, :-season]))
        with np.errstate(divide="ignore", invalid="ignore"):
            share = sensitivity * (1 / size + 1 / change)[row.series] / 2
        share = np.where(np.isfinite(share), share, 0)
        share = np.minimum(share, np.quantile(share, 0.999)) if share.any() else np.ones_like(share)
        return np.asarray(share / share.mean(), dtype=float)

    def _features(self, history: History, row: Row, future: Floats) -> pd.DataFrame:
        found = history.features(row)
        found |= self._calendar(row)
        for k, name in enumerate(self.panel_.names):
            usual = rolling_mean(self.panel_.covariates[..., k], history.recent)[row.series, row.origin]
            found[f"{name} ahead"] = future[:, k]
            found[f"{name} ahead, change"] = future[:, k] - usual
        for k, name in enumerate(self.panel_.attribute_names):
            codes = np.unique(self.panel_.attributes[:, k], return_inverse=True)[1]
            found[f"is {name}"] = codes[row.series].astype(float)
        return pd.DataFrame(found).astype(np.float32)

    def _calendar(self, row: Row) -> dict[str, Floats]:
        count = self.panel_.periods + self.horizon
        table = periods.features(self.panel_.end - self.panel_.periods + 1, count, self.frequency)
        return {str(name): table[name].to_numpy()[row.origin + row.step] for name in table}

    def _booster(self, objective: dict[str, Any], data: lgb.Dataset, rounds: int, rate: float) -> lgb.Booster:
        parameters = {
            "learning_rate": rate, "num_leaves": self.leaves, "min_data_in_leaf": 50, "feature_fraction": 0.6,
            "bagging_fraction": 0.7, "bagging_freq": 1, "lambda_l2": 1.0, "seed": self.random_state,
            "deterministic": True, "force_col_wise": True, "num_threads": 1, "verbose": -1, "max_bin": 127,
            "feature_pre_filter": False, **objective,
        }  # fmt: skip
        return lgb.train(parameters, data, rounds)

    def _fit_quantiles(self, features: pd.DataFrame, target: Floats, weight: Floats) -> None:
        data = lgb.Dataset(
            features.to_numpy(),
            target,
            weight=weight,
            free_raw_data=True,
            params={"max_bin": 127, "verbose": -1, "feature_pre_filter": False, "num_threads": 1},
        )
        self.heads_ = []
        for level in HEADS:
            middle = level == 0.5
            rounds = self.rounds if middle else max(self.rounds // 4, 1)
            rate = self.learning_rate if middle else 2 * self.learning_rate
            objective = {"objective": "quantile", "alpha": level}
            self.heads_.append(self._booster(objective, data, rounds, rate))

    def _fit_mean(self, features: pd.DataFrame, row: Row, base: Floats) -> None:
        """Fit the mean of counts: Tweedie deviance around the anchor, as the M5's best entries did."""
        y = self.panel_.values[row.series, row.origin + row.step]
        data = lgb.Dataset(
            features.to_numpy(), y, init_score=self._log_base(base), weight=self._mean_weight(row)
        )
        objective = {"objective": "tweedie", "tweedie_variance_power": 1.2, "boost_from_average": False}
        self.mean_ = self._booster(objective, data, self.rounds // 2, self.learning_rate)

    def _log_base(self, base: Floats) -> Floats:
        assert self.scale_.offset is not None
        return np.asarray(
            np.log(np.maximum(self.scale_.back(base), 0) + self.scale_.offset / 10), dtype=float
        )

    def _mean_weight(self, row: Row) -> Floats:
        change = np.sqrt(known_mean(np.diff(self.panel_.values, axis=1) ** 2))[row.series]
        weight = np.divide(1, change, out=np.zeros(len(change)), where=change > 0)
        return np.asarray(np.minimum(weight, np.quantile(weight, 0.99)) + 1e-9, dtype=float)

    def predict(self, X: pd.DataFrame) -> Floats:
        """Return the mean and the quantiles of rows indexed by (series, time), after the panel's end."""
        future = Future.of(X, self.panel_)
        scaled = self.scale_.to(self.panel_.values)
        if self.panel_.names:
            scaled = scaled - self.response_.effect(self.panel_.covariates)
        history = History(scaled, self.usable_seasons(), self.by_level_)
        row = Row(future.row, np.full(len(future.row), self.panel_.periods - 1), future.step.astype(np.intp))
        base = anchor = history.anchor(row)
        if self.panel_.names:
            base = anchor + self.response_.effect(future.covariates, row.series)
        features = self._features(history, row, future.covariates).to_numpy()
        changes = np.column_stack([head.predict(features) for head in self.heads_])
        changes = between(HEADS, changes)
        quantiles = self.scale_.back(base[:, None] + changes * history.scale(row)[:, None])
        if self.scale_.offset:
            mean = np.exp(self.mean_.predict(features, raw_score=True) + self._log_base(base))
        else:
            mean = quantiles.mean(axis=1)
        return np.column_stack([mean, quantiles])

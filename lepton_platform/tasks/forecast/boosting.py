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
from lepton_platform.tasks.forecast.quantiles import LEVELS, between
from lepton_platform.tasks.forecast.response import Response

Floats = NDArray[np.float64]

HEADS = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)
"""Levels that have a model of their own; the others lie between."""
BINNING = {"max_bin": 127, "feature_pre_filter": False, "num_threads": 1, "verbose": -1}
BLOCK = 5_000
"""Series that are forecast at once, so that memory stays flat."""
FEWEST_ORIGINS = 8
"""Origins in the phase of the season below which those between are used as well."""


class GlobalBoosting(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Gradient boosting of all series at once, direct for each step ahead.

    Parameters
    ----------
    horizon : periods ahead that it learns to forecast
    seasons : periods of the seasons, shortest first; (1,) for none
    frequency : of the times, see ``periods``
    rounds, learning_rate, leaves : of the median; the other quantiles take a quarter of the rounds
    most_rows : rows of (series, origin, step) to learn from; of more, a random part
    part : which random part, and which random trees

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
        most_rows: int = 400_000,
        part: int = 0,
        random_state: int = 0,
    ) -> None:
        self.horizon = horizon
        self.seasons = seasons
        self.frequency = frequency
        self.rounds = rounds
        self.learning_rate = learning_rate
        self.leaves = leaves
        self.most_rows = most_rows
        self.part = part
        self.random_state = random_state

    def fit(self, X: pd.DataFrame, y: pd.Series[Any]) -> Self:
        """Learn from rows indexed by (series, time): covariates and categories in ``X``, values in ``y``."""
        self.panel_ = panel = Panel.of(X, y, self.frequency)
        self.seed_ = self.random_state + self.part
        self.scale_ = Scale.learn(panel.values)
        self.codes_ = np.column_stack(
            [
                np.zeros(len(panel.series)),
                *(np.unique(part, return_inverse=True)[1] for part in panel.attributes.T),
            ]
        )
        if panel.names:
            scaled = self.scale_.to(panel.values)
            self.response_ = Response().fit(scaled, panel.covariates, groups_of(panel))
        some = self._some_series()
        history = self._history(some)
        self.by_level_, self.usual_ = history.by_level, history.usual
        row = self._rows(history.values, some)
        future = panel.covariates[some[row.series], row.origin + row.step]
        base, features = self._described(history, row, some, future)
        scale = history.scale(row)
        target = (history.values[row.series, row.origin + row.step] - history.anchor(row)) / scale
        weight = self._importance(some[row.series], scale * self.scale_.slope(base))
        self._fit_quantiles(features, target, weight)
        if self.scale_.offset:
            self._fit_mean(features, some[row.series], row.origin + row.step, base)
        return self

    def renew(self, panel: Panel) -> Self:
        """Forecast from the end of a panel of the same series and length, by what was learned before."""
        self.panel_ = panel
        return self

    def _some_series(self) -> NDArray[np.intp]:
        """Return the series to learn from: all, or of many a random part, so that memory stays flat."""
        count = len(self.panel_.series)
        each = len(self._origins(self.panel_.periods)) * self.horizon
        most = max(2 * self.most_rows // each, 100)
        if count <= most:
            return np.arange(count)
        return np.sort(np.random.default_rng(self.seed_).choice(count, most, replace=False))

    def _history(self, series: NDArray[np.intp]) -> History:
        """Return the values of some series on the model's scale, without what was planned."""
        scaled = self.scale_.to(self.panel_.values[series])
        if self.panel_.names:
            scaled = scaled - self.response_.effect(self.panel_.covariates[series], series)
        learned = (getattr(self, "by_level_", None), getattr(self, "usual_", None))
        return History(scaled, self.usable_seasons(), *learned)

    def _described(
        self, history: History, row: Row, series: NDArray[np.intp], future: Floats
    ) -> tuple[Floats, NDArray[np.float32]]:
        """Return where each row's forecast starts from, on the model's scale, and its features."""
        base = history.anchor(row)
        if self.panel_.names:
            base = base + self.response_.effect(future, series[row.series])
        return base, self._features(history, row, series, future)

    def usable_seasons(self) -> tuple[int, ...]:
        """Return the seasons that the history holds at least two of and a horizon; (1,) if none."""
        length = self.panel_.periods
        return tuple(season for season in self.seasons if 2 * season + self.horizon <= length) or (1,)

    def _origins(self, count: int) -> NDArray[np.intp]:
        """Return the columns of the origins among so many periods: if enough, of the forecast's phase."""
        season = self.usable_seasons()[0]
        first = int(min(max(2 * season, *self.usable_seasons()), count // 2))
        spacing = season if (count - first) // season >= FEWEST_ORIGINS else 1
        origins = np.arange(count - 1 - spacing, min(first, count - 2) - 1, -spacing)
        return origins if len(origins) else np.arange(max(count - 1, 1))[::-1]

    def _rows(self, scaled: Floats, some: NDArray[np.intp]) -> Row:
        """Return the rows to learn from; of more than ``most_rows``, a random part."""
        count, steps = scaled.shape[1], np.arange(1, self.horizon + 1)
        every = np.meshgrid(np.arange(len(scaled)), self._origins(count), steps, indexing="ij")
        series, origin, step = (part.ravel() for part in every)
        began = self.panel_.began()[some]
        usable = (origin + step < count) & (origin >= began[series])
        series, origin, step = series[usable], origin[usable], step[usable]
        kept = np.flatnonzero(~np.isnan(scaled[series, origin + step]))
        if len(kept) > self.most_rows:
            kept = np.sort(np.random.default_rng(self.seed_).choice(kept, self.most_rows, replace=False))
        return Row(series[kept], origin[kept], step[kept])

    def _importance(self, series: NDArray[np.intp], sensitivity: Floats) -> Floats:
        """Return each row's weight: its share in the relative and in the scaled error of its series."""
        values, season = self.panel_.values, self.usable_seasons()[0]
        size = known_mean(np.abs(values))
        change = known_mean(np.abs(values[:, season:] - values[:, :-season]))
        with np.errstate(divide="ignore", invalid="ignore"):
            share = sensitivity * (1 / size + 1 / change)[series] / 2
        share = np.where(np.isfinite(share), share, 0)
        share = np.minimum(share, np.quantile(share, 0.999)) if share.any() else np.ones_like(share)
        return np.asarray(share / share.mean(), dtype=float)

    def _features(
        self, history: History, row: Row, series: NDArray[np.intp], future: Floats
    ) -> NDArray[np.float32]:
        found = [*history.features(row).values(), *self._calendar(row)]
        for k in range(len(self.panel_.names)):
            known = self.panel_.covariates[series, :, k]
            usual = rolling_mean(known, history.recent)[row.series, row.origin]
            found += [future[:, k], future[:, k] - usual]
        found += list(self.codes_[series[row.series]].T)
        return np.column_stack([column.astype(np.float32) for column in found])

    def _calendar(self, row: Row) -> list[Floats]:
        count = self.panel_.periods + self.horizon
        table = periods.features(self.panel_.end - self.panel_.periods + 1, count, self.frequency)
        return [table[name].to_numpy()[row.origin + row.step] for name in table]

    def _booster(self, objective: dict[str, Any], data: lgb.Dataset, rounds: int, rate: float) -> lgb.Booster:
        parameters = {
            "learning_rate": rate, "num_leaves": self.leaves, "min_data_in_leaf": 50, "feature_fraction": 0.6,
            "bagging_fraction": 0.7, "bagging_freq": 1, "lambda_l2": 1.0, "seed": self.seed_,
            "deterministic": True, "force_col_wise": True, **BINNING, **objective,
        }  # fmt: skip
        return lgb.train(parameters, data, rounds)

    def _fit_quantiles(self, features: NDArray[np.float32], target: Floats, weight: Floats) -> None:
        data = lgb.Dataset(features, target, weight=weight, params=BINNING)
        self.heads_ = []
        for level in HEADS:
            middle = level == 0.5
            rounds = self.rounds if middle else max(self.rounds // 4, 1)
            rate = self.learning_rate if middle else 2 * self.learning_rate
            objective = {"objective": "quantile", "alpha": level}
            self.heads_.append(self._booster(objective, data, rounds, rate))

    def _fit_mean(
        self, features: NDArray[np.float32], series: NDArray[np.intp], column: NDArray[np.intp], base: Floats
    ) -> None:
        """Fit the mean of counts: Tweedie deviance around the anchor, as the M5's best entries did."""
        y, weight = self.panel_.values[series, column], self._mean_weight(series)
        data = lgb.Dataset(features, y, weight=weight, init_score=self._log_base(base), params=BINNING)
        objective = {"objective": "tweedie", "tweedie_variance_power": 1.2, "boost_from_average": False}
        self.mean_ = self._booster(objective, data, self.rounds // 2, self.learning_rate)

    def _log_base(self, base: Floats) -> Floats:
        assert self.scale_.offset is not None
        units = np.maximum(self.scale_.back(base), 0)
        return np.asarray(np.log(units + self.scale_.offset / 10), dtype=float)

    def _mean_weight(self, series: NDArray[np.intp]) -> Floats:
        change = np.sqrt(known_mean(np.diff(self.panel_.values, axis=1) ** 2))[series]
        weight = np.divide(1, change, out=np.zeros(len(change)), where=change > 0)
        return np.asarray(np.minimum(weight, np.quantile(weight, 0.99)) + 1e-9, dtype=float)

    def predict(self, X: pd.DataFrame) -> Floats:
        """Return the mean and the quantiles of rows indexed by (series, time), after the panel's end."""
        future = Future.of(X, self.panel_)
        told = np.empty((len(X), 1 + len(LEVELS)))
        for first in range(0, len(self.panel_.series), BLOCK):
            block = np.arange(first, min(first + BLOCK, len(self.panel_.series)))
            asked = np.flatnonzero((future.row >= first) & (future.row < first + BLOCK))
            if len(asked):
                told[asked] = self._predict_block(block, future.take(asked))
        return told

    def _predict_block(self, block: NDArray[np.intp], future: Future) -> Floats:
        history = self._history(block)
        origin = np.full(len(future.row), self.panel_.periods - 1)
        row = Row(future.row - block[0], origin, future.step.astype(np.intp))
        base, features = self._described(history, row, block, future.covariates)
        changes = between(HEADS, np.column_stack([head.predict(features) for head in self.heads_]))
        quantiles = self.scale_.back(base[:, None] + changes * history.scale(row)[:, None])
        if self.scale_.offset:
            mean = np.exp(self.mean_.predict(features, raw_score=True) + self._log_base(base))
        else:
            mean = quantiles.mean(axis=1)
        return np.column_stack([mean, quantiles])

"""How demand responds to what is known ahead: promotions, prices, holidays.

A ridge regression in three levels: one response of all series, the deviations of each group of
series from it, and those of each series from its group's, each shrunk to zero, so that a series
with few promotions borrows the response of its like. Values are on the model's scale (logarithms
where values cannot be negative), and each series' own mean is taken out first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

BLOCK = 5_000
"""Series whose regressors are in memory at once."""
SPREAD = 10.0
"""Periods that a group's or a series' own response must outweigh: the strength of the ridge."""


@dataclass(frozen=True)
class Shapes:
    """Turns one covariate into regressors: as it is; for amounts also whether, how much, how very much."""

    centre: float
    scale: float
    amount: bool
    middle: float
    """Median of the positive amounts."""

    @classmethod
    def learn(cls, values: Floats) -> Shapes:
        """Learn from all known values of a covariate; many zeros and nothing below make it an amount."""
        known = values[~np.isnan(values)]
        if len(known) == 0:
            return cls(0.0, 1.0, False, 1.0)
        positive = known[known > 0]
        amount = bool(known.min() >= 0 and len(np.unique(known[:10_000])) > 2)
        middle = float(np.median(positive)) if len(positive) else 1.0
        spread = float(known.std())
        return cls(float(known.mean()), spread if spread > 0 else 1.0, amount, middle)

    def __call__(self, values: Floats) -> list[Floats]:
        """Return arrays of the shape of ``values``; unknown values count as the typical one."""
        if not self.amount:
            return [np.nan_to_num((values - self.centre) / self.scale)]
        logged = np.log1p(np.nan_to_num(values).clip(0) / self.middle)
        return [logged, (logged > 0).astype(float), np.maximum(logged - np.log(2), 0)]


class Response:
    """Ridge regression of series on what is known ahead, in three levels.

    Attributes
    ----------
    coefficients_ : ndarray of shape (series, regressors)
    """

    def fit(self, values: Floats, covariates: Floats, groups: NDArray[np.intp]) -> Self:
        """Learn from values of shape (series, periods) and covariates (series, periods, covariates).

        ``groups`` holds the number of each series' group.
        """
        self.shapes_ = [Shapes.learn(covariates[..., k]) for k in range(covariates.shape[2])]
        known = ~np.isnan(values) & ~np.isnan(covariates).all(axis=2)
        count = np.maximum(known.sum(axis=1), 1)
        y = np.where(known, values - (np.where(known, values, 0).sum(axis=1) / count)[:, None], 0)
        y -= y.sum(axis=0) / np.maximum(known.sum(axis=0), 1)  # what all series share in a period
        y = np.where(known, y, 0)
        moments = [self._moments(covariates[part], known[part], y[part]) for part in _parts(len(values))]
        xx, xy = (np.concatenate(found) for found in zip(*moments, strict=True))
        size = np.maximum(xx.sum(axis=0).diagonal() / known.sum(), 1e-12)  # of a regressor in one period
        ridge = np.diag(SPREAD * size)
        everyone = np.linalg.solve(xx.sum(axis=0) + ridge, xy.sum(axis=0))
        of_group = np.zeros((groups.max() + 1, xy.shape[1]))
        np.add.at(of_group, groups, xy - xx @ everyone)
        xx_group = np.zeros((len(of_group), *ridge.shape))
        np.add.at(xx_group, groups, xx)
        groupwise = everyone + np.linalg.solve(xx_group + ridge, of_group[..., None])[..., 0]
        left = xy - np.einsum("ikl,il->ik", xx, groupwise[groups])
        self.coefficients_ = groupwise[groups] + np.linalg.solve(xx + ridge, left[..., None])[..., 0]
        return self

    def _moments(self, covariates: Floats, known: NDArray[np.bool_], y: Floats) -> tuple[Floats, Floats]:
        """Return the products of the regressors with themselves and with ``y``, less each series' mean."""
        x, count = self._regressors(covariates), np.maximum(known.sum(axis=1), 1)
        mean = (x * known[..., None]).sum(axis=1) / count[:, None]
        x = np.where(known[..., None], x - mean[:, None], 0)
        return np.einsum("itk,itl->ikl", x, x), np.einsum("itk,it->ik", x, y)

    def _regressors(self, covariates: Floats) -> Floats:
        columns = [part for k, shape in enumerate(self.shapes_) for part in shape(covariates[..., k])]
        return np.stack(columns, axis=-1)

    def effect(self, covariates: Floats, series: NDArray[np.intp] | slice = slice(None)) -> Floats:
        """Return the effect of covariates of shape (series, ..., covariates) on each series' scale."""
        coefficients = self.coefficients_[series]
        effects = [
            np.einsum("i...k,ik->i...", self._regressors(covariates[part]), coefficients[part])
            for part in _parts(len(covariates))
        ]
        return np.asarray(np.concatenate(effects), dtype=float)


def _parts(series: int) -> list[slice]:
    """Return blocks of series: the regressors of all of them at once would be several times the panel."""
    return [slice(first, first + BLOCK) for first in range(0, max(series, 1), BLOCK)]

"""What a direct multi-horizon model sees: a row per series, origin and step.

Everything is taken from periods up to the row's origin, except covariates that are known ahead. A
row's target is the change from an anchor (the last value of the same season, or the recent level)
in units of how much the series usually moves, so that series of any size and unit are alike.
Values are on a logarithmic scale where they cannot be negative.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Positions = NDArray[np.intp]

RECENT = 8
"""Periods that a level is the mean of, where no season is longer."""


@dataclass(frozen=True)
class Scale:
    """The scale on which values are modelled: log(y + offset), or y itself where it can be negative."""

    offset: float | None

    @classmethod
    def learn(cls, values: Floats) -> Scale:
        """Choose by all known values: 0 for positive ones, a small typical amount where zeros occur."""
        known = values[~np.isnan(values)]
        if len(known) == 0 or known.min() < 0:
            return cls(None)
        positive = known[known > 0]
        return cls(
            0.0
            if len(positive) == len(known)
            else float(np.quantile(positive, 0.05))
            if len(positive)
            else 1.0
        )

    def to(self, values: Floats) -> Floats:
        return values if self.offset is None else np.log(values + self.offset)

    def back(self, values: Floats) -> Floats:
        return values if self.offset is None else np.exp(np.clip(values, -700, 700)) - self.offset

    def slope(self, values: Floats) -> Floats:
        """Return how much the value itself changes with its place on the scale."""
        return np.ones_like(values) if self.offset is None else np.exp(values)


@dataclass(frozen=True)
class Row:
    """Which rows: positions of the series, columns of the origins, steps ahead; each of shape (rows,)."""

    series: Positions
    origin: Positions
    step: Positions


class History:
    """The values of a panel on the model's scale, and what is summed up at each origin.

    Parameters
    ----------
    values : array of shape (series, periods)
    seasons : the season to anchor by (1: none), then longer ones
    by_level : whether the anchor is the recent level; ``None`` chooses what has been nearer
    usual : the usual movement of a period, of all series; ``None`` learns it from these
    """

    def __init__(
        self,
        values: Floats,
        seasons: tuple[int, ...],
        by_level: bool | None = None,
        usual: float | None = None,
    ) -> None:
        self.season, self.longer = seasons[0], seasons[1:]
        self.values = values
        self.recent = max(RECENT, self.season)
        self.level = held(rolling_mean(values, self.recent))
        self.level = np.where(np.isnan(self.level), _typical(values), self.level)
        moved = np.abs(values - _lagged(self.level, 1))
        if self.season > 1:
            self.changes = values - _lagged(values, self.season)
            repeated = np.abs(self.changes)
            both = ~np.isnan(moved) & ~np.isnan(repeated)
            nearer = bool(both.any() and repeated[both].mean() < moved[both].mean())
            self.by_level = not nearer if by_level is None else by_level
        else:
            self.by_level = True
        movement = moved if self.by_level else repeated
        self.usual = usual = _usual(movement) if usual is None else usual
        spread = held(rolling_mean(movement, 4 * self.recent))
        self.spread = np.maximum(np.where(np.isnan(spread), usual, spread), 0.1 * usual)
        self.filled = values if self.by_level else held(values, self.season)

    def anchor(self, row: Row) -> Floats:
        """Return the value that each row's target is measured from."""
        level = self.level[row.series, row.origin]
        if self.by_level:
            return level
        found = self._at(self.filled, row, self._back(row.step, self.season))
        return np.where(np.isnan(found), level, found)

    def scale(self, row: Row) -> Floats:
        return self.spread[row.series, row.origin]

    @staticmethod
    def _back(step: Positions, season: int) -> Positions:
        """Return how many periods before the target the last known one of the same season lies."""
        return -(-step // season) * season

    @staticmethod
    def _at(values: Floats, row: Row, lag: Positions | int) -> Floats:
        """Return values ``lag`` periods before the rows' targets; NaN before the first period."""
        column = row.origin + row.step - lag
        return np.where(column >= 0, values[row.series, np.maximum(column, 0)], np.nan)

    def features(self, row: Row) -> dict[str, Floats]:
        """Return named features of shape (rows,), all free of the series' own level and spread."""
        anchor, scale = self.anchor(row), self.scale(row)
        level = self.level[row.series, row.origin]
        here = Row(row.series, row.origin, np.zeros_like(row.step))
        found = {"step": row.step.astype(float)}
        for lag in range(RECENT):
            found[f"last {lag}"] = (self._at(self.values, here, lag) - level) / scale
        for width in (2, 4, 13, 26, 52):
            if width != self.recent and width < self.values.shape[1]:
                found[f"mean of {width}"] = (
                    rolling_mean(self.values, width)[row.series, row.origin] - level
                ) / scale
        if self.season > 1:
            found |= self._seasonal(row, here, anchor, scale)
            found["anchor"] = (anchor - level) / scale
        for season in self.longer:
            found |= self._longer(row, season, anchor, scale)
        found["spread"] = np.log(scale)
        found["spread now"] = np.log1p(self._spread_now()[row.series, row.origin] / scale)
        found["level"] = level
        found["age"] = np.minimum(row.origin - self._began()[row.series], 4 * self.recent).astype(float)
        return found

    def _seasonal(self, row: Row, here: Row, anchor: Floats, scale: Floats) -> dict[str, Floats]:
        """The same season before the anchor, its neighbours, and how far the last values are above theirs."""
        found, season = {}, self.season
        back = self._back(row.step, season)
        for cycle in range(1, 5):
            found[f"season {cycle}"] = (self._at(self.values, row, back + cycle * season) - anchor) / scale
        for shift in (-2, -1, 1, 2):
            near = self._at(self.values, row, np.maximum(back - shift, row.step))
            found[f"neighbour {shift}"] = (near - anchor) / scale
        for lag in (0, 1, 2, 3, 5):
            found[f"change {lag}"] = self._at(self.changes, here, lag) / scale
        for width in sorted({max(season // 4, 2), max(season // 2, 2), season, 7 * season}):
            found[f"change over {width}"] = rolling_mean(self.changes, width)[row.series, row.origin] / scale
        return found

    def _longer(self, row: Row, season: int, anchor: Floats, scale: Floats) -> dict[str, Floats]:
        """The longer season's own values, and what it says of the change from the anchor."""
        found, sums = {}, []
        own, back = self._back(row.step, self.season), self._back(row.step, season)
        for cycle in range(min(4, self.values.shape[1] // season)):
            then = self._at(self.values, row, back + cycle * season)
            before = self._at(self.values, row, back + cycle * season + own)
            found[f"{season} back {cycle}"] = (then - anchor) / scale
            found[f"{season} change {cycle}"] = (then - before) / scale
            sums.append(found[f"{season} change {cycle}"])
        if len(sums) > 1:
            found[f"{season} change"] = _row_mean(sums)
            found[f"{season} level"] = _row_mean([found[f"{season} back {c}"] for c in range(len(sums))])
        if self.season > 1 and self.values.shape[1] > season:
            weekly = self.values - _lagged(self.values, season)
            found[f"{season} drift"] = rolling_mean(weekly, self.season)[row.series, row.origin] / scale
        return found

    def _spread_now(self) -> Floats:
        return np.nan_to_num(
            rolling_mean(np.abs(self.values - _lagged(self.values, self.season)), self.recent)
        )

    def _began(self) -> Positions:
        known = ~np.isnan(self.values)
        return np.asarray(known.argmax(axis=1), dtype=np.intp)


def _row_mean(parts: list[Floats]) -> Floats:
    stacked = np.stack(parts)
    known = ~np.isnan(stacked)
    return np.asarray(
        np.where(known, stacked, 0).sum(axis=0) / np.where(known.any(axis=0), known.sum(axis=0), np.nan)
    )


def known_mean(values: Floats) -> Floats:
    """Return the mean of each series' known values, shape (series,); NaN where there is none.

    >>> known_mean(np.array([[1.0, np.nan, 3.0], [np.nan, np.nan, np.nan]]))
    array([ 2., nan])
    """
    known = ~np.isnan(values)
    count = known.sum(axis=1)
    total = np.where(known, values, 0).sum(axis=1)
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), np.nan), dtype=float)


def rolling_mean(values: Floats, width: int) -> Floats:
    """Return the mean of the last ``width`` known values at each period; NaN where none is known.

    >>> rolling_mean(np.array([[1.0, np.nan, 3.0, 5.0]]), 2)
    array([[1., 1., 3., 4.]])
    """
    known = ~np.isnan(values)
    total = np.cumsum(np.where(known, values, 0), axis=1)
    count = np.cumsum(known, axis=1).astype(float)
    total[:, width:], count[:, width:] = (
        total[:, width:] - total[:, :-width],
        count[:, width:] - count[:, :-width],
    )
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(count > 0, total / np.where(count > 0, count, 1), np.nan), dtype=float)


def _lagged(values: Floats, lag: int) -> Floats:
    shifted = np.full_like(values, np.nan)
    shifted[:, lag:] = values[:, : values.shape[1] - lag]
    return shifted


def held(values: Floats, season: int = 1) -> Floats:
    """Return values with each gap filled by the last known one of the same season."""
    filled = values.copy()
    for column in range(season, values.shape[1]):
        gap = np.isnan(filled[:, column])
        filled[gap, column] = filled[gap, column - season]
    return filled


def _usual(movement: Floats) -> float:
    """Return the typical movement that is not 0; 1 where nothing ever moves."""
    moved = movement[movement > 0]
    return float(np.median(moved)) if len(moved) else 1.0


def _typical(values: Floats) -> float:
    return float(np.nanmedian(values)) if np.isfinite(values).any() else 0.0

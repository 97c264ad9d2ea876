"""Ticks of many instruments, one after the other: the state that each leaves, and the alerts it raises.

All instruments are arrays, so that ten thousand cost little more than one; nothing grows with the
number of ticks. Ticks count in the order in which they come. One that is late, repeated, no number or
absurd raises an alert and changes nothing else; the day it should have told of stays unknown.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from lepton_platform.alert import Alert
from lepton_platform.tasks.volatility.backtests import YEAR, zone_of
from lepton_platform.tasks.volatility.beginning import Beginning, Start, seconds_of
from lepton_platform.tasks.volatility.filters import Forecast
from lepton_platform.tasks.volatility.panel import Day
from lepton_platform.tasks.volatility.quality import GAP, like_a_split
from lepton_platform.tasks.volatility.rolling import forecast_columns
from lepton_platform.tasks.volatility.sayings import NEAR, SAYINGS, cluster_size, date_of

Floats = NDArray[np.float64]
Places = NDArray[np.intp]

ABSURD = 25.0
"""Forecast deviations from which a tick is taken for an error until the next one confirms it."""
CONFIRMED = 10.0
"""Deviations within which a tick confirms the level of the one that was set aside before it."""
JUMP = 1.5
"""Ratio of tomorrow's forecast volatility to today's from which it jumped."""
MEMORY = 0.97
"""Decay of the mean squared standardised return, about a month of days."""
MOST_SQUARED = 16.0
"""Squared standardised return that one day counts with at most: one crash is no drift."""
FITTING = (0.4, 2.2)
"""Range of that mean in which the model fits; it is 1 where the model is right."""
NAMED = 5


class RiskStream(BaseEstimator):  # type: ignore[misc]
    """A fitted model as it goes through ticks.

    Parameters
    ----------
    instruments : tuple of str
        Those that it knows, in the order of all its arrays.
    levels, es_levels : tuple of float
        Tail probabilities of VaR and ES.
    prices : bool
        Whether ticks hold prices; else returns.
    spacing : float
        Usual seconds from one tick of an instrument to the next; NaN where times are numbers.

    Attributes
    ----------
    filter_ : Filter
        What is known of each instrument.
    alerts_ : list of Alert
        What the last update raised.
    """

    def __init__(
        self,
        *,
        instruments: tuple[str, ...],
        levels: tuple[float, ...],
        es_levels: tuple[float, ...],
        prices: bool,
        spacing: float,
    ) -> None:
        self.instruments = instruments
        self.levels = levels
        self.es_levels = es_levels
        self.prices = prices
        self.spacing = spacing

    def begin(self, beginning: Beginning) -> Self:
        """Begin before the first tick, whenever that will be."""
        self.beginning_: Beginning | None = beginning
        self.alerts_: list[Alert] = []
        return self

    def _start(self, start: Start) -> None:
        n = len(self.instruments)
        self.beginning_ = None
        self.filter_ = start.filter
        self.begun_ = self.clock_ = start.time
        self.time_ = start.times.copy()
        self.heard_ = start.times.copy()
        self.price_ = start.prices.copy()
        self.set_aside_ = np.full(n, np.nan)
        self.light_ = np.zeros((YEAR, n), dtype=np.int8)
        self.near_ = np.zeros((NEAR, n), dtype=np.int8)
        self.seen_ = np.zeros(n, dtype=np.int64)
        for day, limit in zip(start.returns, start.var, strict=True):
            places = np.flatnonzero(np.isfinite(day) & np.isfinite(limit).all(axis=1))
            self._count(places, day[places] < -limit[places, 0], day[places] < -limit[places, -1])
        self.zone_ = self._zones(np.arange(n))
        self.clustered_ = self._clustered(np.arange(n))
        self.square_ = np.ones(n)
        self.drifted_ = np.zeros(n, dtype=np.int8)
        self.refused_ = start.filter.forecast().fallback.copy()
        self.silent_ = np.zeros(n, dtype=bool)

    # ------------------------------------------------------------------------------ two questions

    def predict(self, ticks: pd.DataFrame) -> pd.DataFrame:
        """Return what is forecast of each tick before it is taken in, and its return; nothing changes."""
        return self._copy()._through(ticks, telling=False)

    def update(self, ticks: pd.DataFrame) -> Self:
        """Take ticks in; ``alerts_`` holds what they raised."""
        after = self._copy()
        after._through(ticks, telling=True)
        return after

    def _copy(self) -> Self:
        copy = type(self)(**self.get_params())
        for name, value in vars(self).items():
            setattr(copy, name, value.copy() if isinstance(value, np.ndarray) else value)
        copy.alerts_ = []
        return copy

    def _through(self, ticks: pd.DataFrame, telling: bool) -> pd.DataFrame:
        """Go through ticks, indexed by date and instrument, with ``value`` and perhaps ``realised``."""
        dates, named = (ticks.index.get_level_values(level) for level in (0, 1))
        place = _index_of(self.instruments).get_indexer(named.astype(str))
        times = seconds_of(dates)
        values = ticks["value"].to_numpy(dtype=float)
        realised = (
            ticks["realised"].to_numpy(dtype=float) if "realised" in ticks else np.full(len(ticks), np.nan)
        )
        names = ["return", *forecast_columns(self.levels, self.es_levels)]
        self._raised: list[tuple[int, Alert]] = []
        self._telling, self._dates, self._named = telling, dates, named
        table = np.full((len(ticks), len(names)), np.nan)
        if self.beginning_ is not None and (place >= 0).any():
            self._start(self.beginning_.before(float(times[place >= 0][0])))
        for rows in _rounds(times, place):
            known = rows[place[rows] >= 0]
            self._unknown(rows[place[rows] < 0])
            known = known[~self._of_the_run(place[known], times[known])]
            if len(known):
                self._advance_clock(int(known[0]), float(times[known[0]]), dates[known[0]])
                told = self.filter_.forecast()
                returns = self._take(known, place[known], times[known], values[known], realised[known], told)
                parts = (told.volatility, told.var, told.es, told.fallback, told.realised)
                table[known] = np.column_stack([returns, *(part[place[known]] for part in parts)])
        # by row, so that the order is the same however ticks are cut into batches
        self.alerts_ = [alert for _, alert in sorted(self._raised, key=lambda raised: raised[0])]
        del self._raised, self._telling, self._dates, self._named
        return pd.DataFrame(table, index=ticks.index, columns=names)

    # ----------------------------------------------------------------------------------- one round

    def _of_the_run(self, places: Places, times: Floats) -> NDArray[np.bool_]:
        """Return which ticks are of days that the run had, and are passed over in silence."""
        return np.asarray((times <= self.begun_) & ~(self.time_[places] > self.begun_))

    def _take(
        self,
        rows: Places,
        places: Places,
        times: Floats,
        values: Floats,
        realised: Floats,
        told: Forecast,
    ) -> Floats:
        """Take in ticks of different instruments; return their returns, NaN where there is none."""
        self.heard_[places] = np.fmax(self.heard_[places], times)
        self.silent_[places] = False
        returns = self._returns(places, values)
        volatility = told.volatility[places]
        repeated, late = times == self.time_[places], times < self.time_[places]
        wrong = ~np.isfinite(values) | ((values <= 0) if self.prices else False)
        out_of_order = repeated | late
        absurd = ~out_of_order & ~wrong & (np.abs(returns) > ABSURD * volatility)
        shifted = absurd & self._confirmed(places, values, volatility)
        absurd &= ~shifted
        for kind, which in (("duplicate", repeated), ("late", late & ~repeated)):
            self._raise(kind, rows[which], places[which], values[which])
        faulty = absurd | (wrong & ~out_of_order)
        self._raise("absurd", rows[faulty], places[faulty], values[faulty])
        self._raise("shift", rows[shifted], places[shifted], returns[shifted])
        self.set_aside_[places[absurd]] = values[absurd]
        good = ~(out_of_order | wrong | absurd)
        # what looks like a split is no loss: the level is taken over, and no return is counted
        returns = np.where(shifted & like_a_split(returns), np.nan, returns) if self.prices else returns
        returns = np.where(good, returns, np.nan)
        self._missing(rows[good], places[good], times[good])
        self._accept(places[good], times[good], values[good])
        counted = np.isfinite(returns)
        self._judge(rows[counted], places[counted], returns[counted], told)
        self._step(rows[counted], places[counted], returns[counted], realised[counted], told)
        return returns

    def _returns(self, places: Places, values: Floats) -> Floats:
        if not self.prices:
            return values
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.log(values / self.price_[places])

    def _confirmed(self, places: Places, values: Floats, volatility: Floats) -> NDArray[np.bool_]:
        """Return where a tick is near the one that was set aside before it: the level did move."""
        if not self.prices:
            return np.zeros(len(places), dtype=bool)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(np.abs(np.log(values / self.set_aside_[places])) < CONFIRMED * volatility)

    def _accept(self, places: Places, times: Floats, values: Floats) -> None:
        self.time_[places] = times
        self.price_[places] = values
        self.set_aside_[places] = np.nan

    def _judge(self, rows: Places, places: Places, returns: Floats, told: Forecast) -> None:
        """Compare returns with the VaR; count exceedances, and say what they add up to."""
        var = told.var[places]
        beyond = returns[:, None] < -var
        deepest = np.where(beyond.any(axis=1), beyond.argmax(axis=1), -1)
        for number, level in enumerate(self.levels):
            which = deepest == number
            limits = told.var[places[which], number]
            self._raise("exceedance", rows[which], places[which], returns[which], level=level, limits=limits)
        self._count(places, beyond[:, 0], beyond[:, -1])
        zone, clustered = self._zones(places), self._clustered(places)
        changed = zone != self.zone_[places]
        self._raise("zone", rows[changed], places[changed], zone[changed].astype(float))
        new = clustered & ~self.clustered_[places]
        self._raise("cluster", rows[new], places[new], self.near_[:, places[new]].sum(axis=0).astype(float))
        self.zone_[places], self.clustered_[places] = zone, clustered

    def _step(
        self,
        rows: Places,
        places: Places,
        returns: Floats,
        realised: Floats,
        told: Forecast,
    ) -> None:
        """Let the filter learn the returns; say where tomorrow is unlike today, or unlike the model."""
        n = len(self.instruments)
        day = Day(np.full(n, np.nan), np.full(n, np.nan))
        day.returns[places], day.realised[places] = returns, realised
        self.filter_ = self.filter_.step(day)
        after = self.filter_.forecast()
        ratio = after.volatility[places] / told.volatility[places]
        jumped = ratio > JUMP
        self._raise("jump", rows[jumped], places[jumped], ratio[jumped])
        refused = after.fallback[places] & ~self.refused_[places]
        self._raise("refused", rows[refused], places[refused], returns[refused])
        self.refused_[places] = after.fallback[places]
        standardised = np.minimum((returns / told.volatility[places]) ** 2, MOST_SQUARED)
        square = MEMORY * self.square_[places] + (1 - MEMORY) * standardised
        side = np.where(square > FITTING[1], 1, np.where(square < FITTING[0], -1, 0))
        drifted = (side != self.drifted_[places]) & (side != 0)
        self._raise("drift", rows[drifted], places[drifted], np.sqrt(square[drifted]))
        self.square_[places], self.drifted_[places] = square, side

    def _count(self, places: Places, deep: NDArray[np.bool_], shallow: NDArray[np.bool_]) -> None:
        self.light_[self.seen_[places] % YEAR, places] = deep
        self.near_[self.seen_[places] % NEAR, places] = shallow
        self.seen_[places] += 1

    def _zones(self, places: Places) -> NDArray[np.int_]:
        return zone_of(self.light_[:, places].sum(axis=0, dtype=int), YEAR, self.levels[0])

    def _clustered(self, places: Places) -> NDArray[np.bool_]:
        count = self.near_[:, places].sum(axis=0, dtype=int)
        return np.asarray(count >= cluster_size(self.levels[-1]))

    def _advance_clock(self, row: int, time: float, date: Any) -> None:
        """When a later day begins, name the instruments that had no tick on the one before."""
        if not time > self.clock_:
            self.clock_ = time if np.isnan(self.clock_) else self.clock_
            return
        absent = np.flatnonzero(np.isfinite(self.heard_) & (self.heard_ < self.clock_) & ~self.silent_)
        if len(absent):
            self.silent_[absent] = True
            named = ", ".join(self.instruments[place] for place in absent[:NAMED])
            more = f" and {len(absent) - NAMED:,} more" if len(absent) > NAMED else ""
            said = f"no tick on the last day before {date_of(date)}: {named}{more}"
            facts = {"instruments": len(absent)}
            self._raised.append((row, Alert("missing", named + more, date_of(date), "warning", said, facts)))
        self.clock_ = time

    def _missing(self, rows: Places, places: Places, times: Floats) -> None:
        """Raise where the ticks of an instrument are further apart than they usually are."""
        apart = (times - self.time_[places]) / self.spacing
        which = apart > GAP
        self._raise("missing", rows[which], places[which], apart[which])

    def _unknown(self, rows: Places) -> None:
        for row in rows if self._telling else ():
            date, name = self._dates[row], self._named[row]
            said = f"{name} is no instrument that the run learned; its ticks are not watched"
            self._raised.append((int(row), Alert("unknown", str(name), date_of(date), "warning", said)))

    def _raise(
        self,
        kind: str,
        rows: Places,
        places: Places,
        numbers: Floats,
        level: float = float("nan"),
        limits: Floats | None = None,
    ) -> None:
        if not self._telling:
            return
        for number, (row, place, value) in enumerate(zip(rows, places, numbers, strict=True)):
            limit = float("nan") if limits is None else float(limits[number])
            said, severity, facts = SAYINGS[kind](float(value), level, limit, self.levels)
            date, name = date_of(self._dates[row]), self.instruments[place]
            self._raised.append((int(row), Alert(kind, name, date, severity, f"{name}: {said}", facts)))


@cache
def _index_of(instruments: tuple[str, ...]) -> pd.Index[Any]:
    return pd.Index(instruments)


def _rounds(times: Floats, place: Places) -> Iterator[Places]:
    """Yield the rows of each stretch of one time, so parted that no instrument is in a part twice."""
    edges = np.flatnonzero(times[1:] != times[:-1]) + 1
    for stretch in np.split(np.arange(len(times)), edges) if len(times) else ():
        while len(stretch):
            _, firsts = np.unique(place[stretch], return_index=True)
            yield stretch[np.sort(firsts)]
            stretch = np.delete(stretch, firsts)

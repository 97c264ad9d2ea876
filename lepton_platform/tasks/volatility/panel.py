"""Returns of instruments as a grid of days: what forecasts are made from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]
INDEX = ["date", "instrument"]


class Day(NamedTuple):
    """What became known at the end of one day, shape (instruments,) each; NaN where nothing did."""

    returns: Floats
    realised: Floats
    """Realised variance, in squared units of the returns."""


@dataclass(frozen=True)
class Panel:
    """Returns by day and instrument, shape (days, instruments); NaN where there is none."""

    dates: NDArray[Any]
    instruments: tuple[str, ...]
    returns: Floats
    realised: Floats

    @classmethod
    def of(cls, cases: pd.DataFrame, instruments: tuple[str, ...] | None = None) -> Panel:
        """Arrange cases, indexed by date and instrument in any order, with a column ``return``.

        ``instruments`` says which there are and in what order; without it, all, sorted.
        """
        dates = cases.index.get_level_values(0)
        names = cases.index.get_level_values(1).astype(str)
        days = pd.Index(dates.unique()).sort_values()
        known = tuple(sorted(set(names))) if instruments is None else instruments
        row, column = days.get_indexer(dates), pd.Index(known).get_indexer(names)
        kept = column >= 0
        grids = []
        for name in ("return", "realised"):
            grid = np.full((len(days), len(known)), np.nan)
            if name in cases:
                grid[row[kept], column[kept]] = cases[name].to_numpy(dtype=float)[kept]
            grids.append(grid)
        return cls(days.to_numpy(), known, *grids)

    def __len__(self) -> int:
        return len(self.dates)

    def day(self, t: int) -> Day:
        """Return what became known on day ``t``."""
        return Day(self.returns[t], self.realised[t])

    def before(self, t: int, days: int | None = None) -> Panel:
        """Return the last ``days`` days before day ``t``; without ``days``, all of them."""
        span = slice(0 if days is None else max(0, t - days), t)
        return Panel(self.dates[span], self.instruments, self.returns[span], self.realised[span])

    def followed_by(self, cases: pd.DataFrame) -> tuple[Panel, int]:
        """Return the days before the first case and then those of the cases, and where these begin.

        What a case leaves open and is known here, of the same day, counts: a file of prices does not say the
        return of its first day.
        """
        names = set(cases.index.get_level_values(1).astype(str))
        known = (*self.instruments, *sorted(names - set(self.instruments)))
        later = Panel.of(cases, known)
        first = int(np.searchsorted(self.dates, later.dates[0])) if len(later) else len(self)
        earlier = self.before(first)
        wider = ((0, 0), (0, len(known) - len(self.instruments)))
        same = pd.Index(self.dates).get_indexer(later.dates)
        grids = (
            np.vstack([old[:first], np.where(np.isnan(new) & (same >= 0)[:, None], old[same], new)])
            for old, new in (
                (np.pad(self.returns, wider, constant_values=np.nan), later.returns),
                (np.pad(self.realised, wider, constant_values=np.nan), later.realised),
            )
        )
        return Panel(np.concatenate([earlier.dates, later.dates]), known, *grids), first

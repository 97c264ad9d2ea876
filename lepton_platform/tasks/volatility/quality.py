"""What is wrong with prices and returns, in findings: nothing is mended here.

Sizes are counted in robust deviations, 1.4826 times the median absolute return of the instrument.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lepton_platform.data.dataset import Finding

Floats = NDArray[np.float64]

SPIKE = 10.0
"""Robust deviations from which a move that is taken back the next day looks like a bad tick."""
TAKEN_BACK = 0.75
SPLITS = (1.5, 2.0, 3.0, 4.0, 5.0, 7.0, 10.0, 20.0)
NEAR = 0.06
"""Relative distance within which a ratio of prices looks like one of ``SPLITS``."""
STALE = 5
"""Days without any move from which a price looks as if nobody had renewed it."""
GAP = 5.0
"""Usual spacings between days from which days are missing."""
MOST_NAMED = 3


def of_prices(prices: pd.Series[Any]) -> list[Finding]:
    """Return what stands out among the prices of a table, indexed by date and instrument."""
    wrong = np.flatnonzero((prices <= 0).to_numpy())
    if not len(wrong):
        return []
    date, instrument = prices.index.to_list()[int(wrong[0])]
    first = f"{instrument} at {_day(date)}: {prices.iloc[wrong[0]]:g}"
    said = f"{len(wrong):,} prices are not above 0, first {first}"
    remedy = "If these are returns, pass --kind returns; else correct or blank them"
    return [Finding("error", said, rows=tuple(int(row) for row in wrong[:100]), remedy=remedy)]


def of_returns(returns: pd.Series[Any], prices: bool) -> list[Finding]:
    """Return what stands out among returns, indexed by date and instrument, in order of the dates."""
    found: dict[str, list[str]] = {}
    counts: dict[str, int] = {}
    for instrument, part in returns.groupby(level=1, sort=True):
        for kind, position in _oddities(part.to_numpy(dtype=float), prices):
            counts[kind] = counts.get(kind, 0) + 1
            if len(found.setdefault(kind, [])) < MOST_NAMED:
                found[kind].append(f"{instrument} at {_day(part.index[position][0])}")
    return [_odd(kind, counts[kind], named) for kind, named in found.items()]


def _oddities(r: Floats, prices: bool) -> Iterator[tuple[str, int]]:
    """Yield what looks wrong and where, of one instrument."""
    deviation = 1.4826 * np.median(np.abs(r)) if len(r) else 0.0
    if deviation > 0:
        large = np.flatnonzero(np.abs(r) > SPIKE * deviation)
        for t in large:
            following = r[t + 1] if t + 1 < len(r) else 0.0
            if following * r[t] < 0 and abs(following) > TAKEN_BACK * abs(r[t]):
                yield "spike", int(t)
            elif prices and like_a_split(r[t : t + 1])[0]:
                yield "split", int(t)
    still = np.concatenate([[0], (r == 0).astype(int), [0]])
    edges = np.flatnonzero(np.diff(still))
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        if end - start >= STALE:
            yield "stale", int(start)


def like_a_split(log_returns: Floats) -> NDArray[np.bool_]:
    """Return which moves are as large as those of a split of shares, or of its reverse.

    >>> like_a_split(np.log([0.5, 0.97, 3.01])).tolist()
    [True, False, True]
    """
    ratio = np.exp(np.abs(log_returns))[..., None]
    return np.asarray((np.abs(ratio / np.array(SPLITS) - 1) < NEAR).any(axis=-1))


def _odd(kind: str, count: int, named: list[str]) -> Finding:
    listed = "; ".join(named) + ("; ..." if count > len(named) else "")
    said, remedy = {
        "spike": (
            "moves of more than ten usual ones are taken back the next day: bad ticks?",
            "They were kept and widen the forecasts that follow: correct them, or blank them",
        ),
        "split": (
            "falls or rises look like splits of shares",
            "Use prices adjusted for splits and dividends, or a split counts as a loss",
        ),
        "stale": (
            f"stretches of {STALE} days or more have no move at all: stale prices?",
            "A price that nobody renews hides risk: blank what was not traded",
        ),
    }[kind]
    return Finding("warning", f"{count:,} {said} ({listed})", remedy=remedy)


def of_calendar(index: pd.Index[Any]) -> list[Finding]:
    """Return what stands out among the dates: days that are missing, for all or for some."""
    dates = index.get_level_values(0).unique().sort_values()
    findings = []
    if isinstance(dates, pd.DatetimeIndex) and len(dates) > 2:
        spacing = np.diff(dates.to_numpy()).astype("timedelta64[s]").astype(float)
        holes = np.flatnonzero(spacing > GAP * np.median(spacing))
        if len(holes):
            named = [f"{_day(dates[place])} to {_day(dates[place + 1])}" for place in holes[:MOST_NAMED]]
            listed = "; ".join(named) + ("; ..." if len(holes) > MOST_NAMED else "")
            said = f"days are missing in {len(holes):,} places ({listed}): a return spans the gap"
            findings.append(Finding("warning", said))
    counts = pd.Series(1, index=index).groupby(level=1).sum()
    spans = (
        pd.Series(dates.get_indexer(index.get_level_values(0)), index=index)
        .groupby(level=1)
        .agg(["min", "max"])
    )
    holes_of = spans["max"] - spans["min"] + 1 - counts
    if (holes_of > 0).any():
        said = (
            f"{int(holes_of.sum()):,} days are empty inside {int((holes_of > 0).sum()):,} instruments: "
            "nothing was filled in, the next return spans the gap"
        )
        findings.append(Finding("warning", said))
    return findings


def _day(date: Any) -> str:
    return str(date)[:10] if isinstance(date, pd.Timestamp) else str(date)

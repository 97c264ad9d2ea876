"""Pictures of forecasts of the tail: exceedances with the zones of the traffic light, volatility."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray

from lepton_platform.report.figures import INK, MUTED, PALETTE, draw_legend, readable, single_axes
from lepton_platform.report.section import Figure
from lepton_platform.tasks.volatility.backtests import YEAR, zone_of, zones

Floats = NDArray[np.float64]

SHADES = {1: ("yellow zone", "#f2d98a"), 2: ("red zone", "#e9a5a0")}
MOST_POINTS = 600
TICKS = 5


def exceedances(dates: ArrayLike, returns: Floats, var: Floats, level: float, name: str) -> Figure:
    """Plot returns and the VaR below them, exceedances marked, yellow and red stretches shaded."""
    days = np.asarray(dates)
    hits = returns < -var
    counts = pd.Series(hits).rolling(YEAR, min_periods=YEAR).sum()
    zone = np.where(counts.isna(), 0, zone_of(counts.fillna(0).to_numpy().astype(int), YEAR, level))
    chart, axes = single_axes(3.8)
    for number, (label, color) in SHADES.items():
        _shade(axes, days, zone == number, color, label)
    shown = _thinned(returns, hits)
    axes.vlines(days[shown], 0, returns[shown], color=MUTED, linewidth=0.6, alpha=0.7)
    axes.plot(days, -var, color=PALETTE[0], linewidth=1.2, label=f"{level:.1%} VaR")
    axes.plot(days[hits], returns[hits], "o", color=PALETTE[1], markersize=4, label="exceedance")
    axes.set(ylabel="return")
    _dates(axes, days)
    draw_legend(chart, axes)
    yellow, red = zones(YEAR, level)
    finding = (
        f"{name}: {int(hits.sum())} of {len(hits):,} losses went beyond the {level:.1%} VaR, "
        f"{level * len(hits):.0f} were to be expected; looking back on {YEAR} days, the traffic light was "
        f"yellow ({yellow} to {red - 1} exceedances) on {np.mean(zone == 1):.0%} of days and red on "
        f"{np.mean(zone == 2):.0%}."
    )
    return Figure(chart, alt=finding, caption=finding)


def _thinned(returns: Floats, hits: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Return the largest returns of each stretch of days, and all hits, so that the picture stays small."""
    stretch = max(1, len(returns) // MOST_POINTS)
    starts = np.arange(0, len(returns), stretch)
    largest = [start + int(np.abs(returns[start : start + stretch]).argmax()) for start in starts]
    return np.union1d(np.array(largest, dtype=np.intp), np.flatnonzero(hits))


def _shade(axes: Axes, days: NDArray[Any], inside: NDArray[np.bool_], color: str, label: str) -> None:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], inside, [False]]).astype(int)))
    for place, (start, end) in enumerate(zip(edges[::2], edges[1::2], strict=True)):
        last = min(end, len(days) - 1)
        axes.axvspan(days[start], days[last], color=color, linewidth=0, label=label if place == 0 else None)


def _dates(axes: Axes, days: NDArray[Any]) -> None:
    """Name a few days along the axis, whatever the span and the kind of the dates."""
    places = np.unique(np.linspace(0, len(days) - 1, TICKS).astype(int))
    axes.set_xticks(days[places], [str(day)[:7] for day in days[places]])


def volatility(dates: ArrayLike, forecast: Floats, happened: Floats, what: str) -> Figure:
    """Plot the forecast of the volatility beside what happened."""
    days = np.asarray(dates)
    chart, axes = single_axes(3.5)
    axes.plot(days, happened, color=PALETTE[1], linewidth=1, alpha=0.75, label=what)
    axes.plot(days, forecast, color=PALETTE[0], linewidth=1.4, label="forecast")
    axes.set(ylabel="volatility a day")
    axes.yaxis.label.set(color=INK)
    _dates(axes, days)
    draw_legend(chart, axes)
    top = int(np.nanargmax(forecast))
    finding = (
        f"Forecast volatility is {readable(float(np.nanmedian(forecast)))} in the middle and at most "
        f"{readable(float(forecast[top]))} ({str(days[top])[:10]}); {what} is "
        f"{readable(float(np.nanmedian(happened)))} in the middle and at most "
        f"{readable(float(np.nanmax(happened)))}."
    )
    return Figure(chart, alt=finding, caption="")

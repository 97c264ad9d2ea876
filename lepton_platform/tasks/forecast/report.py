"""Forecast task, report stage: accuracy by step and kind of demand, coverage, pictures of series."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lepton_platform.hookspecs import hookimpl
from lepton_platform.report import figures
from lepton_platform.report.section import Figure, Section
from lepton_platform.tasks.forecast.blend import KINDS
from lepton_platform.tasks.forecast.direct import known_mean
from lepton_platform.tasks.forecast.panel import numbers_of
from lepton_platform.tasks.forecast.quantiles import COLUMNS, LEVELS

if TYPE_CHECKING:
    from lepton_platform.run import Run

Floats = NDArray[np.float64]

MOST_STEPS = 12
"""Rows of the table by step: longer horizons are told in blocks of steps."""
PAST = 3
"""Horizons of history in a picture of a series."""


@dataclass(frozen=True)
class KnownRows:
    """The test rows whose truth is known, and the forecasts of them."""

    known: NDArray[np.bool_]
    truth: Floats
    predictions: pd.DataFrame
    names: pd.Index[str]
    step: NDArray[np.int64]


def known_rows(run: Run) -> KnownRows:
    """Return the test rows whose truth is known."""
    truth = run.truth.to_numpy(dtype=float)
    known = ~np.isnan(truth)
    predictions = run.predictions if known.all() else run.predictions[known]
    step = numbers_of(run.predictions.index, run.learned["frequency"])[known] - run.model.panel_.end
    return KnownRows(
        known, truth[known], predictions, predictions.index.get_level_values(0).astype(str), step
    )


@hookimpl
def lepton_sections(run: Run) -> Sequence[Section]:
    """Accuracy by step, coverage, and pictures of the largest and the worst series."""
    rows = known_rows(run)
    if not len(rows.truth):
        return [Section("How good is the forecast?", "No test row has a value: nothing could be judged.", 21)]
    return [
        Section("By how far ahead", _by_step(rows), 22),
        Section("By kind of demand", _by_kind(run, rows), 24),
        Section("Can the quantiles be trusted?", _coverage(rows), 30),
        Section("Pictures of series", _pictures(run, rows), 40),
        Section("Earlier forecasts", _backtest(run), 52),
    ]


def _judged(rows: KnownRows, by: Any) -> pd.DataFrame:
    """Return errors and coverage of groups of rows; shares are of what the truths add up to."""
    frame = pd.DataFrame(
        {
            "size": np.abs(rows.truth),
            "error": np.abs(rows.predictions["median"].to_numpy() - rows.truth),
            "over": rows.predictions["mean"].to_numpy() - rows.truth,
            "inside 90 %": _inside(rows, "q0.05", "q0.95"),
            "inside 95 %": _inside(rows, "q0.025", "q0.975"),
        }
    )
    grouped = frame.groupby(by, sort=True)
    total = grouped[["size", "error", "over"]].sum()
    size = total["size"].where(total["size"] > 0)
    table = pd.DataFrame(
        {"values": grouped.size(), "WAPE": total["error"] / size, "bias": total["over"] / size}
    )
    return table.join(grouped[["inside 90 %", "inside 95 %"]].mean())


def _inside(rows: KnownRows, low: str, high: str) -> Floats:
    inside = (rows.truth >= rows.predictions[low].to_numpy()) & (
        rows.truth <= rows.predictions[high].to_numpy()
    )
    return inside.astype(float)


def _by_step(rows: KnownRows) -> Sequence[Any]:
    width = int(np.ceil(rows.step.max() / MOST_STEPS))
    last = np.ceil(rows.step / width).astype(int) * width
    table = _judged(rows, last)
    names = [f"{end - width + 1} to {end}" if width > 1 else str(end) for end in table.index]
    shown = table.set_axis(names).rename_axis("periods ahead").reset_index()
    said = (
        f"{rows.names.nunique():,} series were judged. WAPE is the absolute error as a share of the values; "
        "bias is positive where the forecast is too high; of the intervals, right is 90 % and 95 %."
    )
    drawn = figures.curve(table.index.to_numpy(float), {"WAPE": table["WAPE"]}, "periods ahead", "WAPE")
    return [said, shown, drawn] if len(table) > 2 else [said, shown]


def _by_kind(run: Run, rows: KnownRows) -> Sequence[Any]:
    model = run.model
    row = pd.Index(model.panel_.series).get_indexer(rows.names)
    kind = np.where(row < 0, "new", np.array(KINDS)[model.kinds_[row]])
    table = _judged(rows, kind).rename_axis("demand").reset_index()
    shares = pd.DataFrame(run.learned["weights"]).T.rename_axis("demand").reset_index()
    return ["Accuracy, and below it the weight of each model in the blend.", table, shares]


def _coverage(rows: KnownRows) -> Sequence[Any]:
    quantiles = [rows.predictions[name].to_numpy() for name in COLUMNS]
    below = np.array([(rows.truth <= quantile).mean() for quantile in quantiles])
    strictly = np.array([(rows.truth < quantile).mean() for quantile in quantiles])
    worst = np.maximum(np.maximum(np.array(LEVELS) - below, strictly - np.array(LEVELS)), 0).max()
    drawn = figures.curve(
        np.array(LEVELS),
        {"observed": below, "right": np.array(LEVELS)},
        "level of the quantile",
        "share at or below",
    )
    said = (
        f"At most {100 * worst:.1f} percentage points lie between a quantile's level and the share of truths "
        "below it. Where values are whole numbers many truths equal a quantile, and the share at or below "
        "it may be larger than its level."
    )
    return [said, drawn]


def _pictures(run: Run, rows: KnownRows) -> Sequence[Figure | str]:
    error = pd.Series(np.abs(rows.predictions["median"].to_numpy() - rows.truth)).groupby(rows.names).sum()
    scale = pd.Series(known_mean(np.abs(run.model.panel_.values)), run.model.panel_.series)
    relative = (error / scale.reindex(error.index).replace(0, np.nan)).dropna().sort_values()
    size = pd.Series(np.abs(rows.truth)).groupby(rows.names).sum().sort_values()
    chosen = {str(size.index[-1]): "the largest", str(size.index[len(size) // 2]): "a middling one"}
    if len(relative):
        chosen.setdefault(str(relative.index[-1]), "the one missed most for its size")
    return [part for name, why in chosen.items() for part in (f"{name}, {why}:", _picture(run, rows, name))]


def _picture(run: Run, rows: KnownRows, name: str) -> Figure:
    panel, here = run.model.panel_, rows.names == name
    ahead = np.argsort(rows.step[here])
    step, forecast = rows.step[here][ahead], rows.predictions[here].iloc[ahead]
    position = int(pd.Index(panel.series).get_indexer([name])[0])
    past = panel.values[position, -PAST * int(step.max()) :] if position >= 0 else np.empty(0)
    x = np.concatenate([np.arange(1 - len(past), 1), step]).astype(float)
    empty = np.full(len(past), np.nan)
    lines = {
        "forecast": np.concatenate([empty, forecast["median"]]),
        "actual": np.concatenate([past, rows.truth[here][ahead]]),
    }
    band = (np.concatenate([empty, forecast["q0.05"]]), np.concatenate([empty, forecast["q0.95"]]))
    return figures.curve(x, lines, "periods after the origin (band: 90 %)", "value", band=band)


def _backtest(run: Run) -> str:
    folds = run.split.folds
    origins = ", ".join(f"{fit.size:,} rows before it, {held.size:,} judged" for fit, held in folds)
    return (
        f"Models were chosen and widths set on {len(folds)} forecasts from earlier origins, all before "
        f"the test rows ({origins}). The table of who took part shows their accuracy there."
    )

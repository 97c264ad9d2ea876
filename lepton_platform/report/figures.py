"""The shared look of the report's figures, the plots of the binary task, and training curves.

Every plot is built with matplotlib's object interface (no pyplot, no global state) and comes back
as a ``Figure`` whose alt text states the finding in words. Throughout, ``truth`` is an array of 0
and 1 of shape (cases,), ``probability`` the predicted probability of a 1, same shape, in [0, 1].
Curves are thinned to a few hundred points, so that a picture stays below about 50 KB.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Chart
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike, NDArray

from lepton_platform.report.section import Figure

Floats = NDArray[np.float64]

# All hues have at least 4.5:1 contrast on white; lines also differ by dash, for those who do not
# see the hue or print in grey.
INK, MUTED, GRID = "#1f2933", "#5b6770", "#e3e8ec"
PALETTE = ("#1f5fa8", "#b4500f", "#17726b", "#7a3f9d", "#8a6100", "#5b6770")
DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1.5, 1.5)), (0, (6, 2, 1.5, 2)))

WIDTH = 5.2
"""Inches; with 10 point text it stays readable on a phone and is not huge on a desk."""
LETTERS = 66
"""Letters of the legend's size that fit in the width."""
MOST_POINTS = 400
"""Points of one drawn line at most; more cannot be told apart at this width."""
NORMAL_975 = 1.959964
"""The 97.5 % quantile of the standard normal: the half-width of a 95 % interval."""


def readable(value: float) -> str:
    """Write a number as the report does: four significant digits, whole digits never dropped.

    Examples
    --------
    >>> [readable(x) for x in (0.123456, 12.3, 1234.5, 1234567.8, 0.0000123456, float("nan"))]
    ['0.1235', '12.3', '1234', '1,234,568', '1.235e-05', '–']
    """
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    size = abs(value)
    if size >= 1e15 or 0 < size < 1e-4:
        mantissa, exponent = f"{value:.3e}".split("e")
        return f"{mantissa.rstrip('0').rstrip('.')}e{exponent}"
    if size >= 1000:  # years and other four-digit numbers read better without a separator
        return f"{value:,.0f}" if size >= 9999.5 else f"{value:.0f}"
    decimals = 3 - math.floor(math.log10(size)) if size else 0
    text = f"{value:.{decimals}f}"
    return text.rstrip("0").rstrip(".") if decimals else text


def reliability_groups(truth: ArrayLike, probability: ArrayLike, bins: int = 10) -> pd.DataFrame:
    """Compare observed with predicted rates in groups of about equally many cases.

    Groups are cut at quantiles of ``probability``; equal probabilities are never parted, so there
    may be fewer groups than ``bins``.

    Returns
    -------
    DataFrame
        A row per group: ``predicted`` (mean), ``observed`` (rate), ``low`` and ``high`` (Wilson's
        95 % interval of the observed rate), ``cases``.
    """
    labels, scores = _checked(truth, probability)
    edges = np.quantile(scores, np.linspace(0, 1, bins + 1)[1:-1])
    group = np.searchsorted(edges, scores)
    cases = np.bincount(group, minlength=bins)
    kept = cases > 0
    positives = np.bincount(group, weights=labels, minlength=bins)[kept].astype(np.float64)
    predicted = np.bincount(group, weights=scores, minlength=bins)[kept] / cases[kept]
    low, high = _wilson(positives, cases[kept])
    observed = positives / cases[kept]
    columns = {"predicted": predicted, "observed": observed, "low": low, "high": high}
    return pd.DataFrame({**columns, "cases": cases[kept]})


def reliability(truth: ArrayLike, probability: ArrayLike, bins: int = 10) -> Figure:
    """Plot observed rates, with 95 % intervals, against mean predicted probabilities.

    A small histogram of the probabilities stands below. Raises ``ValueError`` when the arrays are
    empty, differ in length or hold anything but labels 0 and 1 and probabilities.
    """
    labels, scores = _checked(truth, probability)
    groups = reliability_groups(labels, scores, bins)
    # Rare events leave most of the unit square empty, so the axes end where the cases do.
    end = _nice_end(max(groups[["predicted", "high"]].to_numpy().max(), np.quantile(scores, 0.995)))
    chart = _chart(4.7)
    grid = chart.add_gridspec(2, 1, height_ratios=(4, 1))
    upper, lower = chart.add_subplot(grid[0]), chart.add_subplot(grid[1])
    for axes in (upper, lower):
        _dress(axes)
        axes.set_xlim(-0.02 * end, 1.02 * end)
    _draw_reliability(upper, groups, end)
    lower.hist(scores, bins=40, range=(0, end), color=PALETTE[0], alpha=0.75)
    upper.tick_params(labelbottom=False)  # the histogram's axis serves both
    _count_axis(lower)
    lower.set(xlabel="predicted probability", ylabel="cases")
    beyond = int((scores > end).sum())
    caption = (
        f"Each point is a group of about equally many cases, with the 95 % interval of its observed rate; "
        f"on the dashed line, predicted and observed rates agree. Below: how many of the "
        f"{len(labels):,} cases have each probability"
        + (f" ({beyond:,} beyond {readable(end)} not shown)." if beyond else ".")
    )
    return Figure(chart, alt=_reliability_finding(groups), caption=caption)


def _draw_reliability(axes: Axes, groups: pd.DataFrame, end: float) -> None:
    predicted, observed = groups["predicted"].to_numpy(), groups["observed"].to_numpy()
    reach = np.abs(groups[["low", "high"]].to_numpy().T - observed)
    axes.plot([0, end], [0, end], color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
    axes.errorbar(
        predicted,
        observed,
        yerr=reach,
        color=PALETTE[0],
        linewidth=1.4,
        marker="o",
        markersize=4.5,
        elinewidth=1.2,
        capsize=2.5,
    )
    axes.set_ylim(-0.02 * end, 1.02 * end)
    axes.set_ylabel("observed rate")


def _reliability_finding(groups: pd.DataFrame) -> str:
    inside = groups["predicted"].between(groups["low"], groups["high"])
    gap = (groups["predicted"] - groups["observed"]).to_numpy()
    worst = int(np.abs(gap).argmax())
    weights = groups["cases"].to_numpy() / groups["cases"].sum()
    predicted = float(groups["predicted"].to_numpy() @ weights)
    observed = float(groups["observed"].to_numpy() @ weights)
    return (
        f"Predicted probabilities lie within the 95 % interval of the observed rate in {inside.sum()} of "
        f"{_plural(len(groups), 'group')}. The largest gap is {100 * abs(gap[worst]):.1f} percentage points, "
        f"where {_percent(groups['predicted'].iloc[worst])} is predicted and "
        f"{_percent(groups['observed'].iloc[worst])} observed. "
        f"Overall {_percent(predicted)} is predicted and {_percent(observed)} observed."
    )


def roc(truth: ArrayLike, probabilities: Mapping[str, ArrayLike]) -> Figure:
    """Plot the receiver operating characteristic of each named prediction.

    With one class only there is no such curve; the picture and its alt text say so. Raises
    ``ValueError`` when there is no prediction, or as ``reliability`` does.
    """
    if not probabilities:
        raise ValueError("there is no prediction whose curve could be drawn")
    checked = {name: _checked(truth, probability) for name, probability in probabilities.items()}
    chart, axes = single_axes(4.4)
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
    areas: dict[str, float] = {}
    for place, (name, (labels, scores)) in enumerate(checked.items()):
        if labels.min() == labels.max():
            return _no_roc(chart, axes, labels)
        false_rate, true_rate = _roc_points(labels, scores)
        areas[name] = float(np.trapezoid(true_rate, false_rate))
        kept = _evenly_along(false_rate + true_rate, _points_each(len(checked)))
        text = f"{_clipped(name)} ({areas[name]:.3f})"
        axes.plot(false_rate[kept], true_rate[kept], label=text, **_line(place))
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
    axes.set(xlabel="share of negatives flagged (false positive rate)")
    axes.set(ylabel="share of positives found")
    # Below the diagonal there is room, for a few names.
    if len(areas) <= 8:
        axes.legend(
            loc="lower right", frameon=True, framealpha=0.9, edgecolor="none", fontsize=10, labelcolor=INK
        )
    else:
        draw_legend(chart, axes)
    return Figure(chart, alt=_roc_finding(areas), caption=_ROC_CAPTION)


_ROC_CAPTION = (
    "Receiver operating characteristic; in brackets the area under the curve: the chance that a random "
    "positive case is scored above a random negative one. The dashed line (0.5) is guessing."
)


def _no_roc(chart: Chart, axes: Axes, labels: Floats) -> Figure:
    finding = f"There is no ROC curve: all {len(labels):,} cases are of class {labels[0]:.0f}."
    axes.text(
        0.5, 0.55, "no curve: all cases are of one class", ha="center", color=INK, transform=axes.transAxes
    )
    axes.set(xlabel="share of negatives flagged (false positive rate)", ylabel="share of positives found")
    return Figure(chart, alt=finding, caption=finding)


def _roc_points(labels: Floats, scores: Floats) -> tuple[Floats, Floats]:
    """Return false and true positive rates at every distinct score, from (0, 0) to (1, 1)."""
    order = np.argsort(-scores, kind="stable")
    last_of_tie = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
    found = np.cumsum(labels[order])[last_of_tie]
    flagged = last_of_tie + 1.0 - found
    true_rate = np.concatenate(([0.0], found / found[-1]))
    return np.concatenate(([0.0], flagged / flagged[-1])), true_rate


def _roc_finding(areas: Mapping[str, float]) -> str:
    ranked = sorted(areas.items(), key=lambda item: (-item[1], item[0]))
    best, area = ranked[0]
    finding = (
        f"ROC curve: {best} ranks a random positive case above a random negative one with chance {area:.3f}"
    )
    others = ", ".join(f"{name} {value:.3f}" for name, value in ranked[1:])
    return f"{finding}; the others: {others}." if others else f"{finding}; 0.5 is guessing."


def score_distribution(
    truth: ArrayLike,
    probability: ArrayLike,
    cut_off: float | None = None,
    labels: tuple[str, str] = ("good", "bad"),
) -> Figure:
    """Plot how the probabilities of the two classes are spread.

    ``labels`` name class 0 and class 1. A case at ``cut_off`` counts as above it.
    """
    classes, scores = _checked(truth, probability)
    end = _nice_end(max(float(scores.max()), cut_off or 0.0))
    chart, axes = single_axes(3.5)
    findings = []
    for place, name in enumerate(labels):
        of_class = scores[classes == place]
        findings.append(_spread(name, of_class, cut_off))
        if len(of_class):
            share = np.full(len(of_class), 100 / len(of_class))
            text = f"{_clipped(name)} ({len(of_class):,})"
            _draw_histogram(axes, of_class, share, end, PALETTE[place], DASHES[place], text)
    if cut_off is not None:
        axes.axvline(cut_off, color=INK, linewidth=1.2, label=f"cut-off {readable(cut_off)}")
    axes.set(xlabel="predicted probability", ylabel="share of the class, %", xlim=(0, end))
    draw_legend(chart, axes)
    caption = (
        "Bars add up to 100 % within each class, its number of cases in brackets: "
        "the less the two overlap, the better they are told apart."
    )
    return Figure(chart, alt=f"Predicted probabilities. {' '.join(findings)}", caption=caption)


def _draw_histogram(
    axes: Axes, scores: Floats, share: Floats, end: float, color: str, dash: Any, label: str
) -> None:
    heights, edges = np.histogram(scores, bins=40, range=(0, end), weights=share)
    axes.stairs(heights, edges, fill=True, color=color, alpha=0.18)
    axes.stairs(heights, edges, color=color, linewidth=1.5, linestyle=dash, label=label)


def _spread(name: str, scores: Floats, cut_off: float | None) -> str:
    if not len(scores):
        return f"There is no {name} case."
    text = f"{_plural(len(scores), f'{name} case')}: median {readable(float(np.median(scores)))}"
    if cut_off is None:
        return f"{text}."
    above = _percent(float((scores >= cut_off).mean()))
    return f"{text}, {above} at or above the cut-off {readable(cut_off)}."


def bars(
    values: pd.Series[Any],
    title: str,
    xlabel: str,
    low: ArrayLike | None = None,
    high: ArrayLike | None = None,
    most: int = 20,
) -> Figure:
    """Plot named values, for instance importances, as horizontal bars, the largest on top.

    ``low`` and ``high`` are interval ends, both or neither, in the order of ``values``. At most
    ``most`` bars are drawn, those of greatest size; values that are not finite are left out.
    """
    numbers = np.asarray(values, dtype=np.float64)
    order = np.argsort(-np.abs(np.where(np.isfinite(numbers), numbers, 0)), kind="stable")
    order = order[np.isfinite(numbers[order])][:most]
    names = [str(name) for name in values.index[order]]
    chart, axes = single_axes(1.15 + 0.27 * max(len(order), 1))
    places = np.arange(len(order))
    with_intervals = low is not None and high is not None
    if not with_intervals and (low is not None or high is not None):
        raise ValueError("an interval has two ends: give both low and high, or neither")
    axes.barh(places, numbers[order], height=0.68, color=PALETTE[0], alpha=0.5 if with_intervals else 1)
    if low is not None and high is not None:
        ends = np.stack([_aligned(low, values), _aligned(high, values)])[:, order]
        _draw_intervals(axes, ends, places, INK)
    else:
        _write_values(axes, numbers[order])
    _name_rows(axes, names)
    axes.set(xlabel=_literal(xlabel))
    axes.set_title(_literal(title), loc="left", fontsize=11, color=INK)
    axes.axvline(0, color=MUTED, linewidth=0.8)
    return Figure(chart, alt=_bars_finding(title, names, numbers[order], len(numbers)))


def _write_values(axes: Axes, values: Floats) -> None:
    for place, value in enumerate(values):
        side, align = (4, "left") if value >= 0 else (-4, "right")
        text = f"{value:#.3g}".rstrip(".") if 1e-4 <= abs(value) < 999.5 else readable(value)
        axes.annotate(
            text,
            (value, place),
            xytext=(side, 0),
            textcoords="offset points",
            ha=align,
            va="center",
            fontsize=9.5,
            color=MUTED,
        )
    axes.margins(x=0.12)


def _aligned(ends: ArrayLike, values: pd.Series[Any]) -> Floats:
    """Return interval ends as an array; refuse a series that names its rows in another order."""
    if isinstance(ends, pd.Series) and not ends.index.equals(values.index):
        raise ValueError("the interval's ends must be in the order of the values")
    return np.asarray(ends, dtype=np.float64)


def _bars_finding(title: str, names: Sequence[str], values: Floats, total: int) -> str:
    if not len(names):
        return f"{title}: there are no values."
    listed = ", ".join(
        f"{name} {readable(float(value))}" for name, value in zip(names[:5], values[:5], strict=True)
    )
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    shown = f" {len(names)} of {total} are shown." if len(names) < total else ""
    return f"{title}, largest first: {listed}{more}.{shown}"


def curve(
    x: ArrayLike,
    lines: Mapping[str, ArrayLike],
    xlabel: str,
    ylabel: str,
    mark: tuple[float, float] | None = None,
    band: tuple[ArrayLike, ArrayLike] | None = None,
) -> Figure:
    """Plot one or more lines over ``x``, all of shape (points,).

    ``mark`` is a point (x, y) to point out; ``band`` the (low, high) around the first line. Points
    that are not finite are left out.
    """
    across = np.asarray(x, dtype=np.float64)
    chart, axes = single_axes(3.5)
    if band is not None:
        low, high = (np.asarray(end, dtype=np.float64) for end in band)
        kept = _extremes(across, high - low, MOST_POINTS)
        axes.fill_between(across[kept], low[kept], high[kept], color=PALETTE[0], alpha=0.16, linewidth=0)
    findings = []
    for place, (name, values) in enumerate(lines.items()):
        heights = np.asarray(values, dtype=np.float64)
        kept = _extremes(across, heights, _points_each(len(lines)))
        axes.plot(across[kept], heights[kept], label=_clipped(name), **_line(place))
        findings.append(_course(name, across[kept], heights[kept], xlabel))
    if mark is not None:
        _draw_mark(axes, mark)
        findings.append(f"Marked: {readable(mark[1])} at {xlabel} {readable(mark[0])}.")
    axes.set(xlabel=_literal(xlabel), ylabel=_literal(ylabel))
    axes.yaxis.set_major_formatter(_tick)
    if len(lines) > 1:
        draw_legend(chart, axes)
    return Figure(chart, alt=f"{ylabel} over {xlabel}. {' '.join(findings)}")


def _draw_mark(axes: Axes, mark: tuple[float, float]) -> None:
    left, right = axes.get_xlim()
    on_right = mark[0] > (left + right) / 2
    axes.plot([mark[0]], [mark[1]], marker="o", markersize=7, color=INK, markeredgecolor="white", zorder=5)
    axes.annotate(
        f"{readable(mark[1])} at {readable(mark[0])}",
        mark,
        xytext=(-8 if on_right else 8, 9),
        textcoords="offset points",
        ha="right" if on_right else "left",
        color=INK,
        fontsize=10,
    )
    axes.margins(y=0.14)  # room for the words above the highest point


def _course(name: str, x: Floats, y: Floats, xlabel: str) -> str:
    if not len(y):
        return f"{name} has no values."
    top, bottom = int(y.argmax()), int(y.argmin())
    return (
        f"{name} goes from {readable(y[0])} to {readable(y[-1])}; highest {readable(y[top])} at {xlabel} "
        f"{readable(x[top])}, lowest {readable(y[bottom])} at {readable(x[bottom])}."
    )


def leaderboard(
    frame: pd.DataFrame, xlabel: str = "value", better: Literal["higher", "lower"] = "higher"
) -> Figure:
    """Plot the candidates' values with their intervals, the best on top.

    ``frame`` has a row per candidate with ``name``, ``value``, ``low``, ``high`` and, if there is
    one, ``baseline``: True in the baseline's row, or the baseline's value in every row. It is drawn
    as a line. Candidates without a value are left out of the picture and named in its alt text.
    """
    ranked = frame.loc[frame["value"].notna()].sort_values(
        ["value", "name"], ascending=[better == "lower", True], kind="stable"
    )
    missing = [str(name) for name in frame.loc[frame["value"].isna(), "name"]]
    chart, axes = single_axes(1.1 + 0.3 * max(len(ranked), 1))
    baseline, is_baseline = _baseline(ranked)
    values, places = ranked["value"].to_numpy(dtype=np.float64), np.arange(len(ranked))
    _draw_intervals(axes, ranked[["low", "high"]].to_numpy(dtype=np.float64).T, places, PALETTE[0])
    axes.plot(values, places, "o", color=PALETTE[0], markersize=6.5)
    axes.plot(values[is_baseline], places[is_baseline], "o", color=MUTED, markersize=6.5, zorder=3)
    if baseline is not None:
        axes.axvline(
            baseline,
            color=MUTED,
            linewidth=1.1,
            linestyle=(0, (4, 3)),
            label=f"baseline {readable(baseline)}",
        )
        draw_legend(chart, axes)
    _name_rows(axes, [str(name) for name in ranked["name"]])
    axes.margins(x=0.06)
    axes.set(xlabel=_literal(xlabel))
    finding = _leaderboard_finding(ranked.loc[~is_baseline], xlabel, better, baseline)
    left_out = f" Without a value: {', '.join(missing)}." if missing else ""
    return Figure(chart, alt=finding + left_out, caption="Points with their 95 % intervals; the best on top.")


def _baseline(ranked: pd.DataFrame) -> tuple[float | None, NDArray[np.bool_]]:
    """Return the baseline's value, if there is one, and which rows are the baseline itself."""
    nobody = np.zeros(len(ranked), dtype=np.bool_)
    if "baseline" not in ranked or ranked.empty:
        return None, nobody
    column = ranked["baseline"]
    if not pd.api.types.is_bool_dtype(column):
        value = float(column.iloc[0])
        return (value if math.isfinite(value) else None), nobody
    flagged = column.to_numpy(dtype=np.bool_)
    return (float(ranked.loc[flagged, "value"].iloc[0]) if flagged.any() else None), flagged


def _leaderboard_finding(
    ranked: pd.DataFrame, xlabel: str, better: Literal["higher", "lower"], baseline: float | None
) -> str:
    if ranked.empty:
        return "No candidate has a value."
    name = ranked["name"].iloc[0]
    value, low, high = (float(ranked[column].iloc[0]) for column in ("value", "low", "high"))
    text = f"{name} is the best of {_plural(len(ranked), 'candidate')}: {xlabel} {readable(value)}"
    text += f", 95 % interval {readable(low)} to {readable(high)} ({better} is better)."
    if baseline is None:
        return text
    if low <= baseline <= high:
        return f"{text} Its interval includes the baseline's {readable(baseline)}."
    ahead = (low > baseline) if better == "higher" else (high < baseline)
    side = "better" if ahead else "worse"
    return f"{text} Its whole interval is {side} than the baseline's {readable(baseline)}."


def training_curves(history: pd.DataFrame, kept: int) -> Figure:
    """Plot how a network learned: its losses over the epochs and, below, its validation score.

    ``history`` has a row per epoch, as ``history_`` of a network; ``kept`` is the epoch whose
    weights were kept, pointed out by a line.
    """
    known = history.loc[:, history.notna().any()]  # without a validation part, only the loss
    names = known.columns.astype(str)
    losses = [name for name in ("loss", "validation_loss") if name in known]
    scores = [name for name in names if name.startswith("validation_") and name not in losses]
    panels: dict[str, list[str]] = {"loss": losses, **{name: [name] for name in scores}}
    chart = _chart(2.6 * len(panels) + 0.4)
    stacked = np.ravel(chart.subplots(len(panels), sharex=True))
    for axes, (title, drawn) in zip(stacked, panels.items(), strict=True):
        _dress(axes)
        _draw_courses(axes, known[drawn])
        axes.axvline(kept, color=MUTED, linewidth=1, linestyle=(0, (4, 3)), label=f"kept: epoch {kept}")
        axes.set_ylabel(title.replace("_", " "))
    stacked[-1].set_xlabel("epoch")
    draw_legend(chart, stacked[0])
    epochs = known.index.to_numpy(dtype=np.float64)
    shown = {name.replace("_", " "): known[name].to_numpy() for name in (*losses, *scores)}
    courses = [_course(name, epochs, values, "epoch") for name, values in shown.items()]
    return Figure(chart, alt=f"Training curves. {' '.join(courses)} The weights of epoch {kept} were kept.")


def _draw_courses(axes: Axes, values: pd.DataFrame) -> None:
    """Draw each column over the epochs, with points where these are few."""
    for place, name in enumerate(values):
        epochs, heights = values.index.to_numpy(dtype=np.float64), values[name].to_numpy(dtype=np.float64)
        drawn = _extremes(epochs, heights, _points_each(values.shape[1]))
        marker = "." if len(drawn) <= 30 else None
        label = str(name).replace("_", " ")
        axes.plot(epochs[drawn], heights[drawn], label=label, marker=marker, **_line(place))
    axes.yaxis.set_major_formatter(_tick)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _checked(truth: ArrayLike, probability: ArrayLike) -> tuple[Floats, Floats]:
    """Return both as float arrays of one length, or raise ``ValueError`` saying what is wrong."""
    labels, scores = np.asarray(truth, dtype=np.float64), np.asarray(probability, dtype=np.float64)
    if labels.shape != scores.shape or labels.ndim != 1 or not len(labels):
        raise ValueError(
            "truth and probability must be of one length, at least 1; "
            f"their shapes are {labels.shape} and {scores.shape}"
        )
    if not np.isin(labels, (0, 1)).all():
        raise ValueError("truth must hold 0 and 1 only")
    if not ((scores >= 0) & (scores <= 1)).all():
        raise ValueError("probability must lie between 0 and 1, with none missing")
    return labels, scores


def _wilson(positives: Floats, cases: NDArray[Any]) -> tuple[Floats, Floats]:
    """Return the ends of Wilson's 95 % interval of a rate (Wilson 1927): within [0, 1] at any size."""
    rate, z = positives / cases, NORMAL_975
    centre = (rate + z**2 / (2 * cases)) / (1 + z**2 / cases)
    half = z / (1 + z**2 / cases) * np.sqrt(rate * (1 - rate) / cases + z**2 / (4 * cases**2))
    return np.clip(centre - half, 0, 1), np.clip(centre + half, 0, 1)


def _points_each(lines: int) -> int:
    """Return how many points each of several lines may have, so that the picture stays small."""
    return min(MOST_POINTS, max(50, 2000 // max(lines, 1)))


def _evenly_along(position: Floats, most: int) -> NDArray[np.intp]:
    """Return the indices of points spread evenly over a rising ``position``, both ends kept."""
    last = len(position) - 1
    wanted = np.linspace(position[0], position[-1], most)
    return np.unique(np.append(np.searchsorted(position, wanted).clip(max=last), last))


def _extremes(x: Floats, y: Floats, most: int) -> NDArray[np.intp]:
    """Return the indices of at most ``most`` + 2 finite points that keep every peak of a line."""
    usable = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
    if len(usable) <= most:
        return usable
    stretches = np.array_split(usable, most // 2)
    peaks = [(part[y[part].argmin()], part[y[part].argmax()]) for part in stretches]
    return np.unique(np.append(np.ravel(peaks), [usable[0], usable[-1]]))


def _chart(height: float) -> Chart:
    return Chart(figsize=(WIDTH, height), layout="constrained", facecolor="white")


def single_axes(height: float) -> tuple[Chart, Axes]:
    """Return a chart of the report's width and look, ``height`` inches tall, and its axes to draw on."""
    chart = _chart(height)
    axes = chart.add_subplot()
    _dress(axes)
    return chart, axes


def _dress(axes: Axes) -> None:
    """Give axes the report's look: no box, a light grid behind, quiet ticks."""
    axes.set_axisbelow(True)
    axes.grid(True, color=GRID, linewidth=0.8)
    axes.tick_params(length=0, labelsize=10, labelcolor=MUTED, pad=5)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(MUTED)
    for axis in (axes.xaxis, axes.yaxis):
        axis.label.set(color=INK, fontsize=10.5)


def _line(place: int) -> dict[str, Any]:
    """Return the style of the line in that place; hue and dash differ, together for 24 lines."""
    dash = DASHES[(place + place // len(PALETTE)) % len(DASHES)]
    return {"color": PALETTE[place % len(PALETTE)], "linestyle": dash, "linewidth": 1.7}


def _count_axis(axes: Axes) -> None:
    axes.yaxis.set_major_locator(MaxNLocator(nbins=2, integer=True))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")


def _tick(value: float, _: float) -> str:
    # Ticks are computed, so zero may come as 1e-17; matplotlib writes a true minus.
    return readable(round(value, 12)).replace("-", "\N{MINUS SIGN}", 1)


def _draw_intervals(axes: Axes, ends: Floats, places: NDArray[Any], color: str) -> None:
    axes.hlines(places, ends[0], ends[1], color=color, linewidth=1.8)


def _name_rows(axes: Axes, names: Sequence[str]) -> None:
    """Label the rows from the top down."""
    axes.set_yticks(range(len(names)), [_clipped(name) for name in names])
    axes.tick_params(axis="y", labelcolor=INK)
    axes.grid(False, axis="y")
    axes.set_ylim(max(len(names), 1) - 0.4, -0.6)


def draw_legend(chart: Chart, axes: Axes) -> None:
    """Put the legend above the axes, where it hides no data, in as many columns as fit."""
    handles, texts = axes.get_legend_handles_labels()
    taken = [len(text) + 7 for text in texts]  # in letters, with the handle and the gap
    columns = len(texts) if sum(taken) <= LETTERS else max(1, LETTERS // max(taken))
    chart.legend(
        handles,
        texts,
        loc="outside upper left",
        ncols=columns,
        frameon=False,
        fontsize=9.5,
        labelcolor=INK,
        borderaxespad=0.2,
        handlelength=2,
        columnspacing=1.4,
    )


def _clipped(name: str, most: int = 32) -> str:
    text = name if len(name) <= most else f"{name[: most - 1]}…"
    # Matplotlib would leave a label that begins with an underscore out of the legend.
    return _literal(f"\u2009{text}" if text.startswith("_") else text)


def _literal(text: str) -> str:
    """Keep matplotlib from reading text between dollar signs as a formula."""
    return text.replace("$", r"\$")


def _nice_end(largest: float) -> float:
    """Return where a probability axis ends: the next twentieth, at most 1."""
    return min(1.0, max(0.05, math.ceil(largest * 20 - 1e-9) / 20))


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"

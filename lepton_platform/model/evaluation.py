"""Metrics with their uncertainty, by the bootstrap over cases, or over groups of cases.

Cases of one group (a customer's, an engine's, a series') are alike: whole groups are drawn, or the
interval would be too narrow (Davison and Hinkley, Bootstrap Methods and their Application, 1997, 3.8).

A resample is told to a metric in one of two ways: by its rows, or, where the metric's function names
``counts``, together with others by how often each holds each case. Both give the same interval. A
``Ratio`` is resampled by its own groups.

Efron and Tibshirani, An Introduction to the Bootstrap (1993), ch. 13. The percentile interval is
moved so that the bootstrap distribution is centred on the value: for a metric whose sampling
distribution is biased (calibration errors are, upwards) the plain one can miss its own value.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import t

from lepton_platform.errors import HookError
from lepton_platform.model.candidate import Metric
from lepton_platform.model.ratio import Ratio, ratio

CONFIDENCE = 0.95
OFFERED = ("truth", "predictions", "cases", "counts")
CELLS = 500_000
"""Counts that are in memory at once, at most: of as many resamples as fit, and of one at least."""

Floats = NDArray[np.float64]


class Estimate(NamedTuple):
    """A number and its 95 % interval."""

    value: float
    low: float
    high: float


def evaluate(
    metrics: Mapping[str, Metric],
    truth: NDArray[Any],
    predictions: pd.DataFrame,
    cases: pd.DataFrame,
    seed: int = 0,
    groups: ArrayLike | None = None,
) -> dict[str, Estimate]:
    """Return each metric with its interval; ``truth``, ``groups`` and the frames share their rows' order."""
    draws = _bootstrap(metrics, {"truth": truth, "predictions": predictions, "cases": cases}, seed, groups)
    return {
        name: interval(call(metric, truth, predictions, cases), draws[name], metric.bounds)
        for name, metric in metrics.items()
    }


def difference(
    metric: Metric,
    truth: NDArray[Any],
    predictions: pd.DataFrame,
    baseline: pd.DataFrame,
    cases: pd.DataFrame,
    seed: int = 0,
    groups: ArrayLike | None = None,
) -> Estimate:
    """Return how much better ``predictions`` are than ``baseline`` on the same cases.

    Positive is better, whatever the metric's direction. Both are judged on the same resamples, so
    what makes a case hard for both cancels out.
    """
    sign = 1.0 if metric.better == "higher" else -1.0
    value = call(metric, truth, predictions, cases) - call(metric, truth, baseline, cases)
    mine, theirs = (
        _bootstrap({"": metric}, {"truth": truth, "predictions": judged, "cases": cases}, seed, groups)[""]
        for judged in (predictions, baseline)
    )
    low, high = sorted((sign * end) for end in interval(value, np.subtract(mine, theirs))[1:])
    return Estimate(sign * value, low, high)


def call(metric: Metric, truth: NDArray[Any], predictions: pd.DataFrame, cases: pd.DataFrame) -> float:
    """Return the metric's value, giving its function what it names."""
    once = np.ones((1, len(truth)))
    return _values(metric, {"truth": truth, "predictions": predictions, "cases": cases, "counts": once})[0]


def resamples(n: int, seed: int, groups: ArrayLike | None = None) -> Iterator[NDArray[np.intp]]:
    """Yield row numbers drawn with replacement, row by row or, with ``groups``, group by group.

    ``groups`` has a label for each of the ``n`` rows. There are ``draws_for`` as many resamples as
    there are rows or groups to draw.
    """
    rng = np.random.default_rng(seed)
    members = None if groups is None else _members(groups)
    units = n if members is None else len(members)
    for _ in range(draws_for(units)):
        drawn = rng.integers(0, units, units)
        yield drawn if members is None else np.concatenate([members[unit] for unit in drawn])


def _members(groups: ArrayLike) -> list[NDArray[np.intp]]:
    """Return the row numbers of each group, groups in the order of their first rows."""
    codes = pd.factorize(np.asarray(groups))[0]
    return np.split(np.argsort(codes, kind="stable"), np.cumsum(np.bincount(codes))[:-1])


def counted_resamples(n: int, seed: int, groups: ArrayLike | None = None) -> Iterator[Floats]:
    """Yield the same resamples as ``resamples`` in blocks: how often each holds each row, (draws, n)."""
    waiting = resamples(n, seed, groups)
    while block := list(islice(waiting, max(1, CELLS // max(n, 1)))):
        yield np.array([np.bincount(rows, minlength=n) for rows in block], dtype=float)


def draws_for(n: int) -> int:
    """Return how many resamples an interval over ``n`` cases takes: 1,000 for few, 250 for many.

    At 250 draws the end points' Monte Carlo error is a tenth of the interval's half-width, and an
    interval over 2,000 or more cases is narrow.

    >>> draws_for(300), draws_for(100_000)
    (1000, 250)
    """
    return int(np.clip(500_000 / max(n, 1), 250, 1000))


def interval(value: float, draws: ArrayLike, bounds: tuple[float, float] = (-np.inf, np.inf)) -> Estimate:
    """Return the centred percentile interval of a bootstrap.

    >>> interval(0.5, [0.4, 0.5, 0.6])
    Estimate(value=0.5, low=0.405, high=0.595)
    """
    sample = np.asarray(draws, dtype=float)
    sample = sample[np.isfinite(sample)]  # a resample may hold one class only
    if len(sample) == 0 or not np.isfinite(value):
        return Estimate(float(value), float("nan"), float("nan"))
    tail = (1 - CONFIDENCE) / 2
    ends = value + np.quantile(sample, [tail, 1 - tail]) - sample.mean()
    low, high = np.clip(ends, *bounds)
    return Estimate(float(value), round(float(low), 12), round(float(high), 12))


def over_folds(value: float, by_fold: Sequence[float], bounds: tuple[float, float]) -> tuple[float, float]:
    """Return the 95 % t interval of a cross-validated metric around ``value``.

    Folds share training cases, so it is somewhat narrow (Bengio and Grandvalet 2004, "No unbiased
    estimator of the variance of K-fold cross-validation"): good for a leaderboard, not for a verdict.
    """
    spread = t.ppf((1 + CONFIDENCE) / 2, len(by_fold) - 1) * np.std(by_fold, ddof=1) / np.sqrt(len(by_fold))
    low, high = np.clip([value - spread, value + spread], *bounds)
    return float(low), float(high)


def _bootstrap(
    metrics: Mapping[str, Metric], whole: Mapping[str, Any], seed: int, groups: ArrayLike | None
) -> dict[str, list[float]]:
    """Return the values of each metric on all resamples of ``whole``, by name truth, predictions, cases."""
    n = len(whole["truth"])
    draws: dict[str, list[float]] = {name: [] for name in metrics}
    for name, metric in metrics.items():
        if isinstance(metric.function, Ratio):
            draws[name] = _of_ratio(metric.function, whole, seed)
    # groups are of many sizes, so that resamples of them would differ in length: no common counts
    by_counts = (one for one in metrics if groups is None and "counts" in _arguments(metrics[one].function))
    counting = {name: metrics[name] for name in by_counts}
    for counts in counted_resamples(n, seed) if counting else ():
        for name, metric in counting.items():
            draws[name] += _values(metric, {**whole, "counts": counts})
    others = {name: one for name, one in metrics.items() if name not in counting and not draws[name]}
    for rows in resamples(n, seed, groups) if others else ():
        resample = _Resample(whole, rows)
        for name, metric in others.items():
            draws[name] += _values(metric, resample)
    return draws


def _of_ratio(function: Ratio, whole: Mapping[str, Any], seed: int) -> list[float]:
    """Return the ratio on resamples of its own groups."""
    numerators, denominators = function.parts(whole["truth"], whole["predictions"])
    return [ratio(numerators[drawn], denominators[drawn]) for drawn in resamples(len(numerators), seed)]


class _Resample(dict[str, Any]):
    """Truth, predictions and cases on some rows, taken only when a metric asks for them."""

    def __init__(self, whole: Mapping[str, Any], rows: NDArray[np.intp]) -> None:
        self._whole = whole
        self._rows = rows

    def __missing__(self, name: str) -> Any:
        if name == "counts":
            return np.ones((1, len(self._rows)))
        whole = self._whole[name]
        self[name] = whole[self._rows] if name == "truth" else whole.iloc[self._rows]
        return self[name]


def _values(metric: Metric, offered: Mapping[str, Any]) -> list[float]:
    """Return the metric's value, or one for each row of ``counts`` if its function names them."""
    names = _arguments(metric.function)
    values = metric.function(**{name: offered[name] for name in names})
    if "counts" not in names:
        return [float(values)]
    if np.shape(values) != (len(offered["counts"]),):
        raise HookError(
            "a metric's function that names counts must return one value for each of their rows, "
            f"shape ({len(offered['counts'])},), not {np.shape(values)}"
        )
    return [float(value) for value in values]


@lru_cache(maxsize=256)
def _arguments(function: Callable[..., Any]) -> list[str]:
    parameters = inspect.signature(function).parameters
    names = [name for name, parameter in parameters.items() if parameter.default is parameter.empty]
    if unknown := [name for name in names if name not in OFFERED]:
        raise HookError(f"a metric's function may name {', '.join(OFFERED)}; it names {', '.join(unknown)}")
    return names

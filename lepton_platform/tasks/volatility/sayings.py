"""What the alerts of a watched stream say: a sentence, how severe it is, and numbers, by kind."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from scipy.stats import binom

from lepton_platform.alert import Severity
from lepton_platform.tasks.volatility.backtests import YEAR, zones
from lepton_platform.tasks.volatility.quality import like_a_split

NEAR = 10
"""Days in which a cluster of exceedances is looked for."""
UNLIKELY = 0.002
"""Chance below which so many exceedances in ``NEAR`` days are a cluster."""
ZONES = ("green", "yellow", "red")


@cache
def cluster_size(level: float) -> int:
    """Return how many exceedances in ``NEAR`` days are a cluster.

    >>> cluster_size(0.05)
    4
    """
    return int(binom.isf(UNLIKELY, NEAR, level)) + 1


def date_of(date: Any) -> str:
    """Return a date as an alert tells it.

    >>> from datetime import datetime
    >>> date_of(datetime(2020, 3, 16)), date_of(datetime(2020, 3, 16, 14, 30)), date_of(17)
    ('2020-03-16', '2020-03-16 14:30:00', '17')
    """
    text = str(date)
    return text.removesuffix(" 00:00:00")


Saying = tuple[str, Severity, dict[str, Any]]


def _exceedance(value: float, level: float, limit: float, levels: tuple[float, ...]) -> Saying:
    severity: Severity = "alarm" if level == levels[0] else "info" if level == levels[-1] else "warning"
    said = f"a loss of {-value:.4g}, beyond the {level:.1%} VaR of {limit:.4g}"
    return said, severity, {"return": value, "level": level, "var": limit}


def _zone(value: float, level: float, limit: float, levels: tuple[float, ...]) -> Saying:
    zone = ZONES[int(value)]
    yellow, red = zones(YEAR, levels[0])
    severity: tuple[Severity, ...] = ("info", "warning", "alarm")
    said = (
        f"the traffic light turned {zone} (yellow from {yellow}, red from {red} exceedances in {YEAR} days)"
    )
    return said, severity[int(value)], {"zone": zone}


def _cluster(value: float, level: float, limit: float, levels: tuple[float, ...]) -> Saying:
    said = f"{int(value)} losses beyond the {levels[-1]:.1%} VaR within {NEAR} days"
    return said, "alarm", {"exceedances": int(value), "days": NEAR}


def _jump(value: float, level: float, limit: float, levels: tuple[float, ...]) -> Saying:
    return f"forecast volatility rose to {value:.2f} times the day before", "warning", {"ratio": value}


def _drift(value: float, level: float, limit: float, levels: tuple[float, ...]) -> Saying:
    side = "larger" if value > 1 else "smaller"
    said = f"moves are {side} than the model says, {value:.2f} times as large of late: make a new run"
    return said, "warning", {"ratio": value}


def _absurd(value: float, level: float, limit: float, levels: tuple[float, ...]) -> Saying:
    shown = f"{value:.6g}" if np.isfinite(value) else "no number"
    said = f"{shown} cannot be right and was set aside; the next tick near it would confirm it"
    return said, "warning", {"value": value if np.isfinite(value) else None}


def _shift(value: float, level: float, limit: float, levels: tuple[float, ...]) -> Saying:
    said = f"the level moved by a factor of {np.exp(value):.4g}, confirmed by two ticks"
    said += (
        ": a split, no return was counted"
        if like_a_split(np.array([value]))[0]
        else "; it counts as a return"
    )
    return said, "alarm", {"log_ratio": value}


def _late(value: float, level: float, limit: float, levels: tuple[float, ...]) -> Saying:
    return f"a tick older than the last one ({value:.6g}); it was not taken in", "info", {"value": value}


def _duplicate(value: float, level: float, limit: float, levels: tuple[float, ...]) -> Saying:
    return f"a second tick of the same time ({value:.6g}); it was not taken in", "info", {"value": value}


def _missing(value: float, level: float, limit: float, levels: tuple[float, ...]) -> Saying:
    said = f"ticks are missing: {value:.0f} times the usual time since the last one"
    return said, "warning", {"times_usual": value}


def _refused(value: float, level: float, limit: float, levels: tuple[float, ...]) -> Saying:
    return "a model's forecast was refused; RiskMetrics stands in: make a new run", "warning", {}


SAYINGS = {
    "exceedance": _exceedance,
    "zone": _zone,
    "cluster": _cluster,
    "jump": _jump,
    "drift": _drift,
    "absurd": _absurd,
    "shift": _shift,
    "late": _late,
    "duplicate": _duplicate,
    "missing": _missing,
    "refused": _refused,
}

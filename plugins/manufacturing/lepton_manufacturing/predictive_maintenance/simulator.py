"""SYNTHETIC: a run-to-failure simulator of a fleet of pumps, whose true answer is known.

No run-to-failure log that a package may ship was found; this makes one from a seed. The physics is
fatigue: a crack of length a grows per cycle by Paris' law (Paris and Erdogan 1963)

    da/dn = C (load * sqrt(pi a)) ** m,    m = 2.6

from a unit's own first length, at a unit's own C (log-normal, as Virkler, Hillberry and Goel 1979 found
in 68 specimens), each step times log-normal noise. A unit fails when the crack reaches ``CRITICAL``.

Six sensors are functions of the crack, the load and noise that is normal and independent; one is
constant, one counts starts, one is noise alone. Where there are several duties, each cycle's load is one
of them at random, and moves the sensors more than wear does.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]

EXPONENT = 2.6
CRITICAL = 10.0
"""Length of the crack at failure, mm."""
LONGEST = 2_000
"""Cycles after which a simulated unit is taken out in any case."""
DUTIES = (1.0, 0.8, 1.15, 0.9, 1.08, 0.72)
"""Loads of the duties, against the usual one."""


def simulate(
    units: int = 60, seed: int = 0, duties: int = 1, censored: float = 0.0, median_life: float = 160.0
) -> pd.DataFrame:
    """Return a log of whole lives, a row per unit and cycle.

    Parameters
    ----------
    duties : int
        Ways of running, up to ``len(DUTIES)``.
    censored : float
        Share of units that are taken out at a random age before they fail: ``failed`` is 0 throughout.
    median_life : float
        Of the units, about, in cycles.

    Returns
    -------
    frame
        ``pump, cycle, duty_load`` (with several duties), nine sensors, ``failed`` (1 in the row in which
        the unit failed), ``wear_mm`` (the true crack: no sensor, take it out before learning).
    """
    rng = np.random.default_rng(seed)
    lives = [_life(rng, unit, duties, rng.random() < censored, median_life) for unit in range(1, units + 1)]
    return pd.concat(lives, ignore_index=True)


def _life(
    rng: np.random.Generator, unit: int, duties: int, taken_out: bool, median_life: float
) -> pd.DataFrame:
    load = np.asarray(DUTIES[:duties])[rng.integers(0, duties, LONGEST)]
    crack = _crack(rng, load, median_life)
    failed = np.flatnonzero(crack >= CRITICAL)
    rows = int(failed[0]) + 1 if len(failed) else LONGEST
    ended = len(failed) > 0
    if taken_out:
        rows, ended = int(rng.integers(rows // 4, rows)), False
    crack, load = crack[:rows], load[:rows]
    table = pd.DataFrame({"pump": unit, "cycle": np.arange(1, rows + 1)})
    if duties > 1:
        table["duty_load"] = load + rng.normal(0, 0.001, rows)
    table = table.assign(**_sensors(rng, crack, load))
    table["failed"] = 0
    table.loc[rows - 1, "failed"] = int(ended)
    return table.assign(wear_mm=crack)


def _crack(rng: np.random.Generator, load: Floats, median_life: float) -> Floats:
    """Return the crack's length after each cycle, mm, up to a little beyond ``CRITICAL``."""
    first = rng.lognormal(np.log(0.5), 0.2)
    power = 1 - EXPONENT / 2
    cycles = (CRITICAL**power - 0.5**power) / (power * np.pi ** (EXPONENT / 2))  # of a unit with C = 1
    growth = cycles / median_life * rng.lognormal(0, 0.25)
    noise = rng.lognormal(-0.5 * 0.6**2, 0.6, len(load))
    length, lengths = first, np.empty(len(load))
    for cycle in range(len(load)):
        length += growth * (load[cycle] * np.sqrt(np.pi * min(length, CRITICAL))) ** EXPONENT * noise[cycle]
        lengths[cycle] = length
    return lengths


def _sensors(rng: np.random.Generator, crack: Floats, load: Floats) -> dict[str, Any]:
    depth = np.minimum(crack, CRITICAL) / CRITICAL
    unit = rng.normal(0, 1, 4)  # how this unit differs from others of its make

    def noise(size: float) -> Floats:
        return rng.normal(0, size, len(crack))

    return {
        "vibration_mm_s": (1.2 + 0.1 * unit[0] + 3.5 * depth**1.5) * load**2 + noise(0.25),
        "bearing_temp_c": 52 + 1.5 * unit[1] + 14 * depth + 30 * (load - 1) + noise(1.0),
        "flow_m3_h": (118 + 1.0 * unit[2] - 9 * depth) * load + noise(0.8),
        "motor_current_a": (41 + 0.4 * unit[3] + 3.0 * depth) * load + noise(0.5),
        "acoustic_db": 61 + 9 * depth**2 + 12 * (load - 1) + noise(1.2),
        "efficiency": 0.81 - 0.06 * depth + 0.05 * (1 - load) + noise(0.006),
        "supply_v": np.full(len(crack), 400.0),
        "starts": np.cumsum(rng.poisson(0.4, len(crack))).astype(float),
        "ambient_c": 21 + noise(3.0),
    }

"""Watching: what a tick of many instruments costs, beside computing the window again.

Made-up returns of GARCH(1,1), a day of 1,000 instruments per tick. By turns: ``lepton watch``'s own steps on
one tick (decide it with the stream, then take it in, alerts included), and what a monitor without a state
would do: the variance of each instrument filtered through its window of 1,000 days with the same parameters
and the quantiles of the standardised returns taken again, all in arrays as well, and no alerts. CPU seconds.
Checked: both forecast the same volatility. Bar: a tick costs as much after 5,000 ticks as at the start.

    OMP_NUM_THREADS=1 .venv/bin/python benchmarks/speed/ticks.py
    OMP_NUM_THREADS=1 .venv/bin/python benchmarks/speed/ticks.py --instruments 10000 --ticks 40
"""

from __future__ import annotations

import argparse
import time
from statistics import median

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lepton_finance.market_risk.garch import GarchFilter
from lepton_platform.tasks.volatility.beginning import Start
from lepton_platform.tasks.volatility.blend import Averaged
from lepton_platform.tasks.volatility.filters import RiskMetrics, Tails, empirical_tails
from lepton_platform.tasks.volatility.gate import Gated
from lepton_platform.tasks.volatility.panel import Day, Panel
from lepton_platform.tasks.volatility.stream import RiskStream

Floats = NDArray[np.float64]

WINDOW, LEVELS, ES_LEVELS = 1000, (0.01, 0.025, 0.05), (0.025,)
GROWTH = 1.2
OMEGA, ALPHA, BETA = 0.03, 0.07, 0.90


def made_up(days: int, instruments: int, seed: int = 0) -> Floats:
    """Return returns of GARCH(1,1), shape (days, instruments)."""
    rng = np.random.default_rng(seed)
    variance, rows = np.ones(instruments), []
    for _ in range(days):
        rows.append(np.sqrt(variance) * rng.standard_normal(instruments))
        variance = OMEGA + ALPHA * rows[-1] ** 2 + BETA * variance
    return np.array(rows)


def recomputed(window: Floats) -> tuple[Floats, Tails]:
    """Filter the window and take its quantiles; return tomorrow's volatility and the tails."""
    variance, z = np.ones(window.shape[1]), np.empty_like(window)
    for t, r in enumerate(window):
        z[t] = r / np.sqrt(variance)
        variance = OMEGA + ALPHA * r**2 + BETA * variance
    return np.sqrt(variance), empirical_tails(z, LEVELS, ES_LEVELS)


def begun(window: Floats) -> RiskStream:
    """Return a stream of two members after the window, with the parameters that made it."""
    n = window.shape[1]
    dates = pd.bdate_range("2000-01-03", periods=len(window)).to_numpy()
    names = tuple(f"I{number:05d}" for number in range(n))
    panel = Panel(dates, names, window, np.full_like(window, np.nan))
    volatility, tails = recomputed(window)
    parameters = np.tile(np.array([[0.0], [OMEGA], [ALPHA], [0.0], [BETA]]), n)
    garch = GarchFilter(np.ones(n), parameters, 2 * np.log(volatility), tails, exponential=False)
    member = Gated.check(garch, RiskMetrics.fit(panel, LEVELS, ES_LEVELS))
    stream = RiskStream(instruments=names, levels=LEVELS, es_levels=ES_LEVELS, prices=False, spacing=86_400.0)
    seconds = float(dates[-1].astype("datetime64[s]").astype(float))
    var = np.stack([member.forecast().var] * 250)
    blend = Averaged((member, member), (0.5, 0.5), 0)
    stream.begin(Known(Start(blend, seconds, np.full(n, seconds), np.full(n, np.nan), window[-250:], var)))
    return stream


class Known:
    """A beginning that is known, so that nothing is estimated here."""

    def __init__(self, start: Start) -> None:
        self.start = start

    def before(self, time: float) -> Start:
        """Return it."""
        return self.start


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--instruments", type=int, default=1000)
    parser.add_argument("--ticks", type=int, default=100, help="timed at the start and again at the end")
    parser.add_argument("--between", type=int, default=5000, help="ticks between, not timed")
    chosen = parser.parse_args()
    returns = made_up(WINDOW + 2 * chosen.ticks + chosen.between, chosen.instruments)
    stream, dates = begun(returns[:WINDOW]), pd.bdate_range("2003-11-03", periods=len(returns))
    costs: dict[str, list[float]] = {"tick": [], "window": [], "tick at the end": []}

    for t in range(WINDOW, WINDOW + chosen.ticks):
        index = pd.MultiIndex.from_product([[dates[t]], stream.instruments], names=["date", "instrument"])
        tick = pd.DataFrame({"value": returns[t]}, index)
        begun_at = time.process_time()
        told = stream.predict(tick)
        stream = stream.update(tick)
        costs["tick"].append(time.process_time() - begun_at)
        begun_at = time.process_time()
        volatility, _ = recomputed(returns[t - WINDOW : t])
        costs["window"].append(time.process_time() - begun_at)
        if not np.allclose(told["volatility"], volatility, rtol=1e-6):
            raise SystemExit("the stream and the window forecast different volatilities")
    nobody = np.full(chosen.instruments, np.nan)
    for t in range(WINDOW + chosen.ticks, WINDOW + chosen.ticks + chosen.between):
        stream.filter_ = stream.filter_.step(Day(returns[t], nobody))
    for t in range(WINDOW + chosen.ticks + chosen.between, len(returns)):
        index = pd.MultiIndex.from_product([[dates[t]], stream.instruments], names=["date", "instrument"])
        tick = pd.DataFrame({"value": returns[t]}, index)
        begun_at = time.process_time()
        stream.predict(tick)
        stream = stream.update(tick)
        costs["tick at the end"].append(time.process_time() - begun_at)

    middle = {name: median(seconds) for name, seconds in costs.items()}
    print(f"{chosen.instruments:,} instruments, median of {chosen.ticks} ticks, CPU milliseconds")
    for name, seconds in middle.items():
        low, high = min(costs[name]), max(costs[name])
        print(f"  {name:<16} {1000 * seconds:9.2f}   ({1000 * low:.2f} to {1000 * high:.2f})")
    ratio, growth = middle["tick"] / middle["window"], middle["tick at the end"] / middle["tick"]
    print(f"tick / window {ratio:.4f}: one {1 / ratio:.0f}th")
    print(f"end / start {growth:.2f}, bar {GROWTH:.2f}: {'met' if growth <= GROWTH else 'MISSED'}")


if __name__ == "__main__":
    main()

"""Market risk: our application beside what is usually done, on the same days of the same series.

Protocol A: daily returns in percent, the last 2,000 days, window of 1,000, parameters every 20 days,
variance filtered daily, each day forecast from the days before it. Ours is ``finance.market-risk`` with its
defaults, through the public API. The peers are plain: historical simulation, RiskMetrics, and the package
arch by itself, whose own recursion filters the days between two fits. Printed: share of days beyond the VaR
and the p-value of conditional coverage at 1 % and 5 %, tick loss at 1 %, FZ0 of the 2.5 % VaR and ES, share
of 250-day windows that are yellow, and the p-value by which a model stays in the 90 % model confidence set
(FZ0).

Protocol B (with ``--data``): one-day forecasts of the 5-minute realized variance of the S&P 500, refit every
22 days, by QLIKE.

Bars: on sp500 FZ0 at most 0.812, tick 1 % at most 0.0300, every coverage p above 0.05; QLIKE at most 0.225.

    .venv/bin/python benchmarks/accuracy/market_risk.py
    .venv/bin/python benchmarks/accuracy/market_risk.py --data ../shared/data/finance --series sp500,open
"""

from __future__ import annotations

import argparse
import importlib
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from arch import arch_model
from arch.bootstrap import MCS
from numpy.typing import NDArray
from scipy.stats import norm

from lepton_platform import Options
from lepton_platform.run import start
from lepton_platform.tasks.volatility.backtests import conditional_coverage, zone_of
from lepton_platform.tasks.volatility.scores import fz0_loss, qlike, tick_loss

Floats = NDArray[np.float64]

TEST, WINDOW, REFIT = 2000, 1000, 20
LEVELS = (0.01, 0.025, 0.05)
BARS = {"FZ0": 0.812, "tick 1 %": 0.0300, "QLIKE": 0.225, "p": 0.05}


@dataclass(frozen=True)
class Told:
    """Forecasts of the test days, losses positive."""

    var: Floats
    """Shape (days, levels)."""
    es: Floats
    """At 2.5 %, shape (days,)."""


# ---------------------------------------------------------------------------------------- series


def series(name: str, data: Path | None) -> pd.Series:
    """Return daily returns in percent, by date."""
    if name == "open":
        if data is None:
            raise SystemExit("the series open needs --data")
        table = pd.read_csv(data / "spx_realized" / "data.csv.gz", parse_dates=["date"])
        return 100 * table.set_index("date")["open_to_close"]
    if name.startswith("skfolio:"):
        from skfolio.datasets import load_sp500_dataset, load_sp500_index

        column = name.removeprefix("skfolio:")
        prices = load_sp500_index().iloc[:, 0] if column == "index" else load_sp500_dataset()[column]
    else:
        loaded = importlib.import_module(f"arch.data.{name}").load()
        prices = loaded["Adj Close"] if "Adj Close" in loaded else loaded.iloc[:, 0]
    prices = prices[prices > 0].dropna()
    return 100 * np.log(prices).diff().dropna()


# ----------------------------------------------------------------------------------------- peers


def ours(returns: pd.Series) -> Told:
    """The application with its defaults."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "returns.csv"
        returns.rename("series").rename_axis("date").to_csv(path)
        asked = {"kind": "returns", "window": WINDOW, "refit_every": REFIT, "test_days": TEST}
        told = start("finance.market-risk", Options(data=str(path)), asked, Path(folder)).predictions
    return Told(told[[f"var_{level:g}" for level in LEVELS]].to_numpy(), told["es_0.025"].to_numpy())


def historical(returns: pd.Series) -> Told:
    """Quantiles of the last 500 days."""
    r = returns.to_numpy()
    rows = [empirical(r[t - 500 : t]) for t in range(len(r) - TEST, len(r))]
    return Told(np.array([var for var, _ in rows]), np.array([es for _, es in rows]))


def empirical(z: Floats) -> tuple[Floats, float]:
    """Return VaR at all levels and ES at 2.5 % of a sample."""
    cuts = np.quantile(z, LEVELS)
    return -cuts, float(-z[z <= cuts[1]].mean())


def riskmetrics(tails: str) -> Callable[[pd.Series], Told]:
    """Exponential average of squares, decay 0.94, with normal or with historical tails."""

    def told(returns: pd.Series) -> Told:
        r = returns.to_numpy()
        variance = np.empty(len(r))
        variance[0] = r[:50].var()
        for t in range(1, len(r)):
            variance[t] = 0.94 * variance[t - 1] + 0.06 * r[t - 1] ** 2
        deviation, rows = np.sqrt(variance), []
        for t in range(len(r) - TEST, len(r)):
            var, es = gaussian() if tails == "normal" else empirical((r / deviation)[t - WINDOW : t])
            rows.append((var * deviation[t], es * deviation[t]))
        return Told(np.array([var for var, _ in rows]), np.array([es for _, es in rows]))

    return told


def gaussian() -> tuple[Floats, float]:
    """Return VaR and ES of the unit normal."""
    return -norm.ppf(LEVELS), float(norm.pdf(norm.ppf(0.025)) / 0.025)


def arch_alone(vol: str, o: int, distribution: str, tails: str = "parametric") -> Callable[[pd.Series], Told]:
    """A model of the package arch, its own recursion run on over the days between two fits."""

    def told(returns: pd.Series) -> Told:
        r, var, es = returns.to_numpy(), [], []
        for begin in range(len(r) - TEST, len(r), REFIT):
            end = min(begin + REFIT, len(r))
            fit = model(r[begin - WINDOW : begin]).fit(disp="off", show_warning=False)
            fixed = model(r[begin - WINDOW : end]).fix(fit.params.to_numpy())
            deviation = np.asarray(fixed.conditional_volatility)[WINDOW:]
            if tails == "historical":
                multiples, shortfall = empirical(np.asarray(fit.std_resid))
            else:
                law, shape = (
                    fit.model.distribution,
                    fit.params.to_numpy()[4 + o :] if distribution != "normal" else None,
                )
                cuts = law.ppf(np.array(LEVELS), shape)
                multiples, shortfall = -cuts, -law.partial_moment(1, cuts[1], shape) / 0.025
            var.append(np.outer(deviation, multiples) - fit.params.iloc[0])
            es.append(deviation * shortfall - fit.params.iloc[0])
        return Told(np.concatenate(var), np.concatenate(es))

    def model(r: Floats):
        return arch_model(r, mean="Constant", vol=vol, p=1, o=o, q=1, dist=distribution, rescale=False)

    return told


PEERS: dict[str, Callable[[pd.Series], Told]] = {
    "historical 500": historical,
    "RiskMetrics normal": riskmetrics("normal"),
    "RiskMetrics + FHS": riskmetrics("historical"),
    "GARCH normal": arch_alone("GARCH", 0, "normal"),
    "GARCH t": arch_alone("GARCH", 0, "t"),
    "GJR + FHS": arch_alone("GARCH", 1, "normal", "historical"),
    "GJR skew-t": arch_alone("GARCH", 1, "skewt"),
    "EGARCH skew-t": arch_alone("EGARCH", 1, "skewt"),
}


# ---------------------------------------------------------------------------------------- tables


def judged(returns: Floats, told: Told) -> dict[str, float]:
    """Return a row of the table."""
    hits = returns[:, None] < -told.var
    counts = pd.Series(hits[:, 0]).rolling(250).sum().dropna().astype(int).to_numpy()
    row: dict[str, float] = {}
    for place, level in ((0, 0.01), (2, 0.05)):
        row[f"{level:.0%} rate"] = hits[:, place].mean()
        row[f"{level:.0%} p"] = conditional_coverage(hits[:, place], level).p
    row["tick 1 %"] = tick_loss(returns, told.var[:, 0], 0.01).mean()
    row["FZ0"] = fz0_loss(returns, told.var[:, 1], told.es, 0.025).mean()
    row["yellow"] = float(np.mean(zone_of(counts, 250, 0.01) >= 1))
    return row


def protocol_a(name: str, data: Path | None, peers: list[str]) -> bool:
    """Print the table of one series; return whether ours is within the bars that hold for it."""
    returns = series(name, data)
    last = returns.to_numpy()[-TEST:]
    rows, losses = {}, {}
    for who, forecast in {"ours": ours, **{peer: PEERS[peer] for peer in peers}}.items():
        begun = time.process_time()
        told = forecast(returns)
        rows[who] = {**judged(last, told), "CPU s": time.process_time() - begun}
        losses[who] = fz0_loss(last, told.var[:, 1], told.es, 0.025)
    table = pd.DataFrame(rows).T
    if len(rows) > 1:
        known = pd.DataFrame(losses).replace([np.inf, -np.inf], np.nan).dropna(axis=1)
        compared = MCS(known, 0.10, reps=1000, block_size=20, seed=0)
        compared.compute()
        table["MCS p"] = compared.pvalues["Pvalue"]
    print(f"\n{name}: {len(returns):,} days, the last {TEST:,} judged")
    print(table.round({"CPU s": 1}).to_string(float_format=lambda value: f"{value:.4f}"), flush=True)
    mine = rows["ours"]
    sound = min(mine["1% p"], mine["5% p"]) > BARS["p"]
    return sound and (
        name != "sp500" or (mine["FZ0"] <= BARS["FZ0"] and mine["tick 1 %"] <= BARS["tick 1 %"])
    )


def protocol_b(data: Path) -> bool:
    """Print QLIKE of ours and of plain forecasts of the realized variance."""
    path = data / "spx_realized" / "data.csv.gz"
    asked = {"kind": "returns", "columns": ("open_to_close",), "realised": "rv5", "refit_every": 22}
    with tempfile.TemporaryDirectory() as folder:
        told = start("finance.market-risk", Options(data=str(path)), asked, Path(folder)).predictions
    realised = pd.read_csv(path)["rv5"]
    last = realised.to_numpy()[-TEST:]
    plain = {
        "random walk": realised.shift(),
        "22-day mean": realised.rolling(22).mean().shift(),
        "EWMA": realised.ewm(alpha=0.06).mean().shift(),
        "HAR": har(realised, np.asarray, np.asarray),
        "log-HAR": har(realised, np.log, np.exp),
    }
    rows = {"ours": qlike(last, told["realised_variance"]).mean()}
    rows |= {name: qlike(last, forecast.to_numpy()[-TEST:]).mean() for name, forecast in plain.items()}
    print("\nrealized variance of the S&P 500, QLIKE on the last 2,000 days")
    print(pd.Series(rows).to_string(float_format=lambda value: f"{value:.4f}"), flush=True)
    return rows["ours"] <= BARS["QLIKE"]


def har(realised: pd.Series, forth: Callable, back: Callable) -> pd.Series:
    """Corsi's regression, in levels or in logs (then with half the residual variance added)."""
    means = [forth(realised.rolling(days).mean().shift().to_numpy()) for days in (1, 5, 22)]
    X, y = np.column_stack([np.ones(len(realised)), *means]), forth(realised.to_numpy())
    found = np.full(len(y), np.nan)
    for begin in range(len(y) - TEST, len(y), 22):
        past, ahead = slice(begin - WINDOW, begin), slice(begin, begin + 22)
        b = np.linalg.lstsq(X[past], y[past], rcond=None)[0]
        spread = np.var(y[past] - X[past] @ b) / 2 if back is np.exp else 0.0
        window = realised.to_numpy()[past]
        found[ahead] = np.clip(back(X[ahead] @ b + spread), window.min(), window.max())
    return pd.Series(found)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="folder that holds spx_realized/")
    parser.add_argument(
        "--series", default="sp500,nasdaq,wti", help="also open, skfolio:index, skfolio:AAPL ..."
    )
    parser.add_argument("--peers", default=",".join(PEERS).replace("historical 500", "historical; 500 days"))
    chosen = parser.parse_args()
    peers = [name.strip() for name in chosen.peers.split(",") if name.strip()]
    warnings.simplefilter("ignore")  # arch's own, of fits that did not converge
    sound = [protocol_a(name, chosen.data, peers) for name in chosen.series.split(",")]
    if chosen.data is not None:
        sound.append(protocol_b(chosen.data))
    print("\nall bars are met" if all(sound) else "\nsome bars are missed")


if __name__ == "__main__":
    main()

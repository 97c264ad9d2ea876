"""Accuracy of retail.demand-forecasting beside statsforecast and mlforecast, on three public panels.

Each method learns from the training part alone and forecasts all periods of the test part at once;
the truth is read by the scorer only. Ours is ``lepton run`` with its defaults, and with a tenth of
the time that it took as its budget, but no less than 30 s of a free machine (of which starting up and
the report take ten), longer where others kept the default's run waiting. The peers are their published
classes, one configuration each, fixed before the first score.

    python benchmarks/accuracy/demand_forecasting.py [--data FOLDER] [--sets m4_hourly,grocery,carparts]
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from lepton_platform.tasks.forecast import metrics as forecast_metrics
from lepton_platform.tasks.forecast.panel import Panel
from lepton_platform.tasks.forecast.quantiles import COLUMNS

ROOT = Path(__file__).resolve().parents[2]
NAIVE2 = (18.383, 2.395)
"""sMAPE and MASE of Naive2 on M4 Hourly (Makridakis, Spiliotis and Assimakopoulos 2020): OWA's divisors."""
LONG = ["unique_id", "ds", "y"]


@dataclass(frozen=True)
class Set:
    """One panel: its long rows, what is planned, how it is split, and which numbers are its bars."""

    train: pd.DataFrame
    test: pd.DataFrame
    planned: tuple[str, ...]
    statics: tuple[str, ...]
    seasons: tuple[int, ...]
    scale: int
    """Season of the MASE's scale."""
    bars: dict[str, tuple[float, float]]
    """Least and greatest value that a number of ours may have."""

    @property
    def horizon(self) -> int:
        return int(self.test["ds"].nunique())


def m4_hourly(folder: Path) -> Set:
    """The 414 hourly series of the M4 competition."""
    parts = []
    for name in ("train", "test"):
        wide = pd.read_csv(folder / "m4_hourly" / f"Hourly-{name}.csv.gz", index_col=0)
        long = wide.stack().rename("y").rename_axis(["unique_id", "column"]).reset_index()
        place = long.groupby("unique_id").cumcount() + 1
        length = long.groupby("unique_id")["y"].transform("size")
        parts.append(long.assign(ds=place if name == "test" else place - length)[LONG])
    bars = {"owa": (0, 0.41), "msis": (0, 6.1), "coverage_95": (0.93, 0.97)}
    return Set(*parts, (), (), (24, 168), 24, bars)


def grocery(folder: Path) -> Set:
    """Weekly sales of 400 groceries, with the plan of displays and mailers."""
    rows = pd.read_csv(folder / "complete_journey_demand" / "weekly_sku.csv.gz")
    statics, planned = ("product_category", "product_type", "brand"), ("stores_display", "stores_mailer")
    rows = rows.rename(columns={"product_id": "unique_id", "week": "ds", "units": "y"})
    rows = rows.astype({"unique_id": str})[[*LONG, *planned, *statics]]
    last = rows["ds"] > 44
    bars = {"wape": (0, 0.375), "wrmsse": (0, 0.67), "wql": (0, 0.285), "coverage_90": (0.88, 0.92)}
    return Set(rows[~last], rows[last], planned, statics, (1,), 1, bars)


def carparts(folder: Path) -> Set:
    """Monthly sales of 2,509 car parts, three quarters of them zero."""
    rows = pd.read_csv(folder / "carparts" / "carparts_complete_long.csv.gz").astype({"unique_id": str})
    last = rows["ds"] > 39
    bars = {"rmsse": (0, 0.597), "wrmsse": (0, 0.5276), "wql": (0, 1.0)}
    return Set(rows.loc[~last, LONG], rows.loc[last, LONG], (), (), (12,), 1, bars)


SETS: dict[str, Callable[[Path], Set]] = {"m4_hourly": m4_hourly, "grocery": grocery, "carparts": carparts}


# ----------------------------------------------------------------------------------------- ours


def run_ours(one: Set, folder: Path, budget: float | None = None) -> tuple[pd.DataFrame, float]:
    """Return our predictions and the CPU seconds of the whole command."""
    for name, rows in (("train", one.train), ("test", one.test)):
        rows.to_csv(folder / f"{name}.csv", index=False)
    command = [sys.executable, "-m", "lepton_platform", "run", "retail.demand-forecasting", "--json"]
    command += ["--data", str(folder / "train.csv"), "--test", str(folder / "test.csv")]
    command += ["--series", "unique_id", "--time", "ds", "--value", "y", "--horizon", str(one.horizon)]
    command += ["--season", ",".join(map(str, one.seasons)), "--out", str(folder / "runs")]
    for option, names in (("--known-ahead", one.planned), ("--static", one.statics)):
        command += [option, ",".join(names)] if names else []
    command += [] if budget is None else ["--budget", f"{budget:.0f}s"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    told = subprocess.run(command, capture_output=True, text=True)
    if told.returncode:
        raise RuntimeError(told.stderr.strip().splitlines()[-1])
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    written = pd.read_parquet(Path(json.loads(told.stdout)["run_folder"]) / "predictions.parquet")
    return written.set_index(["series", "time"]), seconds


# ---------------------------------------------------------------------------------------- peers


def statsforecast_peer(name: str, one: Set) -> pd.DataFrame:
    """Return point and, where the model has one, 95 % interval of a model of statsforecast."""
    from statsforecast import StatsForecast, models

    made = {
        "SeasonalNaive": models.SeasonalNaive(season_length=one.seasons[0]),
        "DynamicTheta": models.DynamicOptimizedTheta(season_length=one.seasons[0]),
        "MSTL": models.MSTL(season_length=list(one.seasons)),
        "AutoETS": models.AutoETS(season_length=one.seasons[0]),
        "SES": models.SimpleExponentialSmoothingOptimized(),
        "ADIDA": models.ADIDA(),
        "IMAPA": models.IMAPA(),
        "CrostonSBA": models.CrostonSBA(),
    }[name]
    with_interval = name in ("SeasonalNaive", "DynamicTheta", "MSTL", "AutoETS")
    levels = {"level": [95, 90]} if with_interval else {}
    told = StatsForecast([made], freq=1).forecast(df=one.train[LONG], h=one.horizon, **levels)
    return _peer_table(told, made.alias, one)


def mlforecast_peer(one: Set) -> pd.DataFrame:
    """Return the forecast of LightGBM as mlforecast runs it: lags, recursion, the plan where there is one."""
    import lightgbm as lgb
    from mlforecast import MLForecast
    from mlforecast.lag_transforms import ExponentiallyWeightedMean, RollingMean
    from mlforecast.target_transforms import Differences, LocalStandardScaler

    common = {"learning_rate": 0.05, "verbosity": -1, "num_threads": 1, "random_state": 0}
    if one.seasons[0] > 12:
        model = lgb.LGBMRegressor(objective="l1", n_estimators=500, num_leaves=31, **common)
        lags = [1, 2, 3, 6, 12, 24, 25, 48, 72, 96, 120, 144, 168, 169, 336]
        transforms = [Differences([one.seasons[0]]), LocalStandardScaler()]
        engine = MLForecast(models={"LightGBM": model}, freq=1, lags=lags, target_transforms=transforms)
    else:
        model = lgb.LGBMRegressor(objective="tweedie", n_estimators=300, **{**common, "learning_rate": 0.03})
        rolling = {1: [RollingMean(4), RollingMean(13), ExponentiallyWeightedMean(0.3)]}
        engine = MLForecast(
            models={"LightGBM": model}, freq=1, lags=[1, 2, 3, 4, 6, 8], lag_transforms=rolling
        )
    columns = [*LONG, *one.planned]
    engine.fit(one.train[columns], static_features=[])
    plan = one.test[["unique_id", "ds", *one.planned]] if one.planned else None
    return _peer_table(engine.predict(one.horizon, X_df=plan), "LightGBM", one)


def _peer_table(told: pd.DataFrame, name: str, one: Set) -> pd.DataFrame:
    least = 0 if one.train["y"].min() >= 0 else -np.inf
    indexed = told.set_index(["unique_id", "ds"])
    indexed.index.names = ["series", "time"]
    frame = pd.DataFrame(dict.fromkeys(("mean", "median", *COLUMNS), indexed[name]))
    for column, side in (("q0.025", "lo-95"), ("q0.975", "hi-95"), ("q0.05", "lo-90"), ("q0.95", "hi-90")):
        if f"{name}-{side}" in indexed:
            frame[column] = indexed[f"{name}-{side}"]
    return frame.clip(lower=least)


PEERS = {
    "m4_hourly": ("SeasonalNaive", "DynamicTheta", "MSTL", "mlforecast LightGBM"),
    "grocery": ("ADIDA", "IMAPA", "SES", "AutoETS", "mlforecast LightGBM"),
    "carparts": ("ADIDA", "IMAPA", "CrostonSBA", "mlforecast LightGBM"),
}


def run_peer(peer: str, one: Set) -> tuple[pd.DataFrame, float]:
    """Return a peer's predictions and its CPU seconds."""
    begun = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the peers' own
        told = mlforecast_peer(one) if peer.startswith("mlforecast") else statsforecast_peer(peer, one)
    return told, time.process_time() - begun


# -------------------------------------------------------------------------------------- scoring


def scores(one: Set, predictions: pd.DataFrame) -> dict[str, float]:
    """Return every metric, and on M4 the overall weighted average."""
    index = pd.MultiIndex.from_frame(one.train[["unique_id", "ds"]])
    panel = Panel.of(pd.DataFrame(index=index), one.train["y"].set_axis(index), "1")
    truth = one.test.set_index(["unique_id", "ds"])["y"]
    found = forecast_metrics.of_panel(forecast_metrics.Scales.learn(panel, one.scale), counts=True)
    told = predictions.loc[truth.index]
    scored = {name: metric.function(truth.to_numpy(dtype=float), told) for name, metric in found.items()}
    return {**scored, "owa": (scored["smape"] / NAIVE2[0] + scored["mase"] / NAIVE2[1]) / 2}


def table(one: Set, rows: dict[str, dict[str, float]]) -> str:
    """Return the set's table as text."""
    wanted = [*one.bars, *(name for name in ("mase", "wape", "bias") if name not in one.bars), "CPU s"]
    frame = pd.DataFrame(rows).T[wanted]
    return frame.to_string(float_format=lambda value: f"{value:.4f}" if value < 100 else f"{value:.0f}")


def report(name: str, one: Set, workspace: Path) -> None:
    """Run every method on one set and print its table and whether the bars are met."""
    rows: dict[str, dict[str, float]] = {}
    begun = time.perf_counter()
    predictions, seconds = run_ours(one, workspace)
    wall = time.perf_counter() - begun
    rows["lepton, defaults"] = {**scores(one, predictions), "CPU s": seconds}
    try:
        predictions, used = run_ours(one, workspace, budget=max(wall / 10, 30 * max(wall / seconds, 1)))
        rows["lepton, a tenth of the time"] = {**scores(one, predictions), "CPU s": used}
    except RuntimeError as error:
        print(f"\nlepton, a tenth of the time: {error}")
    for peer in PEERS[name]:
        predictions, used = run_peer(peer, one)
        rows[peer] = {**scores(one, predictions), "CPU s": used}
    print(f"\n{name}: {one.train['unique_id'].nunique():,} series, {one.horizon} periods ahead")
    print(table(one, rows))
    for bar, (low, high) in one.bars.items():
        value = rows["lepton, defaults"][bar]
        print(f"  {'met' if low <= value <= high else 'MISSED':<8}{bar} {value:.4f}, from {low} to {high}")
    sys.stdout.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark and print its tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    stored = ROOT.parent / "shared" / "data" / "retail"
    parser.add_argument("--data", type=Path, default=stored, help="folder of the panels (%(default)s)")
    parser.add_argument("--sets", default=",".join(SETS), help="of " + ",".join(SETS))
    options = parser.parse_args(arguments)
    for name in options.sets.split(","):
        try:
            one = SETS[name](options.data)
        except FileNotFoundError as error:
            print(f"{name}: skipped, there is no {error.filename} (name the folder with --data)")
            continue
        with tempfile.TemporaryDirectory(prefix="lepton-demand-") as workspace:
            report(name, one, Path(workspace))
    return 0


if __name__ == "__main__":
    sys.exit(main())

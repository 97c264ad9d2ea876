"""Predictive maintenance on C-MAPSS: our application beside LightGBM on windows and a 1-D CNN.

Everybody learns from the train file alone, target min(RUL, 125), and predicts each test engine once, at
its last cycle. We run through ``lepton run`` on the folder as it comes, with its defaults. The peers:
LightGBM on 30-cycle windows (means, deviations, extremes, drift from the engine's own start), its rounds
the mean of early stops over five folds of engines; a 1-D CNN on the last 30 cycles, in torch. Printed per
seed: RMSE and PHM score with the truth clipped at 125 and not, and the RMSE's 95 % interval over engines.
A single seed is not a result: of the same LightGBM, seeds 0 to 4 differ by half a cycle.

    .venv/bin/python benchmarks/accuracy/predictive_maintenance.py
    .venv/bin/python benchmarks/accuracy/predictive_maintenance.py --data FD003 --seeds 0,1,2 --peers cnn
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold

FD001 = Path(__file__).resolve().parents[3] / "shared/data/manufacturing/cmapss-fd001"
CAP = 125.0
BARS = "bars: RMSE at most 11.4, score at most 200 (clipped), coverage 0.85 to 0.95, inner RMSE at most 11.2"
Floats = NDArray[np.float64]


def table(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, sep=r"\s+", header=None)


def one(folder: Path, part: str) -> Path:
    (path,) = folder.glob(f"{part}_*.txt*")
    return path


def left(log: pd.DataFrame) -> Floats:
    return np.minimum(log.groupby(0)[1].transform("max") - log[1], CAP).to_numpy(float)


def score(late: Floats) -> float:
    return float(np.expm1(np.where(late < 0, -late / 13, late / 10)).sum())


# ----------------------------------------------------------------------------------------- peers


def windows(log: pd.DataFrame, sensors: list[int]) -> pd.DataFrame:
    """Per sensor: mean, deviation, least, greatest of 30 cycles; mean of 5 and its drift; a smoothed mean."""
    by = log.groupby(0)[sensors]
    thirty = by.rolling(30, min_periods=1)
    smoothed = by.transform(lambda column: column.ewm(alpha=0.1).mean())
    five = by.rolling(5, min_periods=1).mean().droplevel(0)
    start = by.expanding().mean().droplevel(0).where(log[1] <= 10).groupby(log[0]).ffill()
    parts = [
        thirty.mean().droplevel(0), thirty.std().droplevel(0).fillna(0), thirty.min().droplevel(0),
        thirty.max().droplevel(0), five, five - start, smoothed,
    ]  # fmt: skip
    named = [part.add_prefix(f"{number}_") for number, part in enumerate(parts)]
    return pd.concat([*named, log[[1]].add_prefix("age_")], axis=1)


def lightgbm(train: pd.DataFrame, test: pd.DataFrame, seed: int) -> Floats:
    """LightGBM on windows, 31 leaves, learning rate 0.03."""
    sensors = [column for column in train.columns[2:] if train[column].std() > 1e-6]
    X, y, engine = windows(train, sensors).to_numpy(float), left(train), train[0].to_numpy()
    parameters = {
        "objective": "regression", "learning_rate": 0.03, "num_leaves": 31, "min_data_in_leaf": 40,
        "bagging_fraction": 0.8, "bagging_freq": 1, "feature_fraction": 0.5, "lambda_l2": 1.0, "seed": seed,
        "num_threads": 1, "verbose": -1,
    }  # fmt: skip
    rounds = []
    for learned, held in GroupKFold(5).split(X, y, engine):
        data = lgb.Dataset(X[learned], y[learned])
        kept = lgb.Dataset(X[held], y[held], reference=data)
        stop = lgb.early_stopping(60, verbose=False)
        rounds.append(lgb.train(parameters, data, 2000, valid_sets=[kept], callbacks=[stop]).best_iteration)
    model = lgb.train(parameters, lgb.Dataset(X, y), int(np.mean(rounds)))
    last = windows(test, sensors)[(test[0] != test[0].shift(-1)).to_numpy()]
    return np.asarray(model.predict(last.to_numpy(float)), dtype=float)


def cnn(train: pd.DataFrame, test: pd.DataFrame, seed: int) -> Floats:
    """Three convolutions over 30 cycles, 12 epochs."""
    from lepton_platform.model.deep import ConvolutionalNetwork, NeuralRegressor

    sensors = [column for column in train.columns[2:] if train[column].std() > 1e-6]
    mean, deviation = train[sensors].mean(), train[sensors].std()

    def sequences(log: pd.DataFrame, last: bool) -> NDArray[np.float32]:
        found = []
        for _, rows in log.groupby(0):
            values = ((rows[sensors] - mean) / deviation).to_numpy(np.float32)
            ends = np.arange(len(values))[-1 if last else 0 :]
            found.append(values[np.maximum(ends[:, None] - np.arange(30)[::-1], 0)])
        return np.concatenate(found)

    network = NeuralRegressor(
        ConvolutionalNetwork((32, 64, 32), (9, 5, 3), dropout=0.2), epochs=12, batch_size=256,
        learning_rate=3e-3, schedule="one_cycle", validation_share=0.0, random_state=seed,
    )  # fmt: skip
    return network.fit(sequences(train, False), left(train)).predict(sequences(test, True))


PEERS: dict[str, Callable[[pd.DataFrame, pd.DataFrame, int], Floats]] = {"lightgbm": lightgbm, "cnn": cnn}


# ------------------------------------------------------------------------------------------ ours


def lepton(folder: Path, seed: int) -> tuple[Floats, dict[str, Any]]:
    """Return what ``lepton run`` predicts, and what it says of itself."""
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, "-m", "lepton_platform", "run", "manufacturing.predictive-maintenance"]
        options = ["--data", str(folder), "--seed", str(seed), "--out", out, "--json"]
        done = subprocess.run([*command, *options], check=True, capture_output=True, text=True)
        told = json.loads(done.stdout)
        path = Path(told["run_folder"])
        inner = pd.read_csv(path / "leaderboard.csv").query("status == 'chosen'")["rmse"].iloc[0]
        predictions = pd.read_parquet(path / "predictions.parquet")["rul"].to_numpy()
    return predictions, {"inner RMSE": inner, "coverage": told["metrics"]["coverage_90"]["value"]}


def measured(name: str, predicted: Floats, truth: Floats, seconds: float, **more: Any) -> dict[str, Any]:
    told = np.clip(predicted, 0, CAP)
    clipped, whole = told - np.minimum(truth, CAP), told - truth
    rng = np.random.default_rng(0)
    draws = [np.sqrt(np.mean(clipped[rng.integers(0, len(truth), len(truth))] ** 2)) for _ in range(1000)]
    low, high = np.quantile(draws, [0.025, 0.975])
    return {
        "model": name, "RMSE": np.sqrt(np.mean(clipped**2)), "95 %": f"{low:.2f} to {high:.2f}",
        "score": score(clipped), "RMSE unclipped": np.sqrt(np.mean(whole**2)),
        "score unclipped": score(whole), **more, "CPU s": seconds,
    }  # fmt: skip


def spent() -> float:
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in usage)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=FD001, help="folder with the files of one subset")
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--peers", default=",".join(PEERS))
    asked = parser.parse_args()
    if not asked.data.is_dir():
        print(f"{asked.data} is not there: nothing measured")
        return
    train, test = (table(one(asked.data, part)) for part in ("train", "test"))
    truth = np.loadtxt(one(asked.data, "RUL"))
    rows = []
    for seed in map(int, asked.seeds.split(",")):
        begun = spent()
        predicted, said = lepton(asked.data, seed)
        rows.append(measured(f"lepton, seed {seed}", predicted, truth, spent() - begun, **said))
        for name in filter(None, asked.peers.split(",")):
            begun = spent()
            predicted = PEERS[name](train, test, seed)
            rows.append(measured(f"{name}, seed {seed}", predicted, truth, spent() - begun))
    print(pd.DataFrame(rows).round(2).to_string(index=False))
    if asked.data == FD001:
        print(BARS)


if __name__ == "__main__":
    main()

"""Simulated fleets and a part of NASA's, and real runs on them, that the tests of this folder share."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from lepton_manufacturing.predictive_maintenance.simulator import simulate
from lepton_platform.run import Options, start

FD001 = Path(__file__).resolve().parents[4].parent / "shared/data/manufacturing/cmapss-fd001"


def cut(log: pd.DataFrame) -> tuple[pd.DataFrame, pd.Series]:
    """Return the log of units cut at 35 to 95 % of their life, and what each had left."""
    lives = log.groupby("pump")["cycle"].max()
    at = (lives * (0.35 + 0.6 * (lives.index.to_numpy() * 7 % 20) / 20)).astype(int)
    return log[log["cycle"] <= log["pump"].map(at)], lives - at


@pytest.fixture(scope="session")
def fleet() -> pd.DataFrame:
    """Thirty pumps, all of which failed."""
    return simulate(30, seed=4, median_life=80).drop(columns="wear_mm")


@pytest.fixture(scope="session")
def later() -> tuple[pd.DataFrame, pd.Series]:
    """Twenty other pumps of the same make, cut before their failure, and what each had left."""
    return cut(simulate(20, seed=5, median_life=80).drop(columns=["wear_mm", "failed"]))


@pytest.fixture(scope="session")
def duties() -> tuple[pd.DataFrame, pd.DataFrame, pd.Series]:
    """Forty pumps that are run in six ways, and others of them that are cut."""
    learned = simulate(40, seed=6, duties=6, median_life=80).drop(columns="wear_mm")
    return learned, *cut(simulate(20, seed=7, duties=6, median_life=80).drop(columns=["wear_mm", "failed"]))


@pytest.fixture(scope="session")
def learn(tmp_path_factory):
    """Return a function that carries out a real run on tables and gives back the run."""

    def learn(train, test=None, truth=None, root=None, **options):
        folder = tmp_path_factory.mktemp("learn")
        train.to_csv(folder / "train.csv", index=False)
        host = {"data": str(folder / "train.csv"), "models": ("boosting",)}
        if test is not None:
            test.to_csv(folder / "test.csv", index=False)
            host["test"] = str(folder / "test.csv")
        if truth is not None:
            truth.to_csv(folder / "truth.txt", index=False, header=False)
            options["truth"] = str(folder / "truth.txt")
        values = {"folds": 3, **options}
        return start("manufacturing.predictive-maintenance", Options(**host), values, root or folder / "runs")

    return learn


@pytest.fixture(scope="session")
def whole_run(learn, fleet, later):
    """One run that learns from thirty pumps and is judged on twenty others."""
    return learn(fleet, *later, crews=1, horizon=30, closed="5-6")


@pytest.fixture
def nasa(tmp_path):
    """A folder with the first twelve engines of FD001, and what the cut ones had left."""
    if not FD001.exists():
        pytest.skip(f"{FD001} is not there")
    folder = tmp_path / "cmapss"
    folder.mkdir()
    for part in ("train", "test"):
        table = pd.read_csv(FD001 / f"{part}_FD001.txt.gz", sep=r"\s+", header=None)
        table[table[0] <= 12].to_csv(folder / f"{part}_FD001.txt", sep=" ", header=False, index=False)
    left = (FD001 / "RUL_FD001.txt").read_text().split()[:12]
    (folder / "RUL_FD001.txt").write_text("\n".join(left))
    return folder, list(map(float, left))

"""Made-up prices and returns, and runs on them, that the tests of this folder share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lepton_platform import Options
from lepton_platform.run import start

APPLICATION = "finance.market-risk"
SHARED = Path(__file__).resolve().parents[4].parent / "shared" / "data" / "finance"
SMALL = {"window": 300, "test_days": 120, "refit_every": 40}


def garch_t(days, seed=0, names=("A",), degrees=5):
    """Returns in percent of GARCH(1,1) with t innovations of unit variance; known to the maker."""
    rng = np.random.default_rng(seed)
    z = rng.standard_t(degrees, (days + 200, len(names))) * np.sqrt((degrees - 2) / degrees)
    variance, rows = np.ones(len(names)), []
    for shock in z:
        rows.append(np.sqrt(variance) * shock)
        variance = 0.03 + 0.08 * rows[-1] ** 2 + 0.89 * variance
    dates = pd.bdate_range("2010-01-04", periods=days)
    return pd.DataFrame(np.array(rows[200:]), dates, list(names)).rename_axis("date").reset_index()


@pytest.fixture(scope="session")
def returns():
    """Return a maker of returns: ``returns(days, seed, names)``."""
    return garch_t


@pytest.fixture(scope="session")
def risk(tmp_path_factory):
    """Return a function that carries out a real run on a table, written as a file first."""

    def risk(table, folder=None, models=(), test=None, **options):
        folder = folder or tmp_path_factory.mktemp("risk")
        paths = {}
        for name, rows in {"data": table, "test": test}.items():
            if rows is not None:
                paths[name] = str(folder / f"{name}.csv")
                rows.to_csv(paths[name], index=False)
        chosen = {"kind": "returns", **SMALL, **options}
        return start(APPLICATION, Options(**paths, models=models), chosen, folder / "runs")

    return risk


@pytest.fixture(scope="session")
def small_run(risk):
    """A run on three made-up instruments, GJR alone."""
    return risk(garch_t(600, 1, ("A", "B", "C")), family="gjr-t")

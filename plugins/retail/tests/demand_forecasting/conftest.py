"""Made-up sales, small enough that a run takes seconds; no accuracy is claimed from them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lepton_platform import Options
from lepton_platform.run import start

HORIZON = 6
NAMES = {"series": "item", "time": "week", "value": "units", "horizon": HORIZON, "season": ("6",)}
PLAN = {"known_ahead": ("promotion",), "static": ("department", "kind"), "hierarchy": ("department",)}


@pytest.fixture(scope="session")
def sales() -> pd.DataFrame:
    """Twelve items over sixty weeks, a season of six weeks, promotions that double demand."""
    rng = np.random.default_rng(3)
    name, week = np.meshgrid(np.arange(12), np.arange(1, 61), indexing="ij")
    promotion = rng.integers(0, 2, name.shape)
    level = 5.0 * 2.0 ** (name % 4) * (1 + 0.4 * np.sin(2 * np.pi * week / 6))
    return pd.DataFrame(
        {
            "item": [f"item {one}" for one in name.ravel()],
            "week": week.ravel(),
            "units": rng.poisson(level * np.exp(0.7 * promotion)).ravel(),
            "promotion": promotion.ravel(),
            "price_paid": rng.random(name.size).round(3),
            "department": np.where(name.ravel() < 8, "food", "care"),
            "kind": np.where(name.ravel() % 2, "odd", "even"),
        }
    )


@pytest.fixture
def forecast(tmp_path):
    """Run on tables in memory, written as files first; theta alone unless other models are named."""

    def run(train, test=None, models=("theta",), **options):
        paths = [
            None if table is None else tmp_path / f"{name}.csv" for name, table in (("a", train), ("b", test))
        ]
        for path, table in zip(paths, (train, test), strict=True):
            if table is not None:
                table.to_csv(path, index=False)
        data, judged = (None if path is None else str(path) for path in paths)
        host = Options(data=data, test=judged, models=models)
        return start("retail.demand-forecasting", host, {**NAMES, **options}, tmp_path / "runs")

    return run


@pytest.fixture(scope="session")
def whole_run(sales, tmp_path_factory):
    """One run with all candidates, promotions, attributes and a test file."""
    folder = tmp_path_factory.mktemp("whole")
    last = sales["week"] > 60 - HORIZON
    sales[~last].to_csv(folder / "train.csv", index=False)
    sales[last].to_csv(folder / "test.csv", index=False)
    host = Options(data=str(folder / "train.csv"), test=str(folder / "test.csv"))
    return start("retail.demand-forecasting", host, {**NAMES, **PLAN}, folder / "runs")

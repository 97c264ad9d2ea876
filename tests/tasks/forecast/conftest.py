"""Made-up panels, small enough that a run takes seconds; no accuracy is claimed from them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest


def _panel(series: int = 12, periods: int = 60, seed: int = 3) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    name, time = np.meshgrid(np.arange(series), np.arange(periods), indexing="ij")
    promotion = rng.integers(0, 2, name.shape)
    level = 5.0 * 2.0 ** (name % 4) * (1 + 0.4 * np.sin(2 * np.pi * time / 6))
    units = rng.poisson(level * np.exp(0.7 * promotion))
    return pd.DataFrame(
        {
            "item": [f"item {one}" for one in name.ravel()],
            "week": time.ravel() + 1,
            "units": units.ravel(),
            "promotion": promotion.ravel(),
            "price_paid": rng.random(name.size),
            "kind": np.where(name.ravel() % 2, "odd", "even"),
        }
    )


@pytest.fixture(scope="session")
def sales() -> pd.DataFrame:
    """Twelve items over sixty weeks, a season of six weeks, promotions that double demand."""
    return _panel()


@pytest.fixture
def rows(sales):
    """The same rows as a model gets them: covariates and attributes, and the values."""
    X = sales.set_index(
        pd.MultiIndex.from_frame(sales[["item", "week"]].set_axis(["series", "time"], axis=1))
    )
    cases = X[["promotion"]].astype(float).assign(kind=X["kind"].astype("category"))
    return cases, X["units"].astype(float)

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lepton_manufacturing.predictive_maintenance.survival import CoxLandmarks, WeibullAge
from lepton_platform.tasks.remaining_life.history import PAST, History, cases_at


def censored_weibull(count, shape, scale, seed):
    """Cases at the last row of each unit: half of them had not failed."""
    rng = np.random.default_rng(seed)
    lives = scale * rng.weibull(shape, count)
    leaves = scale * rng.weibull(shape, count)
    ended = np.minimum(lives, leaves)
    pasts = [
        cases_at(History(f"u{n}", np.array([end]), np.zeros((1, 1))), np.array([1]))[0]
        for n, end in enumerate(ended)
    ]
    index = pd.Index([past.unit for past in pasts], name="unit")
    left = pd.Series(np.where(lives <= leaves, 0.0, -1e-9), index)
    return pd.DataFrame({PAST: pd.Series(pasts, index, dtype=object)}), left, (lives <= leaves).mean()


@pytest.mark.parametrize(("shape", "scale"), [(2.0, 100.0), (3.5, 40.0)])
def test_a_weibull_is_recovered_though_half_of_the_units_had_not_failed(shape, scale):
    X, left, failed = censored_weibull(3000, shape, scale, seed=0)
    assert failed == pytest.approx(0.5, abs=0.03)
    found = WeibullAge(1e4).fit(X, left)
    assert found.shape_ == pytest.approx(shape, rel=0.05) and found.scale_ == pytest.approx(scale, rel=0.05)


def test_units_that_had_not_failed_never_shorten_the_mean_life():
    X, left, _ = censored_weibull(500, 2.0, 100.0, seed=1)
    new = pd.DataFrame(
        {PAST: pd.Series(cases_at(History("n", np.array([0.0]), np.zeros((1, 1))), np.array([1])), ["n"])}
    )
    told = WeibullAge(1e4).fit(X, left).predict(new)[0]
    as_failed = WeibullAge(1e4).fit(X, left.abs().mul(0)).predict(new)[0]
    assert told > as_failed


def test_cox_ranks_units_by_what_wears():
    rng = np.random.default_rng(0)
    wear = rng.uniform(0, 1, 400)
    left = np.minimum(60 * (1 - wear) * rng.weibull(4, 400), 50.0)
    table = pd.DataFrame({"wear": wear, "noise": rng.normal(0, 1, 400)}, index=[f"u{n}" for n in range(400)])
    more = {f"n{n}": rng.normal(0, 1, 400) for n in range(4)}
    table = table.assign(**more)
    told = CoxLandmarks(50).fit(table, pd.Series(left, table.index)).predict(table)
    assert np.corrcoef(told, left)[0, 1] > 0.7 and (told >= 0).all() and (told <= 50).all()

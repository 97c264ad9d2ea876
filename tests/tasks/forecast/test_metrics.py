from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lepton_platform.tasks.forecast import metrics
from lepton_platform.tasks.forecast.naive import SeasonalNaive, Zero
from lepton_platform.tasks.forecast.panel import Panel
from lepton_platform.tasks.forecast.quantiles import COLUMNS, MEDIAN

M4 = Path(__file__).parents[3].parent / "shared" / "data" / "retail" / "m4_hourly"


def table(forecast, index):
    frame = pd.DataFrame(forecast, index, columns=["mean", *COLUMNS])
    return frame.assign(median=frame[COLUMNS[MEDIAN]])


def test_forecasting_nothing_scores_exactly_one(rows):
    X, y = rows
    held = X.index.get_level_values(1) > 50
    scales = metrics.Scales.learn(Panel.of(X[~held], y[~held], "1"), 6)
    found = metrics.of_panel(scales, counts=True)
    nothing = table(Zero().fit(X, y).predict(X[held]), X[held].index)
    scores = {name: metric.function(y[held].to_numpy(), nothing) for name, metric in found.items()}
    assert [scores[name] for name in ("wape", "wql", "bias")] == pytest.approx([1, 1, -1])


def test_a_perfect_forecast_has_no_error_and_covers_all(rows):
    X, y = rows
    scales = metrics.Scales.learn(Panel.of(X, y, "1"), 1)
    perfect = table(np.repeat(y.to_numpy()[:, None], 1 + len(COLUMNS), axis=1), X.index)
    scores = {
        name: metric.function(y.to_numpy(), perfect)
        for name, metric in metrics.of_panel(scales, counts=True).items()
    }
    assert scores.pop("coverage_95") == scores.pop("coverage_90") == 1
    assert set(scores.values()) == {0.0}


def test_rows_without_a_truth_are_left_out(rows):
    X, y = rows
    found = metrics.of_panel(metrics.Scales.learn(Panel.of(X, y, "1"), 1), counts=True)
    forecast = table(np.zeros((len(X), 1 + len(COLUMNS))), X.index)
    blank = y.where(np.arange(len(y)) % 2 == 0)
    known = blank.notna().to_numpy()
    for metric in found.values():
        whole = metric.function(blank.to_numpy(), forecast)
        assert whole == pytest.approx(metric.function(y.to_numpy()[known], forecast[known]), nan_ok=True)


@pytest.mark.skipif(not M4.exists(), reason="the M4 files are not here")
def test_seasonal_naive_has_its_published_scores_on_the_hourly_series_of_m4():
    """Makridakis, Spiliotis and Assimakopoulos (2020): sMAPE 13.912, MASE 1.193; MSIS by statsforecast."""
    train, test = (
        pd.read_csv(M4 / f"Hourly-{part}.csv.gz", index_col=0).to_numpy(dtype=float)
        for part in ("train", "test")
    )
    series = np.array([f"H{one}" for one in range(len(train))])
    past = pd.concat(
        {
            name: pd.Series(values[~np.isnan(values)], np.arange(1 - (~np.isnan(values)).sum(), 1))
            for name, values in zip(series, train, strict=True)
        },
        names=["series", "time"],
    )
    future = pd.DataFrame(index=pd.MultiIndex.from_product([series, range(1, 49)], names=["series", "time"]))
    model = SeasonalNaive(24).fit(pd.DataFrame(index=past.index), past)
    predictions = table(model.predict(future), future.index)
    found = metrics.of_panel(metrics.Scales.learn(model.panel_, 24), counts=True)
    scores = {name: metric.function(test.ravel(), predictions) for name, metric in found.items()}
    assert scores["smape"] == pytest.approx(13.912, abs=5e-4)
    assert scores["mase"] == pytest.approx(1.193, abs=5e-4)
    assert scores["msis"] == pytest.approx(9.054, abs=5e-2)
    assert scores["coverage_95"] == pytest.approx(0.960, abs=5e-3)

"""What was forecast before a process was killed is not forecast again, and nothing differs."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import numpy as np
import pandas as pd

from lepton_platform.run import resume
from lepton_retail.demand_forecasting import classical
from lepton_retail.demand_forecasting.classical import Classical

PROGRAM = """
import sys
from lepton_platform.model import prediction

prediction.ROWS_AT_ONCE = 6  # one series
from lepton_platform.cli import main

main(sys.argv[1:])
"""
ASKED = ["--series", "item", "--time", "week", "--value", "units", "--horizon", "6", "--season", "6"]


def test_a_killed_run_goes_on_after_the_last_block_of_series(sales, forecast, tmp_path, monkeypatch):
    sales.to_csv(tmp_path / "sales.csv", index=False)
    asked = ["run", "retail.demand-forecasting", "--data", "sales.csv", *ASKED, "--models", "global boosting"]
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *asked],
        cwd=tmp_path,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    blocks = "runs/*/*/work/checkpoints/model-*.parquet"
    while not (kept := list(tmp_path.glob(blocks))) and process.poll() is None:
        time.sleep(0.001)
    process.kill()
    _, said = process.communicate()
    assert kept, said.decode()
    done = len(list(tmp_path.glob(blocks)))
    monkeypatch.setattr("lepton_platform.model.prediction.ROWS_AT_ONCE", 6)
    folder = kept[0].parents[2]
    run = resume(folder.name, tmp_path / "runs")
    assert f"{done} of 12 blocks of the model's predictions were there already" in (
        folder / "log.txt"
    ).read_text(encoding="utf-8")
    monkeypatch.undo()
    undisturbed = forecast(sales, models=("global boosting",))
    pd.testing.assert_frame_equal(run.predictions, undisturbed.predictions)
    assert not (folder / "work" / "checkpoints").exists()


def test_a_fit_series_by_series_takes_up_the_blocks_that_are_done(sales, tmp_path, monkeypatch):
    monkeypatch.setattr(classical, "BLOCK", 5)
    index = pd.MultiIndex.from_frame(sales[["item", "week"]])
    X, y = pd.DataFrame(index=index), pd.Series(sales["units"].to_numpy(float), index)
    plain = Classical("croston", 6).fit(X, y)
    first = Classical("croston", 6, checkpoints=tmp_path).fit(X, y)
    np.testing.assert_array_equal(first.forecast_, plain.forecast_)
    kept = sorted(tmp_path.iterdir())
    assert len(kept) == 2 * 3  # the future, and the last horizon from before it
    of_last_items = next(path for path in kept if np.array_equal(np.load(path), plain.forecast_[10:]))
    np.save(of_last_items, np.full((2, 6), 4.5))
    again = Classical("croston", 6, checkpoints=tmp_path).fit(X, y)
    assert (again.forecast_[10:] == 4.5).all()
    np.testing.assert_array_equal(again.forecast_[:10], plain.forecast_[:10])

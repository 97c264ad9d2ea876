from __future__ import annotations

import json
import shutil

import numpy as np
import pandas as pd
import pytest

from lepton_manufacturing.predictive_maintenance.simulator import simulate
from lepton_platform import DataError, Options, Source
from lepton_platform.data.readers import read_batches
from lepton_platform.decide import decide, decide_batch
from lepton_platform.run import reopen, start
from lepton_platform.store import RunFolder
from lepton_platform.tasks.remaining_life.config import RemainingLifeConfig
from lepton_platform.tasks.remaining_life.history import retraced
from lepton_platform.tasks.remaining_life.roles import find_roles
from lepton_platform.tasks.remaining_life.stream import whole_units

APPLICATION = "manufacturing.predictive-maintenance"


def cases_of(run, log):
    """What the run's data stage makes of rows in memory."""
    return run.hooks.load(Source(rows=log.reset_index(drop=True)), "decide").cases


def predicted(run, log):
    return run.hooks.predict(run.model, cases_of(run, log))


def test_a_run_beats_age_alone_and_writes_one_row_per_unit(whole_run, later):
    _, left = later
    told = pd.read_parquet(whole_run.folder / "predictions.parquet")
    assert list(told.columns) == ["unit", "rul", "low", "high"]
    assert told["unit"].tolist() == [str(unit) for unit in left.index]
    assert whole_run.gain.low > 0
    assert ((told["low"] <= told["rul"]) & (told["rul"] <= told["high"]) & (told["low"] >= 0)).all()


def test_units_are_never_in_two_folds(whole_run):
    units = np.asarray(whole_run.dataset.cases.index)
    for learned, held in whole_run.split.folds:
        assert not set(units[learned]) & set(units[held])


def test_inner_error_and_error_on_new_units_agree(whole_run):
    inner = whole_run.leaderboard.query("status == 'chosen'")["rmse"].iloc[0]
    assert whole_run.scores["rmse"].low <= inner <= whole_run.scores["rmse"].high


def test_predictions_are_written_before_the_truth_is_asked_for(learn, fleet, later, whole_run, tmp_path):
    with pytest.raises(DataError, match=r"what had the units of .* left"):
        learn(fleet, later[0], root=tmp_path)
    (without,) = tmp_path.glob("*/*/predictions.parquet")
    assert without.read_bytes() == (whole_run.folder / "predictions.parquet").read_bytes()


def test_what_comes_later_moves_no_earlier_prediction(whole_run, later):
    log, _ = later
    middle = log["pump"].map(log.groupby("pump")["cycle"].max() // 2)
    half = log[log["cycle"] <= middle]
    spoilt = log.assign(vibration_mm_s=log["vibration_mm_s"].where(log["cycle"] <= middle, 99.0))
    every = retraced(cases_of(whole_run, spoilt))
    ends = half.groupby("pump")["cycle"].max()
    then = [past.age == ends[int(past.unit)] for past in every["past"]]
    along = whole_run.hooks.predict(whole_run.model, every[then])
    pd.testing.assert_frame_equal(predicted(whole_run, half), along)


def test_names_and_order_of_units_mean_nothing(whole_run, later):
    log, _ = later
    blocks = pd.concat([part for _, part in log.groupby("pump")][::-1])
    told = predicted(whole_run, blocks.assign(pump="pump " + blocks["pump"].astype(str)))
    told.index = [name.removeprefix("pump ") for name in told.index]
    expected = predicted(whole_run, log)
    pd.testing.assert_frame_equal(told.loc[expected.index], expected, check_names=False)


def test_a_sensor_that_stands_still_in_one_unit_moves_no_other(whole_run, later):
    log, _ = later
    stuck = log.assign(flow_m3_h=log["flow_m3_h"].where(log["pump"] != 3, 118.0))
    before, after = predicted(whole_run, log), predicted(whole_run, stuck)
    pd.testing.assert_frame_equal(before.drop("3"), after.drop("3"))


def test_a_saved_model_predicts_the_same(whole_run):
    again = reopen(RunFolder(whole_run.folder))
    told = again.hooks.predict(again.model, whole_run.test.cases)
    pd.testing.assert_frame_equal(told, whole_run.predictions)


def test_rows_exchanged_between_units_teach_little(learn, fleet, later, whole_run):
    rng = np.random.default_rng(0)
    sensors = fleet.columns.drop(["pump", "cycle", "failed"])
    mixed = fleet.copy()
    mixed[sensors] = fleet[sensors].to_numpy()[rng.permutation(len(fleet))]
    assert learn(mixed, *later, folds=2).scores["rmse"].value > 1.5 * whole_run.scores["rmse"].value


def test_ways_of_running_are_found_and_taken_out(learn, duties):
    run = learn(*duties, folds=2)
    assert any("6 ways of running are told apart by duty_load" in one.message for one in run.findings)
    assert run.gain.low > 0


def test_units_that_had_not_failed_are_used_and_counted(learn):
    log = simulate(25, seed=8, censored=0.4, median_life=60).drop(columns="wear_mm")
    run = learn(log, folds=2)
    alive = int((log.groupby("pump")["failed"].max() == 0).sum())
    assert any(f"{alive} had not when the record ends" in one.message for one in run.findings)
    assert (run.dataset.target < 0).any() and run.truth.ge(0).all()


def test_a_log_is_decided_on_batch_by_batch_as_it_is_at_once(whole_run, later, tmp_path):
    log, _ = later
    log.to_csv(tmp_path / "log.csv", index=False)
    batches = read_batches(Source(str(tmp_path / "log.csv")), rows=37)
    told = [decide_batch(whole_run, rows) for rows in whole_units(batches, "pump")]
    pd.testing.assert_frame_equal(pd.concat(told), whole_run.decisions, check_dtype=False)
    decide(whole_run, str(tmp_path / "log.csv"), str(tmp_path / "out.parquet"))
    assert pd.read_parquet(tmp_path / "out.parquet")["unit"].tolist() == list(whole_run.decisions.index)
    with pytest.raises(DataError, match="rows of 1 do not stand together"):
        list(whole_units(read_batches(Source(rows=log.sort_values("cycle")), rows=30), "pump"))


def test_watching_decides_each_row_as_the_whole_log_would(whole_run, later, tmp_path):
    log, _ = later
    log = log[log["pump"] <= 6].sort_values(["cycle", "pump"])  # as it comes, units interleaved
    whole = retraced(cases_of(whole_run, log.sort_values(["pump", "cycle"])))
    expected = whole_run.hooks.predict(whole_run.model, whole)
    ages = [past.age for past in whole["past"]]
    alerts = {}
    for size in (23, 101):
        run = reopen(RunFolder(whole_run.folder))
        run.model = run.hooks.update(run.model, None)
        told, raised = [], []
        for place in range(0, len(log), size):
            rows = log.iloc[place : place + size]
            cases = run.hooks.load(Source(rows=rows), "decide").cases
            decisions = run.hooks.decide(run.hooks.predict(run.model, cases), cases)
            told.append(decisions.assign(age=[past.age for past in cases["past"]]))
            raised += run.hooks.alerts(decisions, cases)
            run.model = run.hooks.update(run.model, rows)
        got = pd.concat(told).set_index("age", append=True)["rul"].sort_index()
        same = expected.assign(age=ages).set_index("age", append=True)["rul"].sort_index()
        pd.testing.assert_series_equal(got, same, rtol=1e-6, check_names=False)
        alerts[size] = {alert.id for alert in raised}
    assert alerts[23] == alerts[101] and alerts[23]


def test_a_folder_of_logs_is_one_log_and_a_file_may_be_a_unit(whole_run, fleet, tmp_path):
    for unit, rows in fleet.groupby("pump"):
        rows.drop(columns="pump").to_csv(tmp_path / f"pump {unit}.csv", index=False)
    table = whole_run.hooks.read(Source(str(tmp_path)))
    roles, _ = find_roles(table, RemainingLifeConfig())
    assert len(table) == len(fleet) and (roles.unit, roles.time) == ("file", "cycle")
    (tmp_path / "odd.csv").write_text("cycle,other\n1,2\n")
    with pytest.raises(DataError, match=r"files differ in their columns from odd.csv"):
        whole_run.hooks.read(Source(str(tmp_path)))


def test_no_rows_get_no_decisions(whole_run, later):
    told = decide_batch(whole_run, later[0].iloc[:0])
    assert told.empty and list(told.columns) == list(whole_run.decisions.columns)


def test_the_plan_keeps_to_the_workshop(whole_run):
    jobs = pd.read_csv(whole_run.folder / "plan.csv")
    assert not jobs["slot"].isin([5, 6]).any() and jobs["slot"].is_unique
    assert (jobs["slot"] >= whole_run.config.lead_time).all()
    assert set(jobs["unit"].astype(str)) <= set(whole_run.predictions.index)


def test_a_reader_finds_what_a_maintenance_planner_needs(whole_run):
    page = (whole_run.folder / "report.html").read_text()
    for title in ("What to do now", "The fleet&#39;s plan", "What it saves", "By stage of life", "Alarms"):
        assert title in page
    told = json.loads((whole_run.folder / "report.json").read_text())
    assert set(told["decisions"]["policies"]) == {"judged", "whole lives"}


def test_following_the_predictions_is_cheaper_than_running_to_failure(whole_run):
    whole = pd.read_csv(whole_run.folder / "policies.csv").query("units == 'whole lives'")
    against = whole[whole["policy"] == "run to failure"]
    assert sorted(against["ratio"]) == [5, 20, 100]
    assert (against["saved, low"] > 0).all()


def test_a_folder_of_nasa_files_is_read_as_it_comes(tmp_path, nasa):
    folder, truth = nasa
    run = start(APPLICATION, Options(data=str(folder), models=("boosting",)), {"folds": 2}, tmp_path / "runs")
    assert run.learned["cap"] == 125 and run.truth.tolist() == truth
    assert run.scores["rmse"].value < run.baseline_scores["rmse"].value
    shutil.copy(folder / "train_FD001.txt", folder / "train_FD002.txt")
    with pytest.raises(DataError, match="the folder holds 2 subsets: FD001, FD002"):
        start(APPLICATION, Options(data=str(folder)), {}, tmp_path / "runs")

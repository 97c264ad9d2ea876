from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lepton_manufacturing.failure_detection.config import FailureConfig
from lepton_manufacturing.failure_detection.derived import DerivedQuantities, named
from lepton_manufacturing.failure_detection.modes import parts_of
from lepton_manufacturing.failure_detection.sample import simulate
from lepton_platform.run import Options, start

AI4I = Path(__file__).resolve().parents[4].parent / "shared/data/manufacturing/ai4i2020/ai4i2020.csv.gz"


@pytest.fixture(scope="module")
def milled(tmp_path_factory):
    """A run on simulated parts whose file also says how each failed, and numbers them."""
    folder = tmp_path_factory.mktemp("milled")
    table = simulate(1_500, seed=3)
    power = table["torque_nm"] * table["speed_rpm"] * 2 * np.pi / 60 > 8_500
    strain = table["wear_min"] * table["torque_nm"] > 11_000
    odd = pd.Series(np.arange(1_500) % 400 == 0).astype(int)
    modes = table.assign(by_power=power * table["failed"], by_strain=strain * table["failed"], odd=odd)
    modes.insert(0, "part", range(1, 1_501))
    modes.to_csv(folder / "parts.csv", index=False)
    host = Options(data=str(folder / "parts.csv"), models=("larger trees",))
    return start("manufacturing.failure-detection", host, {"target": "failed", "folds": 2}, folder / "runs")


def test_columns_that_are_part_of_the_outcome_are_left_out_and_said(milled):
    assert set(milled.schema.names) == {
        "grade", "air_k", "process_k", "speed_rpm", "torque_nm", "wear_min",
    }  # fmt: skip
    said = {one.column: one.message for one in milled.findings if one.level == "warning"}
    assert all("part of the outcome" in said[name] for name in ("by_power", "by_strain", "odd"))


def test_a_flag_that_says_something_is_kept():
    rng = np.random.default_rng(0)
    failed = (rng.random(2_000) < 0.05).astype(int)
    alarm = np.where(rng.random(2_000) < 0.8, failed, rng.random(2_000) < 0.05).astype(int)
    cases = pd.DataFrame({"heat": rng.normal(size=2_000), "alarm": alarm})
    assert parts_of(cases, failed, list(cases)) == []


def test_the_quantities_that_the_simulator_fails_by_are_found(milled):
    found = milled.model.named_members["larger trees"].named_steps["derived"]
    pairs = {frozenset(pair[1:]) for pair in found.pairs_ if pair[0] == "*"}
    assert {frozenset({"torque_nm", "speed_rpm"}), frozenset({"wear_min", "torque_nm"})} <= pairs
    assert min(found.losses_, key=found.losses_.get) > 0


def test_quantities_are_found_whatever_the_columns_are_called():
    table = simulate(1_500, seed=4).drop(columns=["grade", "failed"])
    failed = simulate(1_500, seed=4)["failed"].to_numpy()
    names = {name: f"x{n} (a b)" for n, name in enumerate(table)}
    first = DerivedQuantities().fit(table, failed)
    second = DerivedQuantities().fit(table.rename(columns=names), failed)
    assert [(sign, names[a], names[b]) for sign, a, b in first.pairs_] == second.pairs_
    assert len(set(map(named, first.pairs_))) == len(first.pairs_) > 0


def test_stopping_where_it_is_worth_it_costs_less_than_never(milled):
    assert milled.summary["cost_per_1000"] < 0.4 * milled.summary["cost_per_1000_never"]
    stopped = milled.decisions["decision"] == "stop"
    assert (stopped == (milled.predictions["probability"] > 1 / 21)).all()
    page = (milled.folder / "report.html").read_text()
    assert "Where to draw the line" in page and "Quantities between columns" in page


def test_the_line_is_where_both_decisions_cost_the_same():
    config = FailureConfig(target="failed", cost_of_miss=20, cost_of_stop=1)
    assert (1 - config.cut_off()) * config.cost_of_stop == pytest.approx(
        config.cut_off() * config.cost_of_miss
    )


def test_the_rules_of_ai4i_are_those_that_its_makers_state():
    if not AI4I.exists():
        pytest.skip(f"{AI4I} is not there")
    table = pd.read_csv(AI4I)
    air, process, speed, torque, wear = (table.iloc[:, place] for place in range(3, 8))
    power = torque * speed * 2 * np.pi / 60
    strain = wear * torque > table["Type"].map({"L": 11_000, "M": 12_000, "H": 13_000})
    assert ((process - air < 8.6) & (speed < 1_380)).equals(table["HDF"] == 1)
    assert ((power < 3_500) | (power > 9_000)).equals(table["PWF"] == 1) and strain.equals(table["OSF"] == 1)
    modes = ["TWF", "HDF", "PWF", "OSF", "RNF"]
    cases = table[["Torque [Nm]", *modes]]
    assert parts_of(cases, table["Machine failure"].to_numpy(), list(cases)) == modes

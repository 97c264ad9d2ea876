from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression

from lepton_platform.model.evaluation import call
from lepton_platform.tasks.remaining_life.baselines import AgeOnly
from lepton_platform.tasks.remaining_life.censoring import BuckleyJames
from lepton_platform.tasks.remaining_life.history import PAST, History, cases_at
from lepton_platform.tasks.remaining_life.intervals import LifeSpread
from lepton_platform.tasks.remaining_life.metrics import of_life, score_terms
from lepton_platform.tasks.remaining_life.regimes import Regimes
from lepton_platform.tasks.remaining_life.roles import Roles
from lepton_platform.tasks.remaining_life.stream import FleetMemory
from lepton_platform.tasks.remaining_life.windows import Sequences, WindowFeatures, described, followed


def units(count=12, seed=0, sensors=3) -> list[History]:
    rng = np.random.default_rng(seed)
    return [
        History(
            f"u{n}",
            np.arange(1.0, life + 1),
            np.linspace(0, 3, life)[:, None] ** 2 * rng.normal(1, 0.1, sensors)
            + rng.normal(0, 0.3, (life, sensors)),
        )
        for n, life in enumerate(rng.integers(120, 260, count))
    ]


def cases(histories, last=False) -> tuple[pd.DataFrame, np.ndarray]:
    pasts, left = [], []
    for history in histories:
        rows = np.arange(1, len(history.time) + 1)[-1 if last else 0 :]
        pasts += cases_at(history, rows)
        left += list(np.minimum(history.time[-1] - history.time[rows - 1], 60))
    index = pd.Index([past.unit for past in pasts], name="unit")
    return pd.DataFrame({PAST: pd.Series(pasts, index, dtype=object)}), np.array(left)


def test_the_score_is_asymmetric_as_published():
    late = np.array([-26.0, -13, 0, 10, 20, 40])
    expected = [6.3891, 1.7183, 0, 1.7183, 6.3891, 53.598]
    assert score_terms(late) == pytest.approx(expected, abs=5e-4)


def test_metrics_on_one_row_per_unit_are_the_plain_ones():
    rng = np.random.default_rng(0)
    truth = rng.uniform(0, 180, 50)
    told = pd.DataFrame({"rul": rng.uniform(0, 125, 50)}, index=pd.Index(range(50)))
    told = told.assign(low=told["rul"] - 20, high=told["rul"] + 20)
    clipped, metrics = np.minimum(truth, 125), of_life(125)
    values = {name: call(metric, truth, told, told) for name, metric in metrics.items()}
    error = told["rul"].to_numpy() - clipped
    assert values["rmse"] == pytest.approx(np.sqrt(np.mean(error**2)))
    assert values["nasa_score"] == pytest.approx(score_terms(error).sum())
    assert values["coverage_90"] == pytest.approx((np.abs(error) <= 20).mean())
    assert values["rmse_unclipped"] == pytest.approx(np.sqrt(np.mean((told["rul"] - truth) ** 2)))


def test_a_long_life_weighs_no_more_than_a_short_one():
    index = pd.Index(["a"] * 9 + ["b"], name="unit")
    told = pd.DataFrame({"rul": 0.0, "low": 0.0, "high": 0.0}, index=index)
    truth = np.array([3.0] * 9 + [5.0])
    assert call(of_life(99)["mae"], truth, told, told) == pytest.approx(4.0)


def test_what_is_only_known_to_be_outlived_is_not_judged():
    told = pd.DataFrame({"rul": [5.0, 9.0], "low": 0.0, "high": 9.0}, index=["a", "b"])
    assert call(of_life(99)["mae"], np.array([4.0, -50.0]), told, told) == pytest.approx(1.0)


def test_windows_look_back_and_never_ahead():
    values = units(1)[0].values
    every = described(values, np.arange(len(values)), 30)
    spoilt = values.copy()
    spoilt[80:] = 1e6
    np.testing.assert_array_equal(described(spoilt, np.arange(80), 30), every[:80])
    np.testing.assert_array_equal(
        followed(spoilt[:, 0], np.arange(80)), followed(values[:, 0], np.arange(80))
    )


def test_windows_are_those_of_pandas():
    values = units(1)[0].values
    ends = np.arange(len(values))
    rolling = pd.DataFrame(values).rolling(30, min_periods=1)
    parts = [rolling.mean(), rolling.std(ddof=0), rolling.min(), rolling.max()]
    told = described(values, ends, 30)[:, : 4 * values.shape[1]]
    np.testing.assert_allclose(told, np.column_stack(parts), atol=1e-6)


def test_a_case_is_described_the_same_alone_and_among_others():
    X, y = cases(units())
    windows = WindowFeatures(("a", "b", "c")).fit(X, y)
    some = np.random.default_rng(0).permutation(len(X))[:40]
    together, alone = (
        windows.transform(X).iloc[some],
        pd.concat([windows.transform(X.iloc[[one]]) for one in some]),
    )
    pd.testing.assert_frame_equal(together, alone)


def test_the_wear_index_finds_the_combination_that_wears():
    rng = np.random.default_rng(0)
    histories = []
    for n in range(20):
        wear, shared = np.linspace(0, 1, 150), rng.normal(0, 3, 150)
        values = np.column_stack([wear + shared, shared + rng.normal(0, 0.1, 150), rng.normal(0, 1, 150)])
        histories.append(History(f"u{n}", np.arange(1.0, 151), values))
    X, y = cases(histories)
    windows = WindowFeatures(("a", "b", "c")).fit(X, y)
    per_unit = windows.wear_ / windows.regimes_.deviation_[0][windows.kept_]
    assert per_unit[0] == pytest.approx(-per_unit[1], rel=0.15) and abs(per_unit[2]) < 0.1 * abs(per_unit[0])


def test_only_the_beginning_and_the_end_of_a_log_are_needed():
    histories = units()
    X, y = cases(histories)
    windows = WindowFeatures(("a", "b", "c")).fit(X, y)
    logs = [
        pd.DataFrame(history.values, columns=["a", "b", "c"]).assign(unit=history.unit, time=history.time)
        for history in histories
    ]
    roles = Roles("unit", "time", None, ("a", "b", "c"))
    memory, whole = FleetMemory.empty(roles), pd.concat(logs, ignore_index=True)
    for start in range(0, 300, 7):  # rows of all units, seven moments at a time
        batch = whole[whole.groupby("unit").cumcount().between(start, start + 6)]
        memory = memory.with_rows(batch, roles, 30)
    kept = memory.log(roles)
    assert kept.groupby("unit").size().max() <= 20 + 90
    short = [
        History(str(unit), rows["time"].to_numpy(), rows[["a", "b", "c"]].to_numpy(dtype=float))
        for unit, rows in kept.groupby("unit", sort=False)
    ]
    expected = windows.transform(cases(histories, last=True)[0]).sort_index()
    told = windows.transform(cases(short, last=True)[0]).sort_index()
    pd.testing.assert_frame_equal(told, expected, rtol=1e-9, atol=1e-9)


def test_regimes_are_found_only_where_settings_move_sensors():
    rng = np.random.default_rng(0)
    setting, age = rng.choice([0.0, 10, 42], 3000) + rng.normal(0, 0.003, 3000), np.tile(np.arange(100.0), 30)
    noise = rng.normal(0, 1, 3000)
    levels = rng.integers(0, 5, 3000).astype(float)  # tight groups that move nothing
    found = Regimes().fit(np.column_stack([setting, noise + 5 * setting, levels]), age)
    assert found.settings_ == [0] and len(found.codes_) == 3
    told = found.transform(np.column_stack([setting, noise + 5 * setting, levels]))[:, 1]
    assert np.corrcoef(told, noise)[0, 1] > 0.999
    assert Regimes().fit(np.column_stack([noise, levels]), age).settings_ == []


def test_a_sensor_that_steps_up_with_age_is_no_setting():
    age = np.tile(np.arange(100.0), 30)
    stepped = np.floor(age / 34)
    assert Regimes().fit(np.column_stack([stepped, 3 * stepped]), age).settings_ == []


def test_age_only_is_the_mean_of_those_who_lived_longer():
    X, y = cases(units())
    ends = X.groupby("unit")[PAST].agg(lambda pasts: max(past.age for past in pasts)).to_numpy()
    told = AgeOnly(60).fit(X, pd.Series(y, X.index)).predict(X.iloc[[99]])
    assert told[0] == pytest.approx(np.minimum(ends[ends > 100] - 100, 60).mean())


def test_units_that_outlived_the_record_pull_the_line_up():
    rng = np.random.default_rng(0)
    age = rng.uniform(0, 10, 2000)
    left = 20 - age + rng.normal(0, 2, 2000)
    bound = rng.uniform(0, 20, 2000)
    seen = np.where(left <= bound, left, -bound)
    ignored = LinearRegression().fit(age[seen >= 0, None], seen[seen >= 0]).predict([[5.0]])[0]
    told = BuckleyJames(LinearRegression()).fit(age[:, None], seen).predict([[5.0]])[0]
    assert ignored < told < 15.5 and abs(told - 15) < abs(ignored - 15)


def test_intervals_cover_new_units_as_often_as_they_say():
    rng = np.random.default_rng(0)

    def lives(count):
        unit = np.repeat(np.arange(count), 40)
        predicted = rng.uniform(0, 125, 40 * count)
        shift = np.repeat(rng.normal(0, 1, count), 40)  # rows of a unit are alike
        size = 2 + 0.15 * predicted
        truth = predicted + size * (0.8 * shift + 0.6 * rng.normal(0, 1, 40 * count))
        return predicted, np.clip(truth, 0, 125), unit

    spread = LifeSpread(125).fit(*lives(150))
    predicted, truth, _ = lives(600)
    low, high = spread.interval(predicted)
    assert ((low <= predicted) & (predicted <= high)).all() and low.min() >= 0 and high.max() <= 125
    assert ((low <= truth) & (truth <= high)).mean() == pytest.approx(0.9, abs=0.035)
    near, far = predicted < 15, (predicted > 55) & (predicted < 65)
    assert (high - low)[near].mean() < 0.6 * (high - low)[far].mean()


def test_a_network_learns_from_the_last_rows():
    pytest.importorskip("torch")
    from lepton_platform.tasks.remaining_life.networks import networks

    X, y = cases(units(10, sensors=2))
    network = networks(20, None)["recurrent"].estimator.set_params(neuralregressor__epochs=4)
    told = network.set_params(neuralregressor__random_state=0).fit(X, y).predict(X)
    assert np.sqrt(np.mean((told - y) ** 2)) < 0.7 * y.std()
    rows = Sequences(20).fit(X).transform(X.iloc[[3, 150]])
    assert rows.shape == (2, 20, 3) and (rows[0, :17] == rows[0, 0]).all()

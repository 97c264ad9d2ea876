from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lepton_platform import DataError
from lepton_platform.tasks.remaining_life.config import RemainingLifeConfig
from lepton_platform.tasks.remaining_life.records import read_records
from lepton_platform.tasks.remaining_life.roles import Roles, find_roles


def log(lives=(40, 30, 50), seed=0, **names) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    parts = [
        pd.DataFrame({"machine": f"m{n}", "hours": np.arange(1, life + 1), "heat": rng.normal(50, 1, life)})
        for n, life in enumerate(lives)
    ]
    return pd.concat(parts, ignore_index=True).rename(columns=names)


ROLES = Roles("machine", "hours", None, ("heat",))


def messages(found) -> str:
    return " | ".join(map(str, found))


@pytest.mark.parametrize("names", [("machine", "hours"), ("a", "b"), ("Anlage", "Zeit [h]")])
def test_unit_and_time_are_found_whatever_they_are_called(names):
    roles, _ = find_roles(log(machine=names[0], hours=names[1]), RemainingLifeConfig())
    assert (roles.unit, roles.time, roles.sensors) == (*names, ("heat",))


def test_where_nothing_tells_unit_and_time_the_user_is_asked():
    with pytest.raises(DataError, match=r"which column names the units.* Pass --unit and --time"):
        find_roles(log().drop(columns="hours"), RemainingLifeConfig())


def test_every_column_that_an_option_names_in_vain_is_told():
    with pytest.raises(DataError) as caught:
        find_roles(log(), RemainingLifeConfig(unit="machin", settings=("speed",)))
    assert "'machin' is missing, but --unit names it. Did you mean 'machine'?" in str(caught.value)
    assert "'speed' is missing, but --settings names it" in str(caught.value)


def test_a_time_that_is_neither_number_nor_date_is_refused():
    with pytest.raises(DataError, match="'machine' holds neither numbers nor dates"):
        find_roles(log(), RemainingLifeConfig(unit="hours", time="machine"))


def test_columns_that_hold_the_answer_are_left_out_and_said():
    table = log()
    ends = table.groupby("machine")["hours"].transform("max")
    left = ends - table["hours"]
    answers = table.assign(RUL=left, target=left.clip(upper=20), life=ends)
    roles, found = find_roles(answers, RemainingLifeConfig())
    assert roles.sensors == ("heat",)
    assert "'target' counts down to the end of each unit, which is the answer" in messages(found)
    assert "'RUL' counts down to the end of each unit, which is the answer" in messages(found)
    assert "'life' is the same as the end of each unit, which is the answer" in messages(found)


def test_a_column_that_is_1_in_last_rows_alone_is_the_failure_and_the_others_go_on():
    table = log()
    last = table.index[table["machine"] != table["machine"].shift(-1)]
    table["failed"] = 0
    table.loc[last[:2], "failed"] = 1
    roles, _ = find_roles(table, RemainingLifeConfig())
    records = read_records(table, roles, "log")
    assert roles.event == "failed" and records.failed == {"m0", "m1"}
    assert "2 failed, 1 had not when the record ends" in messages(records.findings)


def test_a_name_that_begins_again_is_another_unit():
    table = pd.concat([log((40, 30)), log((25,))], ignore_index=True)
    records = read_records(table, ROLES, "log")
    assert [history.unit for history in records.histories] == ["m0", "m0 (2)", "m1"]
    assert "times start again in 1 units (m0)" in messages(records.findings)


def test_rows_in_any_order_give_the_same_histories():
    table = log()
    mixed = read_records(table.sample(frac=1, random_state=0), ROLES, "log")
    told = {history.unit: history.values for history in mixed.histories}
    for history in read_records(table, ROLES, "log").histories:
        np.testing.assert_array_equal(told[history.unit], history.values)
    assert "were not in the order of time: sorted" in messages(mixed.findings)


def test_two_rows_of_one_moment_are_refused():
    table = log()
    with pytest.raises(DataError, match="1 rows repeat a unit and time, first m0 at 7"):
        read_records(pd.concat([table, table[6:7]]).sort_values(["machine", "hours"]), ROLES, "log")


def test_a_gap_is_filled_from_before_and_never_from_after():
    table = log((40, 30))
    table.loc[[0, 5, 6], "heat"] = np.nan
    values = read_records(table, ROLES, "log").histories[0].values[:, 0]
    assert np.isnan(values[0]) and values[5] == values[6] == values[4] == table["heat"][4]


def test_dates_and_clocks_are_counted_from_the_first_row_of_a_unit():
    table = log((40, 30))
    dated = table.assign(hours=pd.Timestamp("2026-03-01") + pd.to_timedelta(12 * table["hours"], unit="h"))
    clock = table.assign(hours=table["hours"] + 1_700_000_000)
    for told, step in ((dated, 0.5), (clock, 1.0)):
        records = read_records(told, ROLES, "log")
        assert records.histories[1].time == pytest.approx(step * np.arange(30))
        assert "times are counted from each unit's first row" in messages(records.findings)


def test_odd_logs_are_said_to_be_odd():
    table = log((60, 60)).assign(
        starts=lambda rows: rows["hours"].where(rows["hours"] < 40, rows["hours"] - 39)
    )
    roles = Roles("machine", "hours", None, ("heat", "starts"))
    uneven = table[np.random.default_rng(0).random(len(table)) > 0.3]
    said = messages(read_records(uneven, roles, "log").findings)
    assert "of the steps of time differ from the usual 1" in said
    assert "'starts' falls back 2 times amid a life" in said


def test_what_cannot_be_read_is_refused_all_at_once():
    table = log((40, 30)).astype({"heat": object})
    table.loc[3, "heat"] = "n/a"
    table.loc[4, "machine"] = None
    with pytest.raises(DataError) as caught:
        read_records(table, ROLES, "log")
    assert "2 reasons" in str(caught.value) and "'heat' holds what is no number (rows 3)" in str(
        caught.value
    ).replace("(row 3)", "(rows 3)")

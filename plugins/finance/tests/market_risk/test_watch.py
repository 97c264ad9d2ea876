"""Ticks through a watched model: the alerts of a stream are those of the batch, whatever happens to it."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap

import numpy as np
import pandas as pd
import pytest

from lepton_platform.run import reopen
from lepton_platform.store import RunFolder
from lepton_platform.tasks.volatility.stream import RiskStream
from lepton_platform.watch import Watch
from lepton_platform.watch.state import WatchState

NAMES = ("A", "B", "C")


@pytest.fixture(scope="module")
def live(returns):
    """Days that follow on those of the run, with a crash every eighth day."""
    days = returns(760, 1, NAMES).iloc[600:].reset_index(drop=True)
    days.loc[::8, "A"] = -6.0
    return days


def watched(run, table, state, follow=False):
    """Watch a table, written as a file first; return the alerts."""
    path = state.parent / f"{state.name}.csv"
    table.to_csv(path, index=False)
    return watched_file(run, path, state)


def watched_file(run, path, state):
    again = reopen(RunFolder(run.folder))
    kept = WatchState(state, again, str(path))
    try:
        return [alert.to_json() for alert in Watch(again, str(path), kept).alerts()]
    finally:
        kept.close()


def begun(run):
    """The stream of a run, before its first tick."""
    again = reopen(RunFolder(run.folder))
    stream = again.hooks.update(again.model, None)
    assert isinstance(stream, RiskStream)
    return stream


def on_its_way(run):
    """The stream of a run after one quiet day."""
    return begun(run).update(ticks(*(("2012-04-30", name, 0.0) for name in NAMES)))


def ticks(*rows):
    """Ticks as the stream takes them: (day, instrument, value)."""
    days, names, values = zip(*rows, strict=True)
    index = pd.MultiIndex.from_arrays([pd.to_datetime(list(days)), list(names)], names=["date", "instrument"])
    return pd.DataFrame({"value": [float(value) for value in values]}, index)


def test_a_stream_forecasts_what_the_model_does_without_refits(small_run, live):
    stream, model = begun(small_run), reopen(RunFolder(small_run.folder)).model
    long = live.melt("date", var_name="instrument", value_name="value").set_index(["date", "instrument"])
    long = long.sort_index()
    told = stream.predict(long)
    whole = model.set_params(refit_every=100_000).predict(long.rename(columns={"value": "return"}))
    numbers = ["volatility", "var_0.01", "var_0.025", "var_0.05", "es_0.025"]
    assert told[numbers].to_numpy() == pytest.approx(whole[numbers].to_numpy(), rel=1e-12)


def test_every_exceedance_raises_an_alert_and_nothing_else_does(small_run, live, tmp_path):
    found = watched(small_run, live, tmp_path / "state")
    stream = begun(small_run)
    long = live.melt("date", var_name="instrument", value_name="value").set_index(["date", "instrument"])
    told = stream.predict(long.sort_index())
    beyond = told.index[told["return"] < -told["var_0.05"]]
    expected = {(name, str(date)[:10]) for date, name in beyond}
    assert {(one["subject"], one["time"]) for one in found if one["kind"] == "exceedance"} == expected
    assert {"jump", "zone", "cluster"} <= {one["kind"] for one in found}


def test_row_by_row_from_a_fresh_state_each_time_gives_the_alerts_of_the_whole_file(
    small_run, live, tmp_path
):
    whole = watched(small_run, live, tmp_path / "whole")
    path, found = tmp_path / "growing.csv", []
    path.write_text(",".join(live.columns) + "\n")
    for row in live.head(100).astype(str).itertuples(index=False):
        with path.open("a") as file:
            file.write(",".join(row) + "\n")
        found += watched_file(small_run, path, tmp_path / "growing")
    day = str(live["date"][99])[:10]
    assert found == [one for one in whole if one["time"] <= day]


@pytest.mark.parametrize("cut", [1, 2, 5, 7])
def test_alerts_do_not_depend_on_how_ticks_are_cut_into_batches(small_run, live, cut):
    long = live.melt("date", var_name="instrument", value_name="value")
    long = long.sort_values(["date", "instrument"]).set_index(["date", "instrument"])
    odd = long.iloc[[3, 4]]
    long = pd.concat([long.iloc[:9], odd, odd, long.iloc[9:30], long.iloc[32:200]])  # late, twice, missing
    whole = begun(small_run).update(long).alerts_
    stream, parts = begun(small_run), []
    for start in range(0, len(long), cut):
        stream = stream.update(long.iloc[start : start + cut])
        parts += stream.alerts_
    assert parts == whole
    assert {"late", "missing"} <= {alert.kind for alert in whole}


def test_killed_again_and_again_a_watch_loses_and_doubles_no_alert(small_run, live, tmp_path):
    whole = watched(small_run, live, tmp_path / "whole")
    path, state, printed = tmp_path / "live.csv", tmp_path / "state", tmp_path / "printed.jsonl"
    script = f"""
        import json, os, random, signal, sys, time
        from pathlib import Path
        from lepton_platform.run import reopen
        from lepton_platform.store import RunFolder
        from lepton_platform.watch import Watch
        from lepton_platform.watch.state import WatchState

        run = reopen(RunFolder(Path({str(small_run.folder)!r})))
        source, target = Path({str(tmp_path / "whole.csv")!r}), Path({str(path)!r})
        header, *lines = source.read_text().splitlines(keepends=True)
        target.write_text(header)
        rng = random.Random(5)

        def watch(follow):
            kept = WatchState(Path({str(state)!r}), run, str(target))
            out = os.open({str(printed)!r}, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            for alert in Watch(run, str(target), kept, follow).alerts():
                os.write(out, (json.dumps(alert.to_json()) + "\\n").encode())

        def child(follow):
            if pid := os.fork():
                return pid
            watch(follow)
            os._exit(0)

        cuts = sorted(rng.sample(range(1, len(lines)), 20))
        for start, end in zip([0, *cuts], [*cuts, len(lines)]):
            pid = child(follow=True)
            for line in lines[start:end]:
                with target.open("a") as file:
                    file.write(line)
                time.sleep(rng.random() * 0.004)
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        os.waitpid(child(follow=False), 0)
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=True, timeout=300)
    journal = [json.loads(line) for line in (state / "alerts.jsonl").read_text().splitlines()]
    assert [one["id"] for one in journal] == [one["id"] for one in whole]
    shown = [json.loads(line)["id"] for line in printed.read_text().splitlines()]
    assert shown == [one["id"] for one in whole]


def test_late_and_repeated_ticks_raise_an_alert_and_change_nothing(small_run):
    day = ticks(("2012-05-01", "A", 0.1), ("2012-05-01", "B", 0.1), ("2012-05-01", "C", 0.1))
    stream = begun(small_run).update(day)
    after = stream.update(ticks(("2012-05-01", "A", 9.0), ("2012-04-30", "B", -9.0)))
    assert [alert.kind for alert in after.alerts_] == ["duplicate", "late"]
    following = ticks(("2012-05-02", "A", 0.0), ("2012-05-02", "B", 0.0))
    pd.testing.assert_frame_equal(stream.predict(following), after.predict(following))


def test_an_absurd_tick_is_set_aside_and_a_second_one_confirms_a_split(returns, risk):
    table = returns(480, 2)
    prices = (100 * np.exp(table.set_index("date").cumsum() / 100)).reset_index()
    run = risk(prices, kind="prices", family="gjr-t", test_days=60)
    last = float(prices["A"].iloc[-1])
    stream = begun(run)
    days = [str(day)[:10] for day in pd.bdate_range(prices["date"].iloc[-1], periods=5)[1:]]
    kinds = []
    for day, value in zip(days, [last * 1.001, last / 2, last / 2 * 1.001, last / 2], strict=True):
        told = stream.predict(ticks((day, "A", value)))
        stream = stream.update(ticks((day, "A", value)))
        kinds.append(([alert.kind for alert in stream.alerts_], bool(np.isfinite(told["return"].iloc[0]))))
    assert kinds[0] == ([], True) and kinds[1] == (["absurd"], False)
    assert kinds[2] == (["shift"], False) and kinds[3] == ([], True)
    zero = stream.update(ticks(("2013-01-01", "A", 0.0)))
    assert "absurd" in {alert.kind for alert in zero.alerts_}


def test_the_file_of_the_run_raises_the_exceedances_of_its_held_out_days(small_run, returns, tmp_path):
    table = returns(600, 1, NAMES)
    found = watched(small_run, table, tmp_path / "all")
    first = str(table["date"].iloc[480])[:10]
    assert {one["kind"] for one in found} >= {"exceedance"} and min(one["time"] for one in found) >= first
    tail = watched(small_run, table.iloc[480:], tmp_path / "tail")
    assert [one["id"] for one in tail] == [one["id"] for one in found]
    again = reopen(RunFolder(small_run.folder))
    quiet = again.model.set_params(refit_every=100_000).predict(small_run.test.cases)
    beyond = quiet.index[small_run.test.cases["return"] < -quiet["var_0.05"]]
    expected = {(name, str(date)[:10]) for date, name in beyond}
    assert {(one["subject"], one["time"]) for one in found if one["kind"] == "exceedance"} == expected


def test_an_instrument_that_falls_silent_is_named_once(small_run):
    stream = begun(small_run)
    kinds = []
    for day in ("2012-05-01", "2012-05-02", "2012-05-03", "2012-05-04"):
        stream = stream.update(ticks((day, "A", 0.1), (day, "B", 0.1)))
        kinds += [(one.kind, one.subject) for one in stream.alerts_]
    assert kinds.count(("missing", "C")) == 1


def test_an_unknown_instrument_and_a_row_that_cannot_be_read_are_told(small_run, live, tmp_path):
    path = tmp_path / "live.csv"
    path.write_text("date,A,D\n2012-05-01,0.1,0.2\n2012-05-02,n/a?,0.1\n2012-05-03,0.2,0.1\n")
    found = watched_file(small_run, path, tmp_path / "state")
    kinds = [one["kind"] for one in found]
    assert "unknown" in kinds and kinds.count("unreadable") == 1
    said = next(one["message"] for one in found if one["kind"] == "unreadable")
    assert "holds what is no number: 'n/a?'" in said


def test_ten_thousand_instruments_are_one_stream(small_run):
    small = on_its_way(small_run)
    wide = RiskStream(**{**small.get_params(), "instruments": tuple(f"I{k}" for k in range(9_999))})
    for name, value in vars(small).items():
        if isinstance(value, np.ndarray):
            setattr(wide, name, np.tile(value, 3333))
    wide.clock_, wide.begun_, wide.alerts_, wide.beginning_ = small.clock_, small.begun_, [], None
    wide.filter_ = tiled(small.filter_, 3333)
    day = pd.MultiIndex.from_product([[pd.Timestamp("2012-05-01")], wide.instruments])
    r = np.tile([-9.0, 0.1, 0.2], 3333)
    after = wide.update(pd.DataFrame({"value": r}, day))
    rows = [("2012-05-01", name, value) for name, value in zip(NAMES, r[:3], strict=True)]
    one = small.update(ticks(*rows))
    assert len(after.alerts_) == 3333 * len(one.alerts_) and len(one.alerts_) > 0
    assert after.filter_.forecast().var[3:6] == pytest.approx(one.filter_.forecast().var)


def tiled(part, times):
    """Return a filter of each instrument repeated."""
    if isinstance(part, np.ndarray):
        return np.tile(part, (times, 1) if part.shape[0] == 3 and part.ndim == 2 else times)
    if isinstance(part, tuple) and hasattr(part, "_fields"):
        return type(part)(*(tiled(one, times) for one in part))
    if isinstance(part, tuple):
        return tuple(tiled(one, times) if not isinstance(one, float) else one for one in part)
    if hasattr(part, "__dataclass_fields__"):
        return type(part)(**{name: tiled(getattr(part, name), times) for name in part.__dataclass_fields__})
    return part

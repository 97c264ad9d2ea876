"""Watching with any application: drift of its cases, rows that cannot be read, webhook, command line."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from lepton_platform import Alert, DataError, Options
from lepton_platform.errors import RunError
from lepton_platform.run import reopen, start
from lepton_platform.store import RunFolder
from lepton_platform.watch import Watch
from lepton_platform.watch.state import Journal, WatchState
from lepton_platform.watch.webhook import Webhook


@pytest.fixture(scope="module")
def folder(loans, tmp_path_factory):
    """A folder with a finished run of an application that knows nothing of streams."""
    folder = tmp_path_factory.mktemp("watched")
    loans(600, 0).to_csv(folder / "train.csv", index=False)
    host = Options(data=str(folder / "train.csv"), models=("logistic",))
    start("finance.credit-risk", host, {"target": "default"}, folder / "runs")
    return folder


def watched(folder, table, state):
    """Watch a table with the folder's run."""
    path = folder / f"{state.name}.csv"
    table.to_csv(path, index=False)
    (run,) = (folder / "runs" / "finance.credit-risk").iterdir()
    again = reopen(RunFolder(run))
    kept = WatchState(state, again, str(path))
    try:
        return [alert.to_json() for alert in Watch(again, str(path), kept).alerts()]
    finally:
        kept.close()


def test_cases_like_those_of_training_raise_no_alert(folder, loans, tmp_path):
    assert watched(folder, loans(1500, 7).drop(columns="default"), tmp_path / "alike") == []


def test_other_cases_raise_drift_once_for_each_column_and_for_the_prediction(folder, loans, tmp_path):
    table = loans(2000, 8).drop(columns="default")
    table["amount"] *= 100
    table["debt"] = 0.95
    found = watched(folder, table, tmp_path / "drifted")
    assert {one["kind"] for one in found} == {"drift"}
    subjects = [one["subject"] for one in found]
    assert {"amount", "probability"} <= set(subjects) and len(subjects) == len(set(subjects))


def test_drift_is_counted_across_restarts(folder, loans, tmp_path):
    table = loans(1200, 9).drop(columns="default").assign(amount=10**7)
    whole = watched(folder, table, tmp_path / "whole")
    (run,) = (folder / "runs" / "finance.credit-risk").iterdir()
    path, found = folder / "growing.csv", []
    lines = table.to_csv(index=False).splitlines(keepends=True)
    for end in (300, 301, 650, len(lines)):
        path.write_text("".join(lines[:end]))
        again = reopen(RunFolder(run))
        kept = WatchState(tmp_path / "growing", again, str(path))
        found += [alert.to_json() for alert in Watch(again, str(path), kept).alerts()]
        kept.close()
    assert found == whole != []


def test_a_row_that_cannot_be_decided_is_told_and_the_others_are_decided(folder, loans, tmp_path):
    table = loans(20, 10).drop(columns="default").astype({"debt": object})
    table.loc[7, "debt"] = "a lot"
    (alert,) = watched(folder, table, tmp_path / "odd")
    assert alert["kind"] == "unreadable" and alert["subject"] == "row 7" and "'debt'" in alert["message"]


def test_a_stream_without_a_column_that_is_needed_ends_with_one_message(folder, loans, tmp_path):
    with pytest.raises(DataError, match="'debt' is missing"):
        watched(folder, loans(20, 14).drop(columns=["default", "debt"]), tmp_path / "short")


def test_a_state_is_of_one_run_one_stream_and_one_process(folder, loans, tmp_path):
    watched(folder, loans(5, 11), tmp_path / "state")
    (run,) = (folder / "runs" / "finance.credit-risk").iterdir()
    again = reopen(RunFolder(run))
    with pytest.raises(RunError, match="is of source"):
        WatchState(tmp_path / "state", again, "other.csv")
    kept = WatchState(tmp_path / "busy", again, "a.csv")
    with pytest.raises(RunError, match="another process watches"):
        WatchState(tmp_path / "busy", again, "a.csv")
    kept.close()


def alerts(*subjects):
    return [Alert("exceedance", subject, "2020-03-16", "alarm", "a loss") for subject in subjects]


def test_the_journal_takes_no_alert_twice_also_after_a_line_was_cut_off(tmp_path):
    journal = Journal(tmp_path / "alerts.jsonl")
    assert len(list(journal.new(alerts("A", "B", "A")))) == 2
    journal.close()
    whole = (tmp_path / "alerts.jsonl").read_bytes()
    (tmp_path / "alerts.jsonl").write_bytes(whole[:-7])
    journal = Journal(tmp_path / "alerts.jsonl")
    assert [one.subject for one in journal.new(alerts("A", "B", "C"))] == ["B", "C"]
    journal.close()
    lines = (tmp_path / "alerts.jsonl").read_text().splitlines()
    assert [json.loads(line)["subject"] for line in lines] == ["A", "B", "C"]


@pytest.fixture
def receiver():
    """A server that keeps what is posted to it; ``failing`` makes it refuse."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if not server.failing:
                server.got.append((self.headers["Idempotency-Key"], json.loads(body)))
            self.send_response(500 if server.failing else 204)
            self.end_headers()

        def log_message(self, *arguments):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.got, server.failing = [], False
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_webhook_gets_each_alert_once_and_no_flood(receiver, tmp_path):
    url, journal = f"http://127.0.0.1:{receiver.server_port}/", Journal(tmp_path / "alerts.jsonl")
    hook = Webhook(url, 300, journal.path, tmp_path / "sent")
    list(journal.new([*alerts("A", "B"), Alert("exceedance", "A", "2020-03-17", "alarm", "another")]))
    hook.deliver()
    hook.deliver()
    assert [posted["subject"] for _, posted in receiver.got] == ["A", "B"]
    assert receiver.got[0][0] == receiver.got[0][1]["id"]
    receiver.failing = True
    list(journal.new(alerts("C")))
    hook.deliver()
    receiver.failing = False
    list(journal.new(alerts("D")))
    hook.deliver()
    Webhook(url, 300, journal.path, tmp_path / "sent").deliver()
    assert [posted["subject"] for _, posted in receiver.got] == ["A", "B", "C", "D"]
    journal.close()


def test_the_command_prints_a_line_of_json_per_alert_and_goes_on_where_it_was(
    folder, loans, lepton, tmp_path
):
    path = tmp_path / "stream.csv"
    table = loans(1200, 12).drop(columns="default").assign(amount=10**7)
    path.write_text(table.head(600).to_csv(index=False))
    ask = ("watch", "finance.credit-risk", "--data", path, "--state", tmp_path / "state")
    ask = (*ask, "--runs", folder / "runs")
    first = lepton(*ask)
    assert first.code == 0, first.err
    told = [json.loads(line) for line in first.out.splitlines()]
    assert {"id", "kind", "subject", "time", "severity", "message"} <= told[0].keys()
    path.write_text(table.to_csv(index=False))
    second = lepton(*ask)
    assert second.code == 0 and second.out == ""  # it has been told
    assert json.loads((tmp_path / "state" / "state.json").read_text())["rows"] == 1200


def test_the_view_shows_the_last_rows_and_alerts(folder, loans, lepton, tmp_path):
    path = tmp_path / "stream.csv"
    loans(600, 13).drop(columns="default").assign(amount=10**7).to_csv(path, index=False)
    ask = (
        "watch",
        "finance.credit-risk",
        "--data",
        path,
        "--state",
        tmp_path / "s",
        "--runs",
        folder / "runs",
    )
    shown = lepton(*ask, "--view").out
    assert "600 rows   alerts: drift 2" in shown and "column 'amount' is unlike training" in shown


def test_without_a_run_the_message_says_how_to_make_one(lepton, tmp_path):
    ask = ("watch", "finance.credit-risk", "--data", "a.csv", "--state", tmp_path / "s", "--runs", tmp_path)
    answer = lepton(*ask)
    assert answer.code == 1 and "Make one: lepton run finance.credit-risk" in answer.err
    assert not Path(tmp_path / "s").exists()

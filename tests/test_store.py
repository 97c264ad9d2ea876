"""Run folders: whole files or none, one process at a time, and runs found again."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lepton_platform import store
from lepton_platform.errors import RunError, UnknownNameError
from lepton_platform.store import RunFolder

APPLICATION = "acme.churn"


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def process(code: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", f"from lepton_platform import store\n{code}", *map(str, arguments)]
    started = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert started.stdout is not None
    assert started.stdout.readline() == "ready\n"
    return started


def end(started: subprocess.Popen[str]) -> None:
    started.send_signal(signal.SIGKILL)
    started.communicate()


# -------------------------------------------------------------------------------- whole or nothing


@pytest.mark.parametrize("old", [None, "old"])
@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_a_write_that_fails_leaves_the_old_content_and_no_trace(old, error, tmp_path):
    path = tmp_path / "a.txt"
    if old is not None:
        path.write_text(old)

    def fail():
        with store.replacing(path) as temporary:
            temporary.write_text("half of the n")
            raise error

    with pytest.raises(error):
        fail()
    assert left_in(tmp_path) == (["a.txt"] if old else [])
    assert old is None or path.read_text() == old


def test_until_the_end_readers_see_the_old_content(tmp_path):
    path = store.write_text(tmp_path / "a.txt", "old")
    with store.replacing(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert left_in(tmp_path) == ["a.txt"]


WRITING = """
import itertools, pathlib, sys
path = pathlib.Path(sys.argv[1])
for number in itertools.count():
    store.write_json(path, {"number": number, "padding": [number] * 20_000})
    if number == 0:
        print("ready", flush=True)
"""


@pytest.mark.parametrize("wait", [0.0, 0.05, 0.11])
def test_a_writer_that_is_killed_leaves_a_whole_file(wait, tmp_path):
    writer = process(WRITING, tmp_path / "run.json")
    time.sleep(wait)
    end(writer)
    found = json.loads((tmp_path / "run.json").read_text())
    assert found["padding"] == [found["number"]] * 20_000
    store.write_json(tmp_path / "run.json", "a new one")
    assert json.loads((tmp_path / "run.json").read_text()) == "a new one"


def test_json_without_a_meaning_is_not_written(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        store.write_json(tmp_path / "a.json", {"score": float("nan")})
    assert left_in(tmp_path) == []


def test_a_place_that_cannot_be_written_is_one_message_that_names_the_file(tmp_path):
    with pytest.raises(RunError, match=r"cannot write .*/gone/a\.txt: No such file or directory"):
        store.write_text(tmp_path / "gone" / "a.txt", "text")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_one_message(tmp_path):
    with pytest.raises(RunError, match="No space left on device"), store.replacing(tmp_path / "a.txt"):
        Path("/dev/full").write_text("x")
    assert left_in(tmp_path) == []


# ------------------------------------------------------------------------------------- run folders


def test_every_run_has_a_folder_of_its_own(tmp_path):
    folders = [RunFolder.create(tmp_path, APPLICATION) for _ in range(20)]
    assert len({folder.id for folder in folders}) == 20
    assert all(folder.path == tmp_path / APPLICATION / folder.id for folder in folders)
    for folder in folders:
        folder.release()


def test_a_root_that_is_a_file_is_one_message(tmp_path):
    (tmp_path / "runs").write_text("")
    with pytest.raises(RunError, match=r"cannot make the run folder .* Choose another place with --out"):
        RunFolder.create(tmp_path / "runs", APPLICATION)


LOCKING = """
import pathlib, sys, time
folder = store.RunFolder(pathlib.Path(sys.argv[1]))
folder.lock()
print("ready", flush=True)
time.sleep(60)
"""


def test_a_folder_belongs_to_one_process_until_it_ends_however(tmp_path):
    folder = RunFolder(tmp_path)
    owner = process(LOCKING, tmp_path)
    try:
        assert folder.is_busy()
        with pytest.raises(RunError, match="is being worked on by another process"):
            folder.lock()
    finally:
        end(owner)
    assert not folder.is_busy()
    folder.lock()
    assert RunFolder(tmp_path).is_busy()
    folder.release()
    assert not folder.is_busy()


def test_who_looks_whether_a_folder_is_busy_does_not_keep_it(tmp_path):
    (tmp_path / ".lock").touch()
    assert not RunFolder(tmp_path).is_busy()
    RunFolder(tmp_path).lock()


def test_what_a_killed_process_left_half_written_goes_when_the_folder_is_taken_up(tmp_path):
    (tmp_path / ".run.json.4242.tmp").write_text("{")
    (tmp_path / ".model.tmp").mkdir()
    (tmp_path / ".model.tmp" / "model.skops").write_text("half")
    store.write_json(tmp_path / "run.json", {})
    folder = RunFolder(tmp_path)
    folder.lock()
    folder.release()
    assert left_in(tmp_path) == ["run.json"]


def test_a_record_is_read_as_it_was_written(tmp_path):
    record = {"status": "done", "options": {"data": "Kredite für 2026.csv", "models": []}}
    RunFolder(tmp_path).write_record(record)
    assert RunFolder(tmp_path).read_record() == record


@pytest.mark.parametrize("content", [None, "", '{"status": "do', "\xff"])
def test_a_record_that_cannot_be_read_is_one_message(content, tmp_path):
    if content is not None:
        (tmp_path / "run.json").write_text(content, encoding="latin-1")
    with pytest.raises(RunError, match=r"holds no readable run\.json"):
        RunFolder(tmp_path).read_record()


# ------------------------------------------------------------------------------------ finding runs


@pytest.fixture
def runs(tmp_path):
    """Runs of two applications, by id, and one folder whose run never got as far as a record."""
    records = {
        "20260101-080000-aaaaaa": (APPLICATION, "done"),
        "20260102-080000-bbbbbb": (APPLICATION, "done"),
        "20260103-080000-cccccc": (APPLICATION, "failed"),
        "20260104-080000-dddddd": ("acme.fraud", "done"),
        "20260105-080000-eeeeee": ("acme.empty", "running"),
    }
    for name, (application, status) in records.items():
        path = tmp_path / application / name
        path.mkdir(parents=True)
        RunFolder(path).write_record({"status": status, "application": application})
    (tmp_path / APPLICATION / "20260109-080000-ffffff").mkdir()
    return tmp_path


def test_runs_are_listed_oldest_first_of_all_applications_or_of_one(runs):
    assert [folder.id[-6:] for folder in store.run_folders(runs)] == [
        "aaaaaa", "bbbbbb", "cccccc", "dddddd", "eeeeee"
    ]  # fmt: skip
    assert [folder.id[-6:] for folder in store.run_folders(runs, "acme.fraud")] == ["dddddd"]
    assert store.run_folders(runs / "nowhere") == []


def test_a_run_is_found_by_its_id_or_its_folder(runs):
    expected = runs / APPLICATION / "20260101-080000-aaaaaa"
    assert store.find_run(runs, "20260101-080000-aaaaaa").path == expected
    assert store.find_run(runs / "elsewhere", str(expected)).path == expected


def test_a_run_that_is_not_there_is_an_error_with_a_suggestion(runs):
    with pytest.raises(
        UnknownNameError, match=r"no run '20260101-080000-aaaaax'\. Did you mean '.*-aaaaaa'\?"
    ):
        store.find_run(runs, "20260101-080000-aaaaax")


def test_the_last_good_run_is_the_newest_that_is_done(runs):
    assert store.last_good_run(runs, APPLICATION).id == "20260102-080000-bbbbbb"


@pytest.mark.parametrize("application", ["acme.empty", "acme.unknown"])
def test_without_a_finished_run_the_error_says_how_to_make_one(application, runs):
    with pytest.raises(
        RunError, match=rf"{application} has no finished run in .*lepton run {application} --data"
    ):
        store.last_good_run(runs, application)


def test_runs_made_one_after_the_other_stand_in_that_order(tmp_path):
    made = []
    for _ in range(8):
        folder = RunFolder.create(tmp_path, APPLICATION)
        folder.write_record({"status": "done"})
        folder.release()
        made.append(folder.id)
        time.sleep(0.002)
    assert [folder.id for folder in store.run_folders(tmp_path)] == made


def test_a_discarded_run_is_gone_with_its_applications_folder_if_that_is_empty(tmp_path):
    first, second = (RunFolder.create(tmp_path, APPLICATION) for _ in range(2))
    first.discard()
    assert left_in(tmp_path / APPLICATION) == [second.id]
    second.discard()
    assert left_in(tmp_path) == []
    assert os.path.isdir(tmp_path)

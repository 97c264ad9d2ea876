from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time

import pandas as pd
import pytest

pytest.importorskip("distributed")

from lepton_platform.engine import LocalEngine
from lepton_platform.engine.cluster import DaskEngine
from lepton_platform.engine.protocol import DeadlineError
from lepton_platform.errors import UsageError

TABLE = pd.DataFrame({"a": range(1_000)})


# what is called is local to the tests: Dask sends it whole, for its workers cannot import these


def test_calls_are_answered_in_order_as_on_this_machine(cluster):
    def total(table: pd.DataFrame, more: float) -> float:
        return float(table.to_numpy().sum()) + more

    calls = [(TABLE, number) for number in range(5)]
    assert list(DaskEngine(cluster).map(total, calls, None)) == list(LocalEngine().map(total, calls, None))


def test_what_a_call_raises_is_raised_here(cluster):
    def failing(table: pd.DataFrame) -> None:
        raise ValueError(f"{len(table)} rows are no good")

    with pytest.raises(ValueError, match="1000 rows are no good"):
        list(DaskEngine(cluster).map(failing, [(TABLE,)], None))


@pytest.fixture
def slow():
    """Sleep on a worker; answer with the table's sum and the worker's process."""

    def answer(table: pd.DataFrame, seconds: float) -> tuple[float, int]:
        time.sleep(seconds)
        return float(table.to_numpy().sum()), os.getpid()

    return answer


def test_calls_of_a_worker_that_is_killed_are_made_again(cluster, slow):
    results = DaskEngine(cluster).map(slow, [(TABLE, 1.0)] * 4, None)
    first, pid = next(results)
    os.kill(pid, signal.SIGKILL)
    assert [first, *(told for told, _ in results)] == [499_500.0] * 4


def test_nobody_waits_beyond_the_deadline(cluster, slow):
    begun = time.monotonic()
    with pytest.raises(DeadlineError):
        list(DaskEngine(cluster).map(slow, [(TABLE, 0.0), (TABLE, 30.0)], begun + 2))
    assert time.monotonic() - begun < 20


@pytest.fixture
def asked(tmp_path):
    """Ask for a run on an engine; ``before`` is what Python does first."""
    (tmp_path / "a.csv").write_text("x,y\n" + "".join(f"{i},{i % 2}\n" for i in range(40)))

    def ask(engine: str, before: str = "") -> subprocess.CompletedProcess[str]:
        options = ["run", "finance.credit-risk", "--data", "a.csv", "--target", "y", "--engine", engine]
        program = f"{before}\nfrom lepton_platform.cli import main\nmain({options!r})"
        command = [sys.executable, "-c", program]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)

    return ask


def test_a_scheduler_that_does_not_answer_is_said_before_any_work(asked, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    answer = asked(f"dask://127.0.0.1:{port}", "import lepton_platform.engine.cluster as c; c.PATIENCE = 1")
    assert answer.returncode == 1 and "Traceback" not in answer.stderr
    assert f"Error: no Dask scheduler answers at 127.0.0.1:{port}." in answer.stderr
    assert not list(tmp_path.glob("runs/*/*"))


@pytest.mark.parametrize("address", ["", "127.0.0.1", "127.0.0.1:scheduler"])
def test_an_address_without_host_or_port_is_refused(address):
    with pytest.raises(UsageError, match=r"names no scheduler; write dask://127\.0\.0\.1:8786"):
        DaskEngine(address)


def test_without_distributed_the_command_that_installs_it_is_told(asked):
    answer = asked("dask://127.0.0.1:8786", "import sys; sys.modules['distributed'] = None")
    assert answer.returncode == 1 and "Traceback" not in answer.stderr
    assert "needs distributed, which is not installed: pip install 'lepton-platform[dask]'" in answer.stderr

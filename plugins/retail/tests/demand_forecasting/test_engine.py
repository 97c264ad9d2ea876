"""A run on a real cluster of two worker processes, one of which is killed at work."""

from __future__ import annotations

import os
import signal
import threading
import time

import pandas as pd
import pytest

pytest.importorskip("distributed")

from distributed import Client, LocalCluster

from lepton_platform import Options
from lepton_platform.run import start


def kill_a_busy_worker(address: str, killed: list[int]) -> None:
    """Wait until a worker fits a model, and kill its process."""
    with Client(address, set_as_default=False) as client:
        pids = client.run(os.getpid)
        while not killed:
            busy = [worker for worker, tasks in client.processing().items() if tasks]
            if busy:
                time.sleep(0.2)
                killed.append(pids[busy[0]])
                os.kill(killed[0], signal.SIGKILL)
            time.sleep(0.02)


def test_a_cluster_forecasts_as_this_machine_does_even_if_a_worker_is_killed(sales, tmp_path):
    data = str(tmp_path / "sales.csv")
    sales.to_csv(data, index=False)
    values = {"series": "item", "time": "week", "value": "units", "horizon": 6, "season": ("6",)}

    def run(engine: str | None) -> pd.DataFrame:
        options = Options(data=data, models=("global boosting",), engine=engine)
        return start("retail.demand-forecasting", options, values, tmp_path / "runs").predictions

    killed: list[int] = []
    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0", silence_logs=50
    ) as cluster:
        address = cluster.scheduler_address
        killer = threading.Thread(target=kill_a_busy_worker, args=(address, killed))
        killer.start()
        told = run(address.replace("tcp://", "dask://"))
        killer.join()
    assert killed
    pd.testing.assert_frame_equal(told, run(None))

"""An engine of many machines: the workers of a Dask cluster, through joblib's backend."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from multiprocessing import TimeoutError as JoblibTimeoutError
from typing import Any

import pandas as pd
from distributed import Client, KilledWorker
from joblib import Parallel, delayed, parallel_config

from lepton_platform.engine.protocol import DeadlineError
from lepton_platform.errors import RunError, UsageError

PATIENCE = 10.0
"""Seconds in which a scheduler must answer, and workers must be there."""


class DaskEngine:
    """Runs calls on the workers of the cluster whose scheduler is at ``address``, a ``host:port``.

    Workers need the same packages. Tables go to every worker before the calls do, so that a worker that
    is lost takes none with it: its calls are made again on another. At a deadline nobody waits any
    longer; what a worker has begun it finishes for nothing, as Dask cannot end it.

    Raises
    ------
    UsageError
        The address is no ``host:port``.
    RunError
        No scheduler answers there, or it has no workers.
    """

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        if not host or not port.isdigit():
            raise UsageError(f"--engine dask://{address} names no scheduler; write dask://127.0.0.1:8786")
        self.address = address
        with self._client() as client:
            try:
                client.wait_for_workers(1, timeout=PATIENCE)
            except TimeoutError:
                raise RunError(
                    f"the Dask scheduler at {address} has no workers. Start some: dask worker {address}"
                ) from None

    def _client(self) -> Client:
        try:
            return Client(f"tcp://{self.address}", timeout=PATIENCE, set_as_default=False)
        except OSError as error:
            raise RunError(
                f"no Dask scheduler answers at {self.address}. Start one (dask scheduler), or leave --engine "
                "out to work on this machine"
            ) from error

    def map(
        self, function: Callable[..., Any], calls: Sequence[tuple[Any, ...]], deadline: float | None
    ) -> Iterator[Any]:
        tables = [part for call in calls for part in call if isinstance(part, pd.DataFrame | pd.Series)]
        with self._client() as client:
            with parallel_config("dask", client=client, scatter=tables):
                parallel = Parallel(return_as="generator")
            results = parallel(delayed(function)(*call) for call in calls)
            try:
                for _ in calls:
                    if deadline is not None:  # joblib asks for it anew whenever it waits for a result
                        parallel.timeout = max(deadline - time.monotonic(), 0.0)
                    yield next(results)
            except JoblibTimeoutError:
                raise DeadlineError from None
            except KilledWorker as error:
                raise RunError(
                    f"a part of the work ended {error.allowed_failures + 1} workers of {self.address}, one "
                    "after the other: are they short of memory?"
                ) from error

"""An engine of many machines: the workers of a Dask cluster.

Calls are submitted with their tables, not through joblib's backend, with which a run was once lost together
with a worker that was killed; why was not found out.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import dask
from distributed import Client, KilledWorker

from lepton_platform.engine.protocol import DeadlineError
from lepton_platform.errors import RunError, UsageError

LARGE = "distributed.admin.large-graph-warning-threshold"
"""Dask's setting for when to warn of calls that hold much: ours hold the tables to learn from."""
PATIENCE = 10.0
"""Seconds in which a scheduler must answer, and workers must be there."""


class DaskEngine:
    """Runs calls on the workers of the cluster whose scheduler is at ``address``, a ``host:port``.

    Workers need the same packages. The scheduler keeps each call with its tables until it is answered, so
    that a worker that is lost takes none with it: its calls are made again on another. At a deadline nobody
    waits any longer; what a worker has begun it finishes for nothing, as Dask cannot end it.

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
        with self._client() as client, dask.config.set({LARGE: "1TiB"}):
            futures = [client.submit(function, *call, pure=False) for call in calls]
            try:
                for future in futures:
                    yield future.result(None if deadline is None else max(deadline - time.monotonic(), 0.0))
            except TimeoutError:
                raise DeadlineError from None
            except KilledWorker as error:
                raise RunError(
                    f"a part of the work ended {error.allowed_failures + 1} workers of {self.address}, one "
                    "after the other: are they short of memory?"
                ) from error

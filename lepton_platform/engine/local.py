"""The engine that is always there: this machine."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from loky import get_reusable_executor

from lepton_platform.engine.protocol import DeadlineError


class LocalEngine:
    """Runs calls one after the other; with a deadline, in worker processes that can be ended.

    A fit in this process cannot be interrupted from outside, so a hard limit needs processes. They
    cost seconds to start; without a limit, estimators use the cores themselves.
    """

    def map(
        self, function: Callable[..., Any], calls: Sequence[tuple[Any, ...]], deadline: float | None
    ) -> Iterator[Any]:
        if deadline is None:
            return (function(*call) for call in calls)
        return _map_until(deadline, function, calls)


def _map_until(
    deadline: float, function: Callable[..., Any], calls: Sequence[tuple[Any, ...]]
) -> Iterator[Any]:
    if time.monotonic() >= deadline:
        raise DeadlineError
    # one thread in each worker: the workers together use the cores once
    executor = get_reusable_executor(os.cpu_count() or 1, env={"OMP_NUM_THREADS": "1"})
    futures = [executor.submit(function, *call) for call in calls]
    try:
        for future in futures:
            yield future.result(timeout=max(0.0, deadline - time.monotonic()))
    except TimeoutError:
        raise DeadlineError from None
    finally:
        if not all(future.done() for future in futures):  # out of time, or interrupted
            executor.shutdown(wait=True, kill_workers=True)

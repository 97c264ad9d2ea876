"""Micro-batching: cases that arrive while others are decided are decided together next."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from lepton_platform.errors import LeptonError
from lepton_platform.serve.problem import BUSY, Problem
from lepton_platform.serve.service import Case, Served

Decisions = list[dict[str, Any]]
Waiting = tuple[Served, Sequence[Case], "asyncio.Future[Decisions]"]

MOST_WAITING = 1_000
"""Requests that may wait; further ones are told to come back."""
MOST_CASES = 2_000
"""Cases that are decided at once."""


class Batcher:
    """Decides the requests of one application in one thread, as many at once as are waiting.

    Nobody waits for others to come: a request that finds the thread idle is decided alone. A table
    with one row costs as much as one with a hundred, so under load the throughput is many times that
    of one request at a time.
    """

    def __init__(self) -> None:
        self._waiting: deque[Waiting] = deque()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="lepton-decide")
        self._working: asyncio.Task[None] | None = None

    async def decide(self, served: Served, cases: Sequence[Case]) -> Decisions:
        """Return a decision per case.

        Raises
        ------
        Problem
            Too many requests are waiting.
        LeptonError
            The cases cannot be decided.
        """
        if len(self._waiting) >= MOST_WAITING:
            raise Problem(BUSY, "busy", f"{MOST_WAITING:,} requests are waiting; try again in a moment")
        answer: asyncio.Future[Decisions] = asyncio.get_running_loop().create_future()
        self._waiting.append((served, cases, answer))
        if self._working is None or self._working.done():
            self._working = asyncio.create_task(self._work())
        return await answer

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            batch = self._next()
            answers = await loop.run_in_executor(self._thread, _decide, batch)
            for (_, _, future), answer in zip(batch, answers, strict=True):
                if future.done():  # its client went away or gave up
                    continue
                if isinstance(answer, BaseException):
                    future.set_exception(answer)
                else:
                    future.set_result(answer)

    def _next(self) -> list[Waiting]:
        """Take the requests that wait for the same run, oldest first."""
        batch = [self._waiting.popleft()]
        size = len(batch[0][1])
        while self._waiting and self._waiting[0][0] is batch[0][0]:
            size += len(self._waiting[0][1])
            if size > MOST_CASES:
                break
            batch.append(self._waiting.popleft())
        return batch

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown(wait=False, cancel_futures=True)


def _decide(batch: list[Waiting]) -> list[Decisions | BaseException]:
    """Return the decisions of each request, or why it has none."""
    together = _attempt(batch[0][0], [case for _, cases, _ in batch for case in cases])
    if len(batch) == 1:
        return [together]
    if isinstance(together, BaseException):  # the fault of one is not the others'
        return [_attempt(served, cases) for served, cases, _ in batch]
    answers: list[Decisions | BaseException] = []
    start = 0
    for served, cases, _ in batch:
        part = together[start : start + len(cases)]
        start += len(cases)
        if served.reader.identifier is None:  # rows are numbered within each request
            part = [{**one, "case": row} for row, one in enumerate(part)]
        answers.append(part)
    return answers


def _attempt(served: Served, cases: Sequence[Case]) -> Decisions | BaseException:
    try:
        return served.decide(cases)
    except LeptonError as error:
        return error
    except Exception as error:  # a bug: the request's task raises it, and the server goes on
        return error

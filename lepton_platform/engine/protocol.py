"""What an engine must offer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol


class Engine(Protocol):
    """Runs independent calls, in this process or elsewhere."""

    def map(
        self, function: Callable[..., Any], calls: Sequence[tuple[Any, ...]], deadline: float | None
    ) -> Iterator[Any]:
        """Yield ``function(*call)`` for each call, in order, each as soon as it is there.

        ``deadline`` is a moment of ``time.monotonic``: work that is not done by then is ended, hard,
        and ``DeadlineError`` raised. ``None``: no limit.
        """
        ...


class DeadlineError(Exception):
    """The work was ended because its time was over."""

"""What the model stage chooses between, and by what it judges."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import optuna


@dataclass(frozen=True)
class Candidate:
    """An estimator that may become the model."""

    estimator: Any
    """Unfitted, of scikit-learn's contract."""
    search: Callable[[optuna.Trial], Mapping[str, Any]] | None = None
    """Parameters of one tuning trial, for ``estimator.set_params``; ``None``: not tuned."""
    steps: bool = True
    """Whether the run's steps stand before the estimator."""
    baseline: bool = False
    """A naive rule to be beaten: it is never chosen."""
    brief: bool = False
    """Fitted in seconds, however many the rows: with a budget it comes first, and in this process, so that
    there is a model before a worker process could have started."""
    order: int = 50
    """Fitted from low to high, equal ones as they are named: a budget goes to the first ones."""
    origin: str = ""
    """The layer it came from; stamped by the host."""


@dataclass(frozen=True)
class Metric:
    """A number by which predictions are judged.

    ``function`` names what it needs of ``truth``, ``predictions`` and ``cases`` and returns a
    float; ``truth`` is the target as a numpy array of shape (n,), the others are frames on the same
    rows. For its interval it is asked again for every resample of the rows.

    If it also names ``counts``, it is asked once for many resamples of the same n rows, and returns an
    array of shape (draws,). ``counts``, shape (draws, n), says how often each resample holds each row;
    a resample holds n. The mean of a number per row is then ``counts @ number / len(truth)``. That
    gives the same interval, and is many times faster where rows are sorted or taken from a frame.
    """

    function: Callable[..., Any]
    better: Literal["higher", "lower"]
    unit: str = ""
    bounds: tuple[float, float] = (float("-inf"), float("inf"))
    """The least and the greatest value it can take; its interval is clipped there."""
    summary: str = ""
    """What it says, in words for a reader who knows the business and not the maths."""
    origin: str = ""
    """The layer it came from; stamped by the host."""

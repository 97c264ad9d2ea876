"""Shares of pictures with their uncertainty."""

from __future__ import annotations

from scipy.stats import binomtest


def interval(found: int, of: int) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson 1927); (0, 1) of nothing.

    >>> interval(36, 42)
    (0.7216, 0.9328)
    """
    if of == 0:
        return 0.0, 1.0
    low, high = binomtest(found, of).proportion_ci(method="wilson")
    return round(float(low), 4), round(float(high), 4)


def written(found: int, of: int) -> str:
    """Write a share for people, with its interval.

    >>> written(36, 42)
    '85.7 % (72.2 to 93.3)'
    """
    if of == 0:
        return "none"
    low, high = interval(found, of)
    return f"{100 * found / of:.1f} % ({100 * low:.1f} to {100 * high:.1f})"

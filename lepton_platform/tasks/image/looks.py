"""How closely pictures are looked at: the more there are, or the less time, the less is computed of each."""

from __future__ import annotations

import time
from typing import NamedTuple

import pandas as pd

from lepton_platform.model.deep.picture_features import AT_ONCE, PretrainedFeatures


class Look(NamedTuple):
    """At which sizes the pretrained network sees a picture, and whether its mirror image too."""

    sizes: tuple[int, ...]
    mirrored: bool
    most: float
    """Pictures up to which this is the look that is taken, if time allows."""

    @property
    def cost(self) -> int:
        """Pixels that go through the network for one picture."""
        return sum(size * size for size in self.sizes) * (1 + self.mirrored)

    def features(self, sided: bool = False) -> PretrainedFeatures:
        """Return the transformer from pictures to features; ``sided``: left and right are told apart."""
        return PretrainedFeatures(sizes=self.sizes, mirrored=self.mirrored, sided=sided)

    def __str__(self) -> str:
        sizes = " and ".join(map(str, self.sizes))
        return f"at {sizes} pixels{', mirrored too' if self.mirrored else ''}"


LOOKS = (
    Look((64, 112), True, 2_500),
    Look((112,), True, 10_000),
    Look((112,), False, 30_000),
    Look((64,), False, float("inf")),
)
"""From the closest to the cheapest."""
SHARE = 0.25
"""Of the time that a budget leaves, for looking at what is learned from; the rest is for learning."""
STARTING = 8.0
"""Seconds that the processes in which candidates learn take to start, where there is a budget."""


def usual(pictures: int) -> int:
    """Return the number of the look for so many pictures where time is no matter.

    >>> LOOKS[usual(60_000)].sizes
    (64,)
    """
    return next(number for number, look in enumerate(LOOKS) if pictures <= look.most)


def affordable(pictures: int, others: int, pace: float, seconds: float) -> tuple[int, int]:
    """Return the closest look that a time allows, and at how many of ``pictures``.

    Parameters
    ----------
    others : int
        Pictures that must be looked at beside them: those to be judged.
    pace : float
        Seconds per picture of the cheapest look.
    seconds : float
        For all that is left to do; ``SHARE`` of what ``STARTING`` and the others leave is for looking.

    Examples
    --------
    >>> affordable(50_000, 10_000, pace=0.002, seconds=1000), affordable(50_000, 10_000, 0.002, seconds=120)
    ((3, 50000), (3, 11500))
    """
    cheapest, seconds = len(LOOKS) - 1, seconds - STARTING
    for number in range(usual(pictures), cheapest + 1):
        if (pictures / SHARE + others) * seconds_for(number, pace) <= seconds:
            return number, pictures
    return cheapest, max(0, round(SHARE * (seconds / pace - others)))


def seconds_for(number: int, pace: float) -> float:
    """Return the seconds that a look at one picture takes."""
    return pace * LOOKS[number].cost / LOOKS[-1].cost


def pace(cases: pd.DataFrame) -> float:
    """Return the seconds that the cheapest look at one picture takes here, tried on a few of ``cases``."""
    few, cheapest = cases.iloc[: 2 * AT_ONCE], LOOKS[-1].features()
    half = len(few) // 2
    cheapest.fit_transform(few.iloc[:half])  # loads the network
    begun = time.perf_counter()
    cheapest.fit_transform(few.iloc[half:])
    return (time.perf_counter() - begun) / (len(few) - half)

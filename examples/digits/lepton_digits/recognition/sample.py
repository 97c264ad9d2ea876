"""Digits that come with scikit-learn, so that the application can be tried offline."""

from __future__ import annotations

from lepton_platform import Sample


def small_digits() -> Sample:
    """Return 1,797 pictures of 8 x 8 pixels; they are so few that an epoch is only 18 steps."""
    from lepton_platform import Source  # loads pandas, which the list of applications does without

    return Sample(Source("sklearn://digits"), {"epochs": 60})

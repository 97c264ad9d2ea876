"""The sample: synthetic pictures that look a little like ultrasound. No real labelled set may ship.

Public sets of labelled medical pictures that lie inside a Python package under a licence that allows
it were not found; `generator.py` makes these from a seed, and SOURCE.md says what they are.
"""

from __future__ import annotations

from pathlib import Path

from lepton_platform import Sample


def synthetic_ultrasound() -> Sample:
    """Return 300 pictures of 28 x 28 pixels: made up, of no patient."""
    from lepton_platform import Source  # loads pandas, which the declaration need not

    path = Path(__file__).with_name("synthetic_ultrasound.npz")
    return Sample(Source(str(path)), {"classes": ("irregular", "smooth"), "positive": "irregular"})

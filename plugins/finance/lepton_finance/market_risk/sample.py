"""Prices to try things on: the S&P 500 index, daily, 1999 to 2018, read from the package arch.

The prices are in ``arch.data.sp500``; no licence is stated for them, so they stay in that package and
are no part of this distribution. Read from its files, without a download.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lepton_platform import Sample

if TYPE_CHECKING:
    import pandas as pd


def sp500() -> Sample:
    """Return open, high, low, close and volume, a row per day."""
    from lepton_platform import Source

    return Sample(Source(rows=_prices()), {"kind": "prices", "columns": ("Adj Close",)})


def _prices() -> pd.DataFrame:
    import arch.data.sp500

    return arch.data.sp500.load().rename_axis("Date").reset_index()

"""Stress: what past episodes and scenarios of the user's own would cost, beside today's VaR."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from lepton_platform import DataError, Finding, Run, Source

EPISODES = {
    "crash of October 1987": ("1987-10-14", "1987-10-19"),
    "Russia and LTCM 1998": ("1998-08-17", "1998-10-08"),
    "dot-com, end of 2000": ("2000-09-01", "2001-04-04"),
    "September 2001": ("2001-09-10", "2001-09-21"),
    "Lehman 2008": ("2008-09-12", "2008-11-20"),
    "flash crash 2010": ("2010-05-04", "2010-05-07"),
    "euro and downgrade 2011": ("2011-07-22", "2011-08-08"),
    "August 2015": ("2015-08-17", "2015-08-25"),
    "volatility shock 2018": ("2018-01-26", "2018-02-08"),
    "Covid 2020": ("2020-02-19", "2020-03-23"),
    "rates 2022": ("2022-01-03", "2022-06-16"),
}
"""From the day before the fall to its end; only those that lie within the data are told."""
LENGTHS = (1, 5, 20)


def episodes(returns: pd.Series[Any], var: float) -> pd.DataFrame:
    """Return what the named episodes and the worst stretches of the data cost one instrument.

    ``returns`` are by date; ``var`` is tomorrow's VaR in the same unit. Losses are positive sums of returns.
    """
    rows = []
    dated = isinstance(returns.index, pd.DatetimeIndex)
    for name, (start, end) in EPISODES.items() if dated else ():
        if returns.index[0] <= pd.Timestamp(start) and returns.index[-1] >= pd.Timestamp(end):
            part = returns[(returns.index > start) & (returns.index <= end)]
            rows.append(_row(name, part, var))
    for days in LENGTHS:
        sums = returns.rolling(days).sum()
        last = int(np.nanargmin(sums.to_numpy()))
        part = returns.iloc[last - days + 1 : last + 1]
        rows.append(_row(f"worst {days} day{'s' * (days > 1)} of the data", part, var))
    return pd.DataFrame(rows)


def _row(name: str, part: pd.Series[Any], var: float) -> dict[str, Any]:
    loss = float(-part.sum())
    span = f"{str(part.index[0])[:10]} to {str(part.index[-1])[:10]}" if len(part) else ""
    return {"episode": name, "days": span, "loss": loss, "times tomorrow's VaR": loss / var}


def read_scenarios(run: Run, uri: str, instruments: pd.Index[Any]) -> pd.DataFrame:
    """Return scenarios as simple returns, a row per scenario and a column per instrument; 0 if not named.

    Raises
    ------
    DataError
        A column is missing, a return is no number or below -1, an instrument is unknown or named twice.
    """
    table = run.hooks.read(Source(uri))
    columns = ["scenario", "instrument", "return"]
    found = [
        Finding("error", "is missing from the file of scenarios", name)
        for name in columns
        if name not in table
    ]
    if found:
        raise DataError(found, uri)
    names, moves = table["instrument"].astype(str), pd.to_numeric(table["return"], errors="coerce")
    for wrong, said in (
        (~(moves >= -1), "has a return that is no number, or a fall of more than everything (-1)"),
        (~names.isin(instruments), f"is not among the returns ({', '.join(map(str, instruments[:10]))})"),
        (
            table.assign(instrument=names).duplicated(["scenario", "instrument"]),
            "is named twice in a scenario",
        ),
    ):
        found += [Finding("error", f"{name!r} {said}", "instrument") for name in names[wrong].unique()]
    if found:
        raise DataError(found, uri)
    chosen = pd.DataFrame({"scenario": table["scenario"].astype(str), "instrument": names, "return": moves})
    return chosen.pivot(index="scenario", columns="instrument", values="return").fillna(0.0)

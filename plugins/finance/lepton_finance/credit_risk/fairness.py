"""Who is approved: decisions by protected group, and what evening them out would cost."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm

from lepton_finance.credit_risk.costs import Stakes

FOUR_FIFTHS = 0.8
"""Approval ratio below which the US Uniform Guidelines (29 CFR 1607.4 D) see adverse impact."""
AGE_BANDS = 4


def groups_of(values: pd.Series[Any]) -> pd.Series[Any]:
    """Return each applicant's group: the value itself, or a quarter of the range of numbers."""
    if pd.api.types.is_numeric_dtype(values) and values.nunique() > 10:
        return pd.qcut(values, AGE_BANDS, duplicates="drop").astype(str).where(values.notna(), "(missing)")
    return values.astype("object").where(values.notna(), "(missing)").map(str)


def wilson(successes: float, n: int) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson 1927).

    >>> [round(end, 3) for end in wilson(5, 10)]
    [0.237, 0.763]
    """
    if n == 0:
        return float("nan"), float("nan")
    z, share = float(norm.ppf(0.975)), successes / n
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    return float(centre - half), float(centre + half)


def group_table(
    groups: pd.Series[Any],
    truth: NDArray[np.int_],
    probability: NDArray[np.float64],
    approved: NDArray[np.bool_],
) -> pd.DataFrame:
    """Return one row per group: approval with its interval, ratio to the best group, errors.

    ``good loans approved %`` is the true positive rate that equal opportunity compares (Hardt,
    Price and Srebro 2016).
    """
    rows = []
    for name in sorted(groups.unique()):
        mine = (groups == name).to_numpy()
        good = mine & (truth == 0)
        low, high = wilson(approved[mine].sum(), int(mine.sum()))
        rows.append(
            {
                "group": name,
                "applicants": int(mine.sum()),
                "approved %": approved[mine].mean(),
                "low %": low,
                "high %": high,
                "good loans approved %": approved[good].mean() if good.any() else np.nan,
                "predicted default %": probability[mine].mean(),
                "observed default %": truth[mine].mean(),
            }
        )
    table = pd.DataFrame(rows)
    best = table["approved %"].max()
    ratio = table["approved %"] / best if best > 0 else np.nan
    table.insert(5, "ratio to best", ratio)
    table.insert(6, "below four fifths", ratio < FOUR_FIFTHS)
    return table


def cost_of_mitigation(
    groups: pd.Series[Any],
    truth: NDArray[np.int_],
    probability: NDArray[np.float64],
    approved: NDArray[np.bool_],
    stakes: Stakes,
) -> float:
    """Return the profit per applicant that is lost if every group is brought to four fifths.

    In each group below, the safest of the refused are approved until its rate is four fifths of the
    best group's. Positive is a loss; an estimate from the same held-out cases as the table.
    """
    rates = pd.Series(approved).groupby(groups.to_numpy()).mean()
    wanted = FOUR_FIFTHS * rates.max()
    raised = approved.copy()
    for name, rate in rates.items():
        if rate >= wanted:
            continue
        mine = np.flatnonzero((groups == name).to_numpy())
        more = int(np.ceil(wanted * len(mine))) - int(approved[mine].sum())
        refused = mine[~approved[mine]]
        raised[refused[np.argsort(probability[refused], kind="stable")][:more]] = True
    return float((stakes.profit(truth, approved) - stakes.profit(truth, raised)).mean())

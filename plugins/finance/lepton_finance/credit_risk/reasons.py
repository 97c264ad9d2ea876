"""Reason codes: which of an applicant's attributes lowered the score, and by how much.

An attribute's effect is the change of the log-odds of default when that attribute alone is replaced
by what is typical of approved applicants, everything else as it is. It is asked of the very model
that decides, so it holds for any candidate, and replacing the first reason does raise the score.
Comparing with the average of those who passed is one of the two methods that the official
commentary on Regulation B, 12 CFR 1002.9(b)(2)-5, names for selecting principal reasons.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import logit

from lepton_platform.model.what_if import what_if

Floats = NDArray[np.float64]
FEWEST_APPROVED = 30
SLIGHT = 0.01
"""Change of the log-odds below which an attribute is no reason."""


def typical_approved(
    cases: pd.DataFrame, probability: Floats, approved: NDArray[np.bool_], schema: Any
) -> dict[str, Any]:
    """Return the median, or the commonest category, of each column among approved applicants.

    Where fewer than 30 would be approved, the safest fifth stands in. Special codes and missing
    values count as typical only if most approved applicants have none other.
    """
    if approved.sum() < FEWEST_APPROVED:
        approved = probability <= np.quantile(probability, 0.2)
    typical: dict[str, Any] = {}
    for column in schema.columns:
        if column.name not in cases:
            continue
        values = cases.loc[approved, column.name].dropna()
        if column.kind == "number":
            plain = values[~values.isin(column.special)]
            values = plain if len(plain) else values
            typical[column.name] = (
                float(values.quantile(0.5, interpolation="nearest")) if len(values) else None
            )
        elif column.kind == "category":
            typical[column.name] = str(values.mode().iloc[0]) if len(values) else None
    return typical


def effects(
    cases: pd.DataFrame,
    probability: Floats,
    typical: Mapping[str, Any],
    predict: Callable[[pd.DataFrame], Floats],
) -> pd.DataFrame:
    """Return by how much each attribute raises the log-odds of default, shape (n, columns).

    Parameters
    ----------
    cases : frame
        The applicants.
    probability : array of shape (n,)
        Their probability of default.
    typical : column → value
        What stands in for each attribute; a column that is not in it is never a reason.
    predict : function of cases
        Probability of default, shape (n,).
    """
    stand_ins = {
        name: pd.Series(value, index=cases.index, dtype=cases[name].dtype) for name, value in typical.items()
    }
    replaced = what_if(lambda changed: logit(predict(changed)), cases, logit(probability), stand_ins)
    return -replaced.sub(logit(probability), axis=0)


def reason_codes(effect: pd.DataFrame, most: int) -> pd.DataFrame:
    """Return the columns ``reason_1`` ... ``reason_4``: the attributes that raised the risk, worst first.

    >>> effect = pd.DataFrame({"age": [0.2, -0.1], "income": [0.9, 0.3]})
    >>> reason_codes(effect, most=2)[["reason_1", "reason_2"]]
      reason_1 reason_2
    0   income      age
    1   income     None
    """
    values = effect.to_numpy()
    order = np.argsort(-values, axis=1, kind="stable")
    names = np.asarray(effect.columns, dtype=object)
    codes = {}
    for rank in range(4):
        code = np.full(len(effect), None, dtype=object)
        if rank < min(most, values.shape[1]):
            place = order[:, rank]
            reason = values[np.arange(len(effect)), place] > SLIGHT
            code[reason] = names[place[reason]]
        codes[f"reason_{rank + 1}"] = code
    return pd.DataFrame(codes, index=effect.index, dtype=object)

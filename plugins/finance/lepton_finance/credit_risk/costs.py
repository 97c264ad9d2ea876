"""What a decision on a loan is worth.

A loan that is approved gains ``gain`` if it is paid back and loses ``loss`` if it defaults; one that
is declined gains nothing. Approving is right while p * loss <= (1 - p) * gain, so the cut-off is
p = gain / (gain + loss): the Bayes rule (Elkan 2001, "The foundations of cost-sensitive learning").
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lepton_finance.credit_risk.config import CreditRiskConfig
from lepton_platform import DataError, Finding
from lepton_platform.errors import did_you_mean

Floats = NDArray[np.float64]


class Stakes(NamedTuple):
    """Loss and gain per loan, shape (n,), positive, in one unit."""

    loss: Floats
    gain: Floats

    @property
    def cut_off(self) -> Floats:
        """Probability of default above which a loan is not worth it, shape (n,).

        >>> Stakes(np.array([5.0]), np.array([1.0])).cut_off
        array([0.16666667])
        """
        return self.gain / (self.gain + self.loss)

    def expected_profit(self, probability: Floats) -> Floats:
        """Return what approving each loan is expected to gain, shape (n,)."""
        return (1 - probability) * self.gain - probability * self.loss

    def cost(self, truth: NDArray[np.int_], approved: NDArray[np.bool_]) -> Floats:
        """Return what each decision cost against knowing the outcome: missed bads, refused goods."""
        return np.where(approved, truth * self.loss, (1 - truth) * self.gain)

    def profit(self, truth: NDArray[np.int_], approved: NDArray[np.bool_]) -> Floats:
        """Return what each decision gained."""
        return np.where(approved, (1 - truth) * self.gain - truth * self.loss, 0.0)


def stakes(cases: pd.DataFrame, config: CreditRiskConfig) -> Stakes:
    """Return the stakes of each case, the same for all or from the amount of each.

    Raises
    ------
    DataError
        The column named by ``--amount`` holds no positive amount in some row.
    """
    if config.amount is None:
        every = np.ones(len(cases))
        return Stakes(config.cost_of_default * every, config.gain_from_good * every)
    if config.amount not in cases:
        remedy = did_you_mean(config.amount, cases.columns)
        said = "is missing or not usable, but --amount names it"
        raise DataError([Finding("error", said, config.amount, remedy=remedy)])
    amount = pd.to_numeric(cases[config.amount], errors="coerce").to_numpy(dtype=float)
    wrong = np.flatnonzero(~(amount > 0))
    if len(wrong):
        rows = tuple(int(row) for row in wrong[:100])
        remedy = "Every case needs a positive amount for costs per row"
        raise DataError([Finding("error", "is not a positive amount", config.amount, rows, remedy)])
    return Stakes(amount * config.loss_given_default, amount * config.margin)


def unit(config: CreditRiskConfig) -> str:
    """Return in what money is counted."""
    if config.amount is not None:
        return f"units of {config.amount}"
    return "gains from one good loan" if config.gain_from_good == 1 else "units of cost and gain"

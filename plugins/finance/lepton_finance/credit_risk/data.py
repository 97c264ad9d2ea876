"""Credit risk, data stage: amounts are checked before anything is learned from them."""

from __future__ import annotations

from collections.abc import Generator

from lepton_finance.credit_risk.config import CreditRiskConfig
from lepton_finance.credit_risk.costs import stakes
from lepton_platform import Dataset, hookimpl
from lepton_platform.data.dataset import Purpose


@hookimpl(wrapper=True)
def lepton_load(purpose: Purpose, config: CreditRiskConfig) -> Generator[None, Dataset, Dataset]:
    """Stop at a loan without a positive amount where costs come from it; name its row in the file."""
    dataset = yield
    if purpose in ("train", "test"):
        stakes(dataset.cases, config)
    return dataset

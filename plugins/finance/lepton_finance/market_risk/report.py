"""Market risk, report stage."""

from __future__ import annotations

import numpy as np
import pandas as pd

from lepton_finance.market_risk.config import MarketRiskConfig
from lepton_platform import hookimpl


@hookimpl
def lepton_decide(predictions: pd.DataFrame, config: MarketRiskConfig) -> pd.DataFrame:
    """Say beyond which VaR each day's loss went: the smallest chance, NaN for none."""
    exceeded = np.full(len(predictions), np.nan)
    for level in reversed(config.var_levels):
        beyond = predictions["return"].to_numpy() < -predictions[f"var_{level:g}"].to_numpy()
        exceeded = np.where(beyond, level, exceeded)
    return predictions.assign(exceeded=exceeded)

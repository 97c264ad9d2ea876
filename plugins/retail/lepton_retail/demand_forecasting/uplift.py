"""How much more is sold under each kind of promotion."""

from __future__ import annotations

import numpy as np
import pandas as pd

from lepton_platform.tasks.forecast.direct import Scale
from lepton_platform.tasks.forecast.panel import Panel, groups_of
from lepton_platform.tasks.forecast.response import Response


def uplifts(panel: Panel) -> pd.DataFrame:
    """Return per covariate the factor on demand at its typical amount, against none of it.

    The typical amount is the median of the positive ones. ``low`` and ``high`` are the tenth and
    ninetieth percentile over series. Where values can be negative, it is a difference, no factor.
    """
    scale = Scale.learn(panel.values)
    response = Response().fit(scale.to(panel.values), panel.covariates, groups_of(panel))
    rows = []
    for position, name in enumerate(panel.names):
        known = panel.covariates[..., position]
        positive = known[known > 0]
        typical = float(np.median(positive)) if len(positive) else 0.0
        without = np.zeros((len(panel.series), len(panel.names)))
        under = without.copy()
        under[:, position] = typical
        change = response.effect(under) - response.effect(without)
        effect = np.exp(change) if scale.offset is not None else change
        low, middle, high = np.quantile(effect, [0.1, 0.5, 0.9])
        rows.append({"planned": name, "typical": typical, "demand x": middle, "low": low, "high": high})
    return pd.DataFrame(rows)

"""Demand forecasting, model stage: statistical forecasts and the response to promotions."""

from __future__ import annotations

from collections.abc import Mapping

from lepton_platform import Candidate, Dataset, Finding, Run, hookimpl
from lepton_retail.demand_forecasting.classical import Classical, Model
from lepton_retail.demand_forecasting.config import DemandConfig
from lepton_retail.demand_forecasting.promotion import PromotionRidge

INTERMITTENT = 0.3
"""Share of zeros from which demand is forecast as intermittent."""
MOST_VALUES = {"ets": 50_000, "mstl": 100_000, "theta": 1_000_000}
"""Values of a panel up to which a model takes part: more would take minutes on one core."""


@hookimpl
def lepton_models(dataset: Dataset, run: Run, config: DemandConfig) -> Mapping[str, Candidate]:
    """The statistical family for this kind of demand; a promotion model where something is planned."""
    seasons, frequency = tuple(run.learned["seasons"]), run.learned["frequency"]
    assert dataset.target is not None
    found: dict[str, Candidate] = {}
    for name in _fitting(dataset, seasons):
        if len(dataset.target) > MOST_VALUES.get(name, len(dataset.target)):
            said = f"{name} takes no part: {len(dataset.target):,} values would take it minutes"
            run.note(Finding("note", said))
            continue
        found[name] = Candidate(Classical(name, config.horizon, seasons, frequency), steps=False)
    if config.known_ahead:
        ridge = PromotionRidge(config.horizon, frequency)
        found["promotion ridge"] = Candidate(ridge, steps=False, brief=True, order=10)
    return found


def _fitting(dataset: Dataset, seasons: tuple[int, ...]) -> tuple[Model, ...]:
    """Return the statistical models for how often there is demand, and for its seasons."""
    assert dataset.target is not None
    if (dataset.target == 0).mean() >= INTERMITTENT:
        return ("croston", "imapa", "tsb")
    return ("theta", "mstl") if len(seasons) > 1 else ("theta", "ets")

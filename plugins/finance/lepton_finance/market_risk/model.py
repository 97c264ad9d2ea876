"""Market risk, model stage: the GARCH family beside RiskMetrics, which is a rule to be beaten here."""

from __future__ import annotations

from collections.abc import Mapping

from lepton_finance.market_risk.config import MarketRiskConfig
from lepton_finance.market_risk.garch import GarchForecast
from lepton_finance.market_risk.har import RealisedForecast
from lepton_platform import Candidate, hookimpl
from lepton_platform.tasks.volatility.model import rolling_parameters
from lepton_platform.tasks.volatility.rolling import FilteredHistoricalSimulation


@hookimpl
def lepton_models(config: MarketRiskConfig) -> Mapping[str, Candidate]:
    """One candidate per member of the family, two more where there is a realised variance."""
    parameters = rolling_parameters(config)
    found = {"riskmetrics": Candidate(FilteredHistoricalSimulation(**parameters), steps=False, baseline=True)}
    for name in config.family:
        form, _, distribution = name.partition("-")
        estimator = GarchForecast(form, distribution, tails=config.tails, **parameters)
        found[name] = Candidate(estimator, steps=False)
    if config.realised is not None:
        found["log-har"] = Candidate(RealisedForecast(**parameters), steps=False)
        found["boosted har"] = Candidate(RealisedForecast(boosted=True, **parameters), steps=False)
    return found

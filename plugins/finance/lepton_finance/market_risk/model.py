"""Market risk, model stage: the GARCH family beside RiskMetrics, which is a rule to be beaten here."""

from __future__ import annotations

from collections.abc import Mapping

from lepton_finance.market_risk.config import MarketRiskConfig
from lepton_finance.market_risk.garch import GarchForecast
from lepton_finance.market_risk.har import RealisedForecast
from lepton_platform import Candidate, Dataset, Finding, Run, hookimpl
from lepton_platform.tasks.volatility.data import CHOOSING_DAYS
from lepton_platform.tasks.volatility.model import rolling_parameters
from lepton_platform.tasks.volatility.rolling import FilteredHistoricalSimulation

MOST_FITS = 60_000
"""Fits of the GARCH family in one run, at some 20 a second on one core, up to which it takes part."""


@hookimpl
def lepton_models(dataset: Dataset, run: Run, config: MarketRiskConfig) -> Mapping[str, Candidate]:
    """One candidate per member of the family, two more where there is a realised variance."""
    parameters = rolling_parameters(config)
    riskmetrics = FilteredHistoricalSimulation(**parameters)
    instruments = dataset.cases.index.get_level_values(1).nunique()
    fits = instruments * len(config.family) * (config.test_days + CHOOSING_DAYS) // config.refit_every
    if fits > MOST_FITS:
        said = (
            f"the GARCH family takes no part: {fits:,} fits would take it hours. RiskMetrics forecasts alone"
        )
        run.note(Finding("warning", said, remedy="Fewer --test-days or a larger --refit-every bring it back"))
        return {"riskmetrics": Candidate(riskmetrics, steps=False)}
    found = {"riskmetrics": Candidate(riskmetrics, steps=False, baseline=True)}
    for name in config.family:
        form, _, distribution = name.partition("-")
        estimator = GarchForecast(form, distribution, tails=config.tails, **parameters)
        found[name] = Candidate(estimator, steps=False)
    if config.realised is not None:
        found["log-har"] = Candidate(RealisedForecast(**parameters), steps=False)
        found["boosted har"] = Candidate(RealisedForecast(boosted=True, **parameters), steps=False)
    return found

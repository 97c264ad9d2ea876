"""Market risk, data stage: the portfolio stands beside its instruments."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace

import pandas as pd

from lepton_finance.market_risk.config import MarketRiskConfig
from lepton_finance.market_risk.portfolio import PORTFOLIO, portfolio_returns, read_weights
from lepton_finance.market_risk.stress import read_scenarios
from lepton_platform import Dataset, Finding, Purpose, Run, Source, hookimpl


@hookimpl(wrapper=True)
def lepton_load(
    source: Source, purpose: Purpose, run: Run, config: MarketRiskConfig
) -> Generator[None, Dataset, Dataset]:
    """Add the portfolio's return of each day; check the files of weights and scenarios with the returns."""
    dataset = yield
    if "return" not in dataset.cases:  # ticks of a stream
        return dataset
    instruments = dataset.cases.index.get_level_values(1).unique()
    if config.scenarios is not None and purpose == "train":
        read_scenarios(run, config.scenarios, instruments)
    if config.weights is None:
        return dataset
    weights = read_weights(run, config.weights, instruments)
    added = portfolio_returns(dataset.cases["return"], weights, config.kind == "prices")
    if purpose == "train":
        days = dataset.cases.index.get_level_values(0).nunique()
        said = f"the portfolio of {len(weights)} positions has weights that sum to {weights.sum():g}"
        run.note(Finding("note", said))
        if len(added) < days:
            said = f"the portfolio has no return on {days - len(added):,} days on which a position has none"
            run.note(Finding("warning", said))
    index = pd.MultiIndex.from_product([added.index, [PORTFOLIO]], names=dataset.cases.index.names)
    rows = pd.DataFrame({"return": added.to_numpy()}, index)
    cases = pd.concat([dataset.cases, rows])
    target = None if dataset.target is None else cases["return"]
    groups = pd.Series(cases.index.get_level_values(0), cases.index)
    return replace(dataset, cases=cases, target=target, groups=groups)

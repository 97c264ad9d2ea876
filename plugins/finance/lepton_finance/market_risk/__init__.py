"""Market risk: from prices to what can be lost tomorrow, and alerts when it happens."""

from lepton_finance.market_risk.config import MarketRiskConfig
from lepton_finance.market_risk.sample import sp500
from lepton_platform import Application

application = Application(
    "Forecast volatility and tail losses of prices and warn of them",
    task="volatility",
    config=MarketRiskConfig,
    sample=sp500,
    trusted_types=(
        "lepton_finance.market_risk.garch.GarchFilter",
        "lepton_finance.market_risk.har.BoostedRegression",
        "lepton_finance.market_risk.har.RealisedFilter",
        "lepton_finance.market_risk.har.Regression",
    ),
    decisions={
        "return": "of the day, known only after everything else in the row",
        "volatility": "standard deviation that was forecast for the day, in the unit of the return",
        "var_<level>": "loss, positive, that was foreseen to be exceeded with this chance",
        "es_<level>": "mean loss, positive, foreseen for the days on which that VaR is exceeded",
        "fallback": "whether a model was refused by the sanity gate and RiskMetrics stood in",
        "exceeded": "the smallest chance whose VaR the day's loss went beyond; empty if none",
    },
)

"""Credit risk: from a file of past loans to decisions on new ones."""

from lepton_finance.credit_risk.config import CreditRiskConfig
from lepton_finance.credit_risk.sample import german_credit
from lepton_platform import Application

application = Application(
    "Score loan applications and explain each decision",
    task="binary",
    config=CreditRiskConfig,
    positive=("bad", "default", "defaulted", "charged off", "delinquent"),
    sample=german_credit,
)

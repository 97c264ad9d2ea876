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
    decisions={
        "cut_off": "probability of default above which the loan is not worth it, by the costs given",
        "decision": "approve, decline, or refer: a person should decide",
        "expected_profit": "of approving, in the unit of the costs; negative is a loss",
        "reason_1": "attribute that raised the risk most, against typical approved cases; empty if approved",
        "reason_2": "the second such attribute, if there is one",
        "reason_3": "the third",
        "reason_4": "the fourth",
    },
)

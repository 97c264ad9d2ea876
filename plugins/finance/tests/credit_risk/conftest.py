"""Applicants, and real runs on them, that the tests of this folder share."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lepton_platform.run import Options, start

APPLICATION = "finance.credit-risk"
SHARED = Path(__file__).resolve().parents[4].parent / "shared" / "data" / "finance"
TARGETS = {
    "german_credit": ("default", "1"),
    "taiwan_default": ("default", "1"),
    "heloc": ("RiskPerformance", "Bad"),
}


def applicants(n, seed):
    """Loans with numbers, categories, gaps and two protected attributes; risk is known to the maker."""
    rng = np.random.default_rng(seed)
    income = np.round(rng.lognormal(10, 0.4, n), 2)
    debt = np.round(rng.uniform(0, 1, n), 3)
    status = rng.choice(["own", "rent", "other"], n, p=[0.5, 0.4, 0.1])
    score = -0.7 - 1.6 * (np.log(income) - 10) + 2.5 * (debt - 0.5) + 0.9 * (status == "rent")
    return pd.DataFrame(
        {
            "amount": rng.integers(5, 200, n) * 100,
            "income": income,
            "debt": debt,
            "months": pd.Series(rng.integers(0, 120, n)).mask(rng.random(n) < 0.1),
            "status": status,
            "sex": rng.choice(["f", "m"], n),
            "age": rng.integers(18, 80, n),
            "default": (rng.random(n) < 1 / (1 + np.exp(-score))).astype(int),
        }
    )


@pytest.fixture(scope="session")
def loans():
    """Return a maker of applicants: ``loans(n, seed)``."""
    return applicants


@pytest.fixture(scope="session")
def learn(tmp_path_factory):
    """Return a function that carries out a real run on tables and gives back the run."""

    def learn(train=None, test=None, models=("logistic",), seed=0, **options):
        folder = tmp_path_factory.mktemp("learn")
        paths = {}
        for name, table in {"data": train, "test": test}.items():
            if table is not None:
                paths[name] = str(folder / f"{name}.csv")
                table.to_csv(paths[name], index=False)
        if train is not None:
            options = {"target": "default", **options}
        return start(APPLICATION, Options(**paths, models=models, seed=seed), options, folder / "runs")

    return learn


@pytest.fixture(scope="session")
def sample_run(learn):
    """A run on the sample of real loans, with candidates of every kind."""
    return learn(models=("logistic", "boosting", "scorecard"))


def at_the_counter(n, seed, prefix):
    """Applicants as a lender has them: named, with a special code, and with today's decision."""
    table = applicants(n, seed).assign(loan=[f"{prefix}{number}" for number in range(n)])
    table["months"] = table["months"].fillna(-99_999)
    return table.assign(approved_today=np.resize(["yes", "No", "Yes", "no"], n))


@pytest.fixture(scope="session")
def lender(learn):
    """A run on made-up loans, with every option that says what a column is for."""
    roles = {"id": "loan", "sensitive": "sex,age", "current_rule": "approved_today"}
    train, test = at_the_counter(1500, 1, "T"), at_the_counter(200, 2, "N")
    return learn(train, test, special="months:-99999", **roles)


@pytest.fixture(scope="session")
def real_loans():
    """Return a reader of the public data beside the repository: the table and its outcomes, 1 is bad."""

    def read(name):
        path = SHARED / name / "data.csv.gz"
        if not path.exists():
            pytest.skip(f"{path} is not there")
        table = pd.read_csv(path)
        target, positive = TARGETS[name]
        return table, (table[target].astype(str) == positive).to_numpy().astype(int)

    return read

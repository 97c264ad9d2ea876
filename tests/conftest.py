"""A table of loans, and the command line: what end-to-end tests share."""

from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

from lepton_platform.cli import main


class Answer(NamedTuple):
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str


def made_up_loans(n=200, seed=0):
    """Loans with numbers, a category and gaps; a third of them default, more so with debt."""
    rng = np.random.default_rng(seed)
    debt = np.round(rng.uniform(0, 1, n), 3)
    home = rng.choice(["own", "rent", "other"], n)
    score = -0.8 + 4 * (debt - 0.5) + 1.0 * (home == "rent")
    return pd.DataFrame(
        {
            "amount": rng.integers(5, 200, n) * 100,
            "debt": debt,
            "months": pd.Series(rng.integers(0, 120, n)).mask(rng.random(n) < 0.1),
            "home": home,
            "default": (rng.random(n) < 1 / (1 + np.exp(-score))).astype(int),
        }
    )


@pytest.fixture(scope="session")
def loans():
    """Return a maker of loans: ``loans(n, seed)``."""
    return made_up_loans


@pytest.fixture
def lepton(capsys):
    """Return the command line, in this process: ``lepton("list", "--json")`` gives an ``Answer``."""

    def lepton(*arguments):
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        return Answer(int(ended.value.code), printed.out, printed.err)

    return lepton

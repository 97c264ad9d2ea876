"""What each policy would have cost: on the units judged, and on the whole lives of those learned from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lepton_manufacturing.predictive_maintenance import policies
from lepton_manufacturing.predictive_maintenance.config import MaintenanceConfig
from lepton_manufacturing.predictive_maintenance.costs import Costs
from lepton_manufacturing.predictive_maintenance.policies import Renewals
from lepton_manufacturing.predictive_maintenance.replacement import Outlook, best_wait
from lepton_platform import Run
from lepton_platform.tasks.remaining_life.censoring import is_known
from lepton_platform.tasks.remaining_life.history import ages, retraced

Floats = NDArray[np.float64]

RATIOS = (5.0, 20.0, 100.0)
"""Costs of a failure, in planned replacements, that policies are compared at beside the one asked for."""


class Log:
    """Predictions along lives whose ends are known.

    ``unit`` numbers the units from 0; rows are in the order of time; ``ends`` has the end of each unit.
    """

    def __init__(self, unit: NDArray[np.intp], age: Floats, predicted: Floats, ends: Floats) -> None:
        self.unit = unit
        self.age = age
        self.predicted = predicted
        self.ends = ends

    def renewals(self, run: Run, costs: Costs, lead_time: float) -> Renewals:
        """Return how the lives end where each row's best wait is followed."""
        outlook = Outlook.of(self.predicted, run.model.spread)
        wait = best_wait(outlook, self.age, costs, lead_time)
        return policies.as_predicted(self.unit, self.age, wait, self.ends, lead_time)


def judged(run: Run) -> Log:
    """Return the log of the units judged, each up to its last row; beyond it, its last plan is kept to."""
    known = is_known(run.truth)
    cases = run.test.cases[known]
    every = retraced(cases)
    lengths = [past.rows for past in cases["past"]]
    predicted = run.hooks.predict(run.model, every)["rul"].to_numpy(dtype=float)
    ends = ages(cases) + run.truth.to_numpy(dtype=float)[known]
    return Log(np.repeat(np.arange(len(cases)), lengths), ages(every), predicted, ends)


def learned(run: Run, lives: pd.DataFrame) -> Log:
    """Return the log of the units learned from, predicted by fits that had not seen them."""
    unit = pd.factorize(lives["unit"])[0]
    ends = lives.groupby(unit)["age"].max().to_numpy(dtype=float)
    return Log(unit, lives["age"].to_numpy(dtype=float), lives["rul"].to_numpy(dtype=float), ends)


def lives_learned(run: Run) -> tuple[Floats, NDArray[np.bool_]]:
    """Return how old each unit learned from became, as far as is known, and whether it failed then."""
    train = run.dataset.take(run.split.train)
    assert train.target is not None
    left = train.target.to_numpy(dtype=float)
    frame = pd.DataFrame({"end": ages(train.cases) + np.abs(left), "failed": left == 0})
    by_unit = frame.groupby(np.asarray(train.cases.index)).max()
    return by_unit["end"].to_numpy(), by_unit["failed"].to_numpy(dtype=bool)


def comparison(log: Log, run: Run, config: MaintenanceConfig, costs: Costs) -> Mapping[str, Renewals]:
    """Return each policy's renewals of the lives in a log."""
    lived, failed = lives_learned(run)
    predictive = log.renewals(run, costs, config.lead_time)
    return policies.compared(lived, failed, predictive, log.ends, costs)


def ratios(config: MaintenanceConfig) -> Sequence[float]:
    """Return the cost ratios to compare at: those of old, and the one asked for."""
    return sorted({*RATIOS, config.failure_cost / config.planned_cost})


def tables(log: Log, run: Run, config: MaintenanceConfig) -> pd.DataFrame:
    """Return what every policy costs at every ratio; money in planned replacements."""
    found = []
    for ratio in ratios(config):
        money = Costs(1.0, ratio)
        compared = comparison(log, run, config, money)
        table = policies.table(compared, money, Costs.downtime(config), run.seed)
        least = [
            policies.saving(compared[policies.PREDICTIVE], other, money, run.seed)
            for other in compared.values()
        ]
        table["saved, low"] = [1000 * one.low for one in least]
        table["saved, high"] = [1000 * one.high for one in least]
        table.insert(0, "ratio", ratio)
        found.append(table)
    return pd.concat(found, ignore_index=True)

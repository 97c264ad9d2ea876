"""Order, schedule or run on: what to do about each unit, by when, and why."""

from __future__ import annotations

import numpy as np
import pandas as pd

from lepton_manufacturing.predictive_maintenance import drivers
from lepton_manufacturing.predictive_maintenance.config import MaintenanceConfig
from lepton_manufacturing.predictive_maintenance.costs import Costs
from lepton_manufacturing.predictive_maintenance.replacement import Outlook, best_wait
from lepton_platform import Run
from lepton_platform.tasks.remaining_life.history import ages

ORDER, SCHEDULE, RUN_ON = "order now", "schedule", "run on"


def decide(
    predictions: pd.DataFrame, cases: pd.DataFrame, run: Run, config: MaintenanceConfig
) -> pd.DataFrame:
    """Return one decision per unit, in the order of the predictions.

    *Order now* is the alarm: to wait longer than the lead time only costs more. *Schedule* names a later
    date. *Run on* says that nothing speaks for a replacement as far as can be seen, that is, up to the
    cap: look again.

    Returns
    -------
    frame
        The predictions, ``health`` (life left as a share of the cap), ``failure_chance`` (within the lead
        time), ``decision``, ``replace_in`` and ``replace_by`` (from now, and as the unit's age; NaN if it
        is to run on), ``driver_1`` ... ``driver_3``.
    """
    cap = run.learned["cap"]
    outlook = Outlook.of(predictions["rul"].to_numpy(dtype=float), run.model.spread)
    age = ages(cases)
    wait = best_wait(outlook, age, Costs.money(config), config.lead_time)
    runs_on = wait >= cap
    decision = np.select([runs_on, wait > config.lead_time], [RUN_ON, SCHEDULE], ORDER).astype(object)
    wait = np.where(runs_on, np.nan, wait)
    decided = predictions.assign(
        health=predictions["rul"] / cap,
        failure_chance=outlook.chance(config.lead_time),
        decision=decision,
        replace_in=wait,
        replace_by=age + wait,
    )
    parts = drivers.contributions(run.model, cases) if len(cases) else None
    return decided.assign(**drivers.named(parts, cases.index))

"""Predictive maintenance, report stage: what to do, the fleet's plan, and what it saves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lepton_manufacturing.predictive_maintenance import charts, decisions, drivers, plan, policies, simulation
from lepton_manufacturing.predictive_maintenance.config import MaintenanceConfig
from lepton_manufacturing.predictive_maintenance.costs import Costs
from lepton_manufacturing.predictive_maintenance.decisions import ORDER, RUN_ON, SCHEDULE
from lepton_manufacturing.predictive_maintenance.replacement import Outlook
from lepton_platform import Run, Section, hookimpl
from lepton_platform.alert import Alert
from lepton_platform.errors import RunError
from lepton_platform.report import figures
from lepton_platform.store import replacing
from lepton_platform.tasks.remaining_life.history import PAST, ages, before, retraced
from lepton_platform.tasks.remaining_life.report import lives_of

URGENT = 15
"""Units in the table of what to do."""


@hookimpl
def lepton_decide(
    predictions: pd.DataFrame, cases: pd.DataFrame, run: Run, config: MaintenanceConfig
) -> pd.DataFrame:
    """Order, schedule or run on, with a date and the sensors that speak for it."""
    return decisions.decide(predictions, cases, run, config)


@hookimpl
def lepton_alerts(
    decisions: pd.DataFrame, cases: pd.DataFrame, run: Run, config: MaintenanceConfig
) -> Sequence[Alert]:
    """Watching: the moments at which a unit's advice turns to *order now*."""
    earlier = before(cases)
    already = lepton_decide(run.hooks.predict(run.model, earlier), earlier, run, config)
    ordered = {
        (past.unit, past.rows + 1)
        for past, decision in zip(earlier[PAST], already["decision"], strict=True)
        if decision == ORDER
    }
    return [
        Alert(
            "order", past.unit, f"{past.age:g}", "alarm",
            f"order a replacement of {past.unit}: {row['rul']:.1f} left",
            {"rul": row["rul"], "low": row["low"], "high": row["high"], "driver": row["driver_1"]},
        )
        for past, row in zip(cases[PAST], decisions.to_dict("records"), strict=True)
        if row["decision"] == ORDER and (past.unit, past.rows) not in ordered
    ]  # fmt: skip


@hookimpl
def lepton_summary(run: Run, config: MaintenanceConfig) -> Mapping[str, Any]:
    """How many units are to be ordered for, the plan, and what policies would have cost."""
    lives = lives_of(run)
    whole = simulation.tables(simulation.learned(run, lives), run, config)
    judged = simulation.tables(simulation.judged(run), run, config)
    counts = run.decisions["decision"].value_counts()
    ratio = config.failure_cost / config.planned_cost
    mine, rule = (_rate(judged, ratio, policy) for policy in (policies.PREDICTIVE, policies.INTERVAL))
    planned = _plan(run, config, _rate(whole, ratio, policies.PREDICTIVE) * config.planned_cost / 1000)
    words = (
        f"Of {len(run.decisions):,} units, {counts.get(ORDER, 0):,} are to be ordered for now and "
        f"{counts.get(SCHEDULE, 0):,} have a date. With a failure at {ratio:g} planned replacements, "
        f"following the predictions on the units judged would have cost {mine:.2f} planned replacements per "
        f"1,000 units of time, the best fixed interval {rule:.2f}, running to failure "
        f"{_rate(judged, ratio, policies.NEVER):.2f}."
    )
    return {
        "cases": len(run.decisions),
        **{name: int(counts.get(name, 0)) for name in (ORDER, SCHEDULE, RUN_ON)},
        "policies": {"judged": judged.to_dict("records"), "whole lives": whole.to_dict("records")},
        "plan": planned,
        "in_words": words,
    }


def _rate(table: pd.DataFrame, ratio: float, policy: str) -> float:
    """Return what a policy costs per 1,000 units of time, in planned replacements."""
    row = table[np.isclose(table["ratio"], ratio) & (table["policy"] == policy)]
    return float(row["cost per 1,000"].iloc[0])


def _plan(run: Run, config: MaintenanceConfig, rate: float) -> dict[str, Any]:
    """Return the fleet's plan: its jobs, its cost, and the least that any plan could cost.

    A plan that breaks a rule of the workshop is not handed out.
    """
    workshop, costs = plan.Workshop.of(config), Costs.money(config)
    outlook = Outlook.of(run.predictions["rul"].to_numpy(dtype=float), run.model.spread)
    worth = outlook.worth(costs, rate)
    begins = np.arange(workshop.slots) * config.slot
    by_slot = np.array([np.interp(begins, outlook.wait, row) for row in worth])
    end = min(int(np.searchsorted(outlook.wait, workshop.slots * config.slot)), worth.shape[1] - 1)
    later = worth[:, end:].min(axis=1)
    found = plan.solve(by_slot, later, workshop)
    if broken := plan.faults(found.begins, workshop):
        raise RunError(f"the plan breaks the workshop's rules: {'; '.join(broken)}. This is a fault of ours.")
    jobs = plan.as_table(found.begins, run.predictions.index, workshop)
    return {
        "jobs": jobs.to_dict("records"),
        "later": int((found.begins == plan.LATER).sum()),
        "cost": found.cost,
        "bound": found.bound,
        "proved": found.proved,
    }


@hookimpl
def lepton_sections(run: Run, config: MaintenanceConfig) -> Sequence[Section]:
    """What to do now, the plan, what policies cost, the alarms, and what drives them."""
    lives = lives_of(run)
    return [
        Section("What to do now", _urgent(run, config), 10),
        Section("The fleet's plan", _planned(run, config), 11),
        Section("What it saves", _saved(run), 12),
        Section("When a replacement pays", _cost_curve(run, config), 14),
        Section("Alarms", _alarms(run, config, lives), 16),
        Section("Which sensors drive the alarms", _drivers(run), 30),
        Section("Health over time", _health(run), 32),
    ]


def _urgent(run: Run, config: MaintenanceConfig) -> Sequence[Any]:
    table = run.decisions.rename_axis("unit").reset_index().sort_values("rul", kind="stable").head(URGENT)
    said = (
        f"The {len(table)} units with the least life left; all are in decisions.parquet. "
        f"Lead time {config.lead_time:g}, a failure costs {config.failure_cost:g} against "
        f"{config.planned_cost:g} of a planned replacement. The chance is that of failing within it."
    )
    shown = table[["unit", "rul", "low", "high", "decision", "replace_in", "failure_chance", "driver_1"]]
    rounded = shown.round({"rul": 1, "low": 1, "high": 1, "replace_in": 1, "failure_chance": 3})
    names = {"failure_chance": "chance", "replace_in": "replace in", "driver_1": "first driver"}
    return [said, rounded.rename(columns=names).reset_index(drop=True)]


def _planned(run: Run, config: MaintenanceConfig) -> Sequence[Any]:
    planned = run.summary["plan"]
    jobs = pd.DataFrame(planned["jobs"])
    gap = planned["cost"] - planned["bound"]
    sure = "no plan is cheaper" if planned["proved"] else f"at most {gap:.3g} from the cheapest"
    said = (
        f"{len(jobs):,} replacements within {config.horizon} slots of {config.slot:g}; {planned['later']:,} "
        f"units are left to a later plan. {config.crews} crews; {sure}, and a replay found no rule of the "
        "workshop broken. Jobs are in plan.csv."
    )
    if jobs.empty:
        return [said]
    return [said, charts.gantt(jobs, plan.Workshop.of(config))]


def _saved(run: Run) -> Sequence[Any]:
    said = (
        "Cost per 1,000 units of time, in planned replacements, with the 95 % interval over units. "
        "Predictive: each row's advice is followed. Ages of the other policies are those that suit the lives "
        "learned from. Saved is what predictive costs less than each, on the same resamples of units. All of "
        "it, and downtime with intervals, is in policies.csv."
    )
    content: list[Any] = [said]
    for name, told in (
        ("judged", "Units judged: each up to its last row as it went, from there by its last advice."),
        ("whole lives", "Units learned from, whole lives, predicted by fits that had not seen them."),
    ):
        content += [told, _shown(pd.DataFrame(run.summary["policies"][name]))]
    return content


def _shown(table: pd.DataFrame) -> pd.DataFrame:
    """Return the policies as a page shows them, each number with its interval."""
    others = table["policy"] != policies.PREDICTIVE
    return pd.DataFrame(
        {
            "failure costs": table["ratio"],
            "policy": table["policy"],
            "cost": [
                f"{row['cost per 1,000']:.1f} ({row['low']:.1f} to {row['high']:.1f})"
                for row in table.to_dict("records")
            ],
            "saved by predictive": [
                f"{row['saved, low']:.1f} to {row['saved, high']:.1f}" if other else ""
                for other, row in zip(others, table.to_dict("records"), strict=True)
            ],
            "downtime": table["downtime per 1,000"].round(1),
            "failures": table["failures"],
        }
    )


def _cost_curve(run: Run, config: MaintenanceConfig) -> Sequence[Any]:
    scheduled = np.flatnonzero(run.decisions["decision"] != RUN_ON)
    if not len(scheduled):
        return ["Every unit is to run on."]
    by_life = scheduled[np.argsort(run.decisions["rul"].to_numpy()[scheduled], kind="stable")]
    place = by_life[len(by_life) // 2]
    row = run.predictions.iloc[[place]]
    outlook = Outlook.of(row["rul"].to_numpy(dtype=float), run.model.spread)
    rates = 1000 * outlook.rates(ages(run.test.cases.iloc[[place]]), Costs.money(config))[0]
    best = float(run.decisions["replace_in"].iloc[place])
    said = (
        f"Unit {row.index[0]}: cost per 1,000 units of time by when it is replaced. Too early wastes life, "
        "too late risks the failure."
    )
    shown = outlook.wait <= min(2 * best + 20, outlook.wait[-1])
    drawn = figures.curve(
        outlook.wait[shown], {"cost": rates[shown]}, "replaced in", "cost per 1,000",
        mark=(best, float(np.interp(best, outlook.wait, rates))),
    )  # fmt: skip
    return [said, drawn]


def _alarms(run: Run, config: MaintenanceConfig, lives: pd.DataFrame) -> Sequence[Any]:
    if lives.empty:
        return ["No unit was seen to fail."]
    log = simulation.learned(run, lives)
    renewals = log.renewals(run, Costs.money(config), config.lead_time)
    ahead = log.ends - (renewals.life - config.lead_time)
    in_time = ~renewals.failed
    said = (
        f"An alarm is the first order now. Over the whole lives of {len(log.ends):,} units that failed, by "
        f"predictions of fits that had not seen them, {in_time.sum():,} alarms came early enough for the "
        f"replacement; {int(renewals.failed.sum()):,} units failed before it."
    )
    if not in_time.any():
        return [said]
    low, middle, high = np.quantile(ahead[in_time], [0.1, 0.5, 0.9])
    told = (
        f"Those alarms came {middle:.0f} before the failure in the middle; eight in ten between {low:.0f} "
        f"and {high:.0f}. The lead time is {config.lead_time:g}."
    )
    return [said, told]


def _drivers(run: Run) -> Sequence[Any]:
    alarmed = run.decisions["decision"].to_numpy() == ORDER
    if not alarmed.any():
        return ["No unit is alarmed."]
    parts = drivers.contributions(run.model, run.test.cases[alarmed])
    if parts is None:
        return ["The model has no boosted trees, whose parts these would be."]
    said = (
        f"Mean over the {int(alarmed.sum())} units to be ordered for: what each sensor takes off the life "
        "left, in the unit of time (TreeSHAP of the boosted trees)."
    )
    return [said, figures.bars(-parts.mean().sort_values().head(15), "", "life left taken off")]


def _health(run: Run) -> Sequence[Any]:
    worst = np.argsort(run.predictions["rul"].to_numpy(), kind="stable")[:3]
    content: list[Any] = [
        "Life left as a share of the cap, as it was predicted at each moment: later rows do not change it."
    ]
    for place in worst:
        cases = retraced(run.test.cases.iloc[[place]])
        health = run.hooks.predict(run.model, cases)["rul"].to_numpy() / run.learned["cap"]
        unit = run.test.cases[PAST].iloc[place].unit
        content += [f"Unit {unit}:", figures.curve(ages(cases), {"health": health}, "age", "health")]
    return content


@hookimpl
def lepton_write(run: Run) -> Sequence[Path]:
    """The plan and the policies as CSV."""
    jobs = pd.DataFrame(run.summary["plan"]["jobs"], columns=["unit", "slot", "last_slot", "crew"])
    tables = [pd.DataFrame(rows).assign(units=name) for name, rows in run.summary["policies"].items()]
    written = []
    for name, table in (("plan.csv", jobs), ("policies.csv", pd.concat(tables))):
        path = run.folder / name
        with replacing(path) as temporary:
            table.to_csv(temporary, index=False)
        written.append(path)
    return written

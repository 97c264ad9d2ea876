"""Credit risk, report stage: decisions, what they are worth, their reasons, and who gets them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from lepton_finance.credit_risk import decisions, fairness
from lepton_finance.credit_risk.config import CreditRiskConfig
from lepton_finance.credit_risk.costs import Stakes, stakes, unit
from lepton_finance.credit_risk.model import scorecard
from lepton_finance.credit_risk.scorecard import Scorecard
from lepton_platform import Estimate, Figure, Run, Section, hookimpl
from lepton_platform.model.evaluation import counted_resamples, interval
from lepton_platform.report import figures
from lepton_platform.report.verdict import number, spread
from lepton_platform.store import write_json, write_text
from lepton_platform.tasks.binary.metrics import population_stability

YES = ("1", "1.0", "true", "yes", "y", "approve", "approved", "accept", "accepted")
MODEL = "the model"
FEW_BADS = 300
"""Defaults in training below which the report warns; 1,000 to 2,000 is common advice (Siddiqi 2006)."""


@hookimpl
def lepton_decide(
    predictions: pd.DataFrame, cases: pd.DataFrame, run: Run, config: CreditRiskConfig
) -> pd.DataFrame:
    """Approve, decline or refer, with reasons and expected profit."""
    return decisions.decide(predictions, cases, run, config)


class Outcome:
    """The held-out applicants: what was decided, what happened, and what was at stake."""

    def __init__(self, run: Run, config: CreditRiskConfig) -> None:
        self.truth: NDArray[np.int_] = run.truth.to_numpy()
        self.probability: NDArray[np.float64] = run.predictions["probability"].to_numpy()
        self.stakes: Stakes = stakes(run.test.cases, config)
        self.approved: NDArray[np.bool_] = self.probability <= self.stakes.cut_off
        self.groups: pd.Series[Any] | None = run.test.groups

    def worth(self, rules: Mapping[str, NDArray[np.bool_]], seed: int) -> dict[str, Worth]:
        """Return what each rule of who is approved is worth, by name."""
        profits = np.array([self.stakes.profit(self.truth, rule) for rule in rules.values()])
        behind = self.stakes.profit(self.truth, self.approved) - profits
        estimates = means_with_intervals(np.concatenate([profits, behind]), seed, self.groups)
        return {
            name: Worth(estimates[place], estimates[len(rules) + place]) for place, name in enumerate(rules)
        }


class Worth(NamedTuple):
    """What a rule is worth per applicant, with its interval."""

    profit: Estimate
    behind: Estimate
    """By how much the model's profit exceeds the rule's, on the same applicants."""


def means_with_intervals(
    values: NDArray[np.float64], seed: int, groups: ArrayLike | None = None
) -> list[Estimate]:
    """Return the mean of each row of ``values``, shape (k, applicants), with its bootstrap interval.

    Applicants of one of the ``groups`` are drawn together.
    """
    blocks = counted_resamples(values.shape[1], seed, groups)
    draws = np.concatenate([counts @ values.T / counts.sum(axis=1, keepdims=True) for counts in blocks])
    return [interval(float(row.mean()), drawn) for row, drawn in zip(values, draws.T, strict=True)]


def policies(run: Run, config: CreditRiskConfig) -> dict[str, NDArray[np.bool_]]:
    """Return the rules that need no model: name → who would be approved."""
    n = len(run.test.cases)
    rules = {"approve everybody": np.ones(n, dtype=bool), "decline everybody": np.zeros(n, dtype=bool)}
    if (
        config.current_rule is not None
        and run.test.extra is not None
        and config.current_rule in run.test.extra
    ):
        today = run.test.extra[config.current_rule].astype(str).str.strip().str.lower()
        rules["today's rule"] = today.isin(YES).to_numpy()
    return rules


@hookimpl
def lepton_summary(run: Run, config: CreditRiskConfig) -> Mapping[str, Any]:
    """Counts, the cut-off, and profit per applicant against the rules that need no model."""
    outcome = Outcome(run, config)
    counts = run.decisions["decision"].value_counts()
    worth = outcome.worth({MODEL: outcome.approved, **policies(run, config)}, run.seed)
    profit = worth.pop(MODEL).profit
    advantages = {name: one.behind for name, one in worth.items()}
    cut_offs = np.unique(outcome.stakes.cut_off)
    return {
        "in_words": _in_words(outcome, counts, profit, advantages, unit(config)),
        "cases": len(run.decisions),
        **{answer: int(counts.get(answer, 0)) for answer in ("approve", "decline", "refer")},
        "cut_off": float(cut_offs[0]) if len(cut_offs) == 1 else None,
        "expected_cost": run.scores["expected_cost"].value,
        "profit_per_case": profit._asdict(),
        "advantage_per_case": {name: gain._asdict() for name, gain in advantages.items()},
        "unit": unit(config),
    }


def _in_words(
    outcome: Outcome, counts: pd.Series[Any], profit: Estimate, advantages: Mapping[str, Estimate], money: str
) -> str:
    cut_off = outcome.stakes.cut_off
    where = f"{cut_off[0]:.1%}" if np.ptp(cut_off) < 1e-12 else f"{cut_off.min():.1%} to {cut_off.max():.1%}"
    rival = min(advantages, key=lambda name: advantages[name].value)
    gain = advantages[rival]
    if gain.low > 0:
        worth = f"That is {spread(gain)} more than the best rule without the model, to {rival}."
    else:
        worth = (
            f"Against the best rule without the model, to {rival}, that is {spread(gain)}: "
            "these cases do not show that the model earns anything."
        )
    return (
        f"Of {counts.sum():,} applicants, {counts.get('approve', 0):,} are approved, "
        f"{counts.get('decline', 0):,} declined and {counts.get('refer', 0):,} referred to a person. "
        f"A loan is declined when its probability of default is above {where}, where expected cost is least. "
        f"Deciding so earns {spread(profit)} {money} per applicant. {worth}"
    )


@hookimpl
def lepton_sections(run: Run, config: CreditRiskConfig) -> Sequence[Section]:
    """Decisions, profit, reasons, groups, stability, scorecard and warnings."""
    outcome = Outcome(run, config)
    sections = [
        Section(
            "What to do", [_DECISIONS.format(money=unit(config)), _policy_table(run, config, outcome)], 10
        ),
        Section("Where to cut", [_CUT_OFF, profit_curve(outcome)], 12),
        Section("Why applicants are refused", _reasons(run), 14),
        Section("Who is approved", list(_groups(run, config, outcome)), 45),
        Section("Scorecard", _card(run, config), 60),
        Section("Before this goes live", _warnings(run, config), 85),
    ]
    if config.date is not None and run.test.extra is not None:
        sections.append(Section("Stability over time", [_STABILITY, stability(run, config)], 47))
    return sections


_DECISIONS = (
    "Profit per applicant on the held-out cases, of the model and of rules that need none, in {money}; "
    "in brackets the 95 % interval. Applicants who "
    "are referred count as the cut-off would decide them: no assumption is made about who reviews them. "
    "They are referred because the 95 % limits of their probability include the cut-off, or because they "
    "are unlike anything in the training data."
)
_CUT_OFF = (
    "Profit per applicant for every possible cut-off. The mark is the cut-off that the costs imply; it was "
    "not chosen on these cases, so the curve's peak may lie elsewhere by chance."
)
_STABILITY = (
    "Population stability index of the score in each month against the training cases. Below 0.1 is "
    "stable, above 0.25 a shift that calls for a new look at the model."
)
_REASONS = (
    "A reason is an attribute that raised this applicant's risk compared with what is typical of approved "
    "applicants, all else as it is; up to four are given, the weightiest first. Protected attributes are "
    "never given to the model, so they cannot be a reason."
)


def _policy_table(run: Run, config: CreditRiskConfig, outcome: Outcome) -> pd.DataFrame:
    rules = {MODEL: outcome.approved, **policies(run, config)}
    worth = outcome.worth(rules, run.seed)
    rows = []
    for name, rule in rules.items():
        rows.append(
            {
                "rule": name,
                "approved %": rule.mean(),
                "defaults among approved %": outcome.truth[rule].mean() if rule.any() else np.nan,
                "profit": _compact(worth[name].profit),
                "the model earns more by": "" if name == MODEL else _compact(worth[name].behind),
            }
        )
    return pd.DataFrame(rows)


def _compact(estimate: Estimate) -> str:
    return f"{number(estimate.value)} ({number(estimate.low)} to {number(estimate.high)})"


def profit_curve(outcome: Outcome) -> Figure:
    """Draw profit per applicant over the cut-off, in multiples of each case's own where they differ."""
    uniform = np.ptp(outcome.stakes.cut_off) < 1e-12
    score = outcome.probability if uniform else outcome.probability / outcome.stakes.cut_off
    order = np.argsort(score, kind="stable")
    each = outcome.stakes.profit(outcome.truth, np.ones(len(score), dtype=bool))
    profit = np.append(0.0, np.cumsum(each[order])) / len(score)
    cut = float(outcome.stakes.cut_off[0]) if uniform else 1.0
    chosen = float(profit[np.searchsorted(score[order], cut, side="right")])
    xlabel = "cut-off: probability of default" if uniform else "cut-off, in multiples of each case's own"
    x = np.append(score[order][:1], score[order])
    return figures.curve(x, {"profit": profit}, xlabel, "profit per applicant", mark=(cut, chosen))


def _reasons(run: Run) -> Sequence[Any]:
    given = run.decisions[[f"reason_{rank}" for rank in range(1, 5)]]
    refused = given["reason_1"].notna()
    if not refused.any():
        return ["No reasons were asked for, or nobody was refused."]
    typical = run.learned["typical"]
    first, any_place = given["reason_1"].value_counts(), given.stack().value_counts()
    table = pd.DataFrame(
        {
            "reason": any_place.index,
            "first reason %": [first.get(name, 0) / refused.sum() for name in any_place.index],
            "among reasons %": [count / refused.sum() for count in any_place],
            "typical of approved": [str(typical[name]) for name in any_place.index],
        }
    )
    return [_REASONS, table, "Five applicants with the highest risk:", _examples(run)]


def _examples(run: Run) -> pd.DataFrame:
    worst = run.decisions.nlargest(5, "probability")
    rows = []
    for case, row in worst.iterrows():
        told = [
            f"{reason}: {run.test.cases[reason].loc[case]}"
            for reason in row[["reason_1", "reason_2", "reason_3", "reason_4"]]
            if reason is not None
        ]
        rows.append({"case": case, "probability %": row["probability"], "reasons": "; ".join(told)})
    return pd.DataFrame(rows)


def _groups(run: Run, config: CreditRiskConfig, outcome: Outcome) -> Iterator[Any]:
    if not config.sensitive:
        yield (
            "No protected attribute was declared. Name them with --sensitive (for instance sex, age) to keep "
            "them from the model and to see who is approved."
        )
        return
    present = [] if run.test.extra is None else [name for name in config.sensitive if name in run.test.extra]
    for name in config.sensitive:
        if name not in present:
            yield f"{name} is not in the test file, so its groups cannot be shown."
    for name in present:
        assert run.test.extra is not None
        groups = fairness.groups_of(run.test.extra[name])
        table = fairness.group_table(groups, outcome.truth, outcome.probability, outcome.approved)
        lost = fairness.cost_of_mitigation(
            groups, outcome.truth, outcome.probability, outcome.approved, outcome.stakes
        )
        low = table.loc[table["below four fifths"], "group"].tolist()
        said = (
            f"By {name}: {', '.join(low)} approved at less than four fifths of the best group's rate. "
            f"Raising every group to four fifths would change profit by {number(-lost)} {unit(config)} per "
            "applicant. Separate cut-offs by group are unlawful in some countries: take advice first."
            if low
            else f"By {name}: every group is approved at four fifths of the best group's rate or more."
        )
        yield said
        yield table


def stability(run: Run, config: CreditRiskConfig) -> pd.DataFrame:
    """Return the population stability index of the score by month of the held-out cases."""
    assert run.test.extra is not None
    dates = pd.to_datetime(run.test.extra[config.date], errors="coerce", utc=True, format="mixed")
    months = dates.dt.strftime("%Y-%m").fillna("(no date)")
    expected = run.out_of_fold["probability"].to_numpy()
    rows = [
        {
            "month": month,
            "applicants": len(part),
            "stability index": population_stability(expected, part["probability"].to_numpy()),
            "mean probability %": part["probability"].mean(),
        }
        for month, part in run.predictions.groupby(months.to_numpy())
    ]
    return pd.DataFrame(rows)


@lru_cache(maxsize=1)  # the section and both files show one card
def fitted_scorecard(run: Run, config: CreditRiskConfig) -> Scorecard:
    """Return the scorecard learned from all training cases, whatever its weight in the model."""
    if "scorecard" in run.model.named_members:
        return run.model.named_members["scorecard"].named_steps["estimator"]  # type: ignore[no-any-return]
    train = run.dataset.take(run.split.train)
    assert train.target is not None
    return scorecard(run, config).fit(train.cases, train.target.to_numpy())


def _card(run: Run, config: CreditRiskConfig) -> Sequence[Any]:
    row = run.leaderboard[run.leaderboard["model"] == "scorecard"]
    if row.empty:
        return ["The scorecard was not among the models of this run."]
    doubling, base, odds = config.pdo, config.base_points, config.base_odds
    return [
        f"More points mean less risk: {doubling:g} points double the odds, {base:g} points stand for odds of "
        f"{odds:g} to 1. By itself this card ranks with {run.selected_by.upper()} "
        f"{number(float(row[run.selected_by].iloc[0]))} out of fold. It is in scorecard.json and "
        "scorecard.sql beside this report and runs without Lepton.",
        fitted_scorecard(run, config).table(),
    ]


def _warnings(run: Run, config: CreditRiskConfig) -> str:
    assert run.dataset.target is not None
    bads = int(run.dataset.target.iloc[run.split.train].sum())
    lines = [
        "- Refused applicants are not in the data: what became of those who were never given a loan is "
        "unknown, and the model is right only for applicants like those who were (reject inference).",
        "- Credit scoring of persons is high-risk under Annex III of the EU AI Act; in the US, Regulation B "
        "asks for specific principal reasons. This report supports, and does not replace, that work.",
    ]
    if bads < FEW_BADS:
        lines.append(
            f"- Small sample: the model has seen {bads} defaults. Expect its ranking to move when it is "
            "learned again from other cases, and read every interval."
        )
    if config.date is None:
        lines.append(
            "- No date was given (--date), so the cases were split at random: how the score holds as "
            "times change was not tested."
        )
    return "\n".join(lines)


@hookimpl
def lepton_write(run: Run, config: CreditRiskConfig) -> Sequence[Path]:
    """The scorecard as JSON and as SQL."""
    if "scorecard" not in set(run.leaderboard["model"]):
        return []
    card = fitted_scorecard(run, config)
    return [
        write_json(run.folder / "scorecard.json", json.loads(json.dumps(card.to_dict()))),
        write_text(run.folder / "scorecard.sql", card.to_sql("applicants")),
    ]

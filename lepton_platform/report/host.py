"""The host's own part in the report stage: what every report says, and the files it becomes."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from lepton_platform import store
from lepton_platform.config import Config, option_name
from lepton_platform.hookspecs import hookimpl
from lepton_platform.report import html
from lepton_platform.report.section import Section
from lepton_platform.report.verdict import label, number, verdict

if TYPE_CHECKING:
    from lepton_platform.run import Run


@hookimpl
def lepton_decide(predictions: pd.DataFrame) -> pd.DataFrame:
    """Without an application's own rule, the predictions are the decisions."""
    return predictions


@hookimpl
def lepton_summary(run: Run) -> Mapping[str, Any]:
    """Without an application's own summary, the number of cases."""
    return {"cases": len(run.decisions)}


@hookimpl
def lepton_sections(run: Run) -> Sequence[Section]:
    """Verdict, metrics, leaderboard, data findings, limits, and how to reproduce."""
    said = run.application.decisions
    columns = pd.DataFrame({"column": list(said), "what it says": list(said.values())})
    return [
        Section("Verdict", verdict(run), order=0),
        Section("How good is the model?", [_judged_on(run), _metrics_table(run)], order=20),
        Section("Who took part", [_took_part(run), _leaderboard(run)], order=50),
        Section("What was found in the data", _findings(run), order=70),
        *([Section("What decisions.parquet says", columns, order=80)] if said else []),
        Section("Limits and intended use", _limits(run), order=90),
        Section("Repeat this run", _reproduce(run), order=95),
    ]


def _judged_on(run: Run) -> str:
    learned, judged = len(run.split.train), len(run.test.cases)
    if run.test_source is not None:
        return (
            f"The model learned from {learned:,} cases and was judged on the {judged:,} cases of "
            f"{run.test_source}, whose outcomes were read only after the predictions were written."
        )
    return (
        f"The model learned from {learned:,} cases and was judged once on {judged:,} others, "
        f"split {run.split.rule}."
    )


def _metrics_table(run: Run) -> pd.DataFrame:
    rows = []
    for name, score in run.scores.items():
        metric, baseline = run.metrics[name], run.baseline_scores[name]
        rows.append(
            {
                "metric": label(name) + (f", {metric.unit}" if metric.unit else ""),
                "model": number(score.value),
                "95 % interval": f"{number(score.low)} to {number(score.high)}",
                "baseline": number(baseline.value),
                "better is": metric.better,
                "what it says": metric.summary,
            }
        )
    return pd.DataFrame(rows)


def _took_part(run: Run) -> str:
    judged = "Every candidate was judged on the training cases, each case by a fit that had not seen it. "
    if "weight" in run.leaderboard:
        return (
            f"{judged}Weight is the candidate's share in the ensemble; seconds include all its fits. The "
            "ensemble's own row is slightly too good, for its weights were chosen on the same predictions: "
            "the hold-out above is the number to quote."
        )
    return (
        f"{judged}The best by {label(run.selected_by)} became the model; seconds include all its fits. Its "
        "own row is slightly too good, for it was chosen by it: the hold-out above is the number to quote."
    )


def _leaderboard(run: Run) -> pd.DataFrame:
    table = run.leaderboard
    facts = ["model", "from", "status", "weight", run.selected_by, "low", "high"]
    others = [name for name in run.metrics if name != run.selected_by]
    return table[[name for name in (*facts, *others, "seconds") if name in table]].rename(columns=label)


def _findings(run: Run) -> str:
    if not run.findings:
        return "Nothing stood out."
    ordered = sorted(run.findings, key=lambda finding: ("error", "warning", "note").index(finding.level))
    lines = "\n".join(f"- {finding.level.capitalize()}: {finding}" for finding in ordered)
    return f"Nothing was filled, clipped or dropped beyond what this list says.\n\n{lines}"


def _limits(run: Run) -> str:
    return (
        f"The model is meant for one job: {run.application.summary[0].lower()}{run.application.summary[1:]}. "
        "It holds for cases like those it learned from. When the population, the product or the way "
        "the data are recorded changes, judge it again on recent cases before relying on it.\n\n"
        "Intervals say how much the numbers could move had other cases of the same kind been drawn; "
        "they do not cover a change of the world."
    )


def _reproduce(run: Run) -> str:
    return f"Run again with the same data and versions for the same numbers:\n\n{command(run)}"


def command(run: Run) -> str:
    """Return the command line that repeats the run."""
    options = {"data": run.options.data, "test": run.options.test, "engine": run.options.engine}
    parts = ["lepton", "run", run.application_id]
    parts += [part for name, value in options.items() if value is not None for part in (f"--{name}", value)]
    if run.options.models:
        parts += ["--models", ",".join(run.options.models)]
    if run.options.budget is not None:
        parts += ["--budget", f"{run.options.budget:g}s"]
    parts += _given("", run.config)
    for extension, config in run.extension_configs.items():
        parts += _given(f"{extension}.", config)
    return shlex.join([*parts, "--seed", str(run.seed)])


def _given(prefix: str, config: Config) -> Iterator[str]:
    """Yield the words of the options whose value is not the default."""
    for name in config.model_fields_set:
        value = getattr(config, name)
        if value == type(config).model_fields[name].default:
            continue
        option = option_name(prefix + name)
        if isinstance(value, bool):
            yield option if value else f"--no-{option[2:]}"
        else:
            yield from (option, ",".join(value) if isinstance(value, tuple) else str(value))


@hookimpl
def lepton_write(sections: Sequence[Section], run: Run) -> Sequence[Path]:
    """One HTML page, and the same facts as JSON."""
    title = f"{run.application_id}: {run.application.summary}"
    versions = ", ".join(f"{name} {number}" for name, number in run.record["versions"].items())
    facts = {
        "Run": run.id,
        "Data": f"{run.record['data']['source']} ({run.record['data']['rows']:,} rows)",
        "SHA-256 of the data as read": run.record["data"]["sha256"][:16],
        "Seed": str(run.seed),
        "Started": run.record["started"],
        "Versions": versions,
    }
    page = html.render(title, f"Run {run.id}", sections, facts)
    return [
        store.write_text(run.folder / "report.html", page),
        store.write_json(run.folder / "report.json", result(run)),
    ]


def result(run: Run) -> dict[str, Any]:
    """Return what ``lepton run --json`` prints."""
    from lepton_platform.run import metrics_json

    scored = metrics_json(run)
    return {
        "run": run.id,
        "application": run.application_id,
        "run_folder": str(run.folder.resolve()),
        "report": str((run.folder / "report.html").resolve()),
        "verdict": verdict(run),
        "model": _members(run.leaderboard),
        "metrics": scored["model"],
        "baseline": scored["baseline"],
        "selected_by": scored["selected_by"],
        "gain_over_baseline": scored["gain_over_baseline"],
        "decisions": run.summary,
        "findings": [
            {
                "level": finding.level,
                "column": finding.column,
                "rows": list(finding.rows),
                "text": str(finding),
            }
            for finding in run.findings
        ],
    }


def _members(leaderboard: pd.DataFrame) -> dict[str, float]:
    """Return the candidates that the model consists of, with their weights."""
    if leaderboard.empty:
        return {}
    chosen = leaderboard["status"] == "chosen"
    if "weight" not in leaderboard:
        return dict.fromkeys(leaderboard.loc[chosen, "model"], 1.0)
    members = leaderboard[(leaderboard["weight"] > 0) & ~chosen]
    return dict(zip(members["model"], members["weight"], strict=True))

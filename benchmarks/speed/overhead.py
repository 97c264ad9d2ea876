"""Overhead: a run beside a plain script that does the same fits by hand, in the same process.

The plain script reads the CSV, cross-validates the same pipelines (the candidates that the run's hooks
name, on the run's folds), fits the members that the run chose on all training rows, blends them and
predicts the hold-out. It makes no schema, no intervals, no run folder and no report. What is measured:
wall seconds of both, in turn, after one small run to import everything; the bar is 1.10 for the median
ratio. CPU seconds stand beside, for on a busy machine they are steadier. ``--profile`` prints where the
run spends its time, by function.

    .venv/bin/python benchmarks/speed/overhead.py
    .venv/bin/python benchmarks/speed/overhead.py --rows 4000 --models logistic,boosting --profile
    .venv/bin/python benchmarks/speed/overhead.py --data loans.csv --target default --positive 1
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.special import expit, logit
from sklearn.base import clone
from sklearn.datasets import make_classification

from lepton_platform.model import training
from lepton_platform.run import Options, Run, start

APPLICATION = "finance.credit-risk"
BAR = 1.10


class Plan(NamedTuple):
    """What the plain script is told: pipelines, folds, members and their weights."""

    pipelines: dict[str, Any]
    weights: dict[str, float]
    folds: Sequence[tuple[Any, Any]]
    train: Any
    test: Any
    columns: list[str]
    target: str
    positive: str


class Plain(NamedTuple):
    """Wall seconds of the plain script, by part."""

    read: float
    cross_validate: float
    refit: float
    predict: float

    @property
    def total(self) -> float:
        return sum(self)


def write_loans(path: Path, rows: int, columns: int = 20) -> None:
    """Write made-up loans with numeric columns and some noise in the outcome."""
    X, y = make_classification(
        rows, columns, n_informative=8, n_redundant=4, weights=[0.75], flip_y=0.05, random_state=0
    )
    table = pd.DataFrame(X.round(4), columns=[f"x{number}" for number in range(columns)])
    table.assign(default=y).to_csv(path, index=False)


class Spent(NamedTuple):
    """Seconds of one run or script."""

    wall: float
    cpu: float


def now() -> Spent:
    """Return the two clocks."""
    return Spent(time.perf_counter(), time.process_time())


def since(begun: Spent) -> Spent:
    """Return what both clocks have counted since."""
    return Spent(*(end - start for start, end in zip(begun, now(), strict=True)))


def lepton(options: argparse.Namespace, data: Path, root: Path) -> tuple[Run, Spent]:
    """Carry out one run; return it and its seconds."""
    values = {"target": options.target, "positive": options.positive}
    if options.special:
        values["special"] = tuple(options.special.split(","))
    asked = Options(data=str(data), models=options.models, seed=0)
    begun = now()
    run = start(APPLICATION, asked, values, root)
    return run, since(begun)


def plan_of(run: Run, options: argparse.Namespace) -> Plan:
    """Return what the plain script needs to do the same fits as ``run``."""
    candidates = run.hooks.models(run.dataset)
    field = training.contenders(run, run.dataset.take(run.split.train), candidates)
    board = run.leaderboard[run.leaderboard["status"] != "chosen"]
    weights = board.set_index("model")["weight"].fillna(0.0)
    return Plan(
        {one.name: one.pipeline for one in field},
        {name: float(weight) for name, weight in weights.items() if weight > 0},
        run.split.folds,
        run.split.train,
        run.split.test,
        run.schema.names,
        options.target,
        options.positive,
    )


def by_hand(plan: Plan, data: Path) -> Plain:
    """Do the same fits with nothing around them."""
    moments = [time.perf_counter()]
    table = pd.read_csv(data)
    y = (table[plan.target].astype(str) == plan.positive).astype(int)
    X = table[plan.columns].apply(lambda column: column.astype(float) if column.dtype != object else column)
    X_train, y_train = X.iloc[plan.train], y.iloc[plan.train]
    moments.append(time.perf_counter())
    scores = {name: np.empty(len(y_train)) for name in plan.pipelines}
    for name, pipeline in plan.pipelines.items():
        for fit, held in plan.folds:
            fitted = clone(pipeline).fit(X_train.iloc[fit], y_train.iloc[fit])
            scores[name][held] = fitted.predict_proba(X_train.iloc[held])[:, 1]
    moments.append(time.perf_counter())
    members = {name: clone(plan.pipelines[name]).fit(X_train, y_train) for name in plan.weights}
    moments.append(time.perf_counter())
    parts = [
        weight * logit(members[name].predict_proba(X.iloc[plan.test])[:, 1])
        for name, weight in plan.weights.items()
    ]
    assert np.isfinite(expit(sum(parts))).all()
    moments.append(time.perf_counter())
    return Plain(*np.diff(moments))


def profile(work: Callable[[], Any], lines: int = 45) -> None:
    """Print where the time goes, by function, inclusive."""
    profiler = cProfile.Profile()
    profiler.runcall(work)
    pstats.Stats(profiler).sort_stats("cumulative").print_stats(lines)


def compare(options: argparse.Namespace, data: Path, root: Path) -> None:
    """Measure both in turn and print the table."""
    run, _ = lepton(options, data, root)
    plan = plan_of(run, options)
    ours: list[Spent] = []
    theirs: list[Spent] = []
    stages: list[dict[str, float]] = []
    plain: list[Plain] = []
    for _ in range(options.repetitions):
        run, spent = lepton(options, data, root)
        ours.append(spent)
        stages.append({name: stage["seconds"] for name, stage in run.record["stages"].items()})
        begun = now()
        plain.append(by_hand(plan, data))
        theirs.append(since(begun))
    introduce(plan)
    report(ours, theirs, stages, plain)


def introduce(plan: Plan) -> None:
    """Print what was fitted."""
    print(f"{len(plan.train):,} rows to learn from, {len(plan.test):,} held out, {len(plan.folds)} folds")
    print(f"candidates: {', '.join(plan.pipelines)}")
    print(f"members: {', '.join(f'{name} {weight:.2f}' for name, weight in plan.weights.items())}\n")


def report(
    ours: list[Spent], theirs: list[Spent], stages: list[dict[str, float]], plain: list[Plain]
) -> None:
    """Print both times by part, the ratios and the bar."""
    row("run, wall s", *stages[0], "other", "total", "CPU s")
    for spent, parts in zip(ours, stages, strict=True):
        row("", *parts.values(), spent.wall - sum(parts.values()), *spent)
    row("plain script, wall s", *Plain._fields, "total", "CPU s")
    for spent, one in zip(theirs, plain, strict=True):
        row("", *one, *spent)
    pairs = list(zip(ours, theirs, strict=True))
    ratios = sorted(run.wall / script.wall for run, script in pairs)
    cpu = median(run.cpu / script.cpu for run, script in pairs)
    verdict = "met" if median(ratios) <= BAR else "MISSED"
    spread = f"{ratios[0]:.2f} to {ratios[-1]:.2f}"
    print(
        f"\n  {verdict:<10}  run / plain {median(ratios):.2f} ({spread}), at most {BAR:.2f}; in CPU {cpu:.2f}"
    )
    print(f"  {'':<10}  the run takes {median(run.wall - script.wall for run, script in pairs):+.1f} s more")


def row(label: str, *cells: str | float) -> None:
    """Print one line of the table."""
    shown = (cell if isinstance(cell, str) else f"{cell:.2f}" for cell in cells)
    print(f"  {label:<22}" + "".join(f"{cell:>16}" for cell in shown))


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=20_000, help="made-up loans (%(default)s)")
    parser.add_argument("--data", type=Path, help="a CSV file instead of made-up loans")
    parser.add_argument("--target", default="default")
    parser.add_argument("--positive", default="1")
    parser.add_argument("--special", help="special codes, for instance -9,-8,-7")
    parser.add_argument("--models", default="", help="candidates; all, if not given")
    parser.add_argument("--repetitions", type=int, default=3, help="of each (%(default)s)")
    parser.add_argument("--profile", action="store_true", help="profile one run instead of measuring")
    options = parser.parse_args(arguments)
    options.models = tuple(name for name in options.models.split(",") if name)
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    options = parsed(arguments)
    with tempfile.TemporaryDirectory(prefix="lepton-overhead-") as name:
        root = Path(name)
        data = options.data or root / "loans.csv"
        if options.data is None:
            write_loans(data, options.rows)
        small = argparse.Namespace(**{**vars(options), "target": "default", "positive": "1", "special": None})
        write_loans(root / "small.csv", 400)
        lepton(small, root / "small.csv", root / "runs")  # imports
        if options.profile:
            profile(lambda: lepton(options, data, root / "runs"))
        else:
            compare(options, data, root / "runs")
    return 0


if __name__ == "__main__":
    sys.exit(main())

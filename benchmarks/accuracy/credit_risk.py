"""Credit risk on three public data sets: our application beside its peers, in one run on the same rows.

For each stored fold, train on the two others and score the third. Everybody runs in a process of its
own: we through ``lepton run``, peers through ``credit_risk_peers.py``. What is measured: AUC, log loss,
Brier score, calibration error (ECE, beside what chance alone gives a perfect probability), KS, cost per
row at the cut-off 1/6 (5 x missed bads + refused goods), CPU seconds of the process and its children.
Below each table: the bars, and our distance from the best peer with its paired 95 % interval over rows.

    .venv/bin/python benchmarks/accuracy/credit_risk.py
    .venv/bin/python benchmarks/accuracy/credit_risk.py --sets german_credit --folds 0 --peers lightgbm
    .venv/bin/python benchmarks/accuracy/credit_risk.py --slow --autogluon PYTHON
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from measures import Floats, Outcomes, auc_difference, cost_difference, measures

ROOT = Path(__file__).resolve().parents[2]
PEERS = Path(__file__).with_name("credit_risk_peers.py")
OURS = "lepton"
NOT_INSTALLED = 3
MOST_CPU = 180.0
"""Seconds a fold of the largest set may take us."""


@dataclass(frozen=True)
class Set:
    """One data set, how its outcome is named, and the bars of the brief (finance.md, section 1)."""

    name: str
    target: str
    positive: str
    auc: float
    ece: float | None = None
    """Greatest calibration error in any fold; none where one fold is too small to tell."""
    special: tuple[int, ...] = ()
    slow: tuple[str, ...] = ()
    """Peers that need many minutes here and are left out unless ``--slow``."""


SETS = {
    one.name: one
    for one in (
        Set("german_credit", "default", "1", 0.803),
        Set("heloc", "RiskPerformance", "Bad", 0.799, 0.029, (-9, -8, -7), slow=("ebm",)),
        Set("taiwan_default", "default", "1", 0.783, 0.015, slow=("ebm",)),
    )
}


@dataclass
class Fold:
    """The rows of one fold, in files, and what each method made of them."""

    number: int
    y: Outcomes
    folder: Path
    scores: dict[str, Floats] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)


class MethodFailedError(Exception):
    """A peer that could not be run; the reason is its message."""


# ------------------------------------------------------------------------------------- running


def write_fold(data: pd.DataFrame, held: Floats, number: int, one: Set, folder: Path) -> Fold:
    """Write train.csv, test.csv and, for peers, test.csv without outcomes."""
    train, test = data[held != number], data[held == number]
    train.to_csv(folder / "train.csv", index=False)
    test.to_csv(folder / "test.csv", index=False)
    test.drop(columns=one.target).to_csv(folder / "unlabelled.csv", index=False)
    return Fold(number, (test[one.target].astype(str) == one.positive).to_numpy().astype(int), folder)


def timed(command: Sequence[str], folder: Path) -> tuple[int, str, float]:
    """Run a command; return its exit code, what it printed, and the CPU seconds of its whole family."""
    with (folder / "stdout").open("w+") as out, (folder / "stderr").open("w+") as err:
        child = subprocess.Popen(command, stdout=out, stderr=err, cwd=folder)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        for stream in (out, err):
            stream.seek(0)
        said = out.read() if child.returncode == 0 else err.read()
    return child.returncode, said, usage.ru_utime + usage.ru_stime


def run_ours(one: Set, fold: Fold) -> None:
    """Score the fold with the application, through its command line."""
    special = ["--special", ",".join(map(str, one.special))] if one.special else []
    command = [
        str(Path(sys.executable).with_name("lepton")),
        *("run", "finance.credit-risk", "--data", "train.csv", "--test", "test.csv"),
        *("--target", one.target, "--positive", one.positive, *special),
        *("--seed", "0", "--out", "runs", "--json"),
    ]
    code, said, fold.seconds[OURS] = timed(command, fold.folder)
    if code != 0:
        raise SystemExit(f"lepton run failed on {one.name}, fold {fold.number} (exit code {code}):\n{said}")
    table = pd.read_parquet(Path(json.loads(said)["run_folder"]) / "predictions.parquet")
    if table["case"].tolist() != list(range(len(fold.y))):
        raise SystemExit(f"{one.name}, fold {fold.number}: not every test row was scored once, in file order")
    fold.scores[OURS] = complete(table["probability"].to_numpy(), fold, OURS)


def run_peer(peer: str, python: str, one: Set, fold: Fold) -> None:
    """Score the fold with a peer."""
    files = {"train": "train.csv", "test": "unlabelled.csv", "out": f"{peer}.npy"}
    paths = {name: str(fold.folder / file) for name, file in files.items()}
    task = {**paths, "target": one.target, "positive": one.positive, "special": one.special}
    (fold.folder / "task.json").write_text(json.dumps(task), encoding="utf-8")
    code, said, seconds = timed([python, str(PEERS), peer, "task.json"], fold.folder)
    if code != 0:
        reason = said.strip().splitlines()[-1] if said.strip() else f"exit code {code}"
        raise MethodFailedError(reason if code == NOT_INSTALLED else f"failed: {reason}")
    fold.scores[peer] = complete(np.load(paths["out"]), fold, peer)
    fold.seconds[peer] = seconds


def complete(p: Floats, fold: Fold, method: str) -> Floats:
    """Return the probabilities after checking that every row of the fold has one."""
    if p.shape != fold.y.shape or not np.isfinite(p).all() or p.min() < 0 or p.max() > 1:
        raise SystemExit(f"{method}, fold {fold.number}: a row has no probability between 0 and 1")
    return p


def run_set(one: Set, options: argparse.Namespace, workspace: Path) -> tuple[list[Fold], dict[str, str]]:
    """Run every method on every fold; return the folds and why a peer was left out."""
    source = options.data / one.name
    data = pd.read_csv(source / "data.csv.gz")
    held = pd.read_csv(source / "folds.csv.gz")[f"repeat{options.repeat}"].to_numpy()
    folds, absent = [], dict.fromkeys(skipped(one, options), "slow here; --slow includes it")
    for number in options.folds:
        folder = workspace / f"{one.name}-{number}"
        folder.mkdir()
        fold = write_fold(data, held, number, one, folder)
        folds.append(fold)
        if not options.without_ours:
            run_ours(one, fold)
            tell(one, fold, OURS)
        for peer in (peer for peer in options.peers if peer not in absent):
            try:
                python = options.autogluon if peer == "autogluon" else sys.executable
                run_peer(peer, python, one, fold)
                tell(one, fold, peer)
            except MethodFailedError as error:
                absent[peer] = str(error)
    for fold in folds:
        fold.scores = {name: p for name, p in fold.scores.items() if name not in absent}
    return folds, absent


def skipped(one: Set, options: argparse.Namespace) -> list[str]:
    """Return the peers that would take too long on this set."""
    return [] if options.slow else [peer for peer in options.peers if peer in one.slow]


def tell(one: Set, fold: Fold, method: str) -> None:
    """Say on stderr how far the benchmark is."""
    print(f"{one.name} fold {fold.number}: {method} {fold.seconds[method]:.1f} CPU s", file=sys.stderr)


# ------------------------------------------------------------------------------------ reporting

COLUMNS = {"auc": "AUC", "log_loss": "log loss", "brier": "Brier", "ks": "KS", "cost": "cost"}


def results(folds: list[Fold]) -> pd.DataFrame:
    """Return a row per method and fold with every measure."""
    rows = [
        {"method": name, "fold": fold.number, "seconds": fold.seconds[name], **measures(fold.y, p)}
        for fold in folds
        for name, p in fold.scores.items()
    ]
    return pd.DataFrame(rows)


def table(measured: pd.DataFrame, folds: list[Fold]) -> str:
    """Return the set's table as text, best AUC first."""
    mean = measured.groupby("method").mean(numeric_only=True).sort_values("auc", ascending=False)
    worst = measured.groupby("method")["ece"].max()
    rows = [["method", *COLUMNS.values(), "ECE worst", "ECE mean", "floor (95 %)", "CPU s"]]
    for name, row in mean.iterrows():
        values = [f"{row[key]:.4f}" for key in COLUMNS]
        values += [f"{worst[name]:.4f}", f"{row['ece']:.4f}", f"{row['floor']:.3f} ({row['floor_95']:.3f})"]
        rows.append([str(name), *values, f"{row['seconds']:.1f}"])
    for name, cost in without_model(folds).items():
        rows.append([name, *[f"{cost:.4f}" if key == "cost" else "" for key in COLUMNS], "", "", "", ""])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        f"  {row[0]:<{widths[0]}}"
        + "".join(f"  {cell:>{width}}" for cell, width in zip(row[1:], widths[1:], strict=True))
        for row in rows
    ]
    return "\n".join(line.rstrip() for line in lines)


def without_model(folds: list[Fold]) -> dict[str, float]:
    """Return the cost per row of the two rules that need no model."""
    bad = float(np.mean([fold.y.mean() for fold in folds]))
    return {"accept all": 5 * bad, "refuse all": 1 - bad}


def verdicts(one: Set, measured: pd.DataFrame, folds: list[Fold]) -> list[str]:
    """Return a line for each bar: what it asks, what we have, and whether that is met."""
    ours = measured[measured["method"] == OURS]
    auc, ece, seconds = ours["auc"].mean(), ours["ece"].max(), ours["seconds"].max()
    lines = [bar(auc >= one.auc, f"AUC, mean of folds {auc:.4f}, at least {one.auc}")]
    if one.ece is not None:
        lines.append(bar(ece <= one.ece, f"ECE, worst fold {ece:.4f}, at most {one.ece}"))
    lines += against_peers(measured, folds)
    lines.append(bar(seconds <= MOST_CPU, f"CPU, worst fold {seconds:.0f} s, at most {MOST_CPU:.0f} s"))
    rows = sum(len(fold.y) for fold in folds)
    return [*lines, bar(True, f"all {rows:,} test rows scored, each once and in file order")]


def against_peers(measured: pd.DataFrame, folds: list[Fold]) -> list[str]:
    """Return how far we are from the best peer in cost and in AUC, with paired intervals."""
    peers = measured[measured["method"] != OURS].groupby("method")[["auc", "cost"]].mean()
    if peers.empty:
        return []
    cheapest, sharpest = peers["cost"].idxmin(), peers["auc"].idxmax()
    value, low, high = cost_difference([(f.y, f.scores[OURS], f.scores[cheapest]) for f in folds])
    said = f"cost less that of {cheapest} {value:+.4f} ({low:+.4f} to {high:+.4f}), the interval not above 0"
    lines = [bar(low <= 0, said)]
    value, low, high = auc_difference([(f.y, f.scores[OURS], f.scores[sharpest]) for f in folds])
    said = f"AUC less that of {sharpest} {value:+.4f} ({low:+.4f} to {high:+.4f}), aim: above 0"
    return [*lines, f"  {'aim met' if value > 0 else 'aim missed':<10}  {said}"]


def bar(met: bool, text: str) -> str:
    """Return a line that says whether a bar is met."""
    return f"  {'met' if met else 'MISSED':<10}  {text}"


def report(one: Set, options: argparse.Namespace, folds: list[Fold], absent: dict[str, str]) -> None:
    """Print the set's table, what was left out, and the bars."""
    measured = results(folds)
    shown = ", ".join(str(fold.number) for fold in folds)
    print(
        f"\n{one.name}: {sum(len(fold.y) for fold in folds):,} rows, repeat {options.repeat}, folds {shown}"
    )
    print(table(measured, folds))
    for peer, reason in absent.items():
        print(f"  left out: {peer} ({reason})")
    if not options.without_ours:
        print("\n".join(verdicts(one, measured, folds)), flush=True)


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    stored = ROOT.parent / "shared" / "data" / "finance"
    parser.add_argument("--data", type=Path, default=stored, help="folder of the data sets (%(default)s)")
    parser.add_argument("--sets", type=names, default=list(SETS), help="of " + ",".join(SETS))
    parser.add_argument("--folds", type=numbers, default=[0, 1, 2], help="test folds (0,1,2)")
    parser.add_argument("--repeat", type=int, default=0, help="which of the stored splits (%(default)s)")
    peers = "logistic,lightgbm,catboost,optbinning,ebm"
    parser.add_argument("--peers", type=names, default=names(peers), help=f"of {peers}; none for us alone")
    parser.add_argument("--slow", action="store_true", help="EBM on the two larger sets as well")
    parser.add_argument("--autogluon", metavar="PYTHON", help="a Python that has autogluon.tabular")
    parser.add_argument("--without-ours", action="store_true", help="peers only")
    options = parser.parse_args(arguments)
    options.peers = [peer for peer in options.peers if peer not in ("none", "autogluon")]
    if options.autogluon:
        options.autogluon = str(Path(options.autogluon).absolute())
        options.peers.append("autogluon")
    if unknown := set(options.sets) - set(SETS):
        parser.error(f"unknown set {', '.join(sorted(unknown))}; known: {', '.join(SETS)}")
    return options


def names(text: str) -> list[str]:
    """Split a comma-separated list."""
    return [name.strip() for name in text.split(",") if name.strip()]


def numbers(text: str) -> list[int]:
    """Split a comma-separated list of whole numbers."""
    return [int(name) for name in names(text)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark and print its tables."""
    options = parsed(arguments)
    begun = time.perf_counter()
    for name in options.sets:
        if not (options.data / name / "data.csv.gz").exists():
            print(f"{name}: skipped, there is no {options.data / name} (name the folder with --data)")
            continue
        with tempfile.TemporaryDirectory(prefix="lepton-credit-risk-") as workspace:
            folds, absent = run_set(SETS[name], options, Path(workspace))
            report(SETS[name], options, folds, absent)
    print(
        f"\n{time.perf_counter() - begun:.0f} s in all. AUC, KS: more is better; the others: less is better."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The model that ``examples/monotone`` adds to credit risk, beside the task's own, on three public data sets.

For each stored fold, ``lepton run`` learns from the two others and is judged on the third: with each
model alone, with all models, and with all models where the extension is not installed. Means over folds.
The last column is in how many of the columns that have a direction the model that decides moves the
wrong way for some applicant.

    .venv/bin/python benchmarks/accuracy/monotone.py
    .venv/bin/python benchmarks/accuracy/monotone.py --sets german_credit --folds 0 --without-ensembles
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from credit_risk import ROOT, SETS, Set, names, numbers, write_fold

EXAMPLE = ROOT / "examples" / "monotone"
ALONE = ("boosting", "small trees", "logistic", "splines", "scorecard", "monotone/boosting")
SHOWN = {"auc": "AUC", "log_loss": "log loss", "ece": "ECE", "expected_cost": "cost"}


def installed(folder: Path) -> Path:
    """Install the extension where only our own runs look for it."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--target", str(folder), str(EXAMPLE)], check=True)
    return folder


def run(one: Set, folder: Path, site: Path | None, models: Sequence[str] = ()) -> dict[str, float]:
    """Carry out one run; return its metrics on the fold that it did not see."""
    special = ["--special", ",".join(map(str, one.special))] if one.special else []
    chosen = ["--models", ",".join(models)] if models else []
    command = [
        *(sys.executable, "-m", "lepton_platform", "run", "finance.credit-risk"),
        *("--data", "train.csv", "--test", "test.csv", "--target", one.target, "--positive", one.positive),
        *(*special, *chosen, "--json"),
    ]
    environment = {**os.environ, "PYTHONPATH": "" if site is None else str(site)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
    told = json.loads(done.stdout)
    scores = {name: told["metrics"][name]["value"] for name in SHOWN}
    return {**scores, **({} if site is None else turning(Path(told["report"])))}


def turning(report: Path) -> dict[str, float]:
    """Read from the report in how many columns the model that decides moves the wrong way."""
    page = report.read_text(encoding="utf-8")
    if found := re.search(r"wrong way in (\d+|none) of (\d+) columns", page):
        return {"turning": 0.0 if found[1] == "none" else float(found[1]), "columns": float(found[2])}
    return {}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark and print a table per data set."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    stored = ROOT.parent / "shared" / "data" / "finance"
    parser.add_argument("--data", type=Path, default=stored, help="folder of the data sets (%(default)s)")
    parser.add_argument("--sets", type=names, default=list(SETS), help="of " + ",".join(SETS))
    parser.add_argument("--folds", type=numbers, default=[0, 1, 2], help="test folds (0,1,2)")
    parser.add_argument("--without-ensembles", action="store_true", help="each model alone only")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="lepton-monotone-") as temporary:
        site = installed(Path(temporary) / "site")
        ways = {name: (site, [name]) for name in ALONE}
        if not options.without_ensembles:
            ways |= {"all, with the extension": (site, []), "all, without it": (None, [])}
        for name in options.sets:
            if not (options.data / name / "data.csv.gz").exists():
                print(f"{name}: skipped, there is no {options.data / name} (name the folder with --data)")
                continue
            data = pd.read_csv(options.data / name / "data.csv.gz")
            held = pd.read_csv(options.data / name / "folds.csv.gz")["repeat0"].to_numpy()
            rows = []
            for fold in options.folds:
                folder = Path(temporary) / f"{name}-{fold}"
                folder.mkdir()
                write_fold(data, held, fold, SETS[name], folder)
                for way, (where, models) in ways.items():
                    rows.append({"": way, **run(SETS[name], folder, where, models)})
                    print(f"{name} fold {fold}: {way}", file=sys.stderr)
            table = pd.DataFrame(rows).groupby("", sort=False).mean().rename(columns=SHOWN)
            print(f"\n{name}, {len(data):,} rows, folds {', '.join(map(str, options.folds))}")
            print(
                table.sort_values("AUC", ascending=False).to_string(float_format="{:.4f}".format), flush=True
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())

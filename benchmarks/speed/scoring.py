"""Scoring: ``lepton decide`` on millions of rows of Parquet beside bare ``booster.predict``.

Makes a Parquet file of 20 numeric columns in row groups (seeded, in chunks), lets ``lepton run`` train
boosted trees on 20,000 rows of the same kind, takes the very booster out of that run, and scores the file
twice by each, in turn: ``lepton decide --set reasons=0``, and a bare script that reads batches, calls
``booster.predict`` and writes the probabilities to Parquet. What is measured, each in a process of its
own, start-up included: wall seconds, CPU seconds and peak resident memory. Bars: under 1 GB, and a speed
of at least 0.8 of the bare script's (median of its wall seconds over ours). Checked: as many rows out as in,
and our probabilities are the bare ones but for the calibration's two numbers. Then, without a bar, the
default ensemble with reason codes on 100,000 rows. With ``--rows`` below a million or so, start-up (ours
imports more) decides the ratio: use it to try the script, not to read it.

    .venv/bin/python benchmarks/speed/scoring.py
    .venv/bin/python benchmarks/speed/scoring.py --rows 500000 --repetitions 1 --no-ensemble
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

# Nothing heavy is imported here: a child's peak memory counts from its parent's at the fork.

LEPTON = str(Path(sys.executable).with_name("lepton"))
APPLICATION = "finance.credit-risk"
COLUMNS = 20
CHUNK = 250_000
BATCH = 100_000
MOST_MEMORY = 1.0
SLOWEST = 0.8


class Cost(NamedTuple):
    """What one process took."""

    wall: float
    cpu: float
    gigabytes: float


def once(command: Sequence[str], folder: Path) -> Cost:
    """Run a command in ``folder`` to its end and return what it took."""
    begun = time.perf_counter()
    with (folder / "stdout").open("w") as out, (folder / "stderr").open("w") as err:
        child = subprocess.Popen(command, cwd=folder, stdout=out, stderr=err)
        _, status, usage = os.wait4(child.pid, 0)
    wall = time.perf_counter() - begun
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed:\n{(folder / 'stderr').read_text()[-2000:]}")
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e9)


def worker(name: str, *arguments: object) -> list[str]:
    """Return the command that runs one of the workers below in a process of its own."""
    return [sys.executable, str(Path(__file__).resolve()), "--worker", name, *map(str, arguments)]


# -------------------------------------------------------------------------- workers, each a process


def make(path: str, rows: str, seed: str) -> None:
    """Write made-up loans: Parquet without outcomes, CSV with them."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if path.endswith(".csv"):
        table, outcome = next(loans(int(rows), int(seed)))
        table.assign(default=outcome).to_csv(path, index=False)
        return
    writer = None
    for table, _ in loans(int(rows), int(seed)):
        chunk = pa.Table.from_pandas(table, preserve_index=False)
        writer = writer or pq.ParquetWriter(path, chunk.schema)
        writer.write_table(chunk, row_group_size=CHUNK)
    if writer is not None:
        writer.close()


def loans(rows: int, seed: int) -> Iterator[tuple[Any, Any]]:
    """Yield chunks of features and outcomes; the outcome depends on them in one way for every seed."""
    import numpy as np
    import pandas as pd

    weights = np.random.default_rng(0).normal(0, 0.5, COLUMNS)
    rng = np.random.default_rng(seed)
    for start in range(0, rows, CHUNK):
        X = rng.normal(size=(min(CHUNK, rows - start), COLUMNS)).round(4)
        score = X @ weights + 0.7 * X[:, 0] * X[:, 1] - 1.5
        y = (rng.random(len(X)) < 1 / (1 + np.exp(-score))).astype(int)
        yield pd.DataFrame(X, columns=[f"x{number}" for number in range(COLUMNS)]), y


def extract(runs: str, booster: str) -> None:
    """Write the one booster inside the newest run's model as LightGBM's own text."""
    from lepton_platform import store
    from lepton_platform.run import reopen

    run = reopen(store.last_good_run(Path(runs), APPLICATION))
    found = list({id(one): one for one in boosters(run.model)}.values())
    if len(found) != 1:
        raise SystemExit(f"the model holds {len(found)} boosters; the comparison needs one")
    found[0].save_model(booster)


def boosters(model: Any, depth: int = 20) -> Iterator[Any]:
    """Yield the LightGBM boosters inside a fitted model."""
    if type(model).__name__ == "Booster":
        yield model
    elif depth and isinstance(model, list | tuple):
        for part in model:
            yield from boosters(part, depth - 1)
    elif depth and hasattr(model, "get_params"):
        yield from boosters(list(vars(model).values()), depth - 1)


def bare(booster: str, data: str, out: str) -> None:
    """Score a Parquet file with nothing but pyarrow, numpy and LightGBM."""
    import lightgbm
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    model = lightgbm.Booster(model_file=booster)
    schema = pa.schema([("case", pa.int64()), ("probability", pa.float64())])
    start = 0
    with pq.ParquetWriter(out, schema) as writer, pq.ParquetFile(data) as file:
        for batch in file.iter_batches(batch_size=BATCH):
            X = np.column_stack([column.to_numpy() for column in batch.columns])
            case = np.arange(start, start + len(X))
            writer.write_table(pa.table([case, model.predict(X)], schema=schema))
            start += len(X)


def check(ours: str, theirs: str, rows: str) -> None:
    """Print how far our log-odds are from a straight line in the bare ones; stop if rows are missing."""
    import numpy as np
    import pyarrow.parquet as pq
    from scipy.special import logit

    first, second = (pq.read_table(path, columns=["case", "probability"]) for path in (ours, theirs))
    for table in (first, second):
        if table.num_rows != int(rows) or not table["case"].to_numpy().tolist() == list(range(int(rows))):
            raise SystemExit("not every row was scored once, in file order")
    y, x = logit(first["probability"].to_numpy()), logit(second["probability"].to_numpy())
    slope, intercept = np.polyfit(x, y, 1)
    print(json.dumps({"slope": slope, "residual": float(np.abs(y - slope * x - intercept).max())}))


WORKERS = {"make": make, "extract": extract, "bare": bare, "check": check}


# ------------------------------------------------------------------------------------- the benchmark


def train(folder: Path, models: Sequence[str]) -> Cost:
    """Train with the application; ``models`` empty is its default."""
    asked = ["--models", ",".join(models)] if models else []
    command = [LEPTON, "run", APPLICATION, "--data", "train.csv", "--target", "default", "--positive", "1"]
    return once([*command, *asked, "--seed", "0", "--out", "runs"], folder)


def decide(folder: Path, data: str, *settings: str) -> Cost:
    """Decide every row of ``data`` with the newest run."""
    options = [word for setting in settings for word in ("--set", setting)]
    command = [LEPTON, "decide", APPLICATION, "--data", data, "--out", "ours.parquet", "--runs", "runs"]
    return once([*command, *options], folder)


def compare(folder: Path, rows: int, repetitions: int) -> dict[str, list[Cost]]:
    """Score the big file by both, in turn."""
    costs: dict[str, list[Cost]] = {"bare booster.predict": [], "lepton decide": []}
    for _ in range(repetitions):
        bare_command = worker("bare", "booster.txt", "big.parquet", "bare.parquet")
        costs["bare booster.predict"].append(once(bare_command, folder))
        costs["lepton decide"].append(decide(folder, "big.parquet", "reasons=0"))
        print(".", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    once(worker("check", "ours.parquet", "bare.parquet", rows), folder)
    return costs


def line(name: str, rows: int, cost: Cost) -> str:
    """Return one line of the table."""
    speed = f"{rows / cost.wall:,.0f}"
    return f"  {name:<26}{cost.wall:9.1f}{cost.cpu:9.1f}{speed:>16}{cost.gigabytes:10.2f}"


def report(folder: Path, rows: int, costs: dict[str, list[Cost]]) -> None:
    """Print both, the bars, and that both did the same."""
    for name, runs in costs.items():
        for cost in runs:
            print(line(name, rows, cost))
    theirs, ours = costs.values()
    speed = median(one.wall for one in theirs) / median(one.wall for one in ours)
    memory = max(one.gigabytes for one in ours)
    agreement = json.loads((folder / "stdout").read_text())
    print(f"\n  {verdict(memory < MOST_MEMORY)}  peak memory {memory:.2f} GB, under {MOST_MEMORY:g} GB")
    print(f"  {verdict(speed >= SLOWEST)}  speed bare / ours {speed:.2f}, at least {SLOWEST}")
    same = verdict(agreement["residual"] < 1e-6)
    line_of = f"{agreement['slope']:.4f} of the bare ones plus a constant, to {agreement['residual']:.0e}"
    print(f"  {same}  same trees: our log-odds are {line_of}")


def verdict(met: bool) -> str:
    """Return the word in front of a bar."""
    return f"{'met' if met else 'MISSED':<10}"


def ensemble(folder: Path, rows: int) -> None:
    """Print what the default ensemble with reason codes costs."""
    once(worker("make", "some.parquet", rows, 3), folder)
    trained = train(folder, [])
    print(f"\nThe default ensemble on {rows:,} rows (trained in {trained.wall:.0f} s), without a bar")
    print(line("lepton decide, 4 reasons", rows, decide(folder, "some.parquet")))
    print(line("lepton decide, no reasons", rows, decide(folder, "some.parquet", "reasons=0")))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; or, as a worker, do one part."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words[:1] == ["--worker"]:
        WORKERS[words[1]](*words[2:])
        return 0
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=5_000_000, help="rows to score (%(default)s)")
    parser.add_argument("--repetitions", type=int, default=2, help="of each (%(default)s)")
    parser.add_argument("--no-ensemble", action="store_true", help="leave out the default ensemble")
    parser.add_argument("--ensemble-rows", type=int, default=100_000, help="(%(default)s)")
    options = parser.parse_args(words)
    with tempfile.TemporaryDirectory(prefix="lepton-scoring-") as name:
        folder = Path(name)
        once(worker("make", "train.csv", 20_000, 1), folder)
        once(worker("make", "big.parquet", options.rows, 2), folder)
        train(folder, ["boosting"])
        once(worker("extract", "runs", "booster.txt"), folder)
        size = (folder / "big.parquet").stat().st_size / 1e6
        print(f"{options.rows:,} rows x {COLUMNS} numbers, {size:,.0f} MB of Parquet\n")
        print(f"  {'':<26}{'wall s':>9}{'CPU s':>9}{'rows / s':>16}{'peak GB':>10}")
        report(folder, options.rows, compare(folder, options.rows, options.repetitions))
        if not options.no_ensemble:
            ensemble(folder, options.ensemble_rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())

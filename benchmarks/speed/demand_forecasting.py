"""Scale of retail.demand-forecasting: time and memory of ``lepton run`` as the series become more.

Makes weekly sales of many items over two years (seeded; levels from 1 to 60 a week, a season, overdispersed
counts) as a long Parquet file and lets ``lepton run`` forecast the last eight weeks, its defaults, report
and all. Measured of the whole command, each size in a process of its own: wall seconds, CPU seconds and
peak resident memory. Bars: under 2 GB, and CPU seconds per series not above those of the smallest size
(linear, beside what a run costs anyway). Checked: a finite row of quantiles per series and week, in order.

    .venv/bin/python benchmarks/speed/demand_forecasting.py
    .venv/bin/python benchmarks/speed/demand_forecasting.py --series 10000
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

# Nothing heavy is imported here: a child's peak memory counts from its parent's at the fork.

LEPTON = str(Path(sys.executable).with_name("lepton"))
WEEKS, HORIZON = 104, 8
CHUNK = 2_000
"""Series that are made at once."""
MOST_MEMORY = 2.0


class Cost(NamedTuple):
    """What one process took."""

    wall: float
    cpu: float
    gigabytes: float


def once(command: Sequence[str], log: Path) -> Cost:
    """Run a command to its end and return what it took."""
    begun = time.perf_counter()
    with log.open("w") as written:
        child = subprocess.Popen(command, stdout=written, stderr=written)
        _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed:\n{log.read_text()[-2000:]}")
    seconds = time.perf_counter() - begun
    return Cost(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e9)


# -------------------------------------------------------------------------- workers, each a process


def make(path: str, series: str) -> None:
    """Write made-up sales as Parquet, a row per item and week."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(0)
    writer = None
    for first in range(0, int(series), CHUNK):
        count = min(CHUNK, int(series) - first)
        level = np.exp(rng.uniform(0, 4.1, (count, 1)))
        week = np.arange(1, WEEKS + 1)
        phase = rng.uniform(0, 2 * np.pi, (count, 1))
        expected = level * (1 + 0.4 * np.sin(2 * np.pi * week / 52 + phase))
        units = rng.negative_binomial(4, 4 / (4 + expected))
        table = pa.table(
            {
                "item": np.repeat(np.char.add("item ", np.arange(first, first + count).astype(str)), WEEKS),
                "week": np.tile(week, count).astype(np.int32),
                "units": units.ravel().astype(np.int32),
            }
        )
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    if writer is not None:
        writer.close()


def examine(runs: str, series: str) -> None:
    """Raise unless there is a forecast of each series and week held out."""
    import numpy as np
    import pandas as pd

    (path,) = Path(runs).glob("*/*/predictions.parquet")
    told = pd.read_parquet(path)
    quantiles = told.filter(regex="^q").to_numpy()
    if len(told) != HORIZON * int(series) or told["series"].nunique() != int(series):
        raise SystemExit(f"{len(told):,} forecasts of {told['series'].nunique():,} series were made")
    if not (np.isfinite(quantiles).all() and (np.diff(quantiles, axis=1) >= 0).all()):
        raise SystemExit("quantiles are missing or out of order")


WORKERS = {"make": make, "examine": examine}


def worker(name: str, *arguments: object) -> list[str]:
    """Return the command that runs one of the workers in a process of its own."""
    return [sys.executable, str(Path(__file__).resolve()), "--worker", name, *map(str, arguments)]


# --------------------------------------------------------------------------------------- measuring


def measure(series: int, folder: Path) -> Cost:
    """Return what forecasting so many series took."""
    data, runs, log = folder / "sales.parquet", folder / "runs", folder / "log"
    once(worker("make", data, series), log)
    asked = ["--series", "item", "--time", "week", "--value", "units", "--horizon", str(HORIZON)]
    command = [LEPTON, "run", "retail.demand-forecasting", "--data", str(data), *asked, "--out", str(runs)]
    cost = once(command, log)
    once(worker("examine", runs, series), log)
    return cost


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure each size, the smallest first, and print a row of each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--series", default="10000,100000", help="numbers of series (%(default)s)")
    parser.add_argument("--worker", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.worker:
        WORKERS[options.worker[0]](*options.worker[1:])
        return 0
    print(f"{'series':>9} {'wall s':>8} {'CPU s':>8} {'peak GB':>8} {'CPU ms a series':>16}")
    costs: dict[int, Cost] = {}
    for series in sorted(map(int, options.series.split(","))):
        with tempfile.TemporaryDirectory(prefix="lepton-scale-") as folder:
            costs[series] = cost = measure(series, Path(folder))
        each = 1000 * cost.cpu / series
        row = f"{series:>9,} {cost.wall:>8.0f} {cost.cpu:>8.0f} {cost.gigabytes:>8.2f} {each:>16.2f}"
        print(row, flush=True)
    least, most = min(costs), max(costs)
    memory = costs[most].gigabytes
    print(f"  {'met' if memory < MOST_MEMORY else 'MISSED':<8}peak {memory:.2f} GB, bar {MOST_MEMORY} GB")
    if least < most:
        growth = (costs[most].cpu / most) / (costs[least].cpu / least)
        print(f"  {'met' if growth <= 1 else 'MISSED':<8}CPU a series, most over fewest {growth:.2f}, bar 1")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Deciding on a fleet's log: memory that stays flat, cost that grows linearly.

A model is learned from 40 simulated units; ``lepton decide`` then reads logs of more and more units, each
of 500 rows and 20 sensors, from Parquet. Printed per size: CPU seconds, CPU per unit, and peak memory of
the process. The full size is ``--units 10000`` (5 million rows).

    .venv/bin/python benchmarks/speed/fleet.py
    .venv/bin/python benchmarks/speed/fleet.py --units 2500,5000,10000
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

LEPTON = str(Path(sys.executable).with_name("lepton"))
ROWS, SENSORS, BLOCK = 500, 20, 200
APPLICATION = "manufacturing.predictive-maintenance"


def log(first: int, units: int, rows: int, rng: np.random.Generator) -> pd.DataFrame:
    """Return units whose sensors drift with the square of age, each at its own pace."""
    pace = np.repeat(rng.uniform(0.7, 1.3, units), rows)
    cycle = np.tile(np.arange(1, rows + 1), units)
    wear = (pace * cycle / rows) ** 2
    gain = rng.normal(0, 1, SENSORS)
    values = wear[:, None] * gain + rng.normal(0, 0.3, (units * rows, SENSORS))
    table = pd.DataFrame(values, columns=[f"s{n}" for n in range(SENSORS)])
    table.insert(0, "cycle", cycle)
    table.insert(0, "unit", np.repeat(np.arange(first, first + units), rows))
    return table


def written(path: Path, units: int, seed: int = 1) -> Path:
    """Write a log block by block, so that making it needs no memory either."""
    writer = None
    for first in range(0, units, BLOCK):
        rows = log(first, min(BLOCK, units - first), ROWS, np.random.default_rng(seed + first))
        table = pa.Table.from_pandas(rows, preserve_index=False)
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    assert writer is not None
    writer.close()
    return path


def cost(arguments: list[str], folder: Path) -> tuple[float, float]:
    """Return CPU seconds of a lepton command and its peak memory, MB."""
    with (folder / "stderr").open("w") as err:
        child = subprocess.Popen([LEPTON, *arguments], cwd=folder, stdout=subprocess.DEVNULL, stderr=err)
        _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise SystemExit((folder / "stderr").read_text()[-2000:])
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--units", default="250,500,1000")
    sizes = [int(size) for size in parser.parse_args().units.split(",")]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        log(0, 40, 200, np.random.default_rng(0)).to_parquet(folder / "train.parquet")
        options = ["--data", "train.parquet", "--models", "boosting", "--cap", "125"]
        cost(["run", APPLICATION, *options], folder)
        rows = []
        for size in sizes:
            path = written(folder / "log.parquet", size)
            begun = time.perf_counter()
            asked = ["--data", path.name, "--out", "out.parquet"]
            seconds, memory = cost(["decide", APPLICATION, *asked], folder)
            decided = len(pd.read_parquet(folder / "out.parquet"))
            assert decided == size, f"{decided} decisions for {size} units"
            rows.append(
                {
                    "units": size,
                    "rows": size * ROWS,
                    "CPU s": round(seconds, 1),
                    "CPU ms per unit": round(1000 * seconds / size, 1),
                    "peak MB": round(memory),
                    "wall s": round(time.perf_counter() - begun, 1),
                }
            )
    print(pd.DataFrame(rows).to_string(index=False))
    growth = rows[-1]["peak MB"] / rows[0]["peak MB"]
    print(f"bar: flat memory; {sizes[-1] / sizes[0]:g} times the units take {growth:.2f} times the memory")


if __name__ == "__main__":
    main()

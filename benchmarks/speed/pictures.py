"""Pictures by the hundred thousand: memory and time of ``lepton run`` and ``lepton decide`` on archives.

Makes two archives in MedMNIST's layout (28 x 28 in colour, 8 classes: ellipses in noise, seeded; 70 %
train, 10 % val, 20 % test), the second ten times as large. ``lepton run`` learns from each; then one model
decides all pictures of each, read in batches. The model that decides was learned within 120 seconds, which
the run's findings describe. What is measured, each in a process of its own: wall seconds, CPU seconds, peak
resident memory. Bar: deciding ten times as many pictures takes at most 1.15 times the memory. Checked: one
decision per picture. The growth of ``lepton run`` is stated: it learns from the features of all at once.

    .venv/bin/python benchmarks/speed/pictures.py
    .venv/bin/python benchmarks/speed/pictures.py --pictures 1000 --only decide
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

# Nothing heavy is imported here: a child's peak memory counts from its parent's at the fork.

LEPTON = str(Path(sys.executable).with_name("lepton"))
APPLICATION = "medical.diagnosis-aid"
MOST_GROWTH = 1.15


class Cost(NamedTuple):
    """What one process took."""

    wall: float
    cpu: float
    gigabytes: float

    def __str__(self) -> str:
        return f"{self.wall:7.0f} s, {self.cpu:6.0f} CPU s, peak {self.gigabytes:.2f} GB"


def once(command: list[str], folder: Path) -> Cost:
    """Run a command in ``folder`` to its end and return what it took; its stdout is in ``stdout``."""
    begun = time.perf_counter()
    with (folder / "stdout").open("w") as out, (folder / "stderr").open("w") as err:
        child = subprocess.Popen(command, cwd=folder, stdout=out, stderr=err)
        _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed:\n{(folder / 'stderr').read_text()[-2000:]}")
    wall = time.perf_counter() - begun
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e9)


def make(path: str, pictures: str, parts: str) -> None:
    """Write an archive; in a process of its own."""
    import numpy as np

    rng, arrays = np.random.default_rng(0), {}
    y, x = np.mgrid[:28, :28] / 28
    for split, share in (("train", 0.7), ("val", 0.1), ("test", 0.2)) if parts == "all" else (("test", 1.0),):
        n = round(share * int(pictures))
        labels, stack = rng.integers(0, 8, n), np.empty((n, 28, 28, 3), np.uint8)
        for start in range(0, n, 2000):
            some = labels[start : start + 2000]
            angle = (np.pi * (some + rng.normal(0, 0.35, len(some))) / 8)[:, None, None]
            across, down = x - rng.normal(0.5, 0.1, angle.shape), y - rng.normal(0.5, 0.1, angle.shape)
            along = (across * np.cos(angle) + down * np.sin(angle)) / 0.38
            beside = (down * np.cos(angle) - across * np.sin(angle)) / 0.15
            grey = 90 + 80 * (along**2 + beside**2 < 1) + rng.normal(0, 25, (len(some), 28, 28))
            tint = np.array([20, 0, -20]) * rng.random((len(some), 1, 1, 1))
            stack[start : start + 2000] = np.clip(grey[..., None] + tint, 0, 255)
        arrays |= {f"{split}_images": stack, f"{split}_labels": labels[:, None].astype(np.uint8)}
    np.savez_compressed(path, **arrays)


def archive(folder: Path, pictures: int, parts: str) -> str:
    path = folder / f"{pictures}-{parts}.npz"
    once([sys.executable, str(Path(__file__).resolve()), "--make", str(path), str(pictures), parts], folder)
    return str(path)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pictures", type=int, default=10_000, help="in the small archive")
    parser.add_argument("--only", choices=["run", "decide"])
    parser.add_argument("--make", nargs=3, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.make:
        make(*asked.make)
        return
    sizes = (asked.pictures, 10 * asked.pictures)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run = [LEPTON, "run", APPLICATION, "--json", "--data"]
        if asked.only != "decide":
            costs = []
            for pictures in sizes:
                costs.append(once([*run, archive(folder, pictures, "all")], folder))
                found = json.loads((folder / "stdout").read_text())
                told = f"{found['selected_by']} {found['gain_over_baseline']['value']:+.3f} over the baseline"
                print(f"run     {pictures:>9,} pictures: {costs[-1]}; {told}", flush=True)
            growth = costs[1].gigabytes - costs[0].gigabytes
            print(f"run     memory grows by {1e6 * growth / (sizes[1] - sizes[0]):.1f} KB a picture")
        if asked.only != "run":
            once([*run, archive(folder, sizes[0], "all"), "--budget", "120s"], folder)
            costs = []
            for pictures in sizes:
                decide = [LEPTON, "decide", APPLICATION, "--data", archive(folder, pictures, "test")]
                costs.append(once([*decide, "--out", "decisions.parquet", "--json"], folder))
                if json.loads((folder / "stdout").read_text())["cases"] != pictures:
                    raise SystemExit(f"not {pictures} decisions")
                print(f"decide  {pictures:>9,} pictures: {costs[-1]}", flush=True)
            growth = costs[1].gigabytes / costs[0].gigabytes
            met = "met" if growth <= MOST_GROWTH else "MISSED"
            print(f"decide  ten times as many take {growth:.2f} of the memory, bar {MOST_GROWTH}: {met}")


if __name__ == "__main__":
    main()

"""Start-up: ``lepton --help`` beside a bare click program with the same five subcommands.

Both are console scripts of the same interpreter, run in turn. What is measured: CPU seconds (user and
system) of the process, median of 30 runs, and their ratio; the bar is 1.3. Wall time stands beside it.
``--plugins 50`` puts that many made-up plugins on the path of both. Also printed: whether ``--help``
imports any of the heavy libraries, which it must not.

    .venv/bin/python benchmarks/speed/startup.py
    .venv/bin/python benchmarks/speed/startup.py --repetitions 10 --plugins 50
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
from statistics import median
from typing import NamedTuple

BAR = 1.3
LEPTON = Path(sys.executable).with_name("lepton")
HEAVY = ("pandas", "numpy", "sklearn", "lightgbm", "pydantic", "torch", "scipy", "pyarrow")
BARE = '''
import click

@click.group()
@click.version_option("0.1.0")
def main():
    """From a raw file to decisions."""
'''
SUBCOMMAND = '''
@main.command()
@click.option("--data", help="Cases.")
def {name}(data):
    """{help}"""
'''


class Cost(NamedTuple):
    """Seconds of one process."""

    cpu: float
    wall: float


def write_bare(folder: Path) -> Path:
    """Write the bare program as pip installs one: a script of two lines and a module beside it."""
    from lepton_platform.cli import COMMANDS

    commands = "".join(SUBCOMMAND.format(name=name, help=said) for name, said in COMMANDS.items())
    (folder / "bare_click.py").write_text(BARE + commands, encoding="utf-8")
    script = folder / "bare"
    started = LEPTON.read_text(encoding="utf-8").replace("lepton_platform.cli", "bare_click")
    script.write_text(started, encoding="utf-8")
    script.chmod(0o755)
    return script


def write_plugins(folder: Path, count: int) -> None:
    """Write the metadata of made-up plugins, each with one application."""
    for number in range(count):
        about = folder / f"lepton_made_up_{number}-0.1.dist-info"
        about.mkdir()
        name = f"Metadata-Version: 2.1\nName: lepton-made-up-{number}\nVersion: 0.1\n"
        (about / "METADATA").write_text(name, encoding="utf-8")
        entry = f"[lepton.applications]\nmade-up.number-{number} = made_up_{number}\n"
        (about / "entry_points.txt").write_text(entry, encoding="utf-8")


def once(command: Sequence[str], environment: dict[str, str]) -> Cost:
    """Run a command to its end and return what it cost."""
    begun = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment)
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.perf_counter() - begun
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise SystemExit(f"{' '.join(command)} ended with exit code {child.returncode}")
    return Cost(usage.ru_utime + usage.ru_stime, wall)


def measured(
    programs: dict[str, list[str]], repetitions: int, environment: dict[str, str]
) -> dict[str, Cost]:
    """Return the median cost of each program; they take turns, after one run each to warm up."""
    costs: dict[str, list[Cost]] = {name: [] for name in programs}
    for _ in range(repetitions + 1):
        for name, command in programs.items():
            costs[name].append(once(command, environment))
    return {
        name: Cost(median(one.cpu for one in runs[1:]), median(one.wall for one in runs[1:]))
        for name, runs in costs.items()
    }


def heavy_imports() -> list[str]:
    """Return the heavy libraries that ``lepton --help`` imports."""
    code = (
        "import contextlib, io, sys\n"
        "from lepton_platform.cli import main\n"
        "with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):\n"
        "    main(['--help'])\n"
        f"print(*[name for name in {HEAVY} if name in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return said.stdout.split()


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repetitions", type=int, default=30, help="runs of each (%(default)s)")
    parser.add_argument("--plugins", type=int, default=0, help="made-up plugins beside (%(default)s)")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="lepton-startup-") as name:
        folder = Path(name)
        programs = {"bare click --help": [str(write_bare(folder)), "--help"]}
        programs |= {"lepton --help": [str(LEPTON), "--help"], "lepton list": [str(LEPTON), "list"]}
        if options.plugins:
            del programs["lepton list"]  # made-up plugins cannot be imported
        write_plugins(folder, options.plugins)
        costs = measured(programs, options.repetitions, {**os.environ, "PYTHONPATH": name})
    bare = costs["bare click --help"]
    print(f"Median of {options.repetitions} runs, {options.plugins} made-up plugins on the path\n")
    print(f"  {'':<18}  {'CPU ms':>7}  {'ratio':>5}  {'wall ms':>7}  {'ratio':>5}")
    for name, cost in costs.items():
        cpu, wall = f"{1000 * cost.cpu:7.1f}", f"{1000 * cost.wall:7.1f}"
        print(f"  {name:<18}  {cpu}  {cost.cpu / bare.cpu:5.2f}  {wall}  {cost.wall / bare.wall:5.2f}")
    ratio = costs["lepton --help"].cpu / bare.cpu
    verdict = "met" if ratio <= BAR else "MISSED"
    print(f"\n  {verdict:<10}  lepton --help / bare click {ratio:.2f}, at most {BAR}")
    heavy = heavy_imports()
    print(f"  {'MISSED' if heavy else 'met':<10}  heavy imports of --help: {', '.join(heavy) or 'none'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

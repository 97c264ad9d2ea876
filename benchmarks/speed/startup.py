"""Start-up with many plugins: ``lepton`` beside bare click and beside hosts that load every plugin.

Made-up plugins are installed for each host in its own way: 50, five of which import pandas, scikit-learn,
LightGBM and torch at the top (where these are installed). Then all programs are run in turn as console
scripts. What is measured: CPU seconds (user and system) of the process, median of the runs, and the ratio
to a bare click program with the same subcommands; wall time and the number of modules imported stand
beside. Bars: 1.3 for ``lepton --help``, 1.5 for ``lepton list``, 1.15 for modules; and 200 plugins in place
of 50 may cost 10 % more.

Datasette and llm are installed by pip into an environment of their own, which sees this one's libraries
behind its own; where that fails, a line says so.

    .venv/bin/python benchmarks/speed/startup.py
    .venv/bin/python benchmarks/speed/startup.py --repetitions 10 --no-peers
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys
import sysconfig
import tempfile
import time
import venv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

LEPTON = Path(sys.executable).with_name("lepton")
PEERS = ("datasette", "llm")
HEAVY = ("pandas", "numpy", "sklearn", "lightgbm", "pydantic", "torch", "scipy", "pyarrow")
AT_THE_TOP = ("pandas", "sklearn", "lightgbm", "torch")
"""What the heavy plugins import."""
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
PLUGINS = {
    "lepton.applications": """
from lepton_platform import Application, Config, Field

class Options(Config):
    offer_cost: float = Field(8.0, gt=0, description="price of one retention offer, EUR")
    saved_value: float = Field(60.0, gt=0, description="value of a customer who stays, EUR")

application = Application("Rank customers by their risk of leaving", task="binary", config=Options)
""",
    "datasette": """
from datasette import hookimpl

@hookimpl
def extra_template_vars():
    return {}
""",
    "llm": """
import llm

@llm.hookimpl
def register_models(register):
    pass
""",
}
"""Entry-point group → a plugin of that host."""


class Cost(NamedTuple):
    """Seconds of one process."""

    cpu: float
    wall: float


class Program(NamedTuple):
    """A command, and the folders that it finds plugins in."""

    command: list[str]
    environment: Mapping[str, str]


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


def install_plugins(folder: Path, group: str, count: int, heavy: int) -> Path:
    """Write made-up plugins as pip leaves them: a module and a metadata folder each."""
    folder.mkdir(parents=True, exist_ok=True)
    libraries = [name for name in AT_THE_TOP if importlib.util.find_spec(name) is not None]
    for number in range(count):
        name = f"made-up-{number}"
        module = name.replace("-", "_")
        imports = f"import {', '.join(libraries)}\n" if number < heavy else ""
        (folder / f"{module}.py").write_text(imports + PLUGINS[group], encoding="utf-8")
        about = folder / f"{module}-0.1.dist-info"
        about.mkdir()
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.1\n"
        (about / "METADATA").write_text(metadata, encoding="utf-8")
        entry = "made-up.number" if group.startswith("lepton") else "made_up"
        (about / "entry_points.txt").write_text(f"[{group}]\n{entry}-{number} = {module}\n", encoding="utf-8")
    return folder


def peers(folder: Path, count: int, heavy: int) -> Iterator[tuple[str, Program]]:
    """Install each peer with its plugins; say why, where that cannot be done."""
    for name in PEERS:
        home = folder / name
        venv.create(home, with_pip=True)
        install = [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", name]
        done = subprocess.run(install, capture_output=True, text=True)
        if done.returncode != 0:
            print(f"  {name} is left out: pip cannot install it ({done.stderr.strip().splitlines()[-1]})")
            continue
        site = Path(sysconfig.get_path("purelib", "venv", {"base": str(home), "platbase": str(home)}))
        install_plugins(site, name, count, heavy)
        (site / "behind.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
        yield f"{name} --help", Program([str(home / "bin" / name), "--help"], os.environ)


def once(program: Program) -> Cost:
    """Run a program to its end and return what it cost."""
    begun = time.perf_counter()
    child = subprocess.Popen(program.command, stdout=subprocess.DEVNULL, env=program.environment)
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.perf_counter() - begun
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise SystemExit(f"{' '.join(program.command)} ended with exit code {child.returncode}")
    return Cost(usage.ru_utime + usage.ru_stime, wall)


def measured(programs: Mapping[str, Program], repetitions: int) -> dict[str, Cost]:
    """Return the median cost of each program; they take turns, after one run each to warm up."""
    costs: dict[str, list[Cost]] = {name: [] for name in programs}
    for _ in range(repetitions + 1):
        for name, program in programs.items():
            costs[name].append(once(program))
    return {
        name: Cost(median(one.cpu for one in runs[1:]), median(one.wall for one in runs[1:]))
        for name, runs in costs.items()
    }


def imported(program: Program) -> set[str]:
    """Return the modules that a Python program imports."""
    script = Path(program.command[0])
    interpreter = script.read_text(encoding="utf-8").splitlines()[0].removeprefix("#!")
    command = [interpreter, "-X", "importtime", *program.command]
    done = subprocess.run(command, env=program.environment, capture_output=True, text=True, check=True)
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip() for line in lines[1:]}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repetitions", type=int, default=30, help="runs of each (%(default)s)")
    parser.add_argument("--plugins", type=int, default=50, help="made-up plugins (%(default)s)")
    parser.add_argument("--heavy", type=int, default=5, help="of them import much at the top (%(default)s)")
    parser.add_argument("--more", type=int, default=200, help="made-up plugins to grow to (%(default)s)")
    parser.add_argument("--no-peers", action="store_true", help="leave Datasette and llm out")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="lepton-startup-") as name:
        return compare(Path(name), options)


def compare(folder: Path, options: argparse.Namespace) -> int:
    """Measure all programs in ``folder`` and print the table and the bars."""
    few, many = f"{options.plugins} plugins", f"{options.more} plugins"
    environments = {}
    for count in (options.plugins, options.more):
        site = install_plugins(folder / str(count), "lepton.applications", count, options.heavy)
        homes = {"XDG_CACHE_HOME": str(folder / "cache"), "XDG_CONFIG_HOME": str(folder / "config")}
        environments[count] = {**os.environ, **homes, "PYTHONPATH": f"{site}:{folder}"}
    near, far = environments[options.plugins], environments[options.more]
    programs = {
        "bare click --help": Program([str(write_bare(folder)), "--help"], near),
        "lepton --help": Program([str(LEPTON), "--help"], near),
        "lepton list": Program([str(LEPTON), "list"], near),
        "lepton run X --help": Program([str(LEPTON), "run", "made-up.number-1", "--help"], near),
        f"lepton --help, {many}": Program([str(LEPTON), "--help"], far),
        f"lepton list, {many}": Program([str(LEPTON), "list"], far),
    }
    first = once(programs["lepton --help"])
    if not options.no_peers:
        programs |= dict(peers(folder, options.plugins, options.heavy))
    costs = measured(programs, options.repetitions)
    modules = {name: imported(program) for name, program in programs.items()}

    bare = costs["bare click --help"]
    print(
        f"Median of {options.repetitions} runs; {few} unless said otherwise, {options.heavy} of them heavy\n"
    )
    print(
        f"  {'':<28}  {'CPU ms':>7}  {'ratio':>5}  {'wall ms':>7}  {'ratio':>5}  {'modules':>7}  {'ratio':>5}"
    )
    for name, cost in costs.items():
        count = len(modules[name])
        columns = (
            f"{1000 * cost.cpu:7.1f}  {cost.cpu / bare.cpu:5.2f}",
            f"{1000 * cost.wall:7.1f}  {cost.wall / bare.wall:5.2f}",
            f"{count:7}  {count / len(modules['bare click --help']):5.2f}",
        )
        print(f"  {name:<28}  {'  '.join(columns)}")
    print(f"\n  The first start after an installation reads all plugins: {first.wall:.1f} s wall\n")
    growth = costs[f"lepton --help, {many}"].cpu / costs["lepton --help"].cpu
    more_modules = len(modules["lepton --help"]) / len(modules["bare click --help"])
    bars = [
        ("lepton --help / bare click, CPU", costs["lepton --help"].cpu / bare.cpu, 1.3),
        ("lepton list / bare click, CPU", costs["lepton list"].cpu / bare.cpu, 1.5),
        ("lepton --help / bare click, modules", more_modules, 1.15),
        (f"lepton --help, {many} / {few}, CPU", growth, 1.1),
    ]
    for what, ratio, bar in bars:
        print(f"  {'met' if ratio <= bar else 'MISSED':<8}  {what} {ratio:.2f}, at most {bar}")
    ours = [found for name, found in modules.items() if name.startswith("lepton")]
    heavy = sorted({name for found in ours for name in found} & {*HEAVY})
    print(f"  {'MISSED' if heavy else 'met':<8}  heavy imports of lepton: {', '.join(heavy) or 'none'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""``lepton doctor``: what is installed, what is broken, and the command that repairs it."""

from __future__ import annotations

import importlib.util
import json
import platform
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import click

from lepton_platform import index
from lepton_platform.cli import COMMANDS
from lepton_platform.examination import Examined, examine

KINDS = ("applications", "extensions", "tasks")
PARTS = ("lepton-platform", "pluggy", "numpy", "pandas", "scikit-learn", "lightgbm", "skops", "optuna")
EXTRAS = {"catboost": "CatBoost joins the ensemble of tables (pip install lepton-platform[catboost])"}


@click.command("doctor")
@click.option(
    "--runs",
    type=click.Path(path_type=Path),
    default=Path("runs"),
    show_default=True,
    help="Folder of all runs: hooks that raised in the last ones are named.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def command(ctx: click.Context, runs: Path, as_json: bool) -> None:
    """Check this installation and say how to repair it. Exit code 3 if a plugin is broken.

    Every plugin is imported in a process of its own and its hooks are checked.
    """
    report = _report(examine(COMMANDS, runs))
    if as_json:
        click.echo(json.dumps(report))
    else:
        _tell(report)
    ctx.exit(3 if report["faults"] else 0)


def _report(examined: list[Examined]) -> dict[str, Any]:
    installed = index.read()
    plugins, choice = installed.head.plugins, installed.choice
    return {
        "python": f"{platform.python_version()} at {sys.executable}",
        "parts": {name: _version(name) for name in PARTS},
        "extras": {name: importlib.util.find_spec(name) is not None for name in EXTRAS},
        **{kind: [_named(one.entry) for one in examined if one.entry.kind == kind] for kind in KINDS},
        "idle": [_named(one.entry) | {"why": one.idle} for one in examined if one.idle],
        "printing": [_named(one.entry) | {"printed": one.printed} for one in examined if one.printed],
        "left out": [
            {"plugin": name, "state": choice.state(name), "remedy": choice.remedy(name)}
            for name in plugins
            if not choice.allows(name)
        ],
        "faults": [
            _named(one.entry)
            | {"cause": one.fault.cause, "place": one.fault.place, "remedy": one.fault.remedy}
            for one in examined
            if one.fault is not None
        ],
    }


def _named(entry: index.Entry) -> dict[str, str]:
    return {"name": entry.name, "plugin": str(entry), "module": entry.module}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return f"missing: pip install {name}"


def _tell(report: dict[str, Any]) -> None:
    click.echo(f"Python  {report['python']}")
    for name, number in report["parts"].items():
        click.echo(f"{name:<16} {number}")
    for name, present in report["extras"].items():
        click.echo(f"{name:<16} {'installed' if present else 'not installed: ' + EXTRAS[name]}")
    for kind in KINDS:
        click.echo(f"\n{kind.capitalize()}:" + ("" if report[kind] else " none"))
        for offer in report[kind]:
            click.echo(f"  {offer['name']:<28} {offer['plugin']:<28} {offer['module']}")
    if told := [*_remarks(report)]:
        click.echo("\nTo know:")
        for remark in told:
            click.echo(f"  - {remark}")
    click.echo("\nBroken:" if report["faults"] else "\nEverything that is installed can be loaded.")
    for fault in report["faults"]:
        click.echo(f"  ! {fault['name']} of {fault['plugin']}")
        for label in ("cause", "place", "remedy"):
            told_in_lines = fault[label].replace("\n", "\n           ")
            click.echo(f"    {label:<6} {told_in_lines}")


def _remarks(report: dict[str, Any]) -> Iterator[str]:
    for plugin in report["left out"]:
        yield f"{plugin['plugin']} is {plugin['state']}. {plugin['remedy']}"
    for one in report["idle"]:
        yield f"{one['name']} of {one['plugin']} has nothing to extend: {one['why']}"
    for one in report["printing"]:
        yield f"{one['name']} of {one['plugin']} prints when it is imported: {one['printed'].strip()[:200]!r}"

"""``lepton doctor``: what is installed, what is broken, and the command that repairs it."""

from __future__ import annotations

import importlib.util
import json
import platform
import sys
from importlib.metadata import PackageNotFoundError, version

import click

from lepton_platform import plugins

PARTS = ("lepton-platform", "pluggy", "numpy", "pandas", "scikit-learn", "lightgbm", "skops", "optuna")
EXTRAS = {"catboost": "CatBoost joins the ensemble of tables (pip install lepton-platform[catboost])"}


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> None:
    """Check this installation and say how to repair it. Exit code 3 if a plugin is broken."""
    faults = [str(error) for error in plugins.problems()]
    offered: dict[str, object] = {
        kind: [
            {"name": offer.name, "plugin": str(offer), "module": offer.module}
            for offer in plugins.offers(kind)
        ]
        for kind in plugins.DECLARATIONS
    }
    report: dict[str, object] = {
        "python": f"{platform.python_version()} at {sys.executable}",
        "parts": {name: _version(name) for name in PARTS},
        "extras": {name: importlib.util.find_spec(name) is not None for name in EXTRAS},
        **offered,
        "faults": faults,
    }
    if as_json:
        click.echo(json.dumps(report))
    else:
        _tell(report)
    ctx.exit(3 if faults else 0)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return f"missing: pip install {name}"


def _tell(report: dict[str, object]) -> None:
    click.echo(f"Python  {report['python']}")
    parts, extras, faults = report["parts"], report["extras"], report["faults"]
    assert isinstance(parts, dict) and isinstance(extras, dict) and isinstance(faults, list)
    for name, number in parts.items():
        click.echo(f"{name:<16} {number}")
    for name, present in extras.items():
        click.echo(f"{name:<16} {'installed' if present else 'not installed: ' + EXTRAS[name]}")
    for kind in plugins.DECLARATIONS:
        offers = report[kind]
        assert isinstance(offers, list)
        click.echo(f"\n{kind.capitalize()}:" + ("" if offers else " none"))
        for offer in offers:
            click.echo(f"  {offer['name']:<28} {offer['plugin']:<28} {offer['module']}")
    click.echo("\nEverything that is installed can be loaded." if not faults else "\nBroken:")
    for fault in faults:
        click.echo(f"  ! {fault}")

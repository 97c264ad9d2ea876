"""``lepton list``: the applications that are installed."""

from __future__ import annotations

import json

import click

from lepton_platform import plugins
from lepton_platform.errors import PluginLoadError


@click.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array.")
def command(as_json: bool) -> None:
    """List the applications that are installed."""
    rows, broken = [], []
    for offer in plugins.offers("applications"):
        try:
            summary = plugins.find("applications", offer.name).declaration().summary
        except PluginLoadError as error:
            broken.append(str(error))
            continue
        rows.append({"id": offer.name, "summary": summary, "plugin": str(offer)})
    if as_json:
        click.echo(json.dumps(rows))
    else:
        width = {key: max([len(row[key]) for row in rows], default=0) for key in ("id", "summary")}
        for row in rows:
            click.echo(f"{row['id']:<{width['id']}}   {row['summary']:<{width['summary']}}   {row['plugin']}")
        if not rows:
            click.echo("No application is installed. Try: pip install lepton-finance")
    for message in dict.fromkeys(broken):
        click.echo(f"! {message}  (lepton doctor)", err=True)

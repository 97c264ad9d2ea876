"""``lepton list``: the applications that are installed."""

from __future__ import annotations

import json

import click

from lepton_platform import index


@click.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array.")
def command(as_json: bool) -> None:
    """List the applications that are installed."""
    installed = index.read()
    rows = [_row(installed, entry) for entry in installed.entries("applications") if entry.fault is None]
    if as_json:
        click.echo(json.dumps(rows))
    elif rows:
        _tell(rows)
    elif any(entry.kind == "applications" for entry in installed.everything):
        click.echo("No application can be used. See: lepton plugin list")
    else:
        click.echo("No application is installed. Try: pip install lepton-finance")
    for line in dict.fromkeys(str(entry.error()) for entry in installed.broken()):
        click.echo(f"! {line}  (lepton doctor)", err=True)


def _row(installed: index.Index, entry: index.Entry) -> dict[str, str | list[str]]:
    extending = [one for one in installed.extensions(entry) if one.fault is None and one.target != "*"]
    extensions = list(dict.fromkeys(one.distribution for one in extending))
    return {"id": entry.name, "summary": entry.summary, "plugin": str(entry), "extensions": extensions}


def _tell(rows: list[dict[str, str | list[str]]]) -> None:
    width = {key: max([len(row[key]) for row in rows], default=0) for key in ("id", "summary", "plugin")}
    for row in rows:
        extended = "".join(f"   + {name}" for name in row["extensions"])
        line = "   ".join(f"{row[key]!s:<{width[key]}}" for key in width) + extended
        click.echo(line.rstrip())

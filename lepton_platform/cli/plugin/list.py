"""``lepton plugin list``: the distributions that bring plugins, whether they are used, what they offer."""

from __future__ import annotations

import json
from typing import Any

import click

from lepton_platform import index


@click.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array.")
def command(as_json: bool) -> None:
    """List the plugins that are installed and what they offer."""
    rows = _rows(index.read())
    if as_json:
        click.echo(json.dumps(rows))
        return
    width = {key: max(len(row[key]) for row in rows) for key in ("plugin", "version", "state")}
    for row in rows:
        line = "   ".join(f"{row[key]:<{width[key]}}" for key in width)
        click.echo(f"{line}   {'; '.join(map(_said, row['offers']))}")


def _rows(installed: index.Index) -> list[dict[str, Any]]:
    faults = {(one.kind, one.name): one.fault.cause for one in installed.broken() if one.fault is not None}
    rows = []
    for name in sorted(installed.head.plugins):
        entries = [entry for entry in installed.everything if entry.distribution == name]
        offers = [
            {
                "kind": entry.kind.removesuffix("s"),
                "name": entry.name,
                "extends": entry.target,
                "fault": faults.get((entry.kind, entry.name), ""),
            }
            for entry in entries
        ]
        state = installed.choice.state(name)
        broken = state == "enabled" and any(offer["fault"] for offer in offers)
        shown = "broken" if broken else state
        rows.append({"plugin": name, "version": entries[0].version, "state": shown, "offers": offers})
    return rows


def _said(offer: dict[str, str]) -> str:
    extends = f" of {offer['extends']}" if offer["extends"] else ""
    fault = f" ({offer['fault']})" if offer["fault"] else ""
    return f"{offer['kind']} {offer['name']}{extends}{fault}"

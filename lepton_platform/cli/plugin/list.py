"""``lepton plugin list``: the distributions that bring plugins, and what each of them offers."""

from __future__ import annotations

import click

from lepton_platform import plugins


@click.command("list")
def command() -> None:
    """List the plugins that are installed and what they offer."""
    offered: dict[str, list[str]] = {}
    for kind in plugins.DECLARATIONS:
        for offer in plugins.offers(kind):
            offered.setdefault(str(offer), []).append(f"{kind.removesuffix('s')} {offer.name}")
    for distribution, names in sorted(offered.items()):
        click.echo(f"{distribution:<28} {', '.join(names)}")

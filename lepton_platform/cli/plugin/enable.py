"""``lepton plugin enable``: takes a plugin in again that was disabled."""

from __future__ import annotations

import click

from lepton_platform import allowed, index
from lepton_platform.cli import completion


@click.command("enable")
@click.argument("distribution", shell_complete=completion.plugins)
def command(distribution: str) -> None:
    """Take the plugin DISTRIBUTION in again."""
    allowed.set_enabled(distribution, True, index.read().head.plugins)
    click.echo(f"{distribution} is {allowed.choice().state(distribution)}.")

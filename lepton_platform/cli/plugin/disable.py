"""``lepton plugin disable``: leaves a plugin out of all commands, without uninstalling it."""

from __future__ import annotations

import click

from lepton_platform import allowed, index
from lepton_platform.cli import completion


@click.command("disable")
@click.argument("distribution", shell_complete=completion.plugins)
def command(distribution: str) -> None:
    """Leave the plugin DISTRIBUTION out: it is not even imported any more."""
    allowed.set_enabled(distribution, False, index.read().head.plugins)
    click.echo(f"{distribution} is disabled. Undo it: lepton plugin enable {distribution}")

"""``lepton plugin``: writing plugins and living with them; one module per subcommand."""

from __future__ import annotations

import click

from lepton_platform.cli.lazy import LazyGroup

COMMANDS = {
    "new": "Write a new plugin that works, to change.",
    "check": "Check whether a plugin does what is asked of it.",
    "dev": "Run a plugin that is one file, without packaging it.",
    "list": "List the plugins that are installed and what they offer.",
    "disable": "Leave a plugin out, without uninstalling it.",
    "enable": "Take a plugin in again that was disabled.",
}
"""Subcommand → its help in one line."""


@click.group("plugin", cls=LazyGroup, package=__name__, commands_of=COMMANDS)
def command() -> None:
    """Write, check, try and choose plugins."""

"""A group of commands, each in a module of its own that is imported when the command is called."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import click


class LazyGroup(click.Group):
    """Subcommands by name: their help is known beforehand, so that listing them imports nothing.

    ``commands_of`` maps a name to its help in one line; the command itself is the attribute
    ``command`` of the module of that name in ``package``.
    """

    def __init__(self, *args: Any, package: str, commands_of: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._package = package
        self._helps = commands_of

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*self._helps]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self._helps:
            return None
        command: click.Command = importlib.import_module(f"{self._package}.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([*self._helps.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and args[0] not in self._helps:
            from lepton_platform.errors import UnknownNameError

            raise UnknownNameError("command", args[0], self._helps, owner=str(self.name))
        return super().resolve_command(ctx, args)

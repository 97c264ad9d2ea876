"""Groups whose commands are known by name and help before they are loaded."""

from __future__ import annotations

import importlib
from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


class ListedGroup(click.Group):
    """A group that lists, completes and suggests its commands without loading any of them."""

    heading = "Commands"

    @abstractmethod
    def helps(self) -> Mapping[str, str]:
        """Return every command's help in one line, by name."""

    @abstractmethod
    def load(self, name: str) -> click.Command:
        """Return the command of that name, one of ``helps``."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*self.helps()]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return self.load(cmd_name) if cmd_name in self.helps() else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        if helps := self.helps():
            with formatter.section(self.heading):
                formatter.write_dl([*helps.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        helps = self.helps().items()
        commands = [CompletionItem(name, help=said) for name, said in helps if name.startswith(incomplete)]
        return commands + click.Command.shell_complete(self, ctx, incomplete)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if ctx.resilient_parsing:  # a shell completes what may be half a command line
            return name, self.get_command(ctx, name), args[1:]
        return name, self.called(name), args[1:]

    def called(self, name: str) -> click.Command:
        """Return the command that was called by a name; it may be a wrong one."""
        if name not in (helps := self.helps()):
            from lepton_platform.errors import UnknownNameError

            raise UnknownNameError("command", name, helps, owner=str(self.name))
        return self.load(name)


class LazyGroup(ListedGroup):
    """A group of commands each in a module of its own, which is imported when the command is called.

    ``commands_of`` maps a name to its help in one line; the command itself is the attribute
    ``command`` of the module of that name in ``package``.
    """

    def __init__(self, *args: Any, package: str, commands_of: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._package = package
        self._helps = commands_of

    def helps(self) -> Mapping[str, str]:
        return self._helps

    def load(self, name: str) -> click.Command:
        command: click.Command = importlib.import_module(f"{self._package}.{name}").command
        return command

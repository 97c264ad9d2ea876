"""The command ``lepton``: one module per subcommand, loaded when it is called; plugins add more.

Only here does an error of ours become one message and an exit code.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import click

from lepton_platform import allowed, index
from lepton_platform.cli.lazy import LazyGroup

COMMANDS = {
    "run": "Learn from a file and write decisions and a report.",
    "decide": "Apply the model of a finished run to new cases.",
    "serve": "Answer requests for decisions over HTTP.",
    "watch": "Watch a stream and print an alert where one is due.",
    "list": "List the applications that are installed.",
    "runs": "List, show and compare runs.",
    "plugin": "Write, check, try and choose plugins.",
    "doctor": "Check this installation and say how to repair it.",
}
"""Subcommand → its help in one line, so that ``lepton --help`` imports nothing."""


class Lepton(LazyGroup):
    """The commands of the host and those that plugins bring."""

    def helps(self) -> Mapping[str, str]:
        from_plugins = {name: said for name, (said, _) in index.read().commands().items()}
        return {**COMMANDS, **{name: said for name, said in from_plugins.items() if name not in COMMANDS}}

    def load(self, name: str) -> click.Command:
        if name in COMMANDS:
            return super().load(name)
        from lepton_platform import plugins
        from lepton_platform.cli.output import plugins_on_stderr

        with plugins_on_stderr():
            return plugins.command(name)


@click.group(
    cls=Lepton,
    package=__name__,
    commands_of=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name="lepton-platform", prog_name="lepton")
def lepton() -> None:
    """From a raw file to decisions with their value and their uncertainty."""
    if allowed.VARIABLE in os.environ:
        for sentence in allowed.choice().unknown(index.read().head.plugins):
            click.echo(f"Warning: {sentence}", err=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; the entry point of the ``lepton`` script."""
    sys.exit(_exit_code(arguments))


def _exit_code(arguments: Sequence[str] | None) -> int:
    try:
        code: Any = lepton.main(args=arguments, complete_var="_LEPTON_COMPLETE", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except click.exceptions.NoSuchOption as error:
        return _failed(_unknown_option(error), 2)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return 2
    except click.ClickException as error:
        return _failed(error.format_message(), error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        return _failed("interrupted", 130)
    except BrokenPipeError:  # the reader of our output went away, as `lepton list | head` does
        sys.stderr.close()
        return 0
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        if (stdout := sys.__stdout__) is not None and stdout is sys.stdout:
            with suppress(OSError):  # or the interpreter would complain of it again when it ends
                stdout.close()
        return _failed(f"cannot write{f' {error.filename}' * bool(error.filename)}: {error.strerror}", 1)
    except Exception as error:
        from lepton_platform.errors import LeptonError

        if isinstance(error, LeptonError):
            return _failed(str(error), error.exit_code)
        raise


def _unknown_option(error: click.exceptions.NoSuchOption) -> str:
    from lepton_platform.errors import UnknownNameError

    command = error.ctx.command if error.ctx is not None else lepton
    known = [name for parameter in command.params for name in parameter.opts if name.startswith("--")]
    owner = (command.name if error.ctx is not None else None) or "lepton"
    if reason := _left_out(error.option_name):
        return f"{owner} has no option {error.option_name}: {reason}"
    return str(UnknownNameError("option", error.option_name, known, owner)).replace("'", "")


def _left_out(option: str) -> str:
    """Return why there is no extension to take an option: ``--acme-forest.trees`` is of ``acme-forest``."""
    name, dot, _ = option.removeprefix("--").partition(".")
    if not dot:
        return ""
    installed = index.read()
    for entry in installed.everything:
        if (entry.kind, entry.name) == ("extensions", name):
            state = installed.choice.state(entry.distribution)
            if state != "enabled":
                return f"{name} of {entry} is {state}. {installed.choice.remedy(entry.distribution)}"
            if entry.fault is not None:
                return f"{name} of {entry.error()}"
    return ""


def _failed(message: str, code: int) -> int:
    if sys.stderr.isatty():
        click.echo("\r\x1b[2K", nl=False, err=True)  # the progress line
    click.echo(f"Error: {message}", err=True)
    return code

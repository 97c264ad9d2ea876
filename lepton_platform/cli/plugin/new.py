"""``lepton plugin new``: a plugin that works, for its author to change."""

from __future__ import annotations

import shlex
from pathlib import Path

import click


@click.command("new")
@click.argument("name")
@click.option(
    "--kind", type=click.Choice(["application", "extension"]), default="application", show_default=True,
    help="A job of its own, or a model added to somebody else's.",
)  # fmt: skip
@click.option("--id", "application_id", metavar="INDUSTRY.NAME", help="Id of the application.")
@click.option("--of", metavar="TARGET", help="What an extension adds to: an application, or task:binary.")
@click.option(
    "--into", type=click.Path(exists=True, file_okay=False, writable=True, path_type=Path), default=Path(),
    help="Folder for the new folder NAME; without it, this one.",
)  # fmt: skip
def command(name: str, kind: str, application_id: str | None, of: str | None, into: Path) -> None:
    """Write a plugin into a new folder NAME: it runs, and passes all its checks.

    NAME is the distribution's: lepton-telecom is imported as lepton_telecom.
    """
    from lepton_platform import scaffold
    from lepton_platform.errors import UsageError

    if kind == "application":
        if of is not None:
            raise UsageError("--of is for an extension: add --kind extension")
        blueprint = scaffold.application(name, application_id)
    else:
        if application_id is not None:
            raise UsageError("--id is for an application; an extension has the name of its distribution")
        blueprint = scaffold.extension(name, of or "task:binary")
    folder = scaffold.write(blueprint, into)
    click.echo(
        f"{folder} is written: the {kind} {blueprint.name}, which works. Next:\n\n"
        f"  cd {shlex.quote(str(folder))}\n"
        "  pip install --editable '.[test,lint]'\n"
        f"  lepton run {blueprint.tried}\n"
        f"  lepton plugin check {blueprint.name}\n"
        "  make check\n\n"
        "README.md there says what to change, file by file."
    )

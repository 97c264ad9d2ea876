"""``lepton plugin dev``: runs a plugin that is one file, as if it were installed."""

from __future__ import annotations

from pathlib import Path

import click

from lepton_platform.cli import completion


@click.command("dev", context_settings={"allow_interspersed_args": False})
@click.argument("file", type=click.Path(path_type=Path), shell_complete=completion.files)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def command(file: Path, arguments: tuple[str, ...]) -> object:
    """Run a command as if the application or extension in FILE were installed.

    \b
    lepton plugin dev churn.py --data customers.csv
    lepton plugin dev churn.py decide dev.churn --data new.csv
    lepton plugin dev forest.py run finance.credit-risk

    Options alone are those of `lepton run`. Edits count at once; nothing stays installed.
    """
    from lepton_platform import development, index
    from lepton_platform.cli import lepton
    from lepton_platform.errors import UsageError

    names = development.install(file)
    if arguments and not arguments[0].startswith("-"):
        asked = [*arguments]
    else:
        application = names.get("applications")
        if application is None and "extensions" in names:
            application = index.find("extensions", names["extensions"]).target
        if application is None or application == "*" or ":" in application:
            raise UsageError(f"name a command: lepton plugin dev {file} run APPLICATION")
        asked = ["run", application, *arguments]
    return lepton.main(args=asked, prog_name="lepton", standalone_mode=False)

"""Options that several commands have: which runs, and which of them."""

from __future__ import annotations

from pathlib import Path

import click

from lepton_platform.cli import completion

runs = click.option(
    "--runs",
    type=click.Path(path_type=Path),
    default=Path("runs"),
    show_default=True,
    help="Folder of all runs.",
)
run = click.option(
    "--run",
    "run_id",
    shell_complete=completion.runs_in("runs"),
    metavar="RUN",
    help="Run whose model is used; without it, the last good one.",
)

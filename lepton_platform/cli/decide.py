"""``lepton decide``: the model of a finished run, applied to new cases."""

from __future__ import annotations

import json
from pathlib import Path

import click

from lepton_platform.cli import completion, options
from lepton_platform.cli.output import plugins_on_stderr


@click.command("decide")
@click.argument("application", shell_complete=completion.applications)
@click.option(
    "--data", required=True, shell_complete=completion.files, metavar="URI", help="Cases to decide."
)
@options.run
@click.option(
    "--out",
    shell_complete=completion.files,
    metavar="FILE",
    help="Where decisions go: .parquet, .csv or .jsonl; without it, stdout as CSV.",
)
@options.runs
@click.option(
    "--set",
    "assignments",
    multiple=True,
    metavar="KEY=VALUE",
    help="Another value for one option of the run.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON object; needs --out.")
def command(
    application: str,
    data: str,
    run_id: str | None,
    out: str | None,
    runs: Path,
    assignments: tuple[str, ...],
    as_json: bool,
) -> None:  # fmt: skip
    """Apply the model of APPLICATION's last good run to new cases."""
    from lepton_platform import index, store
    from lepton_platform.cli.run import assigned
    from lepton_platform.decide import decide
    from lepton_platform.errors import UsageError
    from lepton_platform.run import reopen

    if as_json and out is None:
        raise UsageError("--json needs --out: both would go to stdout")
    index.find("applications", application)
    folder = store.find_run(runs, run_id) if run_id else store.last_good_run(runs, application)
    with plugins_on_stderr() as stdout:
        run = reopen(folder, assigned(assignments))
        if run.application_id != application:
            raise UsageError(f"run {folder.id} is one of {run.application_id}, not of {application}")
        counts = decide(run, data, stdout if out is None else out)
        for finding in run.findings:
            if finding.level == "warning":
                click.echo(f"Warning: {finding}", err=True)
    if as_json:
        click.echo(json.dumps({"run": folder.id, "out": str(Path(str(out)).resolve()), **counts}))
    elif out is not None:
        click.echo(f"{counts['cases']:,} cases decided by run {folder.id}: {Path(out).resolve()}")

"""``lepton runs``: list, show and compare runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from lepton_platform import history, store
from lepton_platform.cli import completion

out_option = click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("runs"),
    show_default=True,
    help="Folder of all runs.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group("runs", invoke_without_command=True)
@out_option
@json_option
@click.pass_context
def command(ctx: click.Context, out: Path, as_json: bool) -> None:
    """List, show and compare runs."""
    if ctx.invoked_subcommand is None:
        _list(out, as_json)


@command.command("list")
@out_option
@json_option
def list_runs(out: Path, as_json: bool) -> None:
    """List all runs, oldest first."""
    _list(out, as_json)


@command.command("show")
@click.argument("run", shell_complete=completion.runs_in("out"))
@out_option
@json_option
def show(run: str, out: Path, as_json: bool) -> None:
    """Show one run: how it went and what it measured."""
    folder = store.find_run(out, run)
    record = folder.read_record()
    metrics = history.metrics(folder)
    if as_json:
        click.echo(json.dumps({**record, "metrics": metrics, "run_folder": str(folder.path)}))
        return
    for key in ("id", "application", "status", "started", "finished", "seed", "error"):
        if key in record:
            click.echo(f"{key:<12} {record[key]}")
    click.echo(f"{'data':<12} {record.get('data', {}).get('source', 'not read')}")
    click.echo(f"{'folder':<12} {folder.path}")
    if record["status"] != "done":
        click.echo(f"\nGo on with it: lepton run --resume {folder.id}")
    for name, score in (metrics or {"model": {}})["model"].items():
        baseline = (metrics or {})["baseline"][name]["value"]
        click.echo(f"{name:<20} {_interval(score):<34} baseline {_number(baseline)}  {score['unit']}")


@command.command("compare")
@click.argument("first", shell_complete=completion.runs_in("out"))
@click.argument("second", shell_complete=completion.runs_in("out"))
@out_option
@json_option
def compare(first: str, second: str, out: Path, as_json: bool) -> None:
    """Compare the metrics, options and data of two runs."""
    folders = [store.find_run(out, run) for run in (first, second)]
    compared = history.compare(*folders)
    if as_json:
        metrics = {
            name: [one["value"], two and two["value"]] for name, (one, two) in compared.metrics.items()
        }
        click.echo(json.dumps({"metrics": metrics, "differ": compared.differing}))
        return
    click.echo(f"{'':<20} {folders[0].id:<34} {folders[1].id}")
    for name, (one, two) in compared.metrics.items():
        click.echo(f"{name:<20} {_interval(one):<34} {_interval(two)}")
    for key, (one, two) in compared.differing.items():
        click.echo(f"{key:<20} {one!s:<34} {two!s}")
    if not compared.same_data:
        click.echo("The runs were judged on different data: their numbers cannot be compared one to one.")


def _list(out: Path, as_json: bool) -> None:
    rows = [history.row(folder) for folder in store.run_folders(out)]
    if as_json:
        click.echo(json.dumps(rows))
        return
    for row in rows:
        score = f"{row['selected_by']} {_number(row['score'])}" if row["score"] is not None else ""
        click.echo(f"{row['id']}   {row['application']:<24} {row['status']:<12} {score}")
    if not rows:
        click.echo(f"There are no runs in {out.resolve()}.")


def _interval(score: dict[str, Any] | None) -> str:
    if score is None:
        return "not measured"
    return f"{_number(score['value'])} ({_number(score['low'])} to {_number(score['high'])})"


def _number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.4f}"

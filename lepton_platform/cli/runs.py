"""``lepton runs``: list, show and compare runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from lepton_platform import store
from lepton_platform.cli import completion
from lepton_platform.errors import RunError

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
    metrics = _metrics(folder)
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
    records = [folder.read_record() for folder in folders]
    if records[0]["application"] != records[1]["application"]:
        raise RunError(
            f"{first} is a run of {records[0]['application']}, {second} of {records[1]['application']}"
        )
    tables = [_metrics(folder) for folder in folders]
    if missing := [folder.id for folder, table in zip(folders, tables, strict=True) if table is None]:
        raise RunError(f"run {missing[0]} has no metrics: it did not finish its model stage")
    differing = _differing(records)
    rows = [(name, *(table["model"].get(name) for table in tables if table)) for name in tables[0]["model"]]  # type: ignore[index]
    if as_json:
        metrics = {name: [one and one["value"], two and two["value"]] for name, one, two in rows}
        click.echo(json.dumps({"metrics": metrics, "differ": differing}))
        return
    click.echo(f"{'':<20} {folders[0].id:<34} {folders[1].id}")
    for name, one, two in rows:
        click.echo(f"{name:<20} {_interval(one):<34} {_interval(two)}")
    for key, (one, two) in differing.items():
        click.echo(f"{key:<20} {one!s:<34} {two!s}")
    if "data" in differing:
        click.echo("The runs were judged on different data: their numbers cannot be compared one to one.")


def _list(out: Path, as_json: bool) -> None:
    rows = [_row(folder) for folder in store.run_folders(out)]
    if as_json:
        click.echo(json.dumps(rows))
        return
    for row in rows:
        score = f"{row['selected_by']} {_number(row['score'])}" if row["score"] is not None else ""
        click.echo(f"{row['id']}   {row['application']:<24} {row['status']:<12} {score}")
    if not rows:
        click.echo(f"There are no runs in {out.resolve()}.")


def _row(folder: store.RunFolder) -> dict[str, Any]:
    record = folder.read_record()
    status = record["status"]
    if status == "running" and not folder.is_busy():
        status = "interrupted"  # killed: it could not say so itself
    metrics = _metrics(folder)
    selected = metrics["selected_by"] if metrics else None
    score = metrics["model"][selected]["value"] if metrics else None
    return {
        "id": folder.id,
        "application": record["application"],
        "status": status,
        "selected_by": selected,
        "score": score,
        "run_folder": str(folder.path),
    }


def _metrics(folder: store.RunFolder) -> dict[str, Any] | None:
    path = folder.path / "metrics.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def _differing(records: list[dict[str, Any]]) -> dict[str, list[Any]]:
    flat = [
        {**record["options"], **record["config"], "data": record.get("data", {}).get("sha256", "")[:16]}
        for record in records
    ]
    keys = sorted({*flat[0], *flat[1]})
    return {key: [one.get(key) for one in flat] for key in keys if flat[0].get(key) != flat[1].get(key)}


def _interval(score: dict[str, Any] | None) -> str:
    if score is None:
        return "not measured"
    return f"{_number(score['value'])} ({_number(score['low'])} to {_number(score['high'])})"


def _number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.4f}"

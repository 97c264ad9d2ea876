"""``lepton mlflow``: export a run that is over, such as one whose store could not be reached."""

from __future__ import annotations

import json
from pathlib import Path

import click

from lepton_platform import LeptonError


@click.command("mlflow")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--uri", help="MLflow's store or server; else MLFLOW_TRACKING_URI decides.")
@click.option("--experiment", help="Experiment; else MLFLOW_EXPERIMENT_NAME, else the application's id.")
@click.option("--model", is_flag=True, help="Upload the model's folder as well.")
def command(folder: Path, uri: str | None, experiment: str | None, model: bool) -> None:
    """Export the run in FOLDER to MLflow, or bring its entry there up to date."""
    from lepton_mlflow.export import STATUS, export

    if not (folder / "run.json").exists():
        raise LeptonError(f"{folder} is no run's folder: there is no run.json in it")
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    if record["status"] not in STATUS:
        raise LeptonError(f"run {record['id']} is {record['status']}; export it when it has ended")
    click.echo(f"Exported to MLflow as run {export(folder, record, uri, experiment, model)}")

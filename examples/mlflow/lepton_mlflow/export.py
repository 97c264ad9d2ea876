"""One run folder becomes one run of MLflow.

Read from the files of the run folder, as docs/reference/run-folder.md of Lepton Platform describes them.
"""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

# Both are read when MLflow is imported. A run of ours calls nobody whom its user did not name, and a
# server that is down is given up after some six seconds rather than MLflow's four minutes.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag
from mlflow.exceptions import MlflowException

from lepton_platform import LeptonError

ARTEFACTS = ("report.html", "metrics.json", "leaderboard.csv", "decisions.parquet", "run.json")
STATUS = {"done": "FINISHED", "failed": "FAILED", "interrupted": "KILLED"}


def export(
    folder: Path,
    record: Mapping[str, Any],
    uri: str | None = None,
    experiment: str | None = None,
    model: bool = False,
) -> str:
    """Write a run to MLflow and return MLflow's id of it.

    A run that was exported before, when it failed, keeps its entry when it was resumed.

    Parameters
    ----------
    folder : path
        The run's folder.
    record : mapping
        What its ``run.json`` says; the status is ``done``, ``failed`` or ``interrupted``.
    uri, experiment : str, optional
        Without them, MLflow's environment variables decide; the application's id is the last resort
        for the experiment.
    model : bool
        Whether to upload the model's folder too.

    Raises
    ------
    LeptonError
        The store cannot be reached, or refuses something.
    """
    try:
        return _written(folder, record, uri, experiment, model)
    except (MlflowException, OSError) as error:
        later = shlex.join(["lepton", "mlflow", str(folder)])
        raise LeptonError(
            f"run {record['id']} is not in MLflow: {error}. Export it later: {later}"
        ) from error


def _written(
    folder: Path, record: Mapping[str, Any], uri: str | None, experiment: str | None, model: bool
) -> str:
    client = MlflowClient(uri)
    entry = _entry(client, _experiment(client, experiment, record["application"]), record)
    finished = _milliseconds(record["finished"])
    client.log_batch(
        entry,
        [Metric(name, value, finished, 0) for name, value in metrics(folder)],
        [Param(name, value) for name, value in parameters(record)],
        [RunTag(name, value) for name, value in tags(folder, record)],
    )
    for name in ARTEFACTS:
        if (folder / name).exists():
            client.log_artifact(entry, str(folder / name))
    if model and (folder / "model").exists():
        client.log_artifacts(entry, str(folder / "model"), "model")
    client.set_terminated(entry, STATUS[record["status"]], finished)
    return entry


def metrics(folder: Path) -> Iterator[tuple[str, float]]:
    """Yield each number of ``metrics.json``: ``auc``, ``auc.low``, ``auc.high``, ``baseline.auc`` ..."""
    if not (folder / "metrics.json").exists():
        return
    scores = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    estimates = {
        **scores["model"],
        **{f"baseline.{name}": estimate for name, estimate in scores["baseline"].items()},
        "gain_over_baseline": scores["gain_over_baseline"],
    }
    for name, estimate in estimates.items():
        for end, suffix in {"value": "", "low": ".low", "high": ".high"}.items():
            if estimate[end] is not None:  # what cannot be computed
                yield _allowed(name) + suffix, estimate[end]


def parameters(record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what the run was asked for and with what: options, config, data and versions."""
    told = {**record["options"], **record["config"]}
    for extension, part in record["extensions"].items():
        told |= {f"{extension}.{option}": value for option, value in part["config"].items()}
    told |= {f"data.{name}": value for name, value in record.get("data", {}).items()}
    told |= {f"version.{name}": value for name, value in record["versions"].items()}
    for name, value in told.items():
        if value is not None and value != []:
            yield _allowed(name), ",".join(map(str, value)) if isinstance(value, list) else str(value)


def tags(folder: Path, record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what finds the run again, and what MLflow shows as its description."""
    yield "lepton.run", record["id"]
    yield "lepton.application", record["application"]
    if "error" in record:
        yield "mlflow.note.content", record["error"]
    elif (folder / "report.json").exists():
        result = json.loads((folder / "report.json").read_text(encoding="utf-8"))
        yield "lepton.selected_by", result["selected_by"]
        yield "mlflow.note.content", result["verdict"]


def _experiment(client: MlflowClient, name: str | None, application: str) -> str:
    if name is None and (known := os.environ.get("MLFLOW_EXPERIMENT_ID")):
        return known
    name = name or os.environ.get("MLFLOW_EXPERIMENT_NAME") or application
    if found := client.get_experiment_by_name(name):
        return str(found.experiment_id)
    try:
        return str(client.create_experiment(name))
    except MlflowException as error:
        found = client.get_experiment_by_name(name)
        if found is None or error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
        return str(found.experiment_id)  # another run has made it in the meantime


def _entry(client: MlflowClient, experiment: str, record: Mapping[str, Any]) -> str:
    earlier = client.search_runs([experiment], f"tags.`lepton.run` = '{record['id']}'", max_results=1)
    if earlier:
        return str(earlier[0].info.run_id)
    started = _milliseconds(record["started"])
    made = client.create_run(experiment, started, {"lepton.run": record["id"]}, record["id"])
    return str(made.info.run_id)


def _milliseconds(moment: str) -> int:
    return int(1000 * datetime.fromisoformat(moment).timestamp())


def _allowed(name: str) -> str:
    """Return a name with nothing in it that MLflow refuses."""
    return re.sub(r"[^\w./ -]", "_", name)

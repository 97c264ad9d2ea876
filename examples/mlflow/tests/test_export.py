"""What MLflow's own client reads back from its own file store is what the run folder says.

The folders are written here, as docs/reference/run-folder.md of Lepton Platform describes them; runs
of the command line are in tests/examples of this repository.
"""

import json

import pytest
from mlflow import MlflowClient

from lepton_mlflow import MLflow
from lepton_mlflow.command import command
from lepton_mlflow.export import export
from lepton_platform import LeptonError
from lepton_platform.errors import ConfigError

RECORD = {
    "id": "20261124-120000-abcdef0",
    "application": "acme.churn",
    "status": "done",
    "started": "2026-11-24T12:00:00+00:00",
    "finished": "2026-11-24T12:00:42+00:00",
    "options": {"data": "/data/customers.csv", "test": None, "models": ["a", "b"], "budget": None, "seed": 7},
    "config": {"target": "left", "ignore": [], "offer_cost": 8.5, "quick": False},
    "extensions": {"mlflow": {"plugin": "lepton-mlflow", "every run": True, "config": {"model": True}}},
    "data": {"source": "/data/customers.csv", "rows": 400, "sha256": "ab" * 32},
    "versions": {"python": "3.11.9", "lepton-platform": "0.1.0"},
}


def estimate(value, low, high):
    return {"value": value, "low": low, "high": high, "unit": "", "better": "higher"}


SCORES = {
    "model": {"auc": estimate(0.8, 0.7, 0.9), "profit (EUR)": estimate(3.5, None, None)},
    "baseline": {"auc": estimate(0.5, 0.5, 0.5), "profit (EUR)": estimate(-1.0, -2.0, 0.5)},
    "selected_by": "auc",
    "gain_over_baseline": {"value": 0.3, "low": 0.2, "high": 0.4},
}


@pytest.fixture
def folder(tmp_path):
    """A finished run."""
    folder = tmp_path / "run"
    (folder / "model").mkdir(parents=True)
    (folder / "model" / "model.skops").write_bytes(b"weights")
    (folder / "metrics.json").write_text(json.dumps(SCORES))
    (folder / "report.json").write_text(json.dumps({"selected_by": "auc", "verdict": "It is better."}))
    (folder / "report.html").write_text("<p>It is better.")
    (folder / "leaderboard.csv").write_text("model,auc\na,0.8\n")
    return folder


@pytest.fixture
def store(tmp_path, monkeypatch):
    """A store of MLflow in files, which MLflow wants to be asked for; no other setting."""
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME", "MLFLOW_EXPERIMENT_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    return str(tmp_path / "store")


def test_every_number_is_there_and_what_could_not_be_computed_is_not(folder, store):
    entry = export(folder, RECORD, store)
    assert MlflowClient(store).get_run(entry).data.metrics == {
        "auc": 0.8, "auc.low": 0.7, "auc.high": 0.9,
        "profit _EUR_": 3.5,
        "baseline.auc": 0.5, "baseline.auc.low": 0.5, "baseline.auc.high": 0.5,
        "baseline.profit _EUR_": -1.0, "baseline.profit _EUR_.low": -2.0, "baseline.profit _EUR_.high": 0.5,
        "gain_over_baseline": 0.3, "gain_over_baseline.low": 0.2, "gain_over_baseline.high": 0.4,
    }  # fmt: skip


def test_options_data_and_versions_are_parameters(folder, store):
    entry = export(folder, RECORD, store)
    assert MlflowClient(store).get_run(entry).data.params == {
        "data": "/data/customers.csv", "models": "a,b", "seed": "7",
        "target": "left", "offer_cost": "8.5", "quick": "False", "mlflow.model": "True",
        "data.source": "/data/customers.csv", "data.rows": "400", "data.sha256": "ab" * 32,
        "version.python": "3.11.9", "version.lepton-platform": "0.1.0",
    }  # fmt: skip


def test_it_is_found_by_the_runs_id_and_took_as_long(folder, store):
    found = MlflowClient(store).get_run(export(folder, RECORD, store))
    assert (found.data.tags["lepton.run"], found.info.run_name) == (RECORD["id"], RECORD["id"])
    assert found.data.tags["lepton.application"] == "acme.churn"
    assert found.data.tags["mlflow.note.content"] == "It is better."
    assert (found.info.status, found.info.end_time - found.info.start_time) == ("FINISHED", 42_000)


def test_files_are_artefacts_and_the_model_if_asked_for(folder, store):
    client = MlflowClient(store)
    names = [{file.path for file in client.list_artifacts(export(folder, RECORD, store))}]
    other = {**RECORD, "id": "another"}
    names.append({file.path for file in client.list_artifacts(export(folder, other, store, model=True))})
    assert names == [{"report.html", "metrics.json", "leaderboard.csv"}, names[0] | {"model"}]


@pytest.mark.parametrize(("status", "told"), [("failed", "FAILED"), ("interrupted", "KILLED")])
def test_a_run_that_ended_early_says_so_and_why(tmp_path, store, status, told):
    empty = tmp_path / "run"
    empty.mkdir()
    record = {**RECORD, "status": status, "error": "DataError: no column is left"}
    del record["data"]
    found = MlflowClient(store).get_run(export(empty, record, store))
    assert found.info.status == told
    assert found.data.tags["mlflow.note.content"] == "DataError: no column is left"


def test_a_run_that_was_resumed_keeps_its_entry(folder, store):
    failed = {**RECORD, "status": "failed", "error": "killed"}
    first = export(folder, failed, store)
    assert export(folder, RECORD, store) == first
    client = MlflowClient(store)
    (found,) = client.search_runs([client.get_experiment_by_name("acme.churn").experiment_id])
    assert (found.info.status, found.data.metrics["auc"]) == ("FINISHED", 0.8)


def test_the_option_decides_the_experiment_then_mlflows_variables_then_the_application(
    folder, store, monkeypatch
):
    client = MlflowClient(store)

    def experiment(name=None):
        found = client.get_run(export(folder, {**RECORD, "id": str(name)}, store, name))
        return client.get_experiment(found.info.experiment_id).name

    assert experiment() == "acme.churn"
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "of the team")
    assert experiment() == "of the team"
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", client.create_experiment("by its id"))
    assert experiment() == "by its id"
    assert experiment("by option") == "by option"


def test_the_tracking_uri_is_mlflows_variable_where_no_option_is_given(folder, store, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    assert MlflowClient(store).get_run(export(folder, RECORD)).info.status == "FINISHED"


def test_a_password_is_not_taken_into_the_record_of_a_run():
    with pytest.raises(ConfigError, match="MLFLOW_TRACKING_PASSWORD"):
        MLflow.checked({"uri": "https://me:secret@mlflow.example"})
    assert MLflow.checked({"uri": "https://mlflow.example:5000"}).uri == "https://mlflow.example:5000"


# --------------------------------------------------------------------------------- the command


@pytest.mark.parametrize(
    ("record", "said"),
    [(None, "there is no run.json in it"), ({**RECORD, "status": "running"}, "is running; export it when")],
)
def test_what_is_no_run_that_has_ended_is_not_exported(folder, store, record, said):
    if record is not None:
        (folder / "run.json").write_text(json.dumps(record))
    with pytest.raises(LeptonError, match=said):
        command.main([str(folder), "--uri", store], standalone_mode=False)


def test_a_run_that_has_ended_is_exported_by_its_folder(folder, store, capsys):
    (folder / "run.json").write_text(json.dumps(RECORD))
    command.main([str(folder), "--uri", store, "--experiment", "later"], standalone_mode=False)
    entry = capsys.readouterr().out.split()[-1]
    assert MlflowClient(store).get_run(entry).data.metrics["auc"] == 0.8


def test_a_store_that_refuses_is_one_message(folder, store, monkeypatch):
    monkeypatch.delenv("MLFLOW_ALLOW_FILE_STORE")
    with pytest.raises(LeptonError, match=f"is not in MLflow: (?s:.)*later: lepton mlflow {folder}"):
        export(folder, RECORD, store)

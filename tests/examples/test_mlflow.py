"""examples/mlflow in real runs: MLflow reads back what the run folder says, and costs no run."""

import json
import shlex

import pytest
from mlflow import MlflowClient

RUN = ["run", "finance.credit-risk", "--data", "loans.csv", "--target", "default", "--models", "logistic"]


@pytest.fixture
def world(loans, tmp_path):
    loans(200, 1).to_csv(tmp_path / "loans.csv", index=False)
    return tmp_path


def only_entry(client, experiment):
    (found,) = client.search_runs([client.get_experiment_by_name(experiment).experiment_id])
    return found


def test_mlflow_reads_back_the_numbers_and_the_files_of_the_run(finished, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    client, told = MlflowClient(str(finished.world / "store")), finished.told
    found = only_entry(client, "loans")
    for prefix, scores in {"": told["metrics"], "baseline.": told["baseline"]}.items():
        for name, estimate in scores.items():
            for end, suffix in {"value": "", "low": ".low", "high": ".high"}.items():
                assert found.data.metrics.get(f"{prefix}{name}{suffix}") == estimate[end]
    assert found.data.metrics["gain_over_baseline"] == told["gain_over_baseline"]["value"]
    assert (found.info.status, found.data.tags["lepton.run"]) == ("FINISHED", told["run"])
    assert found.data.params["cost_of_default"] == "5.0"
    assert found.data.params["monotone.up"] == "debt,amount"
    fetched = client.download_artifacts(found.info.run_id, "report.html", str(tmp_path))
    with open(fetched, "rb") as here, open(told["report"], "rb") as there:
        assert here.read() == there.read()
    kept = {file.path for file in client.list_artifacts(found.info.run_id, "model")}
    assert kept == {"model/model.skops", "model/baseline.skops", "model/manifest.json"}


def test_a_run_that_fails_is_there_as_failed_with_its_reason(installation, world, monkeypatch):
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    there = ["--mlflow.uri", world / "store", "--mlflow.experiment", "failing"]
    done = installation.lepton(*RUN, "--ignore", "months,nothing", *there, cwd=world)
    assert done.returncode == 1
    found = only_entry(MlflowClient(str(world / "store")), "failing")
    assert found.info.status == "FAILED"
    assert "column 'nothing' is missing" in found.data.tags["mlflow.note.content"]


def test_a_store_that_cannot_be_reached_costs_a_warning_that_says_how_to_export_the_run_later(
    installation, world, monkeypatch
):
    there = ["--mlflow.uri", "http://127.0.0.1:9"]
    done = installation.lepton(*RUN, *there, "--json", cwd=world, MLFLOW_HTTP_REQUEST_MAX_RETRIES="0")
    assert done.returncode == 0
    (warning,) = [line for line in done.stderr.splitlines() if line.startswith("Warning")]
    told = json.loads(done.stdout)
    assert f"mlflow (lepton-mlflow) failed in lepton_run_finished: run {told['run']} is not in" in warning
    assert "Connection refused" in warning and "Traceback" not in done.stderr
    remedy = shlex.split(warning.rpartition("Export it later: lepton ")[2])
    later = installation.lepton(*remedy, "--uri", world / "store", cwd=world, MLFLOW_ALLOW_FILE_STORE="true")
    assert later.returncode == 0, later.stderr
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    found = only_entry(MlflowClient(str(world / "store")), "finance.credit-risk")
    assert found.data.metrics["auc"] == told["metrics"]["auc"]["value"]


@pytest.mark.filterwarnings("ignore:.*noload:DeprecationWarning")  # of MLflow, on SQLAlchemy 2.1
def test_without_any_setting_mlflows_own_default_store_takes_the_run(installation, world):
    done = installation.lepton(*RUN, cwd=world)
    assert done.returncode == 0 and "Warning" not in done.stderr, done.stderr
    found = only_entry(MlflowClient(f"sqlite:///{world / 'mlflow.db'}"), "finance.credit-risk")
    assert found.info.status == "FINISHED"

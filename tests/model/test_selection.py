"""The host's own training, in a run of somebody else's task: the best candidate out of fold is the model."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge
from sklearn.metrics import mean_absolute_error
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.tree import DecisionTreeRegressor

from lepton_platform.run import Options, resume, start

TASK = """
import numpy as np
import pandas as pd
from pathlib import Path
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import KFold
from sklearn.tree import DecisionTreeRegressor
from lepton_platform import Candidate, Config, Dataset, Field, Metric, Split, Task, hookimpl


class Readings(Config):
    candidates: str = Field("all", description="which candidates there are")


task = Task(summary="A number per row", config=Readings)

class Resumable(RegressorMixin, BaseEstimator):
    def __init__(self, checkpoints=None):
        self.checkpoints = checkpoints

    def fit(self, X, y):
        Path(self.checkpoints).mkdir(parents=True, exist_ok=True)
        Path(self.checkpoints, f"{len(X)}.txt").write_text("half done")
        self.mean_, self.folder_ = float(np.mean(y)) + 1e6, str(self.checkpoints)
        return self

    def predict(self, X):
        return np.full(len(X), self.mean_)


def penalty(trial):
    return {"alpha": trial.suggest_float("alpha", 1e-3, 1e4, log=True)}


NAIVE = Candidate(DummyRegressor(), baseline=True)
ALL = {
    "tree": DecisionTreeRegressor(max_depth=4),
    "mean": NAIVE,
    "ridge": Candidate(Ridge(1e4), search=penalty),
    "resumable": Resumable(),
}
SETS = {
    "all": ALL,
    "baseline is best": {"line": Candidate(LinearRegression(), baseline=True), "far": Resumable()},
    "no baseline": {"tree": DecisionTreeRegressor()},
    "only a baseline": {"mean": NAIVE},
}


@hookimpl
def lepton_load(source, purpose, run):
    table = run.hooks.read(source)
    return Dataset(table[["a", "b"]], table["reading"] if purpose == "train" else None)


@hookimpl
def lepton_split(dataset):
    rows = np.arange(len(dataset.cases))
    return Split(rows[:200], rows[200:], list(KFold(4).split(rows[:200])), "in the order of the file")


@hookimpl
def lepton_models(config):
    return SETS[config.candidates]


@hookimpl
def lepton_metrics():
    return {"mae": Metric(lambda truth, predictions: abs(truth - predictions["mean"]).mean(), "lower", "V")}


@hookimpl
def lepton_predict(model, cases):
    return pd.DataFrame({"mean": model.predict(cases)}, index=cases.index)
"""

APPLICATION = """
from lepton_platform import Application

application = Application("Foresee a reading", task="reading")
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A folder with readings in it, and the task installed beside."""
    folder = tmp_path_factory.mktemp("selection")
    about = folder / "site" / "acme_readings-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-readings\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(
        "[lepton.tasks]\nreading = acme_readings\n[lepton.applications]\nacme.reading = acme_reading\n"
    )
    (folder / "site" / "acme_readings.py").write_text(TASK)
    (folder / "site" / "acme_reading.py").write_text(APPLICATION)
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(260, 2)), columns=["a", "b"])
    table["reading"] = 3 * table["a"] - table["b"] + rng.normal(size=260)
    table.to_csv(folder / "readings.csv", index=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder / "site")
        yield folder


def run_of(folder, candidates="all", **options):
    asked = Options(data=str(folder / "readings.csv"), seed=3, **options)
    return start("acme.reading", asked, {"candidates": candidates}, folder / "runs")


@pytest.fixture(scope="module")
def run(world):
    return run_of(world)


def test_the_model_is_the_candidate_that_a_plain_cross_validation_finds_best(run, world):
    train = pd.read_csv(world / "readings.csv")[:200]
    X, y = train[["a", "b"]], train["reading"]
    errors = {}
    for name, peer in {
        "tree": DecisionTreeRegressor(max_depth=4, random_state=3),
        "ridge": Ridge(1e4),
    }.items():
        predicted = cross_val_predict(peer, X, y, cv=KFold(4))
        errors[name] = mean_absolute_error(y, predicted)
        if name == "tree":
            assert run.out_of_fold["mean"].to_numpy() == pytest.approx(predicted)
    assert errors["tree"] < errors["ridge"]
    board = run.leaderboard.set_index("model")
    assert board["mae"].to_dict() == pytest.approx(errors | board.loc[["mean", "resumable"], "mae"].to_dict())
    assert board["status"].to_dict() == {
        "tree": "chosen", "ridge": "finished", "mean": "baseline", "resumable": "finished",
    }  # fmt: skip
    assert board["mae"].is_monotonic_increasing


def test_it_is_fitted_on_all_training_cases(run):
    tree = DecisionTreeRegressor(max_depth=4, random_state=3)
    train, test = run.dataset.take(run.split.train), run.test.cases
    expected = tree.fit(train.cases, train.target).predict(test)
    assert run.predictions["mean"].to_numpy() == pytest.approx(expected)
    assert run.baseline_predictions["mean"].to_numpy() == pytest.approx(train.target.mean())


def test_report_and_result_name_the_model(run):
    told = json.loads((run.folder / "report.json").read_text())
    assert told["model"] == {"tree": 1.0}
    page = (run.folder / "report.html").read_text()
    assert "The best by MAE became the model" in page
    assert "ensemble" not in page


def test_a_baseline_is_never_chosen_however_good(world):
    ran = run_of(world, "baseline is best")
    assert ran.leaderboard["model"].tolist() == ["line", "far"]
    assert ran.leaderboard["status"].tolist() == ["baseline", "chosen"]
    assert "worse than the baseline" in (ran.folder / "report.html").read_text()


@pytest.mark.parametrize(
    ("candidates", "lacking"),
    [("no baseline", r"no baseline, a Candidate\("), ("only a baseline", "no candidate")],
)
def test_a_run_without_both_kinds_says_what_lacks(candidates, lacking, world):
    from lepton_platform.errors import HookError

    with pytest.raises(HookError, match=rf"acme\.reading has {lacking}"):
        run_of(world, candidates)


def test_with_a_budget_candidates_are_tuned_and_the_tuned_form_may_win(world):
    ran = run_of(world, models=("ridge",), budget=60.0)
    board = ran.leaderboard.set_index("model")
    assert board["status"].to_dict() == {"ridge (tuned)": "chosen", "ridge": "finished", "mean": "baseline"}
    assert ran.model.named_steps["estimator"].alpha < 100


def test_fits_have_a_folder_for_checkpoints_that_goes_when_the_model_is_saved(world):
    ran = run_of(world, models=("resumable",))
    fitted, given = ran.model.named_steps["estimator"], ran.folder / "work" / "checkpoints"
    assert (fitted.folder_, fitted.checkpoints) == (str(given), None)
    assert not given.exists()


def test_a_run_that_was_interrupted_goes_on_with_the_candidates_it_has(run, world):
    record = json.loads((run.folder / "run.json").read_text())
    interrupted = {**record, "status": "interrupted", "stages": {"data": record["stages"]["data"]}}
    del interrupted["model"]
    (run.folder / "run.json").write_text(json.dumps(interrupted))
    resumed = resume(run.id, world / "runs")
    assert resumed.leaderboard.drop(columns="seconds").equals(run.leaderboard.drop(columns="seconds"))
    assert resumed.predictions.equals(run.predictions)


def test_a_run_that_was_interrupted_once_its_model_was_saved_does_not_train_again(run, world):
    record = json.loads((run.folder / "run.json").read_text())
    interrupted = {**record, "status": "interrupted", "stages": {"data": record["stages"]["data"]}}
    (run.folder / "run.json").write_text(json.dumps(interrupted))
    saved = (run.folder / "model" / "manifest.json").stat().st_mtime_ns
    resumed = resume(run.id, world / "runs")
    assert (run.folder / "model" / "manifest.json").stat().st_mtime_ns == saved
    assert resumed.leaderboard["model"].tolist() == run.leaderboard["model"].tolist()
    assert resumed.predictions.equals(run.predictions)

"""One run: data → model → report for one application.

A stage is done when ``run.json`` says so. What a stage leaves for the next one is on disk by then,
so that ``resume`` goes on after a crash with the last finished stage.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import platform
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from lepton_platform import plugins, store
from lepton_platform.application import Application
from lepton_platform.config import Config, config_of
from lepton_platform.data.dataset import Dataset, Finding, Source, Split, without_password
from lepton_platform.data.schema import Schema
from lepton_platform.engine import Engine, LocalEngine
from lepton_platform.errors import DataError, LeptonError, RunError, UnknownNameError, UsageError
from lepton_platform.hooks import STAR_EXTENSION, Hooks
from lepton_platform.model import evaluation, persistence, training
from lepton_platform.model.candidate import Metric
from lepton_platform.model.evaluation import Estimate
from lepton_platform.model.prediction import predict_test
from lepton_platform.plugins import Participants

ROOT = Path("runs")
RECORDED_VERSIONS = ("lepton-platform", "numpy", "pandas", "scikit-learn", "lightgbm")
OPTIONAL_VERSIONS = ("catboost", "torch")
"""Recorded where they are installed: models may consist of them."""


@dataclass(frozen=True)
class Options:
    """What every run can be asked for, whatever its application."""

    data: str | None = None
    """Path or URI of the rows to learn from; ``None``: the application's sample."""
    test: str | None = None
    """Rows to be judged on; ``None``: a part of ``data`` is held out."""
    models: tuple[str, ...] = ()
    """Candidates to try; empty: all."""
    budget: float | None = None
    """Seconds after which the run must be over; ``None``: no limit, and no tuning."""
    seed: int = 0
    engine: str | None = None
    """URL of the engine; ``None``: this machine."""


@dataclass(eq=False)  # a run is equal to itself alone
class Run:
    """One execution of one application, and what it has learned so far.

    What a stage makes is there once the stage is done: reading it earlier is an ``AttributeError``.
    """

    participants: Participants
    options: Options
    config: Config
    folder: Path
    extension_configs: Mapping[str, Config] = field(default_factory=dict)
    """Options of each extension that has some of its own, by the extension's name."""
    deadline: float | None = None
    """Moment of ``time.monotonic`` at which training must end."""
    reopened: bool = False
    """Whether the run was finished before, and is only used to decide."""

    findings: list[Finding] = field(default_factory=list)
    learned: dict[str, Any] = field(default_factory=dict)
    """JSON facts that hooks learned from the training data and need again to decide."""
    schema: Schema = field(default_factory=lambda: Schema(()))
    """Columns of the cases; empty for tasks whose cases are no table rows."""
    dataset: Dataset = field(init=False)
    """The cases with known outcomes that were given with ``data``."""
    split: Split = field(init=False)
    model: Any = field(init=False)
    baseline: Any = field(init=False)
    leaderboard: pd.DataFrame = field(default_factory=pd.DataFrame)
    selected_by: str = ""
    """Name of the metric that chose the model."""
    out_of_fold: pd.DataFrame = field(default_factory=pd.DataFrame)
    """The model's predictions for the training cases, each by fits that had not seen it."""
    test: Dataset = field(init=False)
    """The cases the model is judged on; labels apart, in ``truth``."""
    predictions: pd.DataFrame = field(init=False)
    baseline_predictions: pd.DataFrame = field(init=False)
    truth: pd.Series[Any] = field(init=False)
    metrics: dict[str, Metric] = field(default_factory=dict)
    scores: dict[str, Estimate] = field(default_factory=dict)
    baseline_scores: dict[str, Estimate] = field(default_factory=dict)
    gain: Estimate = field(init=False)
    """How much better than the baseline the model is, in the metric that chose it."""
    decisions: pd.DataFrame = field(init=False)
    summary: dict[str, Any] = field(default_factory=dict)
    record: dict[str, Any] = field(default_factory=dict)
    """What ``run.json`` says."""

    def __post_init__(self) -> None:
        self.hooks = Hooks(self.participants.layers, self)

    @property
    def id(self) -> str:
        return self.folder.name

    @property
    def application_id(self) -> str:
        return self.participants.offer.name

    @property
    def application(self) -> Application:
        return self.participants.application

    @property
    def seed(self) -> int:
        return self.options.seed

    @cached_property
    def engine(self) -> Engine:
        if self.options.engine is None:
            return LocalEngine()
        found = self.hooks.engine(self.options.engine)
        if found is None:
            raise UsageError(f"--engine {self.options.engine!r} is no engine that is installed")
        return found

    @property
    def test_source(self) -> Source | None:
        """Where test cases come from: the file asked for, or one beside the data; ``None``: held out."""
        return self.dataset.test if self.options.test is None else Source(self.options.test)

    def note(self, *findings: Finding) -> None:
        """Add findings to the report; one that is there already is not repeated."""
        for finding in findings:
            if finding not in self.findings:
                self.findings.append(finding)
                self.log(f"{finding.level}: {finding}")

    def log(self, message: str) -> None:
        """Add a line to ``log.txt``; a run that was reopened to decide leaves its log as it is."""
        if self.reopened:
            return
        with (self.folder / "log.txt").open("a", encoding="utf-8") as lines:
            lines.write(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {message}\n")

    def steps_for(self, candidate_origin: str, dataset: Dataset) -> list[tuple[str, Any]]:
        """Return the named transformers that a candidate's pipeline begins with."""
        steps = self.hooks.steps(dataset).items()
        return [
            (name, step.transformer)
            for name, step in steps
            if not step.extends or step.origin == candidate_origin
        ]


# ------------------------------------------------------------------------------- making a run


def configs_of(participants: Participants, values: Mapping[str, Any]) -> tuple[Config, dict[str, Config]]:
    """Return the checked options of the application, and those of each extension that has its own.

    ``values`` holds the application's by field name, an extension's as ``<extension>.<field>``.

    Raises
    ------
    UsageError
        An option is unknown, or has a value that it cannot have.
    """
    types = {layer.name: layer.config for layer in participants.layers if layer.config is not None}
    given: dict[str, dict[str, Any]] = {name: {} for name in types}
    own = {}
    for key, value in values.items():
        extension, dot, option = key.rpartition(".")
        if not dot:
            own[key] = value
        elif extension in given:
            given[extension][option] = value
        else:
            raise UnknownNameError("extension with options", extension, types, participants.offer.name)
    config = config_of(participants.application, participants.task).checked(
        own, owner=participants.offer.name
    )
    return config, {name: types[name].checked(given[name], name, f"{name}.") for name in types}


def start(
    application: str | Participants,
    options: Options = Options(),
    values: Mapping[str, Any] | None = None,
    root: Path = ROOT,
    started: float | None = None,
) -> Run:
    """Make a run of ``application`` and carry it out.

    Parameters
    ----------
    application : str or Participants
        Id of an installed application, or everything that is to take part in the run.
    values : mapping
        Options of the application by field name; of an extension as ``<extension>.<field>``.
    root : path
        Folder of all runs.
    started : float
        Moment of ``time.monotonic`` from which the budget counts; now, if not given.

    Raises
    ------
    LeptonError
        With one clear message, for everything that is the data's, the request's or a plugin's fault.
    """
    participants = plugins.participants(application) if isinstance(application, str) else application
    if options.data is None and participants.application.sample is not None:
        values = {**participants.application.sample().options, **(values or {})}
    config, of_extensions = configs_of(participants, values or {})
    folder = store.RunFolder.create(root, participants.offer.name)
    try:
        run = Run(participants, options, config, folder.path, of_extensions, _deadline(options, started))
    except LeptonError:  # a hook that cannot be used
        folder.discard()
        raise
    run.record = {
        "id": folder.id,
        "application": participants.offer.name,
        "status": "running",
        "process": os.getpid(),
        "stages": {},
        "options": {**asdict(options), **_absolute(options)},
        "config": config.model_dump(mode="json"),
        "extensions": {
            layer.name: {
                "plugin": layer.distribution,
                "every run": layer.width == STAR_EXTENSION,
                "config": _dumped(of_extensions.get(layer.name)),
            }
            for layer in participants.layers
            if layer.extends
        },
        "seed": options.seed,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": _versions(participants),
    }
    return _carry_out(run, folder)


def resume(run_id: str, root: Path = ROOT, started: float | None = None) -> Run:
    """Go on with a run that was interrupted, after its last finished stage."""
    folder = store.find_run(root, run_id)
    record = folder.read_record()
    if record.get("status") == "done":
        raise RunError(f"run {folder.id} is finished; there is nothing to resume ({folder.path})")
    if ":***@" in f"{record['options']['data']}{record['options']['test']}":
        raise RunError(f"run {folder.id} reads a database whose password was not stored; start a new run")
    folder.lock()
    participants = plugins.participants(record["application"])
    stored = {**record["options"], "models": tuple(record["options"]["models"])}
    options = Options(**stored)
    config, of_extensions = configs_of(participants, _recorded_values(record, participants))
    run = Run(participants, options, config, folder.path, of_extensions, _deadline(options, started))
    run.record = {**record, "status": "running", "process": os.getpid()}
    return _carry_out(run, folder)


def _dumped(config: Config | None) -> dict[str, Any]:
    return {} if config is None else config.model_dump(mode="json")


def _recorded_values(record: Mapping[str, Any], participants: Participants) -> dict[str, Any]:
    """Return the options that a run was made with, as ``configs_of`` takes them.

    Raises
    ------
    RunError
        An extension that had a part in the run's numbers is no longer there.
    """
    values = dict(record["config"])
    present = {layer.name for layer in participants.layers if layer.extends}
    for name, extension in record["extensions"].items():
        if name not in present and extension["every run"]:
            continue  # an observer
        if name not in present:
            raise RunError(
                f"run {record['id']} was made with the extension {name} of {extension['plugin']}, which "
                f"is not there now. Install it (pip install {extension['plugin']}) or make a new run."
            )
        values |= {f"{name}.{option}": value for option, value in extension["config"].items()}
    return values


def _deadline(options: Options, started: float | None) -> float | None:
    """Leave a part of the budget for the report; training takes off what judging will cost."""
    if options.budget is None:
        return None
    now = time.monotonic()
    begun = now if started is None else started
    # what starting up took says how slow this machine is now: the report takes about twice as long
    reserve = min(max(4.0, 0.1 * options.budget, 2 * (now - begun)), 20.0)
    return begun + options.budget - reserve


def _absolute(options: Options) -> dict[str, str | None]:
    """Return the sources so that the run can be resumed from another folder."""
    sources = {"data": options.data, "test": options.test}
    return {
        name: uri and (without_password(uri) if "://" in uri else str(Path(uri).resolve()))
        for name, uri in sources.items()
    }


def _versions(participants: Participants) -> dict[str, str]:
    distributions = {layer.distribution for layer in participants.layers if layer.distribution}
    optional = {name for name in OPTIONAL_VERSIONS if importlib.util.find_spec(name) is not None}
    names = sorted({*RECORDED_VERSIONS, *optional, *distributions})
    return {"python": platform.python_version(), **{name: version(name) for name in names}}


def _carry_out(run: Run, folder: store.RunFolder) -> Run:
    resumed = bool(run.record["stages"])
    try:
        folder.write_record(run.record)
        for error in run.participants.broken:
            run.log(f"left out: {error}")
        run.log(f"engine: {type(run.engine).__name__}")  # one that does not answer is said before any work
        with _stage(run, "data"):
            data_stage(run)
        with _stage(run, "model"):
            model_stage(run)
        with _stage(run, "report"):
            report_stage(run)
    except BaseException as error:
        _close(run, folder, "interrupted" if isinstance(error, KeyboardInterrupt) else "failed", error)
        run.hooks.run_failed(error)
        nothing_done = not run.record["stages"] or (isinstance(error, UsageError) and not resumed)
        if isinstance(error, LeptonError) and nothing_done:
            folder.discard()  # a file that cannot be read leaves nothing behind
        if isinstance(error, OSError) and str(run.folder) in str(error.filename):
            raise RunError(f"cannot write {error.filename}: {error.strerror}") from error
        raise
    _close(run, folder, "done", None)
    run.hooks.run_finished()
    return run


def _close(run: Run, folder: store.RunFolder, status: str, error: BaseException | None) -> None:
    """Record how the run ended; if even that cannot be written, the first error is the one to tell."""
    run.record |= {"status": status, "finished": datetime.now(UTC).isoformat(timespec="seconds")}
    if error is not None:
        run.record["error"] = f"{type(error).__name__}: {error}"
    else:
        run.record.pop("error", None)
    try:
        folder.write_record(run.record)
    except RunError:
        if error is None:
            raise
    finally:
        folder.release()


@contextmanager
def _stage(run: Run, name: str) -> Iterator[None]:
    run.hooks.stage_started(name)
    begun = time.perf_counter()
    yield
    run.record["stages"][name] = {"done": True, "seconds": round(time.perf_counter() - begun, 3)}
    store.write_json(run.folder / store.RECORD, run.record)
    run.hooks.stage_finished(name)


# ----------------------------------------------------------------------------------- the stages


def data_stage(run: Run) -> None:
    """Load, check and split. Repeated on resume: it is cheap, and its hash must be the same."""
    dataset = run.dataset = run.hooks.load(training_source(run), "train")
    run.split = run.hooks.split(dataset)
    if run.test_source is not None:
        run.test = run.hooks.load(run.test_source, "test")
    else:
        held_out = dataset.take(run.split.test)
        run.test = replace(held_out, target=None)
    contents = [part.cases if part.content is None else part.content for part in (dataset, run.test)]
    sha256 = _digest(contents[0], dataset.target, contents[1])
    data = {"source": str(training_source(run)), "rows": len(dataset.cases), "sha256": sha256}
    if (recorded := run.record.get("data")) is not None and recorded["sha256"] != sha256:
        raise RunError(f"the data have changed since run {run.id} began; start a new run")
    run.record["data"] = data
    store.write_json(run.folder / "schema.json", run.schema.to_json())


def training_source(run: Run) -> Source:
    """Return what the run learns from: the file asked for, or the application's sample."""
    if run.options.data is not None:
        return Source(run.options.data)
    if run.application.sample is None:
        raise UsageError(f"{run.application_id} ships no sample data; name a file with --data")
    return run.application.sample().source


def _digest(*parts: pd.DataFrame | pd.Series[Any] | None) -> str:
    digest = hashlib.sha256()
    for part in parts:
        if part is not None:
            digest.update(pd.util.hash_pandas_object(part).to_numpy().tobytes())
    return digest.hexdigest()


def model_stage(run: Run) -> None:
    """Train, predict the test cases, and only then read their labels and judge."""
    run.metrics = run.hooks.metrics()
    run.selected_by = run.application.select or next(iter(run.metrics))
    if "model" not in run.record:
        candidates = run.hooks.models(run.dataset)
        run.model = run.hooks.train(run.dataset, run.split, candidates, run.metrics)
        _keep_model(run)
    else:
        _take_up_model(run)
    run.predictions = predict_test(run, "model")
    run.baseline_predictions = predict_test(run, "baseline")
    write_frame(run.folder / "predictions.parquet", run.predictions)
    run.truth = _truth(run)
    for predictions, scores in (
        (run.predictions, run.scores),
        (run.baseline_predictions, run.baseline_scores),
    ):
        scores |= run.hooks.evaluate(predictions, run.truth, run.test.cases, run.metrics)
    run.gain = evaluation.difference(
        run.metrics[run.selected_by],
        run.truth.to_numpy(),
        run.predictions,
        run.baseline_predictions,
        run.test.cases,
        run.seed,
        run.test.groups,
    )
    store.write_json(run.folder / "metrics.json", metrics_json(run))
    shutil.rmtree(run.folder / training.CHECKPOINTS, ignore_errors=True)


def _keep_model(run: Run) -> None:
    """Save what the rest of the run, ``resume`` and ``decide`` need of training."""
    persistence.save(run.folder / "model", {"model": run.model, "baseline": run.baseline})
    persistence.require_vouched(run.folder / "model", run.participants.layers)
    with store.replacing(run.folder / "leaderboard.csv") as path:
        run.leaderboard.to_csv(path, index=False)
    if not run.out_of_fold.empty:
        write_frame(run.folder / "out_of_fold.parquet", run.out_of_fold)
    run.record["learned"] = run.learned
    run.record["model"] = {"manifest_sha256": persistence.manifest_digest(run.folder / "model")}
    store.write_json(run.folder / store.RECORD, run.record)  # from here on it need not be trained again


def _take_up_model(run: Run) -> None:
    load_model(run)
    run.leaderboard = pd.read_csv(run.folder / "leaderboard.csv", float_precision="round_trip")
    if (run.folder / "out_of_fold.parquet").exists():
        kept = pd.read_parquet(run.folder / "out_of_fold.parquet")
        run.out_of_fold = kept.set_index(list(kept.columns[: run.dataset.cases.index.nlevels]))


def load_model(run: Run) -> None:
    """Load the model of a run, after checking that its files are the ones that were saved."""
    parts = persistence.load(
        run.folder / "model", run.record["model"]["manifest_sha256"], run.participants.layers
    )
    run.model, run.baseline = parts["model"], parts["baseline"]
    run.learned = run.record["learned"]


def _truth(run: Run) -> pd.Series[Any]:
    """Return the test cases' outcomes; a test file's are read here for the first time."""
    if run.test_source is None:
        assert run.dataset.target is not None
        return run.dataset.target.iloc[run.split.test]
    truth = run.hooks.load(run.test_source, "truth").target
    if truth is None or not truth.index.equals(run.test.cases.index):
        raise DataError(
            [Finding("error", "the outcomes do not belong to the cases that were predicted")],
            str(run.test_source),
        )
    return truth


def report_stage(run: Run) -> None:
    """Decide, sum up, and write the report."""
    run.decisions = run.hooks.decide(run.predictions, run.test.cases)
    write_frame(run.folder / "decisions.parquet", run.decisions)
    run.summary = dict(run.hooks.summary())
    run.hooks.write(run.hooks.sections())


def metrics_json(run: Run) -> dict[str, Any]:
    """Return the content of ``metrics.json``."""

    def table(scores: Mapping[str, Estimate]) -> dict[str, Any]:
        return {
            name: {
                **{end: _finite(number) for end, number in estimate._asdict().items()},
                "unit": run.metrics[name].unit,
                "better": run.metrics[name].better,
            }
            for name, estimate in scores.items()
        }

    return {
        "model": table(run.scores),
        "baseline": table(run.baseline_scores),
        "selected_by": run.selected_by,
        "gain_over_baseline": {end: _finite(number) for end, number in run.gain._asdict().items()},
    }


def _finite(number: float) -> float | None:
    return number if abs(number) < float("inf") else None


def write_frame(path: Path, frame: pd.DataFrame) -> None:
    """Write a table with its ids as the first columns."""
    with store.replacing(path) as temporary:
        with_ids(frame).to_parquet(temporary, index=False)


def with_ids(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table with its index as the first columns: by their names, or as ``case``.

    >>> list(with_ids(pd.DataFrame({"probability": [0.2]})))
    ['case', 'probability']
    >>> dated = pd.MultiIndex.from_tuples([("A", 1)], names=["series", "time"])
    >>> list(with_ids(pd.DataFrame({"mean": [3.0]}, index=dated)))
    ['series', 'time', 'mean']
    """
    return frame.reset_index(names=[str(name or "case") for name in frame.index.names])


# ------------------------------------------------------------------------------------- reopening


def reopen(
    folder: store.RunFolder,
    values: Mapping[str, Any] | None = None,
    participants: Participants | None = None,
) -> Run:
    """Return a finished run with its model and schema, ready to decide new cases.

    ``values`` replaces options of the run's config, by field name; ``participants`` are those that
    are installed, if not given.
    """
    record = folder.read_record()
    if not record.get("stages", {}).get("model"):
        raise RunError(f"run {folder.id} has no model ({record.get('status')}). Resume it or make a new one.")
    participants = participants or plugins.participants(record["application"])
    options = Options(**{**record["options"], "models": tuple(record["options"]["models"])})
    config, of_extensions = configs_of(
        participants, {**_recorded_values(record, participants), **(values or {})}
    )
    run = Run(participants, options, config, folder.path, of_extensions, reopened=True)
    run.record = record
    run.schema = Schema.from_json(json.loads((folder.path / "schema.json").read_text(encoding="utf-8")))
    load_model(run)
    return run

"""An application that implements every hook of a run: which parcels to send by express.

The examples on the page of hooks are cut from this file and its neighbour; tests/test_hooks_page.py
runs both.
"""

from __future__ import annotations

import copy
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from lightgbm import LGBMClassifier
from numpy.typing import NDArray
from scipy.stats import binomtest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.model_selection import StratifiedKFold

from lepton_platform import (
    Alert,
    Application,
    Candidate,
    Config,
    Dataset,
    Estimate,
    Field,
    Finding,
    Metric,
    Purpose,
    Run,
    Section,
    Split,
    Step,
    hookimpl,
)
from lepton_platform.store import replacing


class Parcels(Config):
    """What a late parcel costs, and what sending one by express costs."""

    refund: float = Field(9.0, gt=0, description="refund for a late parcel, EUR")
    express: float = Field(3.0, gt=0, description="price of sending one parcel by express, EUR")


application = Application(
    "Choose the parcels to send by express", task="binary", target="late", config=Parcels
)


@hookimpl(wrapper=True)
def lepton_load(purpose: Purpose, run: Run) -> Generator[None, Dataset, Dataset]:
    """Warn of parcels that no carrier takes, after the task has read and checked the table."""
    dataset = yield
    if purpose == "train" and (heavy := int((dataset.cases["weight"] > 30).sum())):
        run.note(Finding("warning", f"is above 30 kg in {heavy} rows", column="weight"))
    return dataset


@hookimpl
def lepton_split(dataset: Dataset, run: Run) -> Split:
    """Hold out the last fifth: the file is in the order in which parcels were sent."""
    assert dataset.target is not None
    rows = np.arange(len(dataset.cases))
    train, test = np.split(rows, [len(rows) * 4 // 5])
    folds = StratifiedKFold(3, shuffle=True, random_state=run.seed)
    parts = list(folds.split(train, dataset.target.iloc[train]))
    return Split(train, test, parts, rule="by the order of the file, the last fifth held out")


class Promise(TransformerMixin, BaseEstimator):
    """Adds how far the parcel has to go on each day that was promised."""

    def fit(self, X: pd.DataFrame, y: object = None) -> Promise:
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        return X.assign(km_per_day=X["distance"] / X["promised_days"])


@hookimpl
def lepton_steps() -> Mapping[str, Step]:
    """Stand behind the task's own step, whose order is 10."""
    return {"promise": Step(Promise(), order=20)}


@hookimpl
def lepton_models(run: Run) -> Mapping[str, Candidate | None]:
    """Add one to the task's candidates and remove another. LightGBM takes categories and gaps as they are."""
    leaves = LGBMClassifier(n_estimators=60, num_leaves=4, random_state=run.seed, n_jobs=1, verbose=-1)
    return {"few leaves": Candidate(leaves), "splines": None}


@hookimpl
def lepton_metrics(config: Parcels) -> Mapping[str, Metric]:
    """Judge by refunds and express together, beside the task's metrics."""

    def cost(truth: NDArray[np.int_], predictions: pd.DataFrame) -> float:
        express = predictions["probability"].to_numpy() > config.express / config.refund
        return float(np.where(express, config.express, truth * config.refund).mean())

    def surprises(truth: NDArray[np.int_], predictions: pd.DataFrame) -> float:
        return float((truth * (predictions["probability"].to_numpy() < 0.5)).mean())

    return {
        "cost": Metric(cost, better="lower", unit="EUR per parcel"),
        "surprises": Metric(surprises, better="lower", bounds=(0.0, 1.0)),
    }


@hookimpl(wrapper=True)
def lepton_train(dataset: Dataset, split: Split, run: Run) -> Generator[None, Any, Any]:
    """Keep how far parcels went in training: ``run.learned`` is stored, and there when deciding."""
    model = yield
    run.learned["farthest"] = float(dataset.cases["distance"].iloc[split.train].max())
    return model


@hookimpl(wrapper=True)
def lepton_predict(cases: pd.DataFrame, run: Run) -> Generator[None, pd.DataFrame, pd.DataFrame]:
    """Mark parcels that go farther than any the model has seen."""
    predictions = yield
    farthest = run.learned.get("farthest", np.inf)  # not there yet for the folds of the training
    return predictions.assign(beyond=cases["distance"] > farthest)


@hookimpl(wrapper=True)
def lepton_evaluate(
    predictions: pd.DataFrame, truth: pd.Series[Any]
) -> Generator[None, Mapping[str, Estimate], Mapping[str, Estimate]]:
    """Give a share its exact interval (Clopper and Pearson 1934) in place of the bootstrap's."""
    scores = yield
    surprised = int((truth * (predictions["probability"] < 0.5)).sum())
    exact = binomtest(surprised, len(truth)).proportion_ci()
    share = Estimate(surprised / len(truth), exact.low, exact.high)
    return {**scores, "surprises": share}


@hookimpl
def lepton_decide(predictions: pd.DataFrame, config: Parcels) -> pd.DataFrame:
    """Send by express what would cost more in refunds."""
    refund = predictions["probability"] * config.refund
    express = np.where(refund > config.express, "express", "standard")
    return predictions.assign(expected_refund=refund, decision=express)


@hookimpl
def lepton_summary(run: Run, config: Parcels) -> Mapping[str, Any]:
    """What is under ``in_words`` ends the verdict; the rest is for ``--json``."""
    express = int((run.decisions["decision"] == "express").sum())
    said = f"{express} of {len(run.decisions)} parcels go by express, for {express * config.express:.2f} EUR."
    return {"in_words": said, "cases": len(run.decisions), "express": express}


@hookimpl
def lepton_sections(run: Run) -> Sequence[Section]:
    """Show what to do before how well it works: the host's sections have orders from 0 to 95."""
    dearest = run.decisions.nlargest(10, "expected_refund")
    return [Section("Parcels to send first", ["The ten dearest if late:", dearest], order=15)]


@hookimpl
def lepton_write(run: Run) -> Sequence[Path]:
    """Leave a list for the warehouse beside the report, whole or not at all."""
    path = run.folder / "express.csv"
    with replacing(path) as temporary:
        run.decisions.query("decision == 'express'").to_csv(temporary, index_label="parcel")
    return [path]


@hookimpl
def lepton_update(model: Any, batch: pd.DataFrame | None) -> Any:
    """Count, in the model that is stored with the state, the parcels that were watched."""
    if batch is None:
        return None
    counting = copy.copy(model)
    counting.watched_ = getattr(model, "watched_", 0) + len(batch)
    return counting


@hookimpl
def lepton_alerts(decisions: pd.DataFrame) -> Sequence[Alert]:
    """Warn of each parcel that is all but sure to be late."""
    return [
        Alert("late", f"parcel {parcel}", f"row {parcel}", "warning", f"late with a chance of {chance:.0%}")
        for parcel, chance in decisions.loc[decisions["probability"] > 0.95, "probability"].items()
    ]

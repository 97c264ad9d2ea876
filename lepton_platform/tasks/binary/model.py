"""Binary task, model stage: candidates, their blend, its calibration, and its predictions."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.dummy import DummyClassifier

from lepton_platform.data.dataset import Dataset, Split
from lepton_platform.hookspecs import hookimpl
from lepton_platform.model import training
from lepton_platform.model.calibration import LogisticCalibration, fit_calibration, log_odds
from lepton_platform.model.candidate import Candidate, Metric
from lepton_platform.model.ensemble import Blend, greedy_weights, shrunk_weights, without_negligible
from lepton_platform.model.leaderboard import beside_blend, leaderboard
from lepton_platform.model.training import Contender
from lepton_platform.tasks.binary import candidates
from lepton_platform.tasks.binary import metrics as binary_metrics

if TYPE_CHECKING:
    from lepton_platform.run import Run

ENSEMBLE = "ensemble"


@hookimpl
def lepton_models(dataset: Dataset) -> Mapping[str, Candidate]:
    """The base rate as the baseline; linear, smooth and boosted candidates, cheap ones first."""
    rows = len(dataset.cases)
    found = {
        "base rate": Candidate(DummyClassifier(strategy="prior"), steps=False, baseline=True),
        "logistic": candidates.logistic(),
        "small trees": candidates.small_trees(rows),
        "boosting": candidates.boosting(rows),
        "splines": candidates.splines(rows),
        "extra trees": candidates.extra_trees(),
    }
    if importlib.util.find_spec("catboost") is not None:
        found["catboost"] = candidates.catboost()
    return found


@hookimpl
def lepton_metrics() -> Mapping[str, Metric]:
    """Discrimination, then the quality of the probability itself."""
    unit = (0.0, 1.0)
    return {
        "auc": Metric(
            binary_metrics.auc,
            "higher",
            bounds=unit,
            summary="how often a case with the event scores above one without; 0.5 is a coin",
        ),
        "gini": Metric(binary_metrics.gini, "higher", bounds=(-1.0, 1.0), summary="2 AUC - 1; 0 is a coin"),
        "ks": Metric(
            binary_metrics.kolmogorov_smirnov,
            "higher",
            bounds=unit,
            summary="greatest distance between the two groups' score distributions",
        ),
        "average_precision": Metric(
            binary_metrics.average_precision,
            "higher",
            bounds=unit,
            summary="how pure the top of the ranking is; a random ranking gets the share of events",
        ),
        "log_loss": Metric(
            binary_metrics.log_loss,
            "lower",
            "nats",
            (0.0, float("inf")),
            "penalty for being sure and wrong",
        ),
        "brier": Metric(
            binary_metrics.brier, "lower", bounds=unit, summary="mean squared error of the probability"
        ),
        "ece": Metric(
            binary_metrics.expected_calibration_error,
            "lower",
            bounds=unit,
            summary="mean distance between predicted and observed shares; chance alone gives more than 0",
        ),
    }


# ------------------------------------------------------------------------------------ training


@hookimpl
def lepton_train(
    dataset: Dataset,
    split: Split,
    candidates: Mapping[str, Candidate],
    metrics: Mapping[str, Metric],
    run: Run,
) -> Blend:
    """Cross-validate, blend greedily, calibrate out of fold, refit on all training cases."""
    train = dataset.take(split.train)
    assert train.target is not None
    y = train.target.to_numpy()
    field = training.contenders(run, train, candidates)
    training.cross_validate(run, train, split, field)
    field += list(training.tune(run, train, split, field, metrics[run.selected_by]))

    ready = training.choosable(field)
    scores = {name: _score(one) for name, one in ready.items()}
    losses = {name: _loss(score, y) for name, score in scores.items()}
    drawn = shrunk_weights(
        greedy_weights(scores, lambda score: _loss(score, y)),
        losses,
        baseline_loss=_loss(log_odds(np.full(len(y), y.mean())), y),
        rarer=min(y.sum(), len(y) - y.sum()),
    )
    weights = without_negligible(drawn)
    blended = np.sum([weight * scores[name] for name, weight in weights.items()], axis=0)
    calibration = fit_calibration(blended, y)

    members = [(name, ready[name].pipeline) for name in weights]
    model = Blend(members, list(weights.values()), calibration)
    model.adopt(training.refit_members(run, train, [ready[name] for name in weights]))

    run.baseline = training.refit_baseline(run, train, field)
    run.out_of_fold = _calibrated(calibration, blended, train.cases.index)
    rows = beside_blend(field, weights, run.out_of_fold, ENSEMBLE)
    run.leaderboard = leaderboard(rows, train, split, metrics, run.selected_by)
    return model


def _score(contender: Contender) -> NDArray[np.float64]:
    assert contender.out_of_fold is not None
    return log_odds(contender.out_of_fold["probability"].to_numpy())


def _loss(score: NDArray[np.float64], y: NDArray[np.int_]) -> float:
    """Log loss of a score in log-odds; smoother than the AUC, so it overfits the weights less."""
    return float(np.mean(np.logaddexp(0, score) - y * score))


def _calibrated(
    calibration: LogisticCalibration, score: NDArray[np.float64], index: pd.Index[Any]
) -> pd.DataFrame:
    low, high = calibration.interval(score)
    return pd.DataFrame(
        {"probability": calibration.predict_proba(score), "low": low, "high": high}, index=index
    )


# ---------------------------------------------------------------------------------- prediction


@hookimpl
def lepton_predict(model: Any, cases: pd.DataFrame) -> pd.DataFrame:
    """Columns ``probability`` and, for a calibrated blend, its 95 % limits ``low`` and ``high``."""
    if isinstance(model, Blend):
        return _calibrated(model.calibration, model.decision_function(cases), cases.index)
    return pd.DataFrame({"probability": model.predict_proba(cases)[:, 1]}, index=cases.index)

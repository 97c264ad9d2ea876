"""Binary task, model stage: candidates, their blend, its calibration, and its predictions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from lightgbm import LGBMClassifier
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.dummy import DummyClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from lepton_platform.data.dataset import Dataset, Split
from lepton_platform.hookspecs import hookimpl
from lepton_platform.model import evaluation, training
from lepton_platform.model.calibration import LogisticCalibration, log_odds
from lepton_platform.model.candidate import Candidate, Metric
from lepton_platform.model.ensemble import Blend, greedy_weights
from lepton_platform.model.training import Contender
from lepton_platform.tasks.binary import metrics as binary_metrics

if TYPE_CHECKING:
    import optuna

    from lepton_platform.run import Run

ENSEMBLE = "ensemble"
FEW_ROWS = 100_000
"""Below this, a fit uses one thread: on a busy machine more of them wait longer than they work."""


# ---------------------------------------------------------------------------------- candidates


@hookimpl
def lepton_models(dataset: Dataset) -> Mapping[str, Candidate]:
    """The base rate as the baseline; a linear model and boosted trees."""
    threads = 1 if len(dataset.cases) < FEW_ROWS else -1
    return {
        "base rate": Candidate(DummyClassifier(strategy="prior"), steps=False, baseline=True),
        "logistic": Candidate(logistic(), search=_search_logistic),
        "boosting": Candidate(boosting(threads), search=_search_boosting),
    }


def logistic() -> Any:
    """Regularised logistic regression on one-hot categories and scaled, median-filled numbers."""
    numbers = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    categories = make_pipeline(
        SimpleImputer(strategy="constant", fill_value="(missing)"), OneHotEncoder(handle_unknown="ignore")
    )
    encode = ColumnTransformer(
        [
            ("numbers", numbers, make_column_selector(dtype_include="number")),
            ("categories", categories, make_column_selector(dtype_include="category")),
        ]
    )
    return make_pipeline(encode, LogisticRegression(C=0.1, max_iter=2000))


def boosting(threads: int) -> LGBMClassifier:
    """LightGBM, slow and shallow enough for a few hundred rows and good on many."""
    return LGBMClassifier(
        n_estimators=200,
        learning_rate=0.03,
        num_leaves=15,
        min_child_samples=30,
        subsample=0.8,
        subsample_freq=1,
        colsample_bytree=0.7,
        reg_lambda=1.0,
        random_state=0,
        n_jobs=threads,
        deterministic=True,
        force_col_wise=True,
        verbose=-1,
    )


def _search_logistic(trial: optuna.Trial) -> dict[str, Any]:
    return {"logisticregression__C": trial.suggest_float("C", 1e-3, 10, log=True)}


def _search_boosting(trial: optuna.Trial) -> dict[str, Any]:
    return {
        "learning_rate": trial.suggest_float("learning_rate", 0.01, 0.1, log=True),
        "n_estimators": trial.suggest_int("n_estimators", 100, 800, log=True),
        "num_leaves": trial.suggest_int("num_leaves", 4, 63, log=True),
        "min_child_samples": trial.suggest_int("min_child_samples", 5, 200, log=True),
        "colsample_bytree": trial.suggest_float("colsample_bytree", 0.3, 1.0),
        "reg_lambda": trial.suggest_float("reg_lambda", 1e-2, 100, log=True),
    }


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

    ready = {one.name: one for one in field if one.out_of_fold is not None and not one.candidate.baseline}
    scores = {name: _score(one) for name, one in ready.items()}
    weights = greedy_weights(scores, lambda score: _loss(score, y))
    blended = np.sum([weight * scores[name] for name, weight in weights.items()], axis=0)
    calibration = LogisticCalibration().fit(blended, y)

    members = [(name, ready[name].pipeline) for name in weights]
    model = Blend(members, list(weights.values()), calibration)
    fitted = []
    for number, name in enumerate(weights):
        run.hooks.progress(number, len(weights), f"fitting {name} on all training cases")
        fitted.append(training.refit(run, train, ready[name]))
    model.adopt(fitted)

    run.baseline = training.refit(run, train, next(one for one in field if one.candidate.baseline))
    run.out_of_fold = _calibrated(calibration, blended, train.cases.index)
    run.leaderboard = _leaderboard(run, train, field, weights, metrics)
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


def _leaderboard(
    run: Run,
    train: Dataset,
    field: list[Contender],
    weights: Mapping[str, float],
    metrics: Mapping[str, Metric],
) -> pd.DataFrame:
    """One row per candidate and one for the blend, all judged out of fold on the training cases."""
    assert train.target is not None
    y, chosen_by = train.target.to_numpy(), {run.selected_by: metrics[run.selected_by]}
    rows = []
    for one in field:
        row: dict[str, Any] = {"model": one.name, "from": one.candidate.origin, "status": one.status}
        row |= {"weight": weights.get(one.name, 0.0), "seconds": round(one.seconds, 2)}
        if one.candidate.baseline:
            row |= {"status": "baseline", "weight": np.nan}
        if one.out_of_fold is not None:
            row |= _scores(y, one.out_of_fold, train.cases, metrics, chosen_by, run.seed)
        rows.append(row)
    total = round(sum(one.seconds for one in field), 2)
    blend = {"model": ENSEMBLE, "from": "host", "status": "chosen", "weight": 1.0, "seconds": total}
    rows.append(blend | _scores(y, run.out_of_fold, train.cases, metrics, chosen_by, run.seed))
    better = metrics[run.selected_by].better
    table = pd.DataFrame(rows)
    return table.sort_values(run.selected_by, ascending=better == "lower", kind="stable", ignore_index=True)


def _scores(
    y: NDArray[np.int_],
    predictions: pd.DataFrame,
    cases: pd.DataFrame,
    metrics: Mapping[str, Metric],
    chosen_by: Mapping[str, Metric],
    seed: int,
) -> dict[str, float]:
    (selected, estimate), *_ = evaluation.evaluate(chosen_by, y, predictions, cases, seed).items()
    scores = {name: evaluation.call(metric, y, predictions, cases) for name, metric in metrics.items()}
    return {selected: estimate.value, "low": estimate.low, "high": estimate.high, **scores}


# ---------------------------------------------------------------------------------- prediction


@hookimpl
def lepton_predict(model: Any, cases: pd.DataFrame) -> pd.DataFrame:
    """Columns ``probability`` and, for a calibrated blend, its 95 % limits ``low`` and ``high``."""
    if isinstance(model, Blend):
        return _calibrated(model.calibration, model.decision_function(cases), cases.index)
    return pd.DataFrame({"probability": model.predict_proba(cases)[:, 1]}, index=cases.index)

"""Image task, model stage: candidates, their blend, its calibration, and when it should not answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import log_softmax, softmax
from sklearn.base import BaseEstimator
from sklearn.dummy import DummyClassifier
from sklearn.pipeline import Pipeline, make_pipeline

from lepton_platform.data.dataset import Dataset, Split
from lepton_platform.hookspecs import hookimpl
from lepton_platform.model import evaluation, training
from lepton_platform.model.candidate import Candidate, Metric
from lepton_platform.model.deep.picture_features import PretrainedFeatures, StageScaler
from lepton_platform.model.ensemble import greedy_weights
from lepton_platform.model.leaderboard import beside_blend, leaderboard
from lepton_platform.model.training import Contender
from lepton_platform.tasks.image import conformal, operating_point
from lepton_platform.tasks.image import metrics as image_metrics
from lepton_platform.tasks.image.blend import Blend, scores_of
from lepton_platform.tasks.image.calibration import BiasCorrectedTemperature, Temperature, log_loss_of
from lepton_platform.tasks.image.candidates import (
    MANY,
    fine_tuned,
    kernel,
    linear,
    linear_network,
    perceptron,
    small_network,
)
from lepton_platform.tasks.image.config import ImageConfig
from lepton_platform.tasks.image.familiarity import Familiarity
from lepton_platform.tasks.image.looks import LOOKS
from lepton_platform.tasks.image.metrics import PREFIX
from lepton_platform.tasks.image.operating_point import OperatingPoint

if TYPE_CHECKING:
    from lepton_platform.run import Run

Floats = NDArray[np.float64]

ENSEMBLE, SIDED = "ensemble", "sided"
FEWEST_FOR_PERCEPTRON = 2_500
AT_ONCE = 2_000
"""Pictures that are predicted together, so that memory stays flat."""


@hookimpl
def lepton_models(run: Run) -> Mapping[str, Candidate]:
    """The shares of the classes as the baseline; heads on frozen features; with time, networks.

    Most heads take a picture and its mirror image for the same, which doubles what few pictures teach;
    ``sided`` does not; it counts where that is clearly better, as for a left and a right kidney.

    Networks that learn from pixels cost minutes to hours on a CPU: they take part in a run with a
    budget, or that names them.
    """
    pictures, look = len(run.split.train), LOOKS[run.learned["look"]]
    found = {"class shares": Candidate(DummyClassifier(strategy="prior"), steps=False, baseline=True)}
    if pictures <= MANY:
        found |= {"kernel": kernel(look.features()), "linear": linear(look.features())}
    else:
        found["linear"] = linear_network(look.features())
    if pictures > FEWEST_FOR_PERCEPTRON:
        found["perceptron"] = perceptron(look.features())
    if look.mirrored:
        sided = look.features(sided=True)
        found[SIDED] = kernel(sided) if pictures <= MANY else perceptron(sided)
    if run.options.budget is not None or run.options.models:
        found["small network"] = small_network()
        found["fine-tuned"] = fine_tuned()
    return found


@hookimpl
def lepton_metrics() -> Mapping[str, Metric]:
    """Discrimination, accuracy with and without referral, then the probabilities themselves."""
    share = (0.0, 1.0)
    return {
        "auc": Metric(
            image_metrics.auc,
            "higher",
            bounds=share,
            summary="how well classes are told apart; 0.5 is a coin",
        ),
        "accuracy": Metric(
            image_metrics.accuracy, "higher", bounds=share, summary="share of right answers, none referred"
        ),
        "accuracy_at_80_%_coverage": Metric(
            image_metrics.accuracy_at_80,
            "higher",
            bounds=share,
            summary="share of right answers if the least sure fifth is referred",
        ),
        "risk_coverage_area": Metric(
            image_metrics.area_under_risk_coverage,
            "lower",
            bounds=share,
            summary="mean share of wrong answers over all shares of referral (AURC)",
        ),
        "log_loss": Metric(
            image_metrics.log_loss, "lower", "nats", (0.0, float("inf")), "penalty for being sure and wrong"
        ),
        "brier": Metric(
            image_metrics.brier, "lower", bounds=(0.0, 2.0), summary="squared error of the probabilities"
        ),
        "ece": Metric(
            image_metrics.expected_calibration_error,
            "lower",
            bounds=share,
            summary="distance between how sure and how right answers are; chance alone gives more than 0",
        ),
    }


# ------------------------------------------------------------------------------------ training


class PictureModel(BaseEstimator):  # type: ignore[misc]
    """What decides: the blend, and what tells pictures it was not made for.

    Attributes
    ----------
    blend : Blend
    familiar : Pipeline
        Features and `Familiarity`.
    """

    def __init__(self, blend: Blend, familiar: Pipeline) -> None:
        self.blend = blend
        self.familiar = familiar


@hookimpl
def lepton_train(
    dataset: Dataset,
    split: Split,
    candidates: Mapping[str, Candidate],
    metrics: Mapping[str, Metric],
    run: Run,
    config: ImageConfig,
) -> PictureModel:
    """Cross-validate, calibrate each member, blend, and choose the operating point, all out of fold."""
    train = dataset.take(split.train)
    assert train.target is not None
    y = train.target.to_numpy()
    field = training.contenders(run, train, candidates)
    looked_at = _looked_at(run, train)
    training.cross_validate(run, train, split, field)
    field += list(training.tune(run, train, split, field, metrics[run.selected_by]))

    ready = training.choosable(field)
    raw = {name: _scores(one) for name, one in ready.items()}
    calibrations = {name: BiasCorrectedTemperature().fit(score, y) for name, score in raw.items()}
    scores = {name: calibrations[name].transform(score) for name, score in raw.items()}
    if SIDED in scores and len(scores) > 1 and not _sides_matter(scores, y):
        del scores[SIDED]
    weights = greedy_weights(scores, lambda score: log_loss_of(score, y))
    pooled = _pooled(scores, weights)
    temperature = Temperature().fit(pooled, y)
    chances = softmax(temperature.transform(pooled), axis=1)
    run.learned["before_calibration"] = _before_calibration(run, train, metrics, _pooled(raw, weights))
    _choose_operating_point(run, config, chances, y)

    blend = Blend(
        [(name, ready[name].pipeline) for name in weights],
        list(weights.values()),
        [calibrations[name] for name in weights],
        temperature,
    )
    blend.adopt(training.refit_members(run, train, [ready[name] for name in weights]), np.unique(y))
    run.baseline = training.refit_baseline(run, train, field)
    run.out_of_fold = _table(chances, train.cases.index, run)
    rows = beside_blend(_judged(run, field, scores), weights, run.out_of_fold, ENSEMBLE)
    run.leaderboard = leaderboard(rows, train, split, metrics, run.selected_by)
    familiar = make_pipeline(looked_at, StageScaler(), Familiarity(run.seed)).fit(train.cases)
    looked_at.set_params(checkpoints=None)
    return PictureModel(blend, familiar)


def _sides_matter(scores: Mapping[str, Floats], y: NDArray[np.intp]) -> bool:
    """Whether telling left from right is better than the best of the others by two standard errors.

    Chance alone does that one time in forty. The simpler model is kept unless another is clearly better,
    as Breiman, Friedman, Olshen and Stone (1984, section 3.4.3) keep the smaller tree.
    """
    losses = {name: -log_softmax(score, axis=1)[np.arange(len(y)), y] for name, score in scores.items()}
    sided = losses.pop(SIDED)
    gain = min(losses.values(), key=np.mean) - sided
    return bool(gain.mean() > 2 * gain.std() / np.sqrt(len(y)))


def _pooled(scores: Mapping[str, Floats], weights: Mapping[str, float]) -> Floats:
    return np.asarray(np.sum([weight * scores[name] for name, weight in weights.items()], axis=0))


def _before_calibration(
    run: Run, train: Dataset, metrics: Mapping[str, Metric], pooled: Floats
) -> dict[str, float]:
    """Return what the report shows beside the calibrated figures."""
    assert train.target is not None
    table = _table(softmax(pooled, axis=1), train.cases.index, run)
    y = train.target.to_numpy()
    return {name: evaluation.call(metrics[name], y, table, train.cases) for name in ("log_loss", "ece")}


def _looked_at(run: Run, train: Dataset) -> PretrainedFeatures:
    """Compute the frozen features of all training pictures once, before folds ask for parts of them."""
    run.hooks.progress(0, 1, f"looking at {len(train.cases):,} pictures")
    looked_at = LOOKS[run.learned["look"]].features()
    looked_at.set_params(checkpoints=run.folder / training.CHECKPOINTS).fit(train.cases)
    return looked_at


def _scores(contender: Contender) -> Floats:
    assert contender.out_of_fold is not None
    return np.log(np.maximum(image_metrics.probabilities(contender.out_of_fold), 1e-12))


def _choose_operating_point(run: Run, config: ImageConfig, chances: Floats, y: NDArray[np.intp]) -> None:
    names = [str(name) for name in run.learned["classes"]]
    positive = names.index(config.positive) if config.positive is not None else -1
    point = operating_point.choose(chances, y, config.risk, positive, config.sensitivity)
    run.learned["operating_point"] = list(point)
    run.learned["set_thresholds"] = conformal.thresholds(chances, y, config.confidence).tolist()


def _judged(run: Run, field: list[Contender], scores: Mapping[str, Floats]) -> Iterator[Contender]:
    """Yield the contenders with their predictions as calibrated for the blend."""
    for one in field:
        if one.name in scores:
            calibrated = _table(softmax(scores[one.name], axis=1), run.out_of_fold.index, run)
            yield replace(one, out_of_fold=calibrated)
        else:
            yield one


# ---------------------------------------------------------------------------------- prediction


@hookimpl
def lepton_predict(model: Any, cases: pd.DataFrame, run: Run, config: ImageConfig) -> pd.DataFrame:
    """Columns ``p_<class>``, ``predicted``, ``referred``; of the whole model ``set``, ``familiarity``.

    ``set`` names the classes that hold the true one with the asked confidence. A picture with a fault
    has nothing but its referral, and so has no class one that is unfamiliar: see ``familiarity``.
    """
    starts = range(0, max(len(cases), 1), AT_ONCE)
    parts = [_predicted(model, cases.iloc[start : start + AT_ONCE], run) for start in starts]
    table = pd.concat(parts)
    if "familiarity" in table:
        table["referred"] |= table["familiarity"] < config.unfamiliar
    return table


def _predicted(model: Any, cases: pd.DataFrame, run: Run) -> pd.DataFrame:
    sound = (cases["fault"] == "").to_numpy()
    chances = np.full((len(cases), len(run.learned["classes"])), np.nan)
    whole = isinstance(model, PictureModel)
    if sound.any():
        chances[sound] = _chances(model, cases[sound], chances.shape[1])
    table = _table(chances, cases.index, run)
    if whole:
        familiar = np.full(len(cases), np.nan)
        if sound.any():
            familiar[sound] = model.familiar.score_samples(cases[sound])
        table["familiarity"] = familiar
    return table


def _chances(model: Any, cases: pd.DataFrame, classes: int) -> Floats:
    if isinstance(model, PictureModel):
        return model.blend.predict_proba(cases)
    # a fit of a fold may miss a class, all of whose pictures are of one patient
    chances = np.zeros((len(cases), classes))
    chances[:, model.classes_] = softmax(scores_of(model, cases), axis=1)
    return chances


def _table(chances: Floats, index: pd.Index[Any], run: Run) -> pd.DataFrame:
    """Return the prediction table of probabilities, a row of NaN being a picture without an answer."""
    classes = run.learned["classes"]
    table = pd.DataFrame(chances, index=index, columns=[f"{PREFIX}{name}" for name in classes])
    answered = ~np.isnan(chances[:, 0])
    point = OperatingPoint(*run.learned.get("operating_point", (0.0, 0.0, -1)))
    code, sure = point.answers(np.nan_to_num(chances))
    names = pd.Series(classes, dtype="Int64" if isinstance(classes[0], int) else "object")
    table["predicted"] = names.take(code).set_axis(index).where(answered)
    table["referred"] = ~answered | (sure < point.threshold)
    if "set_thresholds" in run.learned:
        member = conformal.sets(chances, np.array(run.learned["set_thresholds"]))
        table["set"] = ["|".join(map(str, np.array(classes, object)[row])) for row in member]
    return table

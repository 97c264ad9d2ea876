"""The binary task's metrics against scikit-learn, scipy and slow loops."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ks_2samp
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score
from sklearn.metrics import log_loss as sklearn_log_loss

from lepton_platform.model import evaluation
from lepton_platform.model.candidate import Metric
from lepton_platform.tasks.binary import metrics
from lepton_platform.tasks.binary.model import lepton_metrics


def drawn(kind, n=400, seed=0):
    rng = np.random.default_rng(seed)
    truth = (rng.random(n) < 0.3).astype(int)
    probability = {
        "informative": lambda: np.clip(0.3 + 0.3 * (truth - 0.3) + 0.15 * rng.normal(size=n), 0.01, 0.99),
        "noise": lambda: rng.random(n),
        "tied": lambda: np.round(0.5 * truth + 0.5 * rng.random(n), 1) * 0.98 + 0.01,
        "constant": lambda: np.full(n, 0.3),
        "upside down": lambda: np.clip(1 - truth + 0.2 * rng.normal(size=n), 0.01, 0.99),
        "right": lambda: np.where(truth == 1, 0.9, 0.1),
    }[kind]()
    return truth, pd.DataFrame({"probability": probability})


def largest_distance(truth, score):
    return ks_2samp(score[truth == 1], score[truth == 0]).statistic


REFERENCES = {
    metrics.auc: roc_auc_score,
    metrics.brier: brier_score_loss,
    metrics.log_loss: sklearn_log_loss,
    metrics.average_precision: average_precision_score,
    metrics.kolmogorov_smirnov: largest_distance,
}
KINDS = ["informative", "noise", "tied", "constant", "upside down", "right"]


@pytest.mark.parametrize("metric", REFERENCES, ids=lambda metric: metric.__name__)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [50, 1001])
def test_it_equals_the_reference(metric, kind, n):
    truth, predictions = drawn(kind, n)
    expected = REFERENCES[metric](truth, predictions["probability"].to_numpy())
    assert metric(truth, predictions) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_gini_is_twice_the_auc_less_one(kind):
    truth, predictions = drawn(kind)
    expected = 2 * roc_auc_score(truth, predictions["probability"]) - 1
    assert metrics.gini(truth, predictions) == pytest.approx(expected)


@pytest.mark.parametrize("metric", [metrics.auc, metrics.kolmogorov_smirnov, metrics.average_precision])
@pytest.mark.parametrize(
    "raised", [lambda p: p**3, lambda p: 0.1 + 0.2 * p, np.sqrt], ids=["3", "linear", "root"]
)
def test_ranking_metrics_do_not_change_under_a_monotone_map(metric, raised):
    truth, predictions = drawn("tied")
    assert metric(truth, predictions.apply(raised)) == pytest.approx(metric(truth, predictions))


@pytest.mark.parametrize("metric", list(REFERENCES), ids=lambda metric: metric.__name__)
def test_the_order_of_the_cases_does_not_matter(metric):
    truth, predictions = drawn("tied")
    rows = np.random.default_rng(1).permutation(len(truth))
    assert metric(truth[rows], predictions.iloc[rows]) == pytest.approx(metric(truth, predictions))


@pytest.mark.parametrize("metric", [metrics.auc, metrics.gini, metrics.kolmogorov_smirnov])
@pytest.mark.parametrize("outcome", [0, 1])
def test_ranking_one_outcome_only_has_no_value(metric, outcome):
    _, predictions = drawn("noise")
    assert np.isnan(metric(np.full(len(predictions), outcome), predictions))


@pytest.mark.parametrize("probability", [0.0, 1.0])
def test_being_sure_and_wrong_costs_much_but_not_infinitely(probability):
    predictions = pd.DataFrame({"probability": [probability]})
    assert metrics.log_loss(np.array([1 - int(probability)]), predictions) == pytest.approx(-np.log(1e-9))
    assert metrics.log_loss(np.array([int(probability)]), predictions) == pytest.approx(0, abs=1e-8)


# ------------------------------------------------------------------------------------ resamples


def in_order_of_cases(rows):
    """What is meant where equal probabilities straddle two bins: they keep the order of the table."""
    return np.sort(rows)


@pytest.mark.parametrize("name", list(lepton_metrics()))
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [40, 1001])
def test_on_many_resamples_at_once_it_is_what_it_is_on_each_alone(name, kind, n):
    metric = lepton_metrics()[name].function
    truth, predictions = drawn(kind, n)
    resamples = [in_order_of_cases(rows) for rows in list(evaluation.resamples(n, seed=3))[:300]]
    alone = [metric(truth[rows], predictions.iloc[rows]) for rows in resamples]
    counts = np.array([np.bincount(rows, minlength=n) for rows in resamples], dtype=float)
    assert metric(truth, predictions, counts) == pytest.approx(alone, abs=1e-12, nan_ok=True)


@pytest.mark.parametrize("name", list(lepton_metrics()))
@pytest.mark.parametrize("kind", ["informative", "tied"])
def test_its_interval_is_that_of_resampling_row_by_row(name, kind):
    metric = lepton_metrics()[name]
    truth, predictions = drawn(kind)
    if name == "ece" and kind == "tied":
        predictions += np.linspace(0, 1e-13, len(truth))[:, None]  # the order of the table, made visible
    by_rows = Metric(lambda truth, predictions: metric.function(truth, predictions), metric.better)
    by_counts, slow = (
        evaluation.evaluate({name: one}, truth, predictions, predictions, seed=1)[name]
        for one in (Metric(metric.function, metric.better), by_rows)
    )
    assert by_counts == pytest.approx(slow, abs=1e-12)


def test_a_resample_of_one_outcome_only_has_no_ranking():
    truth, predictions = np.array([1, 0, 0]), pd.DataFrame({"probability": [0.9, 0.2, 0.1]})
    counts = np.array([[1.0, 1, 1], [0, 2, 1], [3, 0, 0]])
    for metric in (metrics.auc, metrics.gini, metrics.kolmogorov_smirnov):
        assert metric(truth, predictions, counts) == pytest.approx([1, np.nan, np.nan], nan_ok=True)
    assert metrics.average_precision(truth, predictions, counts) == pytest.approx([1, np.nan, 1], nan_ok=True)


# -------------------------------------------------------------------------------------- calibration


def slow_calibration_error(truth, probability, bins):
    """By hand: sort, cut into bins of equally many cases, compare their means."""
    ranked = sorted(zip(probability, truth, strict=True), key=lambda pair: pair[0])
    sizes = [len(ranked) // bins + (number < len(ranked) % bins) for number in range(bins)]
    total, start = 0.0, 0
    for size in sizes:
        part = ranked[start : start + size]
        start += size
        if part:
            gap = abs(sum(p for p, _ in part) / size - sum(t for _, t in part) / size)
            total += gap * size / len(ranked)
    return total


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("n", "bins"), [(400, 15), (407, 10), (9, 15), (60, 1)])
def test_calibration_error_equals_a_slow_loop(kind, n, bins):
    truth, predictions = drawn(kind, n)
    expected = slow_calibration_error(truth, predictions["probability"], bins)
    assert metrics.expected_calibration_error(truth, predictions, bins=bins) == pytest.approx(expected)


def test_calibration_error_is_the_shift_of_probabilities_that_are_all_too_high():
    rng = np.random.default_rng(2)
    true = rng.uniform(0.1, 0.6, 200_000)
    truth = (rng.random(len(true)) < true).astype(int)
    shifted = pd.DataFrame({"probability": true + 0.2})
    assert metrics.expected_calibration_error(truth, shifted) == pytest.approx(0.2, abs=0.005)


def test_the_noise_floor_is_what_right_probabilities_score():
    rng = np.random.default_rng(3)
    probability = rng.uniform(0.05, 0.5, 500)
    predictions = pd.DataFrame({"probability": probability})
    scored = [
        metrics.expected_calibration_error((rng.random(500) < probability).astype(int), predictions)
        for _ in range(400)
    ]
    typical, extreme = metrics.calibration_noise(probability)
    assert typical == pytest.approx(np.mean(scored), rel=0.05)
    assert np.mean(np.array(scored) <= extreme) == pytest.approx(0.95, abs=0.03)


@pytest.mark.parametrize(("factor", "slope"), [(1.0, 1.0), (2.0, 0.5), (0.5, 2.0)])
def test_calibration_slope_says_how_far_too_extreme_the_probabilities_are(factor, slope):
    rng = np.random.default_rng(4)
    score = rng.normal(size=50_000)
    truth = (rng.random(len(score)) < 1 / (1 + np.exp(-score))).astype(int)
    predictions = pd.DataFrame({"probability": 1 / (1 + np.exp(-factor * score))})
    assert metrics.calibration_slope(truth, predictions) == pytest.approx(slope, rel=0.04)


def test_a_constant_probability_has_no_calibration_slope():
    truth, predictions = drawn("constant")
    assert np.isnan(metrics.calibration_slope(truth, predictions))


# --------------------------------------------------------------------------------------- stability


@pytest.mark.parametrize("kind", ["informative", "noise", "tied", "constant"])
def test_stability_against_itself_is_zero(kind):
    score = drawn(kind)[1]["probability"].to_numpy()
    assert metrics.population_stability(score, score) == 0


def test_stability_equals_the_textbook_sum_on_many_cases():
    rng = np.random.default_rng(5)
    expected, actual = rng.normal(size=100_000), rng.normal(0.5, 1, 100_000)
    edges = np.quantile(expected, np.linspace(0, 1, 11))
    edges[[0, -1]] = -np.inf, np.inf
    e, a = (np.histogram(part, edges)[0] / len(part) for part in (expected, actual))
    found = metrics.population_stability(expected, actual)
    assert found == pytest.approx(((a - e) * np.log(a / e)).sum(), rel=1e-3)
    assert found > 0.2


def test_stability_is_finite_for_values_that_were_never_seen():
    assert np.isfinite(metrics.population_stability(np.zeros(100), np.full(50, 9.0)))

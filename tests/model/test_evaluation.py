"""Metrics with intervals: the right value, the coverage they claim, the same draws for the same seed."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import bootstrap

from lepton_platform.errors import HookError
from lepton_platform.model.candidate import Metric
from lepton_platform.model.evaluation import (
    CELLS,
    Estimate,
    call,
    counted_resamples,
    difference,
    draws_for,
    evaluate,
    interval,
    resamples,
)

MEAN = Metric(lambda truth: float(truth.mean()), "higher")
ERROR = Metric(lambda truth, predictions: float((truth - predictions["p"]).abs().mean()), "lower")


def predictions(values):
    return pd.DataFrame({"p": np.asarray(values, dtype=float)})


def test_the_interval_of_a_mean_covers_the_true_mean_about_95_times_in_100():
    rng, covered, repeats = np.random.default_rng(0), 0, 120
    for seed in range(repeats):
        truth = rng.exponential(2.0, 100)
        estimate = evaluate({"mean": MEAN}, truth, predictions(truth), predictions(truth), seed)["mean"]
        covered += estimate.low <= 2.0 <= estimate.high
    assert 0.90 <= covered / repeats <= 0.98


def test_the_interval_agrees_with_scipys_bootstrap_and_the_normal_formula():
    truth = np.random.default_rng(1).normal(5, 2, 500)
    mine = evaluate({"mean": MEAN}, truth, predictions(truth), predictions(truth))["mean"]
    theirs = bootstrap((truth,), np.mean, rng=np.random.default_rng(0)).confidence_interval
    half = 1.96 * truth.std(ddof=1) / np.sqrt(500)
    assert mine.value == truth.mean()
    assert [mine.low, mine.high] == pytest.approx([theirs.low, theirs.high], abs=0.03)
    assert [mine.low, mine.high] == pytest.approx([truth.mean() - half, truth.mean() + half], abs=0.03)


def test_truth_predictions_and_cases_are_resampled_together():
    truth = np.arange(50.0)
    aligned = Metric(
        lambda truth, predictions, cases: float(
            (truth == predictions["p"].to_numpy()).all() and (truth == cases["p"].to_numpy()).all()
        ),
        "higher",
    )
    frame = predictions(truth)
    assert evaluate({"aligned": aligned}, truth, frame, frame)["aligned"] == Estimate(1, 1, 1)


def test_the_same_seed_gives_the_same_interval_and_another_seed_another():
    truth = np.random.default_rng(2).normal(size=80)
    first, again, other = (
        evaluate({"m": MEAN}, truth, predictions(truth), predictions(truth), seed)["m"] for seed in (1, 1, 2)
    )
    assert first == again
    assert first.value == other.value
    assert first != other


def test_a_metric_scores_the_same_alone_and_among_others():
    truth = np.random.default_rng(3).normal(size=60)
    frame = predictions(np.zeros(60))
    among = evaluate({"error": ERROR, "mean": MEAN}, pd.Series(truth).to_numpy(), frame, frame)
    assert among["mean"] == evaluate({"mean": MEAN}, truth, frame, frame)["mean"]


@pytest.mark.parametrize("draws", [[0.2, 0.3, 0.9], [0.9] * 10, [0.1, 0.95]])
def test_an_interval_contains_its_value_and_stays_within_the_bounds(draws):
    estimate = interval(0.95, draws, (0.0, 1.0))
    assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1


def test_the_bias_of_the_bootstrap_is_taken_out_of_the_interval():
    draws = np.random.default_rng(4).normal(0.5, 0.1, 100_000)
    low, high = interval(0.3, list(draws))[1:]
    assert [low, high] == pytest.approx([0.3 - 0.196, 0.3 + 0.196], abs=0.005)


@pytest.mark.parametrize("missing", [float("nan"), float("inf")])
def test_resamples_without_a_value_are_left_out(missing):
    assert interval(0.5, [0.4, 0.5, 0.6, missing]) == interval(0.5, [0.4, 0.5, 0.6])


@pytest.mark.parametrize(("value", "draws"), [(float("nan"), [0.5]), (0.5, []), (0.5, [float("nan")])])
def test_without_a_value_or_draws_the_ends_are_unknown(value, draws):
    estimate = interval(value, draws)
    assert np.isnan([estimate.low, estimate.high]).all()


# ---------------------------------------------------------------------------------- the difference


@pytest.mark.parametrize(("better", "sign"), [("higher", 1), ("lower", -1)])
def test_a_difference_is_positive_for_the_better_predictions(better, sign):
    metric = Metric(lambda predictions: float(predictions["p"].mean()), better)
    high, low = predictions(np.full(40, 3.0)), predictions(np.full(40, 1.0))
    truth = np.zeros(40)
    assert difference(metric, truth, high, low, high) == Estimate(2 * sign, 2 * sign, 2 * sign)


def test_a_difference_from_itself_is_zero_for_certain():
    truth = np.random.default_rng(5).normal(size=50)
    frame = predictions(np.zeros(50))
    assert difference(ERROR, truth, frame, frame, frame) == Estimate(0, 0, 0)


def test_what_is_hard_for_both_cancels_in_the_difference():
    rng = np.random.default_rng(6)
    truth = rng.normal(0, 10, 200)
    frame, worse = predictions(truth + 1), predictions(truth + 1.5)
    squared = Metric(lambda truth, predictions: float(((truth - predictions["p"]) ** 2).mean()), "lower")
    gain = difference(squared, truth, frame, worse, frame)
    assert gain.value == pytest.approx(1.25)
    assert gain.low == pytest.approx(1.25) and gain.high == pytest.approx(1.25)


def test_the_interval_of_a_difference_of_means_is_the_paired_one():
    rng = np.random.default_rng(7)
    truth, noise = np.zeros(400), rng.normal(0.2, 1, 400)
    shared = rng.normal(0, 20, 400)
    metric = Metric(lambda predictions: float(predictions["p"].mean()), "higher")
    one, two = predictions(shared + noise), predictions(shared)
    gain = difference(metric, truth, one, two, one)
    half = 1.96 * noise.std(ddof=1) / np.sqrt(400)
    assert [gain.low, gain.high] == pytest.approx([noise.mean() - half, noise.mean() + half], abs=0.02)


# ------------------------------------------------------------------------------ what a metric takes


def test_a_metric_is_given_what_it_names():
    truth, frame, cases = np.array([1.0, 2.0]), predictions([3, 4]), predictions([5, 6])
    everything = Metric(
        lambda cases, truth, predictions: (cases["p"] + truth + predictions["p"]).sum(), "lower"
    )
    assert call(everything, truth, frame, cases) == 21
    assert call(MEAN, truth, frame, cases) == 1.5


def test_an_argument_with_a_default_is_left_to_it():
    metric = Metric(lambda truth, power=2: float((truth**power).sum()), "lower")
    assert call(metric, np.array([3.0]), predictions([0]), predictions([0])) == 9


def test_a_metric_that_names_anything_else_is_an_error():
    metric = Metric(lambda truth, prediction: 0.0, "lower")
    with pytest.raises(HookError, match="it names prediction"):
        call(metric, np.array([1.0]), predictions([0]), predictions([0]))


# ------------------------------------------------------------------------------- by counts

COUNTED_MEAN = Metric(lambda truth, counts: counts @ truth / len(truth), "higher")


def test_counts_say_how_often_each_resample_holds_each_case():
    blocks = list(counted_resamples(7, seed=5))
    alone = [[list(rows).count(case) for case in range(7)] for rows in resamples(7, seed=5)]
    assert np.concatenate(blocks).tolist() == alone


@pytest.mark.parametrize("n", [300, 3000, 70_000])
def test_no_block_of_counts_is_larger_than_agreed_and_none_is_left_out(n):
    blocks = [counts.shape for counts in counted_resamples(n, seed=0)]
    assert sum(draws for draws, _ in blocks) == draws_for(n)
    assert max(draws * cases for draws, cases in blocks) <= CELLS


def test_a_metric_may_name_counts_and_gives_the_interval_that_it_gives_by_rows():
    truth = np.random.default_rng(8).exponential(2, 90)
    frame = predictions(truth)
    both = evaluate({"rows": MEAN, "counts": COUNTED_MEAN}, truth, frame, frame, seed=4)
    assert both["counts"] == pytest.approx(both["rows"], abs=1e-12)
    assert call(COUNTED_MEAN, truth, frame, frame) == pytest.approx(truth.mean())


def test_a_difference_by_counts_is_the_difference_by_rows():
    rng = np.random.default_rng(9)
    truth, frame, other = rng.normal(size=60), predictions(rng.normal(size=60)), predictions(np.zeros(60))
    counted = Metric(
        lambda truth, predictions, counts: counts @ np.abs(truth - predictions["p"]) / len(truth), "lower"
    )
    assert difference(counted, truth, frame, other, frame) == pytest.approx(
        difference(ERROR, truth, frame, other, frame), abs=1e-12
    )


def test_one_value_for_all_resamples_is_an_error_that_says_what_to_return():
    careless = Metric(lambda truth, counts: float(truth.mean()), "higher")
    with pytest.raises(HookError, match=r"one value for each of their rows, shape \(1,\), not \(\)"):
        call(careless, np.array([1.0, 2.0]), predictions([0, 0]), predictions([0, 0]))


# ------------------------------------------------------------------------------- by groups


def test_copies_of_one_case_in_a_group_say_no_more_than_the_case():
    truth = np.random.default_rng(3).exponential(2, 40)
    frame, copies = predictions(truth), predictions(np.repeat(truth, 7))
    metrics = {"rows": MEAN, "counts": COUNTED_MEAN}
    alone = evaluate(metrics, truth, frame, frame, seed=2)
    grouped = evaluate(metrics, np.repeat(truth, 7), copies, copies, 2, np.repeat(np.arange(40), 7))
    for name in metrics:
        assert grouped[name] == pytest.approx(alone[name], abs=1e-12)
    careless = evaluate(metrics, np.repeat(truth, 7), copies, copies, seed=2)
    assert careless["rows"].high - careless["rows"].low < 0.6 * (alone["rows"].high - alone["rows"].low)


def test_a_resample_holds_whole_groups_wherever_their_rows_stand():
    groups = np.array(["b", "a", "b", "c", "a", "b"])
    for rows in resamples(6, 0, groups):
        drawn = np.bincount(rows, minlength=6)
        assert drawn[0] == drawn[2] == drawn[5] and drawn[1] == drawn[4]
        assert drawn[0] + drawn[1] + drawn[3] == 3


def test_a_difference_over_groups_is_that_of_the_groups():
    rng = np.random.default_rng(9)
    truth, judged, other = rng.normal(size=30), rng.normal(size=30), np.zeros(30)
    alone = difference(ERROR, truth, predictions(judged), predictions(other), predictions(other))
    twice = [np.repeat(part, 2) for part in (truth, judged, other)]
    frames = [predictions(part) for part in twice[1:]]
    grouped = difference(ERROR, twice[0], *frames, frames[1], groups=np.repeat(np.arange(30), 2))
    assert grouped == pytest.approx(alone, abs=1e-12)


@pytest.mark.parametrize(
    ("cases", "draws"), [(1, 1000), (500, 1000), (1000, 500), (10_000, 250), (10**7, 250)]
)
def test_many_cases_take_fewer_draws(cases, draws):
    assert draws_for(cases) == draws

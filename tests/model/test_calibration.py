"""Calibration against scipy's optimiser, scikit-learn, and numerical derivatives."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import SplineTransformer

from lepton_platform.model.calibration import (
    BEND,
    EXTREME,
    KNOTS,
    MANY,
    LogisticCalibration,
    SplineCalibration,
    fit_calibration,
    log_odds,
)


def smoothed(y):
    """Platt's targets: as if one more case of each outcome had been seen at each end."""
    return np.where(y == 1, (y.sum() + 1) / (y.sum() + 2), 1 / (len(y) - y.sum() + 2))


def loss(parameters, score, targets):
    margin = parameters[0] * score + parameters[1]
    return np.sum(np.logaddexp(0, margin) - targets * margin)


def normal_scores(rng, n=2000):
    score = rng.normal(size=n)
    return score, rng.random(n) < expit(2 * score - 1)


def far_too_sure(rng, n=1000):
    score = 8 * rng.normal(size=n)
    return score, rng.random(n) < expit(score / 16)


def hard_answers_one_in_ten_wrong(rng, n=1000):
    answer = rng.random(n) < 0.3
    return log_odds(answer.astype(float)), answer ^ (rng.random(n) < 0.1)


def perfectly_parted(rng, n=100):
    answer = np.arange(n) < n // 2
    return np.where(answer, 20.0, -20.0), answer


def on_a_tiny_scale(rng, n=1000):
    score = rng.normal(size=n)
    return score / 1000, rng.random(n) < expit(score)


def one_event_in_a_hundred(rng, n=3000):
    score = rng.normal(size=n)
    return score, rng.random(n) < expit(score - 5)


def upside_down(rng, n=1000):
    score = rng.normal(size=n)
    return score, rng.random(n) < expit(-3 * score)


DRAWN = [
    normal_scores,
    far_too_sure,
    hard_answers_one_in_ten_wrong,
    perfectly_parted,
    on_a_tiny_scale,
    one_event_in_a_hundred,
    upside_down,
]


@pytest.mark.parametrize("draw", DRAWN)
def test_no_other_slope_and_intercept_are_more_likely(draw):
    score, event = draw(np.random.default_rng(3))
    y = event.astype(int)
    targets, scale = smoothed(y), np.abs(score).max()
    calibration = LogisticCalibration().fit(score, y)
    options = {"maxiter": 10_000, "xatol": 1e-9, "fatol": 1e-12}
    best = minimize(loss, [0, 0], (score / scale, targets), method="Nelder-Mead", options=options)
    found = loss([calibration.slope_, calibration.intercept_], score, targets)
    assert found == pytest.approx(best.fun, rel=1e-9)
    assert calibration.slope_ == pytest.approx(best.x[0] / scale, rel=1e-4)
    assert calibration.intercept_ == pytest.approx(best.x[1], abs=1e-3)


def test_on_many_cases_it_is_unpenalised_logistic_regression():
    score, event = normal_scores(np.random.default_rng(0), 50_000)
    reference = LogisticRegression(C=np.inf, tol=1e-10).fit(score[:, None], event)
    calibration = LogisticCalibration().fit(score, event.astype(int))
    assert calibration.slope_ == pytest.approx(reference.coef_[0, 0], rel=1e-3)
    assert calibration.intercept_ == pytest.approx(reference.intercept_[0], rel=1e-3)


def test_scores_that_are_right_are_left_alone():
    rng = np.random.default_rng(1)
    score = rng.normal(size=200_000)
    calibration = LogisticCalibration().fit(score, (rng.random(len(score)) < expit(score)).astype(int))
    assert calibration.slope_ == pytest.approx(1, abs=0.03)
    assert calibration.intercept_ == pytest.approx(0, abs=0.03)


@pytest.mark.parametrize("draw", DRAWN)
def test_the_mean_probability_is_the_smoothed_share_of_events(draw):
    score, event = draw(np.random.default_rng(4))
    y = event.astype(int)
    calibrated = LogisticCalibration().fit(score, y).predict_proba(score)
    assert calibrated.mean() == pytest.approx(smoothed(y).mean(), abs=1e-6)


def test_covariance_is_the_inverse_of_a_numerical_hessian():
    score, event = normal_scores(np.random.default_rng(5), 400)
    targets = smoothed(event.astype(int))
    calibration = LogisticCalibration().fit(score, event.astype(int))
    at, h = np.array([calibration.slope_, calibration.intercept_]), 1e-4

    def second(i, j):
        ends = [(a, b) for a in (h, -h) for b in (h, -h)]
        values = [loss(at + a * np.eye(2)[i] + b * np.eye(2)[j], score, targets) for a, b in ends]
        return (values[0] - values[1] - values[2] + values[3]) / (4 * h * h)

    hessian = [[second(i, j) for j in range(2)] for i in range(2)]
    assert calibration.covariance_ == pytest.approx(np.linalg.inv(hessian), rel=1e-4)


def test_the_interval_is_the_spread_of_curves_drawn_from_the_covariance():
    calibration = LogisticCalibration().fit(*_small(np.random.default_rng(6)))
    points = np.array([-2.0, 0.0, 1.5])
    mean = [calibration.slope_, calibration.intercept_]
    drawn = np.random.default_rng(0).multivariate_normal(mean, calibration.covariance_, 200_000)
    curves = expit(drawn[:, :1] * points + drawn[:, 1:])
    low, high = calibration.interval(points)
    assert low == pytest.approx(np.quantile(curves, 0.025, axis=0), abs=0.003)
    assert high == pytest.approx(np.quantile(curves, 0.975, axis=0), abs=0.003)


def test_the_interval_covers_the_true_curve_about_95_times_in_100():
    rng, truth, covered = np.random.default_rng(7), expit(1.0), 0
    for _ in range(300):
        low, high = LogisticCalibration().fit(*_small(rng)).interval(np.array([1.0]))
        covered += int(low[0] <= truth <= high[0])
    assert 0.91 <= covered / 300 <= 0.98


def _small(rng):
    score = rng.normal(size=300)
    return score, (rng.random(300) < expit(score)).astype(int)


def test_the_order_of_the_cases_is_kept():
    score, event = far_too_sure(np.random.default_rng(8))
    calibrated = LogisticCalibration().fit(score, event.astype(int)).predict_proba(score)
    assert np.array_equal(np.argsort(calibrated, kind="stable"), np.argsort(score, kind="stable"))


@pytest.mark.parametrize("probability", [0.0, 1e-12, 0.2, 0.5, 1.0])
def test_log_odds_are_finite_and_the_inverse_of_expit(probability):
    found = log_odds(np.array([probability]))[0]
    assert found == pytest.approx(logit(min(max(probability, EXTREME), 1 - EXTREME)))


# -------------------------------------------------------------------------------------- spline


def bent(score, a, b, c):
    """Beta calibration's family of curves (Kull, Silva Filho and Flach 2017): one end bends more."""
    return expit(-a * np.logaddexp(0, -score) + b * np.logaddexp(0, score) + c)


def skewed(rng, n):
    score = rng.normal(-1, 2, n)
    return score, (rng.random(n) < bent(score, 1.6, 0.5, 0.3)).astype(int)


def test_a_spline_follows_a_curve_that_a_line_misses():
    score, outcomes = skewed(np.random.default_rng(11), 100_000)
    points = np.quantile(score, np.linspace(0.01, 0.99, 99))
    truth = bent(points, 1.6, 0.5, 0.3)
    line, spline = (kind().fit(score, outcomes) for kind in (LogisticCalibration, SplineCalibration))
    assert np.abs(spline.predict_proba(points) - truth).max() < 0.015
    assert np.abs(line.predict_proba(points) - truth).max() > 0.03


def test_no_other_coefficients_of_the_spline_are_more_likely_a_posteriori():
    score, outcomes = skewed(np.random.default_rng(12), 3000)
    spline = SplineCalibration().fit(score, outcomes)
    knots = np.quantile(score, KNOTS)[:, None]
    bends = SplineTransformer(knots=knots, include_bias=False, extrapolation="linear").fit_transform(
        score[:, None]
    )
    design, targets = np.column_stack([score, np.ones_like(score), bends]), smoothed(outcomes)

    def posterior(coefficients):
        margin = design @ coefficients
        prior = (coefficients[2:] ** 2).sum() / (2 * BEND**2)
        return np.sum(np.logaddexp(0, margin) - targets * margin) + prior

    best = minimize(posterior, np.zeros(design.shape[1]), method="BFGS")
    assert posterior(spline.coefficients_) <= best.fun + 1e-6
    assert spline.coefficients_ == pytest.approx(best.x, abs=0.01)


def test_where_a_line_is_right_the_spline_says_so_and_its_interval_covers_it():
    rng, points, covered = np.random.default_rng(13), np.array([-1.5, 0.0, 1.5]), []
    for _ in range(100):
        score = rng.normal(size=4000)
        spline = SplineCalibration().fit(score, (rng.random(4000) < expit(score)).astype(int))
        low, high = spline.interval(points)
        covered.append((low <= expit(points)) & (expit(points) <= high))
        assert np.abs(spline.predict_proba(points) - expit(points)).max() < 0.08
    assert np.all(np.mean(covered, axis=0) > 0.9)


def test_beyond_the_scores_that_it_has_seen_the_spline_is_straight():
    spline = SplineCalibration().fit(*skewed(np.random.default_rng(14), 5000))
    far = log_odds(spline.predict_proba(np.array([8.0, 9.0, 10.0, 11.0])))
    assert np.diff(far, n=2) == pytest.approx([0, 0], abs=1e-6)


def test_many_cases_are_calibrated_by_a_spline_and_few_by_a_line():
    many, few = skewed(np.random.default_rng(15), MANY), skewed(np.random.default_rng(15), MANY - 1)
    assert isinstance(fit_calibration(*many), SplineCalibration)
    assert type(fit_calibration(*few)) is LogisticCalibration


def valley(rng, n):
    score = rng.normal(size=n)
    return score, (rng.random(n) < expit(score**2 - 1)).astype(int)


def one_score(rng, n):
    return np.zeros(n), (rng.random(n) < 0.3).astype(int)


@pytest.mark.parametrize("draw", [valley, one_score, upside_down, hard_answers_one_in_ten_wrong])
def test_an_order_of_cases_that_the_spline_would_turn_round_is_left_to_the_line(draw):
    score, event = draw(np.random.default_rng(16), 6000)
    assert type(fit_calibration(score, event.astype(int))) is LogisticCalibration


@pytest.mark.parametrize("draw", [skewed, normal_scores, far_too_sure, one_event_in_a_hundred])
def test_calibrated_on_many_cases_the_order_of_all_scores_is_kept(draw):
    score, event = draw(np.random.default_rng(17), 20_000)
    calibrated = fit_calibration(score, event.astype(int)).predict_proba(np.linspace(-30, 30, 2001))
    assert np.all(np.diff(calibrated) >= 0)

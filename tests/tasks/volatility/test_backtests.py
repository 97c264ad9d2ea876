"""Coverage tests and losses against published tables and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from lepton_platform.tasks.volatility import backtests
from lepton_platform.tasks.volatility.blend import not_worse
from lepton_platform.tasks.volatility.filters import empirical_tails
from lepton_platform.tasks.volatility.scores import fz0_loss, qlike, tick_loss


def hits(count, n):
    found = np.zeros(n, dtype=int)
    found[np.linspace(0, n - 1, count).astype(int)] = 1
    return found


@pytest.mark.parametrize(
    ("count", "n", "statistic", "p"),
    [
        (0, 250, 5.0252, 0.02498),
        (2, 250, 0.1084, 0.742),
        (5, 250, 1.957, 0.162),
        (6, 250, 3.555, 0.059),
        (7, 250, 5.497, 0.019),
        (10, 250, 12.956, 0.0003),
        (250, 250, 2302.585, 0.0),
        (18, 2000, 0.209, 0.6475),
    ],
)
def test_kupiec_gives_the_table_of_its_closed_form(count, n, statistic, p):
    found = backtests.kupiec(hits(count, n), 0.01)
    assert found.statistic == pytest.approx(statistic, abs=1e-3)
    assert found.p == pytest.approx(p, abs=5e-4)


@pytest.mark.parametrize("count", [0, 1, 250])
def test_no_one_or_only_exceedances_leave_every_test_with_a_number_or_openly_without(count):
    found = hits(count, 250)
    for test in (backtests.kupiec(found, 0.01), backtests.conditional_coverage(found, 0.01)):
        assert np.isfinite(test.statistic) and 0 <= test.p <= 1
    assert backtests.independence(found).p <= 1
    assert np.isnan(backtests.dynamic_quantile(found, np.ones(250), 0.01).p) == (count in (0, 250))


def test_independence_is_zero_where_a_hit_tells_nothing_of_the_next_day():
    # of 4 days after a hit 1 is one, of 12 after none 3 are: p01 = p11 = 1/4
    sequence = [1, 1, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1]
    before, after = np.array(sequence[:-1]), np.array(sequence[1:])
    assert after[before == 1].mean() == after[before == 0].mean() == 0.25
    assert backtests.independence(sequence).statistic == pytest.approx(0.0, abs=1e-12)


def test_the_traffic_light_is_basels():
    assert backtests.zones(250, 0.01) == (5, 10)
    assert backtests.traffic_light(hits(4, 250), 0.01) == ("green", 4)
    assert backtests.traffic_light(hits(9, 250), 0.01) == ("yellow", 9)
    assert backtests.traffic_light(hits(10, 250), 0.01) == ("red", 10)


def test_p_values_of_a_right_model_are_spread_evenly():
    rng = np.random.default_rng(0)
    var = np.full(2000, -norm.ppf(0.05))
    es = np.full(2000, norm.pdf(norm.ppf(0.05)) / 0.05)
    draws = rng.standard_normal((300, 2000))
    dq = [backtests.dynamic_quantile(r < -var, var, 0.05).p for r in draws]
    shortfall = [backtests.acerbi_szekely(r, var, es, 0.05).p for r in draws]
    for p in (dq, shortfall):
        assert 0.01 < np.mean(np.array(p) < 0.05) < 0.11


def test_a_shortfall_that_is_too_small_is_found():
    r = np.random.default_rng(1).standard_t(3, 5000)
    var, es = np.full(5000, np.quantile(-r, 0.975)), np.full(5000, 1.01 * np.quantile(-r, 0.975))
    found = backtests.acerbi_szekely(r, var, es, 0.025)
    assert found.statistic < 0 and found.p < 0.01


def test_losses_agree_with_their_definitions_in_the_sign_of_the_papers():
    rng = np.random.default_rng(2)
    r, v = rng.standard_normal(500), -1.5 - rng.random(500)
    e, a = 1.3 * v, 0.025
    hit = (r <= v).astype(float)
    assert fz0_loss(r, -v, -e, a) == pytest.approx(-hit / (a * e) * (v - r) + v / e + np.log(-e) - 1)
    assert tick_loss(r, -v, a) == pytest.approx((a - (r < v)) * (r - v))
    assert (qlike(r**2, v**2) >= 0).all() and qlike(v**2, v**2) == pytest.approx(0)


def test_fz0_is_least_at_the_true_var_and_es_of_a_normal():
    r = np.random.default_rng(3).standard_normal(400_000)
    a = 0.025
    v, e = -norm.ppf(a), norm.pdf(norm.ppf(a)) / a
    assert e == pytest.approx(2.33780, abs=1e-5)
    true = fz0_loss(r, v, e, a).mean()
    for scale in (0.9, 1.1):
        assert true < fz0_loss(r, v * scale, e, a).mean() and true < fz0_loss(r, v, e * scale, a).mean()


def test_empirical_tails_are_quantiles_and_means_beyond_them():
    z = np.random.default_rng(4).standard_normal((1000, 2))
    tails = empirical_tails(z, (0.01, 0.05), (0.05,))
    cut = np.quantile(z[:, 1], 0.05)
    assert tails.var[1, 1] == pytest.approx(-cut)
    assert tails.es[1, 0] == pytest.approx(-z[z[:, 1] <= cut, 1].mean())
    assert (tails.es[:, 0] > tails.var[:, 1]).all()


def test_a_model_that_is_clearly_worse_is_told_from_one_that_is_not():
    rng = np.random.default_rng(5)
    common = rng.standard_normal(1000)
    losses = np.column_stack(
        [common, common + 0.1 * rng.standard_normal(1000), common + 0.2 + 0.1 * rng.random(1000)]
    )
    assert not_worse(losses).tolist() == [True, True, False]

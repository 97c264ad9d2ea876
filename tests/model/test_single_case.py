"""One case without a table gets the answer that the table gets."""

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from lepton_platform.data.cleaning import TableCleaner
from lepton_platform.model.calibration import LogisticCalibration, SplineCalibration, log_odds
from lepton_platform.model.ensemble import Blend
from lepton_platform.model.single_case import answering
from lepton_platform.tasks.binary.model import lepton_predict


def table(n, seed):
    rng = np.random.default_rng(seed)
    income = np.where(rng.random(n) < 0.1, -9.0, rng.lognormal(8, 1, n))
    home = rng.choice(np.array(["own", "rent", "other", None], dtype=object), n)
    age = np.where(rng.random(n) < 0.2, np.nan, rng.integers(20, 80, n))
    return pd.DataFrame({"income": income, "age [years]": age, "home": home})


def member(seed, trees=LGBMClassifier):
    cleaner = TableCleaner(special={"income": [-9.0, -8.0]})
    return Pipeline([("clean", cleaner), ("trees", trees(n_estimators=20, verbose=-1, random_state=seed))])


@pytest.fixture(scope="module", params=[LogisticCalibration, SplineCalibration])
def blend(request):
    X = table(3_000, 0)
    score = np.where(X["income"] > 3_000, -1.0, 0.5) + (X["home"] == "rent") - X["age [years]"].isna()
    y = pd.Series((np.random.default_rng(1).random(len(X)) < 1 / (1 + np.exp(-score))).astype(int))
    made = Blend([(str(seed), member(seed)) for seed in (1, 2)], [0.7, 0.3], None).fit(X, y)
    calibration = request.param()
    calibration.fit(log_odds(np.random.default_rng(2).beta(2, 3, 3_000)), y.to_numpy())
    return made.set_params(calibration=calibration)


def test_every_case_gets_the_answer_of_the_table(blend):
    cases = table(400, 3)
    cases.loc[:20, "home"] = "castle"
    cases.loc[10:30, "income"] = -8.0
    cases.loc[30:40, "income"] = 1e12
    expected = lepton_predict(blend, cases)
    answer = answering(blend)
    found = [answer(case) for case in cases.to_dict(orient="records")]
    pd.testing.assert_frame_equal(pd.DataFrame(found), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("score", [-30.0, -4.0, 4.0, 30.0])
def test_far_scores_are_calibrated_as_a_table_calibrates_them(blend, score):
    from lepton_platform.model.single_case import _calibration

    found = _calibration(blend.calibration)(score)
    low, high = blend.calibration.interval(np.array([score]))
    probability = blend.calibration.predict_proba(np.array([score]))
    assert list(found.values()) == pytest.approx([*probability, *low, *high], abs=1e-12)


def test_a_model_with_any_other_member_takes_tables():
    X = table(300, 0)
    y = pd.Series(np.arange(300) % 2)
    other = Pipeline([("clean", TableCleaner()), ("line", LogisticRegression())])
    numbers = X[["income"]]
    mixed = Blend([("trees", member(0)), ("line", other)], [0.5, 0.5], None)
    mixed.adopt([member(0).fit(numbers, y), other.fit(numbers, y)])
    assert answering(mixed) is None
    assert answering(LogisticRegression().fit(numbers, y)) is None

"""The points scorecard against closed forms, scikit-learn, SQLite and a scorer without libraries."""

import doctest
import json
import sqlite3
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from lepton_finance.credit_risk import scorecard
from lepton_finance.credit_risk.scorecard import Scorecard, WeightOfEvidence, score, weight_of_evidence

FINANCE_DATA = Path(__file__).resolve().parents[4].parent / "shared" / "data" / "finance"
SPECIAL = (-9, -8)


def applicants(n=3000, seed=0):
    """Applicants with every kind of column, and who defaulted; risk falls with income."""
    rng = np.random.default_rng(seed)
    income = np.round(rng.lognormal(10, 0.5, n), 2)
    months_since = rng.integers(0, 60, n).astype(float)
    status = rng.choice(["A11", "A12", "O'Brien", "A14"], n, p=[0.3, 0.3, 0.2, 0.2])
    logit = (
        6.5 - 0.8 * np.log(income) - 0.03 * months_since + 0.9 * (status == "A11") - 0.7 * (status == "A14")
    )
    months_since[rng.random(n) < 0.1] = -8
    months_since[:3] = -9
    X = pd.DataFrame(
        {
            "income": np.where(rng.random(n) < 0.05, np.nan, income),
            "months since": months_since,
            "status": pd.Series(status, dtype=object).mask(rng.random(n) < 0.05),
            'purpose "x"': pd.Categorical(rng.choice(["car", "home", "rare"], n, p=[0.6, 0.398, 0.002])),
            "region": pd.Categorical(rng.integers(1, 4, n)),
            "owner": rng.random(n) < 0.5,
            "noise": rng.normal(size=n),
            "serial": [f"id{i}" for i in range(n)],
            "same": 1.0,
            "empty": np.nan,
        }
    )
    logit += 0.8 * (X['purpose "x"'] == "car") - 0.8 * X["owner"] + 0.5 * (X["region"] == 3)
    return X, (rng.random(n) < 1 / (1 + np.exp(-logit))).astype(int).to_numpy()


def lepton_data(name, target):
    path = FINANCE_DATA / name / "data.csv.gz"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    X = pd.read_csv(path)
    return X, X.pop(target).to_numpy()


@pytest.fixture(scope="module")
def loans():
    return applicants()


@pytest.fixture(scope="module")
def card(loans):
    return Scorecard(WeightOfEvidence(special=SPECIAL)).fit(*loans)


def hard_rows(card, X):
    """Rows of X and, for each column of the card: cuts and their neighbours, codes, missing and unseen."""
    rows = X.astype(object).where(X.notna(), None).iloc[:300].to_dict("records")
    for name, bins in card.binning_.bins_.items():
        if "groups" in bins:
            values = [level for group in bins["groups"] for level in group] + ["", "it's new", None]
        else:
            cuts = np.array(bins["cuts"])
            near = [*cuts, *np.nextafter(cuts, -np.inf), *np.nextafter(cuts, np.inf)]
            values = [*map(float, near), *bins["codes"], -7.0, -1e9, 1e9, None]
        rows += [{**rows[i % 300], name: value} for i, value in enumerate(values)]
    return rows


def assert_exports_agree(card, X, tmp_path):
    rows = hard_rows(card, X)
    table = pd.DataFrame(rows, columns=list(X.columns))
    for name in X.columns:
        if name in card.binning_.monotone_:
            table[name] = table[name].astype(float)
    expected, points = card.predict_proba(table)[:, 1], card.points(table)

    plain = json.loads(json.dumps(card.to_dict(), allow_nan=False))
    by_hand = np.array([score(plain, row) for row in rows])
    np.testing.assert_allclose(by_hand, points, rtol=0, atol=1e-9)
    odds = np.exp((by_hand - plain["offset"]) / plain["factor"])
    np.testing.assert_allclose(1 / (1 + odds), expected, rtol=0, atol=1e-9)

    database = sqlite3.connect(tmp_path / "loans.db")
    table.to_sql('new "loans"', database, index_label="row")
    sql = (
        pd.read_sql_query(card.to_sql('new "loans"', keys=["row"]), database)
        .set_index("row")
        .loc[table.index]
    )
    database.close()
    np.testing.assert_allclose(sql["points"], points, rtol=0, atol=1e-9)
    np.testing.assert_allclose(sql["probability"], expected, rtol=0, atol=1e-9)
    contributions = card.contributions(table)
    np.testing.assert_allclose(sql[[f"{n}_points" for n in contributions]], contributions, rtol=0, atol=1e-9)


# Weight of evidence


def test_a_bin_at_the_base_rate_and_an_empty_bin_have_no_weight():
    np.testing.assert_allclose(weight_of_evidence([[9, 1], [900, 100], [0, 0]], [900, 100]), 0, atol=1e-12)


def test_weight_of_a_large_bin_is_the_log_of_the_shares_and_positive_means_safer():
    woe = weight_of_evidence([[8e6, 1e6], [1e6, 1e6]], [9e6, 2e6])
    np.testing.assert_allclose(woe, np.log([(8 / 9) / (1 / 2), (1 / 9) / (1 / 2)]), atol=1e-5)
    assert woe[0] > 0 > woe[1]


def test_in_a_balanced_sample_smoothing_adds_half_a_row_to_either_class():
    assert weight_of_evidence([[3, 0]], [10, 10])[0] == pytest.approx(np.log(3.5 / 0.5))


def test_a_bin_of_one_class_is_finite():
    X = pd.DataFrame({"x": [0] * 50 + [1] * 50})
    binning = WeightOfEvidence().fit(X, [0] * 50 + [1] * 50)
    assert np.isfinite(binning.woe_["x"]).all()
    assert binning.woe_["x"][0] > 0 > binning.woe_["x"][1]


def test_bins_are_counted_as_pandas_counts_them(loans, card):
    X, y = loans
    table = card.table().set_index(["column", "bin"])
    special = pd.Series(y)[X["months since"] == -8]
    assert table.loc[("months since", "special -8"), ["n", "bads"]].tolist() == [len(special), special.sum()]
    missing = pd.Series(y)[X["income"].isna()]
    assert table.loc[("income", "missing"), ["n", "bads"]].tolist() == [len(missing), missing.sum()]
    assert (table.groupby(level=0)["n"].sum() == len(X)).all()
    assert (table.groupby(level=0)["bads"].sum() == y.sum()).all()


def test_information_value_is_the_sum_of_the_bins_and_never_negative(card):
    table = card.table()
    assert (table["iv"] >= 0).all()
    for name, iv in table.groupby("column")["iv"].sum().items():
        assert iv == pytest.approx(card.binning_.iv_[name])


def test_a_special_code_has_a_bin_of_its_own_however_few_its_rows(card):
    table = card.table().query("column == 'months since'").set_index("bin")
    assert table.loc["special -9", "n"] == 3
    codes = pd.DataFrame({"months since": [-9.0, -8.0, 0.0]})
    assert card.binning_.assign(card_row(card, codes))["months since"].nunique() == 3


def card_row(card, changed):
    """The changed column(s), with every other column missing."""
    return changed.reindex(columns=list(card.feature_names_in_))


def test_special_codes_can_differ_by_column(loans):
    binning = WeightOfEvidence(special={"months since": [-9, -8]}, min_iv=0).fit(*loans)
    assert binning.bins_["months since"]["codes"] == [-9.0, -8.0]
    assert binning.bins_["income"]["codes"] == []


def test_a_rare_level_is_pooled_and_an_unseen_one_is_scored_with_it(loans, card):
    X, _ = loans
    table = card.table().query("column == 'purpose \"x\"'").set_index("bin")
    assert table.loc["other", "n"] == (X['purpose "x"'] == "rare").sum()
    new = card_row(card, pd.DataFrame({'purpose "x"': ["rare", "yacht"]}))
    assert card.contributions(new)['purpose "x"'].tolist() == [table.loc["other", "points"]] * 2


def test_what_training_never_saw_is_neutral():
    X = pd.DataFrame({"x": ["a", "b"] * 100, "z": [1.0, 2.0] * 100})
    y = [0, 1, 0, 1, 0, 0, 1, 0] * 25
    woe = (
        WeightOfEvidence(special=[-9])
        .fit(X, y)
        .transform(pd.DataFrame({"x": ["new", None], "z": [-9, None]}))
    )
    assert (woe.to_numpy() == 0).all()


@pytest.mark.parametrize("direction", [1, -1])
@pytest.mark.parametrize("seed", range(5))
def test_weights_run_in_the_direction_asked_for(direction, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=2000)
    y = rng.random(2000) < 0.02 + 0.1 * (np.abs(x) > 1) + 0.1 * (x > 0)  # not monotone, bins with few bads
    binning = WeightOfEvidence(monotone={"x": direction}, min_iv=0, min_share=0.01, max_bins=30)
    woe = binning.fit(pd.DataFrame({"x": x}), y).woe_["x"][:-1]  # the last is missing
    assert len(woe) > 1
    assert (direction * np.diff(woe) < 0).all()


def test_direction_is_chosen_by_information_and_zero_leaves_it_free():
    x = np.tile(np.arange(100), 20)
    rng = np.random.default_rng(0)
    fall, bump = rng.random(2000) < 0.6 - x / 200, rng.random(2000) < 0.1 + 0.5 * (np.abs(x - 50) < 20)
    X = pd.DataFrame({"x": x})
    assert WeightOfEvidence().fit(X, fall).monotone_ == {"x": -1}
    free = WeightOfEvidence(monotone={"x": 0}).fit(X, bump)
    assert free.iv_["x"] > 1.5 * WeightOfEvidence().fit(X, bump).iv_["x"]
    assert len(set(np.sign(np.diff(free.woe_["x"][:-1])))) == 2


def test_cuts_are_short_decimals_that_split_the_training_rows_like_the_tree():
    x = np.r_[np.full(100, 0.1234567), np.full(100, 0.7654321)]
    y = np.r_[np.zeros(90), np.ones(10), np.zeros(50), np.ones(50)].astype(int)
    table = Scorecard().fit(pd.DataFrame({"x": x}), y).table()
    assert table["bin"].tolist() == ["(-inf, 0.765)", "[0.765, inf)", "missing"]
    assert table["n"].tolist() == [100, 100, 0]


def test_numbers_beyond_single_precision_are_told_apart():
    x = np.repeat([1e9, 1e9 + 1], 100)
    woe = WeightOfEvidence().fit_transform(pd.DataFrame({"x": x}), [0] * 80 + [1] * 20 + [0] * 20 + [1] * 80)
    assert woe["x"].nunique() == 2


def test_columns_that_say_nothing_drop_out_with_the_reason(loans, card):
    reasons = card.removed_
    assert reasons["same"] == reasons["serial"] == "all rows are in one bin"
    assert reasons["empty"] == "every value is missing"
    assert "is below 0.02" in reasons["noise"]
    assert set(card.coef_) | set(reasons) == set(loans[0].columns)
    assert not set(card.coef_) & set(reasons)


def test_a_level_per_row_changes_nothing(loans, card):
    X, y = loans
    without = Scorecard(WeightOfEvidence(special=SPECIAL)).fit(X.drop(columns="serial"), y)
    np.testing.assert_array_equal(without.points(X), card.points(X))


@pytest.mark.parametrize("dtype", ["bool", "boolean", "object", "category"])
def test_booleans_of_any_type_are_numbers(dtype):
    X = pd.DataFrame({"owner": pd.Series([True, False] * 100, dtype=dtype)})
    binning = WeightOfEvidence().fit(X, [0, 1, 0, 1, 0, 0, 1, 0] * 25)
    assert binning.bins_["owner"]["cuts"] == [1.0]
    assert binning.transform(X)["owner"].nunique() == 2


@pytest.mark.parametrize("dtype", ["string", "object", "category"])
def test_text_of_any_type_is_grouped_alike(dtype):
    text = pd.Series(["a", "b", None, "c"] * 50)
    y = [0, 1, 0, 1, 0, 0, 1, 1] * 25
    woe = WeightOfEvidence().fit_transform(pd.DataFrame({"x": text.astype(dtype)}), y)
    np.testing.assert_array_equal(woe, WeightOfEvidence().fit_transform(pd.DataFrame({"x": text}), y))


def test_a_whole_number_as_category_is_the_same_level_with_and_without_a_point():
    X = pd.DataFrame({"x": pd.Categorical([1, 2] * 100)})
    binning = WeightOfEvidence().fit(X, [0, 1, 0, 1, 0, 0, 1, 0] * 25)
    floats = pd.DataFrame({"x": [1.0, 2.0, np.nan]})
    np.testing.assert_array_equal(binning.transform(floats)["x"].iloc[:2], binning.transform(X)["x"].iloc[:2])


def test_levels_that_read_alike_are_one_level_in_every_export(tmp_path):
    X = pd.DataFrame({"x": pd.Series([1, "1", "b", "c"] * 50, dtype=object)})
    card = Scorecard().fit(X, [0, 1, 0, 1, 0, 0, 0, 1] * 25)
    assert card.points(X)[0] == card.points(X)[1] == score(card.to_dict(), {"x": 1.0})
    assert_exports_agree(card, X.astype(str), tmp_path)


def test_numbers_as_categories_are_found_in_an_integer_column_of_the_database():
    region = [1, 2, 3, 4] * 50
    X = pd.DataFrame({"region": pd.Categorical(region)})
    card = Scorecard().fit(X, [0, 1, 0, 1, 0, 0, 0, 1] * 25)
    database = sqlite3.connect(":memory:")
    pd.DataFrame({"region": [*region, None]}).to_sql("t", database)  # REAL, because of the NULL
    points = pd.read_sql_query(card.to_sql("t"), database)["points"]
    database.close()
    np.testing.assert_allclose(points[:-1], card.points(X), rtol=0, atol=1e-9)


# Points


def test_factor_and_offset_are_the_published_ones(card):
    assert card.factor_ == pytest.approx(28.85390, abs=5e-6)
    assert card.offset_ == pytest.approx(487.12288, abs=5e-6)


@pytest.mark.parametrize(("odds", "points"), [(50, 600), (100, 620), (25, 580)])
def test_points_at_known_odds(odds, points):
    # Nothing to learn from: everyone gets the odds of the sample.
    y = [1] * 10 + [0] * 10 * odds
    card = Scorecard().fit(pd.DataFrame({"x": np.zeros(len(y))}), y)
    assert card.points(pd.DataFrame({"x": [0.0]})) == pytest.approx(points)
    assert score(card.to_dict(), {}) == pytest.approx(points)


def test_probabilities_are_those_of_the_logistic_regression_on_the_weights(loans, card):
    X, y = loans
    woe = card.binning_.transform(X)[list(card.coef_)]
    peer = LogisticRegression(C=1, tol=1e-10, max_iter=1000).fit(woe, y).predict_proba(woe)
    np.testing.assert_allclose(card.predict_proba(X), peer, rtol=0, atol=1e-6)


def test_odds_of_the_points_are_the_odds_of_the_probability(loans, card):
    X, _ = loans
    good, bad = card.predict_proba(X).T
    np.testing.assert_allclose(card.points(X), 600 + 20 * np.log2(good / bad / 50), rtol=0, atol=1e-9)
    np.testing.assert_allclose(good + bad, 1, rtol=0, atol=1e-15)


def test_contributions_sum_to_the_points_and_are_those_of_the_table(loans, card):
    X, _ = loans
    contributions = card.contributions(X)
    np.testing.assert_allclose(contributions.sum(axis=1), card.points(X), rtol=0, atol=1e-9)
    for name, points in card.table().groupby("column")["points"]:
        assert set(contributions[name]) <= set(points)


def test_no_bin_that_is_safer_gets_fewer_points(card):
    for _, bins in card.table().groupby("column"):
        assert (bins.sort_values("woe")["points"].diff().dropna() >= 0).all()


def test_points_never_fall_as_income_rises(loans, card):
    X, _ = loans
    sweep = pd.concat([X.iloc[[0]]] * 500, ignore_index=True)
    sweep["income"] = np.linspace(-1e5, 1e6, 500)
    points = card.points(sweep)
    assert (np.diff(points) >= 0).all()
    assert points[-1] > points[0]


def test_a_column_whose_coefficient_has_the_wrong_sign_is_removed():
    rng = np.random.default_rng(0)
    z = rng.normal(size=4000)
    y = rng.random(4000) < 1 / (1 + np.exp(1 - 2 * z))
    # b is a noisy copy of a less some of a's error: alone it points the right way, beside a the wrong one.
    error = rng.normal(size=4000)
    X = pd.DataFrame({"a": z + error, "b": z + 2 * error})
    assert min(WeightOfEvidence().fit(X, y).iv_.values()) > 0.02
    card = Scorecard().fit(X, y)
    assert list(card.coef_) == ["a"]
    assert "coefficient +" in card.removed_["b"]


def test_whole_points_are_near_the_exact_ones_and_every_answer_follows_them(loans, card, tmp_path):
    X, y = loans
    whole = Scorecard(WeightOfEvidence(special=SPECIAL), rounded=True).fit(X, y)
    points = whole.points(X)
    assert (points == np.rint(points)).all()
    assert np.abs(points - card.points(X)).max() <= 0.5 * len(card.coef_)
    assert_exports_agree(whole, X, tmp_path)


def test_other_scales(loans):
    X, _ = loans
    card = Scorecard(pdo=40, base_points=500, base_odds=20).fit(*loans)
    good, bad = card.predict_proba(X).T
    np.testing.assert_allclose(card.points(X), 500 + 40 * np.log2(good / bad / 20), rtol=0, atol=1e-9)


def test_a_prior_shifts_every_applicant_by_the_same_log_odds(loans, card):
    X, y = loans
    shifted = Scorecard(WeightOfEvidence(special=SPECIAL), prior=0.01).fit(X, y)
    odds = [np.divide(*c.predict_proba(X).T) for c in (shifted, card)]
    np.testing.assert_allclose(odds[0] / odds[1], 99 / ((1 - y.mean()) / y.mean()), rtol=1e-9)


def test_without_any_useful_column_everyone_gets_the_base_rate(tmp_path):
    X = pd.DataFrame({"x": np.zeros(100), "empty": np.nan})
    card = Scorecard().fit(X, [1] * 20 + [0] * 80)
    np.testing.assert_allclose(card.predict_proba(X), np.tile([0.8, 0.2], (100, 1)), rtol=1e-12)
    assert card.table().empty
    assert "points" in card.table()
    assert card.contributions(X).shape == (100, 0)
    database = sqlite3.connect(tmp_path / "empty.db")
    X.to_sql("t", database)
    assert (
        database.execute(card.to_sql("t")).fetchall()
        == [(card.constant_, card.constant_, pytest.approx(0.2))] * 100
    )
    database.close()


def test_labels_of_any_kind_are_kept_and_the_second_is_the_default(loans, card):
    X, y = loans
    named = Scorecard(WeightOfEvidence(special=SPECIAL)).fit(
        X, np.where(y == 1, "defaulted", "currently paid")
    )
    assert named.classes_.tolist() == ["currently paid", "defaulted"]
    np.testing.assert_array_equal(named.points(X), card.points(X))
    assert (named.predict(X) == named.classes_[card.predict(X)]).all()


# Exports


def test_sql_and_the_plain_scorer_agree_with_the_probabilities_on_every_row(loans, card, tmp_path):
    assert len(card.coef_) >= 5
    assert_exports_agree(card, loans[0], tmp_path)


@pytest.mark.parametrize(
    ("name", "target", "special"),
    [
        ("german_credit", "default", ()),
        ("taiwan_default", "default", ()),
        ("heloc", "RiskPerformance", (-9, -8, -7)),
    ],
)
def test_exports_agree_on_public_data(name, target, special, tmp_path):
    X, y = lepton_data(name, target)
    bad = y == "Bad" if name == "heloc" else y
    assert_exports_agree(Scorecard(WeightOfEvidence(special=special)).fit(X, bad), X, tmp_path)


def test_identifiers_and_text_of_the_query_are_quoted(loans, card):
    query = card.to_sql('x"; DROP TABLE y; --')
    assert 'FROM "x""; DROP TABLE y; --" AS applicant' in query
    assert '"purpose ""x""_points"' in query
    assert "'O''Brien'" in query


def test_a_column_missing_from_the_database_is_an_error_not_a_string(card):
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE t (income REAL)")
    with pytest.raises(sqlite3.OperationalError, match="no such column"):
        database.execute(card.to_sql("t"))
    database.close()


def test_two_columns_of_one_name_are_refused(card):
    with pytest.raises(ValueError, match="two columns named 'points'"):
        card.to_sql("t", keys=["Points"])


def test_the_plain_scorer_asks_for_a_field_that_is_not_there(card):
    with pytest.raises(KeyError, match="income"):
        score(card.to_dict(), {})


# scikit-learn's contract


@parametrize_with_checks([Scorecard()])
def test_estimator_contract(estimator, check):
    check(estimator)


def test_parameters_of_the_binning_can_be_set_cloned_and_tuned(loans):
    X, y = loans
    card = clone(Scorecard(WeightOfEvidence(special=SPECIAL), C=2.0))
    assert card.get_params()["binning__special"] == SPECIAL
    assert card.set_params(binning__max_bins=3).binning.max_bins == 3
    search = GridSearchCV(card, {"binning__max_bins": [2, 5]}, scoring="roc_auc", cv=3).fit(X, y)
    assert search.best_params_["binning__max_bins"] == 5
    assert not hasattr(card, "binning_")


def test_permuted_columns_rows_and_strange_indexes_change_nothing(loans, card):
    X, y = loans
    order = np.random.default_rng(1).permutation(len(X))
    shuffled = X[X.columns[::-1]].assign(extra=1.0)
    np.testing.assert_array_equal(card.points(shuffled), card.points(X))
    np.testing.assert_array_equal(card.points(X.iloc[order]), card.points(X)[order])
    assert card.contributions(X.iloc[order]).index.equals(X.index[order])
    again = Scorecard(WeightOfEvidence(special=SPECIAL)).fit(shuffled.iloc[order], y[order])
    np.testing.assert_allclose(again.points(X), card.points(X), rtol=0, atol=1e-6)


def test_one_row_is_scored_as_in_a_batch(loans, card):
    X, _ = loans
    alone = np.concatenate([card.points(X.iloc[[i]]) for i in range(20)])
    np.testing.assert_array_equal(alone, card.points(X)[:20])


def test_fitting_leaves_the_table_as_it_was(loans):
    X, y = loans
    before = X.copy(deep=True)
    Scorecard().fit(X, y).points(X)
    pd.testing.assert_frame_equal(X, before)


def test_a_missing_column_is_named_with_the_nearest_one(loans, card):
    with pytest.raises(ValueError, match=r"column 'income' is missing.* Did you mean 'incom'\?"):
        card.points(loans[0].rename(columns={"income": "incom"}))


@pytest.mark.parametrize(
    ("binning", "change", "message"),
    [
        ({"monotone": {"incme": 1}}, {}, "'incme' is missing.*'income'"),
        ({"monotone": {"status": 1}}, {}, "monotone names column 'status', which is not numeric"),
        ({"special": {"status": [1]}}, {}, "special names column 'status', which is not numeric"),
        ({}, {"income": np.inf}, "'income' holds infinity"),
    ],
)
def test_bad_requests_are_refused_by_name(loans, binning, change, message):
    with pytest.raises(ValueError, match=message):
        Scorecard(WeightOfEvidence(**binning)).fit(loans[0].assign(**change), loans[1])


def test_unusable_tables_are_refused(loans, card):
    X, y = loans
    with pytest.raises(TypeError, match="'opened' is a date"):
        Scorecard().fit(X.assign(opened=pd.Timestamp("2020-01-01")), y)
    with pytest.raises(ValueError, match="'income' occurs twice"):
        Scorecard().fit(pd.concat([X, X[["income"]]], axis=1), y)
    with pytest.raises(ValueError, match="1 class"):
        Scorecard().fit(X, np.zeros(len(X)))
    with pytest.raises(ValueError, match=r"prior .* not 1.5"):
        Scorecard(prior=1.5).fit(X, y)
    with pytest.raises(ValueError, match="'income' was numeric in training and is not now"):
        card.points(X.assign(income="much"))


def test_a_card_saved_without_pickle_scores_alike(loans, card):
    skops = pytest.importorskip("skops.io")
    module = "lepton_finance.credit_risk.scorecard."
    saved = skops.dumps(card)
    loaded = skops.loads(saved, trusted=[module + "Scorecard", module + "WeightOfEvidence"])
    np.testing.assert_array_equal(loaded.points(loans[0]), card.points(loans[0]))


def test_examples_of_the_documentation_run():
    assert doctest.testmod(scorecard).failed == 0


# Accuracy and speed


def test_auc_on_german_credit():
    X, y = lepton_data("german_credit", "default")
    folds = pd.read_csv(FINANCE_DATA / "german_credit" / "folds.csv.gz")["repeat0"]
    splits = [(np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)) for fold in range(3)]
    assert cross_val_score(Scorecard(), X, y, cv=splits, scoring="roc_auc").mean() >= 0.77


def test_labels_without_meaning_cannot_be_ranked(loans):
    X, y = loans
    luck = np.random.default_rng(3).permutation(y)
    card = Scorecard(WeightOfEvidence(min_iv=0)).fit(X.iloc[:2000], luck[:2000])
    assert abs(roc_auc_score(luck[2000:], card.predict_proba(X.iloc[2000:])[:, 1]) - 0.5) < 0.06


def test_twenty_thousand_rows_are_fitted_in_seconds():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(20_000, 23))).add_prefix("x")
    y = rng.random(20_000) < 1 / (1 + np.exp(2 - 0.3 * X.sum(axis=1)))
    start = time.perf_counter()
    Scorecard().fit(X, y)
    assert time.perf_counter() - start < 10  # about one on an idle machine; a loaded one must not fail

"""Cleaning: nothing is filled or dropped, each row on its own, whatever the order of the columns."""

import warnings

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier
from pandas.testing import assert_frame_equal
from sklearn.base import clone

from lepton_platform.data.cleaning import RARE, TableCleaner
from lepton_platform.errors import DataError

N = 200


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    home = rng.choice(np.array(["own", "rent", None], dtype=object), N)
    home[:3] = "castle"
    return pd.DataFrame(
        {
            "income": np.where(rng.random(N) < 0.2, -9.0, rng.lognormal(8, 1, N)),
            "age": np.where(rng.random(N) < 0.2, np.nan, rng.integers(20, 80, N)),
            "home": home,
            "since": pd.Timestamp("2020-01-01 06:00", tz="UTC")
            + pd.to_timedelta(rng.integers(0, 900, N), "D"),
        },
        index=[f"case {number}" for number in range(N)],
    )


@pytest.fixture(scope="module")
def cleaner(table):
    return TableCleaner(special={"income": [-9.0, -8.0], "age": [-9.0]}).fit(table)


def test_a_row_alone_is_cleaned_as_it_is_in_the_batch(cleaner, table):
    batch = cleaner.transform(table)
    for number in range(0, N, 7):
        assert_frame_equal(cleaner.transform(table.iloc[[number]]), batch.iloc[[number]])


@pytest.mark.parametrize("name", ["income", "age", "home", "since"])
def test_a_row_that_lacks_a_value_is_cleaned_alone_as_in_the_batch(name, cleaner, table):
    holed = table.copy()
    holed.loc["case 5", name] = None
    assert_frame_equal(cleaner.transform(holed.loc[["case 5"]]), cleaner.transform(holed).loc[["case 5"]])


def test_the_order_of_rows_and_columns_and_further_columns_do_not_matter(cleaner, table):
    rows = np.random.default_rng(1).permutation(N)
    shuffled = table.iloc[rows].assign(other=1)[["since", "other", "home", "age", "income"]]
    assert_frame_equal(cleaner.transform(shuffled), cleaner.transform(table).iloc[rows])


def test_no_row_is_dropped_and_nothing_is_filled(cleaner, table):
    cleaned = cleaner.transform(table)
    assert list(cleaned.index) == list(table.index)
    assert cleaned["age"].equals(table["age"])
    assert cleaned["home"].isna().equals(table["home"].isna())


def test_a_special_code_becomes_missing_and_an_indicator_keeps_it(cleaner, table):
    cleaned = cleaner.transform(table)
    coded = table["income"] == -9
    assert cleaned["income = -9"].to_list() == coded.astype(float).to_list()
    assert cleaned["income"].equals(table["income"].where(~coded))


def test_a_code_that_training_never_saw_has_no_column_of_its_own(cleaner, table):
    assert set(cleaner.transform(table)) == {"income", "income = -9", "age", "home", "since"}
    assert list(cleaner.get_feature_names_out()) == list(cleaner.transform(table))


@pytest.mark.parametrize("value", ["castle", "tent", "", "OWN"])
def test_rare_and_unseen_categories_share_one_level(value, cleaner, table):
    assert cleaner.transform(table.head(1).assign(home=value))["home"].to_list() == [RARE]


@pytest.mark.parametrize("min_count", [1, 3, 4])
def test_a_category_needs_its_count_for_a_level_of_its_own(min_count, table):
    cleaned = TableCleaner(min_count=min_count).fit_transform(table)["home"]
    counts = table["home"].value_counts()
    assert set(cleaned.cat.categories) == {*counts.index[counts >= min_count], RARE}
    assert (cleaned[:3] == (RARE if min_count > 3 else "castle")).all()


def test_every_table_has_the_same_levels_in_the_same_order(cleaner, table):
    whole, part = cleaner.transform(table)["home"], cleaner.transform(table.tail(2))["home"]
    assert whole.dtype == part.dtype
    assert list(whole.cat.categories) == ["own", "rent", RARE]


def test_a_date_becomes_days_since_1970(cleaner, table):
    cleaned = cleaner.transform(table.head(2).assign(since=pd.to_datetime(["1970-01-03T12:00Z", None])))
    assert cleaned["since"].to_list()[:1] == [2.5]
    assert np.isnan(cleaned["since"].iloc[1])


@pytest.mark.parametrize("dtype", ["int64", "float32", "Int64", "Float64"])
def test_numbers_of_any_type_become_floats(dtype):
    cleaned = TableCleaner().fit_transform(pd.DataFrame({"a": pd.Series([1, 2, 4], dtype=dtype)}))
    assert cleaned["a"].to_list() == [1.0, 2.0, 4.0]
    assert cleaned["a"].dtype == np.float64


def test_nullable_numbers_keep_their_gaps():
    cleaned = TableCleaner().fit_transform(pd.DataFrame({"a": pd.Series([1, None, 4], dtype="Int64")}))
    assert cleaned["a"].isna().to_list() == [False, True, False]


@pytest.mark.parametrize(
    "values",
    [[True, False], ["yes", "no"], pd.Categorical(["yes", "no"]), pd.array(["yes", "no"], dtype="string")],
    ids=["booleans", "text", "categories", "strings"],
)
def test_categories_of_any_type_keep_their_levels(values):
    cleaned = TableCleaner(min_count=1).fit_transform(pd.DataFrame({"a": values}))
    assert cleaned["a"].astype(str).to_list() == [str(value) for value in values]


def test_missing_columns_are_all_named(cleaner, table):
    with pytest.raises(DataError, match="for 2 reasons") as error:
        cleaner.transform(table.drop(columns=["age", "home"]))
    assert [finding.column for finding in error.value.findings] == ["age", "home"]


@pytest.mark.parametrize("sign", list('[]{}":,<> \\/|%'))
def test_a_column_may_have_any_sign_in_its_name(sign, table):
    named = table.rename(columns={name: f"{sign}{name} {sign}K{sign}" for name in table})
    cleaned = TableCleaner(special={named.columns[0]: [-9.0]}).fit_transform(named)
    assert cleaned.shape == TableCleaner(special={"income": [-9.0]}).fit_transform(table).shape
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        LGBMClassifier(n_estimators=2, verbose=-1).fit(cleaned, np.arange(N) % 2)


def test_what_is_learned_comes_from_the_table_it_was_fitted_on_alone(table):
    first = TableCleaner(special={"income": [-9.0]})
    again = clone(first).fit(table.head(5)).fit(table)
    assert_frame_equal(again.transform(table), first.fit(table).transform(table))
    assert first.special == {"income": [-9.0]}


def test_the_table_that_was_given_is_left_as_it_was(cleaner, table):
    before = table.copy(deep=True)
    cleaner.transform(table)
    assert_frame_equal(table, before)


def test_an_empty_table_is_cleaned_to_an_empty_table(cleaner, table):
    assert cleaner.transform(table.head(0)).shape == (0, 5)

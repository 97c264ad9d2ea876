"""What-if predictions against changing one value of one case at a time."""

import numpy as np
import pandas as pd
import pytest

from lepton_platform.model.what_if import BATCH, what_if

MIXED = pd.DataFrame(
    {
        "amount": [1.5, np.nan, 3.0, 4.0],
        "months": [1, 2, 3, 4],
        "home": ["own", None, "rent", "own"],
        "region": pd.Categorical(["n", "s", None, "n"]),
        "since": pd.to_datetime(["2020-01-01", None, "2021-06-01", "2022-01-01"], utc=True),
    },
    index=["a", "b", "c", "d"],
)


def fingerprint(rows):
    """A number that tells any two different rows apart."""
    return pd.util.hash_pandas_object(rows.astype(object), index=False).to_numpy() / 2**64


def exchanged(cases):
    """Each column in another order: some values change, some stay, some are missing."""
    return {name: values.iloc[[1, 0, 3, 3]].set_axis(cases.index) for name, values in cases.items()}


def test_it_is_what_changing_one_value_of_one_case_gives():
    changes = exchanged(MIXED)
    found = what_if(fingerprint, MIXED, fingerprint(MIXED), changes)
    for name, values in changes.items():
        for case in MIXED.index:
            alone = MIXED.loc[[case]].assign(**{name: values.loc[[case]]}).astype(MIXED.dtypes)
            assert found.loc[case, name] == fingerprint(alone)[0]


def test_the_changed_rows_keep_the_types_that_the_model_learned():
    def predict(rows):
        assert rows.dtypes.equals(MIXED.dtypes)
        return np.zeros(len(rows))

    half = pd.Series(2.0, index=MIXED.index)  # a float for a column of whole numbers
    what_if(predict, MIXED, np.zeros(4), {**exchanged(MIXED), "months": half})


def test_a_case_that_has_the_value_already_is_not_asked():
    asked = []

    def predict(rows):
        asked.append(len(rows))
        return np.ones(len(rows))

    found = what_if(predict, MIXED, np.zeros(4), {"amount": pd.Series([1.5, np.nan, 3.0, 9.0])})
    assert asked == [1]
    assert found["amount"].tolist() == [0, 0, 0, 1]


@pytest.mark.parametrize("changes", [{}, {"amount": MIXED["amount"]}])
def test_where_nothing_changes_nothing_is_asked(changes):
    found = what_if(lambda rows: pytest.fail("asked"), MIXED, np.arange(4.0), changes)
    assert found.shape == (4, len(changes))
    assert all(found[name].tolist() == [0, 1, 2, 3] for name in changes)


def test_many_cases_are_asked_in_batches_with_the_same_answers():
    rows = np.arange(BATCH, dtype=float)
    cases = pd.DataFrame({"a": rows, "b": -rows, "c": 2 * rows})
    sizes = []

    def predict(batch):
        sizes.append(len(batch))
        return batch.to_numpy() @ np.array([1.0, 10.0, 100.0])

    ones = pd.Series(1.0, index=cases.index)
    found = what_if(predict, cases, cases.to_numpy() @ np.array([1.0, 10.0, 100.0]), {"a": ones, "c": ones})
    assert max(sizes) == BATCH and sum(sizes) == 2 * BATCH - 1
    assert np.array_equal(found["a"], 1 - 10 * rows + 200 * rows)
    assert np.array_equal(found["c"], rows - 10 * rows + 100)

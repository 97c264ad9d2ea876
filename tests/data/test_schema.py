"""The schema: what columns are, what cannot be used and where, and what gives the outcome away."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from lepton_platform.data import schema
from lepton_platform.data.schema import Column, Schema

N = 60
RNG = np.random.default_rng(0)


def column(values, name="x"):
    return pd.DataFrame({name: values})


def learn(table, special=(), categories=()):
    return schema.learn(table, special, categories)


def learned(values, **options):
    """The one column of a table, its description, and the findings about it."""
    cases, found, findings = learn(column(values), **options)
    return cases, (found.columns[0] if found.columns else None), findings


def cycled(*values):
    return [values[number % len(values)] for number in range(N)]


def of_dtype(dtype, *values):
    return pd.Series(cycled(*values), dtype=dtype)


# --------------------------------------------------------------------------------------- kinds

KINDS = {
    "integers": (of_dtype("int64", 1, 2, 5), "number", "float64"),
    "floats": (of_dtype("float64", 1.5, np.nan), "number", "float64"),
    "nullable integers": (of_dtype("Int64", 1, 2, None), "number", "float64"),
    "numbers as text": (of_dtype(object, "1", "2.5", " 3 ", None), "number", "float64"),
    "numbers in scientific notation": (of_dtype(object, "1e3", "-2E-1"), "number", "float64"),
    "text": (of_dtype(object, "own", "rent", None), "category", "object"),
    "pandas categories": (of_dtype("category", "own", "rent"), "category", "object"),
    "pandas strings": (of_dtype("string", "own", "rent", None), "category", "object"),
    "booleans": (of_dtype(bool, True, False), "category", "object"),
    "booleans with gaps": (of_dtype(object, True, False, None), "category", "object"),
    "dates as text": (of_dtype(object, "2026-01-31", "2025-12-01"), "date", "datetime64[ns, UTC]"),
    "times as text": (
        of_dtype(object, "2026-01-31T10:00", "2025-12-01 09:30"), "date", "datetime64[ns, UTC]"
    ),
    "months as text": (of_dtype(object, "2026-01", "2025-12"), "date", "datetime64[ns, UTC]"),
    "dates": (pd.Series(pd.date_range("2026-01-01", periods=N)), "date", "datetime64[ns, UTC]"),
    "dates with a zone": (
        pd.Series(pd.date_range("2026-01-01", periods=N, tz="Europe/Berlin")), "date", "datetime64[ns, UTC]"
    ),
}  # fmt: skip


@pytest.mark.parametrize("values", KINDS)
def test_the_kind_of_a_column_is_read_from_its_values(values):
    given, kind, dtype = KINDS[values]
    cases, found, _ = learned(given)
    assert (found.kind, str(cases["x"].dtype)) == (kind, dtype)
    assert cases["x"].isna().to_list() == given.isna().to_list()


@pytest.mark.parametrize("values", KINDS)
def test_what_was_learned_is_accepted_again_and_read_alike(values):
    given, _, _ = KINDS[values]
    cases, found, _ = learn(column(given))
    again, findings = schema.conform(column(given), found)
    assert findings == []
    pd.testing.assert_frame_equal(again, cases)


@pytest.mark.parametrize("values", [[3, 7, 7], [3.0, 7.0, np.nan], ["3", "7", None], [" 3", "7 ", "7"]])
def test_codes_declared_as_categories_are_the_same_however_a_file_was_read(values):
    cases, found, _ = learned(cycled(*values), categories=["x"])
    assert (found.kind, found.levels) == ("category", ("3", "7"))
    assert set(cases["x"].dropna()) == {"3", "7"}


def test_a_number_is_described_by_its_range_and_a_typical_value_without_its_codes():
    _, found, _ = learned([*range(1, 60, 1), -9], special=("-9",))
    deciles = (7.0, 13.0, 18.0, 24.0, 30.0, 36.0, 42.0, 47.0, 53.0)
    shares = tuple(count / 60 for count in (6, 6, 5, 6, 6, 6, 6, 5, 6, 7))
    assert found == Column("x", "number", 30.0, 1.0, 59.0, special=(-9.0,), edges=deciles, shares=shares)


def test_a_category_is_described_by_its_levels_and_the_commonest():
    _, found, _ = learned(cycled("b", "a", "b", None))
    assert found == Column("x", "category", "b", levels=("a", "b"), missing=0.25, shares=(0.25, 0.5))


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_the_share_of_missing_values_is_kept_and_said_once_for_all_columns(share):
    values = [np.nan if number < N * share else number**2 for number in range(N)]
    cases, found, findings = learn(pd.DataFrame({"a": values, "b": values}))
    assert [one.missing for one in found.columns] == [share, share]
    said = [str(finding) for finding in findings]
    assert len(said) == (share > 0)
    assert all("a (50.0%), b (50.0%)" in sentence and "none was filled" in sentence for sentence in said)
    assert len(cases) == N


# --------------------------------------------------------------------- columns without information


@pytest.mark.parametrize(
    ("values", "level", "said"),
    [
        ([None] * N, "warning", "has no value in any row"),
        ([np.nan] * N, "warning", "has no value in any row"),
        ([7] * N, "note", "is 7 in every row"),
        (["EUR"] * N, "note", "is 'EUR' in every row"),
        (list(range(1000, 1000 + N)), "note", "numbers the rows"),
        (RNG.permutation(N), "note", "numbers the rows"),
        (
            [f"customer {number}" for number in range(N)],
            "warning",
            "names rather than describes (60 different",
        ),
        ([f"c{number}" for number in range(40)] + ["c0"] * 20, "warning", "names rather than describes (40 "),
    ],
)
def test_a_column_without_information_is_left_out_and_said(values, level, said):
    cases, found, findings = learned(values)
    assert found is None and cases.shape == (N, 0)
    (finding,) = findings
    assert (finding.level, finding.column) == (level, "x")
    assert said in finding.message and "left out" in finding.message


@pytest.mark.parametrize("name", ["id", "customer_id", "ID", "loan_no", "loan key", "nr"])
def test_a_column_of_distinct_numbers_that_is_called_an_id_is_left_out(name):
    distinct = RNG.choice(10**6, N, replace=False)
    assert learn(column(distinct, name))[1].columns == ()


@pytest.mark.parametrize("name", ["paid", "amount", "humidity", "nose"])
def test_distinct_numbers_under_another_name_are_amounts(name):
    distinct = RNG.choice(10**6, N, replace=False)
    assert learn(column(distinct, name))[1].names == [name]


@pytest.mark.parametrize(
    "values",
    [
        [7.0] * (N - 1) + [np.nan],
        RNG.normal(size=N),
        [f"{day:%Y-%m-%d}" for day in pd.date_range("2026-01-01", periods=N)],
        [f"{number}.5" for number in range(N)],
    ],
    ids=["constant where known", "distinct amounts", "distinct dates", "distinct numbers as text"],
)
def test_a_column_that_may_say_something_is_kept(values):
    assert learned(values)[1] is not None


# ------------------------------------------------------------------------- what cannot be used


def faults(findings):
    return {finding.column: finding for finding in findings if finding.level == "error"}


def test_text_in_a_column_of_numbers_is_an_error_with_its_rows_and_values():
    values = [str(number) for number in range(N)]
    values[7], values[23] = "n/a", "1,5"
    fault = faults(learned(values)[2])["x"]
    assert fault.rows == (7, 23)
    assert "no number in 2 of 60 rows: 'n/a', '1,5'" in fault.message
    assert "--categories x" in fault.remedy


@pytest.mark.parametrize("written", [np.inf, -np.inf, "inf", "-Infinity"])
def test_infinite_numbers_are_an_error_with_their_rows(written):
    values = [float(number) if isinstance(written, float) else str(number) for number in range(N)]
    values[3] = values[41] = written
    fault = faults(learned(values)[2])["x"]
    assert fault.rows == (3, 41)
    assert "infinite in 2 rows" in fault.message


@pytest.mark.parametrize("bad", ["2026-02-30", "yesterday"])
def test_what_is_no_date_is_an_error_with_its_rows(bad):
    values = [f"{day:%Y-%m-%d}" for day in pd.date_range("2026-01-01", periods=N)]
    values[12] = bad
    fault = faults(learned(values)[2])["x"]
    assert fault.rows == (12,)
    assert repr(bad) in fault.message and "2026-01-31" in fault.remedy


def test_many_bad_rows_are_counted_and_the_first_hundred_named():
    fault = faults(learned([np.inf] * 150 + list(range(150)))[2])["x"]
    assert "150 rows" in fault.message
    assert fault.rows == tuple(range(100))


def test_all_faults_of_all_columns_are_found_at_once():
    table = pd.DataFrame(
        {
            "amount": [np.inf, *range(N - 1)],
            "rate": ["n/a", *map(str, range(N - 1))],
            "since": ["soon", *(f"{day:%Y-%m-%d}" for day in pd.date_range("2026-01-01", periods=N - 1))],
            "empty": [None] * N,
            "good": RNG.normal(size=N),
        }
    )
    _, _, findings = learn(table)
    assert faults(findings).keys() == {"amount", "rate", "since"}
    assert [finding.column for finding in findings if finding.level == "warning"] == ["empty"]


def test_rows_are_counted_from_the_top_whatever_the_tables_index():
    table = column([0.5, 1.5, np.inf] * 20).set_axis([f"case {number}" for number in range(N)])
    cases, _, findings = learn(table)
    assert faults(findings)["x"].rows[:2] == (2, 5)
    assert list(cases.index) == list(table.index)


@pytest.mark.parametrize("values", [["2026-01-31", None], [None, "2026-01-31"]])
def test_a_column_of_dates_lacks_none(values):
    _, findings = schema.as_dates(pd.Series(values, name="day"))
    assert findings[0].rows == (values.index(None),)
    assert "lacks dates" in findings[0].message


# ----------------------------------------------------------------------------------- special codes


def test_codes_hold_for_all_columns_or_for_the_one_named():
    table = pd.DataFrame({"income": [-9.0, -8.0, 1, 5] * 15, "age": [-9.0, 30, 40, 47] * 15})
    _, found, _ = learn(table, special=("-9", "income:-8"))
    assert {one.name: (one.special, one.low) for one in found.columns} == {
        "income": ((-9.0, -8.0), 1.0),
        "age": ((-9.0,), 30.0),
    }


def test_categories_have_no_special_codes():
    _, found, _ = learned(cycled("own", "-9"), special=("-9",), categories=["x"])
    assert (found.special, found.levels) == ((), ("-9", "own"))


def test_a_column_of_codes_alone_has_no_range():
    _, found, _ = learned(cycled(-9.0, -8.0), special=("-9", "-8"))
    assert (found.low, found.typical, found.high) == (None, None, None)


# ---------------------------------------------------------------------------------- leak suspects


def outcomes(n=1000, share=0.3, seed=1):
    return (np.random.default_rng(seed).random(n) < share).astype(int)


def with_noise(y, share, seed=2):
    return np.where(np.random.default_rng(seed).random(len(y)) < share, 1 - y, y)


def words(values):
    return pd.Series(values, dtype=object)


def uniform(y, high=1.0):
    return np.random.default_rng(3).uniform(0, high, len(y))


LEAKS = {
    "a copy": lambda y: with_noise(y, 0.01).astype(float),
    "a copy, upside down": lambda y: 1.0 - with_noise(y, 0.01),
    "a copy in words": lambda y: words(np.where(with_noise(y, 0.01), "late", "paid")),
    "a copy on a fine scale": lambda y: with_noise(y, 0.01) + uniform(y, 0.5),
    "there only with the outcome": lambda y: np.where(y == 1, uniform(y), np.nan),
    "one of many words for the outcome": lambda y: words([f"{event} {i % 30}" for i, event in enumerate(y)]),
}


@pytest.mark.parametrize("leak", LEAKS)
def test_a_column_that_gives_the_outcome_away_is_suspected_and_named(leak):
    y = outcomes()
    cases = pd.DataFrame({"honest": np.random.default_rng(4).normal(size=len(y)) + y, "leak": LEAKS[leak](y)})
    (finding,) = schema.answers(cases, y)
    assert (finding.level, finding.column) == ("warning", "leak")
    assert "--ignore leak" in finding.remedy


def test_the_strength_of_a_suspect_is_its_auc():
    y = outcomes()
    score = y + np.random.default_rng(5).normal(0, 0.3, len(y))
    (finding,) = schema.answers(column(score), y)
    assert f"AUC {roc_auc_score(y, score):.3f}" in finding.message


HONEST = {
    "noise": lambda y, rng: rng.normal(size=len(y)),
    "a good predictor": lambda y, rng: y + rng.normal(size=len(y)),
    "one level per row": lambda y, rng: words([f"n{i}" for i in range(len(y))]),
    "two rows per level": lambda y, rng: words(rng.permutation([f"n{i // 2}" for i in range(len(y))])),
    "many levels": lambda y, rng: words(rng.choice([f"n{i}" for i in range(200)], len(y))),
    "few levels": lambda y, rng: words(rng.choice(list("abcd"), len(y))),
    "nothing": lambda y, rng: np.full(len(y), np.nan),
    "gaps at random": lambda y, rng: np.where(rng.random(len(y)) < 0.5, np.nan, 1.0),
    "dates": lambda y, rng: pd.Series(pd.date_range("2020-01-01", periods=len(y), tz="UTC")),
}
ORDERS = {
    "at random": outcomes(),
    "few events": outcomes(share=0.02),
    "events first": np.sort(outcomes())[::-1].copy(),
    "taking turns": np.arange(1000) % 2,
}


def test_one_case_and_one_control_in_turn_are_no_leak_of_their_pair():
    y = ORDERS["taking turns"]
    assert schema.answers(column(words([f"pair {i // 2}" for i in range(len(y))])), y) == []


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("honest", HONEST)
def test_an_honest_column_is_not_suspected(honest, order):
    y = ORDERS[order]
    cases = column(HONEST[honest](y, np.random.default_rng(6)))
    assert schema.answers(cases, y) == []


# --------------------------------------------------------------------------------- later tables


@pytest.fixture(scope="module")
def known():
    table = pd.DataFrame(
        {
            "amount": np.linspace(0, 100, N),
            "home": cycled("own", "rent"),
            "since": pd.date_range("2026-01-01", periods=N),
        }
    )
    return table, learn(table)[1]


def test_columns_may_come_in_any_order_and_others_may_be_there(known):
    table, found = known
    expected, _ = schema.conform(table, found)
    shuffled = table.assign(other=1)[["since", "other", "home", "amount"]]
    cases, findings = schema.conform(shuffled, found)
    assert findings == []
    pd.testing.assert_frame_equal(cases, expected)


def test_missing_columns_are_all_named_each_with_the_nearest_name(known):
    table, found = known
    _, findings = schema.conform(table.rename(columns={"amount": "amounts", "home": "Home"}), found)
    assert [str(finding) for finding in findings] == [
        "column 'amount' is missing. Did you mean 'amounts'?",
        "column 'home' is missing. Did you mean 'Home'?",
    ]


def test_unseen_categories_are_a_warning_with_their_rows(known):
    table, found = known
    changed = table.assign(home=["castle", *table["home"][1:-1], "tent"])
    cases, (finding,) = schema.conform(changed, found)
    assert (finding.level, finding.column, finding.rows) == ("warning", "home", (0, N - 1))
    assert "'castle', 'tent'" in finding.message
    assert cases["home"].iloc[0] == "castle"


def test_missing_values_are_no_unseen_categories(known):
    table, found = known
    assert schema.conform(table.assign(home=None), found)[1] == []


@pytest.mark.parametrize("bad", ["a lot", np.inf])
def test_a_value_that_is_no_number_stays_an_error_in_later_tables(bad, known):
    table, found = known
    amounts = table["amount"].astype(object).to_list()
    amounts[5] = bad
    _, findings = schema.conform(table.assign(amount=amounts), found)
    assert faults(findings)["amount"].rows == (5,)


@pytest.mark.parametrize("rows", [0, 1, 7])
def test_a_table_of_any_length_conforms(rows, known):
    table, found = known
    cases, findings = schema.conform(table.head(rows), found)
    assert findings == [] and len(cases) == rows
    assert list(map(str, cases.dtypes)) == ["float64", "object", "datetime64[ns, UTC]"]


def test_a_schema_survives_its_file(known):
    _, found = known
    assert Schema.from_json(json.loads(json.dumps(found.to_json()))) == found


# ------------------------------------------------------------------------------------- strangers


@pytest.mark.parametrize(
    ("amount", "home", "strange"),
    [
        (50.0, "own", False),
        (np.nan, None, False),
        (50.0, "castle", True),
        (190.0, "own", False),
        (201.0, "own", True),
        (-99.0, "own", False),
        (-101.0, "own", True),
    ],
)
def test_a_case_is_outside_with_a_new_category_or_a_number_far_beyond_the_range(amount, home, strange, known):
    table, found = known
    cases, _ = schema.conform(table.head(1).assign(amount=amount, home=[home]), found)
    assert schema.outside(cases, found).tolist() == [strange]


def test_a_special_code_is_not_outside():
    _, found, _ = learn(column([1.0, 2.0, 4.0] * 20), special=("-999",))
    assert schema.outside(column([-999.0, -998.0]), found).tolist() == [False, True]

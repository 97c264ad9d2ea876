"""Rows as they come: with new categories, gaps, missing columns, one at a time, none at all."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from lepton_platform.decide import decide_batch
from lepton_platform.errors import DataError, LeptonError
from lepton_platform.testing.check import BOTH, Fault, NotApplicable, check
from lepton_platform.testing.perturbation import marked
from lepton_platform.testing.subject import Subject

UNSEEN = "never seen before"


def _decide(subject: Subject, rows: pd.DataFrame, what: str, column: str) -> None:
    """Decide rows that are odd in one column: either it works, or a ``DataError`` names the column."""
    try:
        decided = decide_batch(subject.base.run, rows)
    except DataError as error:
        if column not in str(error):
            raise Fault(f"{what}: the error does not name column {column!r}: {error}") from error
    except Exception as error:
        raise Fault(f"{what} in column {column!r}: {type(error).__name__}: {error}") from error
    else:
        if len(decided) != len(rows):
            raise Fault(f"{what} in column {column!r}: {len(rows)} cases got {len(decided)} decisions")


@check("silver", of=BOTH)
def unseen_categories(subject: Subject) -> None:
    """A category that training never saw is decided, or a `DataError` names its column.

    New products, regions and codes appear the day after training.

    To mend: `OneHotEncoder(handle_unknown="ignore")`, or leave text to the host's step, which gives new
    levels a place of their own.
    """
    run, features = subject.base.run, subject.features
    kinds = {column.name: column.kind for column in run.schema.columns}
    categories = [name for name in features if kinds[name] == "category"]
    if not categories:
        raise NotApplicable("its data have no categories")
    for name in categories:
        _decide(subject, marked(subject.held_out.head(2), name, UNSEEN), "a new category", name)


@check("silver", of=BOTH)
def missing_values(subject: Subject) -> None:
    """A missing value is decided, or a `DataError` names its column.

    Somebody always leaves a field empty.

    To mend: put a `SimpleImputer` into the pipeline, use an estimator that takes gaps, or refuse with a
    `Finding` that names the column and the rows.
    """
    _ = subject.base.run
    for name in subject.features:
        _decide(subject, marked(subject.held_out.head(2), name, None), "a gap", name)


@check("silver", of=BOTH)
def errors_name_column(subject: Subject) -> None:
    """A column that is absent, or holds text where numbers were, gets a `DataError` that names it.

    "KeyError: 7" tells a user nothing; the name of the column and what is wrong with it tells all.

    To mend: leave reading to the task, which checks each table against the schema that it learned; or
    raise `DataError([Finding("error", "is missing", column=name)])`.
    """
    run, target = subject.base.run, subject.target
    rows = subject.held_out.head(2)
    kinds = {column.name: column.kind for column in run.schema.columns}
    for name in subject.features:
        _decide(subject, rows.drop(columns=name), "no such column", name)
        if kinds[name] == "number":
            _decide(subject, marked(rows, name, "much"), "text", name)
    _names(target, lambda: subject.load(subject.table.drop(columns=target)))


def _names(column: str, load: Callable[[], object]) -> None:
    try:
        load()
    except LeptonError as error:
        if column in str(error):
            return
        raise Fault(f"without the outcome, the error does not name {column!r}: {error}") from error
    except Exception as error:
        raise Fault(f"without the outcome {column!r}: {type(error).__name__}: {error}") from error
    raise Fault(f"a table to learn from is taken without its outcome {column!r}")


@check("silver", of=BOTH)
def one_row(subject: Subject) -> None:
    """One case is decided.

    A server asks about one at a time, and much that works on a table fails on a row of it.

    To mend: look for what needs two rows: a standard deviation, a quantile, a `squeeze()`.
    """
    _sized(subject, 1)


@check("silver", of=BOTH)
def no_rows(subject: Subject) -> None:
    """No cases get no decisions, in a table with the same columns.

    On a day without applications the job must not fail, and the next one reads the same columns.

    To mend: look for what needs a row: `iloc[0]`, `max()`, an estimator that refuses empty input.
    """
    _sized(subject, 0)


def _sized(subject: Subject, rows: int) -> None:
    run, given = subject.base.run, subject.asked.head(rows)
    try:
        decided = decide_batch(run, given)
    except Exception as error:
        raise Fault(f"deciding {rows} rows: {type(error).__name__}: {error}") from error
    if len(decided) != rows or list(decided.columns) != list(run.decisions.columns):
        raise Fault(f"deciding {rows} rows gives {len(decided)} rows with {', '.join(map(str, decided))}")

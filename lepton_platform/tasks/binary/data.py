"""Binary task, data stage: a table becomes cases and outcomes, split without leaks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import RepeatedStratifiedKFold, StratifiedGroupKFold, StratifiedShuffleSplit

from lepton_platform.data import schema as table_schema
from lepton_platform.data.cleaning import TableCleaner
from lepton_platform.data.dataset import Dataset, Finding, Purpose, Source, Split, Step
from lepton_platform.errors import DataError, did_you_mean
from lepton_platform.hookspecs import hookimpl
from lepton_platform.tasks.binary.config import BinaryConfig

if TYPE_CHECKING:
    from lepton_platform.run import Run

FEWEST = 10
"""Cases of each outcome below which nothing can be learned and checked."""
SMALL, SMALL_REPEATS = 2_000, 2
"""Below so many cases, one cross-validation depends on its draw: the mean of two chooses better."""
FEW = 100
"""Cases of each outcome below which the user is warned."""
YES = ("1", "1.0", "true", "t", "yes", "y")
_ALIKE = "Give cases of both outcomes: there is nothing to tell apart"
_ONE_COLUMN = (
    "The table was read as a single column, {!r}; of delimited text, "
    "separate the fields by comma, semicolon, tab or vertical bar"
)
NO = ("0", "0.0", "-1", "-1.0", "false", "f", "no", "n")


@hookimpl
def lepton_load(source: Source, purpose: Purpose, run: Run, config: BinaryConfig) -> Dataset:
    """Read a table and check it: all findings at once."""
    table = run.hooks.read(source)
    table.columns = table.columns.map(str)
    roles = _roles(table, purpose, run, config)
    if purpose == "train":
        return _training_cases(table, roles, source, run, config)
    if purpose == "truth":
        outcomes = _known_outcomes(table[roles["target"]], run.learned["event"], run.learned["other"], source)
        index = _case_ids(table, config)
        return Dataset(table[[]].set_axis(index), pd.Series(outcomes, index=index, name=config.target))
    cases, findings = table_schema.conform(table, run.schema)
    _stop_on_errors(findings, source)
    if purpose == "test":
        run.note(*findings)
    cases.index = _case_ids(table, config)
    others = [name for name in table.columns if name not in cases.columns and name != roles.get("target")]
    return Dataset(cases, extra=table[others].set_axis(cases.index))


def _training_cases(
    table: pd.DataFrame, roles: dict[str, str], source: Source, run: Run, config: BinaryConfig
) -> Dataset:
    outcomes = table[roles["target"]]
    target, findings = read_target(outcomes, config.positive, run.application.positive)
    kept = [name for name in table.columns if name not in {*roles.values(), *config.set_aside()}]
    cases, schema, found = table_schema.learn(table[kept], config.special, config.categories)
    findings += found + _duplicates(table) + _absent_codes(cases, schema)
    if config.set_aside():
        aside = ", ".join(config.set_aside())
        findings.append(Finding("note", f"kept from the model as asked: {aside}"))
    if not any(finding.level == "error" for finding in findings):
        if not schema.columns:
            findings.append(Finding("error", "no column is left to learn from"))
        findings += _enough(target) + table_schema.answers(cases, target)
    _stop_on_errors(findings, source)
    run.schema = schema
    run.learned |= {
        "event": _plain_text(outcomes.iloc[int(target.argmax())]),
        "other": sorted({_plain_text(value) for value in outcomes[target == 0].unique()}),
    }
    run.note(*findings)
    index = _case_ids(table, config)
    others = [name for name in table.columns if name not in schema.names and name != roles["target"]]
    return Dataset(
        cases.set_axis(index),
        pd.Series(target, index=index, name=roles["target"]),
        groups=table[config.group].set_axis(index) if config.group else None,
        time=_dates(table, config, source),
        extra=table[others].set_axis(index),
    )


def _roles(table: pd.DataFrame, purpose: Purpose, run: Run, config: BinaryConfig) -> dict[str, str]:
    """Return the columns that are no features, by role; all that are missing are one error."""
    target = config.target
    columns = list(map(str, table.columns))
    if target is None:
        remedy = f"The table has {', '.join(columns[:30])}"
        raise DataError(
            [Finding("error", "which column is the outcome? Name it with --target", remedy=remedy)]
        )
    asked = {"target": target, "id": config.id, "date": config.date, "group": config.group}
    if purpose in ("test", "truth"):
        asked = {"target": target, "id": config.id}
    if purpose == "decide":
        asked = {"target": target if target in columns else None, "id": config.id}
    roles = {role: name for role, name in asked.items() if name is not None}
    named = {f"--{role}": [name] for role, name in roles.items()}
    if purpose == "train":
        coded = [entry.rpartition(":")[0] for entry in config.special if ":" in entry]
        named |= {"an option": [*config.set_aside(), *config.categories, *coded]}
    findings = [
        Finding(
            "error",
            f"is missing, but {option} names it",
            column=name,
            remedy=did_you_mean(name, columns) if len(columns) > 1 else _ONE_COLUMN.format(*columns),
        )
        for option, names in named.items()
        for name in names
        if name not in columns
    ]
    _stop_on_errors(findings, Source(run.options.data if purpose == "train" else run.options.test))
    return roles


def _stop_on_errors(findings: list[Finding], source: Source) -> None:
    if any(finding.level == "error" for finding in findings):
        raise DataError(findings, str(source))


def read_target(
    values: pd.Series[Any], positive: str | None, positive_words: tuple[str, ...] = ()
) -> tuple[NDArray[np.int_], list[Finding]]:
    """Return the outcomes as 0 and 1, with a note that says how they were read, or what is wrong.

    Without ``positive``, pairs whose meaning is plain are read: 0 and 1, no and yes, true and false,
    and words that the application declares. Any other pair is a question to the user.

    Examples
    --------
    >>> outcomes, findings = read_target(pd.Series(["no", "yes", "no"]), positive=None)
    >>> outcomes.tolist(), findings[0].message
    ([0, 1, 0], "is read as 'yes' = 1 (1 cases) and 'no' = 0 (2 cases)")
    """
    name, empty = str(values.name), np.flatnonzero(values.isna().to_numpy())
    if len(empty):
        rows = tuple(int(row) for row in empty[:100])
        remedy = "Fill in the outcome or take these rows out: an unknown outcome cannot be learned from"
        return np.zeros(len(values), int), [
            Finding("error", f"has no outcome in {len(empty):,} rows", name, rows, remedy)
        ]
    text = values.map(_plain_text)
    counts = text.value_counts()
    levels = list(map(str, counts.index))
    listed = ", ".join(f"{level!r} ({count:,})" for level, count in counts.head(5).items())
    if len(levels) != 2 and positive is None:
        said = f"has {len(levels):,} different values, an outcome has two: {listed}"
        remedy = "Name the value that counts with --positive"
        if len(levels) == 1:
            said, remedy = f"is {levels[0]!r} in every row", _ALIKE
        return np.zeros(len(values), int), [Finding("error", said, name, (), remedy)]
    event = _plain_text(positive) if positive is not None else _obvious(levels, positive_words)
    if event is None:
        remedy = f"Say which one is the event: --positive {levels[-1]}"
        return np.zeros(len(values), int), [Finding("error", f"has the values {listed}", name, (), remedy)]
    if event not in levels or len(levels) < 2:
        remedy = did_you_mean(event, levels) if event not in levels else _ALIKE
        said = f"never is {event!r}, it is {listed}" if event not in levels else f"is {listed} in every row"
        return np.zeros(len(values), int), [Finding("error", said, name, (), remedy)]
    outcomes = (text == event).to_numpy().astype(int)
    rest = " or ".join(repr(level) for level in levels if level != event)
    said = f"is read as {event!r} = 1 ({outcomes.sum():,} cases) and {rest} = 0 "
    return outcomes, [Finding("note", f"{said}({(1 - outcomes).sum():,} cases)", name)]


def _plain_text(value: object) -> str:
    """Write 1, 1.0, "1" and True so that they compare as a person would expect."""
    if isinstance(value, float | np.floating) and float(value).is_integer():
        value = int(value)
    return str(value).strip()


def _obvious(levels: list[str], positive_words: tuple[str, ...]) -> str | None:
    low, high = sorted(levels, key=lambda level: _meaning(level, positive_words))
    meanings = {_meaning(low, positive_words), _meaning(high, positive_words)}
    if meanings == {0, 2}:
        return high
    is_word = high.lower() in positive_words and low.lower() not in positive_words
    return high if is_word else None


def _meaning(level: str, positive_words: tuple[str, ...]) -> int:
    folded = level.lower()
    return 2 if folded in YES or folded in positive_words else 0 if folded in NO else 1


def _enough(target: NDArray[np.int_]) -> list[Finding]:
    positives, negatives = int(target.sum()), int(len(target) - target.sum())
    fewest = min(positives, negatives)
    if fewest < FEWEST:
        remedy = f"At least {FEWEST} of each are needed to learn and to check; many more to trust"
        said = f"only {fewest} of {len(target):,} cases have the rarer outcome"
        return [Finding("error", said, remedy=remedy)]
    if fewest < FEW:
        said = f"only {fewest} cases have the rarer outcome: read every number with its interval"
        return [Finding("warning", said)]
    return []


def _duplicates(table: pd.DataFrame) -> list[Finding]:
    twice = np.flatnonzero(table.duplicated().to_numpy())
    if len(twice) == 0:
        return []
    rows = tuple(int(row) for row in twice[:100])
    said = f"{len(twice):,} rows repeat an earlier row exactly; they are kept"
    return [Finding("warning", said, None, rows, "Take them out if they are copies of one case")]


def _absent_codes(cases: pd.DataFrame, schema: table_schema.Schema) -> list[Finding]:
    declared = {code for column in schema.columns for code in column.special}
    counts = {
        code: sum(
            int((cases[column.name] == code).sum()) for column in schema.columns if code in column.special
        )
        for code in declared
    }
    said = [f"{code:g} ({count:,} values)" for code, count in sorted(counts.items())]
    if not said:
        return []
    return [Finding("note", f"special codes are told apart from amounts: {', '.join(said)}")]


def _case_ids(table: pd.DataFrame, config: BinaryConfig) -> pd.Index[Any]:
    if config.id is None:
        return table.index.rename("case")
    ids = table[config.id]
    repeated = np.flatnonzero((ids.duplicated(keep=False) | ids.isna()).to_numpy())
    if len(repeated):
        rows = tuple(int(row) for row in repeated[:100])
        remedy = "Each case needs a name of its own; if rows belong together, pass --group as well"
        raise DataError([Finding("error", "repeats or lacks names of cases", config.id, rows, remedy)])
    named: pd.Index[Any] = pd.Index(ids.array, name="case")
    return named


def _known_outcomes(values: pd.Series[Any], event: str, other: list[str], source: Source) -> NDArray[np.int_]:
    """Read outcomes as the training table's were read; others than its own are a fault."""
    text = values.map(_plain_text)
    strange = np.flatnonzero(~text.isin([event, *other]).to_numpy())
    if len(strange):
        shown = ", ".join(repr(value) for value in text.iloc[strange].unique()[:3])
        said = f"has outcomes that training never saw: {shown}"
        rows = tuple(int(row) for row in strange[:100])
        raise DataError(
            [Finding("error", said, str(values.name), rows, f"Known: {event}, {', '.join(other)}")],
            str(source),
        )
    return (text == event).to_numpy().astype(int)


def _dates(table: pd.DataFrame, config: BinaryConfig, source: Source) -> pd.Series[Any] | None:
    if config.date is None:
        return None
    dates, faults = table_schema.as_dates(table[config.date])
    _stop_on_errors(faults, source)
    return dates.set_axis(_case_ids(table, config))


@hookimpl
def lepton_split(dataset: Dataset, run: Run, config: BinaryConfig) -> Split:
    """Time order for dated cases, groups together, else stratified by outcome."""
    assert dataset.target is not None
    y, everything = dataset.target.to_numpy(), np.arange(len(dataset.cases))
    apart = run.options.test is None
    if dataset.time is not None:
        order = np.argsort(dataset.time.to_numpy(), kind="stable")
        train, test = _cut(order, round(len(order) * (1 - config.test_share)) if apart else len(order))
        rule = "by time: the latest cases are held out"
    elif dataset.groups is not None:
        parts = max(2, round(1 / config.test_share))
        splitter = StratifiedGroupKFold(parts, shuffle=True, random_state=run.seed)
        train, test = (
            next(splitter.split(everything, y, dataset.groups)) if apart else (everything, everything[:0])
        )
        rule = f"at random, with the cases of one {config.group} kept together"
    else:
        splitter = StratifiedShuffleSplit(1, test_size=config.test_share, random_state=run.seed)
        train, test = next(splitter.split(everything, y)) if apart else (everything, everything[:0])
        rule = "at random, with the same share of outcomes in each part"
    train, test = np.sort(train), np.sort(test)
    _check_both(y[train], "training")
    if apart:
        _check_both(y[test], "held-out")
    groups = dataset.groups.iloc[train] if dataset.groups is not None else None
    repeats = SMALL_REPEATS if groups is None and len(train) < SMALL else 1
    return Split(train, test, _folds(y[train], groups, config.folds, repeats, run.seed), rule, repeats)


def _cut(order: NDArray[np.intp], at: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    return order[:at], order[at:]


def _check_both(y: NDArray[np.int_], part: str) -> None:
    if len(np.unique(y)) < 2:
        said = f"all {len(y):,} {part} cases end alike"
        raise DataError([Finding("error", said, remedy="Give more cases, or another --test-share")])


def _folds(
    y: NDArray[np.int_], groups: pd.Series[Any] | None, folds: int, repeats: int, seed: int
) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Cross-validation inside the training cases, so that each is predicted once from others.

    Dated cases are shuffled here too: folds choose and calibrate candidates, and only the hold-out,
    which is later than all of them, is reported.
    """
    folds = min(folds, int(np.bincount(y).min()))
    if groups is not None:
        return list(StratifiedGroupKFold(folds, shuffle=True, random_state=seed).split(y, y, groups))
    repeated = RepeatedStratifiedKFold(n_splits=folds, n_repeats=repeats, random_state=seed)
    return list(repeated.split(y, y))


@hookimpl
def lepton_steps(run: Run) -> Mapping[str, Step]:
    """Special codes, categories and dates, learned per fold."""
    special = {column.name: list(column.special) for column in run.schema.columns if column.special}
    return {"clean": Step(TableCleaner(special=special), order=10)}

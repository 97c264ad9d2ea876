"""What the columns of a table are: learned from the training rows, asked of every later table.

A column is a ``number``, a ``category`` or a ``date``. Text that is nearly all numbers is an error,
not a category: a single "n/a" must not silently turn an amount into 20,000 categories.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata

from lepton_platform.data.dataset import Finding
from lepton_platform.errors import did_you_mean

Kind = Literal["number", "category", "date"]

MOSTLY = 0.9
"""Text of which this share reads as numbers was meant to be numbers."""
LEAK_AUC = 0.97
"""A single column that ranks the outcome this well was probably known only after it."""


@dataclass(frozen=True)
class Column:
    """One column that may be learned from.

    ``low`` and ``high`` are the least and greatest training value of a number (special codes not
    counted), ``typical`` its median or the commonest category, ``levels`` the categories seen.
    """

    name: str
    kind: Kind
    typical: float | str | None = None
    low: float | None = None
    high: float | None = None
    levels: tuple[str, ...] = ()
    special: tuple[float, ...] = ()
    missing: float = 0.0
    """Share of the training rows without a value."""
    edges: tuple[float, ...] = ()
    """Of a number: the deciles of its training values; those that are equal stand once."""
    shares: tuple[float, ...] = ()
    """Share of the training rows in each bin between ``edges``, or with each of ``levels``."""

    @property
    def unsurprising(self) -> tuple[float, float]:
        """The least and the greatest number that is not far from training: by no more than its whole range.

        Where training saw codes only, every finite number is in between.
        """
        if self.low is None or self.high is None:
            return -sys.float_info.max, sys.float_info.max
        return self.low - (self.high - self.low), self.high + (self.high - self.low)


@dataclass(frozen=True)
class Schema:
    """The columns that cases consist of, in the training table's order."""

    columns: tuple[Column, ...]

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.columns]

    def to_json(self) -> list[dict[str, Any]]:
        return [asdict(column) for column in self.columns]

    @classmethod
    def from_json(cls, columns: Iterable[Mapping[str, Any]]) -> Schema:
        tuples = ("levels", "special", "edges", "shares")
        return cls(
            tuple(
                Column(**{**column, **{key: tuple(column.get(key, ())) for key in tuples}})
                for column in columns
            )
        )


def special_codes(declared: Sequence[str], column: str) -> tuple[float, ...]:
    """Return the codes declared for ``column``: ``"-9"`` holds for all, ``"income:-8"`` for one.

    >>> special_codes(["-9", "income:-8"], "income")
    (-9.0, -8.0)
    >>> special_codes(["-9", "income:-8"], "age")
    (-9.0,)
    """
    codes = []
    for entry in declared:
        owner, _, code = entry.rpartition(":")
        if owner in ("", column):
            codes.append(float(code))
    return tuple(codes)


# ------------------------------------------------------------------------------------- learning


def learn(
    table: pd.DataFrame, special: Sequence[str], categories: Sequence[str]
) -> tuple[pd.DataFrame, Schema, list[Finding]]:
    """Return the usable columns of ``table`` in their kinds, the schema, and what was found.

    Columns without information (empty, constant, one value per row) are left out and said.
    """
    usable: dict[str, pd.Series[Any]] = {}
    columns: list[Column] = []
    findings: list[Finding] = []
    for name, values in table.items():
        assert isinstance(name, str)
        if reason := _useless(values, name in categories):
            findings.append(reason)
            continue
        kind = "category" if name in categories else _kind(values)
        converted, faults = _converted(values, kind)
        findings.extend(faults)
        codes = special_codes(special, name) if kind == "number" else ()
        columns.append(_describe(name, kind, converted, codes))
        usable[name] = converted
    findings.extend(_missing(usable))
    return pd.DataFrame(usable, index=table.index), Schema(tuple(columns)), findings


def _useless(values: pd.Series[Any], declared_category: bool) -> Finding | None:
    name, filled = str(values.name), values.dropna()
    if filled.empty:
        return Finding("warning", "has no value in any row: left out", column=name)
    distinct = filled.nunique()
    if distinct == 1 and len(filled) == len(values):
        (value,) = filled.iloc[:1].tolist()  # a Python value: 7, not np.int64(7)
        return Finding("note", f"is {value!r} in every row: left out", column=name)
    if distinct == len(values) and len(values) > 20 and _numbers_rows(filled):
        return Finding("note", "numbers the rows: left out", column=name)
    textual = declared_category or not pd.api.types.is_numeric_dtype(filled)
    if textual and distinct > 0.5 * len(values) and _kind(filled) == "category":
        share = f"{distinct} different values in {len(values)} rows"
        remedy = "If it names the cases, pass it as --id"
        return Finding("warning", f"names rather than describes ({share}): left out", name, (), remedy)
    return None


def _numbers_rows(values: pd.Series[Any]) -> bool:
    if not pd.api.types.is_integer_dtype(values):
        return False
    named = re.search(r"(^|[^a-z])(id|no|nr|key|number)$|^(id|nr)([^a-z]|$)", str(values.name).lower())
    return named is not None or bool((values.max() - values.min()) == len(values) - 1)


def _kind(values: pd.Series[Any]) -> Kind:
    if pd.api.types.is_datetime64_any_dtype(values):
        return "date"
    if pd.api.types.is_bool_dtype(values):
        return "category"
    if pd.api.types.is_numeric_dtype(values):
        return "number"
    filled = values.dropna().astype(str).str.strip()
    if pd.to_numeric(filled, errors="coerce").notna().mean() >= MOSTLY:
        return "number"
    if filled.str.match(r"^\d{4}-\d{2}(-\d{2})?([ T]\d{2}:\d{2}(:\d{2})?.*)?$").mean() >= MOSTLY:
        return "date"
    return "category"


def _converted(values: pd.Series[Any], kind: Kind) -> tuple[pd.Series[Any], list[Finding]]:
    name = str(values.name)
    if kind == "category":
        return _as_text(values), []
    if kind == "date":
        dates = pd.to_datetime(values, errors="coerce", utc=True, format="mixed")
        return dates, _unread(values, dates, name, "date", "Write dates as 2026-01-31")
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        numbers = values if values.dtype == np.float64 else values.astype(np.float64)
        faults: list[Finding] = []
    else:
        text = values if not pd.api.types.is_bool_dtype(values) else values.astype(object)
        numbers = pd.to_numeric(text, errors="coerce").astype(np.float64)
        remedy = f"Correct them, leave them empty, or pass --categories {name} if these are codes"
        faults = _unread(values, numbers, name, "number", remedy)
    infinite = np.isinf(numbers.to_numpy())
    if infinite.any():
        rows = tuple(int(row) for row in np.flatnonzero(infinite)[:100])
        remedy = "Correct them or leave them empty"
        faults.append(Finding("error", f"is infinite in {infinite.sum():,} rows", name, rows, remedy))
    return numbers, faults


def as_dates(values: pd.Series[Any]) -> tuple[pd.Series[Any], list[Finding]]:
    """Return a column that was declared to be dates, as UTC times, and what cannot be read."""
    dates, faults = _converted(values, "date")
    if dates.isna().any() and not faults:
        rows = tuple(int(row) for row in np.flatnonzero(dates.isna().to_numpy())[:100])
        faults = [Finding("error", "lacks dates", str(values.name), rows, "Every case needs its date")]
    return dates, faults


def _as_text(values: pd.Series[Any]) -> pd.Series[Any]:
    """Return categories as text; 3 and 3.0 are one category, however a file was read."""
    if pd.api.types.is_float_dtype(values):
        whole = values.dropna()
        if (whole == whole.round()).all():
            values = values.astype("Int64")
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(object)
    text = values.astype("object").where(values.notna(), None)
    return text.map(lambda value: value if value is None else str(value).strip(), na_action="ignore")


def _unread(values: pd.Series[Any], read: pd.Series[Any], name: str, what: str, remedy: str) -> list[Finding]:
    bad = np.flatnonzero((values.notna() & read.isna()).to_numpy())
    if len(bad) == 0:
        return []
    shown = ", ".join(repr(value) for value in dict.fromkeys(values.iloc[bad[:3]]))
    rows = tuple(int(row) for row in bad[:100])
    message = f"holds what is no {what} in {len(bad):,} of {len(values):,} rows: {shown}"
    return [Finding("error", message, name, rows, remedy)]


def _describe(name: str, kind: Kind, values: pd.Series[Any], special: tuple[float, ...]) -> Column:
    missing = float(values.isna().mean())
    if kind == "category":
        counts = values.value_counts()
        levels = tuple(sorted(counts.index))
        shares = tuple(float(counts[level]) / len(values) for level in levels)
        return Column(name, kind, str(counts.index[0]), levels=levels, missing=missing, shares=shares)
    if kind == "date":
        return Column(name, kind, missing=missing)
    plain = values[values.notna() & ~values.isin(special)]
    if plain.empty:
        return Column(name, kind, special=special, missing=missing)
    low, typical, high = (float(value) for value in np.quantile(plain, [0, 0.5, 1], method="nearest"))
    edges = np.unique(np.quantile(plain, np.linspace(0.1, 0.9, 9), method="nearest"))
    counted = np.bincount(np.searchsorted(edges, plain, side="right"), minlength=len(edges) + 1)
    return Column(
        name,
        kind,
        typical,
        low,
        high,
        special=special,
        missing=missing,
        edges=tuple(map(float, edges)),
        shares=tuple(map(float, counted / len(values))),
    )


def _missing(usable: Mapping[str, pd.Series[Any]]) -> list[Finding]:
    shares = {name: float(values.isna().mean()) for name, values in usable.items()}
    holes = [f"{name} ({share:.1%})" for name, share in shares.items() if share > 0]
    if not holes:
        return []
    verb = "lack values; these stay missing and are scored as such, none was filled or dropped"
    return [Finding("note", f"{len(holes)} columns {verb}: {', '.join(holes)}")]


def answers(cases: pd.DataFrame, y: NDArray[np.int_]) -> list[Finding]:
    """Return a warning for each column that by itself nearly gives the outcome away.

    Numbers are ranked as they are; of categories, each half of the rows is ranked by the rates of
    the other half, so that many small categories do not look like an answer.
    """
    findings = []
    half = np.random.default_rng(0).random(len(y)) < 0.5  # not every other row: files alternate too
    for name, values in cases.items():
        if pd.api.types.is_numeric_dtype(values):
            scores = [values.to_numpy(dtype=float), values.isna().to_numpy(dtype=float)]
        elif values.dtype == object:
            score = np.empty(len(y))
            for fit, rank in ((half, ~half), (~half, half)):
                rates = pd.Series(y[fit]).groupby(values.fillna("").to_numpy()[fit]).mean()
                score[rank] = values.fillna("")[rank].map(rates).fillna(y.mean())
            scores = [score]
        else:
            continue
        strength = max(_rank_auc(score, y) for score in scores)
        if strength >= LEAK_AUC:
            message = f"nearly gives the outcome away: alone it ranks the cases with AUC {strength:.3f}"
            remedy = f"If it becomes known only with the outcome, leave it out: --ignore {name}"
            findings.append(Finding("warning", message, str(name), (), remedy))
    return findings


def _rank_auc(score: NDArray[np.float64], y: NDArray[np.int_]) -> float:
    filled = np.where(np.isnan(score), np.nanmin(score) - 1 if np.isfinite(score).any() else 0, score)
    positives = int(y.sum())
    ranks = rankdata(filled)[y == 1].sum() - positives * (positives + 1) / 2
    auc = ranks / (positives * (len(y) - positives))
    return float(max(auc, 1 - auc))


# ------------------------------------------------------------------------------------- checking


def conform(table: pd.DataFrame, schema: Schema) -> tuple[pd.DataFrame, list[Finding]]:
    """Return the schema's columns of ``table`` in their kinds and order, and what was found.

    Columns may come in any order and others may be there. A value outside what training has seen
    (a new category, a number beyond the range) is no fault: the case is scored, and it is said.
    """
    absent = [name for name in schema.names if name not in table.columns]
    findings = [
        Finding("error", "is missing", column=name, remedy=did_you_mean(name, map(str, table.columns)))
        for name in absent
    ]
    converted = {}
    for column in schema.columns:
        if column.name in absent:
            continue
        values, faults = _converted(table[column.name], column.kind)
        converted[column.name] = values
        findings.extend(faults)
        findings.extend(_unseen(column, values))
    return pd.DataFrame(converted, index=table.index), findings


def _unseen(column: Column, values: pd.Series[Any]) -> list[Finding]:
    if column.kind != "category":
        return []
    new = ~(values.isna() | values.isin(column.levels))
    if not new.any():
        return []
    rows = tuple(int(row) for row in np.flatnonzero(new)[:100])
    levels = ", ".join(repr(level) for level in values[new].unique()[:3])
    message = f"has categories that training never saw ({levels}): scored as unknown"
    return [Finding("warning", message, column.name, rows)]


def outside(cases: pd.DataFrame, schema: Schema) -> NDArray[np.bool_]:
    """Return which cases hold a category, or a number far beyond the range, that training never saw.

    Far: by more than the whole range that training saw.
    """
    strange = np.zeros(len(cases), dtype=bool)
    for column in schema.columns:
        values = cases[column.name]
        if column.kind == "category":
            strange |= ~(values.isna() | values.isin(column.levels)).to_numpy()
        elif column.kind == "number":
            numbers, (least, most) = values.to_numpy(dtype=float), column.unsurprising
            far = (numbers < least) | (numbers > most)
            strange |= far & ~np.isin(numbers, column.special)
    return strange

"""A manifest: a table that names picture files, one per row, with class, patient and split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from lepton_platform.data.dataset import Finding
from lepton_platform.data.images.folder import SPLITS, frames
from lepton_platform.errors import DataError, did_you_mean

USUAL = {
    "image": ("image", "path", "file", "filename", "file_name", "image_path", "filepath", "picture"),
    "label": ("label", "class", "target", "diagnosis", "category"),
    "patient": ("patient", "patient_id", "patientid", "subject", "subject_id", "person"),
    "split": ("split", "subset", "partition"),
    "group": ("group",),
}
"""What columns are usually called, in lower case, by what they are for."""


def catalogue(
    table: pd.DataFrame, root: Path, named: Mapping[str, str | None], also: Sequence[str] = ()
) -> pd.DataFrame:
    """Return the pictures that a table names, relative to the folder ``root``.

    Parameters
    ----------
    named : role → column
        Where the user has said which column it is; the others are found by their usual names.
    also
        Further columns to keep, under their own names.

    Raises
    ------
    DataError
        A named column is missing, no column names the files, or a split is none.
    """
    columns = {role: _column(table, role, named.get(role)) for role in USUAL}
    image = columns.pop("image")
    if image is None:
        listed = ", ".join(map(str, table.columns[:20]))
        remedy = f"Name it with --image; the table has {listed}"
        raise DataError([Finding("error", "no column names the picture files", remedy=remedy)])
    files = [(name, root / name) for name in table[image].astype(str).str.strip()]
    kept = {role: table[column].to_numpy() for role, column in columns.items() if column is not None}
    for name in also:
        kept[name] = table[_column(table, "subgroups", name)].to_numpy()
    if "split" in kept:
        kept["split"] = _splits(table[columns["split"]]).to_numpy()
    rows = [
        {"case": case, "path": str(path.resolve()), "frame": frame, "part": "",
         **{role: values[row] for role, values in kept.items()}}
        for row, (name, path) in enumerate(files)
        for frame, case in frames(path, name)
    ]  # fmt: skip
    return pd.DataFrame(rows).set_index("case")


def _column(table: pd.DataFrame, role: str, named: str | None) -> str | None:
    if named is not None and named not in table.columns:
        remedy = did_you_mean(named, map(str, table.columns))
        raise DataError([Finding("error", f"is missing, but it was named for the {role}", named, (), remedy)])
    if named is not None:
        return named
    by_name = {str(column).strip().lower(): str(column) for column in table.columns}
    return next((by_name[usual] for usual in USUAL.get(role, ()) if usual in by_name), None)


def _splits(values: pd.Series[str]) -> pd.Series[str]:
    read = values.astype(str).str.strip().str.lower()
    strange = read[~read.isin(list(SPLITS))]
    if len(strange):
        rows = tuple(int(row) for row in strange.index[:100])
        said = f"holds {strange.iloc[0]!r}, which is no split"
        raise DataError([Finding("error", said, str(values.name), rows, "A split is train, val or test")])
    return read.map(SPLITS)

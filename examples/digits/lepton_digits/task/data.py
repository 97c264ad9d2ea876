"""Digits, data stage: files become pictures and labels; the official test pictures are the hold-out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.model_selection import StratifiedKFold, StratifiedShuffleSplit

from lepton_digits.task import files
from lepton_digits.task.config import DigitsConfig
from lepton_platform import DataError, Dataset, Finding, Purpose, Run, Source, Split, Step, hookimpl

AT_ONCE = 10_000
"""Pictures of one batch of ``lepton decide``."""


@hookimpl
def lepton_read(source: Source, config: DigitsConfig) -> pd.DataFrame | None:
    """Read IDX files, NumPy archives and scikit-learn's digits."""
    return files.read(source, config.labels) if files.knows(source) else None


@hookimpl
def lepton_stream(source: Source) -> Iterable[pd.DataFrame] | None:
    """Read the same in batches of pictures."""
    return files.batches(source, AT_ONCE) if files.knows(source) else None


@hookimpl
def lepton_load(source: Source, purpose: Purpose, run: Run) -> Dataset:
    """Check the pictures: one size, a digit for each, every digit often enough."""
    table = run.hooks.read(source)
    pixels = files.pixels_of(table)
    if pixels.columns.empty or (pixels.empty and purpose != "decide"):
        raise _refused(source, "holds no pictures", "Give IDX files, a .npz file, or a folder of them")
    if purpose in ("test", "truth") and "part" in table:
        kept = table["part"] == "test"
        table, pixels = table[kept], pixels[kept]
    pixels.index.name = "case"
    if purpose == "train":
        run.learned["size"] = files.size(pixels)
        _note(table, run)
    elif (found := files.size(pixels)) != (known := tuple(run.learned["size"])):
        said = f"holds pictures of {found[0]} x {found[1]} pixels, the model learned {known[0]} x {known[1]}"
        raise _refused(source, said, "Bring them to that size")
    if purpose == "decide":
        return Dataset(pixels)
    digits = _digits(table, source).set_axis(pixels.index) if purpose != "test" else None
    return Dataset(pixels, digits, extra=table[["part"]].set_axis(pixels.index) if "part" in table else None)


def _refused(source: Source, message: str, remedy: str) -> DataError:
    return DataError([Finding("error", message, remedy=remedy)], str(source))


def _digits(table: pd.DataFrame, source: Source) -> pd.Series[int]:
    if "digit" not in table:
        remedy = "Put the labels beside the pictures under their official name, or name them with --labels"
        raise _refused(source, "says of no picture what digit it shows", remedy)
    strange = np.flatnonzero(~table["digit"].between(0, 9))
    if len(strange):
        shown = ", ".join(str(label) for label in table["digit"].iloc[strange].unique()[:3])
        rows = tuple(int(row) for row in strange[:100])
        finding = Finding("error", f"holds labels that are no digits: {shown}", "digit", rows)
        raise DataError([finding], str(source))
    return table["digit"]


def _note(table: pd.DataFrame, run: Run) -> None:
    """Say how many pictures there are and which digits are missing."""
    high, wide = run.learned["size"]
    run.note(Finding("note", f"{len(table):,} pictures of {high} x {wide} pixels were read"))
    if "digit" in table and (absent := sorted({*range(10)} - {*table["digit"]})):
        named = ", ".join(map(str, absent))
        run.note(Finding("warning", f"no picture shows {named}: the model can never read these"))


@hookimpl
def lepton_split(dataset: Dataset, run: Run, config: DigitsConfig) -> Split:
    """The official test pictures, else a share of each digit; folds with the same share of each."""
    assert dataset.target is not None
    y, everything = dataset.target.to_numpy(), np.arange(len(dataset.cases))
    train, test, rule = everything, everything[:0], "by the file given with --test"
    if dataset.extra is not None:
        official = dataset.extra["part"].to_numpy() == "test"
        train, test = everything[~official], everything[official]
        rule = "as the files say: their test pictures are held out"
    elif run.options.test is None:
        _often_enough(y, 2)
        splitter = StratifiedShuffleSplit(1, test_size=config.test_share, random_state=run.seed)
        train, test = (np.sort(part) for part in next(splitter.split(y, y)))
        rule = "at random, with the same share of each digit in both parts"
    if run.options.test is not None:
        test = everything[:0]
    _often_enough(y[train], config.folds)
    folds = StratifiedKFold(config.folds, shuffle=True, random_state=run.seed).split(y[train], y[train])
    return Split(train, test, list(folds), rule)


def _often_enough(y: NDArray[np.int64], least: int) -> None:
    counts = pd.Series(y).value_counts().sort_index()
    findings = [
        Finding("error", f"only {count} of the pictures to learn from show a {digit}")
        for digit, count in counts.items()
        if count < least
    ]
    if len(counts) < 2:
        findings.append(Finding("error", "all pictures show the same digit: there is nothing to tell apart"))
    if findings:
        raise DataError([*findings, Finding("error", f"at least {least} of each digit are needed")])


class GreyLevels(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Brings grey levels from 0 to 255 to fractions from 0 to 1; learns nothing."""

    def fit(self, X: pd.DataFrame, y: object = None) -> Self:
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X: pd.DataFrame) -> NDArray[np.float32]:
        return np.asarray(X, dtype=np.float32) / np.float32(255)


@hookimpl
def lepton_steps() -> Mapping[str, Step]:
    """Grey levels as fractions, for every candidate."""
    return {"grey levels": Step(GreyLevels(), order=10)}

"""What the data stage takes and hands on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Level = Literal["error", "warning", "note"]

Purpose = Literal["train", "test", "truth", "decide", "history"]
"""Why rows are loaded: to learn from; to predict, with the labels unread; to read those labels
once the predictions exist; to decide on; or, of series, to forecast from."""


@dataclass(frozen=True)
class Source:
    """Where rows come from: a path or URI, or rows in memory."""

    uri: str | None = None
    rows: pd.DataFrame | None = None

    def __str__(self) -> str:
        return without_password(self.uri) if self.uri is not None else "rows in memory"

    @property
    def path(self) -> Path | None:
        """The file or folder that the source is, or ``None`` for a URI or rows in memory."""
        return Path(self.uri) if self.uri is not None and "://" not in self.uri else None


def without_password(uri: str) -> str:
    """Return a URI as it may be shown and stored.

    >>> without_password("postgresql://me:secret@host/loans?table=loans")
    'postgresql://me:***@host/loans?table=loans'
    """
    return re.sub(r"(://[^:/@]*:)[^@/]*@", r"\1***@", uri)


@dataclass(frozen=True)
class Finding:
    """Something about the data that the user must know.

    An ``error`` stops the run, a ``warning`` may change a conclusion, a ``note`` says what was
    read, left out or filled.

    Examples
    --------
    >>> print(Finding("error", "holds text", column="age", rows=(3, 8), remedy="Correct them"))
    column 'age' holds text (rows 3, 8). Correct them.
    """

    level: Level
    message: str
    column: str | None = None
    rows: tuple[int, ...] = ()
    """0-based numbers of the data rows (the header not counted); the first few if many."""
    remedy: str = ""

    def __str__(self) -> str:
        subject = f"column {self.column!r} " if self.column is not None else ""
        shown = ", ".join(str(row) for row in self.rows[:5])
        more = ", ..." if len(self.rows) > 5 else ""
        label = "row" if len(self.rows) == 1 else "rows"
        where = f" ({label} {shown}{more})" if self.rows else ""
        remedy = f". {self.remedy}" if self.remedy else ""
        remedy += "." if remedy and remedy[-1] not in ".?!" else ""
        return f"{subject}{self.message}{where}{remedy}"


@dataclass(frozen=True)
class Dataset:
    """Rows ready for the model stage: one per case, indexed by the case's id."""

    cases: pd.DataFrame
    """What may be learned from; never the target."""
    target: pd.Series[Any] | None = None
    groups: pd.Series[Any] | None = None
    """Rows of one group (a patient, a customer) never straddle a split."""
    time: pd.Series[Any] | None = None
    """When each case happened; a dated data set is split in time order."""
    extra: pd.DataFrame | None = None
    """Columns that decisions and sections use and models must not see, on the same index."""
    findings: tuple[Finding, ...] = ()
    content: pd.Series[Any] | None = None
    """Digests of what the cases hold, where ``cases`` say only where that lies (pictures): they stand
    for the cases in the hash of the data."""
    test: Source | None = None
    """Test cases that came with the data, for instance in the same folder: as if ``--test`` named them."""

    def take(self, positions: NDArray[np.intp]) -> Dataset:
        """Return the cases at ``positions``, in that order."""
        cases = self.cases.iloc[positions]

        def taken(part: Any) -> Any:
            if part is None:
                return None
            some = part.iloc[positions]
            if part.index.is_(self.cases.index):
                some.index = cases.index  # one copy of it: it may be as large as the rest
            return some

        return Dataset(
            cases,
            taken(self.target),
            taken(self.groups),
            taken(self.time),
            taken(self.extra),
            content=taken(self.content),
        )


@dataclass(frozen=True)
class Split:
    """Positions of the cases for training, for its folds, and for the final hold-out."""

    train: NDArray[np.intp]
    test: NDArray[np.intp]
    """Empty where the test cases come from a file of their own."""
    folds: Sequence[tuple[NDArray[np.intp], NDArray[np.intp]]]
    """Pairs of (fit, score), positions within ``train``."""
    rule: str
    """In words, for the report: how the cases were split and why."""
    repeats: int = 1
    """How often the folds go through all training cases."""


@dataclass(frozen=True)
class Step:
    """A scikit-learn transformer that every candidate's pipeline begins with, fitted per fold."""

    transformer: Any
    order: int = 50
    origin: str = ""
    """The layer it came from; stamped by the host."""
    extends: bool = False
    """Whether an extension brought it; stamped by the host."""

"""Digits, report stage: which digits are taken for which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from lepton_digits.task.metrics import confusion
from lepton_platform import Run, Section, hookimpl


@hookimpl
def lepton_summary(run: Run) -> Mapping[str, Any]:
    """How many were read right, and the commonest mistake."""
    right = int((run.predictions["predicted"].to_numpy() == run.truth.to_numpy()).sum())
    said = f"Of {len(run.truth):,} digits that the model had not seen, {right:,} were read right."
    mistakes = confusion(run.truth.to_numpy(), run.predictions["predicted"].to_numpy())
    np.fill_diagonal(mistakes, 0)
    shown, read = np.unravel_index(mistakes.argmax(), mistakes.shape)
    if mistakes.any():
        said += f" The commonest mistake is to read a {shown} as a {read} ({mistakes.max():,} times)."
    return {"in_words": said, "cases": len(run.decisions), "read_right": right}


@hookimpl
def lepton_sections(run: Run) -> Sequence[Section]:
    """The table of confusions."""
    counts = confusion(run.truth.to_numpy(), run.predictions["predicted"].to_numpy())
    digits = [str(digit) for digit in range(10)]
    table = pd.DataFrame(counts, index=pd.Index(digits, name="shown"), columns=digits)
    shown, right = counts.sum(axis=1), counts.diagonal()
    table["right %"] = np.divide(right, shown, out=np.full(10, np.nan), where=shown > 0)
    said = "How many held-out pictures of each digit (row) were read as which (column)."
    return [Section("Which digits are taken for which?", [said, table], order=30)]

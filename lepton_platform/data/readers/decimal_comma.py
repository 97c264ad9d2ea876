"""Numbers as much of Europe writes them: 12,5 and 1.234,56."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import zip_longest
from typing import Any

import pandas as pd

from lepton_platform.data.dataset import Finding

NUMBER = re.compile(r"[+-]?(?:\d{1,3}(?:\.\d{3})+|\d+)(?:,\d+)?")
CERTAIN = re.compile(r"[+-]?(?:\d{1,3}(?:\.\d{3})+,\d+|0,\d+|\d+,(?!\d{3}$)\d+)")
"""Not 1,234, which may be a number with a thousands separator."""
WITH_POINT = re.compile(r"[+-]?\d+(?:\.\d+)?")
MISSING = {"", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None"}


def uses_decimal_comma(records: Iterable[list[str]]) -> bool:
    """Whether some column below the header holds numbers only, and certainly with a decimal comma.

    Examples
    --------
    >>> uses_decimal_comma([["item", "price"], ["a,b", "12,5"], ["c", "1.234,56"]])
    True
    >>> uses_decimal_comma([["visitors"], ["1,234"]])
    False
    """
    _, *rows = records
    return any(_is_certain(column) for column in zip_longest(*rows, fillvalue=""))


def _is_certain(column: Iterable[str]) -> bool:
    cells = {cell.strip() for cell in column} - MISSING
    return any(map(CERTAIN.fullmatch, cells)) and all(map(NUMBER.fullmatch, cells))


def numbers_with_commas(frame: pd.DataFrame) -> list[Finding]:
    """Turn the text columns of ``frame`` that hold 1.234,56 into numbers, in place.

    pandas, told of the decimal comma, reads 12,5. Telling it of the thousands separator as well
    would make the date 01.02.2024 a number; so this is done here, column by column, where every
    cell allows it and one certainly has a decimal comma. Numbers with a point alone are left as text, with a
    warning: 1.234 may be either.
    """
    findings = []
    for name, column in list(frame.items()):
        if pd.api.types.is_numeric_dtype(column.dtype):
            continue
        known = column.dropna()
        if _all_match(NUMBER, known) and any(map(CERTAIN.fullmatch, known.str.strip())):
            plain = known.str.strip().str.replace(".", "", regex=False).str.replace(",", ".", regex=False)
            frame[name] = pd.to_numeric(plain).reindex(frame.index)
        elif _all_match(WITH_POINT, known):
            message = "holds numbers with a point in a file with decimal commas, and was read as text"
            remedy = "Write one decimal mark in the whole file"
            findings.append(Finding("warning", message, column=str(name), remedy=remedy))
    return findings


def _all_match(pattern: re.Pattern[str], column: pd.Series[Any]) -> bool:
    """Whether there are cells and every one matches; most columns fail on the first one."""
    cells = (str(cell).strip() for cell in column)  # a column of True and gaps is not text
    return len(column) > 0 and all(map(pattern.fullmatch, cells))

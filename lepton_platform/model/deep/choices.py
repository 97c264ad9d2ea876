"""Parameters that name one of several things."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from lepton_platform.errors import did_you_mean

Choice = TypeVar("Choice")


def chosen(parameter: str, name: str, choices: Mapping[str, Choice]) -> Choice:
    """Return what is called ``name``.

    Examples
    --------
    >>> chosen("optimiser", "adma", {"adam": 1, "sgd": 2})
    Traceback (most recent call last):
        ...
    ValueError: optimiser='adma' is not known. Did you mean 'adam'?
    """
    if name not in choices:
        raise ValueError(f"{parameter}={name!r} is not known. {did_you_mean(str(name), choices)}")
    return choices[name]

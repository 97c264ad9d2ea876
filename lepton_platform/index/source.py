"""Where the source of a plugin is, found without importing it."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable


def roots(module: str) -> list[str]:
    """Return the folders, or the file, of the package that a module belongs to."""
    try:
        spec = importlib.util.find_spec(module.partition(".")[0])
    except (ImportError, ValueError):
        return []
    if spec is None:
        return []
    return list(spec.submodule_search_locations or filter(None, [spec.origin]))


def place(module: str, frames: Iterable[tuple[str, int]]) -> str:
    """Return file and line of the first frame in the module's package; without one, where that is."""
    own = tuple(roots(module))
    inside = (f"{file}:{line}" for file, line in frames if own and file.startswith(own))
    return next(inside, own[0] if own else module)

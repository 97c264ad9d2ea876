"""Where in the source of a plugin something is."""

from __future__ import annotations

import importlib.util
import traceback
from collections.abc import Iterable


def roots(module: str) -> list[str]:
    """Return the folders, or the file, of the package that a module belongs to; nothing is imported."""
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


def place_in(error: BaseException, module: str) -> str:
    """Return file and line of the innermost code of the module's package that an error went through."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}"
    package = module.partition(".")[0]
    for frame, line in reversed(list(traceback.walk_tb(error.__traceback__))):
        if str(frame.f_globals.get("__name__")).partition(".")[0] == package:
            return f"{frame.f_code.co_filename}:{line}"
    return module

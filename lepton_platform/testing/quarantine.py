"""A run in a place of its own, so that whatever it leaves elsewhere is found."""

from __future__ import annotations

import contextlib
import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def quarantined(folder: Path, module: str) -> Iterator[list[str]]:
    """Work in an empty folder with an empty home; the list is filled with what is left there.

    Files that are new or changed in the plugin's own package are left there too. Caches are not:
    ``~/.cache`` stays where it is, and byte code is Python's own.
    """
    home, here = folder / "home", folder / "here"
    left: list[str] = []
    for made in (home, here):
        made.mkdir(parents=True)
    elsewhere = {f"XDG_{kind}_HOME": str(home / kind) for kind in ("CONFIG", "DATA", "STATE")}
    cache = os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache"))
    before, environment = _files(*_places(module)), dict(os.environ)
    os.environ |= {"HOME": str(home), "XDG_CACHE_HOME": cache, **elsewhere}
    try:
        with contextlib.chdir(here):
            yield left
    finally:
        os.environ.clear()
        os.environ |= environment
    after = _files(*_places(module))
    left += sorted(path for path, state in after.items() if before.get(path) != state)
    left += sorted(path.replace(str(home), "~").replace(str(here), ".") for path in _files(folder))


def _places(module: str) -> list[Path]:
    """Return the files and folders of the package that ``module`` is in."""
    spec = importlib.util.find_spec(module.partition(".")[0])
    if spec is None:
        return []
    return [Path(place) for place in spec.submodule_search_locations or [str(spec.origin)]]


def _files(*places: Path) -> dict[str, tuple[int, int]]:
    """Return the files in some places, each with its size and its time of change."""
    found = {}
    for place in places:
        for path in [place] if place.is_file() else place.rglob("*"):
            if path.is_file() and path.suffix != ".pyc":
                state = path.stat()
                found[str(path)] = (state.st_size, state.st_mtime_ns)
    return found

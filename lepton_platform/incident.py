"""Hooks that raised in a run, kept in its folder so that ``lepton doctor`` can name them later."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

FILE = "raised.jsonl"


class Incident(NamedTuple):
    """A hook of a plugin that raised."""

    name: str
    """Of the application, extension or task."""
    plugin: str
    """Its distribution."""
    hook: str
    cause: str
    place: str


def keep(folder: Path, incident: Incident) -> None:
    """Add an incident to a run's folder."""
    with (folder / FILE).open("a", encoding="utf-8") as lines:
        lines.write(json.dumps(incident._asdict()) + "\n")


def kept(folder: Path) -> list[Incident]:
    """Return the incidents of a run, the first first."""
    if not (folder / FILE).exists():
        return []
    lines = (folder / FILE).read_text(encoding="utf-8").splitlines()
    return [Incident(**json.loads(line)) for line in lines]

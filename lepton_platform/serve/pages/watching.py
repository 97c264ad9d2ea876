"""Watch: alerts of watched streams, and whether the cases that come in still look like those of training."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from fastapi import APIRouter, Request
from starlette.responses import Response

from lepton_platform.model.stability import CHANGE, SHIFT
from lepton_platform.serve.drift import FEWEST
from lepton_platform.serve.pages.page import show
from lepton_platform.serve.service import Service
from lepton_platform.store import RunFolder

FOLDER = "watches"
"""Below the folder of all runs: where ``lepton watch --state`` has to keep a state that is to be shown."""
MOST_FIELDS = 15
"""Fields that are shown, those that moved most."""
MOST_ALERTS = 50
"""Alerts of one stream that are shown, the newest."""
MOST_BYTES = 100_000
"""Of the end of a journal that are read."""


class Watched(NamedTuple):
    """A stream that is or was watched."""

    name: str
    application: str
    run: str
    rows: int
    is_running: bool
    alerts: list[dict[str, Any]]
    """The newest first: ``time``, ``severity``, ``kind``, ``subject``, ``message``."""


def router(service: Service) -> APIRouter:
    """Return the page."""
    pages = APIRouter()

    @pages.get("/watch")
    def watch(request: Request) -> Response:
        known = {entry.name for entry in service.applications()}
        watches = [one for one in watched(service.settings.root) if one.application in known]
        served = sorted(service.loaded().items())
        seen = [(name, one.run.id, one.drift, one.drift.shifts()[:MOST_FIELDS]) for name, one in served]
        return show(
            request,
            "watch",
            watches=watches,
            folder=FOLDER,
            seen=seen,
            change=CHANGE,
            shift=SHIFT,
            fewest=FEWEST,
        )

    return pages


def watched(root: Path) -> Iterator[Watched]:
    """Yield the streams whose state is kept below ``root``, by name."""
    for path in sorted((root / FOLDER).glob("*/state.json")):
        state = json.loads(path.read_text(encoding="utf-8"))
        yield Watched(
            path.parent.name,
            state["application"],
            state["run"],
            state["rows"],
            RunFolder(path.parent).is_busy(),  # a state is locked by its process as a run is
            _alerts(path.parent / "alerts.jsonl"),
        )


def _alerts(journal: Path) -> list[dict[str, Any]]:
    """Return the last lines of a journal, newest first; one that is being written is left out."""
    if not journal.exists():
        return []
    with journal.open("rb") as lines:
        size = lines.seek(0, 2)
        lines.seek(max(0, size - MOST_BYTES))
        whole = lines.read().rpartition(b"\n")[0].splitlines()
    last = whole[1:] if size > MOST_BYTES else whole  # the first was cut
    return [json.loads(line) for line in reversed(last[-MOST_ALERTS:])]

"""Watch: whether the cases that come in still look like those that were learned from."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from lepton_platform.serve.drift import CHANGE, FEWEST, SHIFT
from lepton_platform.serve.pages.page import show
from lepton_platform.serve.service import Service

MOST_FIELDS = 15
"""Fields that are shown, those that moved most."""


def router(service: Service) -> APIRouter:
    """Return the page."""
    pages = APIRouter()

    @pages.get("/watch")
    def watch(request: Request) -> Response:
        served = sorted(service.loaded().items())
        seen = [(name, one.run.id, one.drift, one.drift.shifts()[:MOST_FIELDS]) for name, one in served]
        return show(request, "watch", seen=seen, change=CHANGE, shift=SHIFT, fewest=FEWEST)

    return pages

"""Doctor: what is installed, what is broken, and how to repair it."""

from __future__ import annotations

import threading

from fastapi import APIRouter, Request
from starlette.responses import Response

from lepton_platform.cli import COMMANDS
from lepton_platform.examination import examine
from lepton_platform.serve.pages.page import show
from lepton_platform.serve.service import Service


def router(service: Service) -> APIRouter:
    """Return the page."""
    pages = APIRouter()
    alone = threading.Lock()  # an examination starts a process per plugin

    @pages.get("/doctor")
    def doctor(request: Request, examined: bool = False) -> Response:
        if not examined:
            return show(request, "doctor", examined=None)
        with alone:
            return show(request, "doctor", examined=examine(COMMANDS, service.settings.root))

    return pages

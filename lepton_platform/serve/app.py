"""Puts the server together."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from lepton_platform.errors import LeptonError
from lepton_platform.serve import api, pages
from lepton_platform.serve.gate import Gate, Receive, Scope, Send
from lepton_platform.serve.jobs import Jobs
from lepton_platform.serve.metrics import Metrics
from lepton_platform.serve.problem import INVALID, Place, Problem, problem_of
from lepton_platform.serve.service import Service
from lepton_platform.serve.settings import Settings

DECIDE = re.compile(r"/v1/([^/]+)/decide")


def create(settings: Settings) -> Gate:
    """Return the server as an ASGI application."""
    service = Service(settings)
    metrics = Metrics(service)
    decisions = api.Decisions(service, metrics)
    jobs = Jobs(settings.root)

    @asynccontextmanager
    async def alive(_: FastAPI) -> AsyncIterator[None]:
        yield
        decisions.close()
        jobs.close()
        service.close()

    app = FastAPI(
        title="Lepton Platform",
        version=version("lepton-platform"),
        description="Decisions of the applications that are installed.",
        lifespan=alive,
        docs_url=None,  # they load scripts from elsewhere
        redoc_url=None,
    )
    app.include_router(api.router(service, metrics))
    app.include_router(pages.router(service, jobs))
    app.mount("/static", StaticFiles(directory=pages.STATIC))
    app.openapi = lambda: api.describe(app, service)  # type: ignore[method-assign]
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(Problem, _told)
    app.add_exception_handler(LeptonError, _told)

    async def everything(scope: Scope, receive: Receive, send: Send) -> None:
        asked = scope["type"] == "http" and DECIDE.fullmatch(scope["path"])
        if not asked:
            await app(scope, receive, send)
        elif scope["method"] == "POST":
            await decisions(asked[1], scope, receive, send)
        else:
            raise Problem(405, "refused", "decisions are asked for with POST", headers={"allow": "POST"})

    return Gate(everything, settings, pages.answer)


def _told(request: Request, error: Any) -> Response:
    return pages.answer(request, error if isinstance(error, Problem) else problem_of(error))


def _invalid(request: Request, error: Any) -> Response:
    places = [Place(None, ".".join(map(str, one["loc"][1:])), one["msg"]) for one in error.errors()]
    told = "; ".join(f"{place.field}: {place.text}" for place in places)
    return pages.answer(request, Problem(INVALID, "invalid_request", told, places))


def _refused(request: Request, error: Any) -> Response:
    told = f"{request.method} {request.url.path}: {error.detail}"
    return pages.answer(request, Problem(error.status_code, "refused", told, headers=error.headers))

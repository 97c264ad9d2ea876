"""What there is: all applications on one page, and a page for each."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from lepton_platform import history, index
from lepton_platform.errors import LeptonError
from lepton_platform.serve.pages import example
from lepton_platform.serve.pages.page import Form, Id, go, show
from lepton_platform.serve.problem import Problem
from lepton_platform.serve.promotion import Promotions
from lepton_platform.serve.service import Service

MOST_RUNS = 10
"""Runs that an application's page shows."""


def router(service: Service) -> APIRouter:
    """Return the pages."""
    pages = APIRouter()

    @pages.get("/")
    def catalogue(request: Request) -> Response:
        applications = [_told(service, entry) for entry in service.applications()]
        return show(request, "catalogue", applications=applications, broken=index.read().broken())

    @pages.get("/apps/{application}")
    def application(request: Request, application: Id) -> Response:
        entry = service.application(application)
        folders = service.runs(application)[::-1]
        told = _told(service, entry)
        base, token = str(request.base_url).rstrip("/"), service.settings.token is not None
        examples, fault = [], ""
        try:
            if told["serving"] is not None:
                examples = example.examples(service.served(application), base, token)
        except (LeptonError, Problem) as error:  # the page is where one can roll back or start another
            fault = str(error).replace(f"{service.settings.root}/", "")
        promotions = Promotions(service.settings.root, application).history()
        return show(
            request,
            "application",
            application=told,
            rows=[history.row(folder) for folder in folders[:MOST_RUNS]],
            more=len(folders) > MOST_RUNS,
            examples=examples,
            fault=fault,
            needs_token=token,
            promotions=promotions,
        )

    @pages.post("/apps/{application}/promote")
    def promote(application: Id, form: Form) -> Response:
        service.promote(application, str(form.get("run", "")))
        return go(f"/apps/{application}")

    @pages.post("/apps/{application}/rollback")
    def roll_back(application: Id) -> Response:
        service.roll_back(application)
        return go(f"/apps/{application}")

    return pages


def _told(service: Service, entry: index.Entry) -> dict[str, Any]:
    folders = service.runs(entry.name)
    extending = [one for one in index.read().extensions(entry) if one.fault is None and one.target != "*"]
    return {
        "id": entry.name,
        "summary": entry.summary,
        "plugin": str(entry),
        "extensions": list(dict.fromkeys(str(one) for one in extending)),
        "serving": serving(service, entry.name),
        "last": {"id": folders[-1].id, "status": history.status(folders[-1])} if folders else None,
    }


def serving(service: Service, application: str) -> str | None:
    """Return the run that answers for an application, without loading it."""
    if application in (loaded := service.loaded()):
        return loaded[application].run.id
    if (promoted := Promotions(service.settings.root, application).current) is not None:
        return promoted
    done = [one.id for one in service.runs(application) if history.status(one) == "done"]
    return max(done, default=None)

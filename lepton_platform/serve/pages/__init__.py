"""The web page: what people see of every application, made from what it declares.

Each module holds the pages of one concept; ``page`` shows a template with values. Plain forms and links
do everything; the script (htmx, beside the style sheet under ``static``) only saves reloading.
"""

from __future__ import annotations

from fastapi import APIRouter

from lepton_platform.serve.jobs import Jobs
from lepton_platform.serve.pages import catalogue, deciding, doctor, login, runs, starting, watching
from lepton_platform.serve.pages.page import STATIC, answer
from lepton_platform.serve.service import Service

__all__ = ["STATIC", "answer", "router"]


def router(service: Service, jobs: Jobs) -> APIRouter:
    """Return all pages."""
    pages = APIRouter(include_in_schema=False)
    pages.include_router(catalogue.router(service))
    pages.include_router(starting.router(service, jobs))
    pages.include_router(runs.router(service, jobs))
    pages.include_router(deciding.router(service))
    pages.include_router(watching.router(service))
    pages.include_router(doctor.router(service))
    pages.include_router(login.router(service.settings))
    return pages

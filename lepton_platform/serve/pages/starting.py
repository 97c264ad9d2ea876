"""Start a run: a form made from the application's options."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from starlette.datastructures import UploadFile
from starlette.responses import Response

from lepton_platform import plugins
from lepton_platform.data.readers import COMPRESSIONS, FORMATS
from lepton_platform.serve.jobs import Jobs
from lepton_platform.serve.pages.field import FormField, Group, chosen, option_groups
from lepton_platform.serve.pages.page import Form, Id, go, show
from lepton_platform.serve.pages.uploads import FOLDER, Uploads
from lepton_platform.serve.problem import INVALID, Problem
from lepton_platform.serve.service import Service

EVERY_RUN = Group(
    "Models, time and seed",
    [
        FormField("run.models", "models", "text", help="candidates to try, with commas between; empty: all"),
        FormField("run.budget", "budget", "text", help="time after which it must be over: 60s, 5m or 1h"),
        FormField(
            "run.seed",
            "seed",
            "number",
            "0",
            "of all random numbers: the same gives the same run",
            low=0,
            high=2**31 - 1,
            whole=True,
        ),
    ],
)
"""The host's own options; no option of an application has a name like these."""


def router(service: Service, jobs: Jobs) -> APIRouter:
    """Return the pages."""
    pages = APIRouter()
    uploads = Uploads(service.settings.root)

    @pages.get("/apps/{application}/start")
    def form(request: Request, application: Id) -> Response:
        return ask(request, application)

    @pages.post("/apps/{application}/start")
    def start(request: Request, application: Id, form: Form) -> Response:
        groups, upload = _groups(service, application), ""
        try:
            upload = _uploaded(uploads, form)
            options, where = chosen(groups, form), str(form.get("run.path", "")).strip()
            if not service.settings.is_local:
                _refuse_paths(options, where)
            source = str(uploads.path(upload)) if upload else where
            run = jobs.start(application, _arguments(source, chosen([EVERY_RUN], form), options))
        except Problem as problem:
            told = str(problem).replace(f"{FOLDER}/{upload}", "the file") if upload else str(problem)
            return ask(request, application, form, upload, Problem(problem.status, problem.code, told))
        return go(f"/runs/{run}")

    def ask(
        request: Request,
        application: str,
        sent: Mapping[str, Any] | None = None,
        upload: str = "",
        problem: Problem | None = None,
    ) -> Response:
        groups = [*_groups(service, application), EVERY_RUN]
        filled = [Group(title, [one.filled(sent) for one in fields]) for title, fields in groups]
        return show(
            request,
            "start",
            200 if problem is None else problem.status,
            application=service.application(application),
            groups=filled,
            changed=[
                [one.value for one in group.fields] != [one.value for one in now.fields]
                for group, now in zip(groups, filled, strict=True)
            ],
            has_sample=plugins.participants(application).application.sample is not None,
            suffixes=",".join([*FORMATS, *COMPRESSIONS]),
            upload=upload,
            local=service.settings.is_local,
            where=str((sent or {}).get("run.path", "")),
            problem=problem,
        )

    return pages


def _groups(service: Service, application: str) -> list[Group]:
    service.application(application)
    return option_groups(plugins.participants(application))


def _uploaded(uploads: Uploads, form: Mapping[str, Any]) -> str:
    """Return the name of the file that was sent, now or with an earlier attempt."""
    sent = form.get("run.file")
    if isinstance(sent, UploadFile) and sent.filename:
        return uploads.keep(sent)
    earlier = str(form.get("run.upload", ""))
    return uploads.path(earlier).name if earlier else ""


def _refuse_paths(options: Mapping[str, str], where: str) -> None:
    """Refuse what names a file of the server, or makes it fetch one, where others can reach it."""
    values = [part.strip() for value in options.values() for part in value.split(",")]
    named = [value for value in values if "://" in value or os.path.exists(value)]
    if where or named:
        told = (
            f"others can reach this server, so it takes no paths: {(where or named[0])[:80]!r}; send the file"
        )
        raise Problem(INVALID, "no_paths", told)


def _arguments(source: str, of_run: Mapping[str, str], options: Mapping[str, str]) -> list[str]:
    """Return what a run is started with; each value is one argument with its option, whatever is in it."""
    return [
        *([f"--data={source}"] if source else []),
        *(f"--{name.removeprefix('run.')}={value}" for name, value in of_run.items()),
        *(f"--set={name}={value}" for name, value in options.items()),
    ]

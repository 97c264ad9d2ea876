"""The HTTP API: decisions, and what stands behind them."""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from collections.abc import MutableMapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec
import pandas as pd
from fastapi import APIRouter, FastAPI, Request
from fastapi import Path as InPath
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, Response

from lepton_platform.errors import LeptonError
from lepton_platform.serve import openapi
from lepton_platform.serve.batching import Batcher
from lepton_platform.serve.gate import Receive, Send, within
from lepton_platform.serve.metrics import Metrics
from lepton_platform.serve.problem import INVALID, TOO_LARGE, WRONG_TYPE, Problem, problem_of
from lepton_platform.serve.service import Served, Service, case_reader, records

SUFFIXES = {
    "text/csv": ".csv",
    "application/vnd.apache.parquet": ".parquet",
    "application/x-ndjson": ".jsonl",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
}
"""Content type of a file of cases → how such a file is named."""

Id = Annotated[str, InPath(max_length=200, description="id of an application, as finance.credit-risk")]


class Promotion(BaseModel):
    """A run that is to be served."""

    model_config = ConfigDict(extra="forbid", strict=True)
    run: str = Field(max_length=200, description="id of a finished run of the application")


class Decisions:
    """``POST /v1/<application>/decide`` as an ASGI application of its own.

    It is asked thousands of times a second: FastAPI's own way to an endpoint costs as much as a decision.
    """

    def __init__(self, service: Service, metrics: Metrics) -> None:
        self._service = service
        self._metrics = metrics
        self._batchers: dict[str, Batcher] = {}
        self._json = msgspec.json.Decoder()

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Decide what the body holds."""
        request = Request(scope, receive)
        application = request.path_params["application"]
        begun, status = time.perf_counter(), 500
        try:
            served = self._service.loaded().get(application)
            if served is None:
                served = await asyncio.to_thread(self._service.served, application)
            answer = await self._answer(application, served, request)
            status = answer.status_code
            await answer(scope, receive, send)
        except Problem as problem:
            status = problem.status
            raise
        except LeptonError as error:
            status = problem_of(error).status
            raise
        finally:
            if self._is_known(application):  # a label per name that a client makes up would fill the memory
                self._metrics.requests.labels(application, str(status)).inc()
                self._metrics.seconds.labels(application).observe(time.perf_counter() - begun)

    def _is_known(self, application: str) -> bool:
        return application in self._service.loaded()

    async def _answer(self, application: str, served: Served, request: Request) -> Response:
        kind = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
        body = await request.body()
        if kind == "application/json":
            cases = self._cases(body, served)
            decided = await self._decide(application, served, cases, request)
        elif kind in SUFFIXES:
            decided = await self._decide_file(served, body, SUFFIXES[kind])
        else:
            known = ", ".join(["application/json", *SUFFIXES])
            raise Problem(
                WRONG_TYPE, "unknown_content_type", f"content type {kind[:80]!r}; send one of {known}"
            )
        self._metrics.cases.labels(application).inc(len(decided["decisions"]))
        return Response(msgspec.json.encode(decided), media_type="application/json")

    def _cases(self, body: bytes, served: Served) -> list[Any]:
        case_reader(served)
        try:
            read = self._json.decode(body)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            raise Problem(400, "no_json", f"the body is no JSON: {error}") from None
        cases = read if isinstance(read, list) else [read]
        if not cases:
            raise Problem(INVALID, "no_cases", "the array is empty; send at least one case")
        if len(cases) > self._service.settings.most_rows:
            told = f"{len(cases):,} cases; one request may have {self._service.settings.most_rows:,}"
            raise Problem(TOO_LARGE, "too_many_cases", told)
        return cases

    async def _decide(
        self, application: str, served: Served, cases: Sequence[Any], request: Request
    ) -> dict[str, Any]:
        cases = served.reader.read(cases)
        remarks = served.reader.remarks(cases)
        if (decisions := served.at_once(cases)) is None:
            batcher = self._batchers.setdefault(application, Batcher())
            decisions = await within(self._service.settings.seconds, batcher.decide(served, cases))
        served.drift.add(cases, decisions)
        served.audit.add(request.scope["lepton_request"], served.run.id, decisions, cases)
        return {"run": served.run.id, "decisions": decisions, "remarks": [one._asdict() for one in remarks]}

    async def _decide_file(self, served: Served, body: bytes, suffix: str) -> dict[str, Any]:
        frame = await within(
            self._service.settings.seconds,
            asyncio.to_thread(file_decisions, served, body, suffix, self._service.settings.most_rows),
        )
        return {"run": served.run.id, "decisions": records(frame), "remarks": []}

    def close(self) -> None:
        """End the threads."""
        for batcher in self._batchers.values():
            batcher.close()


def file_decisions(served: Served, body: bytes, suffix: str, most: int) -> pd.DataFrame:
    """Return the decisions on the cases of an uploaded file."""
    with tempfile.TemporaryDirectory(prefix="lepton-upload-") as folder:
        path = Path(folder) / f"upload{suffix}"
        path.write_bytes(body)
        try:
            return pd.concat(list(served.decide_file(path, most)))
        except LeptonError as error:
            raise _without_folder(problem_of(error), folder) from None


def _without_folder(problem: Problem, folder: str) -> Problem:
    """Take the server's own paths out of what a client is told."""
    return Problem(problem.status, problem.code, str(problem).replace(f"{folder}/", ""), problem.places)


def router(service: Service, metrics: Metrics) -> APIRouter:
    """Return the endpoints."""
    api = APIRouter(responses=openapi.refusals())  # type: ignore[arg-type]

    @api.get("/health", tags=["server"], summary="Whether the server lives")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @api.get("/ready", tags=["server"], summary="Whether every application with a finished run can answer")
    def ready() -> JSONResponse:
        waiting = [
            entry.name
            for entry in service.applications()
            if service.runs(entry.name) and entry.name not in service.loaded()
        ]
        return JSONResponse({"ready": not waiting, "not loaded": waiting}, 503 if waiting else 200)

    @api.get("/metrics", tags=["server"], summary="Metrics in Prometheus' text format")
    def prometheus() -> Response:
        return Response(metrics.text(), media_type="text/plain; version=0.0.4")

    @api.get("/v1", tags=["server"], summary="The applications and the runs that answer for them")
    def applications() -> list[dict[str, Any]]:
        loaded = service.loaded()
        return [
            {
                "id": entry.name,
                "summary": entry.summary,
                "plugin": str(entry),
                "run": loaded[entry.name].run.id if entry.name in loaded else None,
            }
            for entry in service.applications()
        ]

    @api.get("/v1/{application}/schema", tags=["applications"], summary="What a case holds")
    def schema(application: Id) -> dict[str, Any]:
        served = service.served(application)
        return {
            "run": served.run.id,
            "case": openapi.case_schema(served) if served.takes_cases else None,
            "decision": dict(served.run.application.decisions),
            "options": type(served.run.config).model_json_schema(),
        }

    @api.get("/v1/{application}/card", tags=["applications"], summary="Model card of the run that answers")
    def card(application: Id) -> dict[str, Any]:
        return model_card(service.served(application))

    @api.get("/v1/{application}/drift", tags=["applications"], summary="Shift of the cases since training")
    def drift(application: Id) -> dict[str, Any]:
        seen = service.served(application).drift
        shifts = [shift._asdict() for shift in seen.shifts()]
        return {"cases": seen.cases, "decisions": dict(seen.decisions), "shifts": shifts}

    @api.get("/v1/{application}/runs", tags=["applications"], summary="The runs of an application")
    def runs(application: Id) -> list[dict[str, Any]]:
        service.application(application)
        told = ("id", "status", "started", "finished", "seed")
        folders = service.runs(application)
        return [{key: record.get(key) for key in told} for record in (one.read_record() for one in folders)]

    @api.post("/v1/{application}/promote", tags=["applications"], summary="Serve another run from now on")
    def promote(application: Id, wanted: Promotion) -> dict[str, str]:
        return {"run": service.promote(application, wanted.run)}

    @api.post("/v1/{application}/rollback", tags=["applications"], summary="Serve the run before")
    def roll_back(application: Id) -> dict[str, str]:
        return {"run": service.roll_back(application)}

    return api


def model_card(served: Served) -> dict[str, Any]:
    """Return what a user of the model should know of it, from the run's own files."""
    folder, record = served.run.folder, served.run.record
    kept = ("id", "application", "started", "finished", "seed", "data", "config", "versions", "extensions")
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    return {
        **{key: record.get(key) for key in kept},
        "metrics": metrics,
        "purpose": served.run.application.summary,
    }


def describe(app: FastAPI, service: Service) -> dict[str, Any]:
    """Return the OpenAPI document, with a path per application for its decisions."""
    document = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes
    )
    for entry in service.applications():
        served = service.loaded().get(entry.name)
        described = openapi.decide_path(entry.name, entry.summary, served)
        document["paths"][f"/v1/{entry.name}/decide"] = described
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas |= {"Problem": openapi.PROBLEM, "Place": openapi.PLACE}
    return document

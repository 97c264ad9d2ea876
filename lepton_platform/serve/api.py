"""The HTTP API: decisions, and what stands behind them."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec
import pandas as pd
from fastapi import APIRouter, FastAPI
from fastapi import Path as InPath
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, PlainTextResponse, Response

from lepton_platform.errors import LeptonError
from lepton_platform.serve import openapi
from lepton_platform.serve.batching import Batcher
from lepton_platform.serve.gate import Receive, Scope, Send, within
from lepton_platform.serve.metrics import Metrics
from lepton_platform.serve.problem import INVALID, TOO_LARGE, WRONG_TYPE, Place, Problem, problem_of
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
    """``POST /v1/<application>/decide``, straight on ASGI.

    It is asked thousands of times a second: FastAPI's own way to an endpoint costs as much as a decision.
    """

    def __init__(self, service: Service, metrics: Metrics) -> None:
        self._service = service
        self._metrics = metrics
        self._batchers: dict[str, Batcher] = {}
        self._json = msgspec.json.Decoder()

    async def __call__(self, application: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Decide what the body holds."""
        begun, status, cases = time.perf_counter(), 500, 0
        try:
            served = self._service.ready(application)
            if served is None:
                served = await asyncio.to_thread(self._service.served, application)
            decided = await self._decided(application, served, scope, receive)
            status, cases = 200, len(decided["decisions"])
            await _send_json(send, decided)
        except LeptonError as error:
            raise problem_of(error) from error
        finally:
            if self._service.ready(application) is not None:  # a label for any name would fill the memory
                failed = sys.exception()
                status = failed.status if isinstance(failed, Problem) else status
                self._metrics.count(application, status, time.perf_counter() - begun, cases)

    async def _decided(
        self, application: str, served: Served, scope: Scope, receive: Receive
    ) -> dict[str, Any]:
        kind = next(
            (value.decode("latin-1") for name, value in scope["headers"] if name == b"content-type"), ""
        )
        kind = kind.partition(";")[0].strip().lower()
        body = await _body(receive)
        cases: list[dict[str, Any]] | None = None
        remarks: Sequence[Place] = ()
        if kind in ("application/json", ""):
            cases, remarks = case_reader(served).read(self._cases(body))
            decisions = await self._decide(application, served, cases)
            served.drift.add(cases, decisions)
        elif kind in SUFFIXES:
            decisions = await self._decide_file(served, body, SUFFIXES[kind])
        else:
            known = ", ".join(["application/json", *SUFFIXES])
            told = f"content type {kind[:80]!r}; send one of {known}"
            raise Problem(WRONG_TYPE, "unknown_content_type", told)
        served.audit.add(scope["lepton_request"], served.run.id, decisions, cases)
        return {"run": served.run.id, "decisions": decisions, "remarks": [one._asdict() for one in remarks]}

    def _cases(self, body: bytes) -> list[Any]:
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
        self, application: str, served: Served, cases: Sequence[Mapping[str, Any]]
    ) -> list[dict[str, Any]]:
        if (decisions := served.at_once(cases)) is None:
            batcher = self._batchers.setdefault(application, Batcher())
            decisions = await within(self._service.settings.seconds, batcher.decide(served, cases))
        return decisions

    async def _decide_file(self, served: Served, body: bytes, suffix: str) -> list[dict[str, Any]]:
        work = asyncio.to_thread(file_decisions, served, body, suffix, self._service.settings.most_rows)
        return records(await within(self._service.settings.seconds, work))

    def close(self) -> None:
        """End the threads."""
        for batcher in self._batchers.values():
            batcher.close()


async def _body(receive: Receive) -> bytes:
    """Return the whole body; the gate has set its limits."""
    parts = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


async def _send_json(send: Send, content: Any) -> None:
    body = msgspec.json.encode(content)
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


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

    @api.get(
        "/metrics",
        tags=["server"],
        summary="Metrics in Prometheus' text format",
        response_class=PlainTextResponse,
    )
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
    known = [entry.name for entry in service.applications()]
    for path in document["paths"].values():
        for operation in path.values():
            for parameter in operation.get("parameters", ()):
                parameter["schema"] = {"type": "string", "enum": known}
    for entry in service.applications():
        served = service.loaded().get(entry.name)
        described = openapi.decide_path(entry.name, entry.summary, served)
        document["paths"][f"/v1/{entry.name}/decide"] = described
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas |= {"Problem": openapi.PROBLEM, "Place": openapi.PLACE}
    return document

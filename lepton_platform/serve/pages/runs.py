"""The runs: all of them, one of them, and two side by side."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import FileResponse, Response

from lepton_platform import history, store
from lepton_platform.serve.jobs import Jobs
from lepton_platform.serve.pages.catalogue import serving
from lepton_platform.serve.pages.page import Id, go, show
from lepton_platform.serve.problem import NOT_FOUND, Problem
from lepton_platform.serve.service import Service

MOST_ROWS = 200
"""Runs that the list shows."""
LAST_LINES = 12
"""Lines of the log that are shown while a run is under way."""
STAGES = ("data", "model", "report")
REPORT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; sandbox"
)
FILES = {
    "report.json": "application/json",
    "decisions.parquet": "application/vnd.apache.parquet",
    "predictions.parquet": "application/vnd.apache.parquet",
    "leaderboard.csv": "text/csv",
    "log.txt": "text/plain",
}
"""What can be downloaded of a run, and its content type."""


def router(service: Service, jobs: Jobs) -> APIRouter:
    """Return the pages."""
    pages = APIRouter()

    @pages.get("/runs")
    def runs(request: Request, q: str = "") -> Response:
        folders = [folder for entry in service.applications() for folder in service.runs(entry.name)]
        rows = [_row(folder) for folder in sorted(folders, key=lambda one: one.id, reverse=True)]
        found = [row for row in rows if all(word in row["text"] for word in q.lower().split())]
        return show(request, "runs", rows=found[:MOST_ROWS], total=len(found), q=q)

    @pages.get("/runs/{run}")
    def run(request: Request, run: Id) -> Response:
        if not (folder := _find(service, run)):
            return _gone(request, run, jobs)
        record = folder.read_record()
        application = record["application"]
        others = [one.id for one in reversed(service.runs(application)) if history.metrics(one)]
        return show(
            request,
            "run",
            record=record,
            status=history.status(folder),
            stages=[(stage, record["stages"].get(stage)) for stage in STAGES],
            current=next((stage for stage in STAGES if stage not in record["stages"]), None),
            source=_source(record),
            error=record.get("error", "").replace(f"{service.settings.root}/", ""),
            lines=_last_lines(folder.path / "log.txt"),
            is_here=jobs.is_here(run),
            metrics=history.metrics(folder),
            leaderboard=_table(folder.path / "leaderboard.csv"),
            has_report=(folder.path / "report.html").exists(),
            files=[name for name in FILES if (folder.path / name).exists()],
            others=[one for one in others if one != run],
            serving=serving(service, application),
        )

    @pages.post("/runs/{run}/cancel")
    def cancel(run: Id) -> Response:
        jobs.cancel(run)
        return go(f"/runs/{run}")

    @pages.post("/runs/{run}/resume")
    def resume(run: Id) -> Response:
        jobs.resume(_found(service, run).id)
        return go(f"/runs/{run}")

    @pages.get("/runs/{run}/report")
    def report(run: Id) -> Response:
        path = _file(_found(service, run), "report.html")
        return FileResponse(path, headers={"content-security-policy": REPORT_POLICY})

    @pages.get("/runs/{run}/files/{name}")
    def file(run: Id, name: Id) -> Response:
        folder = _found(service, run)
        if name not in FILES:
            raise Problem(NOT_FOUND, "unknown_file", f"there are: {', '.join(FILES)}")
        path = _file(folder, name)
        return FileResponse(path, media_type=FILES[name], filename=f"{folder.id}-{name}")

    @pages.get("/compare")
    def compare(request: Request, a: str, b: str) -> Response:
        folders = [_found(service, one) for one in (a, b)]
        compared = history.compare(*folders)
        records = [folder.read_record() for folder in folders]
        return show(request, "compare", compared=compared, records=records)

    return pages


def _find(service: Service, run: str) -> store.RunFolder | None:
    """Return a run by its id; never by a path."""
    for entry in service.applications():
        for folder in service.runs(entry.name):
            if folder.id == run:
                return folder
    return None


def _found(service: Service, run: str) -> store.RunFolder:
    if (folder := _find(service, run)) is None:
        raise Problem(NOT_FOUND, "unknown_run", f"there is no run {run[:80]!r} here")
    return folder


def _gone(request: Request, run: str, jobs: Jobs) -> Response:
    """Tell why a run that was started here left no folder; otherwise, that there is none."""
    if "hx-request" in request.headers:  # the page that followed it: it has to be loaded anew
        return Response(headers={"hx-refresh": "true"})
    told = jobs.fault(run) or f"there is no run {run[:80]!r} here"
    return show(request, "problem", NOT_FOUND, problem=Problem(NOT_FOUND, "unknown_run", told))


def _file(folder: store.RunFolder, name: str) -> Path:
    if not (path := folder.path / name).exists():
        raise Problem(NOT_FOUND, "no_file", f"run {folder.id} has no {name}")
    return path


def _row(folder: store.RunFolder) -> dict[str, Any]:
    record = folder.read_record()
    row = {**history.row(folder), "source": _source(record)}
    told = [row["id"], row["application"], row["status"], row["source"], *map(str, record["config"].values())]
    return {**row, "text": " ".join(told).lower()}


def _source(record: dict[str, Any]) -> str:
    """Return what a run learned from, without the server's folders."""
    said = record["options"]["data"]
    if said is None:
        return "the application's sample"
    return str(said) if "://" in said else Path(said).name


def _last_lines(path: Path) -> list[str]:
    if not path.exists():
        return []
    return path.read_text(encoding="utf-8", errors="replace").splitlines()[-LAST_LINES:]


def _table(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a CSV file, numbers as numbers."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as lines:
        return [{name: _value(text) for name, text in row.items()} for row in csv.DictReader(lines)]


def _value(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text

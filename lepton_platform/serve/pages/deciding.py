"""Decide: one case by a form, with its reasons and with what would change it; many by a file."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd
from fastapi import APIRouter, Request
from starlette.datastructures import UploadFile
from starlette.responses import Response

from lepton_platform.report.verdict import label
from lepton_platform.serve.api import file_decisions
from lepton_platform.serve.gate import within
from lepton_platform.serve.pages.field import FormField, column_field, number_text
from lepton_platform.serve.pages.page import Form, Id, show
from lepton_platform.serve.pages.uploads import suffix
from lepton_platform.serve.problem import INVALID, Place, Problem
from lepton_platform.serve.service import Served, Service, records

PREFIX = "case."
"""Before the name of each column in a form, so that none is taken for another field."""
FORMATS = {"csv": "text/csv", "parquet": "application/vnd.apache.parquet"}
"""How decisions on many cases can be downloaded."""


class Fact(NamedTuple):
    """One column of a decision."""

    label: str
    value: Any
    meaning: str


class Told(NamedTuple):
    """A decision in words."""

    decision: str
    """Empty, where the application only predicts."""
    probability: float | None
    low: float | None
    high: float | None
    cut_off: float | None
    reasons: list[str]
    meaning: str
    """What a reason is, as the application says it."""
    facts: list[Fact]
    """The other columns."""


class Change(NamedTuple):
    """A field of a case that was changed."""

    label: str
    before: Any
    after: Any


class Answer(NamedTuple):
    """What stands beside the form."""

    now: Told | None = None
    before: Told | None = None
    """The decision on the case before it was changed, if it was."""
    changes: Sequence[Change] = ()
    remarks: Sequence[Place] = ()
    case: Mapping[str, Any] | None = None
    """The case that was decided last, with which changes are compared."""
    problem: Problem | None = None


def router(service: Service) -> APIRouter:
    """Return the pages."""
    pages = APIRouter()

    @pages.get("/apps/{application}/decide")
    def form(request: Request, application: Id) -> Response:
        return _page(request, service.served(application), None, Answer())

    @pages.post("/apps/{application}/decide")
    def decide(request: Request, application: Id, form: Form) -> Response:
        served = service.served(application)
        case = _case(served, form)
        try:
            read, remarks = served.reader.read([case])
        except Problem as problem:
            return _page(request, served, form, Answer(problem=problem), problem.status)
        decisions = served.decide(read)
        served.drift.add(read, decisions)
        served.audit.add(request.scope["lepton_request"], served.run.id, decisions, [case])
        now = _told(served, case, decisions[0])
        return _page(request, served, form, Answer(now, remarks=remarks, case=case))

    @pages.post("/apps/{application}/what-if")
    def what_if(request: Request, application: Id, form: Form) -> Response:
        """Decide a case that nobody has: it is neither logged nor counted."""
        served = service.served(application)
        case, before = _case(served, form), _before(served, form)
        try:
            now, remarks = _supposed(served, case)
        except Problem as problem:  # half typed: the page goes on asking, so that this is no failure
            return _page(request, served, form, Answer(case=before, problem=problem))
        answer = Answer(now, remarks=remarks, case=before)
        if before is not None and before != case:
            changed = [name for name in case if case[name] != before[name]]
            changes = [Change(label(name), before[name], case[name]) for name in changed]
            answer = answer._replace(before=_supposed(served, before)[0], changes=changes)
        return _page(request, served, form, answer)

    @pages.post("/apps/{application}/decide-file")
    async def decide_file(request: Request, application: Id, form: Form) -> Response:
        served = await asyncio.to_thread(service.served, application)
        sent, kind = form.get("file"), str(form.get("format", ""))
        if not isinstance(sent, UploadFile) or not sent.filename or kind not in FORMATS:
            raise Problem(INVALID, "no_file", "choose a file of cases, and CSV or Parquet for the answer")
        body = await sent.read()
        most, seconds = service.settings.most_rows, service.settings.seconds
        work = asyncio.to_thread(file_decisions, served, body, suffix(sent.filename), most)
        decisions = await within(seconds, work)
        served.audit.add(request.scope["lepton_request"], served.run.id, records(decisions), None)
        content = await asyncio.to_thread(_written, decisions, kind)
        name = f"decisions-{served.run.id}.{kind}"
        headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
        return Response(content, media_type=FORMATS[kind], headers=headers)

    return pages


def _page(
    request: Request, served: Served, sent: Mapping[str, Any] | None, answer: Answer, code: int = 200
) -> Response:
    """Show the form as it was sent, and the answer, if there is one."""
    fields = [column_field(column) for column in served.run.schema.columns]
    if (identifier := served.reader.identifier) is not None:
        fields.insert(0, FormField(identifier, label(identifier), "text", "new", "names the case"))
    named = [field._replace(name=PREFIX + field.name) for field in fields]
    return show(
        request,
        "decide",
        code,
        application=served.run.application_id,
        run=served.run.id,
        fields=[field.filled(sent) for field in named],
        takes_cases=served.takes_cases,
        meanings=served.run.application.decisions,
        answer=answer,
        case="" if answer.case is None else json.dumps(answer.case),
    )


def _supposed(served: Served, case: Mapping[str, Any]) -> tuple[Told, list[Place]]:
    """Return the decision on a case, and remarks on it."""
    read, remarks = served.reader.read([case])
    return _told(served, case, served.decide(read)[0]), remarks


def _case(served: Served, form: Mapping[str, Any]) -> dict[str, Any]:
    """Return the case that a form describes; what was left empty is not known."""
    sent = {name: str(form.get(PREFIX + name, "")).strip() or None for name in _names(served)}
    numbers = {column.name for column in served.run.schema.columns if column.kind == "number"}
    return {name: _number(text) if text and name in numbers else text for name, text in sent.items()}


def _names(served: Served) -> list[str]:
    identifier = served.reader.identifier
    return [*([] if identifier is None else [identifier]), *served.run.schema.names]


def _number(text: str) -> float | str:
    """Read a number; what is none stays text, which the check of the case names."""
    try:
        return float(text)
    except ValueError:
        return text


def _before(served: Served, form: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the case that was decided before it was changed; ``None`` if there was none."""
    try:
        case = json.loads(str(form.get("before", "")))
        served.reader.read([case])
    except (ValueError, RecursionError, Problem):
        return None
    return {name: case[name] for name in _names(served)}


def _told(served: Served, case: Mapping[str, Any], decision: Mapping[str, Any]) -> Told:
    meanings = served.run.application.decisions
    reasons = [value for name, value in decision.items() if name.startswith("reason_") and value]
    apart = {"case", "decision", "probability", "low", "high", "cut_off"}
    facts = [
        Fact(label(name), value, meanings.get(name, ""))
        for name, value in decision.items()
        if name not in apart and not name.startswith("reason_")
    ]
    numbers = {name: decision.get(name) for name in ("probability", "low", "high", "cut_off")}
    return Told(
        decision=str(decision.get("decision") or ""),
        reasons=[_reason(name, case) for name in reasons],
        meaning=meanings.get("reason_1", ""),
        facts=facts,
        **numbers,
    )


def _reason(name: str, case: Mapping[str, Any]) -> str:
    """Put a reason, which names a column, into words.

    >>> _reason("debt_ratio", {"debt_ratio": 0.95}), _reason("home", {"home": None})
    ('debt ratio is 0.95', 'home is not known')
    """
    value = case.get(name)
    shown = number_text(value) if isinstance(value, float) else "not known" if value is None else str(value)
    return f"{label(name)} is {shown}"


def _written(decisions: pd.DataFrame, kind: str) -> bytes:
    if kind == "csv":
        return decisions.to_csv(index=False).encode()
    content = io.BytesIO()
    decisions.to_parquet(content, index=False)
    return content.getvalue()

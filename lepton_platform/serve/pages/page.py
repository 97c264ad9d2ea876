"""Pages: a template with values, or the problem that stands in the way of one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import jinja2
from fastapi import Depends, Request
from fastapi import Path as InPath
from starlette.datastructures import FormData
from starlette.responses import HTMLResponse, RedirectResponse, Response

from lepton_platform.report.verdict import label, number
from lepton_platform.serve.gate import COOKIE
from lepton_platform.serve.pages.field import number_text
from lepton_platform.serve.problem import Problem

HERE = Path(__file__).parent
STATIC = HERE / "static"

Id = Annotated[str, InPath(max_length=200)]


async def _form(request: Request) -> AsyncIterator[FormData]:
    async with request.form(max_files=1, max_fields=10_000) as form:
        yield form


Form = Annotated[FormData, Depends(_form)]
"""What a form sent; a file in it is on disk, unless it is small."""


def show(request: Request, template: str, code: int = 200, **values: Any) -> Response:
    """Return a page; nobody keeps a copy, for it may show people's data."""
    page = _TEMPLATES.get_template(f"{template}.html.jinja")
    known = COOKIE in request.cookies
    text = page.render(path=request.url.path, known=known, **values)
    return HTMLResponse(text, code, {"cache-control": "no-store"})


def go(url: str) -> Response:
    """Send the browser on after a form, so that reloading does not send it again."""
    return RedirectResponse(url, 303)


def answer(request: Request, problem: Problem) -> Response:
    """Tell of a problem: a person by a page, a program by JSON."""
    if "text/html" not in request.headers.get("accept", "") or request.url.path.startswith("/v1"):
        return problem.response()
    return show(request, "problem", problem.status, problem=problem)


def _when(iso: str | None) -> str:
    """Write a time for people.

    >>> _when("2026-11-24T18:30:05+00:00")
    '2026-11-24 18:30 UTC'
    """
    return f"{datetime.fromisoformat(iso):%Y-%m-%d %H:%M} UTC" if iso else "–"


def _number(value: float | None) -> str:
    """Write what was measured; of a small number, two digits.

    >>> _number(0.78412), _number(0.00062), _number(0.0), _number(None)
    ('0.784', '0.00062', '0.000', 'unknown')
    """
    if value is None:
        return "unknown"
    return f"{value:.2g}" if 0 < abs(value) < 0.01 else number(value)


def _cell(value: Any) -> str:
    """Write the value of a table's cell.

    >>> _cell(0.123456), _cell(None), _cell("approve"), _cell(3), _cell(True)
    ('0.123', '–', 'approve', '3', 'yes')
    """
    if value is None or value != value or value == "":
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return _number(value) if isinstance(value, float) else str(value)


def _given(value: Any) -> str:
    """Write a value as somebody gave it: of a number, every digit.

    >>> _given(5.0), _given(0.95), _given(["a", "b"]), _given([])
    ('5', '0.95', 'a, b', '–')
    """
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "–"
    return number_text(value) if isinstance(value, float) else _cell(value)


_TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(HERE / "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.filters |= {"when": _when, "number": _number, "cell": _cell, "given": _given, "label": label}

"""The description of the API: what a case of each application holds, and what is answered."""

from __future__ import annotations

from typing import Any

from lepton_platform.data.schema import Column
from lepton_platform.serve.service import Served

MOST_LEVELS = 20
"""Categories that a description names."""

PROBLEM: dict[str, Any] = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "places"],
            "properties": {
                "code": {"type": "string", "description": "stable name of the kind of fault"},
                "message": {"type": "string", "description": "what is wrong and what to do, for a person"},
                "places": {"type": "array", "items": {"$ref": "#/components/schemas/Place"}},
            },
        }
    },
}
PLACE: dict[str, Any] = {
    "type": "object",
    "required": ["row", "field", "text"],
    "properties": {
        "row": {"type": ["integer", "null"], "description": "row of the request, from 0"},
        "field": {"type": ["string", "null"]},
        "text": {"type": "string"},
    },
}
REFUSALS = {
    "400": "the request cannot be read",
    "401": "no token, or a wrong one",
    "403": "sent by another site's page",
    "404": "there is no such application or run",
    "408": "the body came too slowly",
    "409": "not possible now",
    "413": "the body is too large",
    "415": "no such content type for this application",
    "422": "the cases are at fault; every fault is named",
    "503": "too many requests are waiting",
    "504": "no decision in time",
}


def refusals() -> dict[str, Any]:
    """Return how the API answers what it cannot carry out, by status."""
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": text, "content": content} for status, text in REFUSALS.items()}


def case_schema(served: Served) -> dict[str, Any]:
    """Return the JSON schema of one case of an application."""
    columns = served.run.schema.columns
    properties = {column.name: _property(column) for column in columns}
    if (identifier := served.reader.identifier) is not None:
        properties[identifier] = {
            "type": ["string", "integer"],
            "description": "names the case",
            "examples": ["1"],
        }
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
        "examples": [{name: one["examples"][0] for name, one in properties.items()}],
    }


def _property(column: Column) -> dict[str, Any]:
    example = [_example(column)]
    if column.kind == "number":
        seen = "" if column.low is None else f"training saw {column.low:g} to {column.high:g}"
        codes = f"; {', '.join(f'{code:g}' for code in column.special)} are codes" if column.special else ""
        return {"type": ["number", "null"], "description": seen + codes, "examples": example}
    if column.kind == "date":
        return {"type": ["string", "null"], "format": "date", "examples": ["2026-01-31"]}
    levels = ", ".join(column.levels[:MOST_LEVELS])
    more = f" and {len(column.levels) - MOST_LEVELS} more" if len(column.levels) > MOST_LEVELS else ""
    types = ["string", "number", "boolean", "null"]
    return {"type": types, "description": f"training saw {levels}{more}", "examples": example}


def _example(column: Column) -> Any:
    return "2026-01-31" if column.kind == "date" else column.typical


def decide_path(application: str, summary: str, served: Served | None) -> dict[str, Any]:
    """Return the description of ``POST /v1/<application>/decide``."""
    content: dict[str, Any] = {
        "text/csv": {"schema": {"type": "string"}},
        "application/vnd.apache.parquet": {"schema": {"type": "string", "format": "binary"}},
    }
    if served is not None and served.takes_cases:
        case = case_schema(served)
        many = {"type": "array", "items": case, "minItems": 1}
        content = {"application/json": {"schema": {"oneOf": [case, many]}}, **content}
    answer = {
        "type": "object",
        "required": ["run", "decisions", "remarks"],
        "properties": {
            "run": {"type": "string", "description": "the run whose model decided"},
            "decisions": {"type": "array", "items": {"type": "object", "properties": _columns(served)}},
            "remarks": {"type": "array", "items": {"$ref": "#/components/schemas/Place"}},
        },
    }
    return {
        "post": {
            "summary": summary,
            "description": "Decide one case (an object), many (an array), or a file (CSV, Parquet).",
            "operationId": f"decide {application}",
            "tags": [application],
            "requestBody": {"required": True, "content": content},
            "responses": {
                "200": {
                    "description": "a decision per case",
                    "content": {"application/json": {"schema": answer}},
                },
                **refusals(),
            },
        }
    }


def _columns(served: Served | None) -> dict[str, Any]:
    if served is None:
        return {}
    said = served.run.application.decisions
    return {"case": {"description": "row of the request, or the id"}} | {
        name: {"description": text} for name, text in said.items()
    }

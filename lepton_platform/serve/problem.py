"""What a client is told when a request cannot be carried out: a status, a code, a sentence, the places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from starlette.responses import JSONResponse

from lepton_platform.errors import DataError, LeptonError, RunError, UnknownNameError, UsageError

NOT_FOUND, CONFLICT, TOO_LARGE, WRONG_TYPE, INVALID, BUSY, LATE = 404, 409, 413, 415, 422, 503, 504


class Place(NamedTuple):
    """One fault or remark about a case: its row in the request, from 0, the field, and what about it."""

    row: int | None
    field: str | None
    text: str


class Problem(Exception):  # noqa: N818 - the name of RFC 9457
    """A request that cannot be carried out, as its client is told.

    ``headers`` are those that the status asks for: ``Allow`` of 405, ``WWW-Authenticate`` of 401 (RFC 9110).
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        places: Sequence[Place] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.places = tuple(places)
        self.headers = headers

    def content(self) -> dict[str, Any]:
        """Return the body of the answer."""
        places = [place._asdict() for place in self.places]
        return {"error": {"code": self.code, "message": str(self), "places": places}}

    def response(self) -> JSONResponse:
        """Return the answer."""
        return JSONResponse(self.content(), self.status, self.headers)


def problem_of(error: LeptonError) -> Problem:
    """Return an error of the host's as a client is told of it."""
    if isinstance(error, UnknownNameError):
        return Problem(NOT_FOUND, "unknown_name", str(error))
    if isinstance(error, DataError):
        places = [
            Place(row, finding.column, finding.message)
            for finding in error.findings
            for row in finding.rows or (None,)
        ]
        return Problem(INVALID, "invalid_cases", str(error), places)
    if isinstance(error, UsageError):
        return Problem(INVALID, "invalid_request", str(error))
    if isinstance(error, RunError):
        return Problem(CONFLICT, "not_possible", str(error))
    return Problem(CONFLICT, "plugin_fault", str(error))

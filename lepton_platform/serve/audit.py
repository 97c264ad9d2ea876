"""The log of what was decided: who is accountable can say later which run answered what, and when."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

FILE = "audit.jsonl"


class Audit:
    """Appends one line per request; each is written at once, so that two servers may share the file.

    Parameters
    ----------
    folder : path
        Of the application's runs.
    with_cases : bool
        Whether the cases are logged beside the decisions. They are people's data: only on request.
    """

    def __init__(self, folder: Path, with_cases: bool = False) -> None:
        self._with_cases = with_cases
        self._file = os.open(folder / FILE, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._lock = threading.Lock()

    def add(
        self, request: str, run: str, decisions: Sequence[Mapping[str, Any]], cases: Sequence[Any] | None
    ) -> None:
        """Log one answer; ``cases`` are left out unless they were asked for."""
        entry: dict[str, Any] = {
            "at": datetime.now(UTC),
            "request": request,
            "run": run,
            "decisions": decisions,
        }
        if self._with_cases:
            entry["cases"] = cases
        line = msgspec.json.encode(entry, enc_hook=str) + b"\n"
        with self._lock:
            os.write(self._file, line)

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

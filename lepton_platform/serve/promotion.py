"""Which run of an application is served: a file beside its runs, replaced whole."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import filelock

from lepton_platform import store
from lepton_platform.errors import RunError

FILE = "promoted.json"
MOST = 50
"""Earlier promotions that are kept."""


class Promotions:
    """The runs of one application that were promoted, newest last.

    Without a promotion the newest finished run is served, as ``lepton decide`` does.

    Examples
    --------
    >>> import tempfile
    >>> promotions = Promotions(Path(tempfile.mkdtemp()), "telecom.churn")
    >>> promotions.promote("first"), promotions.promote("second")
    (None, None)
    >>> promotions.current, promotions.roll_back(), promotions.current
    ('second', 'first', 'first')
    """

    def __init__(self, root: Path, application: str) -> None:
        self._application = application
        self._path = root / application / FILE

    def history(self) -> list[dict[str, Any]]:
        """Return ``{"run", "at"}`` of each promotion, oldest first."""
        try:
            return json.loads(self._path.read_text(encoding="utf-8"))["promotions"]  # type: ignore[no-any-return]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, KeyError) as error:
            raise RunError(
                f"{self._path} cannot be read: {error}. Remove it to serve the newest run."
            ) from None

    @property
    def current(self) -> str | None:
        """The id of the run that was promoted last."""
        history = self.history()
        return history[-1]["run"] if history else None

    def promote(self, run: str) -> None:
        """Let ``run`` be served from now on; one that is served already is not promoted again."""
        with self._alone():
            if self.current != run:
                at = datetime.now(UTC).isoformat(timespec="seconds")
                self._write([*self.history(), {"run": run, "at": at}])

    def previous(self) -> str:
        """Return the id of the run that was promoted before the current one.

        Raises
        ------
        RunError
            No earlier promotion is on record.
        """
        history = self.history()
        if len(history) < 2:
            raise RunError(f"{self._application} has no earlier promotion to roll back to")
        return str(history[-2]["run"])

    def roll_back(self) -> str:
        """Take the last promotion back; return the run that is promoted now, as ``previous`` does before."""
        with self._alone():
            run = self.previous()
            self._write(self.history()[:-1])
            return run

    def _write(self, history: list[dict[str, Any]]) -> None:
        store.write_json(self._path, {"promotions": history[-MOST:]})

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other servers on the same runs from writing meanwhile."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(self._path.with_suffix(".lock"), timeout=10):
            yield

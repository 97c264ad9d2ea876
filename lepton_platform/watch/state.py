"""The state folder of a watched stream: how far it came, the model by now, and the journal of alerts.

``state.json`` names all the rest and is replaced at once, after what it names is on disk. So a process that
is killed at any moment leaves the state of the last batch that was finished, and at worst some alerts
in the journal beyond it; these are recognised by their ids when their batch is repeated.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import filelock

from lepton_platform import store
from lepton_platform.alert import Alert
from lepton_platform.errors import RunError
from lepton_platform.model import persistence
from lepton_platform.run import Run
from lepton_platform.watch.feed import Place

STATE = "state.json"


class Journal:
    """Alerts, a line of JSON each, each once: what has the id of an earlier one is not written again."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("a+b")
        self._file.seek(0)
        written = self._file.read()
        whole = written[: written.rfind(b"\n") + 1]
        if len(whole) < len(written):  # a line that was cut off by a power failure
            self._file.truncate(len(whole))
        self._known = {json.loads(line)["id"] for line in whole.splitlines()}

    def new(self, alerts: Iterable[Alert]) -> Iterator[Alert]:
        """Append alerts and yield those that were not there, once they are on disk."""
        fresh = {alert.id: alert for alert in alerts if alert.id not in self._known}
        if not fresh:
            return
        lines = (json.dumps(alert.to_json(), default=str) + "\n" for alert in fresh.values())
        self._file.write("".join(lines).encode())
        self._file.flush()
        os.fsync(self._file.fileno())
        self._known.update(fresh)
        yield from fresh.values()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class WatchState:
    """What is known of a stream, and its folder, which one process at a time works in."""

    def __init__(self, folder: Path, run: Run, uri: str) -> None:
        self.folder = folder
        self._run = run
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = filelock.FileLock(folder / ".lock", blocking=False)
            self._lock.acquire()
        except filelock.Timeout:
            raise RunError(f"another process watches with the state in {folder}") from None
        except OSError as error:
            raise RunError(f"cannot keep a state in {folder}: {error.strerror}") from error
        record = self._read()
        self._check(record, uri)
        self._source = uri
        self._generation = int(record.get("generation", 0))
        self.place = Place(**record.get("place", {}))
        self.rows = int(record.get("rows", 0))
        self.drift: dict[str, Any] | None = record.get("drift")
        self._model_name: str | None = record.get("model")
        self.model: Any = self._load(record)
        self._manifest = record.get("manifest")
        self.journal = Journal(folder / "alerts.jsonl")

    def _read(self) -> dict[str, Any]:
        path = self.folder / STATE
        if not path.exists():
            return {}
        try:
            return json.loads(path.read_text(encoding="utf-8"))  # type: ignore[no-any-return]
        except (OSError, ValueError) as error:
            raise RunError(f"{path} cannot be read: {error}. Begin anew with another --state.") from error

    def _check(self, record: dict[str, Any], uri: str) -> None:
        """Refuse to go on with what was another run's or another stream's."""
        for what, is_now in (("run", self._run.id), ("source", uri)):
            if record and record[what] != is_now:
                raise RunError(
                    f"the state in {self.folder} is of {what} {record[what]}, not of {is_now}. "
                    "Begin anew with another --state, or name what it is of."
                )

    def _load(self, record: dict[str, Any]) -> Any:
        if self._model_name is None:
            return None
        layers = self._run.participants.layers
        return persistence.load(self.folder / self._model_name, record["manifest"], layers)["model"]

    def move_on(self, place: Place, rows: int, model: Any, drift: dict[str, Any] | None) -> None:
        """Store that a batch is finished; ``model`` is ``None`` where it is the one that is stored."""
        self.place, self.rows, self.drift = place, rows, drift
        before = self._model_name
        if model is not None:
            self._generation += 1
            self._model_name = f"model-{self._generation}"
            persistence.save(self.folder / self._model_name, {"model": model})
            self._manifest = persistence.manifest_digest(self.folder / self._model_name)
        store.write_json(
            self.folder / STATE,
            {
                "application": self._run.application_id,
                "run": self._run.id,
                "source": self._source,
                "place": asdict(place),
                "rows": rows,
                "generation": self._generation,
                "model": self._model_name,
                "manifest": self._manifest,
                "drift": drift,
            },
        )
        if before is not None and before != self._model_name:
            shutil.rmtree(self.folder / before, ignore_errors=True)

    def close(self) -> None:
        """Let go of the folder."""
        self.journal.close()
        self._lock.release()

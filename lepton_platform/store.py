"""Run folders: ``runs/<application>/<id>/``, written so that a crash never leaves a torn file."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import filelock

from lepton_platform.errors import RunError, UnknownNameError

RECORD = "run.json"


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside ``path``; what was written there replaces it at the end.

    If writing fails, nothing is left of it and ``path`` is as it was. An ``OSError`` (disk full,
    no permission) becomes a ``RunError`` that names the file.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with replacing(folder / "a.txt") as temporary:
    ...     _ = temporary.write_text("whole")
    >>> [path.name for path in folder.iterdir()]
    ['a.txt']
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        with open(temporary, "rb") as written:
            os.fsync(written.fileno())
        os.replace(temporary, path)
    except OSError as error:
        if error.filename not in (None, str(temporary), temporary):
            raise  # something else that was done inside the block failed
        raise RunError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        with suppress(OSError):  # its folder may be what could not be written
            temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> Path:
    """Write ``text`` to ``path`` at once or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return path


def write_json(path: Path, content: Any) -> Path:
    """Write ``content`` as indented JSON to ``path`` at once or not at all."""
    return write_text(path, json.dumps(content, indent=2, default=str, allow_nan=False) + "\n")


class RunFolder:
    """One run's folder, its record ``run.json``, and the lock of the process that works in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = filelock.FileLock(path / ".lock", blocking=False)

    @classmethod
    def create(cls, root: Path, application: str) -> RunFolder:
        """Make a folder of its own for a new run and lock it."""
        now = datetime.now(UTC)  # to the microsecond: ids of runs stand in the order they were made in
        identifier = f"{now:%Y%m%d-%H%M%S}-{now.microsecond:05x}{secrets.token_hex(1)}"
        path = root / application / identifier
        try:
            path.mkdir(parents=True)
        except OSError as error:
            raise RunError(
                f"cannot make the run folder {path}: {error.strerror}. Choose another place with --out."
            ) from error
        folder = cls(path)
        folder.lock()
        return folder

    @property
    def id(self) -> str:
        return self.path.name

    def lock(self) -> None:
        """Claim the folder for this process; the system frees it when the process ends, however."""
        try:
            self._lock.acquire()
            for unfinished in list(self.path.rglob(".*.tmp")):  # of a process that was killed
                shutil.rmtree(unfinished) if unfinished.is_dir() else unfinished.unlink()
        except filelock.Timeout:
            raise RunError(f"run {self.id} is being worked on by another process ({self.path})") from None
        except OSError as error:
            raise RunError(f"cannot write in the run folder {self.path}: {error.strerror}") from error

    def release(self) -> None:
        """Let go of the folder."""
        self._lock.release()
        (self.path / ".lock").unlink(missing_ok=True)

    def discard(self) -> None:
        """Remove the folder, and the application's if no other run is in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        with suppress(OSError):
            self.path.parent.rmdir()

    def read_record(self) -> dict[str, Any]:
        """Return what ``run.json`` says."""
        try:
            return json.loads((self.path / RECORD).read_text(encoding="utf-8"))  # type: ignore[no-any-return]
        except (OSError, ValueError) as error:
            raise RunError(f"{self.path} holds no readable {RECORD}: {error}") from error

    def write_record(self, record: Mapping[str, Any]) -> None:
        """Replace ``run.json``."""
        write_json(self.path / RECORD, record)

    def is_busy(self) -> bool:
        """Whether a live process works in the folder."""
        if not (self.path / ".lock").exists():
            return False
        probe = filelock.FileLock(self.path / ".lock", blocking=False)
        try:
            probe.acquire()
        except filelock.Timeout:
            return True
        probe.release()
        return False


def run_folders(root: Path, application: str | None = None) -> list[RunFolder]:
    """Return the runs below ``root``, oldest first."""
    pattern = f"{application or '*'}/*/{RECORD}"
    return [RunFolder(path.parent) for path in sorted(root.glob(pattern), key=lambda path: path.parent.name)]


def find_run(root: Path, run: str, application: str | None = None) -> RunFolder:
    """Return the run of that id below ``root``, or the one whose folder ``run`` is."""
    if (Path(run) / RECORD).is_file():
        return RunFolder(Path(run).resolve())
    known = {folder.id: folder for folder in run_folders(root, application)}
    if run not in known:
        raise UnknownNameError("run", run, known, owner=str(root))
    return known[run]


def last_good_run(root: Path, application: str) -> RunFolder:
    """Return the newest finished run of ``application``."""
    for folder in reversed(run_folders(root, application)):
        if folder.read_record().get("status") == "done":
            return folder
    raise RunError(
        f"{application} has no finished run in {root.resolve()}. "
        f"Make one: lepton run {application} --data FILE"
    )

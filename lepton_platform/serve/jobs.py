"""Runs that the server carries out, each in a process of its own."""

from __future__ import annotations

import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence, Set
from pathlib import Path
from typing import Any, NamedTuple

from lepton_platform import store
from lepton_platform.errors import RunError
from lepton_platform.serve.problem import BUSY, CONFLICT, INVALID, LATE, Problem

MOST = 2
"""Runs that are carried out at once: each may use every core."""
STARTING = 120.0
"""Seconds within which the process of a run must have made its folder."""
READING = 5.0
"""Seconds for which a start waits to see whether the data can be used."""
ENDING = 20.0
"""Seconds that an interrupted run has to record how far it is."""


class Job(NamedTuple):
    """The process of a run, and the file that takes what it says."""

    process: subprocess.Popen[bytes]
    said: Path

    @property
    def is_alive(self) -> bool:
        return self.process.poll() is None

    def fault(self) -> str:
        """Return why the process ended before its time; nothing if it did not, or was interrupted."""
        if self.is_alive or self.process.returncode in (0, 130, -signal.SIGINT, -signal.SIGKILL):
            return ""
        text = self.said.read_text(encoding="utf-8", errors="replace").strip()
        if "Traceback (most recent call last)" in text:
            print(text, file=sys.stderr)
            return "The run failed by a fault of the program, which the server's log tells in full."
        return re.sub(r"^Error: ", "", text, flags=re.MULTILINE)


class Jobs:
    """The runs that were started here; a server that ends interrupts them, and they can be resumed."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._jobs: dict[str, Job] = {}
        self._folder = Path(tempfile.mkdtemp(prefix="lepton-jobs-"))
        self._starting = threading.Lock()

    def start(self, application: str, arguments: Sequence[str]) -> str:
        """Start a run; return its id once it has read its data, or is still at it after a while.

        Parameters
        ----------
        arguments : sequence of str
            As for ``lepton run APPLICATION``.

        Raises
        ------
        Problem
            Too many are under way; or it ended at once: the request or the data are at fault.
        """
        with self._starting:
            known = {folder.id for folder in store.run_folders(self._root, application)}
            job = self._begin(["run", application, *arguments, "--out", str(self._root)])
            folder = self._folder_of(job, application, known)
            self._jobs[folder.id] = job
        _wait(READING, lambda: not job.is_alive or "data" in _record(folder).get("stages", ()))
        if fault := self._fault(job):
            raise Problem(INVALID, "run_failed", fault)
        return folder.id

    def resume(self, run: str) -> None:
        """Go on with a run that was interrupted.

        Raises
        ------
        Problem
            Too many are under way, or it is.
        """
        with self._starting:
            if self.is_here(run):
                raise Problem(CONFLICT, "under_way", f"run {run} is under way")
            self._jobs[run] = job = self._begin(["run", "--resume", run, "--out", str(self._root)])
        folder = store.find_run(self._root, run)
        _wait(STARTING, lambda: not job.is_alive or _process(folder) == job.process.pid)
        if fault := self._fault(job):
            raise Problem(CONFLICT, "run_failed", fault)

    def cancel(self, run: str) -> None:
        """Interrupt a run; what it has finished stays, so that it can be resumed.

        Raises
        ------
        Problem
            It was not started here.
        """
        if not self.is_here(run):
            raise Problem(CONFLICT, "not_here", f"run {run} was not started by this server, or has ended")
        _end([self._jobs[run]])

    def is_here(self, run: str) -> bool:
        """Whether a run was started here and is under way."""
        return run in self._jobs and self._jobs[run].is_alive

    def fault(self, run: str) -> str:
        """Return why a run that was started here failed; nothing if it did not."""
        return self._fault(self._jobs[run]) if run in self._jobs else ""

    def close(self) -> None:
        """Interrupt what is under way."""
        _end(list(self._jobs.values()))
        shutil.rmtree(self._folder, ignore_errors=True)

    def _fault(self, job: Job) -> str:
        """Return why a run failed, without the server's own folders."""
        return job.fault().replace(f"{self._root}/", "")

    def _begin(self, arguments: Sequence[str]) -> Job:
        if sum(job.is_alive for job in self._jobs.values()) >= MOST:
            raise Problem(BUSY, "busy", f"{MOST} runs are under way; wait for one, or cancel it")
        said = self._folder / f"{secrets.token_hex(8)}.txt"
        command = [sys.executable, "-m", "lepton_platform", *arguments]
        with said.open("wb") as stderr:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
                start_new_session=True,  # Ctrl-C at the server's terminal is the server's to pass on
            )
        return Job(process, said)

    def _folder_of(self, job: Job, application: str, known: Set[str]) -> store.RunFolder:
        """Return the folder that a run made, which bears the number of its process."""
        made: list[store.RunFolder] = []

        def is_there() -> bool:
            for folder in store.run_folders(self._root, application):
                if folder.id not in known and _process(folder) == job.process.pid:
                    made.append(folder)
            return bool(made) or not job.is_alive

        _wait(STARTING, is_there)
        if made:
            return made[0]
        if fault := self._fault(job):
            raise Problem(INVALID, "run_failed", fault)
        _end([job])
        raise Problem(LATE, "too_slow", f"the run did not begin within {STARTING:g} s")


def _record(folder: store.RunFolder) -> dict[str, Any]:
    """Return a run's record; nothing, if the run failed at once and left no folder behind."""
    try:
        return folder.read_record()
    except RunError:
        return {}


def _process(folder: store.RunFolder) -> int | None:
    return _record(folder).get("process")


def _wait(seconds: float, is_so: Callable[[], bool]) -> None:
    """Wait until something is so, or the time is over."""
    deadline = time.monotonic() + seconds
    while not is_so() and time.monotonic() < deadline:
        time.sleep(0.05)


def _end(jobs: Sequence[Job]) -> None:
    """Interrupt processes; those that do not end within a while are killed."""
    alive = [job.process for job in jobs if job.is_alive]
    for process in alive:
        process.send_signal(signal.SIGINT)
    _wait(ENDING, lambda: all(process.poll() is not None for process in alive))
    for process in alive:
        process.kill()  # does nothing to one that has ended
        process.wait()

"""Does work that may crash, exit or hang piece by piece in a child process.

The child answers each piece before it is given the next, so that the parent knows at which one it
ended, and starts another child for the rest. What a piece prints goes to a file, never to the
parent's stdout.
"""

from __future__ import annotations

import faulthandler
import importlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Generator, Iterable
from contextlib import suppress
from typing import IO, Any, NamedTuple

from lepton_platform.allowed import way_out
from lepton_platform.errors import UsageError
from lepton_platform.index import Entry, Fault
from lepton_platform.index.source import place

VARIABLE = "LEPTON_IMPORT_SECONDS"
"""Environment variable: seconds after which a piece is given up; 60, if it is not set."""
CHILD = (
    "import json, sys; function, seconds, sys.path[:] = json.loads(sys.argv.pop()); "
    "from lepton_platform.index import contained; contained.answer(function, seconds)"
)


class Outcome(NamedTuple):
    """What became of one piece."""

    answer: Any = None
    ended: str = ""
    """How the child ended, if it did not answer: ``"ended the process by signal 11 (SIGSEGV)"``."""
    hung: bool = False
    frames: tuple[tuple[str, int], ...] = ()
    """If it crashed or hung: where it was, as files and lines, innermost first."""
    printed: str = ""


def each(function: str, pieces: Iterable[Any]) -> Generator[Outcome, None, None]:
    """Yield the outcome of every piece, in order; a piece is asked for when the one before is done.

    Parameters
    ----------
    function : str
        ``module:name`` of what the child calls with each piece; pieces and answers are JSON.
    """
    child: _Child | None = None
    try:
        for piece in pieces:
            tried_others = child is not None
            child = child or _Child(function)
            outcome = child.ask(piece)
            if outcome.ended and not outcome.hung and tried_others:  # or what others left behind
                child.end()
                child = _Child(function)
                outcome = child.ask(piece)
            if outcome.ended:
                child.end()
                child = None
            yield outcome
    finally:
        if child is not None:
            child.end()


def fault(entry: Entry, outcome: Outcome) -> Fault:
    """Return the fault of a plugin whose import ended its process."""
    where = place(entry.module, outcome.frames)
    return Fault(f"its import {outcome.ended}", where, way_out(entry.distribution), deadly=True)


class _Child:
    """A process that answers pieces with ``function``."""

    def __init__(self, function: str) -> None:
        self._seconds = _seconds()
        self._printed: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  (until the end)
        self._seen = 0
        told = json.dumps([function, self._seconds, sys.path])
        self._process = subprocess.Popen(
            [sys.executable, "-c", CHILD, told],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._printed,
        )

    def ask(self, piece: Any) -> Outcome:
        assert self._process.stdin is not None and self._process.stdout is not None
        with suppress(BrokenPipeError):  # it has ended; how is said below
            self._process.stdin.write(json.dumps(piece).encode() + b"\n")
            self._process.stdin.flush()
        line = self._process.stdout.readline()
        if line.endswith(b"\n"):
            return Outcome(json.loads(line), printed=self._newly_printed())
        return self._end_as_outcome()

    def end(self) -> None:
        self._process.kill()
        with suppress(BrokenPipeError), self._process:  # closes the pipes and waits
            self._printed.close()

    def _end_as_outcome(self) -> Outcome:
        code = self._process.wait()
        printed = self._newly_printed()
        said, timeout, dump = printed.partition("Timeout (")
        if timeout:
            ended = f"gave no answer within {self._seconds:g} s (more with {VARIABLE})"
        elif code < 0:
            ended = f"ended the process by signal {-code} ({signal.Signals(-code).name})"
            said, _, dump = printed.partition("Fatal Python error: ")
        else:
            ended = f"ended the process with exit code {code}"
        frames = re.findall(r'File "([^"]+)", line (\d+) in', dump)
        return Outcome(None, ended, bool(timeout), tuple((file, int(line)) for file, line in frames), said)

    def _newly_printed(self) -> str:
        # without moving the file's position, at which the child goes on writing
        file = self._printed.fileno()
        content = os.pread(file, os.fstat(file).st_size - self._seen, self._seen)
        self._seen += len(content)
        return content.decode(errors="replace")


def _seconds() -> float:
    given = os.environ.get(VARIABLE, "60")
    try:
        seconds = float(given)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 1e6:
        raise UsageError(f"the environment variable {VARIABLE} is {given!r}, no number of seconds")
    return seconds


def answer(function: str, seconds: float) -> None:
    """Answer the pieces on stdin; the child's only work."""
    module, _, name = function.partition(":")
    asked = os.fdopen(os.dup(0), encoding="utf-8")
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    faulthandler.enable()
    called = getattr(importlib.import_module(module), name)
    for piece in asked:
        faulthandler.dump_traceback_later(seconds, exit=True)
        answered = called(json.loads(piece))
        faulthandler.cancel_dump_traceback_later()
        sys.stdout.flush()
        answers.write(json.dumps(answered) + "\n")
        answers.flush()
    os._exit(0)  # threads that a plugin left behind do not keep the process

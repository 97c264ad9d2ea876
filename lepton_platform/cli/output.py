"""Keeps what a command prints apart from what plugins print."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import TextIO


@contextmanager
def plugins_on_stderr() -> Iterator[TextIO]:
    """Send what is printed meanwhile to stderr; give the stdout that the command itself writes to.

    Libraries in C and worker processes write to the file descriptor, so that is exchanged as well.
    """
    stdout = sys.stdout
    if stdout is not sys.__stdout__ or stdout is None or sys.stderr is None:  # no file of the system's
        with redirect_stdout(sys.stderr):
            yield stdout
        return
    stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        with (
            redirect_stdout(sys.stderr),
            open(kept, "w", encoding=stdout.encoding, errors=stdout.errors, closefd=False) as own,
        ):
            yield own
    finally:
        os.dup2(kept, 1)
        os.close(kept)

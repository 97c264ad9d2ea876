"""Shows a person at a terminal how far a run has come; silent when its output is piped.

How to go on after an interruption is said in either case.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from lepton_platform.hookspecs import hookimpl

if TYPE_CHECKING:
    from lepton_platform.run import Run

CLEAR = "\r\x1b[2K"


@hookimpl
def lepton_stage_started(stage: str, run: Run) -> None:
    """Name the stage."""
    run.log(f"{stage} stage started")
    _show(f"{stage} stage ...")


@hookimpl
def lepton_stage_finished(stage: str, run: Run) -> None:
    """Say how long the stage took."""
    seconds = run.record["stages"][stage]["seconds"]
    run.log(f"{stage} stage finished in {seconds} s")
    _show(f"{stage} stage done in {seconds:.1f} s\n")


@hookimpl
def lepton_progress(done: int, total: int, what: str) -> None:
    """Show what is done and what comes next."""
    _show(f"  {done}/{total}  {what}")


@hookimpl
def lepton_run_failed(error: BaseException, run: Run) -> None:
    """Say how to go on after Ctrl-C."""
    if isinstance(error, KeyboardInterrupt):
        root = run.folder.parent.parent
        elsewhere = "" if str(root) == "runs" else f" --out {root}"
        print(f"\nInterrupted. Go on with: lepton run --resume {run.id}{elsewhere}", file=sys.stderr)


def _show(line: str) -> None:
    if sys.stderr.isatty():
        print(CLEAR + line, end="", file=sys.stderr, flush=True)


def warn(message: str) -> None:
    """Say something on stderr, on a terminal in the place of the progress line."""
    print(f"{CLEAR if sys.stderr.isatty() else ''}Warning: {message}", file=sys.stderr)

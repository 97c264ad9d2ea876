"""An extension of every run: a source, an engine, a command, and all that a run tells observers.

The examples on the page of hooks are cut from this file and its neighbour; tests/test_hooks_page.py
runs both.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import click
import pandas as pd

from lepton_platform import Extension, Run, Source, hookimpl
from lepton_platform.engine import Engine
from lepton_platform.engine.protocol import DeadlineError

extension = Extension("*")


@hookimpl
def lepton_read(source: Source) -> pd.DataFrame | None:
    """Read columns of fixed width: ``--data fixed:parcels.txt``."""
    if source.uri is None or not source.uri.startswith("fixed:"):
        return None
    return pd.read_fwf(source.uri.removeprefix("fixed:"))


@hookimpl
def lepton_stream(source: Source) -> Iterable[pd.DataFrame] | None:
    """Read the same source in parts, so that ``lepton decide`` never holds all of it."""
    if source.uri is None or not source.uri.startswith("fixed:"):
        return None
    return pd.read_fwf(source.uri.removeprefix("fixed:"), chunksize=10_000)


@hookimpl
def lepton_stage_started(stage: str, run: Run) -> None:
    """Write the moment into the log."""
    run.log(f"{stage} starts")


@hookimpl
def lepton_stage_finished(stage: str, run: Run) -> None:
    """Write how long it took into the log."""
    run.log(f"{stage} took {run.record['stages'][stage]['seconds']} s")


@hookimpl
def lepton_batch_finished(rows: int) -> None:
    """Tell a person who waits."""
    click.echo(f"{rows} more rows decided", err=True)


@hookimpl
def lepton_progress(done: int, total: int, what: str, run: Run) -> None:
    """Write it into the log."""
    run.log(f"{done} of {total} done, next: {what}")


@hookimpl
def lepton_run_finished(run: Run) -> None:
    """Keep a list of all runs beside their folders."""
    with (run.folder.parent / "history.txt").open("a") as history:
        history.write(f"{run.id} {run.selected_by} {run.scores[run.selected_by].value:.3f}\n")


@hookimpl
def lepton_run_failed(error: BaseException, run: Run) -> None:
    """Add the failure to the same list."""
    with (run.folder.parent / "history.txt").open("a") as history:
        history.write(f"{run.id} {type(error).__name__}\n")


class OneByOne:
    """Runs calls one after the other in this process, and looks at the clock between two of them."""

    def map(
        self, function: Callable[..., Any], calls: Sequence[tuple[Any, ...]], deadline: float | None
    ) -> Iterator[Any]:
        for call in calls:
            if deadline is not None and time.monotonic() >= deadline:
                raise DeadlineError
            yield function(*call)


@hookimpl
def lepton_engine(url: str) -> Engine | None:
    """Answer ``--engine one-by-one:``."""
    return OneByOne() if url == "one-by-one:" else None


@hookimpl
def lepton_commands() -> Sequence[click.Command]:
    """Add ``lepton history``."""

    @click.command("history")
    @click.argument("application")
    def history(application: str) -> None:
        """List the runs of APPLICATION and how they ended."""
        click.echo(Path("runs", application, "history.txt").read_text(), nl=False)

    return [history]

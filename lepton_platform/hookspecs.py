"""Every hook of Lepton Platform, typed, in the order in which a run calls them.

A plugin implements a hook by defining a function of its name, marked with ``@hookimpl``, that takes
any of the hook's arguments. ``run`` and ``config`` are offered to every hook of a run; ``config``
is the application's, and to an extension with options of its own it is those.

Three kinds of hook:

single
    The narrowest answer counts: application before task before host. ``None`` leaves the question
    to the next wider layer. A wrapper (``@hookimpl(wrapper=True)``) goes around all answers.
collected
    Every layer's answer is merged by name from wide to narrow. The application replaces, or with
    ``None`` removes, what its task named; an extension adds, under ``extension/name``.
observed
    Every implementation is told; what it returns is ignored, and what it raises is a
    warning in the log and on stderr, no more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar, overload

import pluggy

if TYPE_CHECKING:
    import click
    import pandas as pd

    from lepton_platform.alert import Alert
    from lepton_platform.config import Config
    from lepton_platform.data.dataset import Dataset, Purpose, Source, Split, Step
    from lepton_platform.engine import Engine
    from lepton_platform.model.candidate import Candidate, Metric
    from lepton_platform.model.evaluation import Estimate
    from lepton_platform.report.section import Section
    from lepton_platform.run import Run

Function = TypeVar("Function", bound=Callable[..., object])
Wrapper = TypeVar("Wrapper", bound=Callable[..., Iterator[None]])


class WrapperMarker(Protocol):
    """Marks a generator that yields once, is sent the inner answer there, and returns its own."""

    def __call__(self, function: Wrapper, /) -> Wrapper: ...


class HookimplMarker(Protocol):
    """The two ways to mark a hook: ``@hookimpl`` and ``@hookimpl(wrapper=True)``."""

    @overload
    def __call__(self, function: Function, /) -> Function: ...
    @overload
    def __call__(self, *, wrapper: Literal[True]) -> WrapperMarker: ...


hookspec = pluggy.HookspecMarker("lepton")
hookimpl: HookimplMarker = pluggy.HookimplMarker("lepton")
"""Marks a function as the hook of its name; it takes any of the hook's arguments."""

single = hookspec(firstresult=True)
collected = hookspec
observed = hookspec

COLLECTED = frozenset({"lepton_steps", "lepton_models", "lepton_metrics", "lepton_sections"})
"""Collected hooks whose parts have names, so that a narrower layer can replace them."""
GATHERED = frozenset({"lepton_write", "lepton_alerts", "lepton_commands"})
"""Collected hooks whose parts simply add up."""
OBSERVED = frozenset(
    {
        "lepton_stage_started",
        "lepton_stage_finished",
        "lepton_batch_finished",
        "lepton_run_finished",
        "lepton_run_failed",
        "lepton_progress",
    }
)
BY_SOURCE = frozenset({"lepton_read", "lepton_stream", "lepton_engine"})
"""Single hooks that choose by what they are asked for: two answers at one width are no conflict."""


# ---------------------------------------------------------------------------------- data stage


@single
def lepton_read(source: Source, run: Run, config: Config) -> pd.DataFrame | None:
    """Data stage: read the rows of ``source``.

    Return a frame, or ``None`` if it is not your kind of source: then others are asked. Raise
    ``DataError`` with every finding for a source that is yours and cannot be read. Notes go to
    ``run.note``.
    """


@single
def lepton_load(source: Source, purpose: Purpose, run: Run, config: Config) -> Dataset | None:
    """Data stage: read ``source`` through ``run.hooks.read`` and check it against the schema.

    Called with purpose ``"train"``, then ``"test"`` (labels stay unread), then ``"truth"`` (the
    labels, once predictions exist); by ``lepton decide`` with ``"decide"``, and of series with
    ``"history"``: values newer than those learned from, to forecast from. Raise ``DataError`` with
    every finding at once for a table that cannot be used; never repair values silently.
    ``None`` leaves it to the task's or the host's own loader.
    """


@single
def lepton_split(dataset: Dataset, run: Run, config: Config) -> Split | None:
    """Data stage: choose the hold-out and the folds. ``None``: the task's leak-safe split.

    Called once, with the cases to learn from. Where ``--test`` brings cases of their own, leave the
    hold-out empty.
    """


@collected
def lepton_steps(dataset: Dataset, run: Run, config: Config) -> Mapping[str, Step | None] | None:
    """Data stage: name → transformer that every candidate's pipeline begins with, fitted per fold.

    Called for each candidate; an extension's steps stand before its own candidates only. ``None``
    adds nothing; a name with ``None`` removes the task's step of that name.
    """


# --------------------------------------------------------------------------------- model stage


@collected
def lepton_models(dataset: Dataset, run: Run, config: Config) -> Mapping[str, Any] | None:
    """Model stage: name → ``Candidate`` or plain estimator that may become the model.

    Called once. ``None`` adds nothing; a name with ``None`` removes the task's candidate of that name.
    """


@collected
def lepton_metrics(run: Run, config: Config) -> Mapping[str, Metric | None] | None:
    """Model stage: name → ``Metric``. The application's ``select``, else the first, chooses.

    Called once. ``None`` adds nothing; a name with ``None`` removes the task's metric of that name.

    A metric's function names what it needs of ``truth``, ``predictions`` and ``cases``. If it also names
    ``counts``, it answers for many resamples at once, and its interval takes a fraction of the time.
    """


@single
def lepton_train(
    dataset: Dataset,
    split: Split,
    candidates: Mapping[str, Candidate],
    metrics: Mapping[str, Metric],
    run: Run,
    config: Config,
) -> Any | None:
    """Model stage: return the fitted model; set ``run.leaderboard`` and ``run.baseline``.

    Learns from ``split.train`` alone. ``None``: the task's or the host's own training.
    """


@single
def lepton_predict(model: Any, cases: pd.DataFrame, run: Run, config: Config) -> pd.DataFrame | None:
    """Model stage: the task's prediction table for ``cases``, on the same index.

    The same call serves folds, hold-out, ``--test`` and ``lepton decide``. ``None`` leaves it to the
    task.
    """


@single
def lepton_evaluate(
    predictions: pd.DataFrame,
    truth: pd.Series[Any],
    cases: pd.DataFrame,
    metrics: Mapping[str, Metric],
    run: Run,
    config: Config,
) -> Mapping[str, Estimate] | None:
    """Model stage: every metric with its 95 % interval. Called for the model and the baseline.

    ``None``: the host's, a bootstrap over cases.
    """


# -------------------------------------------------------------------------------- report stage


@single
def lepton_decide(
    predictions: pd.DataFrame, cases: pd.DataFrame, run: Run, config: Config
) -> pd.DataFrame | None:
    """Report stage: what to do about each case. ``None``: the predictions are the decisions.

    Also called by ``lepton decide``, batch by batch, so rows must not depend on each other.
    """


@single
def lepton_summary(run: Run, config: Config) -> Mapping[str, Any] | None:
    """Report stage: the decisions in numbers, by name, for ``--json`` and the verdict.

    The verdict ends with the text under ``in_words``. ``None``: the number of cases.
    """


@collected
def lepton_sections(run: Run, config: Config) -> Sequence[Section] | None:
    """Report stage: parts of the report. A part replaces a wider layer's part of the same title.

    ``None`` adds nothing.
    """


@collected
def lepton_write(sections: Sequence[Section], run: Run, config: Config) -> Sequence[Path] | None:
    """Report stage: write the report in some form into ``run.folder``; return the paths written.

    ``None``: nothing was written.
    """


# -------------------------------------------------------------------------------- many batches


@single
def lepton_stream(source: Source, run: Run, config: Config) -> Iterable[pd.DataFrame] | None:
    """Return (not yield) an iterable of batches of rows, or ``None`` if not your kind of source.

    Called by ``lepton decide``, so that memory stays flat however long the source is; and by ``lepton
    watch`` for a source that is neither text nor a connection.
    """


# ------------------------------------------------------------------------------------- watching


@single
def lepton_update(model: Any, batch: pd.DataFrame | None, run: Run, config: Config) -> Any | None:
    """Watching: return the model after ``batch``, which has just been decided.

    Called by ``lepton watch``, first with ``None`` when it begins: return what the stream is to go
    through. A model that is not the one given is stored with the state, so return the same object where
    nothing changed. ``None`` leaves it to the task or the host: unchanged.
    """


@collected
def lepton_alerts(
    decisions: pd.DataFrame, cases: pd.DataFrame, run: Run, config: Config
) -> Sequence[Alert] | None:
    """Watching: what to warn of after a batch. ``run.model`` has been updated with it.

    Called by ``lepton watch`` for each batch; say the same of the same rows, however they are cut into
    batches. ``None``: nothing.
    """


# ----------------------------------------------------------------------------------- life cycle


@observed
def lepton_stage_started(stage: str, run: Run, config: Config) -> None:
    """Told when a stage (``"data"``, ``"model"``, ``"report"``) starts."""


@observed
def lepton_stage_finished(stage: str, run: Run, config: Config) -> None:
    """Told when a stage is done and its record is on disk."""


@observed
def lepton_batch_finished(rows: int, run: Run, config: Config) -> None:
    """Told when ``lepton decide`` has written ``rows`` further decisions."""


@observed
def lepton_progress(done: int, total: int, what: str, run: Run, config: Config) -> None:
    """Told how far the present work has come: ``done`` of ``total`` pieces, ``what`` is next."""


@observed
def lepton_run_finished(run: Run, config: Config) -> None:
    """Told when a run is complete."""


@observed
def lepton_run_failed(error: BaseException, run: Run, config: Config) -> None:
    """Told when a run ends early, by an error or an interruption."""


# ------------------------------------------------------------------------------------- the host


@single
def lepton_engine(url: str) -> Engine | None:
    """The engine that ``--engine URL`` names, or ``None`` if it is not yours."""


@collected
def lepton_commands() -> Sequence[click.Command] | None:
    """Return commands to stand beside ``lepton run``, from an extension of ``"*"``.

    Called when what is installed is read, and again when one of the commands is asked for: outside
    of any run, in the module of the declaration alone. A command of the host's own name, or of a name
    that two extensions use, is left out, and a fault that ``lepton doctor`` names.
    ``None`` adds nothing.
    """

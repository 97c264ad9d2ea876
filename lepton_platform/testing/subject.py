"""The plugin that is checked, its data, and the runs that its checks share.

Runs are made on at most ``MOST_ROWS`` rows and with few candidates, each once, when a check first asks
for it; they lie in a temporary folder that goes with the subject.
"""

from __future__ import annotations

import contextlib
import io
import shutil
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lepton_platform import plugins
from lepton_platform.application import Application, Extension, Sample
from lepton_platform.config import Config, config_of
from lepton_platform.data.dataset import Dataset, Source
from lepton_platform.errors import LeptonError
from lepton_platform.hooks import Layer
from lepton_platform.plugins import Offer, Participants
from lepton_platform.run import Options, Run, configs_of, data_stage, reopen, start
from lepton_platform.store import RunFolder
from lepton_platform.testing import broken_observer, exchange, witness
from lepton_platform.testing.check import NotApplicable
from lepton_platform.testing.perturbation import distorted, exchanged
from lepton_platform.testing.quarantine import quarantined
from lepton_platform.testing.witness import Witness

MOST_ROWS = 1_000
"""Rows of the data that runs are made on."""


@dataclass
class Execution:
    """One run that was tried, and what it did besides."""

    seen: Witness
    error: BaseException | None
    printed: str
    left: tuple[str, ...] = ()
    """Files that are new or changed outside the run folder."""

    @property
    def run(self) -> Run:
        """The run, which has its decisions, though its report may have failed."""
        if self.seen.run is None or not hasattr(self.seen.run, "decisions"):
            raise NotApplicable('it does not run; see the check "runs"')
        return self.seen.run


@dataclass
class Subject:
    """An application or an extension that is checked.

    Parameters
    ----------
    offer
        What is checked. An extension is checked in runs of the application that it extends.
    data
        Path or URI of rows to learn from, in place of the application's sample.
    options
        Options of those runs, by field name; they come before those of the sample.
    models
        Candidates of those runs; empty: the plugin's own and the first of the others.
    """

    offer: Offer
    data: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    models: Sequence[str] = ()

    def __post_init__(self) -> None:
        if self.data is not None and "://" not in self.data:
            self.data = str(Path(self.data).resolve())  # some runs are made in another folder
        self._shuffled: dict[int, Run] = {}
        self.witnesses: dict[str, Witness] = {}

    @property
    def name(self) -> str:
        return self.offer.name

    @property
    def extends(self) -> bool:
        return self.offer.kind == "extensions"

    @cached_property
    def declaration(self) -> Application | Extension:
        declared: Application | Extension = self.offer.declaration()
        return declared

    @cached_property
    def participants(self) -> Participants:
        """What takes part in its runs: the application and, if it is one, the extension; no other."""
        found = plugins.participants(self._application())
        layers = tuple(layer for layer in found.layers if not layer.extends or layer.name == self.name)
        if self.extends and all(layer.name != self.name for layer in layers):
            raise NotApplicable('it cannot take part in a run; see the check "hooks-known"')
        return replace(found, layers=layers, broken=())

    def _application(self) -> str:
        if isinstance(self.declaration, Application):
            return self.name
        target = self.declaration.target
        installed = plugins.offers("applications")
        if target in {offer.name for offer in installed}:
            return target
        for offer in installed:
            with contextlib.suppress(Exception):  # a broken one is not what is checked here
                declared: Application = offer.declaration()
                if declared.sample is not None and target in ("*", f"task:{declared.task}"):
                    return offer.name
        raise NotApplicable(f"no application is installed that has a sample and that {target!r} means")

    @property
    def config(self) -> type[Config] | None:
        """Options of its own and, of an application, of its task."""
        if isinstance(self.declaration, Extension):
            return self.declaration.config
        return config_of(self.participants.application, self.participants.task)

    @cached_property
    def values(self) -> dict[str, Any]:
        """Options that its runs are made with, by field name."""
        known = self.sample.options if self.data is None else {}
        return {**known, **self.options}

    # ------------------------------------------------------------------------------- the data

    @cached_property
    def source(self) -> Source:
        """What its runs learn from, whole."""
        return Source(self.data) if self.data is not None else self.sample.source

    @cached_property
    def sample(self) -> Sample:
        """The data that the application ships."""
        sample = self.participants.application.sample
        if sample is None:
            raise NotApplicable("there is no sample, and no data were named")
        try:
            return sample()
        except LeptonError as error:  # it lies in a package that is not installed
            raise NotApplicable(f"there are no data: {error}") from error

    @cached_property
    def folder(self) -> Path:
        """Where its runs lie, as long as the subject is there."""
        folder = Path(tempfile.mkdtemp(prefix="lepton-check-"))
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        return folder

    @cached_property
    def loaded(self) -> tuple[Any, Run]:
        """The data as they are read, and a run that has only loaded and split them."""
        run = self._begun(self.source.uri)
        rows = run.hooks.read(self.source)
        data_stage(run)
        return rows, run

    def load(self, table: pd.DataFrame) -> Dataset:
        """Return what the data stage makes of another table."""
        return self._begun(None).hooks.load(Source(rows=table), "train")

    def _begun(self, data: str | None) -> Run:
        config, of_extensions = configs_of(self.participants, self.values)
        folder = self.folder / "loaded"
        folder.mkdir(exist_ok=True)
        return Run(self.participants, Options(data), config, folder, of_extensions)

    @cached_property
    def table(self) -> pd.DataFrame:
        """Its data, at most ``MOST_ROWS``: as many as there are, whole groups, or the latest."""
        rows, run = self.loaded
        if not run.schema.columns or len(rows) != len(run.dataset.cases):
            raise NotApplicable("its cases are not the rows of a table")
        table: pd.DataFrame = rows.iloc[_some(run.dataset)].reset_index(drop=True)
        return table

    @cached_property
    def models_chosen(self) -> tuple[str, ...]:
        """Candidates of its runs: its own and the first of the others, so that they do not take long."""
        if self.models:
            return tuple(self.models)
        _, run = self.loaded
        candidates = run.hooks.models(run.dataset)
        choosable = {name: one.origin for name, one in candidates.items() if not one.baseline}
        others = [name for name, origin in choosable.items() if origin != self.name]
        return (*others[:1], *(name for name, origin in choosable.items() if origin == self.name))

    @property
    def target(self) -> str:
        """The column of the table that holds the outcome."""
        name = getattr(self.base.run.config, "target", None)
        if name not in self.table.columns:
            raise NotApplicable("no column of its data is the outcome")
        return str(name)

    @property
    def features(self) -> list[str]:
        """The columns that a case consists of."""
        present = set(self.table.columns)
        return [name for name in self.base.run.schema.names if name in present]

    # ------------------------------------------------------------------------------- the runs

    @cached_property
    def base(self) -> Execution:
        """The run that most checks look at, made in an empty folder with an empty home."""
        error: BaseException | None = None
        printed = io.StringIO()
        _ = self.source  # what cannot be loaded, and the lack of data, are no fault of a run
        with quarantined(self.folder / "elsewhere", self.offer.module) as left:
            try:
                with contextlib.redirect_stdout(printed):
                    self._start("base", self._data)
            except (Exception, SystemExit) as raised:
                error = raised
        return Execution(self.witnesses.get("base", Witness()), error, printed.getvalue(), tuple(left))

    @cached_property
    def again(self) -> Run:
        """The same run once more, its observers joined by one that raises."""
        with contextlib.redirect_stderr(io.StringIO()):  # where the host tells of it
            return self._start("again", self._data, joined=(broken_observer.layer(),))

    @cached_property
    def apart(self) -> Run:
        """A run that learns from the base run's training cases and is judged on a file of the others."""
        return self._apart("apart", self.held_out)

    @cached_property
    def mislabelled(self) -> tuple[Run, Run]:
        """Two runs that differ in nothing but the outcomes of their test cases.

        Where the data are a table, the test cases stand in a file of their own.
        """
        try:
            test = exchanged(self.held_out, self.target)
        except NotApplicable:
            return self.base.run, self._exchanged("mislabelled", held_out=True)
        return self.apart, self._apart("mislabelled", test)

    def _apart(self, name: str, test: pd.DataFrame) -> Run:
        train = self.table.iloc[self.base.run.split.train]
        return self._start(name, self._written(f"{name}-train", train), self._written(f"{name}-test", test))

    @property
    def held_out(self) -> pd.DataFrame:
        """The rows of the table that the base run held out."""
        split = self.base.run.split
        if len(split.train) + len(split.test) != len(self.table):
            raise NotApplicable("its cases are not the rows of a table")
        return self.table.iloc[split.test]

    @property
    def asked(self) -> pd.DataFrame:
        """Rows as ``lepton decide`` reads them."""
        with contextlib.suppress(NotApplicable):
            return self.held_out
        rows, _ = self.loaded
        if not isinstance(rows, pd.DataFrame) or self.base.run.test.cases.index.nlevels > 1:
            raise NotApplicable("its cases are not decided row by row")
        return rows

    @cached_property
    def distorted(self) -> Run:
        """The base run, with other values in the rows that it holds out; if dated, other outcomes too."""
        rows = self.base.run.split.test
        table = distorted(self.table, rows, self.features)
        if self.base.run.dataset.time is not None:
            table.loc[rows, self.target] = exchanged(table.loc[rows], self.target)[self.target]
        return self._start("distorted", self._written("distorted", table))

    def shuffled(self, seed: int) -> Run:
        """The base run, with all outcomes exchanged among the cases, so that nothing can be learned."""
        if seed not in self._shuffled:
            self._shuffled[seed] = self._exchanged(f"shuffled-{seed}", seed=seed)
        return self._shuffled[seed]

    def _exchanged(self, name: str, **options: Any) -> Run:
        given = {f"exchange.{option}": value for option, value in options.items()}
        return self._start(name, self._data, joined=(exchange.layer(),), values=given)

    @cached_property
    def extended(self) -> Subject:
        """The application that an extension is checked with, alone: a subject of its own."""
        own = {name: value for name, value in self.options.items() if "." not in name}
        models = [name for name in self.models_chosen if not name.startswith(f"{self.name}/")]
        return Subject(self.participants.offer, self.data, own, models)

    @cached_property
    def reopened(self) -> Run:
        """The base run as ``lepton decide`` takes it up: its model read from its folder."""
        run = self.base.run
        return reopen(RunFolder(run.folder), participants=run.participants)

    def _start(
        self,
        name: str,
        data: str | None,
        test: str | None = None,
        joined: tuple[Layer, ...] = (),
        values: Mapping[str, Any] | None = None,
    ) -> Run:
        participants = replace(
            self.participants, layers=(*self.participants.layers, witness.layer(), *joined)
        )
        self.witnesses[name] = witness.of_runs_below(self.folder / name)
        options = Options(data, test, self.models_chosen)
        return start(participants, options, {**self.values, **(values or {})}, self.folder / name)

    @property
    def _data(self) -> str | None:
        try:
            return self._written("data", self.table)
        except NotApplicable:
            return self.source.uri

    def _written(self, name: str, table: pd.DataFrame) -> str:
        path = self.folder / f"{name}.parquet"
        if not path.exists():
            table.to_parquet(path, index=False)
        return str(path)


def _some(dataset: Dataset) -> NDArray[np.intp]:
    """Return the positions of the cases that runs are made on, in the order of the data.

    Whole groups; the latest of dated cases; of others a random part, in which a rare outcome is kept.
    """
    n = len(dataset.cases)
    if n <= MOST_ROWS or dataset.target is None:
        return np.arange(n)
    if dataset.groups is not None:
        together = dataset.groups.value_counts(sort=False).cumsum()
        return np.flatnonzero(dataset.groups.isin(together.index[together <= MOST_ROWS]))
    if dataset.time is not None:
        return np.sort(np.argsort(dataset.time.to_numpy(), kind="stable")[-MOST_ROWS:])
    order = np.random.default_rng(0).permutation(n)
    outcomes = dataset.target.iloc[order].reset_index(drop=True)
    turn = outcomes.groupby(outcomes).cumcount().to_numpy()  # each outcome in turn, until one runs out
    return np.sort(order[np.argsort(turn, kind="stable")[:MOST_ROWS]])

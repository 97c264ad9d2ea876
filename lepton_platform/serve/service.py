"""The promoted model of each application, and what can be asked of it."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from lepton_platform import index, store
from lepton_platform.data.dataset import Source
from lepton_platform.decide import decide_batch, decided
from lepton_platform.hooks import HOST, TASK
from lepton_platform.model.single_case import answering
from lepton_platform.run import Run, reopen, with_ids
from lepton_platform.serve.audit import Audit
from lepton_platform.serve.cases import CaseReader
from lepton_platform.serve.drift import Drift
from lepton_platform.serve.problem import NOT_FOUND, TOO_LARGE, WRONG_TYPE, Problem
from lepton_platform.serve.promotion import Promotions
from lepton_platform.serve.settings import Settings

Case = Mapping[str, Any]


class Served:
    """One run that answers requests. It never changes: a promotion puts another in its place."""

    def __init__(self, run: Run, audit: Audit) -> None:
        self.run = run
        self.audit = audit
        self.reader = CaseReader(run.schema, getattr(run.config, "id", None))
        self.drift = Drift(run.schema)
        self._answer = answering(run.model) if _is_plain(run) else None

    @property
    def takes_cases(self) -> bool:
        """Whether a case is a row of its own, so that it can come as JSON; others come as files."""
        return bool(self.run.schema.columns)

    def decide(self, cases: Sequence[Case]) -> list[dict[str, Any]]:
        """Return a decision per checked case, as they stand in ``decisions.parquet``."""
        if (at_once := self.at_once(cases)) is not None:
            return at_once
        return records(with_ids(decide_batch(self.run, self.reader.table(cases))))

    def at_once(self, cases: Sequence[Case]) -> list[dict[str, Any]] | None:
        """Return the decision on a single checked case in microseconds; ``None`` where it takes a table."""
        if self._answer is None or len(cases) != 1:
            return None
        (case,) = cases
        identifier = self.reader.identifier
        return [{"case": 0 if identifier is None else case[identifier], **self._answer(case)}]

    def decide_file(self, path: Path, most: int) -> Iterator[pd.DataFrame]:
        """Yield the decisions on a file's cases, batch by batch.

        Raises
        ------
        Problem
            The file has more than ``most`` cases.
        """
        total = 0
        for decisions in decided(self.run, str(path)):
            total += len(decisions)
            if total > most:
                raise Problem(TOO_LARGE, "too_many_cases", f"the file has more than {most:,} cases; split it")
            self.drift.decided(decisions)
            yield with_ids(decisions)
        for batch in self.run.hooks.stream(Source(str(path))) or () if self.takes_cases else ():
            self.drift.add_table(batch)


def _is_plain(run: Run) -> bool:
    """Whether a run's predictions are its decisions, and no plugin has a part in making them."""
    made = (
        layer
        for name in ("lepton_load", "lepton_predict", "lepton_decide")
        for layer in run.hooks.layers_of(name)
    )
    return all(layer.width in (HOST, TASK) for layer in made)


class Service:
    """Holds what is served; safe to use from several threads.

    Raises
    ------
    UnknownNameError
        An application that was asked for is not installed.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._served: dict[str, Served] = {}
        self._audits: dict[str, Audit] = {}
        self._loading = threading.Lock()
        for application in settings.applications:
            index.find("applications", application)

    def applications(self) -> list[index.Entry]:
        """Return the applications that may be asked for, by id."""
        entries = [entry for entry in index.read().entries("applications") if entry.fault is None]
        chosen = self.settings.applications
        return [entry for entry in entries if not chosen or entry.name in chosen]

    def application(self, application: str) -> index.Entry:
        """Return one of them.

        Raises
        ------
        Problem
            It is not installed or not served.
        """
        entries = {entry.name: entry for entry in self.applications()}
        if application not in entries:
            known = ", ".join(entries) or "none"
            raise Problem(
                NOT_FOUND,
                "unknown_application",
                f"no application {application[:80]!r} here; there are: {known}",
            )
        return entries[application]

    def served(self, application: str) -> Served:
        """Return the run that answers for an application, loading it when it is first asked for.

        Raises
        ------
        Problem
            There is no such application, or it has no finished run.
        """
        if (ready := self.ready(application)) is not None:
            return ready
        self.application(application)
        with self._loading:
            if application not in self._served:
                promoted = Promotions(self.settings.root, application).current
                folder = self._folder(application, promoted)
                self._served[application] = self._load(application, folder)
            return self._served[application]

    def ready(self, application: str) -> Served | None:
        """Return the run that answers for an application, if it is in memory."""
        return self._served.get(application)

    def loaded(self) -> dict[str, Served]:
        """Return what is in memory, by application."""
        return dict(self._served)

    def preload(self) -> None:
        """Load every application that has a finished run, so that the first request does not wait."""
        for entry in self.applications():
            if any(one.read_record().get("status") == "done" for one in self.runs(entry.name)):
                self.served(entry.name)

    def runs(self, application: str) -> list[store.RunFolder]:
        """Return the runs of an application, oldest first."""
        return store.run_folders(self.settings.root, application)

    def promote(self, application: str, run: str) -> str:
        """Serve ``run`` from now on; requests in flight are answered by the one before.

        Raises
        ------
        Problem, LeptonError
            There is no such run, or its model cannot be loaded: nothing changes.
        """
        self.application(application)
        folder = self._folder(application, run)
        with self._loading:
            loaded = self._load(application, folder)
            Promotions(self.settings.root, application).promote(run)
            self._served[application] = loaded
        return run

    def roll_back(self, application: str) -> str:
        """Serve the run that was promoted before; return its id."""
        self.application(application)
        with self._loading:
            promotions = Promotions(self.settings.root, application)
            loaded = self._load(application, self._folder(application, promotions.previous()))
            run = promotions.roll_back()
            self._served[application] = loaded
        return run

    def close(self) -> None:
        """Close the audit logs."""
        for audit in self._audits.values():
            audit.close()

    def _folder(self, application: str, run: str | None) -> store.RunFolder:
        """Return the folder of a run by its id, which must be one of the application's: never a path."""
        done = {one.id: one for one in self.runs(application) if one.read_record().get("status") == "done"}
        if run is None and done:
            return done[max(done)]
        if run is None:
            made = f"Make one: lepton run {application} --data FILE"
            raise Problem(NOT_FOUND, "no_run", f"{application} has no finished run. {made}")
        if run not in done:
            raise Problem(NOT_FOUND, "unknown_run", f"{application} has no finished run {run[:80]!r}")
        return done[run]

    def _load(self, application: str, folder: store.RunFolder) -> Served:
        if application not in self._audits:
            self._audits[application] = Audit(self.settings.root / application, self.settings.audit_cases)
        return Served(reopen(folder), self._audits[application])


def case_reader(served: Served) -> CaseReader:
    """Return what checks JSON cases.

    Raises
    ------
    Problem
        The application's cases are no rows of a table.
    """
    if not served.takes_cases:
        raise Problem(
            WRONG_TYPE,
            "files_only",
            f"{served.run.application_id} decides on files, not on JSON; send one with its own content type",
        )
    return served.reader


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return a table as JSON objects: a missing value is ``null``.

    >>> records(pd.DataFrame({"case": [0], "probability": [0.25], "reason": [None]}))
    [{'case': 0, 'probability': 0.25, 'reason': None}]
    """
    columns = [[_plain(value) for value in frame[name].tolist()] for name in frame.columns]
    return [dict(zip(frame.columns, row, strict=True)) for row in zip(*columns, strict=True)]


def _plain(value: Any) -> Any:
    if value is None or value is pd.NaT or (isinstance(value, float) and not math.isfinite(value)):
        return None
    return value if isinstance(value, str | int | float | bool) else str(value)

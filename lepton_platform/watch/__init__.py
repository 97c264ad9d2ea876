"""Watches a stream: decides each batch as it comes, and warns.

What was taken in, the model as it is by now and the alerts that were raised lie in a state folder; so a
watch that was killed goes on where it was. Each batch is decided and its alerts are written to the
journal before the state moves on; what is repeated after a crash raises the same alerts, with the
same ids, and the journal takes none twice.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

import pandas as pd

from lepton_platform.alert import Alert
from lepton_platform.data.dataset import Finding, Source
from lepton_platform.errors import DataError
from lepton_platform.run import Run
from lepton_platform.watch import feed
from lepton_platform.watch.drift import Drift
from lepton_platform.watch.state import WatchState


class Watch:
    """One stream, and the model of a run that decides it.

    Parameters
    ----------
    run : Run
        Reopened; its model is updated as the stream goes on.
    uri : str
        Where rows come from; see ``feed``.
    state : WatchState
        What is known of this stream from before, and where it is stored.
    follow : bool
        Wait for more where the source ends.
    silence : float or None
        Seconds without a row after which a followed stream raises an alert.
    """

    def __init__(
        self, run: Run, uri: str, state: WatchState, follow: bool = False, silence: float | None = None
    ) -> None:
        self.run = run
        self.uri = uri
        self.state = state
        self.follow = follow
        self.silence = silence
        self.rows = state.rows
        self.last: pd.DataFrame | None = None
        """The last batch's decisions."""
        self._drift = self._watched_columns()
        if state.drift is not None and self._drift is not None:
            self._drift.go_on(state.drift)
        self._stored = run.model if state.model is None else state.model
        run.model = run.hooks.update(run.model, None) if state.model is None else state.model

    def _watched_columns(self) -> Drift | None:
        """Watch the columns of tables and what is predicted of them."""
        if not self.run.schema.columns:
            return None
        table = pd.read_parquet(self.run.folder / "predictions.parquet")
        return Drift(self.run.schema, table.drop(columns="case", errors="ignore"))

    def alerts(self) -> Iterator[Alert]:
        """Go through the stream; yield each alert once, when it is in the journal."""
        heard, quiet = time.monotonic(), False
        for batch in feed.batches(self.uri, self.state.place, self.follow, self._read):
            if batch is None:
                if self.silence is not None and not quiet and time.monotonic() - heard > self.silence:
                    quiet = True
                    yield from self.state.journal.new([_silent(self.silence)])
                continue
            rows, place = batch
            heard, quiet = time.monotonic(), False
            raised = self._decided(rows, place.header is not None)
            self.rows += len(rows)
            yield from self.state.journal.new(raised)
            changed = self.run.model is not self._stored
            drift = None if self._drift is None else self._drift.to_json()
            self.state.move_on(place, self.rows, self.run.model if changed else None, drift)
            self._stored = self.run.model

    def _read(self) -> Iterable[pd.DataFrame] | None:
        return self.run.hooks.stream(Source(self.uri))

    def _decided(self, rows: pd.DataFrame, same_columns: bool) -> list[Alert]:
        """Decide a batch, update the model with it, and return what there is to warn of.

        ``same_columns`` says that every row of the stream has the columns of this one: then a fault that is
        of no single row is the stream's, and ends the watch.
        """
        run, index = self.run, pd.RangeIndex(self.rows, self.rows + len(rows))
        hooks, numbered = run.hooks, rows.set_axis(index)
        try:
            dataset = hooks.load(Source(rows=numbered), "decide")
        except DataError as error:
            errors = [finding for finding in error.findings if finding.level == "error"]
            if same_columns and not any(finding.rows for finding in errors):
                raise
            return list(self._unreadable(numbered, same_columns, errors))
        predictions = hooks.predict(run.model, dataset.cases)
        self.last = hooks.decide(predictions, dataset.cases)
        run.model = hooks.update(run.model, numbered)
        raised = hooks.alerts(self.last, dataset.cases)
        if self._drift is not None:
            raised += self._drift.take(dataset.cases, predictions, self.rows)
        return raised

    def _unreadable(self, rows: pd.DataFrame, same_columns: bool, errors: list[Finding]) -> Iterator[Alert]:
        """Decide row by row what cannot be decided together; a row that cannot be alone raises an alert."""
        if len(rows) == 1:
            row, said = f"row {self.rows}", "; ".join(map(str, errors))
            yield Alert("unreadable", row, row, "warning", f"{row} was not decided: {said}")
            return
        begun = self.rows
        for number in range(len(rows)):
            self.rows = begun + number
            yield from self._decided(rows.iloc[[number]], same_columns)
        self.rows = begun


def _silent(seconds: float) -> Alert:
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    said = f"nothing came for {seconds:g} seconds"
    return Alert("silence", "feed", now, "warning", said, {"seconds": seconds})

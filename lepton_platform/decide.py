"""Decides new cases with the model of a finished run, batch by batch, so that memory stays flat."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol, TextIO

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from lepton_platform import store
from lepton_platform.data.dataset import Finding, Source
from lepton_platform.errors import DataError, UsageError, did_you_mean
from lepton_platform.run import Run, with_ids


class Sink(Protocol):
    """Takes decisions batch by batch."""

    def write(self, decisions: pd.DataFrame) -> None: ...

    def close(self) -> None: ...


def decide(run: Run, uri: str, out: str | TextIO) -> dict[str, Any]:
    """Write the decisions on the cases of ``uri`` to the file ``out``; to an open one as CSV.

    Rows are numbered from 0 across the whole source unless the run's config names an id column. The
    file appears when it is complete, or not at all.

    Returns
    -------
    dict
        Number of cases, and how often each value of the column ``decision`` was given, if there is one.
    """
    if not isinstance(out, str):
        return _decide_into(run, uri, _Text(out, "csv"))
    suffix = Path(out).suffix.lower()
    if suffix not in SINKS:
        raise UsageError(f"--out {out!r}: {did_you_mean(suffix, SINKS)}")
    with store.replacing(Path(out)) as temporary:
        return _decide_into(run, uri, SINKS[suffix](temporary))


def _decide_into(run: Run, uri: str, sink: Sink) -> dict[str, Any]:
    total, counts = 0, pd.Series(dtype="int64")
    try:
        for decisions in decided(run, uri):
            sink.write(with_ids(decisions))
            total += len(decisions)
            if "decision" in decisions:
                counts = counts.add(decisions["decision"].value_counts(), fill_value=0)
            run.hooks.batch_finished(len(decisions))
    finally:
        sink.close()
    return {"cases": total, "decisions": {str(name): int(count) for name, count in counts.items()}}


def decided(run: Run, uri: str) -> Iterator[pd.DataFrame]:
    """Yield the decisions on each batch, in order; as many batches at once as there are cores.

    Prediction and arithmetic on arrays leave Python's lock free, so threads suffice.
    """
    cores = os.cpu_count() or 1
    with ThreadPoolExecutor(cores) as pool:
        waiting: deque[Future[pd.DataFrame]] = deque()
        for batch in _batches(run, uri):
            waiting.append(pool.submit(_decide_part, run, uri, batch))
            if len(waiting) > cores:  # so that no more than a few batches are in memory
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _decide_part(run: Run, uri: str, batch: pd.DataFrame) -> pd.DataFrame:
    """Decide one batch; a fault is told with the name of the source and its row there."""
    try:
        return decide_batch(run, batch)
    except DataError as error:
        start = int(batch.index[0])
        findings = [replace(one, rows=tuple(start + row for row in one.rows)) for one in error.findings]
        raise DataError(findings, uri) from error


def decide_batch(run: Run, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the decisions on some rows, one per row, indexed by case."""
    dataset = run.hooks.load(Source(rows=rows), "decide")
    return run.hooks.decide(run.hooks.predict(run.model, dataset.cases), dataset.cases)


def _batches(run: Run, uri: str) -> Iterable[pd.DataFrame]:
    batches = run.hooks.stream(Source(uri))
    if batches is None:
        raise DataError([Finding("error", "no reader knows this kind of source")], uri)
    return batches


class _Parquet:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer: pq.ParquetWriter | None = None

    def write(self, decisions: pd.DataFrame) -> None:
        if self._writer is None:
            self._schema = _with_text(pa.Schema.from_pandas(decisions, preserve_index=False))
            self._writer = pq.ParquetWriter(self._path, self._schema)
        self._writer.write_table(pa.Table.from_pandas(decisions, schema=self._schema, preserve_index=False))

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()


def _with_text(schema: pa.Schema) -> pa.Schema:
    """A column that is empty in the first batch holds text in a later one."""
    fields = [field.with_type(pa.string()) if pa.types.is_null(field.type) else field for field in schema]
    return pa.schema(fields)


class _Text:
    def __init__(self, target: Any, kind: str) -> None:
        self._file = target if hasattr(target, "write") else target.open("w", encoding="utf-8", newline="")
        self._owned = self._file is not target
        self._kind, self._header = kind, True

    def write(self, decisions: pd.DataFrame) -> None:
        if self._kind == "csv":
            decisions.to_csv(self._file, index=False, header=self._header)
        else:
            decisions.to_json(self._file, orient="records", lines=True, force_ascii=False)
        self._header = False

    def close(self) -> None:
        if self._owned:
            self._file.close()


SINKS: dict[str, Any] = {
    ".parquet": _Parquet,
    ".csv": lambda path: _Text(path, "csv"),
    ".jsonl": lambda path: _Text(path, "jsonl"),
}

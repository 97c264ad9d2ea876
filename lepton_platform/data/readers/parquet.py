"""Parquet, whole or by row group."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from lepton_platform.data.dataset import Source
from lepton_platform.data.readers.table import Table, checked, column_names, inexact_warnings

KIND = "Parquet"
FAULTS: tuple[type[Exception], ...] = (pa.ArrowException,)
BUFFER = 1 << 20
"""Bytes read ahead per column; without it a whole column of a row group is held."""


def read(source: Source) -> Table:
    """Return the whole table; a named index that pandas wrote becomes a column."""
    with _opened(source) as file:
        # Each column is freed as soon as it is converted, so that the table is never held twice.
        frame = _indexless(file.read().to_pandas(split_blocks=True, self_destruct=True))
    pa.default_memory_pool().release_unused()
    return Table(frame, tuple(inexact_warnings(frame)))


def batches(source: Source, rows: int) -> Iterator[pd.DataFrame]:
    """Yield the table in frames of at most ``rows`` rows."""
    with _opened(source) as file:
        for batch in file.iter_batches(batch_size=rows):
            frame = _indexless(batch.to_pandas(split_blocks=True, self_destruct=True))
            del batch
            yield frame
            del frame
            pa.default_memory_pool().release_unused()


def _opened(source: Source) -> pq.ParquetFile:
    file = pq.ParquetFile(source.uri, pre_buffer=False, buffer_size=BUFFER)
    try:
        checked(source, file.schema_arrow.names, file.metadata.num_rows)
    except BaseException:
        file.close()
        raise
    return file


def _indexless(frame: pd.DataFrame) -> pd.DataFrame:
    """Make an index that pandas wrote a column, unless it only numbers the rows."""
    numbers = frame.index.nlevels == 1 and frame.index.name is None
    if numbers and pd.api.types.is_integer_dtype(frame.index.dtype):
        frame.index = pd.RangeIndex(len(frame))
    else:
        frame = frame.reset_index()
    frame.columns = pd.Index(column_names(frame.columns))
    return frame

"""Predictive maintenance, data stage: logs in one file or many, and NASA's files as they come."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import replace
from pathlib import Path

import pandas as pd

from lepton_manufacturing.predictive_maintenance import cmapss
from lepton_manufacturing.predictive_maintenance.config import MaintenanceConfig
from lepton_manufacturing.predictive_maintenance.sample import SYNTHETIC
from lepton_platform import DataError, Dataset, Finding, Run, Source, hookimpl
from lepton_platform.data.dataset import Purpose

TABLES = (".csv", ".csv.gz", ".tsv", ".parquet", ".pq", ".xlsx", ".jsonl")


@hookimpl
def lepton_read(source: Source, run: Run) -> pd.DataFrame | None:
    """Read text of bare numbers, C-MAPSS's among it, and a folder of logs."""
    path = source.path
    if path is None:
        return None
    if path.is_dir():
        subset = cmapss.find(path)
        return cmapss.read(subset.train) if subset is not None else _joined(path, run)
    return cmapss.read(path) if cmapss.is_bare(path) else None


@hookimpl
def lepton_stream(source: Source, run: Run) -> Iterable[pd.DataFrame] | None:
    """Text of bare numbers and folders at once; all else batch by batch."""
    table = lepton_read(source, run)
    return None if table is None else [table]


def _joined(folder: Path, run: Run) -> pd.DataFrame:
    """Return the tables of a folder below each other; ``file`` names each row's, which may be its unit."""
    paths = sorted(path for path in folder.iterdir() if path.name.lower().endswith(TABLES))
    if not paths:
        said = f"no C-MAPSS file and no table ({', '.join(TABLES)}) is in the folder"
        raise DataError([Finding("error", said)], str(folder))
    tables = [run.hooks.read(Source(str(path))) for path in paths]
    known = set(tables[0].columns)
    odd = [path.name for path, table in zip(paths, tables, strict=True) if set(table.columns) != known]
    if odd:
        said = f"files differ in their columns from {paths[0].name}: {', '.join(odd[:5])}"
        raise DataError([Finding("error", said, remedy="Give them the same header")], str(folder))
    run.note(Finding("note", f"{len(paths):,} files were read one after the other"))
    named = [table.assign(file=path.name) for path, table in zip(paths, tables, strict=True)]
    return pd.concat(named, ignore_index=True)


@hookimpl(wrapper=True)
def lepton_load(
    source: Source, purpose: Purpose, run: Run, config: MaintenanceConfig
) -> Generator[None, Dataset, Dataset]:
    """Take test and truth of a C-MAPSS subset from where they lie; only their places are looked up here."""
    path = source.path
    if purpose == "train" and run.options.data is None:
        run.note(Finding("warning", SYNTHETIC))
    if purpose == "train" and path is not None:
        subset = cmapss.find(path) if path.is_dir() else None
        if subset is not None or (cmapss.is_bare(path) and cmapss.is_cmapss(cmapss.read(path))):
            run.learned["cap"] = cmapss.CAP
        dataset = yield
        if subset is None or subset.test is None or run.options.test is not None:
            return dataset
        run.note(Finding("note", f"judged on {subset.test.name}, of the same folder"))
        return replace(dataset, test=Source(str(subset.test)))
    if purpose == "test" and path is not None and (truth := cmapss.truth_beside(path)) is not None:
        run.learned["truth"] = str(truth)
    return (yield)

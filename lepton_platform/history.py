"""The runs that were made: how each went, what it measured, and in what two of them differ."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from lepton_platform import store
from lepton_platform.errors import RunError


class Comparison(NamedTuple):
    """Two runs of one application side by side."""

    metrics: dict[str, tuple[dict[str, Any], dict[str, Any] | None]]
    """Metric → what each run measured; ``None`` where the second did not measure it."""
    differing: dict[str, tuple[Any, Any]]
    """Option, or ``data`` (the first letters of its SHA-256) → its value in each run."""

    @property
    def same_data(self) -> bool:
        """Whether both were judged on the same data, so that their numbers can be compared."""
        return "data" not in self.differing


def status(folder: store.RunFolder) -> str:
    """Return ``running``, ``done``, ``failed`` or ``interrupted``."""
    said: str = folder.read_record()["status"]
    if said == "running" and not folder.is_busy():
        return "interrupted"  # killed: it could not say so itself
    return said


def metrics(folder: store.RunFolder) -> dict[str, Any] | None:
    """Return what a run measured, as in ``metrics.json``; ``None`` if it did not come to that."""
    path = folder.path / "metrics.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def row(folder: store.RunFolder) -> dict[str, Any]:
    """Return a run in one row: its status, and the metric that chose its model."""
    measured = metrics(folder)
    selected = measured["selected_by"] if measured else None
    return {
        "id": folder.id,
        "application": folder.read_record()["application"],
        "status": status(folder),
        "selected_by": selected,
        "score": measured["model"][selected]["value"] if measured else None,
        "run_folder": str(folder.path),
    }


def compare(first: store.RunFolder, second: store.RunFolder) -> Comparison:
    """Return what two runs measured, and in which options they differ.

    Raises
    ------
    RunError
        They are runs of two applications, or one of them has measured nothing.
    """
    one, two = first.read_record(), second.read_record()
    if one["application"] != two["application"]:
        raise RunError(f"{first.id} is a run of {one['application']}, {second.id} of {two['application']}")
    tables = [_measured(folder)["model"] for folder in (first, second)]
    return Comparison(
        {name: (tables[0][name], tables[1].get(name)) for name in tables[0]}, _differing(one, two)
    )


def _measured(folder: store.RunFolder) -> dict[str, Any]:
    if (measured := metrics(folder)) is None:
        raise RunError(f"run {folder.id} has no metrics: it did not finish its model stage")
    return measured


def _differing(*records: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    one, two = (
        {**record["options"], **record["config"], "data": record.get("data", {}).get("sha256", "")[:16]}
        for record in records
    )
    keys = sorted({*one, *two})
    return {key: (one.get(key), two.get(key)) for key in keys if one.get(key) != two.get(key)}

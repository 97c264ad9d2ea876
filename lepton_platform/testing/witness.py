"""A layer that the kit adds to a run: it watches what hooks do to the frames they are given.

Its wrappers are the outermost of a run, so that they see what the plugin's own wrappers do as well.
"""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

import joblib
import pandas as pd

from lepton_platform.data.dataset import Dataset, Purpose, Source, Split
from lepton_platform.hooks import APPLICATION_EXTENSION, Layer
from lepton_platform.hookspecs import hookimpl

if TYPE_CHECKING:
    from lepton_platform.model.evaluation import Estimate
    from lepton_platform.run import Run

OUTERMOST = "~witness"
"""Name of the layer: it sorts behind every other of its width."""


@dataclass
class Witness:
    """What was seen of one run."""

    run: Run | None = None
    changed: list[str] = field(default_factory=list)
    """Hooks that changed what they were given, in words."""
    unsealed: list[str] = field(default_factory=list)
    """Where outcomes of the test cases were there before predictions existed, in words."""
    made: dict[str, Any] = field(default_factory=dict)
    """Digest of what the stages so far left on the run, by attribute."""


_WATCHING: WeakValueDictionary[Path, Witness] = WeakValueDictionary()


def of_runs_below(root: Path) -> Witness:
    """Return what will be seen of the one run below ``root``, as long as somebody holds it."""
    return _WATCHING.setdefault(root, Witness())


def layer() -> Layer:
    """Return the layer to be added to that run."""
    return Layer(OUTERMOST, APPLICATION_EXTENSION, (sys.modules[__name__],), "lepton-platform")


def _of(run: Run) -> Witness:
    return _WATCHING[run.folder.parent.parent]


# ------------------------------------------------------------------------------------- watching


@hookimpl
def lepton_stage_started(run: Run) -> None:
    """Keep hold of the run, also of one that fails."""
    _of(run).run = run


@hookimpl(wrapper=True)
def lepton_load(source: Source, purpose: Purpose, run: Run) -> Generator[None, Dataset, Dataset]:
    """Watch the rows in memory, and that outcomes of the test cases stay sealed."""
    if purpose == "truth" and not (run.folder / "predictions.parquet").exists():
        _of(run).unsealed.append("the outcomes were read before the predictions were written")
    with _unchanged(run, "lepton_load", source=source):
        dataset = yield
    if purpose == "test" and dataset.target is not None:
        _of(run).unsealed.append('lepton_load gave the outcomes away for the purpose "test"')
    return dataset


@hookimpl(wrapper=True)
def lepton_split(dataset: Dataset, run: Run) -> Generator[None, Split, Split]:
    """Watch the dataset."""
    with _unchanged(run, "lepton_split", dataset=dataset):
        return (yield)


@hookimpl(wrapper=True)
def lepton_train(dataset: Dataset, run: Run) -> Generator[None, Any, Any]:
    """Watch the dataset."""
    with _unchanged(run, "lepton_train", dataset=dataset):
        return (yield)


@hookimpl(wrapper=True)
def lepton_predict(cases: pd.DataFrame, run: Run) -> Generator[None, pd.DataFrame, pd.DataFrame]:
    """Watch the cases."""
    with _unchanged(run, "lepton_predict", cases=cases):
        return (yield)


@hookimpl(wrapper=True)
def lepton_evaluate(
    predictions: pd.DataFrame, truth: pd.Series[Any], cases: pd.DataFrame, run: Run
) -> Generator[None, Mapping[str, Estimate], Mapping[str, Estimate]]:
    """Watch predictions, truth and cases; metrics are called here."""
    with _unchanged(run, "lepton_evaluate or a metric", predictions=predictions, truth=truth, cases=cases):
        return (yield)


@hookimpl(wrapper=True)
def lepton_decide(
    predictions: pd.DataFrame, cases: pd.DataFrame, run: Run
) -> Generator[None, pd.DataFrame, pd.DataFrame]:
    """Watch predictions and cases."""
    with _unchanged(run, "lepton_decide", predictions=predictions, cases=cases):
        return (yield)


@hookimpl(wrapper=True)
def lepton_summary(run: Run) -> Generator[None, Mapping[str, Any], Mapping[str, Any]]:
    """Remember the decisions, which the report stage has just made."""
    _remember(run, "decisions")
    return (yield)


@hookimpl
def lepton_stage_finished(stage: str, run: Run) -> None:
    """Compare what earlier stages made with what is left of it, and remember what this one made."""
    seen = _of(run)
    for name, before in seen.made.items():
        if _digest(getattr(run, name)) != before:
            seen.changed.append(f"a hook of the {stage} stage changed run.{name}")
    _remember(run, *{"data": ("dataset", "test"), "model": ("predictions", "truth")}.get(stage, ()))


def _remember(run: Run, *names: str) -> None:
    _of(run).made |= {name: _digest(getattr(run, name)) for name in names}


@contextmanager
def _unchanged(run: Run, hook: str, **given: Any) -> Iterator[None]:
    before = {name: _digest(value) for name, value in given.items()}
    yield
    after = {name: _digest(value) for name, value in given.items()}
    _of(run).changed += [f"{hook} changed its {name}" for name in given if before[name] != after[name]]


def _digest(value: Any) -> Any:
    if isinstance(value, Source):
        return _digest(value.rows)
    if isinstance(value, Dataset):
        return [_digest(getattr(value, part.name)) for part in fields(value)]
    if isinstance(value, pd.Series):
        return _digest(value.to_frame())
    if isinstance(value, pd.DataFrame):
        columns = [value.iloc[:, place].to_numpy() for place in range(value.shape[1])]
        return joblib.hash([value.index.to_numpy(), list(value.columns), columns])
    return None

"""Remaining-life task, data stage: a log becomes units at moments, with what each had left."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold

from lepton_platform.data import readers
from lepton_platform.data.dataset import Dataset, Finding, Purpose, Source, Split
from lepton_platform.errors import DataError
from lepton_platform.hookspecs import hookimpl
from lepton_platform.tasks.remaining_life.blend import LifeBlend
from lepton_platform.tasks.remaining_life.censoring import is_known
from lepton_platform.tasks.remaining_life.config import RemainingLifeConfig
from lepton_platform.tasks.remaining_life.history import PAST, History, Past, by_unit, cases_at
from lepton_platform.tasks.remaining_life.records import Records, read_records
from lepton_platform.tasks.remaining_life.roles import Roles, find_roles
from lepton_platform.tasks.remaining_life.stream import FleetMemory, compact, whole_units
from lepton_platform.tasks.remaining_life.windows import regimes_of

if TYPE_CHECKING:
    from lepton_platform.run import Run

Floats = NDArray[np.float64]

MOST_CASES = 60_000
"""Moments to learn from; of more, every so many rows of each unit and its last one."""
FEWEST_UNITS = 10
"""Units seen to fail below which nothing can be learned and checked."""
CAP_SHARE = 0.63
"""Of the median life: the cap, unless one is given. On C-MAPSS FD001 it is the customary 125 cycles."""


@hookimpl
def lepton_load(source: Source, purpose: Purpose, run: Run, config: RemainingLifeConfig) -> Dataset:
    """Read a log of sensors and check it: all findings at once."""
    if purpose == "truth":
        return _truth(source, run, config)
    table = run.hooks.read(source)
    table = table.set_axis(table.columns.map(str), axis=1)
    if purpose == "train":
        return _lives(table, source, run, config)
    roles = Roles.learned(run.learned)
    model = getattr(run, "model", None)
    if purpose == "decide" and isinstance(model, LifeBlend) and model.memory_ is not None:
        return _new_moments(model.memory_, table, roles, source, run)
    records = read_records(table, roles, str(source), run.learned["clock"])
    if purpose == "test":
        run.note(*(finding for finding in records.findings if finding.level != "note"))
    return _dataset([(history, np.array([len(history.time)])) for history in records.histories])


def _new_moments(memory: FleetMemory, table: pd.DataFrame, roles: Roles, source: Source, run: Run) -> Dataset:
    """Return a case for each row of a batch of a watched stream, looking back on what is remembered."""
    batch = compact(table, roles, str(source))
    whole = pd.concat([memory.log(roles), batch], ignore_index=True)
    records = read_records(whole, roles, str(source), run.learned["clock"])
    new = batch.groupby(roles.unit, sort=False).size()
    again = {history.unit for history in records.histories} - set(whole[roles.unit])
    if again:
        said = f"times start again in {min(again).rpartition(' ')[0]}"
        raise DataError([Finding("error", said, remedy="Give its new life a name of its own")], str(source))
    return _dataset(
        [
            (history, np.arange(len(history.time) - new[history.unit], len(history.time)) + 1)
            for history in records.histories
            if history.unit in new
        ]
    )


def _lives(table: pd.DataFrame, source: Source, run: Run, config: RemainingLifeConfig) -> Dataset:
    try:
        roles, findings = find_roles(table, config)
    except DataError as error:
        raise DataError(error.findings, str(source)) from None
    _stop_on_errors(findings, source)
    records = read_records(table, roles, str(source))
    findings += [*records.findings, *_enough(records)]
    _stop_on_errors(findings, source)
    failed = [history for history in records.histories if history.unit in records.failed]
    median = float(np.median([history.time[-1] for history in failed]))
    cap = config.cap or run.learned.get("cap") or round(CAP_SHARE * median, 1)
    settings = [roles.sensors.index(name) for name in config.settings if name in roles.sensors] or None
    run.learned |= {
        "roles": {"unit": roles.unit, "time": roles.time, "event": roles.event},
        "sensors": list(roles.sensors),
        "settings": settings,
        "cap": float(cap),
        "clock": records.clock,
    }
    longest = sum(len(history.time) for history in records.histories)
    stride = int(np.ceil(longest / MOST_CASES))
    moments = [(history, np.arange(len(history.time), 0, -stride)[::-1]) for history in records.histories]
    dataset = _dataset(moments)
    findings += _what_varies(dataset, roles, settings, stride)
    said = f"the target is what is left, at most {cap:g}: median life is {median:g}"
    run.note(*findings, Finding("note", said))
    target = pd.Series(_left(dataset.cases, records, cap), dataset.cases.index, name="rul")
    usable = np.flatnonzero(~np.isnan(target.to_numpy()))
    groups = pd.Series(np.asarray(dataset.cases.index), dataset.cases.index)
    return Dataset(dataset.cases, target, groups, content=dataset.content).take(usable)


def _dataset(moments: list[tuple[History, NDArray[np.intp]]]) -> Dataset:
    """Return a case for each history at each of its numbers of rows."""
    pasts: list[Past] = []
    contents: list[str] = []
    for history, rows in moments:
        pasts += cases_at(history, rows)
        digest = hashlib.sha256(history.time.tobytes() + history.values.tobytes()).hexdigest()
        contents += [f"{history.unit} {digest} {count}" for count in rows]
    index = pd.Index([past.unit for past in pasts], name="unit", dtype=object)
    cases = pd.DataFrame({PAST: pd.Series(pasts, index, dtype=object)})
    return Dataset(cases, content=pd.Series(contents, index, dtype=object))


def _left(cases: pd.DataFrame, records: Records, cap: float) -> Floats:
    """Return what each case had left, capped; negative where that is a lower bound; NaN: nothing known."""
    left = np.empty(len(cases))
    for positions, longest, ends in by_unit(cases):
        remaining = records.ends[longest.unit] - longest.time[ends]
        if longest.unit in records.failed:
            left[positions] = np.minimum(remaining, cap)
        else:
            bound = np.where(remaining > 0, -remaining, np.nan)
            left[positions] = np.where(remaining >= cap, cap, bound)
    return left


def _enough(records: Records) -> list[Finding]:
    if len(records.failed) >= FEWEST_UNITS:
        return []
    said = f"{len(records.failed)} of {len(records.histories)} units were seen to fail"
    return [Finding("error", said, remedy=f"At least {FEWEST_UNITS} are needed to learn and to check")]


def _what_varies(dataset: Dataset, roles: Roles, settings: list[int] | None, stride: int) -> list[Finding]:
    """Say which columns are constant, which are settings, and how many regimes there are."""
    regimes = regimes_of(dataset.cases, settings)
    findings = []
    if stride > 1:
        said = f"every {stride} rows of a unit are learned from, and its last; windows use all rows"
        findings.append(Finding("note", said))
    if len(regimes.codes_) > 1:
        names = ", ".join(roles.sensors[column] for column in regimes.settings_)
        said = f"{len(regimes.codes_)} ways of running are told apart by {names}: sensors are measured from "
        findings.append(Finding("note", f"{said}what is usual in each"))
    still = [name for name, moves in zip(roles.sensors, regimes.moving, strict=True) if not moves]
    if still:
        findings.append(Finding("note", f"never change, and are left out: {', '.join(still)}"))
    if len(still) == len(roles.sensors):
        raise DataError([*findings, Finding("error", "no column varies: there is nothing to learn from")])
    return findings


def _truth(source: Source, run: Run, config: RemainingLifeConfig) -> Dataset:
    """Return what the units of a test log had left, from a file of its own."""
    path = config.truth or run.learned.get("truth")
    if path is None:
        said = f"what had the units of {source} left? No file says so"
        raise DataError([Finding("error", said, remedy="Name it with --truth; predictions are written")])
    table = run.hooks.read(Source(path))
    units = run.test.cases.index
    named = table.columns[table.columns.map(str) == run.learned["roles"]["unit"]]
    values = table.drop(columns=named)
    left = pd.to_numeric(values.iloc[:, -1], errors="coerce").to_numpy(dtype=float)
    if len(named):
        left = pd.Series(left, table[named[0]].astype(str)).reindex(units).to_numpy()
    elif len(left) != len(units):
        said = f"holds {len(left):,} numbers for {len(units):,} units"
        raise DataError([Finding("error", said, remedy="Give one per unit, in the order of the log")], path)
    wrong = np.flatnonzero(~(left >= 0))
    if len(wrong):
        rows = tuple(int(row) for row in wrong[:100])
        raise DataError([Finding("error", "lacks what a unit had left", rows=rows)], path)
    return Dataset(run.test.cases, pd.Series(left, units, name="rul"))


@hookimpl
def lepton_stream(source: Source, run: Run) -> Iterable[pd.DataFrame] | None:
    """Batches of whole units, so that a long log is decided on in flat memory."""
    batches = readers.read_batches(source)
    if batches is None or run.model.memory_ is not None:  # a watched stream has units in any order
        return batches
    return whole_units(batches, run.learned["roles"]["unit"])


def _stop_on_errors(findings: list[Finding], source: Source) -> None:
    if any(finding.level == "error" for finding in findings):
        raise DataError(findings, str(source))


@hookimpl
def lepton_split(dataset: Dataset, run: Run, config: RemainingLifeConfig) -> Split:
    """Whole units apart. Of a unit held out, one moment drawn at random is judged."""
    assert dataset.target is not None
    units, known = np.asarray(dataset.cases.index), is_known(dataset.target)
    rng = np.random.default_rng(run.seed)
    test = np.empty(0, dtype=np.intp)
    train = np.arange(len(units))
    rule = "by unit: none is in two folds"
    if run.test_source is None:
        judged = np.unique(units[known])
        held = rng.permutation(judged)[: max(2, round(config.test_share * len(judged)))]
        test = np.sort([rng.choice(np.flatnonzero((units == unit) & known)) for unit in held])
        train = np.flatnonzero(~np.isin(units, held))
        rule = "by unit: of each unit held out, one moment drawn at random is judged"
    folds = min(config.folds, len(np.unique(units[train])))
    splitter = GroupKFold(folds, shuffle=True, random_state=run.seed)
    return Split(train, test, list(splitter.split(train, groups=units[train])), rule)

"""Image task, data stage: pictures become cases, split so that no patient and no twin straddles."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sklearn.model_selection import StratifiedGroupKFold

from lepton_platform.data.dataset import Dataset, Finding, Purpose, Source, Split
from lepton_platform.data.images import manifest
from lepton_platform.data.images.catalogue import MANIFEST, catalogue
from lepton_platform.data.images.inspection import inspected
from lepton_platform.data.images.twins import Twins, have_twin, twins
from lepton_platform.errors import DataError, did_you_mean
from lepton_platform.hookspecs import hookimpl
from lepton_platform.tasks.image import looks
from lepton_platform.tasks.image.config import ImageConfig

if TYPE_CHECKING:
    from lepton_platform.run import Run

FEWEST = 10
"""Pictures of each class below which nothing can be learned and checked."""
BATCH = 2_048
"""Pictures that `lepton decide` takes at a time. An archive is read from its front for every batch."""
PLACE = ["path", "part", "frame"]
CONTENT = ["sha256", "thumbnail", "width", "height", "grey", "fault"]
NAMED = 20
"""Bad files that a finding names one by one; more of them are counted."""


@hookimpl
def lepton_read(source: Source, run: Run, config: ImageConfig) -> pd.DataFrame | None:
    """Read the catalogue of an archive, a folder, a manifest or one file; not the pixels."""
    return None if source.path is None else _catalogue(source, run, config)


@hookimpl
def lepton_stream(source: Source, run: Run, config: ImageConfig) -> Iterable[pd.DataFrame] | None:
    """Read the same in batches: of an archive with a split, its test part."""
    if source.path is None:
        return None
    table = _to_be_judged(_catalogue(source, run, config))
    return (table.iloc[start : start + BATCH] for start in range(0, len(table), BATCH))


def _catalogue(source: Source, run: Run, config: ImageConfig) -> pd.DataFrame:
    assert source.path is not None
    found = catalogue(source.path)
    if found is not None:
        return found
    from lepton_platform.data import readers

    folder = source.path if source.path.is_dir() else source.path.parent
    table = readers.read_table(Source(str(folder / MANIFEST)) if source.path.is_dir() else source)
    if table is None:
        raise DataError([Finding("error", "no reader knows this kind of source")], str(source))
    run.note(*table.findings)
    if {*PLACE} <= {*table.frame.columns}:  # a catalogue that somebody kept
        return table.frame
    columns = {"image": config.image, "label": config.target, "patient": config.patient,
               "split": config.split, "group": config.group}  # fmt: skip
    return manifest.catalogue(table.frame, folder.resolve(), columns, config.subgroups)


@hookimpl
def lepton_load(source: Source, purpose: Purpose, run: Run, config: ImageConfig) -> Dataset:
    """Read every picture once; what cannot be used is left out, and said file by file.

    ``lepton decide`` leaves nothing out: a picture with a fault is answered with it.
    """
    listed = source.rows if source.rows is not None else run.hooks.read(source)
    if purpose == "train":
        return _training_cases(listed, source, run, config)
    if purpose == "decide":
        pictures = inspected(listed)
        return Dataset(pictures[[*PLACE, *CONTENT]])
    pictures = _usable(inspected(_to_be_judged(listed)), run if purpose == "test" else None)
    if pictures.empty:
        raise DataError([Finding("error", "no picture can be read")], str(source))
    target = None
    if purpose == "truth":
        if "label" not in pictures:
            raise DataError([Finding("error", "it holds no labels to judge by")], str(source))
        target = _coded(pictures["label"], run.learned["labels"], source)
    cases, groups = pictures[[*PLACE, *CONTENT]], _together(pictures, twins(pictures))
    return Dataset(cases, target, groups, extra=_others(pictures), content=cases["sha256"])


def _to_be_judged(listed: pd.DataFrame) -> pd.DataFrame:
    """Return the test part of what has one; else everything."""
    if "split" not in listed or not (listed["split"] == "test").any():
        return listed
    return listed[listed["split"] == "test"]


def _training_cases(listed: pd.DataFrame, source: Source, run: Run, config: ImageConfig) -> Dataset:
    if run.options.test is not None and "split" in listed and (listed["split"] == "test").any():
        run.note(Finding("note", "its own test part is left out, since --test names another"))
        listed = listed[listed["split"] != "test"]
    _require_labels(listed, source)
    pictures = _usable(inspected(listed), run)
    if pictures.empty:
        raise DataError([Finding("error", "no picture can be read")], str(source))
    learned = pictures[pictures["split"] != "test"] if "split" in pictures else pictures
    labels = sorted(learned["label"].unique().tolist())
    classes = _named(labels, config, source)
    run.learned |= {"labels": labels, "classes": classes}
    _stop_on(_too_few(learned["label"], labels), source)
    target = _coded(pictures["label"], labels, source)
    if config.positive is not None and config.positive not in map(str, classes):
        remedy = did_you_mean(config.positive, map(str, classes))
        raise DataError(
            [Finding("error", f"there is no class {config.positive!r}", remedy=remedy)], str(source)
        )
    cases = pictures[[*PLACE, *CONTENT]]
    run.note(*_described(pictures, target, classes))
    return Dataset(
        cases, target, groups=_groups(pictures, run), extra=_others(pictures), content=cases["sha256"]
    )


def _require_labels(listed: pd.DataFrame, source: Source) -> None:
    if "label" not in listed:
        remedy = "Name the column of the manifest with --target, or give an archive with labels"
        raise DataError([Finding("error", "it says no class of any picture", remedy=remedy)], str(source))
    bare = np.flatnonzero((listed["label"].isna() | (listed["label"].astype(str) == "")).to_numpy())
    if len(bare):
        said = f"{len(bare):,} pictures have no class, for instance {_name(listed.index[bare[0]])}"
        remedy = "Put each picture into the folder of its class, or take it out"
        raise DataError(
            [Finding("error", said, rows=tuple(map(int, bare[:100])), remedy=remedy)], str(source)
        )


def _usable(pictures: pd.DataFrame, run: Run | None) -> pd.DataFrame:
    """Return the pictures without a fault; tell the run about the others, file by file."""
    bad = pictures[pictures["fault"] != ""]
    if run is not None:
        for case, fault in bad["fault"].head(NAMED).items():
            run.note(Finding("warning", f"{_name(case)} {fault}: left out"))
        if len(bad) > NAMED:
            run.note(Finding("warning", f"{len(bad) - NAMED:,} more pictures cannot be read: left out"))
    return pictures[pictures["fault"] == ""]


def _name(case: Any) -> str:
    """Return a picture's name without a UID, which would say whose it is."""
    return re.sub(r"\d+(\.\d+){4,}", "...", str(case))


def _named(labels: list[Any], config: ImageConfig, source: Source) -> list[Any]:
    """Return the classes in the order of their labels, under the names that were asked for."""
    if not config.classes:
        return labels
    if len(config.classes) != len(labels):
        said = (
            f"has the labels {', '.join(map(str, labels))}, but --classes gives {len(config.classes)} names"
        )
        raise DataError([Finding("error", said)], str(source))
    return list(config.classes)


def _coded(given: pd.Series[Any], labels: list[Any], source: Source) -> pd.Series[Any]:
    """Return the number of each label's class, shape (n,)."""
    codes = given.map({label: code for code, label in enumerate(labels)})
    strange = given[codes.isna()]
    if len(strange):
        said = f"has classes that training never saw: {', '.join(map(str, strange.unique()[:3]))}"
        remedy = f"Known: {', '.join(map(str, labels))}"
        raise DataError([Finding("error", said, remedy=remedy)], str(source))
    return codes.astype(np.intp).rename("class")


def _too_few(given: pd.Series[Any], labels: list[Any]) -> list[Finding]:
    if len(labels) < 2:
        return [Finding("error", f"all pictures are of class {labels[0]!r}: there is nothing to tell apart")]
    counts = given.value_counts()
    return [
        Finding("error", f"class {name!r} has {counts[name]} pictures to learn from; {FEWEST} are needed")
        for name in labels
        if counts[name] < FEWEST
    ]


def _stop_on(findings: list[Finding], source: Source) -> None:
    if findings:
        raise DataError(findings, str(source))


def _described(pictures: pd.DataFrame, target: pd.Series[Any], classes: list[Any]) -> list[Finding]:
    counts = np.bincount(target, minlength=len(classes))
    listed = ", ".join(f"{name} ({count:,})" for name, count in zip(classes, counts, strict=True))
    sizes = pictures[["width", "height"]].drop_duplicates()
    width, height = pictures["width"], pictures["height"]
    one = f"{width.iloc[0]} x {height.iloc[0]} pixels"
    several = f"{width.min()} to {width.max()} x {height.min()} to {height.max()} pixels"
    colour = "grey" if pictures["grey"].all() else "partly grey" if pictures["grey"].any() else "in colour"
    said = f"the pictures are {colour}, {one if len(sizes) == 1 else several}; classes: {listed}"
    return [Finding("note", said)]


def _groups(pictures: pd.DataFrame, run: Run) -> pd.Series[Any]:
    """Return what must stay on one side: pictures of one patient or group, and near-duplicates."""
    found = twins(pictures)
    run.learned["twin_threshold"] = found.threshold
    if found.paired:
        run.note(_said_of(found.paired, len(pictures), found.threshold))
    if "split" in pictures:
        run.note(*_straddling(pictures, found.threshold))
    return _together(pictures, found)


def _together(pictures: pd.DataFrame, found: Twins) -> pd.Series[Any]:
    joined = [found.groups]
    joined += [pd.factorize(pictures[name])[0] for name in ("patient", "group") if name in pictures]
    return pd.Series(_united(joined), index=pictures.index, name="group")


def _said_of(count: int, total: int, threshold: float) -> Finding:
    said = f"{count:,} of {total:,} pictures are near-duplicates of another, mirror images included"
    how = "equal thumbnails" if threshold >= 1 else f"thumbnails correlate above {threshold:g}"
    remedy = "They are kept in one fold; check whether they show one patient"
    return Finding("warning", f"{said} ({how})", remedy=remedy)


def _straddling(pictures: pd.DataFrame, threshold: float) -> list[Finding]:
    """Warn of patients and twins on both sides of a split that came with the data."""
    test = pictures["split"] == "test"
    findings = []
    if "patient" in pictures:
        both = set(pictures.loc[test, "patient"]) & set(pictures.loc[~test, "patient"])
        if both:
            said = f"{len(both):,} patients have pictures in the test part and in the others"
            remedy = "Split by patient, or leave the split out: then it is made by patient"
            raise DataError([Finding("error", said, remedy=remedy)])
    if test.any():
        twice = have_twin(pictures[test], pictures[~test], threshold)
        if twice.any():
            said = f"{twice.sum():,} of {test.sum():,} test pictures have a near-duplicate among the others"
            findings.append(Finding("warning", f"{said}: the report shows both figures"))
    return findings


def _united(partitions: list[NDArray[Any]]) -> NDArray[np.intp]:
    """Return the finest grouping in which whatever is together in one of ``partitions`` is together.

    A negative number is no group: the picture belongs to nobody.
    """
    n = len(partitions[0])
    links = [np.empty((2, 0), np.intp)]
    for groups in partitions:
        order = np.argsort(groups, kind="stable")
        same = (np.diff(groups[order]) == 0) & (groups[order][1:] >= 0)
        links.append(np.stack([order[:-1][same], order[1:][same]]))
    first, second = np.concatenate(links, axis=1)
    graph = coo_array((np.ones(len(first)), (first, second)), shape=(n, n))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.intp)


def _others(pictures: pd.DataFrame) -> pd.DataFrame:
    return pictures.drop(columns=[*PLACE, *CONTENT, "label"], errors="ignore")


@hookimpl
def lepton_split(dataset: Dataset, run: Run, config: ImageConfig) -> Split:
    """The split that came with the data; else groups together and classes in equal shares."""
    assert dataset.target is not None and dataset.groups is not None and dataset.extra is not None
    y, groups = dataset.target.to_numpy(), dataset.groups.to_numpy()
    everything = np.arange(len(y))
    given = dataset.extra["split"].to_numpy() if "split" in dataset.extra else np.full(len(y), "")
    if run.options.test is not None:
        train, test, rule = everything, everything[:0], "as the two files say"
    elif (given == "test").any():
        train, test = np.flatnonzero(given != "test"), np.flatnonzero(given == "test")
        rule = "as the data say; train and val are learned from together, by cross-validation"
    else:
        parts = max(2, round(1 / config.test_share))
        splitter = StratifiedGroupKFold(parts, shuffle=True, random_state=run.seed)
        train, test = next(splitter.split(everything, y, groups))
        rule = "at random, with the pictures of one patient and near-duplicates kept together"
    if (number := _affordable(dataset, train, run)) < len(train):
        total, budget = len(train), run.options.budget
        train = _drawn(train, y[train], number / total, np.random.default_rng(run.seed))
        said = f"{len(train):,} of {total:,} pictures are learned from, drawn at random"
        run.note(Finding("warning", f"{said}: the budget of {budget:g} s allows no more"))
    counts = np.bincount(y[train], minlength=len(run.learned["classes"]))
    number = min(config.folds or _usual_folds(len(train)), max(2, int(counts.min())))
    splitter = StratifiedGroupKFold(number, shuffle=True, random_state=run.seed)
    folds = list(splitter.split(train, y[train], groups[train]))
    fewest = min(len(np.unique(y[train][fit])) for fit, _ in folds)
    if counts.min() == 0 or fewest < 2:
        name = run.learned["classes"][int(counts.argmin())]
        said = f"class {name!r} has pictures of too few patients to be learned from some and judged on others"
        remedy = "Near-duplicates count as one patient's. Add pictures of others"
        raise DataError([Finding("error", said, remedy=remedy)])
    return Split(train, test, folds, rule)


def _usual_folds(pictures: int) -> int:
    """Return the parts of the cross-validation: where pictures are many, few parts say as much."""
    return 5 if pictures <= 10_000 else 3 if pictures <= 30_000 else 2


def _affordable(dataset: Dataset, train: NDArray[np.intp], run: Run) -> int:
    """Choose how closely pictures are looked at; return how many can be learned from within the budget."""
    usual = run.learned["look"] = looks.usual(len(train))
    if run.deadline is None:
        return len(train)
    judged = len(dataset.cases) - len(train)
    if run.options.test is not None:
        judged = len(_to_be_judged(run.hooks.read(Source(run.options.test))))
    pace = looks.pace(dataset.cases.iloc[train])
    number, pictures = looks.affordable(len(train), judged, pace, run.deadline - time.monotonic())
    run.learned["look"] = number
    run.deadline -= judged * looks.seconds_for(number, pace)  # when all else is done
    if number > usual:
        said = f"pictures are looked at only {looks.LOOKS[number]}: the budget allows no more"
        run.note(Finding("note", said))
    return pictures


def _drawn(
    positions: NDArray[np.intp], classes: NDArray[np.intp], share: float, rng: np.random.Generator
) -> NDArray[np.intp]:
    """Return a share of the pictures of each class, 10 at least, in their order."""
    parts = [rng.permutation(positions[classes == code]) for code in np.unique(classes)]
    return np.sort(np.concatenate([part[: max(FEWEST, round(share * len(part)))] for part in parts]))

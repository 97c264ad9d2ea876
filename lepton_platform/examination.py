"""Tries every plugin more thoroughly than the index does: its stages are imported, its hooks checked."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from lepton_platform import incident, index, store
from lepton_platform.allowed import way_out
from lepton_platform.errors import PluginError, UnknownNameError
from lepton_platform.hooks import Hooks
from lepton_platform.index import Entry, Fault, Index, contained
from lepton_platform.plugins import Offer


class Examined(NamedTuple):
    """What came of trying one entry."""

    entry: Entry
    fault: Fault | None = None
    idle: str = ""
    """Why nothing makes use of it, if it is an extension of what is not there."""
    printed: str = ""
    """What it prints when it is imported, which it should not."""


def examine(commands: Collection[str], runs: Path) -> list[Examined]:
    """Try everything that is installed and may be used, each in a child process, by kind and name.

    Parameters
    ----------
    commands : collection of str
        The host's own commands: an extension that brings one of the same name is at fault.
    runs : path
        Folder of all runs: a plugin whose hook raised in the last run of an application is at fault,
        unless it was changed since.
    """
    installed = index.read()
    if broken := {entry.distribution for entry in installed.broken()}:
        installed = index.read(again=broken)  # what was missing may be there by now
    kinds: tuple[index.Kind, ...] = ("tasks", "applications", "extensions")
    entries = [entry for kind in kinds for entry in installed.entries(kind)]
    working = [entry for entry in entries if entry.fault is None]
    tried = contained.each("lepton_platform.examination:try_one", ([*entry] for entry in working))
    outcomes = {(entry.kind, entry.name): one for entry, one in zip(working, tried, strict=True)}
    known = {**dict(_raised(working, runs)), **dict(_clashes(working, commands))}
    return [
        Examined(entry, entry.fault)
        if entry.fault is not None
        else _examined(entry, outcomes[entry.kind, entry.name], known.get(entry.name), installed)
        for entry in entries
    ]


def try_one(row: Sequence[Any]) -> Fault | None:
    """Import all that an entry brings and check its hooks; this runs in the child process."""
    offer = Offer(*Entry.parsed(row))
    try:
        Hooks([offer.layer(offer.declaration())])
    except PluginError as error:
        return Fault.of(error, offer.distribution)
    except BaseException as error:  # a plugin may raise whatever it likes
        return Fault.of(offer.load_error(error), offer.distribution)
    return None


def _examined(entry: Entry, outcome: contained.Outcome, clash: Fault | None, installed: Index) -> Examined:
    fault = clash
    if outcome.ended:
        fault = contained.fault(entry, outcome)
    elif outcome.answer is not None:
        fault = Fault(*outcome.answer)
    return Examined(entry, fault, "" if fault else _idle(entry, installed), outcome.printed)


def _idle(entry: Entry, installed: Index) -> str:
    kind, _, name = entry.target.rpartition(":")
    if entry.kind != "extensions" or entry.target == "*":
        return ""
    wanted: index.Kind = "tasks" if kind == "task" else "applications"
    known = {one.name for one in installed.entries(wanted)}
    if name in known:
        return ""
    for one in installed.everything:
        if (one.kind, one.name) == (wanted, name):
            return f"{name} of {one} is {installed.choice.state(one.distribution)}"
    missing = str(UnknownNameError(wanted.removesuffix("s"), name, known))
    return f"{missing} It may come with: pip install lepton-{name.partition('.')[0]}"


def _raised(entries: Sequence[Entry], runs: Path) -> Iterator[tuple[str, Fault]]:
    """Yield the entries of which a hook raised in the last run of an application, each with its fault."""
    owners = {entry.name if entry.kind != "tasks" else f"task:{entry.name}": entry for entry in entries}
    last = {folder.path.parent: folder for folder in store.run_folders(runs)}
    for folder in last.values():
        for raised in incident.kept(folder.path):
            entry = owners.get(raised.name)
            if entry is None or entry.distribution != raised.plugin:
                continue
            versions = folder.read_record()["versions"]
            if versions[raised.plugin] == entry.version and not _changed_since(folder, raised.place):
                cause = f"{raised.hook} raised in run {folder.id}: {raised.cause}"
                yield entry.name, Fault(cause, raised.place, way_out(entry.distribution))


def _changed_since(folder: store.RunFolder, place: str) -> bool:
    """Return whether the file in which a hook raised has been edited, or is gone."""
    file = Path(place.rpartition(":")[0])
    return not file.exists() or file.stat().st_mtime > (folder.path / incident.FILE).stat().st_mtime


def _clashes(extensions: Sequence[Entry], commands: Collection[str]) -> Iterator[tuple[str, Fault]]:
    """Yield the extensions that bring a command which somebody else brings too, each with its fault."""
    owners: dict[str, list[Entry]] = {}
    for entry in extensions:
        for name, _ in entry.commands:
            owners.setdefault(name, []).append(entry)
    for name, bringing in owners.items():
        for entry in bringing:
            others = ["the host"] * (name in commands) + [str(one) for one in bringing if one != entry]
            if others:
                cause = f"it brings the command {name!r}, and so does {' and '.join(others)}"
                yield entry.name, Fault(cause, entry.module, way_out(entry.distribution))

"""Makes the index: finds what is installed, and has each entry described in a child process."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from importlib.metadata import distributions

from lepton_platform import allowed
from lepton_platform.index import (
    FORM,
    Entry,
    Environment,
    Head,
    Index,
    Kind,
    Option,
    Stamps,
    contained,
    encoded,
    stamp,
)
from lepton_platform.index.source import roots

DESCRIBE = "lepton_platform.index.describe:describe"
KINDS: tuple[Kind, ...] = ("tasks", "applications", "extensions")
"""In the order in which they are described: an application's options are its task's too."""


def build(environment: Environment, choice: allowed.Choice, previous: Index | None, stale: set[str]) -> bytes:
    """Return the content of an index file.

    Parameters
    ----------
    previous : Index, optional
        An index of the same environment. Only the ``stale`` distributions are described anew: all, if
        one of them offers a task, since an application's options are its task's too.
    """
    entries = _installed() if previous is None else previous.everything
    files: dict[str, Stamps | None] = dict.fromkeys(entry.distribution for entry in entries)
    options: list[list[Option]] = [[] for _ in entries]
    wanted = {name for name in files if choice.allows(name)}
    if previous is not None:
        files |= previous.head.plugins
        options = [previous.own_options(entry) for entry in entries]
        if not any(entry.kind == "tasks" and entry.distribution in stale for entry in entries):
            wanted &= stale
    files |= {name: {} for name in wanted}
    places = [number for number, entry in enumerate(entries) if entry.distribution in wanted]
    outcomes = contained.each(DESCRIBE, _pieces(entries, places))
    with closing(outcomes):
        for number, outcome in zip(places, outcomes, strict=True):
            entry, options[number], stamps = _described(entries[number], outcome)
            entries[number] = entry
            files[entry.distribution] = {**(files[entry.distribution] or {}), **stamps}
    commands = [[*command, one.name, one.distribution] for one in entries for command in one.commands]
    head = Head(FORM, environment, files, commands, 0)
    return encoded(head, entries, options)


def _installed() -> list[Entry]:
    """Return the entry points of the distributions that Python finds, by kind and name."""
    found: dict[str, list[Entry]] = {}
    for distribution in distributions():
        entries = [
            Entry(kind, point.name, point.value, distribution.name, distribution.version)
            for kind in KINDS
            for point in distribution.entry_points.select(group=f"lepton.{kind}")
        ]
        if entries:  # of a distribution that is found twice, the first is the one that is imported
            found.setdefault(allowed.normalised(distribution.name), entries)
    listed = [entry for entries in found.values() for entry in entries]
    return sorted(listed, key=lambda entry: (KINDS.index(entry.kind), entry.name, entry.distribution))


def _pieces(entries: Sequence[Entry], places: Sequence[int]) -> Iterator[dict[str, object]]:
    """Yield what to describe, with the tasks as they have been described by then."""
    for done, number in enumerate(places):
        entry = entries[number]
        _show(f"Reading {len(places)} plugins: {done} done, {entry.distribution} ...")
        tasks = {one.name: one for one in entries if one.kind == "tasks"}
        yield {"entry": entry.undescribed(), "tasks": tasks if entry.kind == "applications" else {}}
    _show("")


def _show(line: str) -> None:
    """Show a line on the terminal, if stderr is one, in the place of the one before."""
    if sys.stderr.isatty() and "_LEPTON_COMPLETE" not in os.environ:  # else it is the shell's prompt
        print(f"\r\x1b[2K{line}", end="", file=sys.stderr, flush=True)


def _described(entry: Entry, outcome: contained.Outcome) -> tuple[Entry, list[Option], Stamps]:
    if not outcome.ended:
        answer = outcome.answer
        described = Entry.parsed(answer["entry"])
        options, files = [Option(*row) for row in answer["options"]], answer["files"]
    else:
        described = entry.undescribed()._replace(fault=contained.fault(entry, outcome))
        options, files = [], {}
    if described.fault is not None:  # what it missed may appear in any of its files, or beside them
        files |= _sources(entry.module)
    return described, options, files


def _sources(module: str) -> Stamps:
    """Return the stamps of all files and folders of a module's package, and of what it lies in."""
    paths = []
    for root in roots(module):
        paths += [os.path.dirname(root), root]
        for folder, folders, names in os.walk(root):
            folders[:] = [name for name in folders if name != "__pycache__"]
            paths += [os.path.join(folder, name) for name in (*folders, *names) if name != "__pycache__"]
    known = ((path, stamp(path)) for path in paths)
    return {path: found for path, found in known if found is not None}

"""The index of what is installed: read at every start, so that no plugin has to be imported.

One file per environment in the user's cache, with a JSON value on each line: the ``Head``, which says
what the file was made from; all entries; then the options of each entry, so that a command parses only
what it shows. Every start compares the stamps in the head with the file system. What has changed is
described again by ``build``, in a child process. A file that cannot be read is made anew, and where none
can be written the index is made at every start: neither is an error.

Everything here is paid for by ``lepton --help``: hence ``os.path`` and named tuples, where pathlib and
dataclasses would cost more than the rest of it together.
"""

from __future__ import annotations

import json
import os
import stat
import sys
import time
import zlib
from collections.abc import Collection, Iterator, Sequence
from functools import cached_property
from typing import Any, Literal, NamedTuple

from lepton_platform import allowed
from lepton_platform.errors import PluginError, PluginLoadError, UnknownNameError

SECONDS_KEPT = 90 * 24 * 3600
Kind = Literal["applications", "extensions", "tasks"]
Environment = dict[str, dict[str, int]]
"""Folder that Python searches → its metadata folders (``*.dist-info``) → when each was changed, in ns."""
Stamps = dict[str, list[int]]
"""File → when it was changed, in ns, and its size in bytes."""


class Fault(NamedTuple):
    """Why a plugin cannot be used, where, and what to do about it."""

    cause: str
    place: str = ""
    remedy: str = ""
    deadly: bool = False
    """Whether importing it ended or blocked the process: it must not be tried in this one."""

    @classmethod
    def of(cls, error: PluginError, distribution: str) -> Fault:
        """Return the fault that an error of a distribution tells of."""
        if isinstance(error, PluginLoadError):
            return cls(error.cause, error.place, error.remedy)
        return cls(str(error), error.place, allowed.way_out(distribution))


class Entry(NamedTuple):
    """An application, extension or task that a distribution offers, and what it declares."""

    kind: Kind
    name: str
    module: str
    distribution: str
    version: str
    summary: str = ""
    task: str = ""
    """Of an application: the name of its task."""
    target: str = ""
    """Of an extension: what it adds to. Empty if it could not be loaded."""
    api: int | None = None
    commands: tuple[tuple[str, str], ...] = ()
    """Of an extension of ``*``: its commands, each with its help in one line."""
    fault: Fault | None = None

    def __str__(self) -> str:
        return f"{self.distribution} {self.version}"

    @classmethod
    def parsed(cls, row: Sequence[Any]) -> Entry:
        """Return the entry that was written as JSON."""
        known = cls(*row)
        commands = tuple((name, said) for name, said in known.commands)
        return known._replace(commands=commands, fault=known.fault and Fault(*known.fault))

    def undescribed(self) -> Entry:
        """Return what is known of it without an import."""
        return Entry(*self[:5])

    def error(self) -> PluginLoadError:
        """Return the entry's fault as an error."""
        assert self.fault is not None
        return PluginLoadError(str(self), self.fault.cause, self.fault.place, self.fault.remedy)


class Option(NamedTuple):
    """A command-line option of an application or an extension."""

    key: str
    """Name of the config's field; of an extension's, ``<extension>.<field>``."""
    name: str
    """How it is spelt on the command line: ``--acme-forest.max-depth``."""
    flag: bool
    metavar: str
    help: str


class Head(NamedTuple):
    """What an index was made from."""

    form: list[str]
    """The interpreter, the host, and what the records in the file consist of."""
    environment: Environment
    plugins: dict[str, Stamps | None]
    """Distribution → stamps of the files that describe it; ``None``: it was not allowed to be imported."""
    commands: list[list[str]]
    """Command → its help in one line, the extension and the distribution that bring it."""
    length: int
    """Bytes that follow: fewer are there if the file was torn."""


FORM = [
    sys.version,
    sys.prefix,
    os.path.dirname(__file__),
    *Head._fields,
    *Entry._fields,
    *Option._fields,
    *Fault._fields,
]


class Index:
    """What is installed, as far as the user's choice allows; parsed on demand."""

    def __init__(self, head: Head, rest: bytes, choice: allowed.Choice) -> None:
        self.head = head
        self.choice = choice
        self._lines = rest.split(b"\n")

    @cached_property
    def everything(self) -> list[Entry]:
        """All entries, by kind and name, those that may not be used among them."""
        return [Entry.parsed(row) for row in json.loads(self._lines[0])]

    def entries(self, kind: Kind) -> list[Entry]:
        """Return the entries of a kind that may be used, by name; some may be broken."""
        entries = [entry for entry in self.everything if entry.kind == kind]
        return self._with_conflicts([one for one in entries if self.choice.allows(one.distribution)])

    def broken(self) -> list[Entry]:
        """Return every entry that may be used and cannot be."""
        kinds: tuple[Kind, ...] = ("tasks", "applications", "extensions")
        return [entry for kind in kinds for entry in self.entries(kind) if entry.fault is not None]

    def named(self, kind: Kind, name: str) -> Entry:
        """Return the entry of that name; it may be broken.

        Raises
        ------
        UnknownNameError
            Nothing of that name is installed.
        PluginLoadError
            The user's choice leaves it out.
        """
        usable = self.entries(kind)
        for entry in usable:
            if entry.name == name:
                return entry
        for entry in self.everything:
            if (entry.kind, entry.name) == (kind, name):
                cause = f"it is {self.choice.state(entry.distribution)}"
                raise PluginLoadError(str(entry), cause, "", self.choice.remedy(entry.distribution))
        raise UnknownNameError(kind.removesuffix("s"), name, {entry.name for entry in usable})

    def extensions(self, application: Entry) -> list[Entry]:
        """Return the extensions that take part in an application's runs, and those that might, if broken.

        What an extension adds to is not known where it could not be loaded.
        """
        widths = {"*": 0, f"task:{application.task}": 1, application.name: 2, "": 3}
        found = [entry for entry in self.entries("extensions") if entry.target in widths]
        return sorted(found, key=lambda entry: (widths[entry.target], entry.name))

    def options(self, application: Entry) -> list[Option]:
        """Return the options of an application and of the extensions that take part in its runs."""
        working = [one for one in self.extensions(application) if one.fault is None]
        return [option for entry in (application, *working) for option in self.own_options(entry)]

    def own_options(self, entry: Entry) -> list[Option]:
        """Return the options that an entry brings itself."""
        line = self._lines[1 + self.everything.index(entry)]
        return [Option(*row) for row in json.loads(line)]

    def commands(self) -> dict[str, tuple[str, str]]:
        """Return the commands that extensions bring: name → help in one line, and the extension's name.

        One that two extensions bring is left out.
        """
        usable = [row for row in self.head.commands if self.choice.allows(row[3])]
        names = [row[0] for row in usable]
        return {name: (said, owner) for name, said, owner, _ in usable if names.count(name) == 1}

    def stale(self) -> set[str]:
        """Return the distributions whose description is missing or of files that have changed."""
        plugins = self.head.plugins.items()
        return {name for name, files in plugins if self.choice.allows(name) and not _unchanged(files)}

    def _with_conflicts(self, entries: list[Entry]) -> list[Entry]:
        """Return each name once; one that two distributions offer as broken."""
        owners: dict[str, list[Entry]] = {}
        for entry in entries:
            owners.setdefault(entry.name, []).append(entry)
        return [offering[0] if len(offering) == 1 else _conflict(offering) for offering in owners.values()]


def read(again: Collection[str] = ()) -> Index:
    """Return the index, up to date.

    Parameters
    ----------
    again : collection of str
        Distributions to describe anew although nothing about them has changed.
    """
    environment, choice = _environment(), allowed.choice()
    previous: Index | None = None
    for content in _contents(environment):
        index = _parsed(content, choice)
        if index is not None and index.head.environment == environment:
            previous = index
            if not again and not index.stale():
                return index

    from lepton_platform.index import build

    stale = previous.stale() | set(again) if previous is not None else set()
    content = build.build(environment, choice, previous, stale)
    _keep(environment, content)
    built = _parsed(content, choice)
    assert built is not None
    return built


def find(kind: Kind, name: str) -> Entry:
    """Return the entry of that name, which can be loaded as far as is known.

    One that could not be loaded is tried once more, in a child process: what it missed may be there
    now. One that ended or blocked the process is not.

    Raises
    ------
    UnknownNameError
        Nothing of that name is installed.
    PluginLoadError
        It cannot be loaded, or the user's choice leaves it out.
    """
    entry = read().named(kind, name)
    if entry.fault is not None and not entry.fault.deadly:
        entry = read(again=[entry.distribution]).named(kind, name)
    if entry.fault is not None:
        raise entry.error()
    return entry


def encoded(head: Head, entries: list[Entry], options: list[list[Option]]) -> bytes:
    """Return the content of an index file; ``options`` holds those of each entry."""
    lines = [json.dumps(value, separators=(",", ":")).encode() for value in (entries, *options)]
    rest = b"\n".join(lines)
    return json.dumps(head._replace(length=len(rest)), separators=(",", ":")).encode() + b"\n" + rest


def stamp(path: str) -> list[int] | None:
    """Return when a file was changed, in ns, and its size; ``None`` if it is gone."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return [status.st_mtime_ns, status.st_size]


def _unchanged(files: Stamps | None) -> bool:
    return files is not None and all(stamp(path) == known for path, known in files.items())


def _conflict(offering: list[Entry]) -> Entry:
    cause = f"{offering[0].name} is offered by {' and '.join(map(str, offering))}"
    unwanted = next(entry for entry in offering if entry.distribution != allowed.HOST)
    remedy = f"Keep one of them, for instance: lepton plugin disable {unwanted.distribution}"
    places = ", ".join(entry.module for entry in offering)
    fault = Fault(cause, places, remedy, deadly=True)  # which of them an import would find is chance
    return offering[0]._replace(fault=fault, target="", commands=())


# ------------------------------------------------------------------------------------- the file


def _environment() -> Environment:
    """Return what is installed in the folders that Python searches.

    The metadata folders are looked at, not the folders they are in: the current folder is among those,
    and a run that writes there installs nothing.
    """
    environment: Environment = {}
    for searched in sys.path:
        try:
            folder = os.path.abspath(searched)
            names = [name for name in os.listdir(folder) if name.endswith((".dist-info", ".egg-info"))]
        except OSError:
            continue
        if names:
            stamps = ((name, stamp(f"{folder}/{name}")) for name in names)
            environment[folder] = {name: known[0] for name, known in stamps if known is not None}
    return environment


def folders() -> Iterator[str]:
    """Yield the folders where an index may be: the user's cache and, for a read-only home, another."""
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    if os.path.isabs(home):
        yield os.path.join(home, "lepton")
    folder = os.path.join(os.environ.get("TMPDIR", "/tmp"), f"lepton-{os.getuid()}")
    try:
        status = os.lstat(folder)
    except OSError:
        yield folder
        return
    if stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid() and not status.st_mode & 0o077:
        yield folder  # nobody else can have put a file there


def _name(environment: Environment) -> str:
    told = "\n".join([*FORM, *environment])
    return f"index-{zlib.crc32(told.encode(errors='surrogateescape')):08x}.json"


_made_here: dict[str, bytes] = {}
"""Indexes that this process made, by name: all there is where no folder can be written."""


def _contents(environment: Environment) -> Iterator[bytes]:
    """Yield the contents of the indexes that may be of this environment."""
    name = _name(environment)
    for folder in folders():
        try:
            with open(os.path.join(folder, name), "rb") as file:
                yield file.read()
        except OSError:
            continue
    if name in _made_here:
        yield _made_here[name]


def _parsed(content: bytes, choice: allowed.Choice) -> Index | None:
    """Return the index in a file's content; ``None`` if it is torn, foreign or of another form."""
    first, _, rest = content.partition(b"\n")
    try:
        head = Head(*json.loads(first))
    except (ValueError, TypeError):
        return None
    return Index(head, rest, choice) if head.form == FORM and head.length == len(rest) else None


def _keep(environment: Environment, content: bytes) -> None:
    """Write the index where it can be written, at once or not at all."""
    from pathlib import Path

    from lepton_platform import store
    from lepton_platform.errors import RunError

    name = _name(environment)
    _made_here[name] = content
    for folder in folders():
        try:
            os.makedirs(folder, mode=0o700, exist_ok=True)
            with store.replacing(Path(folder, name)) as temporary:
                temporary.write_bytes(content)
            _forget_old(folder)
            return
        except (OSError, RunError):
            continue


def _forget_old(folder: str) -> None:
    """Remove indexes that were made long ago, such as those of environments that are gone."""
    for entry in os.scandir(folder):
        if entry.name.startswith("index-") and entry.stat().st_mtime < time.time() - SECONDS_KEPT:
            os.unlink(entry.path)

"""Which of the installed plugins may be used; asked before any of them is imported.

``LEPTON_PLUGINS`` names the distributions that may be used, all others may not; what
``lepton plugin disable`` switched off stands in the user's configuration, one name a line.
The host's own distribution is always used.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import Literal, NamedTuple

from lepton_platform.errors import RunError, UnknownNameError, UsageError, did_you_mean

HOST = "lepton-platform"
VARIABLE = "LEPTON_PLUGINS"
State = Literal["enabled", "disabled", "not allowed"]


class Choice(NamedTuple):
    """What the user allows, by normalised names of distributions."""

    only: frozenset[str] | None
    """What ``LEPTON_PLUGINS`` names; ``None`` where it is not set."""
    disabled: frozenset[str]

    def state(self, distribution: str) -> State:
        """Return whether a distribution may be used, or what forbids it."""
        if self.only is None and not self.disabled:  # the usual case, asked for every plugin at every start
            return "enabled"
        name = normalised(distribution)
        if name == HOST:
            return "enabled"
        if self.only is not None and name not in self.only:
            return "not allowed"
        return "disabled" if name in self.disabled else "enabled"

    def allows(self, distribution: str) -> bool:
        return self.state(distribution) == "enabled"

    def remedy(self, distribution: str) -> str:
        """Say how a distribution that may not be used comes to be used."""
        if self.state(distribution) == "disabled":
            return f"Enable it: lepton plugin enable {distribution}"
        return f"Add {distribution} to the environment variable {VARIABLE}, or unset it"

    def unknown(self, installed: Iterable[str]) -> list[str]:
        """Return a sentence for each name in ``LEPTON_PLUGINS`` that is no plugin's."""
        names = {normalised(name) for name in installed}
        strange = sorted((self.only or frozenset()) - names)
        return [f"{VARIABLE} names {name!r}, no plugin. {did_you_mean(name, names)}" for name in strange]


def normalised(distribution: str) -> str:
    """Return the form in which names of distributions are compared (PEP 503).

    >>> normalised("Lepton_Finance")
    'lepton-finance'
    """
    return re.sub(r"[-_.]+", "-", distribution.strip()).lower()


def way_out(distribution: str) -> str:
    """Say what can be done about a distribution that is broken."""
    if normalised(distribution) in ("", HOST):
        return f"Reinstall it: pip install --force-reinstall {HOST}"
    return f"Upgrade it, or leave it out: lepton plugin disable {distribution}"


def choice() -> Choice:
    """Read what the user allows."""
    named = os.environ.get(VARIABLE)
    only = None if named is None else frozenset(map(normalised, named.split(","))) - {""}
    return Choice(only, _disabled())


def set_enabled(distribution: str, enabled: bool, installed: Iterable[str]) -> None:
    """Switch a plugin on or off for all commands to come.

    Raises
    ------
    UnknownNameError
        No distribution of that name brings a plugin (one that is gone can still be enabled).
    UsageError
        It is the host itself.
    RunError
        The configuration cannot be written.
    """
    name, disabled = normalised(distribution), _disabled()
    if name == HOST:
        raise UsageError(f"{HOST} is the host itself; it cannot be disabled")
    known = {normalised(one) for one in installed}
    if name not in known | disabled:
        raise UnknownNameError("plugin", distribution, known - {HOST})
    chosen = disabled - {name} if enabled else disabled | {name}

    from pathlib import Path  # not at the top: every command asks what is allowed, few change it

    from lepton_platform import store

    try:
        os.makedirs(os.path.dirname(_file()), exist_ok=True)
    except OSError as error:
        raise RunError(f"cannot write {_file()}: {error.strerror}") from error
    store.write_text(Path(_file()), "".join(f"{one}\n" for one in sorted(chosen)))


def _file() -> str:
    home = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    return os.path.join(home, "lepton", "disabled-plugins")


def _disabled() -> frozenset[str]:
    try:
        with open(_file(), encoding="utf-8") as lines:
            return frozenset(map(normalised, lines)) - {""}
    except (FileNotFoundError, NotADirectoryError):
        return frozenset()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {_file()}, the list of disabled plugins: {error}") from None

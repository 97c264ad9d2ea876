"""What a plugin declares: an application, the task it is an instance of, or an extension.

These are plain declarations; behaviour is in the hook functions of the same module. Importing
this module loads nothing but the standard library, so that a plugin's top module stays light.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lepton_platform.config import Config
    from lepton_platform.data.dataset import Source

API_VERSION = 1
"""The version of the hook interface that this host speaks."""
WORD = r"[a-z][a-z0-9]*(-[a-z0-9]+)*"
"""Form of an extension's name; an application's id is two of them with a dot between."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """The shape that some applications share: what a case, a target and a prediction are.

    A task is a module with the attribute ``task = Task(...)`` and hook functions.
    """

    summary: str
    config: type[Config]
    """Options of every application of this task."""
    cases: str = "cases"
    """What its users call several of the things that are predicted: ``"engines"``, ``"days"``."""


@dataclass(frozen=True)
class Sample:
    """Data that an application ships, so that it can be tried offline with one command."""

    source: Source
    options: Mapping[str, Any]
    """Options of the application that the data need, by field name; the user's own come first."""


@dataclass(frozen=True)
class Application:
    """One job of one industry, for instance ``finance.credit-risk``.

    An application is a module with the attribute ``application = Application(...)`` and hook
    functions. In a package, the hooks stand in the modules ``data``, ``model`` and ``report``,
    which the host imports when a run starts.
    """

    summary: str
    """One line, imperative: what it does for its user."""
    task: str
    """Name of the task, for instance ``"binary"``."""
    target: str | None = None
    """Column that the task learns, where the application knows it; ``--target`` overrides."""
    positive: tuple[str, ...] = ()
    """Words of the field, in lower case, that name the event: ``("bad", "default")``."""
    config: type[Config] | None = None
    """Options of this application, beside those of its task."""
    select: str | None = None
    """Name of the metric that chooses between candidates; ``None``: the task's first."""
    sample: Callable[[], Sample] | None = None
    """Gives what ``lepton run`` uses without ``--data``."""
    trusted_types: tuple[str, ...] = ()
    """Full names of classes outside the plugin that its saved models consist of."""
    decisions: Mapping[str, str] = field(default_factory=dict)
    """What each column of its decisions says, beside the task's predictions: meaning, unit, when empty."""
    waivers: Mapping[str, str] = field(default_factory=dict)
    """Checks of ``lepton plugin check`` that it does not pass, each with the reason why not."""
    api: int = API_VERSION
    """Version of the hook interface that the application was written for."""


@dataclass(frozen=True)
class Extension:
    """Adds to somebody else's application, to all of a task, or to every run.

    An extension is a module with the attribute ``extension = Extension(...)`` and hook functions.
    """

    target: str
    """An application's id, ``"task:<name>"`` or ``"*"``."""
    config: type[Config] | None = None
    """Options of its own, given as ``--<extension>.<option>``; its hooks get them as ``config``."""
    trusted_types: tuple[str, ...] = ()
    """Full names of classes outside the plugin that its saved models consist of."""
    waivers: Mapping[str, str] = field(default_factory=dict)
    """Checks of ``lepton plugin check`` that it does not pass, each with the reason why not."""
    api: int = API_VERSION
    """Version of the hook interface that the extension was written for."""

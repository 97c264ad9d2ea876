"""Finds what installed distributions offer, and loads what one run needs.

An application, a task or an extension is an entry point; its id is the entry point's name, so it is
listed without being imported. One that cannot be imported is named with its distribution and its
cause, and disturbs nothing else.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import Any, Literal

from lepton_platform.application import API_VERSION, Application, Extension, Task
from lepton_platform.errors import PluginError, PluginLoadError, UnknownNameError
from lepton_platform.hooks import (
    APPLICATION,
    APPLICATION_EXTENSION,
    HOST,
    STAR_EXTENSION,
    TASK,
    TASK_EXTENSION,
    Hooks,
    Layer,
    check_hooks,
)

Kind = Literal["applications", "extensions", "tasks"]
DECLARATIONS: dict[Kind, tuple[str, type]] = {
    "applications": ("application", Application),
    "extensions": ("extension", Extension),
    "tasks": ("task", Task),
}
STAGES = ("data", "model", "report")


@dataclass(frozen=True)
class Offer:
    """An application, extension or task that an installed distribution offers."""

    kind: Kind
    name: str
    module: str
    distribution: str
    version: str

    def __str__(self) -> str:
        return f"{self.distribution} {self.version}"

    def declaration(self) -> Any:
        """Import the module and return what it declares.

        Raises
        ------
        PluginLoadError
            It cannot be imported, declares nothing of this kind, or speaks another hook version.
        """
        attribute, expected = DECLARATIONS[self.kind]
        declared = getattr(self._imported(self.module), attribute, None)
        if not isinstance(declared, expected):
            raise PluginLoadError(
                f"{self}: module {self.module} has no `{attribute} = {expected.__name__}(...)`, "
                f"but {self.name!r} is registered as one of its {self.kind}"
            )
        api = getattr(declared, "api", API_VERSION)
        if api != API_VERSION:
            older = self.distribution if api < API_VERSION else "lepton-platform"
            raise PluginLoadError(
                f"{self}: {self.name} speaks version {api} of the hooks, this host version {API_VERSION}. "
                f"Upgrade {older}: pip install --upgrade {older}"
            )
        return declared

    def modules(self) -> tuple[ModuleType, ...]:
        """Import the modules that may hold hooks: the declared one and, of a package, its stages."""
        top = self._imported(self.module)
        if not hasattr(top, "__path__"):
            return (top,)
        stages = [f"{self.module}.{stage}" for stage in STAGES]
        present = [name for name in stages if importlib.util.find_spec(name) is not None]
        return (top, *(self._imported(name) for name in present))

    def _imported(self, module: str) -> ModuleType:
        try:
            return importlib.import_module(module)
        except (Exception, SystemExit) as error:
            cause = f"{type(error).__name__}: {error}"
            if isinstance(error, ModuleNotFoundError) and not str(error.name).startswith(self.module):
                cause = f"No module named {error.name!r} (try: pip install {error.name})"
            raise PluginLoadError(f"{self} cannot be loaded: {cause}") from error


def offers(kind: Kind) -> list[Offer]:
    """Return what is installed of ``kind``, by name; nothing is imported."""
    found = {_offer(kind, entry) for entry in entry_points(group=f"lepton.{kind}")}
    return sorted(found, key=lambda offer: (offer.name, offer.distribution))


def find(kind: Kind, name: str) -> Offer:
    """Return the one offer of that name.

    Raises
    ------
    UnknownNameError
        Nothing of that name is installed.
    PluginLoadError
        Two distributions offer it.
    """
    return _one(offers(kind), kind, name)


def _one(known: list[Offer], kind: Kind, name: str) -> Offer:
    named = [offer for offer in known if offer.name == name]
    if not named:
        raise UnknownNameError(kind.removesuffix("s"), name, {offer.name for offer in known})
    if len(named) > 1:
        owners = " and ".join(str(offer) for offer in named)
        raise PluginLoadError(f"{name} is offered by {owners}. Uninstall one of them.")
    return named[0]


@dataclass(frozen=True)
class Participants:
    """Everything that takes part in the runs of one application."""

    offer: Offer
    application: Application
    task: Task
    layers: tuple[Layer, ...]
    broken: tuple[PluginError, ...]
    """Extensions that could not be loaded; the run goes on without them."""


def participants(application_id: str) -> Participants:
    """Load the application, its task, and the extensions that add to either or to every run."""
    offer = find("applications", application_id)
    application: Application = offer.declaration()
    task_offer = find("tasks", application.task)
    task: Task = task_offer.declaration()
    extensions, broken = _extensions(application_id, application.task)
    layers = (
        host_layer(),
        Layer(f"task:{application.task}", TASK, task_offer.modules(), task_offer.distribution),
        Layer(application_id, APPLICATION, offer.modules(), offer.distribution, application.trusted_types),
        *extensions,
    )
    return Participants(offer, application, task, layers, tuple(broken))


def host_layer() -> Layer:
    """The host's own behaviour, written as hooks like everybody else's."""
    modules = tuple(importlib.import_module(f"lepton_platform.{stage}.host") for stage in STAGES)
    progress = importlib.import_module("lepton_platform.progress")
    return Layer("host", HOST, (*modules, progress), "lepton-platform")


def _extensions(application_id: str, task: str) -> tuple[list[Layer], list[PluginError]]:
    widths = {"*": STAR_EXTENSION, f"task:{task}": TASK_EXTENSION, application_id: APPLICATION_EXTENSION}
    layers: list[Layer] = []
    broken: list[PluginError] = []
    known = offers("extensions")
    for name in dict.fromkeys(offer.name for offer in known):
        try:
            offer = _one(known, "extensions", name)
            extension: Extension = offer.declaration()
            if extension.target in widths:
                width = widths[extension.target]
                layer = Layer(
                    offer.name,
                    width,
                    offer.modules(),
                    offer.distribution,
                    extension.trusted_types,
                    extension.config,
                )
                for module in layer.modules:
                    check_hooks(module, layer)
                layers.append(layer)
        except PluginError as error:
            broken.append(error)
    return layers, broken


def problems() -> Iterator[PluginError]:
    """Try everything that is installed and yield what cannot be used, for ``lepton doctor``."""
    for kind in DECLARATIONS:
        known = offers(kind)
        for name in dict.fromkeys(offer.name for offer in known):
            try:
                offer = _one(known, kind, name)
                width = _width(kind, offer.declaration())
                Hooks([Layer(name, width, offer.modules(), offer.distribution)])
            except PluginError as error:
                yield error


def _width(kind: Kind, declared: Any) -> int:
    if kind == "tasks":
        return TASK
    if kind == "applications":
        return APPLICATION
    if declared.target == "*":
        return STAR_EXTENSION
    return TASK_EXTENSION if declared.target.startswith("task:") else APPLICATION_EXTENSION


def _offer(kind: Kind, entry: EntryPoint) -> Offer:
    distribution = entry.dist
    name = distribution.name if distribution is not None else "unknown distribution"
    version = distribution.version if distribution is not None else ""
    return Offer(kind, entry.name, entry.value, name, version)

"""Loads what one run needs of what installed distributions offer.

An application, a task or an extension is an entry point, and its id is the entry point's name. What
there is says the index; here, what takes part is imported. One that cannot be imported is named
with its distribution and its cause, and disturbs nothing else.
"""

from __future__ import annotations

import importlib
import importlib.util
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any

from lepton_platform import index, missing
from lepton_platform.allowed import way_out
from lepton_platform.application import API_VERSION, Application, Extension, Task
from lepton_platform.errors import PluginError, PluginLoadError, cause_of
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
from lepton_platform.index import Entry, Kind
from lepton_platform.index.source import place_in

if TYPE_CHECKING:
    import click

DECLARATIONS: dict[Kind, tuple[str, type]] = {
    "applications": ("application", Application),
    "extensions": ("extension", Extension),
    "tasks": ("task", Task),
}
STAGES = ("data", "model", "report")


class Offer(Entry):
    """An application, extension or task that an installed distribution offers, to be imported."""

    __slots__ = ()

    def declaration(self) -> Any:
        """Import the module and return what it declares.

        Raises
        ------
        PluginLoadError
            It cannot be imported, declares nothing of this kind, or speaks another hook version. What
            is known to end or to block the process is not imported at all.
        """
        attribute, expected = DECLARATIONS[self.kind]
        module = self._imported(self.module)
        place = getattr(module, "__file__", None) or self.module
        declared = getattr(module, attribute, None)
        if not isinstance(declared, expected):
            cause = f"module {self.module} has no `{attribute} = {expected.__name__}(...)`"
            remedy = f"Add it, or remove {self.name!r} from the entry points lepton.{self.kind}"
            raise PluginLoadError(str(self), cause, place, remedy)
        api = getattr(declared, "api", API_VERSION)
        if api != API_VERSION:
            older = self.distribution if api < API_VERSION else "lepton-platform"
            cause = f"{self.name} speaks version {api} of the hooks, this host version {API_VERSION}"
            remedy = f"Upgrade {older}: pip install --upgrade {older}"
            raise PluginLoadError(str(self), cause, place, remedy)
        return declared

    def modules(self) -> tuple[ModuleType, ...]:
        """Import the modules that may hold hooks: the declared one and, of a package, its stages."""
        top = self._imported(self.module)
        if not hasattr(top, "__path__"):
            return (top,)
        stages = [f"{self.module}.{stage}" for stage in STAGES]
        present = [name for name in stages if importlib.util.find_spec(name) is not None]
        return (top, *(self._imported(name) for name in present))

    def layer(self, declared: Any) -> Layer:
        """Return the layer of the runs it takes part in, its hooks checked.

        Raises
        ------
        HookError
            A hook cannot be used.
        """
        width = _width(self.kind, declared)
        name = f"task:{self.name}" if self.kind == "tasks" else self.name
        config = declared.config if self.kind == "extensions" else None  # others' are the run's own
        trusted = getattr(declared, "trusted_types", ())
        layer = Layer(name, width, self.modules(), self.distribution, trusted, config)
        for module in layer.modules:
            check_hooks(module, layer)
        return layer

    def click_commands(self, declared: Any) -> list[click.Command]:
        """Return the commands that an extension of ``*`` brings; its stages are not imported for that."""
        if self.kind != "extensions" or declared.target != "*":
            return []
        layer = Layer(self.name, STAR_EXTENSION, (self._imported(self.module),), self.distribution)
        return [command for _, command in Hooks([layer]).commands()]

    def _imported(self, module: str) -> ModuleType:
        if self.fault is not None and self.fault.deadly:
            raise self.error()
        try:
            return importlib.import_module(module)
        except (Exception, SystemExit) as error:
            raise self.load_error(error) from error

    def load_error(self, error: BaseException) -> PluginLoadError:
        """Return what an import raised as an error that names the plugin, the place and the remedy."""
        cause = cause_of(error)
        remedy = way_out(self.distribution)
        if isinstance(error, ModuleNotFoundError) and error.name is not None:
            own = error.name.partition(".")[0] == self.module.partition(".")[0]
            cause = f"No module named {error.name!r}"
            remedy = (
                f"Reinstall it: pip install --force-reinstall {self.distribution}"
                if own
                else f"Install it: {missing.install_command(error.name, self.distribution)}"
            )
        return PluginLoadError(str(self), cause, self.place(error), remedy)

    def place(self, error: BaseException) -> str:
        """Return file and line of the innermost code of the plugin that an error went through."""
        return place_in(error, self.module)


def offers(kind: Kind) -> list[Offer]:
    """Return what is installed of ``kind`` and may be used, by name; nothing is imported."""
    return [Offer(*entry) for entry in index.read().entries(kind)]


def find(kind: Kind, name: str) -> Offer:
    """Return the one offer of that name.

    Raises
    ------
    UnknownNameError
        Nothing of that name is installed.
    PluginLoadError
        It cannot be loaded, two distributions offer it, or the user's choice leaves it out.
    """
    return Offer(*index.find(kind, name))


def command(name: str) -> click.Command:
    """Return the command of that name, which an extension brings."""
    offer = find("extensions", index.read().commands()[name][1])
    return next(one for one in offer.click_commands(offer.declaration()) if one.name == name)


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
    layers = [host_layer(), task_offer.layer(task), offer.layer(application)]
    broken: list[PluginError] = []
    for extension in index.read().extensions(offer):
        try:
            if extension.fault is not None:
                raise extension.error()
            adding = Offer(*extension)
            layers.append(adding.layer(adding.declaration()))
        except PluginError as error:
            broken.append(error)
    return Participants(offer, application, task, tuple(layers), tuple(broken))


def host_layer() -> Layer:
    """The host's own behaviour, written as hooks like everybody else's."""
    parts = (*STAGES, "engine")
    modules = tuple(importlib.import_module(f"lepton_platform.{part}.host") for part in parts)
    progress = importlib.import_module("lepton_platform.progress")
    return Layer("host", HOST, (*modules, progress), "lepton-platform")


def _width(kind: Kind, declared: Any) -> int:
    if kind == "tasks":
        return TASK
    if kind == "applications":
        return APPLICATION
    if declared.target == "*":
        return STAR_EXTENSION
    return TASK_EXTENSION if declared.target.startswith("task:") else APPLICATION_EXTENSION

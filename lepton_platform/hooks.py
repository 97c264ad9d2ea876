"""Calls the hooks of one run: the only code that talks to pluggy.

Layers are registered from wide to narrow (host, extensions of ``*``, task, extensions of the task,
application, extensions of the application; ties by name), after every function in them was checked.
"""

from __future__ import annotations

import functools
import inspect
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pluggy

from lepton_platform import hookspecs, incident, progress
from lepton_platform.allowed import way_out
from lepton_platform.errors import HookError, LeptonError, cause_of, did_you_mean
from lepton_platform.hookspecs import BY_SOURCE, COLLECTED, GATHERED, OBSERVED
from lepton_platform.incident import Incident
from lepton_platform.index.source import place_in

if TYPE_CHECKING:
    import click
    import pandas as pd

    from lepton_platform.alert import Alert
    from lepton_platform.config import Config
    from lepton_platform.data.dataset import Dataset, Purpose, Source, Split, Step
    from lepton_platform.engine import Engine
    from lepton_platform.model.candidate import Candidate, Metric
    from lepton_platform.model.evaluation import Estimate
    from lepton_platform.report.section import Section
    from lepton_platform.run import Run

HOST, STAR_EXTENSION, TASK, TASK_EXTENSION, APPLICATION, APPLICATION_EXTENSION = range(6)

SPECS = {name: spec for name, spec in vars(hookspecs).items() if name.startswith("lepton_")}
ANSWERED_ONCE = SPECS.keys() - COLLECTED - GATHERED - OBSERVED - BY_SOURCE
OF_STAR_EXTENSIONS = OBSERVED | BY_SOURCE | {"lepton_sections", "lepton_write", "lepton_commands"}


@dataclass(frozen=True)
class Layer:
    """One participant of a run: its name, how narrow it is, and its modules with hooks."""

    name: str
    width: int
    modules: tuple[ModuleType, ...]
    distribution: str = ""
    trusted_types: tuple[str, ...] = ()
    config: type[Config] | None = None
    """Options of an extension's own, which its hooks get in place of the application's."""

    @property
    def extends(self) -> bool:
        """Whether it is an extension, which adds and never replaces."""
        return self.width in (STAR_EXTENSION, TASK_EXTENSION, APPLICATION_EXTENSION)


class Hooks:
    """The hooks of one run, typed; arguments every hook is offered are added here."""

    def __init__(self, layers: Iterable[Layer], run: Run | None = None) -> None:
        self.layers = sorted(layers, key=lambda layer: (layer.width, layer.name))
        self._run = run
        self._owners: dict[str, Layer] = {}
        self._modules: list[ModuleType] = []
        self._complained: set[tuple[str, str]] = set()
        self._manager = pluggy.PluginManager("lepton")
        self._manager.add_hookspecs(hookspecs)
        for layer in self.layers:
            for module in layer.modules:
                self._register(layer, module)
        self._refuse_two_answers_at_one_width()

    # ------------------------------------------------------------------------- registration

    def _register(self, layer: Layer, module: ModuleType) -> None:
        check_hooks(module, layer)
        if module in self._modules:
            raise HookError(f"{layer.name}: module {module.__name__} takes part in the run twice")
        self._modules.append(module)
        key = f"{layer.name}:{module.__name__}"
        if layer.config is not None and self._run is not None:
            module = _with_config(module, self._run.extension_configs[layer.name])
        self._manager.register(module, name=key)
        self._owners[key] = layer

    def _refuse_two_answers_at_one_width(self) -> None:
        for name in ANSWERED_ONCE:
            answers: dict[int, str] = {}
            for impl in self._plain(name):
                width = self._owners[impl.plugin_name].width
                if width in answers:
                    raise HookError(
                        f"{name} is answered twice at one width, by {answers[width]} and by "
                        f"{impl.plugin_name}. Keep one, or make one a wrapper (@hookimpl(wrapper=True))."
                    )
                answers[width] = impl.plugin_name

    def _plain(self, name: str) -> list[pluggy.HookImpl]:
        """Implementations that are not wrappers, wide to narrow."""
        return [impl for impl in getattr(self._manager.hook, name).get_hookimpls() if not impl.wrapper]

    def layers_of(self, name: str) -> list[Layer]:
        """Return the layers that have a part in a hook, wide to narrow; wrappers too."""
        impls = getattr(self._manager.hook, name).get_hookimpls()
        return sorted((self._owners[impl.plugin_name] for impl in impls), key=lambda layer: layer.width)

    # ------------------------------------------------------------------------------ calling

    def _offer(self, arguments: dict[str, Any]) -> dict[str, Any]:
        return {**arguments, "run": self._run, "config": None if self._run is None else self._run.config}

    def _single(self, name: str, expected: type | None = None, **arguments: Any) -> Any:
        caller = getattr(self._manager.hook, name)
        try:
            answer = caller(**self._offer(arguments))
        except LeptonError:
            raise
        except Exception as error:
            self._note_plugin(name, error)
            raise
        wrong_type = expected is not None and not isinstance(answer, expected)
        if answer is None or wrong_type:
            self._check_came_back(name, answer, expected)
        return answer

    def _check_came_back(self, name: str, answer: Any, expected: type | None) -> None:
        wrappers = [i.plugin_name for i in getattr(self._manager.hook, name).get_hookimpls() if i.wrapper]
        if answer is None and name in BY_SOURCE:
            return
        if answer is None and wrappers:
            raise HookError(
                f"{name} came back empty through the wrapper of {', '.join(wrappers)}. "
                "A wrapper must return its result: `result = yield` and then `return result`."
            )
        if answer is None:
            raise HookError(f"no layer answers {name}")
        owners = ", ".join(impl.plugin_name for impl in self._plain(name))
        assert expected is not None
        raise HookError(f"{name} must return a {expected.__name__}, not {type(answer).__name__} ({owners})")

    def _note_plugin(self, name: str, error: BaseException) -> None:
        impls = getattr(self._manager.hook, name).get_hookimpls()
        code = {inspect.unwrap(impl.function).__code__: impl for impl in impls}
        frames = [frame.f_code for frame, _ in traceback.walk_tb(error.__traceback__)]
        for impl in filter(None, map(code.get, reversed(frames))):  # the innermost: a wrapper only passes on
            self._name_owner(error, name, self._owners[impl.plugin_name])
            return

    def _name_owner(self, error: BaseException, name: str, owner: Layer) -> None:
        """Add to an error which hook of which plugin raised it, and what can be done about that."""
        remedy = way_out(owner.distribution)
        error.add_note(f"raised in {name} of {owner.name} ({owner.distribution or 'host'}). {remedy}")
        self._keep(error, name, owner)

    def _keep(self, error: BaseException, name: str, owner: Layer) -> None:
        """Keep in the run's folder that a plugin's hook raised, for ``lepton doctor``."""
        if self._run is None or self._run.reopened or owner.width == HOST:
            return
        cause = cause_of(error)
        place = place_in(error, owner.modules[0].__name__)
        with suppress(OSError):  # a full disk may be what it failed of
            incident.keep(self._run.folder, Incident(owner.name, owner.distribution, name, cause, place))

    def _each(self, name: str, **arguments: Any) -> Iterable[tuple[Layer, Any]]:
        """Call every implementation of a collected hook, wide to narrow, with its owner."""
        offered = self._offer(arguments)
        for impl in self._plain(name):
            owner = self._owners[impl.plugin_name]
            try:
                answer = impl.function(*(offered[argument] for argument in impl.argnames))
            except LeptonError:
                raise
            except Exception as error:
                self._name_owner(error, name, owner)
                raise
            if answer is not None:
                yield owner, answer

    def _merge(self, name: str, expected: type = object, **arguments: Any) -> dict[str, Any]:
        """Merge the named parts of a collected hook, each stamped with where it came from."""
        merged: dict[str, Any] = {}
        for owner, parts in self._each(name, **arguments):
            if not isinstance(parts, Mapping):
                raise HookError(f"{name} of {owner.name} must return a dict, not {type(parts).__name__}")
            for key, part in parts.items():
                if part is not None and not isinstance(part, expected):
                    wanted = f"{expected.__name__} objects by name, but {key!r} is a {type(part).__name__}"
                    raise HookError(f"{name} of {owner.name} must return {wanted}")
                if owner.extends and part is None:
                    raise HookError(f"{owner.name} is an extension: it cannot remove {key!r} in {name}")
                if owner.extends:
                    merged[f"{owner.name}/{key}"] = (owner, part)
                elif part is not None:
                    merged[key] = (owner, part)
                elif key in merged:
                    del merged[key]
                else:
                    hint = did_you_mean(key, merged)
                    raise HookError(f"{owner.name} removes {key!r} in {name}, which nobody named. {hint}")
        return merged

    def _tell(self, name: str, **arguments: Any) -> None:
        """Tell observers; one that raises disturbs nobody, and the user reads of it."""
        offered = self._offer(arguments)
        for impl in self._plain(name):
            try:
                impl.function(*(offered[argument] for argument in impl.argnames))
            except Exception as error:
                self._complain(name, self._owners[impl.plugin_name], error)

    def _complain(self, name: str, owner: Layer, error: Exception) -> None:
        """Log that an observer failed; say it on stderr too, once per hook, for some are called often."""
        cause = " ".join(str(error).split()) if isinstance(error, LeptonError) else cause_of(error)
        said = f"{owner.name} ({owner.distribution or 'host'}) failed in {name}: {cause}"
        if (name, owner.name) not in self._complained:
            self._complained.add((name, owner.name))
            self._keep(error, name, owner)
            progress.warn(said)
        if self._run is not None:
            with suppress(OSError):  # a full disk may be what it failed of
                self._run.log(said)

    # ----------------------------------------------------------------------------- the hooks

    def read(self, source: Source) -> pd.DataFrame:
        from lepton_platform.data.dataset import Finding
        from lepton_platform.errors import DataError

        frame = self._single("lepton_read", source=source)
        if frame is None:
            remedy = (
                "Give a .csv, .tsv, .parquet, .xlsx or .jsonl file (text also gzipped), "
                "or a database as dialect://...?query=SELECT ..."
            )
            raise DataError(
                [Finding("error", "no reader knows this kind of source", remedy=remedy)], str(source)
            )
        return frame  # type: ignore[no-any-return]

    def load(self, source: Source, purpose: Purpose) -> Dataset:
        from lepton_platform.data.dataset import Dataset

        return self._single("lepton_load", Dataset, source=source, purpose=purpose)  # type: ignore[no-any-return]

    def split(self, dataset: Dataset) -> Split:
        from lepton_platform.data.dataset import Split

        return self._single("lepton_split", Split, dataset=dataset)  # type: ignore[no-any-return]

    def steps(self, dataset: Dataset) -> dict[str, Step]:
        from lepton_platform.data.dataset import Step

        parts = self._merge("lepton_steps", Step, dataset=dataset)
        stamped = {
            name: replace(step, origin=owner.name, extends=owner.extends)
            for name, (owner, step) in parts.items()
        }
        return dict(sorted(stamped.items(), key=lambda item: item[1].order))

    def models(self, dataset: Dataset) -> dict[str, Candidate]:
        from lepton_platform.model.candidate import Candidate

        candidates = {}
        for name, (owner, part) in self._merge("lepton_models", dataset=dataset).items():
            candidate = part if isinstance(part, Candidate) else Candidate(part)
            candidates[name] = replace(candidate, origin=owner.name)
        return candidates

    def metrics(self) -> dict[str, Metric]:
        from lepton_platform.model.candidate import Metric

        parts = self._merge("lepton_metrics", Metric)
        return {name: replace(metric, origin=owner.name) for name, (owner, metric) in parts.items()}

    def train(
        self,
        dataset: Dataset,
        split: Split,
        candidates: Mapping[str, Candidate],
        metrics: Mapping[str, Metric],
    ) -> Any:
        return self._single(
            "lepton_train", dataset=dataset, split=split, candidates=candidates, metrics=metrics
        )

    def predict(self, model: Any, cases: pd.DataFrame) -> pd.DataFrame:
        import pandas as pd

        predictions = self._single("lepton_predict", pd.DataFrame, model=model, cases=cases)
        if not cases.index.equals(predictions.index):
            raise HookError("lepton_predict must return one row per case, on the cases' index")
        return predictions  # type: ignore[no-any-return]

    def evaluate(
        self,
        predictions: pd.DataFrame,
        truth: pd.Series[Any],
        cases: pd.DataFrame,
        metrics: Mapping[str, Metric],
    ) -> Mapping[str, Estimate]:
        return self._single(  # type: ignore[no-any-return]
            "lepton_evaluate", Mapping, predictions=predictions, truth=truth, cases=cases, metrics=metrics
        )

    def decide(self, predictions: pd.DataFrame, cases: pd.DataFrame) -> pd.DataFrame:
        import pandas as pd

        return self._single("lepton_decide", pd.DataFrame, predictions=predictions, cases=cases)  # type: ignore[no-any-return]

    def summary(self) -> Mapping[str, Any]:
        return self._single("lepton_summary", Mapping)  # type: ignore[no-any-return]

    def sections(self) -> list[Section]:
        from lepton_platform.report.section import Section

        named: dict[str, Section] = {}
        titles: set[tuple[str, str]] = set()
        for owner, sections in self._each("lepton_sections"):
            for section in _listed("lepton_sections", owner, sections, Section):
                if (owner.name, section.title) in titles:
                    raise HookError(f"{owner.name} has two sections called {section.title!r}. Rename one.")
                titles.add((owner.name, section.title))
                key = f"{owner.name}/{section.title}" if owner.extends else section.title
                named[key] = replace(section, origin=owner.name if owner.extends else "")
        return sorted(named.values(), key=lambda section: (section.order, section.title))

    def write(self, sections: Sequence[Section]) -> list[Path]:
        written = self._each("lepton_write", sections=sections)
        return [path for owner, paths in written for path in _listed("lepton_write", owner, paths, Path)]

    def stream(self, source: Source) -> Iterable[pd.DataFrame] | None:
        return self._single("lepton_stream", source=source)  # type: ignore[no-any-return]

    def update(self, model: Any, batch: pd.DataFrame | None) -> Any:
        return self._single("lepton_update", model=model, batch=batch)

    def alerts(self, decisions: pd.DataFrame, cases: pd.DataFrame) -> list[Alert]:
        from lepton_platform.alert import Alert

        raised = self._each("lepton_alerts", decisions=decisions, cases=cases)
        return [one for owner, alerts in raised for one in _listed("lepton_alerts", owner, alerts, Alert)]

    def engine(self, url: str) -> Engine | None:
        return self._single("lepton_engine", url=url)  # type: ignore[no-any-return]

    def commands(self) -> list[tuple[Layer, click.Command]]:
        """Return the commands that plugins add, each with the layer it came from."""
        import click

        return [
            (owner, command)
            for owner, commands in self._each("lepton_commands")
            for command in _listed("lepton_commands", owner, commands, click.Command)
        ]

    def stage_started(self, stage: str) -> None:
        self._tell("lepton_stage_started", stage=stage)

    def stage_finished(self, stage: str) -> None:
        self._tell("lepton_stage_finished", stage=stage)

    def batch_finished(self, rows: int) -> None:
        self._tell("lepton_batch_finished", rows=rows)

    def progress(self, done: int, total: int, what: str) -> None:
        self._tell("lepton_progress", done=done, total=total, what=what)

    def run_finished(self) -> None:
        self._tell("lepton_run_finished")

    def run_failed(self, error: BaseException) -> None:
        self._tell("lepton_run_failed", error=error)


def _with_config(module: ModuleType, config: Config) -> ModuleType:
    """Return an extension's hooks so that they get its own ``config``; pluggy offers all layers one."""
    stand_in = ModuleType(module.__name__)
    for name, function in vars(module).items():
        if getattr(function, "lepton_impl", None) is not None:
            own = "config" in inspect.signature(function).parameters
            setattr(stand_in, name, _bound(function, config) if own else function)
    return stand_in


def _bound(function: Callable[..., Any], config: Config) -> Callable[..., Any]:
    """Return ``function`` with ``config`` in the place of the one it is offered."""
    place = list(inspect.signature(function).parameters).index("config")

    def own(offered: tuple[Any, ...]) -> tuple[Any, ...]:
        return (*offered[:place], config, *offered[place + 1 :])

    if inspect.isgeneratorfunction(function):  # pluggy takes nothing else for a wrapper

        @functools.wraps(function)
        def wrapper(*offered: Any) -> Any:
            return (yield from function(*own(offered)))

        return wrapper

    @functools.wraps(function)
    def plain(*offered: Any) -> Any:
        return function(*own(offered))

    return plain


# --------------------------------------------------------------------------------------- guards


def _listed(name: str, owner: Layer, answer: Any, expected: type) -> Sequence[Any]:
    if isinstance(answer, Sequence) and all(isinstance(part, expected) for part in answer):
        return answer
    raise HookError(f"{name} of {owner.name} must return a list of {expected.__name__}")


def place_of(function: Callable[..., Any]) -> str:
    """Return file and line of a hook's definition."""
    code = inspect.unwrap(function).__code__
    return f"{code.co_filename}:{code.co_firstlineno}"


def check_hooks(module: ModuleType, layer: Layer) -> None:
    """Raise ``HookError`` for every ``lepton_*`` function that pluggy would misunderstand.

    A misspelt or unmarked hook would be silent, a generator would always "answer", and the order
    of answers is the layers' and nobody else's.
    """
    faults: list[str] = []
    places: list[str] = []
    for name, function in vars(module).items():
        # pluggy registers whatever is marked, wherever it was defined and whatever it is called
        marks = getattr(function, "lepton_impl", None) if inspect.isroutine(function) else None
        own = inspect.isfunction(function) and function.__module__ == module.__name__
        if marks is not None or (own and name.startswith("lepton_")):
            hook = (marks or {}).get("specname") or name
            found = [f"{module.__name__}.{name}: {fault}" for fault in _faults(hook, function, layer)]
            faults += found
            places += [place_of(function)] * len(found)
    if faults:
        owner = layer.distribution or layer.name
        listed = "\n".join(f"  - {fault}" for fault in faults)
        raise HookError(f"{owner} has hooks that cannot be used:\n{listed}", places[0])


def _faults(name: str, function: Any, layer: Layer) -> Iterable[str]:
    if name not in SPECS:
        yield f"there is no such hook. {did_you_mean(name, SPECS)}"
        return
    marks = getattr(function, "lepton_impl", None)
    if marks is None:
        yield "is not marked; put @hookimpl above it"
        return
    known = {*inspect.signature(SPECS[name]).parameters}
    for argument, parameter in inspect.signature(function).parameters.items():
        if argument not in known:
            yield f"cannot take {argument!r}. {did_you_mean(argument, known)}"
        elif parameter.default is not parameter.empty:
            yield f"gives {argument!r} a default, so that it would never be passed; leave the default out"
    if marks["tryfirst"] or marks["trylast"]:
        yield "uses tryfirst or trylast; the order is the layers', wide to narrow"
    if marks["hookwrapper"]:
        yield "uses hookwrapper; write @hookimpl(wrapper=True) and return the result"
    if marks["wrapper"] and name in COLLECTED | GATHERED | OBSERVED:
        yield "is a wrapper, which goes around single-answer hooks only"
    if inspect.isgeneratorfunction(function) and not (marks["wrapper"] or marks["hookwrapper"]):
        yield "is a generator, which always counts as an answer; return a list or an iterator instead"
    if layer.width == STAR_EXTENSION and name not in OF_STAR_EXTENSIONS and not marks["wrapper"]:
        yield 'is not for an extension of "*", which may observe, wrap, read and add sections'
    elif name == "lepton_commands" and layer.width != STAR_EXTENSION:
        yield 'is for an extension of "*": a command belongs to no one application'
    elif layer.extends and not marks["wrapper"] and name in ANSWERED_ONCE:
        yield "would replace the application's own answer; an extension may only wrap it"

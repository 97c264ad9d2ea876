"""A plugin for mypy that compares every function under ``@hookimpl`` with the hook of its name.

A hook function takes any of the hook's arguments in any order, and ``config`` as a class of its own;
no type of Python can say that. An author enables the plugin in ``pyproject.toml``::

    [tool.mypy]
    plugins = ["lepton_platform.mypy_plugin"]

Its errors have the code ``lepton-hook``. Of a function under further decorators only the name is
checked, since they may change what it takes and returns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from mypy.errorcodes import ErrorCode
from mypy.messages import format_type
from mypy.nodes import ARG_POS, Context, Decorator, FuncDef
from mypy.plugin import CheckerPluginInterface, MethodSigContext, Plugin
from mypy.subtypes import is_subtype
from mypy.typeops import function_type
from mypy.types import CallableType, FunctionLike, Instance, NoneType, Type, get_proper_type
from mypy.types_utils import remove_optional

from lepton_platform.errors import did_you_mean
from lepton_platform.hooks import SPECS
from lepton_platform.hookspecs import BY_SOURCE, COLLECTED, GATHERED, OBSERVED

LEPTON_HOOK = ErrorCode("lepton-hook", "Check that a function fits the hook of its name", "Lepton Platform")

# what is called where a function is marked
PLAIN = "lepton_platform.hookspecs.HookimplMarker.__call__"
WRAPPER = "lepton_platform.hookspecs.WrapperMarker.__call__"

Faults = Iterator[tuple[Context, str]]


def plugin(version: str) -> type[Plugin]:
    """Return the plugin, for any version of mypy."""
    return HookPlugin


class HookPlugin(Plugin):
    """Looks at each function where it is marked."""

    def get_method_signature_hook(self, fullname: str) -> Callable[[MethodSigContext], FunctionLike] | None:
        """Return what checks a function that is marked by calling ``fullname``."""
        return partial(self._check, wraps=fullname == WRAPPER) if fullname in (PLAIN, WRAPPER) else None

    def _check(self, call: MethodSigContext, wraps: bool) -> FunctionLike:
        if isinstance(call.context, Decorator) and call.args[0]:  # one overload takes no function
            for place, fault in self._faults(call.context, wraps, call.api):
                call.api.fail(fault, place, code=LEPTON_HOOK)
        return call.default_signature

    def _faults(self, decorated: Decorator, wraps: bool, checker: CheckerPluginInterface) -> Faults:
        function = decorated.func
        name = function.name
        if name not in SPECS:
            yield function, f"there is no hook {name!r}. {did_you_mean(name, SPECS)}"
        elif wraps and name in COLLECTED | GATHERED | OBSERVED:
            yield function, f"{name} cannot be wrapped; a wrapper goes around single-answer hooks only"
        elif len(decorated.decorators) == 1:
            implementation = Implementation(function, self._hook(name), wraps, checker)
            yield from implementation.argument_faults()
            yield from implementation.answer_faults()

    def _hook(self, name: str) -> CallableType:
        """Return the type of a hook as ``hookspecs.py`` declares it."""
        found = self.lookup_fully_qualified(f"lepton_platform.hookspecs.{name}")
        assert found is not None and isinstance(found.node, Decorator)
        declared = found.node.func.type
        assert isinstance(declared, CallableType)
        return declared


@dataclass(frozen=True)
class Implementation:
    """A function and the hook that it implements."""

    function: FuncDef
    hook: CallableType
    wraps: bool
    checker: CheckerPluginInterface

    def argument_faults(self) -> Faults:
        """Find arguments that the hook does not have, or that cannot take what it passes."""
        offered = dict(zip(map(str, self.hook.arg_names), self.hook.arg_types, strict=True))
        for argument, annotated in zip(self.function.arguments, self._own().arg_types, strict=True):
            name = argument.variable.name
            if name not in offered:
                yield argument, f"{self.function.name} cannot take {name!r}. {did_you_mean(name, offered)}"
            elif argument.kind != ARG_POS:
                yield argument, f"{name!r} is never passed to an argument with a default or by keyword only"
            elif not _takes(annotated, offered[name]):
                passed, taken = self._shown(offered[name]), self._shown(annotated)
                yield argument, f"{self.function.name} passes {name!r} as {passed}, not as {taken}"

    def answer_faults(self) -> Faults:
        """Find an answer that the host cannot use."""
        name, expected, answer = self.function.name, self._answer(), self._own().ret_type
        if self.function.is_generator and not self.wraps:
            remedy = "return a list or an iterator instead"
            yield self.function, f"{name} is a generator, which always counts as an answer; {remedy}"
        elif self.function.is_generator == self.wraps and not is_subtype(answer, expected):
            # a wrapper that is no generator is refused by the type of its marker
            yield self.function, f"{name} must return {self._shown(expected)}, not {self._shown(answer)}"

    def _own(self) -> CallableType:
        """Return the function's type; what is not annotated is ``Any``."""
        own = function_type(self.function, self.checker.named_generic_type("builtins.function", []))
        assert isinstance(own, CallableType)
        return own

    def _answer(self) -> Type:
        """Return what the function must return; a wrapper is sent an answer and returns one."""
        answer = self.hook.ret_type
        if not self.wraps:
            return answer
        if self.function.name not in BY_SOURCE:  # of the others, one layer must have answered
            answer = remove_optional(answer)
        return self.checker.named_generic_type("typing.Generator", [NoneType(), answer, answer])

    def _shown(self, shown: Type) -> str:
        return format_type(shown, self.checker.options)


def _takes(annotated: Type, offered: Type) -> bool:
    """Whether an argument takes what the host passes; a config may be of the author's own class."""
    proper = get_proper_type(offered)
    is_config = isinstance(proper, Instance) and proper.type.fullname == "lepton_platform.config.Config"
    return is_subtype(offered, annotated) or (is_config and is_subtype(annotated, offered))

"""Print docs/reference/hooks.md from the specifications: every hook, in call order, with an example.

.venv/bin/python docs/reference/generate.py > docs/reference/hooks.md
"""

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Generator
from pathlib import Path
from types import ModuleType
from typing import Any

from lepton_platform import hookimpl, hookspecs
from lepton_platform.errors import HookError
from lepton_platform.hooks import (
    ANSWERED_ONCE,
    APPLICATION,
    APPLICATION_EXTENSION,
    SPECS,
    STAR_EXTENSION,
    TASK,
    Layer,
    check_hooks,
)
from lepton_platform.hookspecs import BY_SOURCE, COLLECTED, OBSERVED

EXAMPLES = sorted((Path(__file__).parent / "examples").glob("*.py"))
HEADING = re.compile(r"^# -+ (.+)$", re.MULTILINE)
DEFINITION = re.compile(r"^(\w+)\n    ", re.MULTILINE)
AUTHORS = {
    "tasks": TASK,
    "applications": APPLICATION,
    "extensions": APPLICATION_EXTENSION,
    "extensions of `*`": STAR_EXTENSION,
}


def page() -> str:
    """Return the whole page."""
    names = " and ".join(f"[{file.name}](examples/{file.name})" for file in EXAMPLES)
    parts = [
        "# Hooks",
        "<!-- Printed by docs/reference/generate.py from lepton_platform/hookspecs.py. Do not edit. -->",
        DEFINITION.sub(r"- *\1*:\n  ", _text(hookspecs)).replace("\n    ", "\n  "),
        _wrapped(
            "Types that a plugin needs are imported from `lepton_platform`; `pd` is pandas, `np` numpy. "
            f"The examples are cut from {names}, which the tests run."
        ),
    ]
    for name in SPECS:
        parts += _hook(name)
    return "\n\n".join(parts) + "\n"


def _hook(name: str) -> list[str]:
    signature = inspect.signature(SPECS[name])
    stage = _stage(name).capitalize()
    said = _text(SPECS[name]).removeprefix(f"{stage}: ")
    return [
        f"## `{name}({', '.join(signature.parameters)})`",
        f"{stage} · {_kind(name)}",
        f"```python\n{_typed(name, signature)}\n```",
        said[0].upper() + said[1:],
        _wrapped(_who(name)),
        f"```python\n{example(name)}\n```",
    ]


def _typed(name: str, signature: inspect.Signature) -> str:
    """Return the hook as it would be called, one argument a line where they are many."""
    arguments = [f"{argument.name}: {argument.annotation}" for argument in signature.parameters.values()]
    line = f"{name}({', '.join(arguments)}) -> {signature.return_annotation}"
    if len(line) <= 110:
        return line
    return "\n".join(
        [f"{name}(", *(f"    {one}," for one in arguments), f") -> {signature.return_annotation}"]
    )


def example(name: str) -> str:
    """Return the source of a hook's example, after what its body uses of the same file."""
    for file in EXAMPLES:
        source = file.read_text(encoding="utf-8")
        defined = {getattr(node, "name", ""): node for node in ast.parse(source).body}
        if name in defined:
            body = ast.Module(defined[name].body, type_ignores=[])
            used = {node.id for node in ast.walk(body) if isinstance(node, ast.Name)}
            shown = [defined[one] for one in defined if one in used] + [defined[name]]
            return "\n\n\n".join(_source(source, node) for node in shown)
    raise LookupError(f"{name} has no example: write one in docs/reference/examples, and its test")


def _source(source: str, node: ast.stmt) -> str:
    """Return the lines of a definition, its decorators included."""
    first = min(part.lineno for part in [node, *getattr(node, "decorator_list", [])])
    return "\n".join(source.splitlines()[first - 1 : node.end_lineno])


def _text(documented: Any) -> str:
    """Return a docstring as Markdown."""
    return inspect.cleandoc(str(documented.__doc__)).replace("``", "`")


def _wrapped(text: str) -> str:
    return textwrap.fill(text, width=110, break_on_hyphens=False)


def _kind(name: str) -> str:
    if name in ANSWERED_ONCE:
        return "single"
    if name in BY_SOURCE:
        return "single, chosen by what is asked for: several plain answers at one width are no conflict"
    if name in OBSERVED:
        return "observed"
    return f"collected, {'merged by name' if name in COLLECTED else 'all that is returned adds up'}"


def _who(name: str) -> str:
    """Say who may implement a hook; the host's own check is asked."""
    answering = [author for author, width in AUTHORS.items() if _allowed(name, _plain, width)]
    wrapping = [author for author, width in AUTHORS.items() if _allowed(name, _wrapper, width)]
    told = f"Implemented by {_listed(answering)}."
    if only := [author for author in wrapping if author not in answering]:
        return f"{told} {_listed(only).capitalize()} may wrap it."
    return f"{told} May be wrapped." if wrapping else told


def _allowed(name: str, function: Callable[..., Any], width: int) -> bool:
    module = ModuleType("asked")
    setattr(module, name, function)
    try:
        check_hooks(module, Layer("asked", width, (module,)))
    except HookError:
        return False
    return True


def _stage(name: str) -> str:
    """Return the heading under which the hook stands in the module."""
    source = inspect.getsource(hookspecs)
    before = source[: source.index(f"def {name}(")]
    return HEADING.findall(before)[-1]


def _listed(parts: list[str]) -> str:
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


@hookimpl
def _plain() -> None:
    pass


@hookimpl(wrapper=True)
def _wrapper() -> Generator[None, Any, Any]:
    return (yield)


if __name__ == "__main__":
    print(page(), end="")

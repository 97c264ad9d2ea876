"""Print docs/reference/hooks.md from the specifications: every hook, in call order.

.venv/bin/python docs/reference/generate.py > docs/reference/hooks.md
"""

import inspect
import re
import textwrap
from typing import Any

from lepton_platform import hookspecs
from lepton_platform.hooks import ANSWERED_ONCE, OF_STAR_EXTENSIONS, SPECS
from lepton_platform.hookspecs import BY_SOURCE, COLLECTED, GATHERED, OBSERVED

HEADING = re.compile(r"^# -+ (.+)$", re.MULTILINE)
DEFINITION = re.compile(r"^(\w+)\n    ", re.MULTILINE)


def page() -> str:
    """Return the whole page."""
    parts = [
        "# Hooks",
        "<!-- Printed by docs/reference/generate.py from lepton_platform/hookspecs.py. Do not edit. -->",
        DEFINITION.sub(r"- *\1*:\n  ", _text(hookspecs)).replace("\n    ", "\n  "),
        textwrap.fill(
            f"An extension may implement {_listed(COLLECTED | GATHERED | OBSERVED | BY_SOURCE)}, and wrap "
            "the others. An extension of every run (`*`) may implement "
            f"{_listed(OF_STAR_EXTENSIONS)}, and wrap.",
            width=110,
        ),
        "Types that a plugin needs are imported from `lepton_platform`; `pd` is pandas.",
    ]
    for name in SPECS:
        parts += _hook(name)
    return "\n\n".join(parts) + "\n"


def _hook(name: str) -> list[str]:
    signature = inspect.signature(SPECS[name])
    typed = ", ".join(f"{argument.name}: {argument.annotation}" for argument in signature.parameters.values())
    return [
        f"## `{name}({', '.join(signature.parameters)})`",
        f"{_stage(name).capitalize()} · {_kind(name)}",
        f"```python\n{name}({typed}) -> {signature.return_annotation}\n```",
        _text(SPECS[name]),
    ]


def _text(documented: Any) -> str:
    """Return a docstring as Markdown."""
    return inspect.cleandoc(str(documented.__doc__)).replace("``", "`")


def _kind(name: str) -> str:
    if name in ANSWERED_ONCE:
        return "single"
    if name in BY_SOURCE:
        return "single, chosen by what is asked for: several plain answers at one width are no conflict"
    if name in OBSERVED:
        return "observed"
    return f"collected, {'merged by name' if name in COLLECTED else 'all that is returned adds up'}"


def _stage(name: str) -> str:
    """Return the heading under which the hook stands in the module."""
    source = inspect.getsource(hookspecs)
    before = source[: source.index(f"def {name}(")]
    return HEADING.findall(before)[-1]


def _listed(names: frozenset[str]) -> str:
    return ", ".join(f"`{name}`" for name in SPECS if name in names)


if __name__ == "__main__":
    print(page(), end="")

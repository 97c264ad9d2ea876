"""What a check is: a function whose name is its id and whose docstring is its page."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from lepton_platform.testing.subject import Subject

Level = Literal["bronze", "silver", "gold"]
LEVELS: tuple[Level, ...] = ("bronze", "silver", "gold")
MOST_WAIVED = {"bronze": 4, "silver": 3, "gold": 2}
"""Waived checks that a level tolerates, those of the levels below it included."""

Kind = Literal["applications", "extensions"]
BOTH: tuple[Kind, ...] = ("applications", "extensions")


class Fault(AssertionError):  # noqa: N818 - a failed check, not an error of the kit
    """A plugin does not do what a check asks; the message says where and what was seen."""


class NotApplicable(Exception):  # noqa: N818 - nothing is wrong
    """A check has nothing to look at; the message says why."""


@dataclass(frozen=True)
class Check:
    """One thing that a plugin is asked to do.

    The function's docstring has three parts, which make up the check's part of the reference: one
    line that says what is asserted, a paragraph that says why it matters, and one that begins with
    "To mend:".
    """

    function: Callable[[Subject], None]
    """Returns if the plugin does it, else raises ``Fault``, ``NotApplicable``, or what the plugin raised."""
    level: Level
    of: tuple[Kind, ...]
    """What it is asked of."""

    @property
    def id(self) -> str:
        return self.function.__name__.replace("_", "-")

    @property
    def page(self) -> str:
        return f"docs/reference/checks.md#{self.id}"

    @property
    def statement(self) -> str:
        """What is asserted, in one line."""
        return self._parts[0]

    @property
    def why(self) -> str:
        return self._parts[1]

    @property
    def remedy(self) -> str:
        """How to mend a plugin that fails it."""
        return self._parts[2].removeprefix("To mend: ")

    @property
    def _parts(self) -> tuple[str, str, str]:
        statement, why, remedy = str(inspect.getdoc(self.function)).split("\n\n")
        return statement, " ".join(why.split()), " ".join(remedy.split())

    def __str__(self) -> str:
        return self.id


def check(
    level: Level, of: tuple[Kind, ...] = ("applications",)
) -> Callable[[Callable[[Subject], None]], Check]:
    """Make a check of a function, asked of ``applications``, ``extensions`` or both."""
    return lambda function: Check(function, level, of)

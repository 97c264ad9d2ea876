"""Print docs/reference/checks.md from the conformance kit: every check, in the order in which they are made.

.venv/bin/python docs/reference/generate_checks.py > docs/reference/checks.md
"""

import textwrap

from lepton_platform.testing.check import BOTH, LEVELS, MOST_WAIVED, Check
from lepton_platform.testing.conformance import CHECKS
from lepton_platform.testing.subject import MOST_ROWS

INTRODUCTION = f"""\
# Checks

<!-- Printed by docs/reference/generate_checks.py from lepton_platform/testing. Do not edit. -->

What `lepton plugin check` and `checks_of` ask of a plugin ([how to](../how-to/check-your-plugin.md)). Most
checks change something that must not matter and look whether it does, in runs on the application's sample:
at most {MOST_ROWS:,} rows, the plugin's own candidates and one more.

A check is *passed*, *failed*, *skipped* where it has nothing to look at (the reason is given), or *waived*:
it fails, and the declaration says why that is right. A waiver for a check that passes is a fault.

A level is reached when none of its checks, nor of the levels below, has failed, and no more of them are
waived than it tolerates. An extension is checked in runs of the application that it extends; what that
application fails by itself is not the extension's fault and is skipped."""
MEANING = {
    "bronze": "it can be installed, understood and run",
    "silver": "it can be used: repeatable, row by row, robust, and it says what it gained",
    "gold": "its numbers can be believed: nothing leaks",
}


def page() -> str:
    """Return the whole page."""
    parts = [INTRODUCTION, _levels(), _overview()]
    for check in CHECKS:
        parts += _check(check)
    return "\n\n".join(parts) + "\n"


def _levels() -> str:
    rows = [f"| {level} | {MEANING[level]} | {MOST_WAIVED[level]} |" for level in LEVELS]
    return "\n".join(["| level | a plugin that reaches it | waivers it tolerates |", "|---|---|---|", *rows])


def _overview() -> str:
    rows = [f"| [{check.id}](#{check.id}) | {check.level} | {check.statement} |" for check in CHECKS]
    return "\n".join(["| check | level | asserts |", "|---|---|---|", *rows])


def _check(check: Check) -> list[str]:
    asked = "applications and extensions" if check.of == BOTH else " and ".join(check.of)
    return [
        f"## {check.id}",
        f"{check.level.capitalize()} · asked of {asked}",
        check.statement,
        textwrap.fill(f"*Why*: {check.why}", 110, break_long_words=False, break_on_hyphens=False),
        textwrap.fill(f"*To mend*: {check.remedy}", 110, break_long_words=False, break_on_hyphens=False),
    ]


if __name__ == "__main__":
    print(page(), end="")

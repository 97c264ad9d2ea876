"""Which checks there are, and how far a plugin conforms: the outcome of each, and the level reached."""

from __future__ import annotations

import unittest
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal

from lepton_platform import plugins
from lepton_platform.errors import PluginLoadError, UnknownNameError
from lepton_platform.plugins import Offer
from lepton_platform.testing import (
    decisions,
    declaration,
    extension,
    honesty,
    options,
    persistence,
    report,
    robustness,
    running,
    start_up,
)
from lepton_platform.testing.check import LEVELS, MOST_WAIVED, Check, Fault, Level, NotApplicable
from lepton_platform.testing.subject import Subject


def _checks_in(*modules: ModuleType) -> tuple[Check, ...]:
    """Return the checks of some modules, as they stand there."""
    return tuple(found for module in modules for found in vars(module).values() if isinstance(found, Check))


OF_RUNS = _checks_in(running, honesty, decisions, robustness, persistence, report)
"""Checks that look at runs: what an extended application fails alone is no fault of its extension."""
CHECKS = (*_checks_in(declaration, start_up, options), *OF_RUNS, *_checks_in(extension))
"""Every check, in the order in which they are made."""

Status = Literal["passed", "failed", "waived", "skipped"]


@dataclass(frozen=True)
class Outcome:
    """What came of one check."""

    check: Check
    status: Status
    message: str = ""
    """What was seen, where it failed; the reason, where it is waived or skipped."""


@dataclass(frozen=True)
class Conformance:
    """What came of the checks of one application or extension."""

    offer: Offer
    outcomes: tuple[Outcome, ...]

    @property
    def complete(self) -> bool:
        """Whether all checks were made that it is asked to pass; if not, no level is reached."""
        return len(self.outcomes) == len(asked_of(self.offer))

    def count(self, status: Status) -> int:
        """Return how many checks ended so."""
        return sum(outcome.status == status for outcome in self.outcomes)

    @property
    def level(self) -> Level | None:
        """The highest level that is reached, ``None`` if not even bronze is.

        A level is reached when no check of it or of a lower one has failed, and no more of them are
        waived than ``MOST_WAIVED`` says.
        """
        reached: Level | None = None
        if not self.complete:
            return None
        for number, level in enumerate(LEVELS, start=1):
            asked = [outcome.status for outcome in self.outcomes if outcome.check.level in LEVELS[:number]]
            if "failed" in asked or asked.count("waived") > MOST_WAIVED[level]:
                break
            reached = level
        return reached

    def reaches(self, level: Level) -> bool:
        """Return whether the level or a higher one is reached; of some checks alone, whether none failed."""
        if not self.complete:
            return self.count("failed") == 0
        return self.level is not None and LEVELS.index(self.level) >= LEVELS.index(level)

    def summary(self) -> str:
        """Return the counts and the level in one line."""
        counts = ", ".join(
            f"{self.count(status)} {status}" for status in ("passed", "failed", "waived", "skipped")
        )
        made = f"{len(self.outcomes)} of {len(asked_of(self.offer))} checks: {counts}"
        return f"{made}. Level reached: {self.level or 'none'}" if self.complete else made

    def to_json(self) -> dict[str, Any]:
        """Return all of it as JSON facts."""
        return {
            "name": self.offer.name,
            "plugin": str(self.offer),
            "level": self.level,
            **{status: self.count(status) for status in ("passed", "failed", "waived", "skipped")},
            "checks": [
                {
                    "id": outcome.check.id,
                    "level": outcome.check.level,
                    "status": outcome.status,
                    "message": outcome.message,
                    "page": outcome.check.page,
                }
                for outcome in self.outcomes
            ],
        }


def asked_of(offer: Offer, only: Iterable[str] = ()) -> list[Check]:
    """Return the checks that an application or an extension is asked to pass.

    Raises
    ------
    UnknownNameError
        ``only`` names a check that does not exist.
    """
    wanted = list(only)
    for name in wanted:
        if name not in {check.id for check in CHECKS}:
            raise UnknownNameError("check", name, [check.id for check in CHECKS])
    return [check for check in CHECKS if offer.kind in check.of and (not wanted or check.id in wanted)]


def offers_of(name: str) -> list[Offer]:
    """Return the application or extension of that name, or all that the distribution of that name offers.

    Nothing is imported.
    """
    known = [offer for kind in ("applications", "extensions") for offer in plugins.offers(kind)]
    if named := [offer for offer in known if offer.name == name]:
        return named
    if found := [offer for offer in known if offer.distribution == name]:
        return found
    names = {offer.name for offer in known} | {offer.distribution for offer in known}
    raise UnknownNameError("application, extension or distribution", name, names)


def judge(subject: Subject, check: Check) -> Outcome:
    """Make one check. A plugin that cannot be loaded at all is an error, not an outcome."""
    waiver = subject.declaration.waivers.get(check.id)
    status, message = _made(subject, check)
    if status == "failed" and subject.extends and check in OF_RUNS:
        alone, _ = _made(subject.extended, check)
        if alone == "failed":
            return Outcome(check, "skipped", f"{subject.extended.name} fails it without the extension too")
    if waiver is None or status == "skipped":
        return Outcome(check, status, message)
    if status == "passed":
        return Outcome(check, "failed", "it passes: take its waiver out of the declaration")
    return Outcome(check, "waived", f"{waiver} ({message})")


def _made(subject: Subject, check: Check) -> tuple[Status, str]:
    try:
        check.function(subject)
    except NotApplicable as error:
        return "skipped", str(error)
    except PluginLoadError:
        raise
    except Fault as error:
        return "failed", str(error)
    except (Exception, SystemExit) as error:
        return "failed", f"{type(error).__name__}: {error} ({subject.offer.place(error)})"
    return "passed", ""


def outcomes(subject: Subject, only: Iterable[str] = ()) -> Iterator[Outcome]:
    """Make the checks that the subject is asked to pass, one after the other."""
    for check in asked_of(subject.offer, only):
        yield judge(subject, check)


def conformance(
    name: str,
    *,
    data: str | None = None,
    options: Mapping[str, Any] | None = None,
    models: Sequence[str] = (),
) -> list[Conformance]:
    """Make all checks of an application, an extension, or all that a distribution offers.

    Parameters
    ----------
    name
        Id of an application, name of an extension or of a distribution.
    data
        Path or URI of rows to learn from, in place of the application's sample.
    options
        Options of the runs, by field name; they come before those of the sample.
    models
        Candidates of the runs; empty: the plugin's own and the first of the others.

    Raises
    ------
    PluginLoadError
        It cannot be imported.
    """
    subjects = [Subject(offer, data, options or {}, models) for offer in offers_of(name)]
    return [Conformance(subject.offer, tuple(outcomes(subject))) for subject in subjects]


@dataclass(frozen=True)
class BoundCheck:
    """A check of one plugin, to be called by a test."""

    subject: Subject
    check: Check

    def outcome(self) -> Outcome:
        """Make the check and return what came of it."""
        return judge(self.subject, self.check)

    def __call__(self) -> None:
        """Return if the check passes.

        Raises
        ------
        AssertionError
            It fails; the message names the plugin, what was seen, and how to mend it.
        unittest.SkipTest
            It is waived or has nothing to look at; pytest shows the reason.
        """
        outcome = self.outcome()
        if outcome.status == "failed":
            raise AssertionError(f"{self.subject.offer} fails {told(outcome)}")
        if outcome.status != "passed":
            raise unittest.SkipTest(f"{outcome.status}: {outcome.message}")

    def __str__(self) -> str:
        return f"{self.subject.name}-{self.check.id}"


def told(outcome: Outcome) -> str:
    """Return what came of a check, and how to mend it, for people."""
    check = outcome.check
    return (
        f"{check.id}: {outcome.message}\n  {check.statement}\n  To mend: {check.remedy}\n  See {check.page}"
    )


def checks_of(
    name: str,
    *,
    data: str | None = None,
    options: Mapping[str, Any] | None = None,
    models: Sequence[str] = (),
    only: Iterable[str] = (),
) -> list[BoundCheck]:
    """Return the checks of a plugin for a test to call, as scikit-learn's ``parametrize_with_checks``.

    The plugin is not imported before a check is called; its checks share their runs. Parameters are
    those of ``conformance``; ``only`` names checks by their ids.

    Examples
    --------
    >>> import pytest
    >>> @pytest.mark.parametrize("check", checks_of("finance.credit-risk"), ids=str)
    ... def test_conforms(check):
    ...     check()
    """
    subjects = [Subject(offer, data, options or {}, models) for offer in offers_of(name)]
    return [BoundCheck(subject, check) for subject in subjects for check in asked_of(subject.offer, only)]

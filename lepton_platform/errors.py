"""What can go wrong that is not a bug of ours.

LeptonError                    one clear message, no traceback
├── DataError                  the data are at fault; carries every finding          exit 1
├── RunError                   the run, its folder or its model cannot be used       exit 1
│   ├── TamperedModelError     a model file is not the one that was saved
│   └── DivergedError          a network's training ended in numbers that are none
├── MissingExtraError          an optional dependency is not installed               exit 1
├── UsageError                 the request is at fault                               exit 2
│   ├── UnknownNameError       no application, option, column ... of that name
│   └── ConfigError            an option has a value it cannot have
└── PluginError                a plugin is at fault; names its distribution          exit 3
    ├── PluginLoadError        it cannot be imported or declares nothing usable
    └── HookError              one of its hooks is wrong or gave a wrong answer

A message says what is wrong, with the value, and what to do next.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lepton_platform.data.dataset import Finding


class LeptonError(Exception):
    """Base of every error that a user is shown as one message."""

    exit_code = 1


class DataError(LeptonError):
    """The data cannot be used; ``findings`` holds every reason, not only the first."""

    def __init__(self, findings: Sequence[Finding], source: str = "") -> None:
        faults = [finding for finding in findings if finding.level == "error"] or list(findings)
        where = f"{source} cannot be used" if source else "the data cannot be used"
        if len(faults) == 1:
            message = f"{where}: {faults[0]}"
        else:
            listed = "\n".join(f"  - {fault}" for fault in faults)
            message = f"{where}, for {len(faults)} reasons:\n{listed}"
        super().__init__(message)
        self.findings = tuple(findings)


class RunError(LeptonError):
    """A run, its folder or its model cannot be used."""


class TamperedModelError(RunError):
    """A model file differs from the one that the run saved."""


class DivergedError(RunError):
    """The training of a network came to a loss or to weights that are not finite.

    Examples
    --------
    >>> print(str(DivergedError(2, "batch 17 of 750", 0.5)).partition(" Lower")[0])
    the training diverged: in epoch 2, at batch 17 of 750, the loss is not finite.
    """

    def __init__(self, epoch: int, where: str, learning_rate: float) -> None:
        super().__init__(
            f"the training diverged: in epoch {epoch}, at {where}, the loss is not finite. "
            f"Lower learning_rate (it was {learning_rate:g}), set max_gradient_norm, "
            "or look for extreme values in the data."
        )
        self.epoch = epoch


class MissingExtraError(LeptonError):
    """A part of the host was asked for whose optional dependency is not installed.

    Examples
    --------
    >>> print(MissingExtraError("lepton_platform.model.deep", "torch", extra="deep"))
    lepton_platform.model.deep needs torch, which is not installed: pip install 'lepton-platform[deep]'
    """

    def __init__(self, asked: str, module: str, extra: str) -> None:
        super().__init__(
            f"{asked} needs {module}, which is not installed: pip install 'lepton-platform[{extra}]'"
        )


class UsageError(LeptonError):
    """The request cannot be understood."""

    exit_code = 2


class UnknownNameError(UsageError):
    """Nothing of that kind has that name; the nearest one is suggested.

    Examples
    --------
    >>> print(UnknownNameError("application", "finance.credit-rsk", ["finance.credit-risk"]))
    there is no application 'finance.credit-rsk'. Did you mean 'finance.credit-risk'?
    """

    def __init__(self, kind: str, name: str, known: Iterable[str], owner: str = "") -> None:
        subject = f"{owner} has" if owner else "there is"
        super().__init__(f"{subject} no {kind} {name!r}. {did_you_mean(name, known)}".rstrip())
        self.name = name


class ConfigError(UsageError):
    """An option has a value that it cannot have."""


class PluginError(LeptonError):
    """A plugin is at fault; the message names it."""

    exit_code = 3
    place = ""
    """File and line of the fault, where they are known."""


class PluginLoadError(PluginError):
    """A plugin cannot be imported or declares nothing usable.

    Examples
    --------
    >>> print(PluginLoadError("acme 1.0", "No module named 'kornia'", "acme.py:3", "Try: pip install kornia"))
    acme 1.0 cannot be loaded: No module named 'kornia'. Try: pip install kornia
    """

    def __init__(self, plugin: str, cause: str, place: str = "", remedy: str = "") -> None:
        super().__init__(f"{plugin} cannot be loaded: {cause}{f'. {remedy}' if remedy else ''}")
        self.cause = cause
        self.place = place
        self.remedy = remedy


class HookError(PluginError):
    """A hook implementation is wrong, or gave an answer that cannot be used."""

    def __init__(self, message: str, place: str = "") -> None:
        super().__init__(message)
        self.place = place


def cause_of(error: BaseException) -> str:
    """Return what an error of somebody else's code says, in one line.

    Examples
    --------
    >>> cause_of(KeyError("ACME_KEY")), cause_of(KeyboardInterrupt())
    ("KeyError: 'ACME_KEY'", 'KeyboardInterrupt')
    """
    said = error.msg if isinstance(error, SyntaxError) else str(error)
    return " ".join(f"{type(error).__name__}: {said}".split()).removesuffix(":")


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a sentence that suggests the known name nearest to ``name``, or lists a few.

    Examples
    --------
    >>> did_you_mean("defaulted", ["amount", "default"])
    "Did you mean 'default'?"
    >>> did_you_mean("x", ["amount", "age"])
    'Known: age, amount.'
    >>> did_you_mean("x", [])
    ''
    """
    import difflib  # not at the top: every start imports this module, few end in a mistake

    names = sorted(known)
    folded = {candidate.lower(): candidate for candidate in names}
    near = difflib.get_close_matches(name.lower(), list(folded), n=1, cutoff=0.7)
    if near:
        return f"Did you mean {folded[near[0]]!r}?"
    if not names:
        return ""
    more = f" and {len(names) - 12} more" if len(names) > 12 else ""
    return f"Known: {', '.join(names[:12])}{more}."

"""What a plugin says of itself, before anything of it runs."""

from __future__ import annotations

import importlib.metadata
import re

from lepton_platform import plugins
from lepton_platform.application import WORD, Application, Extension
from lepton_platform.errors import did_you_mean
from lepton_platform.hooks import Hooks
from lepton_platform.testing.check import BOTH, Fault, NotApplicable, check
from lepton_platform.testing.subject import Subject

LONGEST_SUMMARY = 80
"""Letters: a line of ``lepton list`` beside the id and the distribution."""


@check("bronze")
def declaration_complete(subject: Subject) -> None:
    """An application has an id `industry.name` and a summary of one line.

    Both are all that a user sees of it in `lepton list`, and the summary stands above every report.

    To mend: name the entry point in small letters, digits and hyphens (`telecom.churn`); begin the
    summary with a capital letter, say in the imperative what it does for its user, at most 80 letters,
    no full stop.
    """
    assert isinstance(subject.declaration, Application)
    if not re.fullmatch(rf"{WORD}\.{WORD}", subject.name):
        raise Fault(f"the id {subject.name!r} is not of the form industry.name")
    summary = subject.declaration.summary
    if not summary.strip() or summary != summary.strip() or "\n" in summary:
        raise Fault(f"the summary is {summary!r}")
    if len(summary) > LONGEST_SUMMARY:
        raise Fault(f"the summary has {len(summary)} letters: {summary!r}")
    if summary.endswith(".") or not summary[0].isupper():
        raise Fault(f"the summary {summary!r} does not begin with a capital letter or ends with a full stop")
    if wrong := [word for word in subject.declaration.positive if word != word.lower()]:
        raise Fault(f"positive words are compared in small letters; {wrong[0]!r} never matches")


@check("bronze", of=("extensions",))
def extension_declared(subject: Subject) -> None:
    """An extension has a name of its own and extends something that can exist.

    Its name stands before everything that it adds, and an extension of nothing never takes part in a
    run.

    To mend: name the entry point in small letters, digits and hyphens (`acme-forest`); let the target
    be the id of an application, `task:` and the name of a task that is installed, or `*`.
    """
    assert isinstance(subject.declaration, Extension)
    if not re.fullmatch(WORD, subject.name):
        raise Fault(f"the name {subject.name!r} is not in small letters, digits and hyphens")
    target = subject.declaration.target
    tasks = {f"task:{offer.name}" for offer in plugins.offers("tasks")}
    if target != "*" and target not in tasks and not re.fullmatch(rf"{WORD}\.{WORD}", target):
        raise Fault(
            f"the target {target!r} is no application's id, none of {', '.join(sorted(tasks))}, and not '*'"
        )


@check("bronze", of=BOTH)
def hooks_known(subject: Subject) -> None:
    """Every hook function has a hook's name, its mark and arguments that the hook offers.

    A misspelt or unmarked hook would never be called, and nobody would notice.

    To mend: follow the suggestion in the message; the reference of hooks lists names and arguments.
    """
    Hooks([subject.offer.layer(subject.declaration)])


@check("bronze", of=BOTH)
def depends_on_host(subject: Subject) -> None:
    """The distribution names `lepton-platform` among its dependencies.

    Otherwise pip installs the plugin where no host is, or leaves one there that is too old for it.

    To mend: `dependencies = ["lepton-platform>=0.1"]` in the plugin's pyproject.toml.
    """
    required = importlib.metadata.requires(subject.offer.distribution) or []
    names = {re.split(r"[^\w.-]", requirement, maxsplit=1)[0] for requirement in required}
    if "lepton-platform" not in {re.sub(r"[-_.]+", "-", name).lower() for name in names}:
        raise Fault(f"{subject.offer.distribution} requires {', '.join(sorted(names)) or 'nothing'}")


@check("silver", of=BOTH)
def data_at_hand(subject: Subject) -> None:
    """There are data to check it on: the application's sample, or data that are named.

    With a sample, one command shows a new user what the application does, offline. Without any data
    most checks have nothing to look at, and the level would say little.

    To mend: `Application(..., sample=function)`, the function returning a `Sample`: public data whose
    licence lets you ship them, with the options they need. Or `checks_of(name, data=..., options=...)`
    and `lepton plugin check NAME --data FILE --set KEY=VALUE`. What an extension extends has to be
    installed: of a task or of `*`, any application with a sample that it applies to.
    """
    try:
        _ = subject.source
    except NotApplicable as error:
        raise Fault(str(error)) from error


@check("bronze", of=BOTH)
def waivers_in_order(subject: Subject) -> None:
    """Every waiver names a check that exists and gives a reason.

    A waiver is read by those who decide whether to rely on the plugin; one without a reason says
    nothing, and one for a check that does not exist hides a typing error. (A waiver for a check that
    passes is a fault of that check.)

    To mend: correct the id, or write in one sentence why the plugin cannot or need not pass the check.
    """
    from lepton_platform.testing.conformance import CHECKS  # which this check is one of

    known = [one.id for one in CHECKS]
    for name, reason in subject.declaration.waivers.items():
        if name not in known:
            raise Fault(f"there is no check {name!r}. {did_you_mean(name, known)}")
        if not reason.strip():
            raise Fault(f"the waiver for {name} has no reason")

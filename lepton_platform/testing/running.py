"""A run of the plugin: that it ends well, can be repeated, and leaves alone what is not its own."""

from __future__ import annotations

from lepton_platform.run import metrics_json
from lepton_platform.testing.check import BOTH, Fault, check
from lepton_platform.testing.comparison import difference
from lepton_platform.testing.start_up import trace
from lepton_platform.testing.subject import Subject


@check("bronze", of=BOTH)
def runs(subject: Subject) -> None:
    """A run ends with predictions, decisions and a report.

    This is what a plugin is for. Checks that look at a run are skipped where this one fails.

    To mend: the message is the error that a user would see; `lepton run` shows it with its traceback.
    """
    execution = subject.base
    if execution.error is not None:
        raise execution.error
    folder = execution.run.folder
    for name in ("predictions.parquet", "decisions.parquet", "metrics.json", "report.html"):
        if not (folder / name).exists():
            raise Fault(f"the run is done, but there is no {name} in its folder")


@check("silver", of=BOTH)
def same_seed_same_numbers(subject: Subject) -> None:
    """Two runs on the same data, with the same options and seed, give the same numbers.

    A number that changes by itself can be neither reviewed nor compared with the next version's.

    To mend: give every estimator a `random_state` (the host sets it to the run's seed), draw from
    `numpy.random.default_rng(run.seed)`, and use neither the clock nor the order of a set.
    """
    first, second = subject.base.run, subject.again
    for name in ("predictions", "baseline_predictions", "decisions"):
        if said := difference(getattr(first, name), getattr(second, name)):
            raise Fault(f"two runs with seed {first.seed} differ in their {name.replace('_', ' ')}: {said}")
    if metrics_json(first) != metrics_json(second):
        raise Fault(f"two runs with seed {first.seed} differ in their metrics")


@check("bronze")
def survives_broken_observer(subject: Subject) -> None:
    """A run ends well though somebody's observer raises.

    An exporter or a progress bar that fails must not cost its user the run.

    To mend: do not pass on what another plugin's observer raises; `Hooks` logs it.
    """
    _ = subject.base.run
    if subject.again.record["status"] != "done":
        raise Fault(f"the run is {subject.again.record['status']}")


@check("silver", of=BOTH)
def input_unchanged(subject: Subject) -> None:
    """Hooks leave the frames they are given as they are.

    The same frame goes to the next hook, to the baseline and into the report: whoever changes it
    changes what everybody after it sees, and the order of calls begins to matter.

    To mend: `cases = cases.assign(...)` or `cases.copy()` before the first assignment; no
    `inplace=True`.
    """
    _ = subject.base.run
    if changed := subject.base.seen.changed:
        raise Fault("; ".join(dict.fromkeys(changed)))


@check("silver", of=BOTH)
def stdout_left_alone(subject: Subject) -> None:
    """Neither importing the plugin nor a run of it prints to stdout.

    `lepton run --json` promises one JSON object on stdout, and `lepton decide` writes CSV there: a
    stray line breaks the program that reads it.

    To mend: write to the run's log with `run.log(...)`, tell the user with a `Finding` (`run.note`), or
    delete the print.
    """
    if printed := trace(subject.offer.module).printed.strip():
        raise Fault(f"importing {subject.offer.module} prints {printed.splitlines()[0]!r}")
    _ = subject.base.run
    if printed := subject.base.printed.strip():
        raise Fault(f"a run prints {printed.splitlines()[0]!r}")


@check("silver", of=BOTH)
def leaves_nothing_behind(subject: Subject) -> None:
    """A run writes into its run folder and nowhere else.

    After `pip uninstall` nothing of a plugin may be left: no file in the home folder, in the folder the
    user happens to be in, or in the plugin's own package, which may be read-only anyway.

    To mend: write to `run.folder`; what may be made again belongs below the user's cache folder.
    """
    _ = subject.base.run
    if left := subject.base.left:
        raise Fault(f"a run leaves {', '.join(left[:5])}")

"""An extension adds: it changes nothing that was there without it."""

from __future__ import annotations

import pandas as pd

from lepton_platform.testing.check import Fault, NotApplicable, check
from lepton_platform.testing.comparison import difference
from lepton_platform.testing.subject import Subject


@check("silver", of=("extensions",))
def leaves_other_scores_alone(subject: Subject) -> None:
    """All other candidates and the baseline score as they do without the extension.

    Whoever installs an extension compares its model with those that were there; if these change as
    well, the comparison says nothing.

    To mend: put steps into `lepton_steps` (they stand before your own candidates only); let wrappers of
    `lepton_load`, `lepton_split` and `lepton_predict` return what they were given, with additions at
    most.
    """
    with_it, without = subject.base.run, subject.extended.base.run
    if said := difference(
        without.baseline_predictions, with_it.baseline_predictions[[*without.baseline_predictions]]
    ):
        raise Fault(f"the baseline predicts otherwise with the extension: {said}")
    before, after = (
        _others(run.leaderboard, subject.name, set(without.metrics)) for run in (without, with_it)
    )
    if said := difference(before, after):
        raise Fault(f"the leaderboard without the extension's own rows differs: {said}")


def _others(board: pd.DataFrame, extension: str, metrics: set[str]) -> pd.DataFrame:
    """Return the scores of single candidates that are not the extension's; a blend may well change."""
    if "model" not in board or "from" not in board:
        raise NotApplicable("its task keeps no leaderboard by model")
    kept = board[(board["from"] != extension) & (board["status"] != "chosen")]
    return kept[["model", *(name for name in board if name in metrics)]].sort_values(
        "model", ignore_index=True
    )


@check("silver", of=("extensions",))
def names_under_prefix(subject: Subject) -> None:
    """What an extension adds to a run's tables and files has its name in front.

    Two extensions that both add a column `score` would overwrite each other, and nobody could tell
    whose it is.

    To mend: the host does it for models, metrics, steps and sections; call columns `acme-forest/trees`
    and files `acme-forest-trees.json`, with the extension's own name.
    """
    with_it, without = subject.base.run, subject.extended.base.run
    for name in ("predictions", "decisions"):
        added = [str(column) for column in getattr(with_it, name) if column not in getattr(without, name)]
        if strange := [column for column in added if not column.startswith(subject.name)]:
            raise Fault(f"{strange[0]!r}, added to the {name}, does not begin with {subject.name!r}")
    files = [{path.name for path in run.folder.iterdir()} for run in (with_it, without)]
    if strange := sorted(name for name in files[0] - files[1] if not name.startswith(subject.name)):
        raise Fault(f"{strange[0]}, a file of the run folder, does not begin with {subject.name!r}")


@check("silver", of=("extensions",))
def observers_do_not_raise(subject: Subject) -> None:
    """What the extension observes, it observes without an error.

    What an observer raises is only logged: it would fail in every run, unseen.

    To mend: the message is what `log.txt` of a run says.
    """
    log = (subject.base.run.folder / "log.txt").read_text(encoding="utf-8")
    for line in log.splitlines():
        if f" {subject.name} (" in line and ") failed in lepton_" in line:
            raise Fault(line.partition(" ")[2])

"""What a plugin tells its user to do: the decision table of a run and of ``lepton decide``."""

from __future__ import annotations

from lepton_platform.application import Application
from lepton_platform.decide import decide_batch
from lepton_platform.testing.check import BOTH, Fault, check
from lepton_platform.testing.comparison import ROUNDING, difference
from lepton_platform.testing.perturbation import exchanged
from lepton_platform.testing.subject import Subject

FEW = 8
"""Cases that are decided one by one."""


@check("silver", of=BOTH)
def decisions_one_per_case(subject: Subject) -> None:
    """There is one decision per test case, under the case's own id and in the order of the cases.

    Decisions are joined to the user's own table by that id; a row too few, and every customer after it
    gets somebody else's.

    To mend: build the table on `cases.index`; a case without an answer gets a row that says so.
    """
    run, _ = subject.base.run, subject.features
    cases, decided = run.test.cases.index, run.decisions.index
    if not decided.equals(cases):
        raise Fault(f"{len(cases)} cases were decided in {len(decided)} rows, or under other ids")


@check("silver", of=BOTH)
def decides_row_by_row(subject: Subject) -> None:
    """A case gets the same decision alone as in a batch.

    `lepton decide` works batch by batch and a server case by case: a rank or a quota over the rows at
    hand would make the answer depend on how the cases were cut.

    To mend: compare with numbers that were learned in training (`run.learned`) or are options, not with
    the other rows.
    """
    run, rows = subject.base.run, subject.asked.head(FEW)
    whole = decide_batch(run, rows)
    for place in range(len(rows)):
        alone = decide_batch(run, rows.iloc[[place]])
        if said := difference(whole.iloc[[place]], alone, ROUNDING):
            raise Fault(f"one case, in a batch and alone: {said}")


@check("silver", of=BOTH)
def decides_without_target(subject: Subject) -> None:
    """Cases are decided without their outcome, and an outcome that is there makes no difference.

    The cases that are to be decided have none yet.

    To mend: use the target in `lepton_load` for the purposes `"train"` and `"truth"` alone.
    """
    run, target, rows = subject.base.run, subject.target, subject.held_out.head(50)
    without = decide_batch(run, rows.drop(columns=target))
    if said := difference(decide_batch(run, exchanged(rows, target)), without):
        raise Fault(f"decisions with and without {target!r}: {said}")


@check("gold")
def decisions_documented(subject: Subject) -> None:
    """Every column of the decision table is documented.

    Whoever gets the file must know what `reason_2` or `cut_off` means, in which unit, and when it is
    empty.

    To mend: `Application(..., decisions={"cut_off": "probability above which a loan is declined",
    ...})`, for each column that is not one of the task's predictions.
    """
    assert isinstance(subject.declaration, Application)
    run = subject.base.run
    said = {*run.predictions.columns, *subject.declaration.decisions}
    if silent := [name for name in run.decisions.columns if name not in said]:
        raise Fault(f"columns without a description: {', '.join(map(str, silent))}")

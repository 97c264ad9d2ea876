"""Whether the numbers can be believed: nothing leaks from what a model must not know.

Each check changes something that must not matter and looks whether it does; so a leak is found wherever
it is, in a step, a hook, a model or a decision.
"""

from __future__ import annotations

import numpy as np

from lepton_platform.model import evaluation
from lepton_platform.report.verdict import spread, verdict
from lepton_platform.testing.check import BOTH, Fault, NotApplicable, check
from lepton_platform.testing.comparison import ROUNDING, difference
from lepton_platform.testing.perturbation import distorted, exchanged
from lepton_platform.testing.subject import Subject

FEW = 8
"""Cases that are predicted one by one."""


@check("silver", of=BOTH)
def predicts_row_by_row(subject: Subject) -> None:
    """A case gets the same prediction alone, in a batch, and in a batch in another order.

    Otherwise it depends on who else happens to be asked about, and the hold-out's numbers do not hold
    for the one customer at the counter.

    To mend: learn means, ranks and levels in `fit` of a step and only use them in `transform`; do
    nothing over the rows of `cases` in `lepton_predict`.
    """
    run = subject.base.run
    cases, whole = run.test.cases, run.predictions
    if cases.index.nlevels > 1:
        raise NotApplicable("its cases are steps of series, which follow from each other")
    order = np.random.default_rng(0).permutation(len(cases))
    if said := difference(whole.iloc[order], run.hooks.predict(run.model, cases.iloc[order]), ROUNDING):
        raise Fault(f"lepton_predict on the same cases in another order: {said}")
    for place in range(min(FEW, len(cases))):
        alone = run.hooks.predict(run.model, cases.iloc[[place]])
        if said := difference(whole.iloc[[place]], alone, ROUNDING):
            raise Fault(f"lepton_predict on one case, in a batch and alone: {said}")


@check("gold", of=BOTH)
def corrupt_the_test(subject: Subject) -> None:
    """Other outcomes of the test cases change no prediction and no decision.

    A model, a cut-off or a weight that was chosen with the outcomes it is judged by looks better than
    it is.

    To mend: take everything from the training cases: `run.split.train` of `run.dataset`,
    `run.out_of_fold`. The outcomes in `run.truth` are for judging alone, in metrics and sections.
    """
    told, corrupted = subject.mislabelled
    for name in ("predictions", "decisions"):
        if said := difference(getattr(told, name), getattr(corrupted, name)):
            raise Fault(f"the {name} depend on the outcomes of the test cases: {said}")


@check("gold", of=BOTH)
def test_outcomes_sealed(subject: Subject) -> None:
    """Outcomes of test cases are read after the predictions are written, not before.

    What is not there cannot leak: this is how a run shows that its hold-out is one.

    To mend: in `lepton_load` return no target for the purpose `"test"`; read it for `"truth"`.
    """
    _ = subject.base.run, subject.apart
    if said := subject.witnesses["apart"].unsealed:
        raise Fault("; ".join(dict.fromkeys(said)))


@check("gold", of=BOTH)
def corrupt_the_holdout(subject: Subject) -> None:
    """Other values in the rows that are held out change nothing about the model.

    A mean, a rate or a selection that was learned from all rows before the split has seen the hold-out.

    To mend: move it from `lepton_load` into a step (`lepton_steps`), which is fitted in each fold.
    """
    whole, corrupted = subject.base.run, subject.distorted
    if not np.array_equal(whole.split.train, corrupted.split.train):
        raise NotApplicable("its split depends on more than outcomes, times and groups")
    first, second = (
        run.hooks.predict(run.model, run.dataset.take(run.split.train).cases) for run in (whole, corrupted)
    )
    if said := difference(first, second, ROUNDING):
        raise Fault(
            f"what the model says of its training cases depends on the rows that are held out: {said}"
        )


@check("gold", of=BOTH)
def corrupt_the_future(subject: Subject) -> None:
    """Other values and outcomes in later rows change nothing about an earlier case.

    When the earlier case had to be decided, the later rows did not exist.

    To mend: build a case from rows before its own date: shift, then roll; never over the whole column,
    never centred.
    """
    run = subject.base.run
    if run.dataset.time is None:
        raise NotApplicable("its cases have no dates")
    time = run.dataset.time
    later = np.flatnonzero((time > time.sort_values().iloc[len(time) // 2]).to_numpy())
    table = distorted(subject.table, later, subject.features)
    table.loc[later, subject.target] = exchanged(table.loc[later], subject.target)[subject.target]
    cases = subject.load(table).cases
    earlier = np.setdiff1d(np.arange(len(time)), later)
    if said := difference(run.dataset.cases.iloc[earlier], cases.iloc[earlier]):
        raise Fault(f"earlier cases depend on later rows: {said}")


@check("gold")
def cases_blind_to_outcomes(subject: Subject) -> None:
    """What a case consists of does not depend on any outcome.

    A rate per category that was computed with the outcomes, the case's own among them, tells the model
    the answer; on new cases, which have no outcome yet, it is not there.

    To mend: put it into a step, which is fitted on the training part of each fold: scikit-learn's
    `TargetEncoder`.
    """
    run = subject.base.run
    if run.dataset.time is not None:
        raise NotApplicable("its cases are dated, and may use outcomes of earlier ones")
    cases = subject.load(exchanged(subject.table, subject.target)).cases
    if said := difference(run.dataset.cases, cases):
        raise Fault(f"with the outcomes exchanged among the rows, cases differ: {said}")


@check("gold", of=BOTH)
def shuffled_outcomes_teach_nothing(subject: Subject) -> None:
    """Where outcomes were exchanged at random, the verdict says that nothing was learned.

    There is nothing to learn from such data; whoever finds a gain in them would find one anywhere.

    To mend: look for what lets a hold-out case's outcome through: a step fitted outside the folds, a
    duplicate of a row on both sides of the split, a metric that rewards every model.
    """
    if subject.base.run.test.cases.index.nlevels > 1:
        raise NotApplicable("its cases are steps of series, whose level can be learned in any order")
    learned = subject.shuffled(1).gain
    if learned.low <= 0:  # true of 39 in 40 honest plugins; the others get two more draws
        return
    if all(subject.shuffled(seed).gain.low <= 0 for seed in (2, 3)):
        return
    raise Fault(f"on outcomes exchanged at random the gain over the baseline is {spread(learned)}")


@check("gold", of=BOTH)
def scores_follow_from_predictions(subject: Subject) -> None:
    """The reported scores are what the metrics give for the predictions that were written.

    A score that cannot be computed again from `predictions.parquet` and the outcomes is a claim.

    To mend: in `lepton_evaluate` compute intervals as you like, but leave the value to the metric; do
    not change `run.scores`.
    """
    run = subject.base.run
    truth, cases = run.truth.to_numpy(), run.test.cases
    for predictions, scores, whose in (
        (run.predictions, run.scores, "model"),
        (run.baseline_predictions, run.baseline_scores, "baseline"),
    ):
        for name, metric in run.metrics.items():
            again = evaluation.call(metric, truth, predictions, cases)
            if not np.isclose(scores[name].value, again, rtol=1e-6, atol=ROUNDING, equal_nan=True):
                raise Fault(
                    f"{name} of the {whose} is reported as {scores[name].value}, its metric gives {again}"
                )
    sign = 1 if run.metrics[run.selected_by].better == "higher" else -1
    gain = sign * (run.scores[run.selected_by].value - run.baseline_scores[run.selected_by].value)
    if not np.isclose(run.gain.value, gain, rtol=1e-6, atol=ROUNDING, equal_nan=True):
        raise Fault(f"the gain over the baseline is reported as {run.gain.value}, the scores give {gain}")


@check("silver", of=BOTH)
def says_what_was_gained(subject: Subject) -> None:
    """The report begins with the host's verdict: better than the baseline, worse, or nothing learned.

    Most readers read no further; a report that opens with anything else lets a model pass that is no
    better than a naive rule.

    To mend: give your own first section another title than "Verdict" and an order above 0. What the
    decision is worth goes into `lepton_summary` as `in_words`, which the verdict shows.
    """
    run = subject.base.run
    first = run.hooks.sections()[0]
    if verdict(run).split("\n\n")[0] not in str(first.content):
        raise Fault(f"the first section, {first.title!r}, does not say it")

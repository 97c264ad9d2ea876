"""The saved model: what ``lepton decide`` takes up must be what was judged."""

from __future__ import annotations

from lepton_platform.testing.check import BOTH, Fault, check
from lepton_platform.testing.comparison import difference
from lepton_platform.testing.subject import Subject


@check("silver", of=BOTH)
def saved_model_equal(subject: Subject) -> None:
    """The model that is read back from the run folder predicts the same as the one that was judged.

    The report speaks of the model in memory, customers are decided by the one on disk.

    To mend: let an estimator keep all it has learned in attributes ending in `_`; no global state, no
    closures; name classes of other libraries in `trusted_types`.
    """
    run = subject.base.run
    again = subject.reopened
    said = difference(run.predictions, again.hooks.predict(again.model, run.test.cases))
    if said:
        raise Fault(f"saved and loaded, the model predicts otherwise: {said}")

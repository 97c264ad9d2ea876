"""Networks on the last rows of a unit; needs the extra deep."""

from __future__ import annotations

from collections.abc import Sequence

from sklearn.pipeline import make_pipeline

from lepton_platform.model.candidate import Candidate
from lepton_platform.model.deep import NeuralRegressor, RecurrentNetwork
from lepton_platform.tasks.remaining_life.windows import Sequences


def networks(window: int, settings: Sequence[int] | None) -> dict[str, Candidate]:
    """Return a recurrent network: as many epochs as its schedule has, no rows set apart to stop it.

    Rows of one unit are alike, so a validation part drawn from rows would stop too late.
    """
    recurrent = NeuralRegressor(
        RecurrentNetwork(units=48, layers=2, dropout=0.2),
        epochs=15,
        batch_size=256,
        learning_rate=3e-3,
        schedule="one_cycle",
        validation_share=0.0,
        standardise=False,
        max_gradient_norm=1.0,
    )
    return {"recurrent": Candidate(make_pipeline(Sequences(window, settings), recurrent), steps=False)}

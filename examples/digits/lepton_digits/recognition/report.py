"""Reading digits, report stage: how the network learned, how it is built, and its surest mistakes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure as Chart

from lepton_platform import Figure, Run, Section, hookimpl
from lepton_platform.model.deep import structure
from lepton_platform.report.figures import training_curves

SHOWN, PER_ROW = 12, 6
"""Mistakes that the report shows at most, and how many stand side by side."""


@hookimpl
def lepton_sections(run: Run) -> Sequence[Section]:
    """Training curves, layers, and pictures."""
    network = run.model.named_steps["estimator"]
    curves = training_curves(network.history_, network.best_epoch_)
    return [
        Section("Surest mistakes", mistakes(run), order=35),
        Section("How the network learned", [_trained(run), curves], order=40),
        Section("How the network is built", structure(network), order=45),
    ]


def _trained(run: Run) -> str:
    network = run.model.named_steps["estimator"]
    last = network.history_.iloc[network.best_epoch_ - 1]
    said = (
        f"Adam went {len(network.history_)} times over the training pictures, {network.batch_size} in a step"
    )
    if np.isnan(last["validation_loss"]):
        return f"{said}; the last weights were kept."
    return (
        f"{said}. {network.validation_share:.0%} of the pictures were kept apart and chose the epoch: the "
        f"weights of epoch {network.best_epoch_} were kept, with loss {last['validation_loss']:.4f} and "
        f"accuracy {last['validation_accuracy']:.1%} on that part."
    )


def mistakes(run: Run) -> Figure | str:
    """Return the held-out pictures that were read wrong with the greatest probability."""
    read, shown = run.predictions["predicted"].to_numpy(), run.truth.to_numpy()
    sure = run.predictions.drop(columns="predicted").max(axis=1).to_numpy()
    wrong = np.flatnonzero(read != shown)
    if not len(wrong):
        return "No held-out picture was read wrong."
    worst = wrong[np.argsort(-sure[wrong], kind="stable")][:SHOWN]
    rows = -(-len(worst) // PER_ROW)
    chart = Chart(figsize=(5.2, 1.2 * rows), layout="constrained", facecolor="white")
    for place, case in enumerate(worst, start=1):
        picture = run.test.cases.iloc[case].to_numpy().reshape(run.learned["size"])
        axes = chart.add_subplot(rows, PER_ROW, place)
        axes.imshow(picture, cmap="gray_r", vmin=0, vmax=255)
        axes.set_title(f"{shown[case]} as {read[case]}", fontsize=9.5)
        axes.set(xticks=[], yticks=[])
    listed = ", ".join(f"a {shown[case]} read as {read[case]}" for case in worst)
    return Figure(
        chart,
        alt=f"{len(worst)} of {len(wrong):,} pictures that were read wrong, the surest first: {listed}.",
        caption=f"{len(worst)} of {len(wrong):,} mistakes, the surest first: what was shown, and read.",
    )

"""Pictures of a maintenance plan."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure as Chart

from lepton_manufacturing.predictive_maintenance.plan import Workshop
from lepton_platform import Figure
from lepton_platform.report.figures import GRID, INK, MUTED, PALETTE, WIDTH

JOB = ("unit", "slot", "last_slot", "crew")
MOST_LETTERS = 12
"""Letters of a unit's name that fit into its bar."""
MOST_NAMED = 40
"""Slots up to which bars are wide enough for names."""


def gantt(jobs: pd.DataFrame, workshop: Workshop) -> Figure:
    """Draw who works on which unit when: a row per crew; slots without work are grey."""
    crews = int(jobs["crew"].max())
    chart = Chart(figsize=(WIDTH, 1.0 + 0.42 * crews), layout="constrained")
    axes = chart.add_subplot()
    for slot in sorted(workshop.closed):
        if slot < workshop.slots:
            axes.axvspan(slot, slot + 1, color=GRID, linewidth=0)
    end = int(jobs["last_slot"].max()) + 1
    for unit, slot, last, crew in zip(*(jobs[name].tolist() for name in JOB), strict=True):
        length = last - slot + 1
        axes.barh(crew, length, left=slot, height=0.7, color=PALETTE[0], edgecolor="white")
        if end <= MOST_NAMED:
            middle = slot + length / 2
            name = str(unit)[:MOST_LETTERS]
            axes.text(middle, crew, name, ha="center", va="center", color="white", fontsize=8)
    axes.set_yticks(np.arange(1, crews + 1), [f"crew {crew}" for crew in range(1, crews + 1)])
    axes.set(xlim=(0, end), ylim=(crews + 0.6, 0.4), xlabel="slot from now")
    axes.tick_params(colors=INK)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(MUTED)
    first = jobs.iloc[0]
    return Figure(
        chart,
        alt=(
            f"{len(jobs)} replacements by {crews} crews; the first is unit {first['unit']} in slot "
            f"{first['slot']}, the last ends in slot {end - 1}."
        ),
        caption="A bar is one replacement; grey slots are closed.",
    )

"""The first lines of a report: was anything learned, how much, and what is it worth."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from lepton_platform.model.evaluation import Estimate

if TYPE_CHECKING:
    from lepton_platform.run import Run


ACRONYMS = {"auc", "ece", "fz0", "ks", "mae", "mape", "mase", "mse", "msis", "owa", "qlike", "rmse", "rmsse",
            "smape", "wape", "wql", "wrmsse"}  # fmt: skip
"""Names of metrics that people write in capitals."""


def verdict(run: Run) -> str:
    """Return, in words, whether the model beats the baseline, by how much, and what that is worth."""
    name, judged_on = run.selected_by, f"{len(run.test.cases):,} {run.participants.task.cases}"
    model, baseline = run.scores[name], run.baseline_scores[name]
    compared = f"{label(name)} {spread(model)} against {number(baseline.value)} for the baseline"
    margin = f"a gain of {spread(run.gain)}, judged on {judged_on} that the model had not seen"
    if run.gain.low > 0:
        said = f"The model is better than the baseline: {compared}, {margin}."
    elif run.gain.high < 0:
        said = f"The model is worse than the baseline: {compared}, {margin}. Do not use it."
    else:
        said = (
            f"Nothing was learned that these cases could show: {compared}, {margin}. "
            "The interval includes no gain at all. Do not decide by this model."
        )
    worth = run.summary.get("in_words", "")
    return f"{said}\n\n{worth}".strip()


def spread(estimate: Estimate) -> str:
    """Write a number with its 95 % interval.

    >>> spread(Estimate(0.78412, 0.77, 0.801))
    '0.784 (95 % interval 0.770 to 0.801)'
    """
    return f"{number(estimate.value)} (95 % interval {number(estimate.low)} to {number(estimate.high)})"


def number(value: float) -> str:
    """Write a number as a reader would: three decimals below ten, fewer above, three digits near 0.

    >>> number(0.78412), number(-12.345), number(12345.6), number(0.00029847), number(float("nan"))
    ('0.784', '-12.3', '12,346', '0.000298', 'unknown')
    """
    if value != value:
        return "unknown"
    size = abs(value)
    if 1e-6 < size < 1e-3:
        return f"{value:.{2 - math.floor(math.log10(size))}f}"
    return f"{value:.3f}" if size < 10 else f"{value:.1f}" if size < 1000 else f"{value:,.0f}"


def label(name: str) -> str:
    """Write a metric's name for people.

    >>> label("auc"), label("expected_cost")
    ('AUC', 'expected cost')
    """
    return name.upper() if name in ACRONYMS else name.replace("_", " ")

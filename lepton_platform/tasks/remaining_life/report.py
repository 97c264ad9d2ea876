"""Remaining-life task, report stage: error by stage of life, how early the end is seen, the worst units."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lepton_platform.hookspecs import hookimpl
from lepton_platform.model.evaluation import interval, resamples
from lepton_platform.report import figures
from lepton_platform.report.section import Section
from lepton_platform.report.verdict import number, spread
from lepton_platform.tasks.remaining_life.censoring import is_known
from lepton_platform.tasks.remaining_life.history import ages
from lepton_platform.tasks.remaining_life.metrics import score_terms
from lepton_platform.tasks.remaining_life.prognosis import ALPHA, horizons, share_within, whole_lives

if TYPE_CHECKING:
    from lepton_platform.run import Run

Floats = NDArray[np.float64]

STAGES = 5
"""Equal parts of the time up to the cap."""
TOLERANCE = 0.1
"""Of the cap: the error with which the prognostic horizon is told."""
WORST = 10


@hookimpl
def lepton_sections(run: Run) -> Sequence[Section]:
    """Accuracy on units that were not learned from, and over the whole lives of those that were."""
    lives = lives_of(run)
    return [
        Section("Who was judged, and by what", _judged(run), 21),
        Section("By stage of life", _stages(run), 22),
        Section("How early is the end seen?", _early(lives), 24),
        Section("Whole lives", _trajectories(lives), 26),
        Section("The largest errors", _worst(run), 28),
    ]


def lives_of(run: Run) -> pd.DataFrame:
    """Return the whole lives of the units learned from, predicted by fits that had not seen them."""
    train = run.dataset.take(run.split.train)
    assert train.target is not None
    return whole_lives(ages(train.cases), train.target.to_numpy(), run.out_of_fold, run.learned["cap"])


def _judged(run: Run) -> str:
    units, cap = len(run.test.cases), run.learned["cap"]
    inner = run.leaderboard.loc[run.leaderboard["status"] == "chosen"].iloc[0]
    clipped, unclipped = (
        f"RMSE {spread(run.scores[f'rmse{end}'])}, score {spread(run.scores[f'nasa_score{end}'])}"
        for end in ("", "_unclipped")
    )
    return (
        f"{units:,} units, one prediction each, at their last row. With what they had left counted up to "
        f"{cap:g}: {clipped}. With what they had left as it was: {unclipped}.\n\n"
        f"Inner RMSE, cross-validated by unit, a moment of each unit drawn at random: "
        f"{number(inner['rmse'])}. Where it and the RMSE above disagree beyond the interval, the units "
        "judged are unlike those learned from."
    )


def _stages(run: Run) -> Sequence[Any]:
    train = run.dataset.take(run.split.train)
    assert train.target is not None
    inner = train.target.to_numpy(dtype=float)
    known = is_known(inner)
    parts = {
        "judged": (run.truth.to_numpy(dtype=float), run.predictions),
        "learned from, cross-validated": (inner[known], run.out_of_fold[known]),
    }
    said = (
        "By what was left. Bias is positive where more life was predicted than there was: late. In brackets "
        "the 95 % interval over units. Coverage is the share inside the 90 % interval."
    )
    content: list[Any] = [said]
    for name, (truth, predictions) in parts.items():
        content += [f"Units {name}:", stage_table(truth, predictions, run.learned["cap"], run.seed)]
    return content


def stage_table(truth: Floats, predictions: pd.DataFrame, cap: float, seed: int) -> pd.DataFrame:
    """Return errors and coverage by what was left; intervals are bootstraps over units."""
    clipped = np.minimum(truth, cap)
    error = predictions["rul"].to_numpy() - clipped
    inside = (predictions["low"].to_numpy() <= clipped) & (clipped <= predictions["high"].to_numpy())
    edges = np.linspace(0, cap, STAGES + 1)
    stage = np.clip(np.searchsorted(edges, clipped, side="right") - 1, 0, STAGES - 1)
    rows = []
    for place in range(STAGES):
        here = stage == place
        if not here.any():
            continue
        by_unit = pd.DataFrame({"squares": error[here] ** 2, "error": error[here], "inside": inside[here]})
        means = by_unit.groupby(np.asarray(predictions.index)[here]).mean()
        squares = means["squares"].to_numpy()
        draws = [np.sqrt(squares[drawn].mean()) for drawn in resamples(len(squares), seed)]
        rmse = interval(float(np.sqrt(squares.mean())), draws, (0.0, float("inf")))
        rows.append(
            {
                "left": f"{edges[place]:g} to {edges[place + 1]:g}",
                "units": len(means),
                "RMSE": f"{number(rmse.value)} ({number(rmse.low)} to {number(rmse.high)})",
                "bias": means["error"].mean(),
                "coverage": means["inside"].mean(),
            }
        )
    return pd.DataFrame(rows)


def _early(lives: pd.DataFrame) -> Sequence[Any]:
    if lives.empty:
        return ["No unit was seen to fail."]
    cap = float(lives["cap"].iloc[0])
    shares, horizon = share_within(lives), horizons(lives, TOLERANCE * cap)
    low, middle, high = horizon.quantile([0.1, 0.5, 0.9])
    said = (
        f"Prognostic horizon: half of the units are predicted to within {TOLERANCE * cap:g} from {middle:g} "
        f"before the end on and to the end; one in ten only from {low:g} on, one in ten already from "
        f"{high:g}. The curve (alpha-lambda) says how many predictions are within {ALPHA:.0%} of what is "
        "left, by the share of the life lived: near the end that is a matter of one or two cycles."
    )
    drawn = figures.curve(
        shares.index.to_numpy(float), {"within": shares}, "share of life lived (lambda)", "share of units"
    )
    return [said, drawn]


def _trajectories(lives: pd.DataFrame) -> Sequence[Any]:
    if lives.empty:
        return ["No unit was seen to fail."]
    truth = np.minimum(lives["left"], lives["cap"])
    error = ((lives["rul"] - truth) ** 2).groupby(lives["unit"]).mean().sort_values()
    chosen = {error.index[0]: "the best", error.index[len(error) // 2]: "a middling one"}
    chosen.setdefault(error.index[-1], "the worst")
    content: list[Any] = ["Of units learned from, by fits that had not seen them; band: 90 %."]
    for unit, why in chosen.items():
        rows = lives[lives["unit"] == unit]
        lines = {"predicted": rows["rul"], "left": truth[rows.index]}
        drawn = figures.curve(rows["age"], lines, "age", "left", band=(rows["low"], rows["high"]))
        content += [f"Unit {unit}, {why}:", drawn]
    return content


def _worst(run: Run) -> Sequence[Any]:
    truth = np.minimum(run.truth.to_numpy(dtype=float), run.learned["cap"])
    known = is_known(truth)
    frame = run.predictions[known].assign(left=truth[known])
    frame["error"] = frame["rul"] - frame["left"]
    frame["score term"] = score_terms(frame["error"].to_numpy())
    worst = frame.nlargest(WORST, "score term").rename_axis("unit").reset_index()
    share = worst["score term"].iloc[0] / max(frame["score term"].sum(), 1e-300)
    said = (
        f"The largest single term is {share:.0%} of the score, of unit {worst['unit'].iloc[0]}. "
        "The score is a sum: read it beside the RMSE."
    )
    return [said, worst[["unit", "rul", "low", "high", "left", "error", "score term"]].round(1)]

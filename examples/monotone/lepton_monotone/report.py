"""Report stage: how the probability moves with each column that has a direction.

It is asked of the model that decides, which may be a blend with members that may turn: a constraint
on one member is no promise of the whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.figure import Figure as Chart
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from lepton_monotone.config import Monotone
from lepton_monotone.directions import directions
from lepton_platform import Figure, Run, Section, hookimpl

POINTS = 12
"""Values of a column at which the probability is asked."""
MOST_CASES, MOST_ROWS = 200, 20_000
"""Held-out applicants that are moved along a column; rows that are predicted in all."""
MOST_CURVES = 6
SLIGHT = 1e-9
"""A fall of the probability below this is rounding."""


class Course(NamedTuple):
    """How held-out applicants' probability moves while one column takes other values."""

    values: NDArray[np.float64]
    """Shape (points,), rising."""
    probability: NDArray[np.float64]
    """Shape (cases, points)."""

    @property
    def mean(self) -> NDArray[np.float64]:
        """The partial dependence (Friedman 2001), shape (points,)."""
        return np.asarray(self.probability.mean(axis=0))

    def against(self, direction: int) -> NDArray[np.float64]:
        """Return each applicant's largest move against ``direction`` from one value to the next."""
        return np.asarray(np.clip(-direction * np.diff(self.probability, axis=1), 0, None).max(axis=1))


@hookimpl
def lepton_sections(run: Run, config: Monotone) -> Sequence[Section]:
    """Add "Does risk move the right way?"."""
    ways = {name: way for name, way in directions_of(run, config).items() if way}
    courses = _courses(run, list(ways))
    if not courses:
        return []
    told, shown, table = _verdict(courses, ways), _curves(courses), _table(courses, ways, config)
    return [Section("Does risk move the right way?", [told, shown, table], order=45)]


def directions_of(run: Run, config: Monotone) -> dict[str, int]:
    """Return the direction of each column as it was given, or else as all training cases show it."""
    if not config.find:
        return config.given
    train = run.dataset.take(run.split.train)
    steps = Pipeline(run.steps_for("monotone", train))
    assert train.target is not None
    found = directions(steps.fit_transform(train.cases, train.target), train.target.to_numpy())
    return {**found, **config.given}


def _courses(run: Run, names: Sequence[str]) -> dict[str, Course]:
    """Return a course per column, the one that moves the probability most first."""
    cases = run.test.cases.iloc[: min(MOST_CASES, MOST_ROWS // (POINTS * max(len(names), 1)))]
    special = {column.name: column.special for column in run.schema.columns}
    asked = {}
    for name in names:
        if name not in cases or not pd.api.types.is_numeric_dtype(cases[name]):
            continue  # a column that cleaning made, such as the indicator of a special code
        known = run.test.cases[name].dropna()
        plain = known[~known.isin(special[name])]
        values = plain.quantile(np.linspace(0.01, 0.99, POINTS), interpolation="nearest").unique()
        if len(values) > 1:
            asked[name] = values
    if not asked or cases.empty:
        return {}
    changed = [cases.assign(**{name: value}) for name, values in asked.items() for value in values]
    answers = run.hooks.predict(run.model, pd.concat(changed, ignore_index=True))["probability"].to_numpy()
    ends = np.cumsum([len(values) * len(cases) for values in asked.values()])
    courses = {
        name: Course(values.astype(np.float64), part.reshape(len(values), len(cases)).T)
        for (name, values), part in zip(asked.items(), np.split(answers, ends[:-1]), strict=True)
    }
    return dict(sorted(courses.items(), key=lambda item: -np.ptp(item[1].mean)))


def _table(courses: Mapping[str, Course], ways: Mapping[str, int], config: Monotone) -> pd.DataFrame:
    rows = [
        {
            "column": name,
            "as it grows, risk": "rises" if ways[name] > 0 else "falls",
            "because": "given" if name in config.given else "found in the training cases",
            "mean risk where it is low, %": 100 * course.mean[0],
            "where it is high, %": 100 * course.mean[-1],
            "applicants for whom it turns, %": 100 * (course.against(ways[name]) > SLIGHT).mean(),
            "by at most, points": 100 * course.against(ways[name]).max(),
        }
        for name, course in courses.items()
    ]
    return pd.DataFrame(rows).round(2)


def _verdict(courses: Mapping[str, Course], ways: Mapping[str, int]) -> str:
    turns = {name: course.against(ways[name]).max() for name, course in courses.items()}
    turning = sorted((name for name in turns if turns[name] > SLIGHT), key=lambda name: -turns[name])
    found = (
        f"The model that decides moves the wrong way in {len(turning) or 'none'} of {len(turns)} columns "
        "that have a direction"
    )
    if turning:
        found += (
            f", most of all in {turning[0]}: members without constraints have a part in it. Run with "
            "--models monotone/boosting for a model that never does"
        )
    return (
        f"{found}. Held-out applicants were moved along one column at a time, everything else as it is; the "
        "curves are their mean probability."
    )


def _curves(courses: Mapping[str, Course]) -> Figure:
    """Draw the columns that move the probability most, on one scale."""
    shown = dict(list(courses.items())[:MOST_CURVES])
    across = min(len(shown), 3)
    down = -(-len(shown) // across)
    chart = Chart(figsize=(7.2, 0.4 + 2.1 * down), layout="constrained")
    panels = chart.subplots(down, across, sharey=True, squeeze=False).ravel()
    for panel, (name, course) in zip(panels, shown.items(), strict=False):
        panel.plot(course.values, 100 * course.mean, marker="o", markersize=3, color="#1f5fa8")
        panel.set_title(name.replace("$", r"\$")[:24], fontsize=9, loc="left")
        panel.spines[["top", "right"]].set_visible(False)
        panel.grid(axis="y", alpha=0.25)
        panel.tick_params(labelsize=8)
    for panel in panels[len(shown) :]:
        panel.remove()
    chart.supylabel("mean probability of default, %", fontsize=9)
    told = "; ".join(
        f"{name} from {course.mean[0]:.1%} at {course.values[0]:g} "
        f"to {course.mean[-1]:.1%} at {course.values[-1]:g}"
        for name, course in shown.items()
    )
    return Figure(chart, alt=f"Mean probability of default as one column moves: {told}.")

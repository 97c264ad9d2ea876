"""Image task, report stage: which classes are found, how sure to be, and when it stays silent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lepton_platform.data.dataset import Dataset
from lepton_platform.data.images.twins import have_twin
from lepton_platform.hookspecs import hookimpl
from lepton_platform.model import evaluation
from lepton_platform.report import figures
from lepton_platform.report.section import Section
from lepton_platform.report.verdict import label, number
from lepton_platform.tasks.image import shares
from lepton_platform.tasks.image.config import ImageConfig
from lepton_platform.tasks.image.metrics import expected_calibration_error, log_loss, probabilities
from lepton_platform.tasks.image.operating_point import OperatingPoint, risk_coverage

if TYPE_CHECKING:
    from lepton_platform.run import Run

Codes = NDArray[np.intp]
Answers = NDArray[np.bool_]
FOUND, LEFT_OUT = "sensitivity", "specificity"


@hookimpl
def lepton_sections(run: Run, config: ImageConfig) -> Sequence[Section]:
    """Referral, classes, calibration and near-duplicates."""
    return [
        Section("When it stays silent", _silence(run, config), 12),
        Section("Which classes are found", _classes(run), 24),
        Section("Can the probability be trusted?", _calibration(run), 30),
        Section("Near-duplicates", _twins(run), 45),
    ]


def answers(run: Run, predictions: pd.DataFrame) -> Codes:
    """Return the number of each picture's answer, referred or not."""
    return OperatingPoint(*run.learned["operating_point"]).answers(probabilities(predictions))[0]


def together(dataset: Dataset) -> Codes:
    """Return the number of each picture's group: pictures of one patient, and near-duplicates."""
    assert dataset.groups is not None
    return dataset.groups.to_numpy()


def _silence(run: Run, config: ImageConfig) -> Sequence[Any]:
    point = OperatingPoint(*run.learned["operating_point"])
    coverage, risk = risk_coverage(probabilities(run.predictions), run.truth.to_numpy())
    given = float((~run.predictions["referred"]).mean())
    said = (
        f"An answer is given where its probability is {point.threshold:.3f} or more and the picture is "
        f"familiar; else the picture is referred to a human. The threshold was chosen on the pictures "
        f"learned from, each judged by fits that had not seen it, so that at most {config.risk:.0%} of the "
        "answers are wrong. The table says what came of it on pictures that took no part."
    )
    if point.threshold > 1:
        said = (
            f"No threshold keeps wrong answers at {config.risk:.0%} or less on the pictures learned from, so "
            "every picture is referred. Accept more with --risk, or learn from more pictures."
        )
    first = len(risk) // 20  # of few answers, one is many percent
    at = int(np.clip(round(given * len(risk)), 1, len(risk))) - 1
    curve = figures.curve(
        100 * coverage[first:],
        {"wrong answers": 100 * risk[first:]},
        "pictures answered, %",
        "wrong answers, %",
        mark=(round(100 * coverage[at], 1), round(100 * risk[at], 1)) if given else None,
    )
    return [said, _promise(run), curve, _sets(run, config)]


def _promise(run: Run) -> pd.DataFrame:
    """Compare what was expected at the operating point with what happened."""
    learned = run.dataset.take(run.split.train)
    assert learned.target is not None
    rows = []
    for name, table, truth, groups in (
        ("out of fold", run.out_of_fold, learned.target.to_numpy(), together(learned)),
        ("held out", run.predictions, run.truth.to_numpy(), together(run.test)),
    ):
        given = ~table["referred"].to_numpy()
        wrong = answers(run, table) != truth
        rows.append(
            {
                "pictures": name,
                "number": len(given),
                "answered": shares.written(given, groups),
                "wrong among them": shares.written(wrong[given], groups[given]),
                "wrong if all": shares.written(wrong, groups),
            }
        )
    return pd.DataFrame(rows)


def _sets(run: Run, config: ImageConfig) -> str:
    names = run.predictions["set"].str.split("|")
    truth = [str(run.learned["classes"][code]) for code in run.truth]
    held = [name in listed for name, listed in zip(truth, names, strict=True)]
    single = int((run.predictions["set"].str.count(r"\|").eq(0) & run.predictions["set"].ne("")).sum())
    return (
        f"Each picture also has a set of classes made to hold the true one {config.confidence:.0%} of the "
        f"time. It did for {sum(held):,} of {len(truth):,} held-out pictures, "
        f"{shares.written(held, together(run.test))}; "
        f"{single:,} sets name one class only."
    )


def _classes(run: Run) -> Sequence[Any]:
    truth, given = run.truth.to_numpy(), answers(run, run.predictions)
    classes = [str(name) for name in run.learned["classes"]]
    answered, groups = ~run.predictions["referred"].to_numpy(), together(run.test)
    rows = [
        {
            "class": name,
            "pictures": int((truth == code).sum()),
            **found(truth == code, given == code, groups),
            "sensitivity, answered": found((truth == code) & answered, given == code, groups)[FOUND],
        }
        for code, name in enumerate(classes)
    ]
    counts = np.zeros((len(classes), len(classes)), int)
    np.add.at(counts, (truth, given), 1)
    confusion = pd.DataFrame(counts, columns=[f"answered {name}" for name in classes])
    confusion.insert(0, "true class", classes)
    explained = (
        "Sensitivity is the share of a class that is answered so, specificity the share of all others that "
        "are not, both with 95 % intervals, for which pictures of one patient and near-duplicates are drawn "
        "together. Referred pictures count as they would have been "
        "answered; the last column counts only those that are answered. In the second table each row is a "
        "true class."
    )
    return [explained, pd.DataFrame(rows), confusion]


def found(of_class: Answers, said: Answers, groups: Codes | None) -> dict[str, str]:
    """Return sensitivity and specificity of one class, written with their intervals.

    Parameters
    ----------
    of_class, said : (n,)
        Which pictures are of the class, and which are answered so.
    groups
        Pictures of one group are drawn together; ``None``: each by itself.
    """
    if groups is None:
        groups = np.arange(len(said))
    columns = ((FOUND, of_class, said), (LEFT_OUT, ~of_class, ~said))
    return {name: shares.written(right[inside], groups[inside]) for name, inside, right in columns}


def _calibration(run: Run) -> Sequence[Any]:
    chances, truth = probabilities(run.predictions), run.truth.to_numpy()
    right = (chances.argmax(axis=1) == truth).astype(int)
    before = run.learned["before_calibration"]
    after = {"log_loss": log_loss, "ece": expected_calibration_error}
    learned = run.dataset.target.iloc[run.split.train].to_numpy()  # type: ignore[union-attr]
    table = pd.DataFrame(
        {
            "out of fold": [label(name) for name in after],
            "before calibration": [number(before[name]) for name in after],
            "after": [number(metric(learned, run.out_of_fold)) for metric in after.values()],
        }
    )
    said = (
        f"On held-out pictures answers are given {chances.max(axis=1).mean():.1%} probability on average, "
        f"and {right.mean():.1%} are right. Below, pictures are grouped by the probability of their answer."
    )
    return [said, figures.reliability(right, chances.max(axis=1)), table]


def _twins(run: Run) -> Sequence[Any]:
    threshold = run.learned["twin_threshold"]
    train = run.dataset.cases.iloc[run.split.train]
    twice = have_twin(run.test.cases, train, threshold)
    truth, metric = run.truth.to_numpy(), run.metrics[run.selected_by]
    learned = run.dataset.take(run.split.train)
    assert learned.target is not None
    rows = [("twins in one fold", learned.target.to_numpy(), run.out_of_fold, train, together(learned))]
    for name, kept in (("held out, all", truth >= 0), ("held out, without a twin", ~twice)):
        held_out = (run.predictions[kept], run.test.cases[kept], together(run.test)[kept])
        rows.append((name, truth[kept], *held_out))
    table = pd.DataFrame(
        [
            {
                "pictures": name,
                "number": len(labels),
                label(run.selected_by): number(evaluation.call(metric, labels, predictions, cases)),
                "right answers": shares.written(probabilities(predictions).argmax(axis=1) == labels, groups),
            }
            for name, labels, predictions, cases, groups in rows
            if len(labels)
        ]
    )
    said = (
        f"{twice.sum():,} of {len(twice):,} held-out pictures have a near-duplicate, mirrored or not, among "
        "those learned from (pictures of one lesion, or copies). A model has then seen nearly the same "
        "picture. The figure without twins, and the one with twins kept in one fold, say what it does on "
        "pictures of new patients."
    )
    return [said, table]

"""Diagnosis aid, report stage: decisions, pictures, heat maps, patients, and what it is not meant for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lepton_medical.diagnosis_aid import decisions, heat_maps, subgroups
from lepton_medical.diagnosis_aid.config import DiagnosisAidConfig
from lepton_medical.diagnosis_aid.decisions import ANSWER, REFER, REFUSE
from lepton_medical.diagnosis_aid.gallery import Tile, gallery, pictures_of
from lepton_platform import Figure, Run, Section, hookimpl
from lepton_platform.tasks.image import shares
from lepton_platform.tasks.image.metrics import probabilities
from lepton_platform.tasks.image.report import answers, together

LONGEST = 16
"""Letters of a class's name that fit below a picture."""
INTENDED_USE = (
    "Research software. It is not a medical device, not for diagnosis, and has no CE or FDA clearance. It "
    "may be used to study how well labelled images can be told apart, and which of them a model should "
    "leave to a human. It must not be used to decide about a patient."
)
SYNTHETIC = (
    "These pictures are synthetic, made by a generator to try the software out: they are of no patient."
)


@hookimpl
def lepton_decide(
    predictions: pd.DataFrame, cases: pd.DataFrame, run: Run, config: DiagnosisAidConfig
) -> pd.DataFrame:
    """Answer, refer or refuse each picture, and say why."""
    return decisions.decide(predictions, cases, run, config)


@hookimpl
def lepton_summary(run: Run, config: DiagnosisAidConfig) -> Mapping[str, Any]:
    """Counts of decisions, wrong answers, and the sensitivity of each class, for the verdict."""
    counts = run.decisions["decision"].value_counts()
    truth, given = run.truth.to_numpy(), answers(run, run.predictions)
    answered = (run.decisions["decision"] == ANSWER).to_numpy()
    groups = together(run.test)
    wrong = (given != truth)[answered]
    words = (
        f"Of {len(truth):,} pictures, {counts.get(ANSWER, 0):,} are answered, {counts.get(REFER, 0):,} "
        f"referred to a human and {counts.get(REFUSE, 0):,} refused as unlike those learned from. "
        f"Wrong among the answers: {wrong.sum():,} of {len(wrong):,}, "
        f"{shares.written(wrong, groups[answered])}; the operating point was chosen, without these "
        f"pictures, for at most {config.risk:.0%}. Not a medical device; not for diagnosis."
    )
    return {
        "in_words": f"{SYNTHETIC} {words}" if _is_synthetic(run) else words,
        "cases": len(run.decisions),
        **{decision: int(counts.get(decision, 0)) for decision in (ANSWER, REFER, REFUSE)},
        "wrong_among_answered": int(wrong.sum()),
        "sensitivity": {
            str(name): _sensitivity(given[truth == code] == code, groups[truth == code])
            for code, name in enumerate(run.learned["classes"])
        },
        "threshold": run.learned["operating_point"][0],
    }


def _sensitivity(found: NDArray[np.bool_], groups: NDArray[np.intp]) -> dict[str, float | None]:
    low, high = shares.interval(found, groups)
    return {"value": float(found.mean()) if len(found) else None, "low": low, "high": high}


def _is_synthetic(run: Run) -> bool:
    return run.options.data is None


@hookimpl
def lepton_sections(run: Run, config: DiagnosisAidConfig) -> Sequence[Section]:
    """Pictures, heat maps, patients and subgroups, and the model card."""
    sections = [
        Section("What to do", _what_to_do(run), 10),
        Section("Wrong answers and referrals", _pictures(run, config), 14),
        Section("Where the answer comes from", _heat_maps(run, config), 16),
        Section("Limits and intended use", _limits(run), 90),
        Section("Model card", _card(run, config), 92),
    ]
    if tables := _groups(run, config):
        sections.append(Section("Patients and subgroups", tables, 26))
    return sections


def _what_to_do(run: Run) -> Sequence[Any]:
    told = {
        ANSWER: "The class is sure enough. A human still decides.",
        REFER: "No class is sure enough: let a human look, without being told the model's guess.",
        REFUSE: "Unlike what was learned from, or not readable: the model has nothing to say.",
    }
    counts = run.decisions["decision"].value_counts()
    table = pd.DataFrame(
        [
            {"decision": name, "pictures": int(counts.get(name, 0)), "what it means": meaning}
            for name, meaning in told.items()
        ]
    )
    said = "Every picture's decision and its reason are in decisions.parquet, in the order of the file."
    return [SYNTHETIC, said, table] if _is_synthetic(run) else [said, table]


def _pictures(run: Run, config: DiagnosisAidConfig) -> Sequence[Any]:
    chances, truth, given = (
        probabilities(run.predictions),
        run.truth.to_numpy(),
        answers(run, run.predictions),
    )
    sure = chances[np.arange(len(given)), given]
    decision = run.decisions["decision"].to_numpy()
    wrong = np.flatnonzero((given != truth) & (decision == ANSWER))
    referred = np.flatnonzero(decision == REFER)
    worst, least = wrong[np.argsort(-sure[wrong])], referred[np.argsort(sure[referred])]
    parts: list[Any] = []
    for rows, heading, empty in (
        (worst, "Answers that were wrong, the surest first.", "No answer that was given is wrong."),
        (least, "Referred, the least sure first.", "No picture is referred."),
    ):
        shown = rows[: config.gallery]
        parts += [heading, _shown(run, shown, heading)] if len(shown) else [empty]
    return ["Rows are those of decisions.parquet, counted from 0.", *parts]


def _shown(run: Run, rows: NDArray[np.intp], heading: str) -> Figure:
    pictures = pictures_of(run.test.cases.iloc[rows])
    tiles = [Tile(picture, _said(run, row)) for row, picture in zip(rows, pictures, strict=True)]
    listed = "; ".join(_said(run, row).replace("\n", ", ") for row in rows)
    return gallery(tiles, alt=f"{heading} {listed}.")


def _said(run: Run, row: int) -> str:
    """Return the lines below a picture."""
    classes = run.learned["classes"]
    code = answers(run, run.predictions.iloc[[row]])[0]
    chance = probabilities(run.predictions.iloc[[row]])[0, code]
    names = [str(classes[number])[:LONGEST] for number in (code, run.truth.iloc[row])]
    return f"row {row}: {chance:.0%} sure\nmodel: {names[0]}\ntrue: {names[1]}"


def _heat_maps(run: Run, config: DiagnosisAidConfig) -> Sequence[Any]:
    rows = _explained(run, config)
    if not len(rows):
        return ["No heat maps were asked for."]
    blend, given = run.model.blend, answers(run, run.predictions)
    pictures = pictures_of(run.test.cases.iloc[rows])
    heats = [
        heat_maps.occlusion(blend, picture, given[row]) for row, picture in zip(rows, pictures, strict=True)
    ]
    tiles = []
    for row, picture, heat in zip(rows, pictures, heats, strict=True):
        tiles += [Tile(picture, _said(run, row)), Tile(picture, f"map of row {row}", heat)]
    same = heat_maps.weights_matter(blend, pictures[0], given[rows[0]], heats[0])
    sanity = "the maps depend on what was learned" if abs(same) < 0.5 else "do not rely on these maps"
    return [
        "A part of the picture is hidden and the model asked again. Red: hiding it makes the answer less "
        "likely, so it speaks for the answer; blue: it speaks against it. A map shows what the model looks "
        "at, not where the disease is.",
        gallery(tiles, alt=f"Heat maps of {len(rows)} pictures beside the pictures themselves."),
        f"Check: the first map and that of the same model on a network with random weights have a rank "
        f"correlation of {same:.2f} (0 also where that map is flat): {sanity} (Adebayo et al. 2018).",
    ]


def _explained(run: Run, config: DiagnosisAidConfig) -> NDArray[np.intp]:
    """Return the rows whose map is shown: half referred, half those surest of the class to be found."""
    decision, chances = run.decisions["decision"].to_numpy(), probabilities(run.predictions)
    watched = max(0, run.learned["operating_point"][2])
    sure = np.flatnonzero(decision == ANSWER)
    referred = np.flatnonzero(decision == REFER)
    half = -(-config.heat_maps // 2)
    top = sure[np.argsort(-chances[sure, watched])][:half]
    least = referred[np.argsort(chances[referred].max(axis=1))][: config.heat_maps - len(top)]
    return np.concatenate([top, least]).astype(np.intp)


def _groups(run: Run, config: DiagnosisAidConfig) -> Sequence[Any]:
    extra, truth = run.test.extra, run.truth.to_numpy()
    assert extra is not None
    given, classes = answers(run, run.predictions), [str(name) for name in run.learned["classes"]]
    referred = (run.decisions["decision"] != ANSWER).to_numpy()
    parts: list[Any] = []
    if "patient" in extra:
        parts += ["Patients, by the mean of the probabilities of their pictures:"]
        parts += [subgroups.by_patient(extra["patient"], probabilities(run.predictions), truth, classes)]
    for name in config.subgroups:
        if name in extra:
            table = subgroups.by_subgroup(extra[name], truth, given, referred, classes, together(run.test))
            parts += [f"By {name}:", table]
    return parts


def _limits(run: Run) -> str:
    return (
        f"{INTENDED_USE}\n\nThe figures hold for pictures like those learned from: the same device, the "
        "same way of taking and storing them, the same kind of patients. Elsewhere, judge the model again on "
        "local cases first. A familiar picture may still show a disease that the model never saw.\n\n"
        "Names, ids and UIDs of DICOM files are never read into this report, the log or the model; no DICOM "
        "file is written. Markings that are burnt into the pixels stay in the pixels."
    )


def _card(run: Run, config: DiagnosisAidConfig) -> pd.DataFrame:
    classes = ", ".join(map(str, run.learned["classes"]))
    members = run.leaderboard[(run.leaderboard["weight"] > 0) & (run.leaderboard["status"] != "chosen")]
    unknown = "not stated in the data"
    rows = {
        "intended use": "research on a second opinion; not a medical device, not for diagnosis",
        "users": "researchers who can judge the pictures themselves",
        "data": f"{len(run.split.train):,} pictures learned from, {len(run.test.cases):,} judged on; "
        f"split {run.split.rule}",
        "classes": classes,
        "class that must not be missed": config.positive or "none named",
        "population, age, setting": "none: synthetic" if _is_synthetic(run) else unknown,
        "model": ", ".join(f"{row.model} ({row.weight:.2f})" for row in members.itertuples()),
        "pretrained part": "EfficientNet-Lite0, ImageNet weights, Apache-2.0",
        "chosen and calibrated on": "pictures learned from, out of fold; never the test part",
        "refers": f"answers below probability {run.learned['operating_point'][0]:.3f}",
        "refuses": f"the {config.unfamiliar:.0%} least familiar, and what cannot be read",
        "data hash": run.record["data"]["sha256"][:16],
        "date": run.record["started"][:10],
    }
    return pd.DataFrame({"": list(rows), "this model": list(rows.values())})

"""Whole runs: what files they leave, what they promise, and what they keep to themselves."""

import json

import numpy as np
import pandas as pd
import pytest

from lepton_medical.diagnosis_aid.sample import generator, synthetic_ultrasound
from lepton_platform import DataError
from lepton_platform.run import reopen
from lepton_platform.store import RunFolder
from lepton_platform.tasks.image.metrics import probabilities


def text_of(run):
    names = ["report.html", "report.json", "run.json", "log.txt", "leaderboard.csv", "metrics.json"]
    return "\n".join((run.folder / name).read_text(encoding="utf-8") for name in names)


def test_there_is_a_row_per_test_picture_in_the_order_of_the_file(blob_run):
    table = pd.read_parquet(blob_run.folder / "predictions.parquet")
    assert table.columns[:5].tolist() == ["case", "p_0", "p_1", "predicted", "referred"]
    assert table["case"].tolist() == [f"test/{number}" for number in range(20)]
    assert table[["p_0", "p_1"]].sum(axis=1).to_numpy() == pytest.approx(np.ones(20))
    assert (table["predicted"] == table[["p_0", "p_1"]].to_numpy().argmax(axis=1)).all()
    # the test part is neither balanced nor changed
    assert blob_run.truth.tolist() == (np.arange(20) % 2).tolist()


def test_changing_the_test_labels_changes_no_weight_threshold_or_temperature(learn, archive, blob_run):
    other = learn(archive(train=60, val=12, test=20, flip_test_labels=True))
    for name in ("predictions.parquet", "decisions.parquet", "out_of_fold.parquet"):
        assert (other.folder / name).read_bytes() == (blob_run.folder / name).read_bytes()
    for learned in ("operating_point", "set_thresholds", "before_calibration"):
        assert other.learned[learned] == blob_run.learned[learned]
    assert other.model.blend.temperature.temperature_ == blob_run.model.blend.temperature.temperature_
    assert other.scores["accuracy"].value == pytest.approx(1 - blob_run.scores["accuracy"].value)


def test_a_file_of_its_own_to_judge_on_replaces_the_test_part(learn, archive, blob_run):
    source = archive(train=60, val=12, test=20)
    run = learn(source, test=archive(test=20, seed=2), heat_maps=0, gallery=0)
    assert len(run.split.train) == 72 and len(run.test.cases) == 20
    assert any("its own test part is left out" in str(finding) for finding in run.findings)
    chances = probabilities(run.predictions)
    assert chances == pytest.approx(probabilities(blob_run.predictions), abs=1e-6)


def test_the_model_beats_the_baseline_and_says_so(blob_run):
    assert blob_run.scores["auc"].value > 0.8
    assert blob_run.baseline_scores["auc"].value == 0.5
    assert json.loads((blob_run.folder / "metrics.json").read_text())["selected_by"] == "auc"


def test_no_patient_is_on_two_sides(clinic_run):
    patients = clinic_run.dataset.extra["patient"].to_numpy()
    train, test = clinic_run.split.train, clinic_run.split.test
    assert len(test) > 0 and not set(patients[train]) & set(patients[test])
    for fit, score in clinic_run.split.folds:
        assert not set(patients[train[fit]]) & set(patients[train[score]])


def test_a_split_that_parts_a_patient_is_refused(learn, clinic):
    table = pd.read_csv(clinic / "manifest.csv").assign(
        split=["train", "train", "test", "test"] * 24 + ["train"]
    )
    table["patient"] = "P1"
    table.to_csv(clinic / "parted.csv", index=False)
    with pytest.raises(DataError, match="1 patients have pictures in the test part and in the others"):
        learn(clinic / "parted.csv")


def test_a_bad_file_is_named_with_its_reason_and_the_rest_goes_on(clinic_run):
    said = [str(finding) for finding in clinic_run.findings]
    assert any("broken.png is in no picture format that is known here: left out" in text for text in said)
    assert len(clinic_run.dataset.cases) == 96


def test_patients_names_reach_no_report_log_or_model(clinic_run):
    assert "Doe" not in text_of(clinic_run)
    for path in (clinic_run.folder / "model").iterdir():
        assert b"Doe" not in path.read_bytes()
    assert "Patients, by the mean" in text_of(clinic_run)


def test_the_stated_sensitivity_holds_out_of_fold(clinic_run):
    truth = clinic_run.dataset.target.iloc[clinic_run.split.train].to_numpy()
    large = clinic_run.learned["classes"].index("large")
    found = (clinic_run.out_of_fold["predicted"] == "large").to_numpy()[truth == large]
    assert found.mean() >= 0.9


def test_the_reported_sensitivity_is_the_recall_of_each_class(clinic_run):
    truth = np.array(clinic_run.learned["classes"], object)[clinic_run.truth]
    given = clinic_run.predictions["predicted"].to_numpy()
    for name in ("small", "large"):
        recall = (given == name)[truth == name].mean()
        assert clinic_run.summary["sensitivity"][name]["value"] == pytest.approx(recall)


def test_sets_hold_the_true_class_and_are_told(sample_run):
    names = sample_run.predictions["set"].str.split("|")
    truth = [sample_run.learned["classes"][code] for code in sample_run.truth]
    assert np.mean([name in held for name, held in zip(truth, names, strict=True)]) > 0.75
    assert "made to hold the true one 90% of the time" in text_of(sample_run)


def test_every_report_says_what_it_is_not(sample_run, blob_run, clinic_run):
    for run in (sample_run, blob_run, clinic_run):
        assert text_of(run).count("not a medical device") >= 2
        assert "Not a medical device; not for diagnosis." in run.summary["in_words"]


def test_what_is_synthetic_is_said_to_be_wherever_it_shows(sample_run, blob_run):
    assert sample_run.summary["in_words"].startswith("These pictures are synthetic")
    assert (sample_run.folder / "report.html").read_text().count("synthetic") >= 4
    assert "synthetic" in (sample_run.folder / "log.txt").read_text()
    assert "synthetic" not in text_of(blob_run)


def test_the_shipped_sample_is_what_the_generator_makes():
    shipped = np.load(synthetic_ultrasound().source.uri)
    for name, made in generator.archive().items():
        assert np.array_equal(shipped[name], made), name


def test_near_duplicates_are_reported_and_kept_in_one_fold(learn, archive, tmp_path):
    arrays = dict(np.load(archive(train=60, test=20)))
    arrays["train_images"][40:50] = arrays["train_images"][:10, :, ::-1]
    arrays["train_labels"][40:50] = arrays["train_labels"][:10]
    arrays["test_images"][:5] = arrays["train_images"][20:25]
    np.savez(tmp_path / "twins.npz", **arrays)
    run = learn(tmp_path / "twins.npz", heat_maps=0, gallery=0)
    said = " ".join(str(finding) for finding in run.findings)
    assert "5 of 20 test pictures have a near-duplicate among the others" in said
    groups = run.dataset.groups.to_numpy()
    assert (groups[:10] == groups[40:50]).all()
    for fit, score in run.split.folds:
        assert not set(groups[fit]) & set(groups[score])
    report = (run.folder / "report.html").read_text()
    assert "held out, without a twin" in report and "twins in one fold" in report


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (np.zeros(30, int), "all pictures are of class 0: there is nothing to tell apart"),
        (np.repeat([0, 1], [27, 3]), "class 1 has 3 pictures to learn from; 10 are needed"),
    ],
)
def test_what_cannot_be_learned_is_refused_in_words(learn, archive, tmp_path, labels, said):
    arrays = dict(np.load(archive(train=30, test=10)))
    np.savez(tmp_path / "a.npz", **(arrays | {"train_labels": labels[:, None]}))
    with pytest.raises(DataError, match=said):
        learn(tmp_path / "a.npz")


def test_names_for_the_labels_name_the_columns(sample_run):
    assert sample_run.predictions.columns[:2].tolist() == ["p_irregular", "p_smooth"]
    assert set(sample_run.predictions["predicted"]) <= {"irregular", "smooth"}
    best = probabilities(sample_run.predictions).argmax(axis=1)
    assert (np.array(["irregular", "smooth"])[best] == sample_run.predictions["predicted"]).all()


def test_a_network_that_is_named_takes_part_and_is_saved(learn, archive):
    models = ("kernel", "small network")
    run = learn(archive(train=30, test=10), models=models, heat_maps=0, gallery=0)
    assert set(run.leaderboard["model"]) == {"class shares", *models, "ensemble"}
    again = reopen(RunFolder(run.folder))
    chances = probabilities(again.hooks.predict(again.model, run.test.cases))
    assert chances == pytest.approx(probabilities(run.predictions), abs=1e-6)

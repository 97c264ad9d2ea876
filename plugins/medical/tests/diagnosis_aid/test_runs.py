"""Whole runs: what files they leave, what they promise, and what they keep to themselves."""

import json
import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from lepton_medical.diagnosis_aid.sample import generator, synthetic_ultrasound
from lepton_platform import DataError
from lepton_platform.data.dataset import Source
from lepton_platform.model import evaluation
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


def test_pictures_of_one_patient_and_near_duplicates_to_judge_on_are_drawn_together(
    blob_run, clinic_run, archive, tmp_path
):
    arrays = dict(np.load(archive(test=20)))
    np.savez(tmp_path / "copies.npz", **{name: np.repeat(array, 4, axis=0) for name, array in arrays.items()})
    groups = blob_run.hooks.load(Source(str(tmp_path / "copies.npz")), "test").groups.to_numpy()
    assert len(set(groups)) == 20 and (groups.reshape(20, 4) == groups[::4, None]).all()
    patients = clinic_run.test.extra["patient"]
    assert clinic_run.test.groups.groupby(patients).nunique().eq(1).all()
    parts = (clinic_run.truth.to_numpy(), clinic_run.predictions, clinic_run.test.cases)
    by_patient = evaluation.evaluate(clinic_run.metrics, *parts, clinic_run.seed, patients)
    assert clinic_run.scores["log_loss"] == by_patient["log_loss"]
    assert clinic_run.scores["log_loss"] != evaluation.evaluate(clinic_run.metrics, *parts)["log_loss"]


def test_subgroups_have_sensitivity_and_specificity(clinic_run):
    report = (clinic_run.folder / "report.html").read_text()
    by_device = report[report.index("By device") :]
    assert "sensitivity" in by_device and "specificity" in by_device


def test_classes_that_are_mirror_images_are_told_apart(learn, tmp_path):
    rng = np.random.default_rng(3)
    labels = np.arange(90) % 2
    pictures = rng.integers(60, 120, (90, 28, 28), dtype=np.uint8)
    pictures[:, 6:22, 4:11] += 100  # on the left
    pictures[labels == 1] = pictures[labels == 1][:, :, ::-1]
    pictures = np.clip(pictures + rng.normal(0, 10, (90, 1, 1)), 0, 255).astype(np.uint8)
    wedge = np.triu(np.ones((16, 7), bool))  # means over the picture see no place, but they see a slope
    pictures[:, 6:22, 10:17] = np.where(wedge, 220, 60) + rng.integers(0, 20, (90, 16, 7), dtype=np.uint8)
    pictures[labels == 1, 6:22, 10:17] = pictures[labels == 1, 6:22, 10:17][:, :, ::-1]
    arrays = {"train_images": pictures[:60], "train_labels": labels[:60, None]}
    arrays |= {"test_images": pictures[60:], "test_labels": labels[60:, None]}
    np.savez(tmp_path / "sides.npz", **arrays)
    run = learn(tmp_path / "sides.npz", models=("kernel", "sided"), heat_maps=0, gallery=0)
    assert run.scores["auc"].value > 0.95
    board = run.leaderboard.set_index("model")
    assert board.loc["sided", "weight"] > board.loc["kernel", "weight"]


def test_a_budget_that_is_too_short_for_all_pictures_learns_from_some_of_each_class(
    learn, archive, monkeypatch
):
    run = learn(archive(train=60, test=10, seed=4), heat_maps=0, gallery=0)
    monkeypatch.setattr(run, "options", replace(run.options, budget=1.0))
    monkeypatch.setattr(run, "deadline", time.monotonic() + 0.05)
    split = run.hooks.split(run.dataset)
    classes = run.dataset.target.to_numpy()[split.train]
    assert np.bincount(classes).tolist() == [10, 10]
    assert len(split.test) == 10
    said = [str(finding) for finding in run.findings]
    assert any("20 of 60 pictures are learned from, drawn at random: the budget" in text for text in said)
    assert any("are looked at only at 64 pixels" in text for text in said)


@pytest.mark.parametrize(
    ("classes", "size", "colour"), [(9, 28, True), (8, 64, True), (4, 28, False)], ids=str
)
def test_archives_of_many_classes_grey_or_in_colour_need_no_option(learn, tmp_path, classes, size, colour):
    rng = np.random.default_rng(classes)
    arrays = {}
    for split, n in (("train", 12 * classes), ("test", 3 * classes)):
        labels = np.arange(n) % classes
        stripes = np.sin(np.arange(size) * (1 + labels[:, None]) * np.pi / size)
        pictures = 120 + 80 * stripes[:, :, None] + rng.normal(0, 50, (n, size, size))
        pictures = np.stack([pictures, 255 - pictures, pictures], axis=3) if colour else pictures
        arrays[f"{split}_images"] = np.clip(pictures, 0, 255).astype(np.uint8)
        arrays[f"{split}_labels"] = labels[:, None].astype(np.uint8)
    np.savez_compressed(tmp_path / "made.npz", **arrays)
    run = learn(tmp_path / "made.npz", heat_maps=0, gallery=0)
    assert run.scores["accuracy"].value > 0.8
    table = pd.read_parquet(run.folder / "predictions.parquet")
    assert [name for name in table if name.startswith("p_")] == [f"p_{code}" for code in range(classes)]


def test_a_class_of_one_patient_is_unknown_to_the_fit_that_has_not_seen_it(learn, clinic, tmp_path):
    table = pd.read_csv(clinic / "manifest.csv").iloc[:96].assign(split=["train"] * 80 + ["test"] * 16)
    table["file"] = [str(clinic / name) for name in table["file"]]
    table.loc[table["patient"] == "Doe^A", "class"] = "rare"
    table.loc[table["patient"] == "Doe^C", ["class", "patient"]] = "rare", "Doe^A"
    table.loc[table["patient"] == "Doe^E", ["class", "patient"]] = "rare", "Doe^A"
    table.to_csv(tmp_path / "rare.csv", index=False)
    run = learn(tmp_path / "rare.csv", heat_maps=0, gallery=0)
    rare = run.dataset.target.iloc[run.split.train].to_numpy() == run.learned["classes"].index("rare")
    assert rare.sum() == 12 and run.out_of_fold["p_rare"][rare].max() < 0.5
    two = table[table["class"] != "small"]
    two.assign(split=np.where(two["class"] == "rare", "train", two["split"])).to_csv(
        tmp_path / "two.csv", index=False
    )
    with pytest.raises(DataError, match="class 'rare' has pictures of too few patients"):
        learn(tmp_path / "two.csv", heat_maps=0, gallery=0)


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

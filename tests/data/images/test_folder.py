"""Folders and manifests: the class of each picture, upright pixels, and a reason for each bad file."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from lepton_platform import DataError
from lepton_platform.data.images import folder as folders
from lepton_platform.data.images import manifest
from lepton_platform.data.images.inspection import inspected
from lepton_platform.data.images.pixels import read


def test_the_folder_names_the_class(folder):
    listed = folders.catalogue(folder)
    assert listed["label"].value_counts().to_dict() == {"small": 6, "large": 6}
    assert listed.index[0] == "large/1.png"


def test_folders_called_train_and_test_are_the_split(folder):
    (folder.parent / "all").mkdir()
    folder.rename(folder.parent / "all" / "train")
    (folder.parent / "all" / "Test" / "large").mkdir(parents=True)
    Image.new("L", (8, 8)).save(folder.parent / "all" / "Test" / "large" / "a.png")
    listed = folders.catalogue(folder.parent / "all")
    assert listed["split"].value_counts().to_dict() == {"train": 12, "test": 1}
    assert listed.loc["Test/large/a.png", "label"] == "large"


def test_bad_files_have_a_reason_each_and_the_others_are_read(folder):
    (folder / "small" / "notes.txt").write_text("not a picture")
    (folder / "small" / "empty.png").write_bytes(b"")
    whole = (folder / "small" / "0.png").read_bytes()
    (folder / "small" / "torn.png").write_bytes(whole[: len(whole) // 2])
    seen = inspected(folders.catalogue(folder))
    assert (seen["fault"] == "").sum() == 12
    assert "no picture format" in seen.loc["small/notes.txt", "fault"]
    assert "no picture format" in seen.loc["small/empty.png", "fault"]
    assert "cannot be read as a picture" in seen.loc["small/torn.png", "fault"]


def test_pictures_are_turned_upright(tmp_path):
    picture = Image.fromarray(np.arange(12, dtype=np.uint8).reshape(3, 4) * 20)
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: taken with the camera on its side
    picture.save(tmp_path / "a.png", exif=exif)
    ((_, seen),) = read(folders.catalogue(tmp_path))
    assert seen.shape == (4, 3, 3)
    assert np.array_equal(seen[:, :, 0], np.rot90(np.asarray(picture), -1))


def test_deep_grey_keeps_its_upper_byte(tmp_path):
    deep = np.array([[0, 257], [32_896, 65_535]], np.uint16)
    Image.fromarray(deep).save(tmp_path / "a.png")
    ((_, seen),) = read(folders.catalogue(tmp_path))
    assert seen[:, :, 0].tolist() == [[0, 1], [128, 255]]


def test_a_palette_with_transparency_is_colour(tmp_path):
    Image.new("RGBA", (4, 4), (200, 10, 10, 255)).convert("P").save(tmp_path / "a.png", transparency=0)
    ((_, seen),) = read(folders.catalogue(tmp_path))
    assert seen.shape == (4, 4, 3)


def test_pages_of_a_tiff_are_pictures(tmp_path):
    pages = [Image.new("L", (5, 5), grey) for grey in (10, 20, 30)]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    listed = folders.catalogue(tmp_path)
    assert listed.index.tolist() == ["a.tif#0", "a.tif#1", "a.tif#2"]
    assert [int(seen[0, 0, 0]) for _, seen in read(listed)] == [10, 20, 30]


def test_a_manifest_names_files_classes_patients_and_splits(folder):
    table = pd.DataFrame(
        {
            "Image": ["small/0.png", "large/1.png"],
            "diagnosis": ["s", "l"],
            "patient_id": ["A", "B"],
            "split": ["Train", "valid"],
            "sex": ["f", "m"],
        }
    )
    listed = manifest.catalogue(table, folder, {}, also=["sex"])
    assert listed.columns.tolist() == ["path", "frame", "part", "label", "patient", "split", "sex"]
    assert listed["split"].tolist() == ["train", "val"]
    assert (inspected(listed)["fault"] == "").all()


@pytest.mark.parametrize(
    ("columns", "named", "said"),
    [
        ({"where": ["small/0.png"]}, {}, "no column names the picture files. Name it with --image; .* where"),
        ({"image": ["small/0.png"]}, {"label": "clas"}, "'clas' is missing, but it was named for the label"),
        ({"image": ["small/0.png"], "split": ["dev"]}, {}, "holds 'dev', which is no split"),
    ],
)
def test_a_manifest_that_cannot_be_used_says_why(folder, columns, named, said):
    with pytest.raises(DataError, match=said):
        manifest.catalogue(pd.DataFrame(columns), folder, named)


def test_a_file_that_a_manifest_names_and_is_not_there_has_a_reason(folder):
    listed = manifest.catalogue(pd.DataFrame({"image": ["small/0.png", "gone.png"]}), folder, {})
    assert inspected(listed)["fault"].str.contains("No such file").tolist() == [False, True]

"""``lepton decide``: every file answered, referred or refused, with a reason, whatever it is."""

from pathlib import Path

import numpy as np
import pandas as pd
import pydicom
import pydicom.data
import pytest
from PIL import Image
from sklearn.datasets import load_digits, load_sample_image

from lepton_platform.decide import decide, decide_batch
from lepton_platform.run import reopen
from lepton_platform.store import RunFolder

FILES = Path(str(pydicom.data.__file__)).parent / "test_files"


@pytest.fixture(scope="module")
def opinion(blob_run, tmp_path_factory):
    """Return the decisions of the saved model on a source, as a file has them."""
    run = reopen(RunFolder(blob_run.folder))

    def opinion(source):
        out = tmp_path_factory.mktemp("decide") / "decisions.parquet"
        decide(run, str(source), str(out))
        return pd.read_parquet(out).set_index("case")

    return opinion


def test_the_saved_model_decides_as_the_run_did(opinion, blob_run):
    again = opinion(blob_run.options.data)
    kept = pd.read_parquet(blob_run.folder / "decisions.parquet").set_index("case")
    pd.testing.assert_frame_equal(again, kept, rtol=1e-5, check_dtype=False)


def test_inverted_storage_gives_the_same_probability(opinion, tmp_path):
    straight = pydicom.dcmread(FILES / "MR_small.dcm")
    straight.save_as(tmp_path / "a.dcm")
    stored = straight.pixel_array.astype(np.int32)
    for name in ("WindowCenter", "WindowWidth"):
        if name in straight:
            delattr(straight, name)
    straight.save_as(tmp_path / "b.dcm")
    straight.PhotometricInterpretation = "MONOCHROME1"
    straight.PixelData = (stored.max() + stored.min() - stored).astype(np.int16).tobytes()
    straight.save_as(tmp_path / "c.dcm")
    table = opinion(tmp_path)
    assert table.loc["b.dcm", "p_1"] == pytest.approx(table.loc["c.dcm", "p_1"], abs=1e-6)


def test_every_kind_of_file_is_answered_referred_or_refused_with_a_reason(opinion, tmp_path):
    for name in ("CT_small.dcm", "MR_truncated.dcm", "MR_small_jpeg_ls_lossless.dcm", "test-SR.dcm"):
        (tmp_path / name).write_bytes((FILES / name).read_bytes())
    (tmp_path / "SC.dcm").write_bytes((FILES / "SC_rgb_rle_2frame.dcm").read_bytes())
    (tmp_path / "notes.txt").write_text("not a picture")
    table = opinion(tmp_path)
    assert len(table) == 7
    assert table["decision"].isin(["answer", "refer", "refuse"]).all()
    assert (table.loc[table["decision"] != "answer", "reason"] != "").all()
    assert "codec is missing" in table.loc["MR_small_jpeg_ls_lossless.dcm", "reason"]
    assert table.loc["notes.txt", "decision"] == "refuse" and np.isnan(table.loc["notes.txt", "p_0"])


def test_every_file_that_pydicom_brings_has_its_rows_and_a_reason(opinion):
    table = opinion(FILES)
    files = {str(path.relative_to(FILES)) for path in FILES.rglob("*") if path.is_file()}
    assert {str(case).partition("#")[0] for case in table.index} == {
        name for name in files if not any(part.startswith(".") for part in Path(name).parts)
    }
    assert table["decision"].isin(["answer", "refer", "refuse"]).all()
    assert table.loc[table["decision"] != "answer", "reason"].str.len().gt(10).all()
    # none shows what was learned from: computed tomography, magnetic resonance, other ultrasound
    assert (table.loc[table["p_0"].notna(), "decision"] == "refuse").mean() > 0.95


def test_photographs_a_blank_and_noise_are_refused_without_a_class(opinion, tmp_path):
    for name in ("china.jpg", "flower.jpg"):
        Image.fromarray(load_sample_image(name)).save(tmp_path / name)
    for grey in (0, 90, 255):
        Image.new("L", (64, 64), grey).save(tmp_path / f"blank-{grey}.png")
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    Image.fromarray((load_digits().images[0] * 15).astype(np.uint8)).save(tmp_path / "digit.png")
    table = opinion(tmp_path)
    assert (table["decision"] == "refuse").all()
    assert (table["reason"] == "unlike the pictures learned from").all()
    assert table["predicted"].isna().all()


def test_few_sound_pictures_are_refused(sample_run, blob_run):
    for run in (sample_run, blob_run):
        assert (run.decisions["decision"] == "refuse").mean() <= 0.1


def test_no_pictures_get_no_decisions(blob_run):
    listed = blob_run.test.cases.iloc[:0][["path", "part", "frame"]]
    table = decide_batch(reopen(RunFolder(blob_run.folder)), listed)
    assert len(table) == 0 and table.columns.tolist() == blob_run.decisions.columns.tolist()


def test_one_picture_is_decided_as_in_a_batch(opinion, clinic):
    together = opinion(clinic / "manifest.csv").iloc[:3]
    alone = opinion(clinic / "1.png")
    assert alone["p_1"].iloc[0] == pytest.approx(together["p_1"].iloc[1], abs=1e-5)

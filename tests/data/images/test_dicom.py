"""DICOM: the same picture stored in another way gives the same pixels; what cannot be read says why."""

import hashlib
from pathlib import Path

import numpy as np
import pydicom
import pydicom.data
import pytest

from lepton_platform import DataError
from lepton_platform.data.images import dicom, folder
from lepton_platform.data.images.inspection import inspected

FILES = Path(str(pydicom.data.__file__)).parent / "test_files"
"""Files of every kind that pydicom ships to test readers, sound and damaged ones."""


@pytest.fixture
def chest(tmp_path):
    """Return a writer: pydicom's CT slice with some elements changed, and other stored values."""

    def chest(name, change=lambda stored: stored, **elements):
        file = pydicom.dcmread(FILES / "CT_small.dcm")
        stored = change(file.pixel_array.astype(np.int32))
        file.PixelData = stored.astype(
            np.uint16 if elements.get("PixelRepresentation") == 0 else np.int16
        ).tobytes()
        for element, value in elements.items():
            setattr(file, element, value)
        file.save_as(tmp_path / name)
        return tmp_path / name

    return chest


def pixels(path, frame=0):
    (picture,) = dicom.decode(path, [frame])
    return picture


def test_inverted_storage_gives_the_same_picture(chest):
    straight = pixels(chest("straight.dcm", PhotometricInterpretation="MONOCHROME2"))
    inverted = pixels(
        chest("inverted.dcm", lambda stored: 1000 - stored, PhotometricInterpretation="MONOCHROME1")
    )
    # the rescale intercept moves with the inversion, so the window must be the values' own range
    assert np.ptp(straight) == 255
    assert np.abs(straight.astype(int) - inverted).max() <= 1


def test_another_rescale_of_the_same_values_gives_the_same_picture(chest):
    window = {"WindowCenter": 40, "WindowWidth": 400}
    straight = pixels(chest("straight.dcm", RescaleSlope=1, RescaleIntercept=-1024, **window))
    shifted = pixels(
        chest("shifted.dcm", lambda stored: stored - 24, RescaleSlope=1, RescaleIntercept=-1000, **window)
    )
    doubled = pixels(
        chest("doubled.dcm", lambda stored: 2 * stored, RescaleSlope=0.5, RescaleIntercept=-1024, **window)
    )
    assert np.array_equal(straight, shifted)
    assert np.array_equal(straight, doubled)


def test_the_window_is_the_formula_of_the_standard(chest):
    """PS3.3 C.11.2.1.2.1: black below centre - 0.5 - (width - 1) / 2, white above, linear between."""
    seen = pixels(chest("a.dcm", RescaleSlope=1, RescaleIntercept=-1024, WindowCenter=40, WindowWidth=400))
    values = pydicom.dcmread(FILES / "CT_small.dcm").pixel_array - 1024.0
    expected = np.clip((values - 39.5) / 399 + 0.5, 0, 1) * 255
    assert np.abs(seen[:, :, 0] - expected).max() <= 0.51
    assert seen.min() == 0 and seen.max() == 255


@pytest.mark.parametrize("name", ["MR_small_RLE.dcm", "MR_small_bigendian.dcm", "MR_small_jp2klossless.dcm"])
def test_lossless_transfer_syntaxes_give_the_uncompressed_picture(name):
    assert np.array_equal(pixels(FILES / name), pixels(FILES / "MR_small.dcm"))


def test_a_file_of_several_frames_is_several_pictures(tmp_path):
    (tmp_path / "us.dcm").write_bytes((FILES / "examples_ybr_color.dcm").read_bytes())
    listed = folder.catalogue(tmp_path)
    assert len(listed) == 30
    assert listed.index[0] == "us.dcm#0"
    seen = inspected(listed)
    assert (seen["fault"] == "").all()
    assert seen["sha256"].nunique() > 25
    assert not seen["grey"].all()


def test_a_palette_is_looked_up(tmp_path):
    assert np.ptp(pixels(FILES / "examples_palette.dcm").astype(int), axis=2).max() > 0


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("MR_small_jpeg_ls_lossless.dcm", "JPEG-LS Lossless Image Compression, .* pip install pyjpegls"),
        ("SC_rgb_jpeg_gdcm.dcm", "JPEG Lossless, .* pip install pylibjpeg pylibjpeg-libjpeg"),
        ("JPGExtended.dcm", "pip install pylibjpeg pylibjpeg-libjpeg"),
        ("MR_truncated.dcm", "cannot be decoded .*8130 vs 8192 bytes"),
        ("test-SR.dcm", "has no picture in it"),
        ("rtplan.dcm", "has no picture in it"),
        ("badVR.dcm", "cannot be decoded"),
    ],
)
def test_what_cannot_be_read_says_why_in_a_line(name, said):
    with pytest.raises(DataError, match=said) as raised:
        pixels(FILES / name)
    assert "\n" not in raised.value.findings[0].message


def test_every_bundled_file_is_a_picture_or_has_a_reason():
    seen = inspected(folder.catalogue(FILES).iloc[::2])
    read = seen["fault"] == ""
    assert read.sum() > 60
    assert (seen.loc[read, "width"] > 0).all()
    assert (seen.loc[~read, "fault"].str.len() > 10).all()


def test_no_reason_quotes_the_header(tmp_path):
    file = pydicom.dcmread(FILES / "CT_small.dcm")
    identifiers = [str(file.PatientName), file.PatientID, file.SOPInstanceUID, file.StudyInstanceUID]
    file.PixelData = file.PixelData[:100]
    file.save_as(tmp_path / "short.dcm")
    with pytest.raises(DataError) as raised:
        pixels(tmp_path / "short.dcm")
    assert not any(identifier in str(raised.value) for identifier in identifiers)


def test_reading_leaves_the_files_as_they_were(chest):
    path = chest("a.dcm")
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    pixels(path)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == before

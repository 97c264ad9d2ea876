"""Networks for pictures: pretrained weights as published, features, fine-tuning, augmentation."""

import numpy as np
import pytest
import skops.io
import torch
from PIL import Image
from sklearn.datasets import load_sample_image
from sklearn.pipeline import make_pipeline

from lepton_platform.data.images import npz
from lepton_platform.data.images.inspection import inspected
from lepton_platform.data.images.pixels import squares
from lepton_platform.model.deep import NeuralClassifier
from lepton_platform.model.deep.efficientnet import EfficientNetLite, Prepared, backbone
from lepton_platform.model.deep.picture_features import WIDTH, PretrainedFeatures, StageScaler
from lepton_platform.model.deep.picture_networks import SmallPictureNetwork, Squares, Turned

torch.set_num_threads(1)


@pytest.fixture
def pictures(tmp_path):
    """Twelve inspected pictures; the upper half of every second one is bright."""
    rng = np.random.default_rng(0)
    grey = rng.integers(0, 80, (12, 20, 20), dtype=np.uint8)
    grey[1::2, :10] += 150
    np.savez(tmp_path / "a.npz", train_images=grey)
    return inspected(npz.catalogue(tmp_path / "a.npz"))


@pytest.mark.parametrize(("name", "left", "number"), [("china.jpg", 106, 698), ("flower.jpg", 0, 985)])
def test_the_network_knows_a_palace_and_a_daisy(name, left, number):
    """Photographs that scikit-learn ships; 698 and 985 are those classes of ImageNet."""
    square = load_sample_image(name)[:, left : left + 427]
    shown = np.asarray(Image.fromarray(square).resize((224, 224), Image.Resampling.BILINEAR))
    with torch.inference_mode():
        chances = backbone()(Prepared()(torch.tensor(shown)[None])).softmax(dim=1)[0]
    assert chances.argmax() == number
    assert chances[number] > 0.25
    assert sum(weights.numel() for weights in backbone().parameters()) == pytest.approx(4.65e6, rel=0.01)


def test_features_are_those_of_the_maps_and_the_same_for_a_mirror_image(pictures, tmp_path):
    features = PretrainedFeatures(sizes=(64,), mirrored=False).fit_transform(pictures)
    assert features.shape == (12, WIDTH)
    network, inputs = backbone(), torch.from_numpy(squares(pictures, 64))
    with torch.inference_mode():
        maps = network._swish(network._bn0(network._conv_stem(Prepared()(inputs))))
        maps = network._blocks[0](maps)
    # stretched in floats there and in whole grey levels here
    assert features[:, :16] == pytest.approx(maps.mean((2, 3)).numpy(), abs=0.05)
    mirror = np.stack([picture[:, ::-1, 0] for picture in squares(pictures, 20)])
    np.savez(tmp_path / "b.npz", train_images=mirror)
    turned = inspected(npz.catalogue(tmp_path / "b.npz"))
    both = PretrainedFeatures(sizes=(64,), mirrored=True)
    assert both.fit_transform(turned) == pytest.approx(both.fit_transform(pictures), abs=1e-4)


def test_kept_features_are_the_computed_ones_in_any_order(pictures, tmp_path):
    plain = PretrainedFeatures(sizes=(64, 80), mirrored=False).fit_transform(pictures)
    keeping = PretrainedFeatures(sizes=(64, 80), mirrored=False, checkpoints=tmp_path)
    keeping.fit(pictures.iloc[:7])
    keeping.fit(pictures)  # what was computed for the first seven is not computed again
    (rows,) = tmp_path.glob("features-*.f32")
    assert np.fromfile(rows, np.float32).reshape(plain.shape) == pytest.approx(plain, abs=1e-5)
    order = [5, 0, 11, 3]
    assert keeping.transform(pictures.iloc[order]) == pytest.approx(plain[order], abs=1e-5)


def test_a_look_that_was_killed_while_writing_goes_on_from_what_was_written_whole(pictures, tmp_path):
    plain = PretrainedFeatures(sizes=(64,), mirrored=False).fit_transform(pictures)
    keeping = PretrainedFeatures(sizes=(64,), mirrored=False, checkpoints=tmp_path)
    keeping.fit(pictures.iloc[:4])
    (rows,) = tmp_path.glob("features-*.f32")
    rows.write_bytes(rows.read_bytes() + b"half a row, and no digest")
    assert keeping.transform(pictures.iloc[:4]) == pytest.approx(plain[:4], abs=1e-5)
    assert keeping.fit(pictures).transform(pictures) == pytest.approx(plain, abs=1e-5)


def test_random_weights_are_others_and_repeatable(pictures):
    pretrained = PretrainedFeatures(sizes=(64,)).fit_transform(pictures)
    random = PretrainedFeatures(sizes=(64,), random_weights=1).fit_transform(pictures)
    again = PretrainedFeatures(sizes=(64,), random_weights=1).fit_transform(pictures)
    assert np.array_equal(random, again)
    assert not np.allclose(random, pretrained, atol=0.1)


def test_every_stage_weighs_the_same():
    features = np.random.default_rng(0).normal(3, 5, (500, 2 * WIDTH))
    scaled = StageScaler().fit_transform(features)
    assert (scaled**2).sum(axis=1).mean() == pytest.approx(1)
    assert (scaled[:, :16] ** 2).sum(axis=1).mean() == pytest.approx(1 / 24)
    assert (scaled[:, -192:] ** 2).sum(axis=1).mean() == pytest.approx(1 / 24)


@pytest.mark.parametrize(
    ("architecture", "epochs"),
    [(EfficientNetLite(), 6), (SmallPictureNetwork(channels=(8, 16)), 40)],
    ids=str,
)
def test_networks_learn_from_pixels_and_are_saved_without_pickle(pictures, tmp_path, architecture, epochs):
    y = np.arange(12) % 2
    network = NeuralClassifier(
        architecture, learning_rate=3e-3, epochs=epochs, batch_size=6, validation_share=0, standardise=False,
        augmentation=(Turned(),), random_state=0,
    )  # fmt: skip
    model = make_pipeline(Squares(32), network).fit(pictures, y)
    assert model.score(pictures, y) > 0.9
    skops.io.dump(model, tmp_path / "model.skops")
    trusted = skops.io.get_untrusted_types(file=tmp_path / "model.skops")
    assert not [name for name in trusted if name.startswith("torch")]
    loaded = skops.io.load(tmp_path / "model.skops", trusted=trusted)
    assert np.array_equal(loaded.predict_proba(pictures), model.predict_proba(pictures))


def test_changes_keep_shape_range_and_what_is_seen():
    torch.manual_seed(0)  # the darkest that the changes allow is 53
    still = torch.full((8, 16, 16, 3), 100.0)
    changed, targets = Turned()(still, torch.arange(8))
    assert changed.shape == still.shape
    assert changed.min() > 60 and changed.max() < 140
    assert targets.tolist() == list(range(8))
    nothing = Turned(degrees=0, shift=0, scale=0, light=0)
    lopsided = torch.arange(16.0).repeat(4, 16, 1)[..., None].expand(4, 16, 16, 3) * 10
    turned, _ = nothing(lopsided, torch.zeros(4))
    for picture, original in zip(turned, lopsided, strict=True):
        straight = torch.allclose(picture, original, atol=0.5)
        assert straight or torch.allclose(picture.flip(1), original, atol=0.5)

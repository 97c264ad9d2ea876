"""Saved models: bit-equal when loaded, refused when a byte differs or a class is not vouched for."""

import json
import sys
from collections import Counter
from functools import partial
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
import skops.io
from scipy.special import expit
from sklearn.base import BaseEstimator, clone
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from lepton_platform.data.cleaning import TableCleaner
from lepton_platform.errors import RunError, TamperedModelError
from lepton_platform.hooks import APPLICATION, Layer
from lepton_platform.model import persistence
from lepton_platform.model.calibration import LogisticCalibration, SplineCalibration
from lepton_platform.model.candidate import Candidate
from lepton_platform.model.ensemble import Blend
from lepton_platform.plugins import host_layer
from lepton_platform.tasks.binary import candidates

HOST = [host_layer()]


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {
            "amount": np.where(rng.random(400) < 0.1, np.nan, rng.lognormal(8, 1, 400)),
            "age": np.where(rng.random(400) < 0.1, -9.0, rng.integers(20, 80, 400)),
            "home": rng.choice(np.array(["own", "rent", "free", None], dtype=object), 400),
            "since": pd.Timestamp("2020-01-01", tz="UTC") + pd.to_timedelta(rng.integers(0, 900, 400), "D"),
        }
    )
    y = pd.Series((rng.random(400) < expit((X["home"] == "rent") * 2 - 1.5)).astype(int))
    return X, y


def cleaned(candidate):
    return make_pipeline(TableCleaner({"age": [-9.0]}), clone(candidate.estimator))


def blend(X, y, calibration=LogisticCalibration):
    calibration = calibration().fit(np.linspace(-2, 2, 100), np.arange(100) % 3 // 2)
    members = [(name, cleaned(CANDIDATES[name])) for name in ("logistic", "boosting")]
    return Blend(members, [0.3, 0.7], calibration).fit(X, y)


CANDIDATES = {
    "logistic": candidates.logistic(),
    "splines": candidates.splines(400),
    "boosting": candidates.boosting(400),
    "small trees": candidates.small_trees(400),
    "extra trees": candidates.extra_trees(),
    "catboost": candidates.catboost(),
    "base rate": Candidate(DummyClassifier(strategy="prior")),
}
MODELS = {name: cleaned(candidate).fit for name, candidate in CANDIDATES.items()} | {
    "blend": blend,
    "blend with a spline": partial(blend, calibration=SplineCalibration),
}


@pytest.mark.parametrize("kind", MODELS)
def test_a_loaded_model_predicts_bit_for_bit_what_the_saved_one_did(kind, table, tmp_path):
    if kind == "catboost":
        pytest.importorskip("catboost")
    model = MODELS[kind](*table)
    persistence.save(tmp_path / "model", {"model": model})
    digest = persistence.manifest_digest(tmp_path / "model")
    loaded = persistence.load(tmp_path / "model", digest, HOST)["model"]
    assert np.array_equal(loaded.predict_proba(table[0]), model.predict_proba(table[0]))


@pytest.fixture
def saved(tmp_path):
    """The folder of a small model and baseline, and the digest that its run recorded."""
    X, y = np.arange(20.0)[:, None], np.arange(20) // 10
    parts = {"model": LogisticRegression().fit(X, y), "baseline": DummyClassifier().fit(X, y)}
    folder = tmp_path / "model"
    persistence.save(folder, parts)
    return folder, persistence.manifest_digest(folder)


def refuses(saved, message):
    folder, digest = saved
    with pytest.raises(TamperedModelError, match=message) as error:
        persistence.load(folder, digest, HOST)
    return str(error.value)


FILES = ["model.skops", "baseline.skops", "manifest.json"]


def test_every_part_comes_back_under_its_name(saved):
    folder, digest = saved
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)
    parts = persistence.load(folder, digest, HOST)
    assert {name: type(part) for name, part in parts.items()} == {
        "model": LogisticRegression,
        "baseline": DummyClassifier,
    }


@pytest.mark.parametrize("name", FILES)
def test_changing_any_byte_of_any_file_is_noticed(name, saved):
    path = saved[0] / name
    original = path.read_bytes()
    rng = np.random.default_rng(0)
    middle = rng.choice(len(original), min(150, len(original)), replace=False)
    for position in [0, len(original) - 1, *middle]:
        changed = bytearray(original)
        changed[position] ^= 1 << int(rng.integers(8))
        path.write_bytes(changed)
        assert name in refuses(saved, "is not the one that the run saved")
    path.write_bytes(original)
    persistence.load(*saved, HOST)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("change", [lambda b: b[:-1], lambda b: b + b"\0", lambda b: b""])
def test_a_file_cut_short_or_made_longer_is_noticed(name, change, saved):
    path = saved[0] / name
    path.write_bytes(change(path.read_bytes()))
    assert name in refuses(saved, "is not the one that the run saved")


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(name, saved):
    (saved[0] / name).unlink()
    assert name in refuses(saved, "is missing from the model")


def test_another_model_with_its_own_manifest_is_not_the_runs(saved, tmp_path):
    persistence.save(saved[0], {"model": DummyClassifier().fit([[0]], [0])})
    refuses(saved, "manifest.json is not the one that the run saved")


# --------------------------------------------------------------------------------- who vouches


class Unknown(BaseEstimator):
    """An estimator of this test: no plugin of the run knows it."""


def load_saved(part, folder, layers):
    persistence.save(folder, {"model": part})
    return persistence.load(folder, persistence.manifest_digest(folder), layers)["model"]


@pytest.mark.parametrize("part", [Unknown(), Counter("ab"), make_pipeline(Unknown())])
def test_a_class_that_nobody_vouches_for_is_refused_and_named(part, tmp_path):
    with pytest.raises(TamperedModelError, match="no plugin of this run vouches for") as error:
        load_saved(part, tmp_path / "model", HOST)
    assert "trusted_types" in str(error.value)


def test_a_file_that_asks_to_call_a_function_is_refused_and_the_function_not_called(tmp_path):
    path = tmp_path / "model"
    persistence.save(path, {"model": np.frombuffer})
    with pytest.raises(TamperedModelError, match="frombuffer"):
        persistence.load(path, persistence.manifest_digest(path), HOST)


@pytest.fixture
def plugin(monkeypatch):
    """A module of a plugin, with an estimator and a class that is none."""
    module = ModuleType("acme_plugin")
    source = "from sklearn.base import BaseEstimator\nclass Forest(BaseEstimator): pass\nclass Tool: pass"
    exec(source, vars(module))
    monkeypatch.setitem(sys.modules, "acme_plugin", module)
    return module


def test_a_plugins_own_estimators_are_trusted_in_its_runs_only(plugin, tmp_path):
    acme = Layer("acme.churn", APPLICATION, (plugin,))
    assert type(load_saved(plugin.Forest(), tmp_path / "model", [acme])) is plugin.Forest
    with pytest.raises(TamperedModelError, match=r"acme_plugin\.Forest"):
        load_saved(plugin.Forest(), tmp_path / "model", HOST)


def test_a_plugins_other_classes_are_not_trusted(plugin, tmp_path):
    with pytest.raises(TamperedModelError, match=r"acme_plugin\.Tool"):
        load_saved(plugin.Tool(), tmp_path / "model", [Layer("acme.churn", APPLICATION, (plugin,))])


def test_what_a_plugin_declares_is_trusted(plugin, tmp_path):
    acme = Layer("acme.churn", APPLICATION, (plugin,), trusted_types=("acme_plugin.Tool",))
    assert isinstance(load_saved(plugin.Tool(), tmp_path / "model", [acme]), plugin.Tool)


@pytest.mark.parametrize("gone", ["the class", "the module"])
def test_a_class_that_is_no_longer_there_is_one_message(gone, plugin, tmp_path, monkeypatch):
    acme = Layer("acme.churn", APPLICATION, (plugin,))
    persistence.save(tmp_path / "model", {"model": plugin.Forest()})
    if gone == "the class":
        del plugin.Forest
    else:
        monkeypatch.delitem(sys.modules, "acme_plugin")
    with pytest.raises(TamperedModelError, match=r"acme_plugin\.Forest"):
        persistence.load(tmp_path / "model", persistence.manifest_digest(tmp_path / "model"), [acme])


# ------------------------------------------------------------------------------------- saving


def test_nothing_is_pickled(saved):
    for name in FILES[:2]:
        assert skops.io.get_untrusted_types(file=saved[0] / name) == []
        assert b"\x80\x04\x95" not in (saved[0] / name).read_bytes()


def test_the_manifest_holds_the_sha256_of_every_file(saved):
    import hashlib

    listed = json.loads((saved[0] / "manifest.json").read_text())["sha256"]
    digests = {name: hashlib.sha256((saved[0] / name).read_bytes()).hexdigest() for name in FILES[:2]}
    assert listed == digests


def test_saving_again_replaces_the_model_and_leaves_nothing_else(saved):
    folder, _ = saved
    persistence.save(folder, {"only": DummyClassifier().fit([[0]], [0])})
    assert sorted(path.name for path in folder.iterdir()) == ["manifest.json", "only.skops"]
    assert [path.name for path in folder.parent.iterdir()] == ["model"]


def test_a_model_that_cannot_be_saved_leaves_the_old_one(saved):
    folder, digest = saved
    with pytest.raises(Exception, match="generator"):
        persistence.save(folder, {"model": (number for number in range(3))})
    persistence.load(folder, digest, HOST)
    assert [path.name for path in folder.parent.iterdir()] == ["model"]


def test_a_folder_that_cannot_be_made_is_one_message(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="cannot write the model to"):
        persistence.save(tmp_path / "file" / "model", {})

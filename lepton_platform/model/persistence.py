"""Saves models without pickle and checks them before they are loaded.

skops writes a model as JSON and arrays (LightGBM's as its own text inside) and rebuilds only classes
that it is told to trust. That list is ours, the estimators of the plugins that take part in the run,
and what they declare; it is never what the file asks for.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import skops.io
from sklearn.base import BaseEstimator

from lepton_platform import store
from lepton_platform.errors import PluginError, RunError, TamperedModelError
from lepton_platform.hooks import Layer

MANIFEST = "manifest.json"
TRUSTED = frozenset(
    {
        "catboost.core.CatBoostClassifier",
        "collections.OrderedDict",
        "lepton_platform.model.calibration.LogisticCalibration",
        "lepton_platform.model.calibration.SplineCalibration",
        "lepton_platform.tasks.forecast.conformal.ConformalWidths",
        "lepton_platform.tasks.forecast.direct.Scale",
        "lepton_platform.tasks.forecast.panel.Panel",
        "lepton_platform.tasks.forecast.response.Response",
        "lepton_platform.tasks.forecast.response.Shapes",
        "lepton_platform.alert.Alert",
        "lepton_platform.tasks.volatility.blend.Averaged",
        "lepton_platform.tasks.volatility.filters.RiskMetrics",
        "lepton_platform.tasks.volatility.filters.Tails",
        "lepton_platform.tasks.volatility.gate.Gated",
        "lepton_platform.tasks.volatility.panel.Panel",
        "lightgbm.basic.Booster",
        "lightgbm.sklearn.LGBMClassifier",
        "lightgbm.sklearn.LGBMRegressor",
        "numpy.dtype",
        "scipy._lib.array_api_compat.numpy._aliases.asarray",
        "scipy.interpolate._bsplines.BSpline",
        "sklearn.compose._column_transformer.make_column_selector",
        "sklearn.tree._tree.Tree",
    }
)
"""Classes outside scikit-learn's own list that models of the host consist of."""
_NOBODY_VOUCHES = (
    "which no plugin of this run vouches for. If your plugin uses it, name it in the trusted_types "
    "of your application or extension."
)


def save(folder: Path, parts: Mapping[str, Any]) -> None:
    """Write each part and a manifest of their SHA-256 into ``folder``, at once or not at all.

    Raises
    ------
    RunError
        The disk is full or the folder cannot be written.
    """
    temporary = folder.with_name(f".{folder.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        temporary.mkdir(parents=True)
        for name, part in parts.items():
            skops.io.dump(part, temporary / f"{name}.skops")
        digests = {path.name: _digest(path) for path in sorted(temporary.iterdir())}
        store.write_json(temporary / MANIFEST, {"sha256": digests})
        shutil.rmtree(folder, ignore_errors=True)
        temporary.rename(folder)
    except OSError as error:
        raise RunError(f"cannot write the model to {folder}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def require_vouched(folder: Path, layers: Iterable[Layer]) -> None:
    """Raise ``PluginError`` if a saved model holds what could not be loaded again."""
    for path in sorted(folder.glob("*.skops")):
        if strange := _strange(path, layers):
            raise PluginError(f"the {path.stem} holds {', '.join(strange)}, {_NOBODY_VOUCHES}")


def load(folder: Path, manifest_sha256: str, layers: Iterable[Layer]) -> dict[str, Any]:
    """Return the parts of a model, by name.

    Raises
    ------
    TamperedModelError
        A file is missing or differs from what the run saved, or holds a class nobody vouches for.
    """
    try:
        if manifest_digest(folder) != manifest_sha256:
            raise TamperedModelError(f"{folder / MANIFEST} is not the one that the run saved")
        expected = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["sha256"]
        for name, digest in expected.items():
            if _digest(folder / name) != digest:
                raise TamperedModelError(
                    f"{folder / name} is not the one that the run saved. "
                    "Do not use this model; train again or restore the run folder."
                )
    except FileNotFoundError as error:
        raise TamperedModelError(f"{error.filename} is missing from the model. Train again.") from error
    return {Path(name).stem: _load(folder / name, layers) for name in expected}


def manifest_digest(folder: Path) -> str:
    """Return the SHA-256 of the manifest, which the run's record holds."""
    return _digest(folder / MANIFEST)


def _load(path: Path, layers: Iterable[Layer]) -> Any:
    if strange := _strange(path, layers):
        raise TamperedModelError(f"{path} holds {', '.join(strange)}, {_NOBODY_VOUCHES}")
    return skops.io.load(path, trusted=skops.io.get_untrusted_types(file=path))


def _strange(path: Path, layers: Iterable[Layer]) -> list[str]:
    """Return what a file holds beyond the classes that the host and the run's plugins vouch for."""
    asked = skops.io.get_untrusted_types(file=path)
    return [name for name in asked if not _vouched_for(name, layers)]


def _vouched_for(name: str, layers: Iterable[Layer]) -> bool:
    if name in TRUSTED:
        return True
    for layer in layers:
        packages = {module.__name__.partition(".")[0] for module in layer.modules}
        if name in layer.trusted_types or (name.partition(".")[0] in packages and _is_estimator(name)):
            return True
    return False


def _is_estimator(name: str) -> bool:
    module, _, attribute = name.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), attribute, None)
    except ImportError:  # of an older version of the plugin
        return False
    return isinstance(found, type) and issubclass(found, BaseEstimator)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

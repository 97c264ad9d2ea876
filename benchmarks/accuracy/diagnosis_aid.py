"""Diagnosis aid on a MedMNIST archive: our application beside its peers, on the official split.

Everybody learns from train and val and is judged once on test. We run through ``lepton run``; the
peers are scikit-learn on pixels, and logistic regression on the last layer of the same pretrained
network (the usual linear probe), each with its strength chosen and its probabilities calibrated by
cross-validation. What is measured: AUC (macro, one against the rest), accuracy, accuracy of the surest
80 %, log loss, calibration error (ECE, 15 bins of equal width), CPU seconds of the process and its
children. Peers have no seed worth the name; ours is the mean over ``--seeds``.

    .venv/bin/python benchmarks/accuracy/diagnosis_aid.py
    .venv/bin/python benchmarks/accuracy/diagnosis_aid.py --data pneumoniamnist.npz --seeds 0 --peers forest
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

BREAST = Path(__file__).resolve().parents[3] / "shared/data/medical/breastmnist/breastmnist.npz"
BARS = {"AUC": 0.925, "accuracy": 0.895, "ECE15": 0.06, "accuracy at 80 %": 0.925}
"""Of BreastMNIST, mean of three seeds; ECE is at most, the others are at least."""
Floats = NDArray[np.float64]


def svm() -> Any:
    """Gaussian kernel on pixels, C chosen by accuracy, Platt's calibration."""
    search = GridSearchCV(make_pipeline(StandardScaler(), SVC()), {"svc__C": [0.3, 1, 3, 10, 30]})
    return CalibratedClassifierCV(search, method="sigmoid", ensemble=False)


def forest() -> Any:
    """500 trees on pixels."""
    return RandomForestClassifier(500, n_jobs=1, random_state=0)


def probe() -> Any:
    """Logistic regression on what `last_layer` gives, its strength chosen by log loss."""
    return GridSearchCV(
        make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000)),
        {"logisticregression__C": [1e-4, 1e-3, 1e-2, 1e-1, 1]},
        scoring="neg_log_loss",
    )


def pixels(pictures: NDArray[np.uint8]) -> Floats:
    return pictures.reshape(len(pictures), -1) / 255


def last_layer(pictures: NDArray[np.uint8]) -> Floats:
    """Return the mean features of EfficientNet-Lite0's last layer at 112 pixels, shape (n, 1280)."""
    import torch
    from torch.nn.functional import interpolate

    from lepton_platform.model.deep.efficientnet import Prepared, backbone

    colour = pictures if pictures.ndim == 4 else np.repeat(pictures[..., None], 3, axis=3)
    network, parts = backbone(), []
    with torch.inference_mode():
        for batch in np.array_split(colour, max(1, len(colour) // 64)):
            tensor = torch.from_numpy(batch).permute(0, 3, 1, 2).float()
            stretched = interpolate(tensor, (112, 112), mode="bilinear", antialias=True)
            maps = network.extract_features(Prepared()(stretched.permute(0, 2, 3, 1)))
            parts.append(maps.mean((2, 3)).numpy())
    return np.concatenate(parts)


PEERS: dict[str, tuple[Callable[[], Any], Callable[[NDArray[np.uint8]], Floats]]] = {
    "SVM on pixels": (svm, pixels),
    "forest on pixels": (forest, pixels),
    "frozen Lite0, last layer + logistic": (probe, last_layer),
}


def measures(truth: NDArray[np.int_], chances: Floats) -> dict[str, float]:
    """Return the measures, by scikit-learn and numpy, not by the application's own code."""
    sure, right = chances.max(axis=1), chances.argmax(axis=1) == truth
    score = chances[:, 1] if chances.shape[1] == 2 else chances
    bins = np.minimum((sure * 15).astype(int), 14)
    gaps = [abs((sure - right)[bins == number].sum()) for number in range(15)]
    surest = np.argsort(-sure, kind="stable")[: int(0.8 * len(truth))]
    return {
        "AUC": float(roc_auc_score(truth, score, multi_class="ovr")),
        "accuracy": float(right.mean()),
        "accuracy at 80 %": float(right[surest].mean()),
        "log loss": float(log_loss(truth, chances)),
        "ECE15": float(sum(gaps) / len(truth)),
    }


def cpu_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def peer(name: str, data: Path) -> dict[str, float]:
    make, describe = PEERS[name]
    arrays = np.load(data)
    learned, judged = (
        (
            describe(np.concatenate([arrays[f"{split}_images"] for split in splits])),
            np.concatenate([arrays[f"{split}_labels"][:, 0] for split in splits]),
        )
        for splits in (("train", "val"), ("test",))
    )
    begun = cpu_seconds()
    chances = make().fit(*learned).predict_proba(judged[0])
    return {**measures(judged[1], chances), "CPU s": cpu_seconds() - begun}


def ours(data: Path, seed: int, extra: list[str]) -> dict[str, float]:
    """Run the application as a user does, and judge the predictions that it wrote."""
    begun, started = cpu_seconds(), time.perf_counter()
    with tempfile.TemporaryDirectory() as out:
        command = [
            sys.executable,
            "-m",
            "lepton_platform",
            "run",
            "medical.diagnosis-aid",
            "--data",
            str(data),
        ]
        asked = [*command, "--seed", str(seed), "--out", out, "--json", *extra]
        told = json.loads(subprocess.run(asked, check=True, capture_output=True, text=True).stdout)
        table = pd.read_parquet(Path(told["run_folder"]) / "predictions.parquet")
    truth = np.load(data)["test_labels"][:, 0]
    if len(table) != len(truth):
        raise SystemExit(f"{len(table)} predictions for {len(truth)} test pictures")
    chances = table[[name for name in table if name.startswith("p_")]].to_numpy()
    spent = {"CPU s": cpu_seconds() - begun, "wall s": time.perf_counter() - started}
    return {**measures(truth, chances), **spent}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=BREAST)
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--peers", default=",".join(PEERS), help="parts of their names, by commas; none: ''")
    parser.add_argument("--options", default="", help="further options of lepton run")
    asked = parser.parse_args()
    if not asked.data.exists():
        print(f"{asked.data} is not there: skipped")
        return
    rows = {
        name: peer(name, asked.data)
        for name in PEERS
        if any(part and part in name for part in asked.peers.split(","))
    }
    runs = pd.DataFrame(
        [ours(asked.data, int(seed), asked.options.split()) for seed in asked.seeds.split(",")]
    )
    rows[f"lepton, mean of {len(runs)} seeds"] = runs.mean().to_dict()
    print(pd.DataFrame(rows).T.round(4).to_string())
    if asked.data.name == BREAST.name:
        for name, bar in BARS.items():
            value = runs[name].mean()
            met = value <= bar if name == "ECE15" else value >= bar
            print(f"{name}: {value:.4f}, bar {bar}: {'met' if met else 'MISSED'}")


if __name__ == "__main__":
    main()

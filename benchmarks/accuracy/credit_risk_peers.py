"""The peers of the credit-risk benchmark: each learns from one CSV file and scores another.

Run by ``credit_risk.py`` in a process of its own for each peer and fold, so that its CPU seconds
can be told apart; the scored file holds no outcomes. By hand:

    python benchmarks/accuracy/credit_risk_peers.py lightgbm TASK.json

TASK.json: ``{"train", "test", "out": paths, "target", "positive": text, "special": [codes]}``; ``out``
becomes a .npy file of probabilities in the test file's order. One thread each. Exit code 3: the peer's
package is not installed. Python 3.11 and pandas are all that a peer's environment must have otherwise.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

Task = dict[str, Any]
Scorer = Callable[[pd.DataFrame, pd.Series, pd.DataFrame, Task], np.ndarray]
NOT_INSTALLED = 3
AUTOGLUON_SECONDS = 90


def split_by_kind(table: pd.DataFrame) -> tuple[list[str], list[str]]:
    """Return the names of the numeric columns and of the others."""
    numbers = [name for name in table.columns if pd.api.types.is_numeric_dtype(table[name])]
    return numbers, [name for name in table.columns if name not in numbers]


def as_categories(train: pd.DataFrame, test: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return both tables with text as categories, the levels being those of ``train``."""
    train, test = train.copy(), test.copy()
    for name in split_by_kind(train)[1]:
        train[name] = train[name].astype("category")
        test[name] = test[name].astype(train[name].dtype)
    return train, test


def logistic(train: pd.DataFrame, y: pd.Series, test: pd.DataFrame, task: Task) -> np.ndarray:
    """One-hot, median with indicator, scaled, C = 1; special codes are read as numbers."""
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    numbers, texts = split_by_kind(train)
    numeric = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    encode = ColumnTransformer(
        [("numbers", numeric, numbers), ("texts", OneHotEncoder(handle_unknown="ignore"), texts)]
    )
    model = make_pipeline(encode, LogisticRegression(C=1.0, max_iter=5000)).fit(train, y)
    return model.predict_proba(test)[:, 1]


def lightgbm(train: pd.DataFrame, y: pd.Series, test: pd.DataFrame, task: Task) -> np.ndarray:
    """The brief's settings: 200 small trees, native categories."""
    from lightgbm import LGBMClassifier

    model = LGBMClassifier(
        n_estimators=200,
        learning_rate=0.03,
        num_leaves=15,
        min_child_samples=30,
        subsample=0.8,
        subsample_freq=1,
        colsample_bytree=0.7,
        reg_lambda=1.0,
        random_state=0,
        n_jobs=1,
        verbose=-1,
    )
    train, test = as_categories(train, test)
    return model.fit(train, y).predict_proba(test)[:, 1]


def catboost(train: pd.DataFrame, y: pd.Series, test: pd.DataFrame, task: Task) -> np.ndarray:
    """Defaults, text columns as its own categories."""
    from catboost import CatBoostClassifier

    with tempfile.TemporaryDirectory() as folder:
        model = CatBoostClassifier(
            random_seed=0,
            thread_count=1,
            verbose=False,
            train_dir=folder,
            cat_features=split_by_kind(train)[1],
        )
        return model.fit(train, y).predict_proba(test)[:, 1]


def ebm(train: pd.DataFrame, y: pd.Series, test: pd.DataFrame, task: Task) -> np.ndarray:
    """Explainable boosting machine, defaults."""
    from interpret.glassbox import ExplainableBoostingClassifier

    return ExplainableBoostingClassifier(random_state=0, n_jobs=1).fit(train, y).predict_proba(test)[:, 1]


def optbinning(train: pd.DataFrame, y: pd.Series, test: pd.DataFrame, task: Task) -> np.ndarray:
    """Scorecard: optimal bins of columns with information value >= 0.01, special codes apart, LR C = 1."""
    from optbinning import BinningProcess, Scorecard
    from sklearn.linear_model import LogisticRegression

    binning = BinningProcess(
        list(train.columns),
        categorical_variables=split_by_kind(train)[1],
        special_codes=task["special"] or None,
        selection_criteria={"iv": {"min": 0.01}},
    )
    card = Scorecard(binning_process=binning, estimator=LogisticRegression(C=1.0, max_iter=5000))
    return card.fit(train, y).predict_proba(test)[:, 1]


def autogluon(train: pd.DataFrame, y: pd.Series, test: pd.DataFrame, task: Task) -> np.ndarray:
    """Preset good_quality within 90 seconds on one CPU, chosen by AUC."""
    from autogluon.tabular import TabularPredictor

    with tempfile.TemporaryDirectory() as folder:
        predictor = TabularPredictor("outcome", "binary", "roc_auc", path=folder, verbosity=0)
        predictor.fit(
            train.assign(outcome=y),
            presets="good_quality",
            time_limit=AUTOGLUON_SECONDS,
            num_cpus=1,
            num_gpus=0,
        )
        return predictor.predict_proba(test)[1].to_numpy()


PEERS: dict[str, Scorer] = {
    "logistic": logistic,
    "lightgbm": lightgbm,
    "catboost": catboost,
    "optbinning": optbinning,
    "ebm": ebm,
    "autogluon": autogluon,
}


def main() -> int:
    """Train the peer that the command line names and write its probabilities."""
    peer, task = sys.argv[1], json.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))
    train, test = pd.read_csv(task["train"]), pd.read_csv(task["test"])
    y = (train.pop(task["target"]).astype(str) == task["positive"]).astype(int)
    try:
        probability = PEERS[peer](train, y, test, task)
    except ModuleNotFoundError as error:
        print(f"{error.name} is not installed", file=sys.stderr)
        return NOT_INSTALLED
    np.save(task["out"], np.asarray(probability, dtype=np.float64))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""A site with plugins in it: a task whose runs take a tenth of a second, and an application of it.

What a test installs is written as a distribution into a folder that Python searches.
"""

import sys
import textwrap

import pytest

TASK = """
import numpy as np
import pandas as pd
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from lepton_platform import Candidate, Metric, Task, hookimpl
from lepton_platform.model import training
from lepton_platform.tasks.binary.config import BinaryConfig
from lepton_platform.tasks.binary.data import lepton_load, lepton_split, lepton_steps

task = Task(summary="Yes or no, quickly", config=BinaryConfig)


def accuracy(truth, predictions):
    return np.mean((predictions["probability"].to_numpy() > 0.5) == truth)


@hookimpl
def lepton_models():
    encoded = make_pipeline(OneHotEncoder(handle_unknown="ignore"), LogisticRegression())
    baseline = Candidate(DummyClassifier(strategy="prior"), steps=False, baseline=True)
    return {"base rate": baseline, "logistic": Candidate(encoded)}


@hookimpl
def lepton_metrics():
    return {"accuracy": Metric(accuracy, "higher", bounds=(0.0, 1.0))}


@hookimpl
def lepton_train(dataset, split, candidates, metrics, run):
    train = dataset.take(split.train)
    field = training.contenders(run, train, candidates)
    rows = []
    for one in field:
        table = run.hooks.predict(training.refit(run, train, one), train.cases)
        score = metrics["accuracy"].function(train.target.to_numpy(), table)
        status = "baseline" if one.candidate.baseline else "finished"
        rows.append({"model": one.name, "from": one.candidate.origin, "status": status, "weight": 1.0,
                     "accuracy": score, "low": score, "high": score, "seconds": one.seconds})
    run.leaderboard = pd.DataFrame(rows)
    run.baseline = field[0].fitted
    return field[-1].fitted


@hookimpl
def lepton_predict(model, cases):
    said = model.predict_proba(cases)[:, 1] if len(cases) else np.empty(0)
    return pd.DataFrame({"probability": said}, index=cases.index)
"""

APPLICATION = """
import dataclasses
from pathlib import Path

from lepton_platform import Application, Config, Extension, Field, Sample, hookimpl


class Costs(Config):
    price: float = Field(8.0, gt=0, le=1000, description="price of one call, EUR")


def customers():
    import numpy as np
    import pandas as pd
    from lepton_platform import Source

    rng = np.random.default_rng(3)
    region = rng.choice(["north", "south", "west"], 240)
    plan = rng.choice(["basic", "full"], 240)
    risk = 0.15 + 0.4 * (region == "north") + 0.3 * (plan == "basic")
    joined = pd.date_range("2024-01-01", periods=240).strftime("%Y-%m-%d")
    visits = rng.integers(0, 9, 240)
    table = pd.DataFrame({"region": region, "plan": plan, "visits": visits, "joined": joined})
    table["left"] = (rng.random(240) < risk).astype(int)
    return Sample(Source(rows=table), {"ignore": ("joined",)})


def dated():
    sample = customers()
    return Sample(sample.source, {"date": "joined"})


application = Application(
    "Tell which customers leave", task="tiny", target="left", config=Costs, sample=customers,
    decisions={"call": "whether to call the customer"},
)


@hookimpl
def lepton_decide(predictions):
    return predictions.assign(call=predictions["probability"] > 0.4)


@hookimpl
def lepton_sections(run):
    from lepton_platform import Section

    return [Section("Whom to call", run.decisions.head(3), order=30)]
"""

EXTENSION = """
from lepton_platform import Candidate, Config, Extension, Field, Section, hookimpl


class Trees(Config):
    trees: int = Field(3, ge=1, le=50, description="trees of the forest")


extension = Extension("good.customers", config=Trees)


@hookimpl
def lepton_models(config):
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    forest = RandomForestClassifier(config.trees, max_depth=3, random_state=0)
    return {"forest": Candidate(make_pipeline(OneHotEncoder(handle_unknown="ignore"), forest))}


@hookimpl
def lepton_sections(config):
    return [Section("The forest", f"It has {config.trees} trees.", order=55)]
"""


class Site:
    """A folder of distributions; what is installed here can be imported until the test module ends."""

    def __init__(self, folder):
        self.folder = folder

    def install(self, distribution, modules, requires=("lepton-platform",), **groups):
        about = self.folder / f"{distribution.replace('-', '_')}-1.0.dist-info"
        about.mkdir()
        metadata = ["Metadata-Version: 2.1", f"Name: {distribution}", "Version: 1.0"]
        metadata += [f"Requires-Dist: {name}" for name in requires]
        (about / "METADATA").write_text("\n".join(metadata) + "\n")
        entries = [
            f"[lepton.{group}]\n" + "".join(f"{name} = {module}\n" for name, module in offered.items())
            for group, offered in groups.items()
        ]
        (about / "entry_points.txt").write_text("\n".join(entries))
        for module, source in modules.items():
            (self.folder / f"{module}.py").write_text(textwrap.dedent(source))


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A site with the task, the good application ``good.customers`` and its extension ``good-forest``."""
    site = Site(tmp_path_factory.mktemp("site"))
    site.install(
        "lepton-good", {"tiny_task": TASK, "good_customers": APPLICATION, "good_forest": EXTENSION},
        tasks={"tiny": "tiny_task"}, applications={"good.customers": "good_customers"},
        extensions={"good-forest": "good_forest"},
    )  # fmt: skip
    sys.path.insert(0, str(site.folder))
    yield site
    sys.path.remove(str(site.folder))


@pytest.fixture(scope="module")
def sources():
    """The good plugins as text, for bad ones to be made of."""
    return {"applications": APPLICATION, "extensions": EXTENSION}

"""``lepton plugin dev``: a plugin that is one file takes part as if it were installed, and only there."""

import json
import re

import pandas as pd
import pytest

CHURN = """
import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from lepton_platform import Application, Config, Field, hookimpl


class Churn(Config):
    offer_cost: float = Field(8.0, gt=0, description="price of one offer, EUR")


application = Application("Rank customers", task="binary", target="left", config=Churn)


class Threshold(ClassifierMixin, BaseEstimator):
    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.middle_ = float(np.median(X["calls"]))
        return self

    def predict_proba(self, X):
        often = np.where(X["calls"] > self.middle_, 0.8, 0.2)
        return np.column_stack([1 - often, often])

    def predict(self, X):
        return self.classes_[(self.predict_proba(X)[:, 1] > 0.5).astype(int)]


@hookimpl
def lepton_models():
    return {"threshold": Threshold()}
"""
LIGHT = """
from lepton_platform import Application
application = Application("Rank customers", task="binary", target="left")
"""


@pytest.fixture
def churn(tmp_path):
    """A file with an application, in a folder of its own that has an underscore in its file's name."""
    file = tmp_path / "project" / "my_churn.py"
    file.parent.mkdir()
    file.write_text(LIGHT)
    return file


def dev(site, file, *arguments, **environment):
    """Run ``lepton plugin dev`` from the folder above the site."""
    return site.lepton("plugin", "dev", file, *arguments, **environment)


def test_a_file_is_run_and_its_model_decides_later(site, churn):
    """Its model is of a class of the file, is fitted in worker processes, and is saved without pickle."""
    churn.write_text(CHURN)
    rows = [(n % 5, n % 37, int(n % 5 + n % 3 > 4)) for n in range(300)]
    data = churn.with_name("customers.csv")
    pd.DataFrame(rows, columns=["calls", "months", "left"]).to_csv(data, index=False)
    done = dev(
        site, churn, "--data", data, "--models", "threshold", "--budget", "90s", "--offer-cost", 9, "--json"
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["application"] == "dev.my-churn" and set(told["model"]) == {"threshold"}
    decided = dev(site, churn, "decide", "dev.my-churn", "--data", data, "--out", churn.with_name("out.csv"))
    assert decided.returncode == 0, decided.stderr
    assert len(pd.read_csv(churn.with_name("out.csv"))) == 300
    record = json.loads((site.folder.parent / told["run_folder"] / "run.json").read_text())
    assert record["config"]["offer_cost"] == 9 and record["versions"]["dev-my-churn"] == "0"


def test_edits_are_seen_at_once(site, churn):
    assert "Rank customers" in dev(site, churn, "list").stdout
    churn.write_text(LIGHT.replace("customers", "clients"))
    assert re.search(r"dev.my-churn +Rank clients +dev-my-churn 0", dev(site, churn, "list").stdout)
    churn.write_text("from lepton_platform import Extension\nextension = Extension('finance.credit-risk')\n")
    listed = dev(site, churn, "list").stdout
    assert "dev.my-churn" not in listed and "   + dev-my-churn" in listed


def test_no_other_command_knows_the_file(site, churn):
    before = site.lepton("list").stdout
    (index,) = site.cache.glob("lepton/index-*")
    content = index.read_bytes()
    assert "dev.my-churn" in dev(site, churn, "list").stdout
    assert site.lepton("list").stdout == before
    assert index.read_bytes() == content


def test_options_of_the_run_are_shown_with_the_files_own(site, churn):
    shown = dev(site, churn, "--help")
    assert shown.stdout.startswith("Usage: lepton run dev.my-churn [OPTIONS]")
    assert "--test-share" in shown.stdout


def test_an_extension_runs_the_application_that_it_extends(site, tmp_path):
    forest = tmp_path / "forest.py"
    forest.write_text("""
from lepton_platform import Config, Extension, Field
class Forest(Config):
    trees: int = Field(20, description="trees of the forest")
extension = Extension("finance.credit-risk", config=Forest)
""")
    shown = dev(site, forest, "--help").stdout
    assert shown.startswith("Usage: lepton run finance.credit-risk") and "--forest.trees N" in shown
    forest.write_text(forest.read_text().replace("finance.credit-risk", "task:binary"))
    refused = dev(site, forest, "--help")
    assert refused.returncode == 2
    assert f"Error: name a command: lepton plugin dev {forest} run APPLICATION" in refused.stderr


def test_the_exit_code_is_that_of_the_command(site, churn):
    churn.write_text(LIGHT + "1 / 0\n")
    told = dev(site, churn, "plugin", "list", "--json")
    (one,) = [plugin for plugin in json.loads(told.stdout) if plugin["plugin"] == "dev-my-churn"]
    assert one["state"] == "broken" and one["offers"][0]["fault"] == "ZeroDivisionError: division by zero"
    assert dev(site, churn).returncode == 3


def test_the_file_is_allowed_whatever_else_is(site, churn):
    listed = dev(site, churn, "list", LEPTON_PLUGINS="")
    assert (listed.stderr, listed.stdout.split()[0]) == ("", "dev.my-churn")
    assert "finance.credit-risk" not in listed.stdout


@pytest.mark.parametrize(
    ("name", "source", "said"),
    [
        ("gone.py", None, "cannot read {file}: No such file or directory"),
        ("churn.py", "def broken(", "{file}:1 is no Python: '(' was never closed"),
        (
            "churn.py",
            "application_of = 3",
            "{file} declares nothing: it needs `application = Application(...)`",
        ),
        ("json.py", LIGHT, "{file} cannot be imported as 'json'; "),
        ("my.churn.py", LIGHT, "{file} cannot be imported as 'my.churn'. Rename it."),
        ("churn.txt", LIGHT, "{file} cannot be imported as 'churn'. Rename it."),
    ],
)
def test_a_file_that_cannot_take_part_is_answered_with_the_reason(site, tmp_path, name, source, said):
    file = tmp_path / "project" / name
    file.parent.mkdir()
    if source is not None:
        file.write_text(source)
    refused = dev(site, file, "list")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.startswith(f"Error: {said.format(file=file)}"), refused.stderr
    assert len(refused.stderr.splitlines()) == 1


def test_an_unknown_command_is_answered_with_the_nearest(site, churn):
    refused = dev(site, churn, "decied")
    assert (refused.returncode, refused.stderr) == (
        2,
        "Error: lepton has no command 'decied'. Did you mean 'decide'?\n",
    )

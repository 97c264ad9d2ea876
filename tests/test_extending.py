"""What a third party adds to credit risk from outside, and how it shows who brought what.

The extension is a distribution of its own that knows nothing of the application's code.
"""

import html
import json
import os
import subprocess
import sys

import pandas as pd
import pytest

LEPTON = [sys.executable, "-m", "lepton_platform"]
RUN = ["run", "finance.credit-risk", "--data", "loans.csv", "--target", "default"]
FOREST = """
import pandas as pd
from sklearn.ensemble import RandomForestClassifier
from sklearn.preprocessing import FunctionTransformer
from lepton_platform import Candidate, Config, Extension, Field, Metric, Section, Step, hookimpl


class Forest(Config):
    trees: int = Field(20, ge=1, le=500, description="trees of the forest")
    honest: bool = Field(False, description="whether to say so")


extension = Extension("{target}", config=Forest, trusted_types=("acme_forest.numbers",))


def numbers(table):
    return pd.DataFrame({name: pd.to_numeric(table[name], errors="coerce").fillna(-1.0) for name in table})


@hookimpl
def lepton_steps():
    return {"numbers": Step(FunctionTransformer(numbers), order=90)}


@hookimpl
def lepton_models(config):
    return {"forest": Candidate(RandomForestClassifier(config.trees, max_depth=4, random_state=0))}


@hookimpl
def lepton_metrics(config):
    return {"share_refused": Metric(lambda predictions: (predictions["probability"] > 0.5).mean(), "lower")}


@hookimpl
def lepton_sections(run, config):
    return [Section("The forest", f"It has {config.trees} trees; the application's cost of a default is "
                                  f"{run.config.cost_of_default:g}.", order=55)]


@hookimpl(wrapper=True)
def lepton_predict(config, model, cases):
    predictions = yield
    return predictions.assign(trees=config.trees)
"""


def install(site, name, modules, **groups):
    """Write a distribution into a folder that Python searches."""
    about = site / f"{name.replace('-', '_')}-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    entries = [
        f"[lepton.{group}]\n" + "".join(f"{key} = {module}\n" for key, module in offered.items())
        for group, offered in groups.items()
    ]
    (about / "entry_points.txt").write_text("\n".join(entries))
    for file, source in modules.items():
        (site / file).write_text(source)


@pytest.fixture(scope="module")
def world(tmp_path_factory, loans):
    """A folder with loans in it and, apart, a site where plugins can be installed."""
    folder = tmp_path_factory.mktemp("extending")
    loans(300, 1).to_csv(folder / "loans.csv", index=False)
    return folder


def lepton(folder, site, *arguments):
    """Run the command line with the plugins of ``site`` installed."""
    environment = {**os.environ, "PYTHONPATH": str(site), "XDG_CACHE_HOME": str(folder / "cache")}
    command = [*LEPTON, *map(str, arguments)]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def forest(world):
    """A run of credit risk with the forest, its options given on the command line."""
    site = world / "forest"
    install(site, "acme-models", {"acme_forest.py": FOREST.replace("{target}", "finance.credit-risk")},
            extensions={"acme-forest": "acme_forest"})  # fmt: skip
    done = lepton(
        world, site, *RUN, "--models", "logistic,acme-forest/forest",
        "--acme-forest.trees", "7", "--acme-forest.honest", "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_an_extensions_model_stands_on_the_leaderboard_under_its_name(forest):
    board = pd.read_csv(f"{forest['run_folder']}/leaderboard.csv").set_index("model")
    assert board.loc["acme-forest/forest", "from"] == "acme-forest"
    assert board.loc["logistic", "from"] == "task:binary"


def test_its_metric_and_section_are_there_with_its_name(forest):
    assert 0 <= forest["metrics"]["acme-forest/share_refused"]["value"] <= 1
    with open(forest["report"], encoding="utf-8") as report:
        page = report.read()
    assert "The forest" in page and "acme-forest" in page


def test_its_options_reach_its_hooks_and_the_applications_stay_the_applications(forest):
    with open(forest["report"], encoding="utf-8") as report:
        page = html.unescape(report.read())
    assert "It has 7 trees; the application's cost of a default is 5" in page
    assert "--acme-forest.trees 7" in page and "--acme-forest.honest" in page  # how to repeat the run


def test_its_wrapper_goes_around_the_prediction(forest):
    predictions = pd.read_parquet(f"{forest['run_folder']}/predictions.parquet")
    assert (predictions["trees"] == 7).all()


def test_it_leaves_the_scores_of_the_other_candidates_as_they_were(world, forest):
    alone = lepton(world, world / "nothing", *RUN, "--models", "logistic", "--json")
    boards = [
        pd.read_csv(f"{run['run_folder']}/leaderboard.csv").set_index("model").loc["logistic", "auc"]
        for run in (forest, json.loads(alone.stdout))
    ]
    assert boards[0] == boards[1]


def test_decide_uses_the_options_of_the_run(world, forest):
    done = lepton(world, world / "forest", "decide", "finance.credit-risk", "--data", "loans.csv",
                  "--run", forest["run_folder"], "--out", "decided.csv")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (pd.read_csv(world / "decided.csv")["trees"] == 7).all()


def test_a_run_is_not_taken_up_without_the_extension_that_shaped_it(world, forest):
    done = lepton(world, world / "nothing", "decide", "finance.credit-risk", "--data", "loans.csv",
                  "--run", forest["run_folder"])  # fmt: skip
    assert done.returncode == 1
    assert "was made with the extension acme-forest of acme-models" in done.stderr
    assert "pip install acme-models" in done.stderr


@pytest.mark.parametrize(
    ("given", "code", "said"),
    [
        (["--acme-forest.tres", "9"], 2, "Did you mean --acme-forest.trees?"),
        (["--acme-forest.trees", "0"], 2, "--acme-forest.trees is '0'"),
        (["--set", "acme-forest.trees=0"], 2, "--acme-forest.trees is '0'"),
        (["--set", "acme-forst.trees=9"], 2, "Did you mean 'acme-forest'?"),
    ],
)
def test_a_wrong_option_of_an_extension_is_answered_with_its_right_name(world, forest, given, code, said):
    done = lepton(world, world / "forest", *RUN, *given)
    assert done.returncode == code and said in done.stderr, done.stderr
    assert "Traceback" not in done.stderr


def test_a_config_file_gives_an_extension_its_options_as_a_table(world, forest):
    (world / "run.toml").write_text("target = 'default'\ncost-of-default = 3\n[acme-forest]\ntrees = 9\n")
    done = lepton(world, world / "forest", "run", "finance.credit-risk", "--data", "loans.csv",
                  "--models", "acme-forest/forest", "--config", "run.toml", "--json")  # fmt: skip
    assert done.returncode == 0, done.stderr
    record = json.loads((world / json.loads(done.stdout)["run_folder"] / "run.json").read_text())
    assert record["extensions"]["acme-forest"]["config"] == {"trees": 9, "honest": False}
    assert record["config"]["cost_of_default"] == 3


def test_an_extension_of_a_task_takes_part_in_every_application_of_it(world):
    site = world / "of_task"
    install(site, "acme-models", {"acme_forest.py": FOREST.replace("{target}", "task:binary")},
            extensions={"acme-forest": "acme_forest"})  # fmt: skip
    done = lepton(world, site, *RUN, "--models", "acme-forest/forest", "--json")
    assert done.returncode == 0, done.stderr
    assert set(json.loads(done.stdout)["model"]) == {"acme-forest/forest"}


SOURCE = """
import pandas as pd
from lepton_platform import Extension, hookimpl

extension = Extension("*")


@hookimpl
def lepton_read(source):
    if source.uri is not None and source.uri.startswith("acme://"):
        return pd.read_csv(source.uri.removeprefix("acme://"))


@hookimpl
def lepton_stream(source):
    if source.uri is not None and source.uri.startswith("acme://"):
        return iter([pd.read_csv(source.uri.removeprefix("acme://"))])


@hookimpl
def lepton_stage_finished(stage, run):
    with open(run.folder / "stages.txt", "a") as told:
        told.write(stage + " ")
"""


def test_an_extension_of_every_run_brings_a_source_and_observes(world):
    site = world / "source"
    install(site, "acme-source", {"acme_source.py": SOURCE}, extensions={"acme-source": "acme_source"})
    done = lepton(world, site, *RUN, "--data", "acme://loans.csv", "--models", "logistic", "--json")
    assert done.returncode == 0, done.stderr
    folder = json.loads(done.stdout)["run_folder"]
    with open(f"{folder}/stages.txt") as told:
        assert told.read() == "data model report "
    decided = lepton(world, site, "decide", "finance.credit-risk", "--data", "acme://loans.csv",
                     "--run", folder, "--out", "from_acme.csv")  # fmt: skip
    assert decided.returncode == 0, decided.stderr
    assert len(pd.read_csv(world / "from_acme.csv")) == 300


def test_a_model_that_could_not_be_loaded_again_is_refused_when_it_is_saved(world):
    site = world / "unvouched"
    source = FOREST.replace("{target}", "finance.credit-risk").replace('"acme_forest.numbers",', "")
    install(site, "acme-models", {"acme_forest.py": source}, extensions={"acme-forest": "acme_forest"})
    done = lepton(world, site, *RUN, "--models", "acme-forest/forest")
    assert done.returncode == 3
    assert "acme_forest.numbers" in done.stderr and "trusted_types" in done.stderr
    assert "Traceback" not in done.stderr

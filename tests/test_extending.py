"""What a third party adds to credit risk from outside, and how it shows who brought what.

The extension is a distribution of its own that knows nothing of the application's code.
"""

import html
import json

import pandas as pd
import pytest

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


@pytest.fixture(scope="module")
def world(tmp_path_factory, loans):
    """A folder with loans in it and, apart, a site where plugins can be installed."""
    folder = tmp_path_factory.mktemp("extending")
    loans(300, 1).to_csv(folder / "loans.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def acme(new_site):
    """A site with the extension of credit risk."""
    site = new_site("acme")
    source = FOREST.replace("{target}", "finance.credit-risk")
    site.install("acme-models", {"acme_forest.py": source}, extensions={"acme-forest": "acme_forest"})
    return site


@pytest.fixture(scope="module")
def nothing(new_site):
    """A site without any plugin."""
    return new_site("nothing")


@pytest.fixture(scope="module")
def forest(world, acme):
    """A run of credit risk with the forest, its options given on the command line."""
    chosen = ["--models", "logistic,acme-forest/forest", "--acme-forest.trees", 7, "--acme-forest.honest"]
    done = acme.lepton(*RUN, *chosen, "--json", cwd=world)
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


def test_it_leaves_the_scores_of_the_other_candidates_as_they_were(world, forest, nothing):
    alone = nothing.lepton(*RUN, "--models", "logistic", "--json", cwd=world)
    boards = [
        pd.read_csv(f"{run['run_folder']}/leaderboard.csv").set_index("model").loc["logistic", "auc"]
        for run in (forest, json.loads(alone.stdout))
    ]
    assert boards[0] == boards[1]


def test_decide_uses_the_options_of_the_run(world, acme, forest):
    asked = ["--data", "loans.csv", "--run", forest["run_folder"], "--out", "decided.csv"]
    done = acme.lepton("decide", "finance.credit-risk", *asked, cwd=world)
    assert done.returncode == 0, done.stderr
    assert (pd.read_csv(world / "decided.csv")["trees"] == 7).all()


def test_a_run_is_not_taken_up_without_the_extension_that_shaped_it(world, forest, nothing):
    asked = ["--data", "loans.csv", "--run", forest["run_folder"]]
    done = nothing.lepton("decide", "finance.credit-risk", *asked, cwd=world)
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
def test_a_wrong_option_of_an_extension_is_answered_with_its_right_name(world, acme, given, code, said):
    done = acme.lepton(*RUN, *given, cwd=world)
    assert done.returncode == code and said in done.stderr, done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        (
            {"LEPTON_PLUGINS": "lepton-finance"},
            "acme-forest of acme-models 1.0 is not allowed. Add acme-models",
        ),
        ({"ACME_BROKEN": "1"}, "acme-forest of acme-models 1.0 cannot be loaded: KeyError: 'ACME_BROKEN'"),
    ],
)
def test_an_option_of_an_extension_that_is_left_out_is_answered_with_the_reason(
    world, new_site, environment, said
):
    site = new_site("left-out")
    source = FOREST.replace("{target}", "finance.credit-risk")
    broken = "import os\nif 'ACME_BROKEN' in os.environ: raise KeyError('ACME_BROKEN')\n" + source
    site.install("acme-models", {"acme_forest.py": broken}, extensions={"acme-forest": "acme_forest"})
    refused = site.lepton(*RUN, "--acme-forest.trees", "9", cwd=world, **environment)
    assert refused.returncode == 2
    (line,) = refused.stderr.splitlines()
    assert line.startswith(f"Error: finance.credit-risk has no option --acme-forest.trees: {said}")


def test_a_config_file_gives_an_extension_its_options_as_a_table(world, acme):
    (world / "run.toml").write_text("target = 'default'\ncost-of-default = 3\n[acme-forest]\ntrees = 9\n")
    asked = ["--data", "loans.csv", "--models", "acme-forest/forest", "--config", "run.toml", "--json"]
    done = acme.lepton("run", "finance.credit-risk", *asked, cwd=world)
    assert done.returncode == 0, done.stderr
    record = json.loads((world / json.loads(done.stdout)["run_folder"] / "run.json").read_text())
    assert record["extensions"]["acme-forest"]["config"] == {"trees": 9, "honest": False}
    assert record["config"]["cost_of_default"] == 3


def test_an_extension_of_a_task_takes_part_in_every_application_of_it(world, site):
    source = FOREST.replace("{target}", "task:binary")
    site.install("acme-models", {"acme_forest.py": source}, extensions={"acme-forest": "acme_forest"})
    done = site.lepton(*RUN, "--models", "acme-forest/forest", "--json", cwd=world)
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


def test_an_extension_of_every_run_brings_a_source_and_observes(world, site):
    site.install("acme-source", {"acme_source.py": SOURCE}, extensions={"acme-source": "acme_source"})
    done = site.lepton(*RUN, "--data", "acme://loans.csv", "--models", "logistic", "--json", cwd=world)
    assert done.returncode == 0, done.stderr
    folder = json.loads(done.stdout)["run_folder"]
    with open(f"{folder}/stages.txt") as told:
        assert told.read() == "data model report "
    asked = ["--data", "acme://loans.csv", "--run", folder, "--out", "from_acme.csv"]
    decided = site.lepton("decide", "finance.credit-risk", *asked, cwd=world)
    assert decided.returncode == 0, decided.stderr
    assert len(pd.read_csv(world / "from_acme.csv")) == 300


def test_a_model_that_could_not_be_loaded_again_is_refused_when_it_is_saved(world, site):
    source = FOREST.replace("{target}", "finance.credit-risk").replace('"acme_forest.numbers",', "")
    site.install("acme-models", {"acme_forest.py": source}, extensions={"acme-forest": "acme_forest"})
    done = site.lepton(*RUN, "--models", "acme-forest/forest", cwd=world)
    assert done.returncode == 3
    assert "acme_forest.numbers" in done.stderr and "trusted_types" in done.stderr
    assert "Traceback" not in done.stderr

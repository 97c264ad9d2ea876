"""The kit is proved: for each check a small plugin that does the one thing it forbids, and is caught.

Each is the good plugin of ``conftest.py`` with some lines after it.
"""

import re
import textwrap
from typing import NamedTuple

import pytest

from lepton_platform.testing.conformance import CHECKS, asked_of, judge, offers_of
from lepton_platform.testing.subject import Subject


class Bad(NamedTuple):
    """What is wrong, and words of the message that finds it."""

    check: str
    lines: str
    found: str
    kind: str = "applications"


BAD = [
    # ---------------------------------------------------------------------------- declaration
    Bad(
        "declaration-complete",
        "application = dataclasses.replace(application, summary='tells which customers leave.')",
        "does not begin with a capital letter",
    ),
    Bad(
        "declaration-complete",
        "application = dataclasses.replace(application, positive=('Left',))",
        "'Left' never matches",
    ),
    Bad("extension-declared", "extension = Extension('task:tinny')", "'task:tinny'", "extensions"),
    Bad("hooks-known", "def lepton_dicide(): return None", "Did you mean 'lepton_decide'"),
    Bad("hooks-known", "@hookimpl\ndef lepton_decide(): ...", "would replace", "extensions"),
    Bad("depends-on-host", "", "lepton-lonely requires nothing"),
    Bad(
        "waivers-in-order",
        "application = dataclasses.replace(application, waivers={'no-row': 'never happens'})",
        "Did you mean 'no-rows'",
    ),
    Bad(
        "waivers-in-order",
        "application = dataclasses.replace(application, waivers={'no-rows': ' '})",
        "has no reason",
    ),
    # ------------------------------------------------------------------------------- start-up
    Bad("import-budget", "import pandas", "loads numpy, pandas"),
    Bad("import-budget", "import email.mime.text, http.server, xml.dom.minidom, asyncio", "modules"),
    Bad("stdout-left-alone", "print('ready')", "prints 'ready'"),
    Bad(
        "stdout-left-alone",
        """
        @hookimpl
        def lepton_summary():
            print("done")
        """,
        "a run prints 'done'",
    ),
    # -------------------------------------------------------------------------------- options
    Bad(
        "options-documented",
        """
        class More(Costs):
            calls: int = Field(3, ge=0)

        application = dataclasses.replace(application, config=More)
        """,
        "--calls .* no description",
    ),
    Bad(
        "options-bounded",
        """
        class More(Costs):
            calls: int = Field(3, description="calls a day")

        application = dataclasses.replace(application, config=More)
        """,
        "--calls is a number without a bound",
    ),
    Bad(
        "options-bounded",
        """
        from pydantic import field_validator

        class More(Costs):
            @field_validator("price", mode="wrap")
            @classmethod
            def lenient(cls, value, check):
                return value

        application = dataclasses.replace(application, config=More)
        """,
        "--price takes -1",
    ),
    Bad(
        "options-refuse-unknown",
        """
        from lepton_platform.tasks.binary.config import BinaryConfig

        class More(BinaryConfig):
            model_config = {"frozen": False}

        application = dataclasses.replace(application, config=More)
        """,
        "not frozen",
    ),
    Bad(
        "options-named-apart",
        """
        class More(Costs):
            seed: int = Field(3, ge=0, description="where randomness begins")

        application = dataclasses.replace(application, config=More)
        """,
        "--seed: every run has",
    ),
    # ------------------------------------------------------------------------------- its runs
    Bad("data-at-hand", "application = dataclasses.replace(application, sample=None)", "no sample"),
    Bad("data-at-hand", "extension = Extension('good.clients')", "'good.clients'", "extensions"),
    Bad(
        "runs",
        """
        @hookimpl
        def lepton_decide(predictions):
            return predictions["propability"]
        """,
        r"KeyError: 'propability' \(.*bad_p.*runs.py:\d+\)",
    ),
    Bad(
        "same-seed-same-numbers",
        """
        import random

        @hookimpl(wrapper=True)
        def lepton_train(run):
            model = yield
            run.learned["quota"] = random.random()
            return model

        @hookimpl
        def lepton_decide(predictions, run):
            return predictions.assign(call=predictions["probability"] - run.learned["quota"])
        """,
        "differ in their decisions: column 'call' differs",
    ),
    Bad(
        "survives-broken-observer",
        """
        @hookimpl(wrapper=True)
        def lepton_summary(run):
            summary = yield
            if "failed" in (run.folder / "log.txt").read_text():
                raise RuntimeError("an observer failed")
            return summary
        """,
        "an observer failed",
    ),
    Bad(
        "input-unchanged",
        """
        @hookimpl
        def lepton_decide(predictions):
            predictions["call"] = predictions["probability"] > 0.4
            return predictions
        """,
        "lepton_decide changed its predictions",
    ),
    Bad(
        "input-unchanged",
        """
        @hookimpl
        def lepton_sections(run):
            run.decisions.sort_values("probability", inplace=True)
        """,
        "report stage changed run.decisions",
    ),
    Bad(
        "leaves-nothing-behind",
        """
        @hookimpl
        def lepton_decide(predictions):
            Path("last_decisions.csv").write_text("...")
            (Path.home() / ".customers").write_text("...")
            return predictions.assign(call=True)
        """,
        r"\./last_decisions\.csv, ~/\.customers",
    ),
    Bad(
        "leaves-nothing-behind",
        """
        @hookimpl
        def lepton_decide(predictions):
            with open(__file__, "a") as module:
                module.write("# used\\n")
            return predictions.assign(call=True)
        """,
        r"leaves .*bad_p.*leaves_nothing_behind\.py",
    ),
    # -------------------------------------------------------------------------------- honesty
    Bad(
        "predicts-row-by-row",
        """
        @hookimpl(wrapper=True)
        def lepton_predict():
            predictions = yield
            return predictions.assign(probability=predictions["probability"].rank(pct=True))
        """,
        "on one case, in a batch and alone: column 'probability'",
    ),
    Bad(
        "predicts-row-by-row",
        """
        @hookimpl(wrapper=True)
        def lepton_predict():
            predictions = yield
            return predictions.assign(previous=predictions["probability"].shift())
        """,
        "in another order: column 'previous'",
    ),
    Bad(
        "corrupt-the-test",
        """
        @hookimpl
        def lepton_decide(predictions, run):
            cuts = [n / 20 for n in range(20)]
            if hasattr(run, "truth"):
                run.learned["cut"] = max(
                    cuts, key=lambda cut: ((run.predictions["probability"] > cut) == run.truth).mean()
                )
            return predictions.assign(call=predictions["probability"] > run.learned["cut"])
        """,
        "decisions depend on the outcomes of the test cases: column 'call'",
    ),
    Bad(
        "test-outcomes-sealed",
        """
        @hookimpl(wrapper=True)
        def lepton_load(source, purpose, run):
            dataset = yield
            if purpose != "test":
                return dataset
            return dataclasses.replace(dataset, target=run.hooks.read(source)["left"])
        """,
        'lepton_load gave the outcomes away for the purpose "test"',
    ),
    Bad(
        "corrupt-the-holdout",
        """
        @hookimpl(wrapper=True)
        def lepton_load(purpose, run):
            dataset = yield
            if purpose == "train":
                run.learned["mean"] = float(dataset.cases["visits"].mean())
            visits = dataset.cases["visits"] > run.learned["mean"]
            return dataclasses.replace(dataset, cases=dataset.cases.assign(visits=visits))
        """,
        "depends on the rows that are held out: column 'probability'",
    ),
    Bad(
        "corrupt-the-future",
        """
        application = dataclasses.replace(application, sample=dated)

        @hookimpl(wrapper=True)
        def lepton_load():
            dataset = yield
            smooth = dataset.cases["visits"].rolling(3, center=True, min_periods=1).mean()
            return dataclasses.replace(dataset, cases=dataset.cases.assign(visits=smooth))
        """,
        "earlier cases depend on later rows: column 'visits' differs in 1 of",
    ),
    Bad(
        "cases-blind-to-outcomes",
        """
        @hookimpl(wrapper=True)
        def lepton_load(purpose, run):
            dataset = yield
            if purpose == "train":
                rates = dataset.target.groupby(dataset.cases["region"]).mean()
                run.learned["rates"] = {name: float(rate) for name, rate in rates.items()}
            rate = dataset.cases["region"].map(run.learned["rates"])
            return dataclasses.replace(dataset, cases=dataset.cases.assign(rate=rate))
        """,
        "cases differ: column 'rate'",
    ),
    Bad(
        "shuffled-outcomes-teach-nothing",
        """
        @hookimpl
        def lepton_metrics():
            from lepton_platform import Metric

            def variety(truth, predictions):
                return predictions["probability"].nunique()

            return {"accuracy": Metric(variety, "higher")}
        """,
        "on outcomes exchanged at random the gain over the baseline is",
    ),
    Bad(
        "scores-follow-from-predictions",
        """
        @hookimpl(wrapper=True)
        def lepton_evaluate(predictions, run):
            scores = yield
            if predictions is run.baseline_predictions:
                return scores
            return {name: score._replace(value=score.value + 0.1) for name, score in scores.items()}
        """,
        "accuracy of the model is reported as",
    ),
    Bad(
        "says-what-was-gained",
        """
        @hookimpl
        def lepton_sections():
            from lepton_platform import Section

            return [Section("Success", "The model is excellent.", order=-1)]
        """,
        "the first section, 'Success'",
    ),
    # ------------------------------------------------------------------------------ decisions
    Bad(
        "decisions-one-per-case",
        """
        @hookimpl
        def lepton_decide(predictions):
            return predictions[predictions["probability"] > 0.4].assign(call=True)
        """,
        "cases were decided in",
    ),
    Bad(
        "decides-row-by-row",
        """
        @hookimpl
        def lepton_decide(predictions):
            return predictions.assign(call=predictions["probability"].rank(ascending=False) <= 3)
        """,
        "in a batch and alone: column 'call'",
    ),
    Bad(
        "decides-without-target",
        """
        @hookimpl(wrapper=True)
        def lepton_load(source, purpose):
            dataset = yield
            if purpose == "decide":
                dataset.cases["left"] = source.rows["left"]
            return dataset
        """,
        "KeyError: 'left'",
    ),
    Bad(
        "decides-without-target",
        """
        @hookimpl(wrapper=True)
        def lepton_load(source, purpose, run):
            dataset = yield
            rows = run.hooks.read(source)
            run.learned["known"] = rows["left"].tolist() if "left" in rows else []
            return dataset

        @hookimpl
        def lepton_decide(predictions, run):
            known = run.learned["known"]
            return predictions.assign(call=known if len(known) == len(predictions) else False)
        """,
        "decisions with and without 'left': column 'call'",
    ),
    Bad(
        "decisions-documented",
        """
        @hookimpl
        def lepton_decide(predictions):
            return predictions.assign(call=True, urgency=3)
        """,
        "without a description: urgency",
    ),
    # ----------------------------------------------------------------------------- robustness
    Bad(
        "unseen-categories",
        """
        @hookimpl
        def lepton_decide(predictions, cases):
            offices = {"north": "Oslo", "south": "Rome", "west": "Cork"}
            return predictions.assign(call=[offices[region] for region in cases["region"]])
        """,
        "a new category in column 'region': KeyError: 'never seen before'",
    ),
    Bad(
        "missing-values",
        """
        @hookimpl
        def lepton_decide(predictions, cases):
            return predictions.assign(call=cases["visits"].astype(int) > 3)
        """,
        "a gap in column 'visits': .*IntCasting",
    ),
    Bad(
        "errors-name-column",
        """
        @hookimpl(wrapper=True)
        def lepton_load():
            try:
                return (yield)
            except Exception:
                raise ValueError("wrong table") from None
        """,
        "no such column in column 'region': ValueError: wrong table",
    ),
    Bad(
        "one-row",
        """
        @hookimpl
        def lepton_decide(predictions):
            import statistics

            spread = statistics.stdev(predictions["probability"])
            return predictions.assign(call=spread > 0)
        """,
        "deciding 1 rows: StatisticsError",
    ),
    Bad(
        "no-rows",
        """
        @hookimpl
        def lepton_decide(predictions):
            return predictions.assign(call=predictions["probability"].iloc[0] > 0.4)
        """,
        "deciding 0 rows: IndexError",
    ),
    # ---------------------------------------------------------------- saved model, report
    Bad(
        "saved-model-equal",
        """
        from sklearn.base import ClassifierMixin
        from sklearn.linear_model import LogisticRegression

        class Rounded(LogisticRegression):
            def __getstate__(self):
                state = super().__getstate__()
                return {**state, "coef_": state["coef_"].round(1)} if "coef_" in state else state

        @hookimpl
        def lepton_models():
            from sklearn.pipeline import make_pipeline
            from sklearn.preprocessing import OneHotEncoder

            return {"logistic": make_pipeline(OneHotEncoder(handle_unknown="ignore"), Rounded())}
        """,
        "saved and loaded, the model predicts otherwise",
    ),
    Bad(
        "sections-render",
        """
        @hookimpl
        def lepton_sections():
            from matplotlib.figure import Figure as Chart
            from lepton_platform import Figure, Section

            return [Section("Risk", Figure(Chart(), ""))]
        """,
        "alt",
    ),
    Bad(
        "sections-render",
        """
        @hookimpl
        def lepton_sections():
            from lepton_platform import Section

            return [Section("Risk", "high"), Section("Risk", "low")]
        """,
        "two sections called 'Risk'",
    ),
    # ----------------------------------------------------------------------------- extensions
    Bad(
        "leaves-other-scores-alone",
        """
        import dataclasses

        @hookimpl(wrapper=True)
        def lepton_load():
            dataset = yield
            return dataclasses.replace(dataset, cases=dataset.cases[["visits"]])
        """,
        "column 'accuracy' differs",
        "extensions",
    ),
    Bad(
        "names-under-prefix",
        """
        @hookimpl(wrapper=True)
        def lepton_predict(config):
            predictions = yield
            return predictions.assign(trees=config.trees)
        """,
        "'trees', added to the predictions",
        "extensions",
    ),
    Bad(
        "names-under-prefix",
        """
        @hookimpl
        def lepton_write(run):
            path = run.folder / "forest.txt"
            path.write_text("3 trees")
            return [path]
        """,
        "forest.txt, a file",
        "extensions",
    ),
    Bad(
        "observers-do-not-raise",
        """
        @hookimpl
        def lepton_run_finished(run):
            run.tracker.close()
        """,
        "failed in lepton_run_finished: AttributeError",
        "extensions",
    ),
]
NAMES = [f"{'bad-' if bad.kind == 'extensions' else 'bad.'}p{n}" for n, bad in enumerate(BAD)]


@pytest.fixture(scope="module")
def world(site, sources):
    """The site with all bad plugins in it; the one that depends on nothing is a distribution of its own."""
    modules, offered, lonely = {}, {"applications": {}, "extensions": {}}, {}
    for name, bad in zip(NAMES, BAD, strict=True):
        module = re.sub(r"\W", "_", f"{name}_{bad.check}")
        modules[module] = sources[bad.kind] + textwrap.dedent(bad.lines)
        group = lonely if bad.check == "depends-on-host" else offered[bad.kind]
        group[name] = module
    site.install("lepton-bad", modules, **offered)
    site.install("lepton-lonely", {}, requires=(), applications=lonely)
    return site


@pytest.mark.parametrize("number", range(len(BAD)), ids=lambda number: f"{number}-{BAD[number].check}")
def test_a_plugin_that_does_what_a_check_forbids_is_caught(world, number):
    bad = BAD[number]
    (offer,) = offers_of(NAMES[number])
    (check,) = asked_of(offer, [bad.check])
    outcome = judge(Subject(offer), check)
    assert outcome.status == "failed", outcome
    assert re.search(bad.found, outcome.message, re.DOTALL), outcome.message


@pytest.mark.parametrize("check", CHECKS, ids=str)
def test_every_check_has_caught_a_bad_plugin(check):
    assert check.id in {bad.check for bad in BAD}

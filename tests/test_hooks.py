"""The hooks of a run: who is asked in which order, how answers are merged, what is refused.

Layers are built from source text, as an author would write it, and registered for real.
"""

import itertools
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier

from lepton_platform import Application, Candidate, Config, Dataset, Options, Run, Source, Split, Task
from lepton_platform.errors import DataError, HookError
from lepton_platform.hooks import (
    APPLICATION,
    APPLICATION_EXTENSION,
    HOST,
    STAR_EXTENSION,
    TASK,
    TASK_EXTENSION,
    Hooks,
    Layer,
)
from lepton_platform.plugins import Offer, Participants, host_layer

PREAMBLE = """
import pandas as pd
from lepton_platform import (
    Candidate, DataError, Dataset, Finding, Metric, Section, Split, Step, hookimpl
)
"""
CASES = pd.DataFrame({"age": [30.0, 40.0]})
DATASET = Dataset(CASES)
NAMES = {
    HOST: "host",
    STAR_EXTENSION: "watcher",
    TASK: "task:binary",
    TASK_EXTENSION: "task-addon",
    APPLICATION: "acme.churn",
    APPLICATION_EXTENSION: "app-addon",
}


def module(name: str, source: str) -> ModuleType:
    """A module of that name whose functions were defined in it."""
    made = ModuleType(name)
    exec(PREAMBLE + source, vars(made))
    return made


def layer(width: int, source: str, name: str = "") -> Layer:
    name = name or NAMES[width]
    return Layer(name, width, (module(f"mod_{name}".replace(".", "_"), source),), f"{name}-dist")


def hooks(*layers: Layer) -> Hooks:
    return Hooks(layers)


def run_of(folder: Path, *layers: Layer) -> Run:
    """A run that these layers, and no others, take part in."""
    offer = Offer("applications", "acme.churn", "acme_churn", "acme", "1.0")
    application = Application("Rank customers", task="binary")
    participants = Participants(offer, application, Task(summary="", config=Config), layers, ())
    run = Run(participants, Options(), Config(), folder)
    run.record = {"status": "running"}
    return run


def models(names: str) -> str:
    return f"@hookimpl\ndef lepton_models(): return {names}"


# ------------------------------------------------------------------------------------- the order


@pytest.mark.parametrize("rotation", range(6))
def test_layers_are_told_from_wide_to_narrow_whatever_the_order_given(rotation):
    told: list[int] = []
    layers = []
    for width in range(6):
        one = layer(width, "@hookimpl\ndef lepton_run_finished(): told.append(width)")
        vars(one.modules[0]).update(told=told, width=width)
        layers.append(one)
    Hooks(layers[rotation:][::-1] + layers[:rotation]).run_finished()
    assert told == sorted(told) == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("names", list(itertools.permutations(["ant", "bee", "cat"])))
def test_layers_of_one_width_stand_by_name(names):
    asked = hooks(*(layer(APPLICATION_EXTENSION, models("{'m': 1}"), name) for name in names))
    assert list(asked.models(DATASET)) == ["ant/m", "bee/m", "cat/m"]


def test_the_modules_of_one_layer_keep_their_order():
    stages = tuple(
        module(name, f"@hookimpl\ndef lepton_models(): return {{'{name}': 1}}") for name in ("z", "a", "m")
    )
    assert list(hooks(Layer("acme.churn", APPLICATION, stages)).models(DATASET)) == ["z", "a", "m"]


# -------------------------------------------------------------------------- single-answer hooks


def summary(answer: str) -> str:
    return f"@hookimpl\ndef lepton_summary(): return {answer}"


@pytest.mark.parametrize(
    ("host", "task", "application", "expected"),
    [
        ("{'by': 'host'}", "{'by': 'task'}", "{'by': 'application'}", "application"),
        ("{'by': 'host'}", "{'by': 'task'}", "None", "task"),
        ("{'by': 'host'}", "None", "None", "host"),
    ],
)
def test_the_narrowest_answer_counts_and_none_falls_through(host, task, application, expected):
    layers = [
        layer(APPLICATION, summary(application)),
        layer(HOST, summary(host)),
        layer(TASK, summary(task)),
    ]
    assert hooks(*layers).summary() == {"by": expected}


def test_nobody_answering_a_single_hook_is_an_error_that_names_the_hook():
    with pytest.raises(HookError, match="no layer answers lepton_summary"):
        hooks(layer(HOST, summary("None"))).summary()


@pytest.mark.parametrize(
    ("hook", "call", "expected"),
    [
        ("lepton_load", lambda h: h.load(Source(rows=CASES), "train"), "Dataset"),
        ("lepton_split", lambda h: h.split(DATASET), "Split"),
        ("lepton_summary", lambda h: h.summary(), "Mapping"),
        ("lepton_predict", lambda h: h.predict(None, CASES), "DataFrame"),
        ("lepton_decide", lambda h: h.decide(CASES, CASES), "DataFrame"),
        ("lepton_evaluate", lambda h: h.evaluate(CASES, CASES["age"], CASES, {}), "Mapping"),
    ],
)
def test_an_answer_of_the_wrong_type_is_an_error_that_names_the_plugin(hook, call, expected):
    asked = hooks(layer(APPLICATION, f"@hookimpl\ndef {hook}(): return ['a list']"))
    with pytest.raises(HookError, match=rf"{hook} must return a {expected}, not list \(acme.churn:"):
        call(asked)


def test_predictions_must_stand_on_the_index_of_the_cases():
    source = "@hookimpl\ndef lepton_predict(cases): return cases.reset_index(drop=True)"
    with pytest.raises(HookError, match="one row per case"):
        hooks(layer(TASK, source)).predict(None, CASES.set_axis(["a", "b"]))


@pytest.mark.parametrize("width", [HOST, TASK, APPLICATION])
def test_two_plain_answers_at_one_width_are_an_error_that_names_both(width):
    stages = (module("first", summary("{}")), module("second", summary("{}")))
    with pytest.raises(HookError, match="lepton_summary is answered twice") as error:
        hooks(Layer("acme.churn", width, stages))
    assert "acme.churn:first" in str(error.value)
    assert "acme.churn:second" in str(error.value)


def test_answers_at_two_widths_are_no_conflict():
    hooks(layer(HOST, summary("{}")), layer(TASK, summary("{}")), layer(APPLICATION, summary("{}")))


@pytest.mark.parametrize(
    ("hook", "argument", "call"),
    [
        ("lepton_read", "source", lambda h: h.read(Source("b://x")).columns[0]),
        ("lepton_stream", "source", lambda h: next(iter(h.stream(Source("b://x")))).columns[0]),
        ("lepton_engine", "url", lambda h: h.engine("b://x").columns[0]),
    ],
)
@pytest.mark.parametrize("names", [("ant", "bee"), ("bee", "ant")])
def test_readers_streams_and_engines_of_one_width_choose_by_source(hook, argument, call, names):
    def answering(name: str, scheme: str) -> Layer:
        frame = f"pd.DataFrame(columns=['{scheme}'])"
        answer = f"[{frame}]" if hook == "lepton_stream" else frame
        condition = f"str({argument}).startswith('{scheme}:')"
        source = f"@hookimpl\ndef {hook}({argument}): return {answer} if {condition} else None"
        return layer(STAR_EXTENSION, source, name)

    assert call(hooks(*map(answering, names, "ab"))) == "b"


def test_a_source_that_no_reader_knows_is_the_users_error_and_lists_what_is_read():
    with pytest.raises(DataError, match=r"loans\.xyz cannot be used: no reader.*\.parquet"):
        hooks().read(Source("loans.xyz"))


def test_an_unknown_stream_or_engine_is_none():
    assert hooks().stream(Source("kafka://x")) is None
    assert hooks().engine("ray://x") is None


# -------------------------------------------------------------------------------------- wrappers


def wrapping(then: str) -> str:
    return f"@hookimpl(wrapper=True)\ndef lepton_summary():\n    result = yield\n    {then}\n"


@pytest.mark.parametrize(
    "width", [HOST, STAR_EXTENSION, TASK, TASK_EXTENSION, APPLICATION, APPLICATION_EXTENSION]
)
def test_a_wrapper_of_any_layer_goes_around_the_answer(width):
    wrapper = layer(width, wrapping("return {**result, 'wrapped': True}"), "wrapper")
    asked = hooks(wrapper, layer(HOST, summary("{'by': 'host'}"), "base"))
    assert asked.summary() == {"by": "host", "wrapped": True}


def test_the_narrowest_wrapper_is_the_outermost():
    layers = [
        layer(width, wrapping(f"return {{'path': result['path'] + [{width}]}}"))
        for width in (APPLICATION, TASK, STAR_EXTENSION)
    ]
    asked = hooks(*layers, layer(HOST, summary("{'path': []}")))
    assert asked.summary() == {"path": [STAR_EXTENSION, TASK, APPLICATION]}


def test_a_wrapper_that_does_not_return_is_named():
    forgetful = layer(APPLICATION_EXTENSION, wrapping("pass"), "forgetful")
    with pytest.raises(HookError, match=r"forgetful.*return result"):
        hooks(layer(HOST, summary("{}")), forgetful).summary()


# ------------------------------------------------------------------------------- collected hooks


def test_an_application_replaces_and_removes_what_its_task_named():
    task = layer(TASK, models("{'a': 'task a', 'b': 'task b', 'c': 'task c'}"))
    application = layer(APPLICATION, models("{'a': 'own a', 'b': None, 'd': 'own d'}"))
    merged = hooks(application, task).models(DATASET)
    assert {name: candidate.estimator for name, candidate in merged.items()} == {
        "a": "own a",
        "c": "task c",
        "d": "own d",
    }


def test_removing_what_nobody_named_is_an_error_with_a_suggestion():
    task = layer(TASK, models("{'boosting': 1}"))
    application = layer(APPLICATION, models("{'bosting': None}"))
    with pytest.raises(HookError, match=r"acme\.churn removes 'bosting'.*Did you mean 'boosting'\?"):
        hooks(task, application).models(DATASET)


@pytest.mark.parametrize("width", [TASK_EXTENSION, APPLICATION_EXTENSION])
def test_an_extension_adds_under_its_own_name_and_replaces_nothing(width):
    asked = hooks(
        layer(TASK, models("{'boosting': 'of the task'}")),
        layer(width, models("{'boosting': 'of the extension'}"), "acme-forest"),
    )
    merged = asked.models(DATASET)
    assert merged["boosting"].estimator == "of the task"
    assert merged["acme-forest/boosting"].estimator == "of the extension"


@pytest.mark.parametrize("width", [TASK_EXTENSION, APPLICATION_EXTENSION])
@pytest.mark.parametrize("hook", ["lepton_models", "lepton_metrics", "lepton_steps"])
def test_an_extension_cannot_remove(width, hook):
    asked = hooks(layer(width, f"@hookimpl\ndef {hook}(): return {{'boosting': None}}", "vandal"))
    with pytest.raises(HookError, match="vandal is an extension: it cannot remove 'boosting'"):
        {"lepton_models": asked.models, "lepton_steps": asked.steps}.get(hook, lambda _: asked.metrics())(
            DATASET
        )


def test_an_application_may_remove_what_an_extension_of_its_task_added():
    asked = hooks(
        layer(TASK_EXTENSION, models("{'m': 1, 'n': 2}"), "addon"),
        layer(APPLICATION, models("{'addon/m': None}")),
    )
    assert list(asked.models(DATASET)) == ["addon/n"]


def test_a_layer_that_answers_none_adds_nothing():
    assert hooks(layer(TASK, models("None")), layer(APPLICATION, models("{}"))).models(DATASET) == {}


def test_a_collected_answer_that_is_no_dict_is_an_error_that_names_the_plugin():
    with pytest.raises(HookError, match=r"lepton_models of acme\.churn must return a dict, not list"):
        hooks(layer(APPLICATION, models("['boosting']"))).models(DATASET)


@pytest.mark.parametrize(
    ("hook", "answer", "call"),
    [
        ("lepton_metrics", "{'profit': len}", lambda h: h.metrics()),
        ("lepton_steps", "{'scale': len}", lambda h: h.steps(DATASET)),
        ("lepton_sections", "Section('Costs', 'none')", lambda h: h.sections()),
        ("lepton_sections", "['Costs']", lambda h: h.sections()),
        ("lepton_write", "Path", lambda h: h.write([])),
    ],
)
def test_parts_of_the_wrong_type_are_an_error_that_names_the_hook_and_the_plugin(hook, answer, call):
    source = f"from pathlib import Path\n@hookimpl\ndef {hook}(): return {answer}"
    with pytest.raises(HookError, match=rf"{hook} of acme\.churn must return"):
        call(hooks(layer(APPLICATION, source)))


def test_candidates_metrics_and_steps_carry_the_layer_they_came_from():
    source = """
@hookimpl
def lepton_models(): return {"m": "estimator", "n": Candidate("estimator", baseline=True)}
@hookimpl
def lepton_metrics(): return {"k": Metric(len, "higher")}
@hookimpl
def lepton_steps(): return {"s": Step("transformer")}
"""
    asked = hooks(layer(TASK, source), layer(APPLICATION_EXTENSION, source, "addon"))
    origins = {"": "task:binary", "addon/": "addon"}
    for prefix, origin in origins.items():
        assert asked.models(DATASET)[f"{prefix}m"] == Candidate("estimator", origin=origin)
        assert asked.models(DATASET)[f"{prefix}n"].baseline
        assert asked.metrics()[f"{prefix}k"].origin == origin
        step = asked.steps(DATASET)[f"{prefix}s"]
        assert (step.origin, step.extends) == (origin, bool(prefix))


def test_a_replaced_part_belongs_to_who_replaced_it():
    asked = hooks(layer(TASK, models("{'m': 1}")), layer(APPLICATION, models("{'m': 2}")))
    assert asked.models(DATASET)["m"].origin == "acme.churn"


def test_steps_stand_by_their_order_then_as_they_were_named():
    task = "@hookimpl\ndef lepton_steps(): return {'late': Step(1, 90), 'b': Step(2), 'a': Step(3)}"
    own = "@hookimpl\ndef lepton_steps(): return {'early': Step(4, 10)}"
    asked = hooks(layer(TASK, task), layer(APPLICATION, own))
    assert list(asked.steps(DATASET)) == ["early", "b", "a", "late"]


def test_an_extensions_steps_stand_before_its_own_candidates_only(tmp_path):
    def steps(name: str, order: int) -> str:
        return f"@hookimpl\ndef lepton_steps(): return {{'{name}': Step('{name}', {order})}}"

    run = run_of(
        tmp_path,
        layer(TASK, steps("clean", 10)),
        layer(APPLICATION, steps("ratios", 20)),
        layer(APPLICATION_EXTENSION, steps("embed", 15), "ant"),
        layer(APPLICATION_EXTENSION, steps("hash", 30), "bee"),
    )
    transformers = {
        origin: [transformer for _, transformer in run.steps_for(origin, DATASET)]
        for origin in ("task:binary", "acme.churn", "ant", "bee")
    }
    assert transformers == {
        "task:binary": ["clean", "ratios"],
        "acme.churn": ["clean", "ratios"],
        "ant": ["clean", "embed", "ratios"],
        "bee": ["clean", "ratios", "hash"],
    }


def test_a_section_replaces_a_wider_layers_section_of_the_same_title_but_an_extensions_adds():
    def section(text: str) -> str:
        return f"@hookimpl\ndef lepton_sections(): return [Section('Costs', '{text}')]"

    asked = hooks(
        layer(TASK, section("of the task")),
        layer(APPLICATION, section("of the application")),
        layer(APPLICATION_EXTENSION, section("of the extension"), "addon"),
        layer(STAR_EXTENSION, section("of every run"), "star"),
    )
    found = {section.origin: section.content for section in asked.sections()}
    assert found == {"": "of the application", "addon": "of the extension", "star": "of every run"}


def test_sections_stand_by_their_order_then_by_title():
    task = (
        "@hookimpl\ndef lepton_sections(): return [Section('z', '', 1), Section('b', ''), Section('a', '')]"
    )
    own = "@hookimpl\ndef lepton_sections(): return [Section('y', '', 99), Section('x', '', 0)]"
    asked = hooks(layer(TASK, task), layer(APPLICATION, own))
    assert [section.title for section in asked.sections()] == ["x", "z", "a", "b", "y"]


def test_written_paths_of_all_layers_add_up():
    def writing(name: str) -> str:
        return f"from pathlib import Path\n@hookimpl\ndef lepton_write(): return [Path('{name}')]"

    asked = hooks(layer(APPLICATION, writing("b")), layer(HOST, writing("a")), layer(STAR_EXTENSION, ""))
    assert asked.write([]) == [Path("a"), Path("b")]


# --------------------------------------------------------------------------- arguments and errors


def test_every_hook_is_offered_the_run_and_its_config(tmp_path):
    source = "@hookimpl\ndef lepton_summary(config, run): return {'run': run, 'config': config}"
    run = run_of(tmp_path, layer(APPLICATION, source))
    assert run.hooks.summary() == {"run": run, "config": run.config}


def test_arguments_are_passed_by_name_in_any_order():
    source = "@hookimpl\ndef lepton_decide(cases, predictions): return cases.assign(p=predictions['p'])"
    predictions = pd.DataFrame({"p": [0.1, 0.2]})
    decided = hooks(layer(APPLICATION, source)).decide(predictions, CASES)
    assert decided.to_dict("list") == {"age": [30.0, 40.0], "p": [0.1, 0.2]}


RAISING = [
    ("lepton_decide", lambda h: h.decide(CASES, CASES)),
    ("lepton_summary", lambda h: h.summary()),
    ("lepton_models", lambda h: h.models(DATASET)),
    ("lepton_sections", lambda h: h.sections()),
]


@pytest.mark.parametrize(("hook", "call"), RAISING)
def test_an_exception_keeps_its_type_and_gets_a_note_that_names_the_plugin(hook, call):
    asked = hooks(layer(APPLICATION, f"@hookimpl\ndef {hook}(): raise ZeroDivisionError('oops')"))
    with pytest.raises(ZeroDivisionError, match="oops") as error:
        call(asked)
    (note,) = error.value.__notes__
    assert note.startswith(f"raised in {hook} of acme.churn (acme.churn-dist). ")
    assert note.endswith("lepton plugin disable acme.churn-dist")


@pytest.mark.parametrize(("hook", "call"), RAISING)
def test_an_error_for_the_user_passes_as_it_is(hook, call):
    source = f"@hookimpl\ndef {hook}(): raise DataError([Finding('error', 'is bad', column='age')])"
    with pytest.raises(DataError, match="column 'age' is bad") as error:
        call(hooks(layer(APPLICATION, source)))
    assert not hasattr(error.value, "__notes__")


def test_the_note_names_the_layer_that_raised_and_not_the_one_that_only_wraps():
    asked = hooks(
        layer(APPLICATION, "@hookimpl\ndef lepton_summary(): return {}['lost']"),
        layer(STAR_EXTENSION, wrapping("return result"), "timer"),
        layer(HOST, summary("{}")),
    )
    with pytest.raises(KeyError) as error:
        asked.summary()
    assert "lepton_summary of acme.churn" in error.value.__notes__[0]


def test_an_observer_that_raises_is_logged_and_disturbs_nobody(tmp_path, capsys):
    asked: list[str] = []
    layers = [
        layer(STAR_EXTENSION, "@hookimpl\ndef lepton_run_finished(): raise ValueError('oops')", "broken"),
        layer(APPLICATION, "@hookimpl\ndef lepton_run_finished(): asked.append('told')"),
    ]
    vars(layers[1].modules[0])["asked"] = asked
    run = run_of(tmp_path, *layers)
    run.hooks.run_finished()
    assert asked == ["told"]
    told = "broken (broken-dist) failed in lepton_run_finished: ValueError: oops"
    assert told in (tmp_path / "log.txt").read_text(encoding="utf-8")
    assert capsys.readouterr().err == f"Warning: {told}\n"


def test_of_an_observer_that_fails_again_and_again_the_user_reads_once_and_in_one_line(tmp_path, capsys):
    source = "@hookimpl\ndef lepton_progress(): raise ValueError('oops:\\n  the store\\n  is down')"
    run = run_of(tmp_path, layer(STAR_EXTENSION, source))
    for done in range(3):
        run.hooks.progress(done, 3, "fitting")
    said = "watcher (watcher-dist) failed in lepton_progress: ValueError: oops: the store is down"
    assert capsys.readouterr().err == f"Warning: {said}\n"
    assert (tmp_path / "log.txt").read_text(encoding="utf-8").count(said) == 3


def test_what_an_observer_fails_of_after_the_run_was_closed_is_in_the_log_too(tmp_path):
    source = "@hookimpl\ndef lepton_run_finished(): raise ValueError('oops')"
    run = run_of(tmp_path, layer(STAR_EXTENSION, source))
    run.record["status"] = "done"
    run.hooks.run_finished()
    assert "ValueError: oops" in (tmp_path / "log.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("hook", "arguments", "call"),
    [
        ("lepton_stage_started", "stage", lambda h: h.stage_started("data")),
        ("lepton_stage_finished", "stage", lambda h: h.stage_finished("data")),
        ("lepton_batch_finished", "rows", lambda h: h.batch_finished(5)),
        ("lepton_progress", "done, total, what", lambda h: h.progress(1, 2, "fitting")),
        ("lepton_run_failed", "error", lambda h: h.run_failed(ValueError())),
    ],
)
def test_every_observer_is_told_what_happened_and_may_fail(hook, arguments, call):
    told: list[tuple[object, ...]] = []
    observing = layer(STAR_EXTENSION, f"@hookimpl\ndef {hook}({arguments}): told.append(({arguments},))")
    vars(observing.modules[0])["told"] = told
    failing = layer(TASK, f"@hookimpl\ndef {hook}({arguments}): raise RuntimeError")
    call(hooks(failing, observing))
    assert len(told) == 1


# ---------------------------------------------------------------------- an extension of every run


@pytest.mark.parametrize("hook", ["lepton_models", "lepton_metrics", "lepton_steps", "lepton_decide"])
def test_an_extension_of_every_run_adds_no_models_metrics_steps_or_answers(hook):
    with pytest.raises(HookError, match=r"(?s)watcher-dist.*may observe, wrap, read and add sections"):
        hooks(layer(STAR_EXTENSION, f"@hookimpl\ndef {hook}(): return {{}}"))


@pytest.mark.parametrize(
    "source",
    [
        "@hookimpl\ndef lepton_stage_started(stage): pass",
        "@hookimpl\ndef lepton_run_failed(error): pass",
        "@hookimpl\ndef lepton_sections(): return []",
        "@hookimpl\ndef lepton_write(sections): return []",
        "@hookimpl\ndef lepton_read(source): pass",
        "@hookimpl\ndef lepton_engine(url): pass",
        "@hookimpl(wrapper=True)\ndef lepton_train():\n    return (yield)",
    ],
)
def test_an_extension_of_every_run_may_observe_wrap_read_and_add_sections(source):
    hooks(layer(STAR_EXTENSION, source))


@pytest.mark.parametrize("width", [TASK_EXTENSION, APPLICATION_EXTENSION])
@pytest.mark.parametrize("hook", ["lepton_split", "lepton_predict", "lepton_decide", "lepton_summary"])
def test_an_extension_cannot_answer_in_the_applications_place(width, hook):
    with pytest.raises(HookError, match=f"(?s)addon-dist.*{hook}.*may only wrap it"):
        hooks(layer(width, f"@hookimpl\ndef {hook}(): return 1", "addon"))


# ------------------------------------------------------------------------------------- the guards

WRONG = {
    "a misspelt hook": (
        "@hookimpl\ndef lepton_modles(): pass",
        r"lepton_modles: there is no such hook. Did you mean 'lepton_models'\?",
    ),
    "a misspelt hook, also unmarked": ("def lepton_sectoins(): pass", "Did you mean 'lepton_sections'"),
    "a misspelt prefix": ("@hookimpl\ndef letpon_models(): pass", "Did you mean 'lepton_models'"),
    "no mark": ("def lepton_models(): pass", "lepton_models: is not marked; put @hookimpl above it"),
    "an unknown argument": (
        "@hookimpl\ndef lepton_models(datset): pass",
        r"cannot take 'datset'. Did you mean 'dataset'\?",
    ),
    "an argument with a default": (
        "@hookimpl\ndef lepton_summary(run=None): return {}",
        "gives 'run' a default, so that it would never be passed",
    ),
    "arguments by the dozen": ("@hookimpl\ndef lepton_models(**anything): pass", "cannot take 'anything'"),
    "a generator": ("@hookimpl\ndef lepton_models(): yield {}", "is a generator"),
    "a generator of batches": ("@hookimpl\ndef lepton_stream(source): yield 1", "return a list"),
    "tryfirst": ("@hookimpl(tryfirst=True)\ndef lepton_models(): pass", "uses tryfirst or trylast"),
    "trylast": ("@hookimpl(trylast=True)\ndef lepton_models(): pass", "uses tryfirst or trylast"),
    "hookwrapper": (
        "@hookimpl(hookwrapper=True)\ndef lepton_train(): yield",
        r"write @hookimpl\(wrapper=True\)",
    ),
    "a wrapper on a collected hook": (
        "@hookimpl(wrapper=True)\ndef lepton_models(): return (yield)",
        "goes around single-answer hooks only",
    ),
    "a wrapper on written paths": (
        "@hookimpl(wrapper=True)\ndef lepton_write(): return (yield)",
        "goes around single-answer hooks only",
    ),
    "a wrapper on an observer": (
        "@hookimpl(wrapper=True)\ndef lepton_progress(): return (yield)",
        "goes around single-answer hooks only",
    ),
    "a hook under another name": (
        "@hookimpl(specname='lepton_models')\ndef anything(): yield {}",
        "is a generator",
    ),
    "a hook with a cache around it": (
        "from functools import cache\n@hookimpl\n@cache\ndef lepton_modles(): pass",
        "Did you mean 'lepton_models'",
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("width", [HOST, TASK, APPLICATION])
def test_a_hook_that_pluggy_would_misunderstand_is_refused_and_its_plugin_named(wrong, width):
    source, fault = WRONG[wrong]
    with pytest.raises(HookError, match=fault) as error:
        hooks(layer(width, source))
    assert f"{NAMES[width]}-dist has hooks that cannot be used" in str(error.value)


def test_an_imported_hook_is_checked_like_an_own_one():
    elsewhere = module("elsewhere", "@hookimpl\ndef lepton_models(): yield {}")
    importing = module("importing", "")
    vars(importing)["lepton_models"] = vars(elsewhere)["lepton_models"]
    with pytest.raises(HookError, match=r"importing\.lepton_models: is a generator"):
        hooks(Layer("acme.churn", APPLICATION, (importing,)))


def test_all_faults_of_a_module_are_told_at_once():
    source = "def lepton_models(): pass\n@hookimpl\ndef lepton_metrcs(run): pass"
    with pytest.raises(HookError, match="lepton_models: is not marked") as error:
        hooks(layer(APPLICATION, source))
    assert "Did you mean 'lepton_metrics'" in str(error.value)


@pytest.mark.parametrize(
    "source",
    [
        "def helper(anything): pass",
        "lepton_version = 3",
        "import lepton_platform as lepton_host",
        "class lepton_thing: pass",
        "from lepton_platform.hookspecs import lepton_models",
    ],
)
def test_what_is_no_hook_is_left_alone(source):
    hooks(layer(APPLICATION, source))


def test_one_module_in_two_layers_is_an_error_that_names_plugin_and_module():
    shared = module("shared", models("{}"))
    with pytest.raises(HookError, match=r"acme\.churn: module shared takes part in the run twice"):
        hooks(Layer("task:binary", TASK, (shared,)), Layer("acme.churn", APPLICATION, (shared,)))


# ---------------------------------------------------------------------------------- all together


def test_the_hosts_own_hooks_pass_its_own_guards(tmp_path):
    host = run_of(tmp_path, host_layer()).hooks
    assert host.read(Source(rows=CASES)).equals(CASES)
    assert host.decide(CASES, CASES).equals(CASES)


def test_a_whole_small_application_is_one_module(tmp_path):
    source = """
from sklearn.dummy import DummyClassifier
@hookimpl
def lepton_load(source): return Dataset(source.rows)
@hookimpl
def lepton_split(dataset): return Split([0], [1], [], "first and last")
@hookimpl
def lepton_models(): return {"base": DummyClassifier()}
"""
    asked = run_of(tmp_path, layer(APPLICATION, source)).hooks
    dataset = asked.load(Source(rows=CASES), "train")
    assert asked.split(dataset) == Split([0], [1], [], "first and last")  # type: ignore[arg-type]
    assert isinstance(asked.models(dataset)["base"].estimator, DummyClassifier)

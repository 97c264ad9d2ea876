"""What an author's mypy and editor make of a plugin: right ones pass, each slip is named on its line."""

import ast
import inspect
import json
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import jedi
import pytest

import lepton_platform
from lepton_platform import (
    Application,
    Candidate,
    Dataset,
    Figure,
    Finding,
    Metric,
    Options,
    Run,
    Section,
    Source,
    Split,
    Step,
    hookspecs,
    snippets,
)
from lepton_platform.hooks import ANSWERED_ONCE, SPECS, Hooks
from lepton_platform.hookspecs import BY_SOURCE

HOW_TO = Path(__file__).parents[1] / "docs" / "how-to" / "type-your-plugin.md"

MYPY_INI = """\
[mypy]
strict = true
plugins = lepton_platform.mypy_plugin
"""

PRELUDE = """\
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import pandas as pd

from lepton_platform import Candidate, Config, Dataset, Field, Metric, Run, Section, Source, Split, hookimpl


class Churn(Config):
    offer_cost: float = Field(8.0, gt=0)


"""

# ------------------------------------------------------------------------------------ right plugins

RIGHT = {
    "no argument at all": """
        @hookimpl
        def lepton_metrics() -> dict[str, Metric]:
            return {}
    """,
    "some arguments in another order, and a config of its own": """
        @hookimpl
        def lepton_decide(config: Churn, cases: pd.DataFrame) -> pd.DataFrame:
            return cases.assign(cost=config.offer_cost)
    """,
    "a hook for the config of any application": """
        AnyConfig = TypeVar("AnyConfig", bound=Config)

        @hookimpl
        def lepton_summary(config: AnyConfig) -> dict[str, AnyConfig]:
            return {"config": config}
    """,
    "arguments that take more than they are passed": """
        @hookimpl
        def lepton_run_failed(error: object, run: Any) -> None:
            print(error, run)
    """,
    "a part removed with None": """
        @hookimpl
        def lepton_metrics() -> dict[str, Metric | None]:
            return {"ks": None}
    """,
    "a wrapper of a hook that nobody may answer": """
        @hookimpl(wrapper=True)
        def lepton_read(source: Source) -> Generator[None, pd.DataFrame | None, pd.DataFrame | None]:
            frame = yield
            return None if frame is None else frame.dropna()
    """,
    "an iterator that is returned, not yielded": """
        def batches(source: Source) -> Iterator[pd.DataFrame]:
            yield pd.DataFrame({"source": [str(source)]})

        @hookimpl
        def lepton_stream(source: Source) -> Iterator[pd.DataFrame]:
            return batches(source)
    """,
    "a generator under a decorator that makes it a list": """
        def listed(function: Callable[[Run], Iterator[Section]]) -> Callable[[Run], list[Section]]:
            return lambda run: list(function(run))

        @hookimpl
        @listed
        def lepton_sections(run: Run) -> Iterator[Section]:
            yield Section("Decisions", ["All of them:", run.decisions])
    """,
}

# ------------------------------------------------------------------------------------ wrong plugins

WRONG = {  # the faulty line is marked
    "a misspelt hook": (
        """
        @hookimpl
        def lepton_decied(predictions: pd.DataFrame) -> pd.DataFrame:  # here
            return predictions
        """,
        "there is no hook 'lepton_decied'. Did you mean 'lepton_decide'?  [lepton-hook]",
    ),
    "a misspelt hook under a further decorator": (
        """
        def same(function: Callable[[Run], int]) -> Callable[[Run], int]:
            return function

        @hookimpl
        @same
        def lepton_summery(run: Run) -> int:  # here
            return 1
        """,
        "there is no hook 'lepton_summery'. Did you mean 'lepton_summary'?  [lepton-hook]",
    ),
    "a misspelt argument": (
        """
        @hookimpl
        def lepton_decide(
            cases: pd.DataFrame,
            prediction: pd.DataFrame,  # here
        ) -> pd.DataFrame:
            return prediction
        """,
        "lepton_decide cannot take 'prediction'. Did you mean 'predictions'?  [lepton-hook]",
    ),
    "an argument of another hook": (
        """
        @hookimpl
        def lepton_metrics(dataset: Dataset) -> dict[str, Metric]:  # here
            return {}
        """,
        "lepton_metrics cannot take 'dataset'. Known: config, run.  [lepton-hook]",
    ),
    "any further arguments": (
        """
        @hookimpl
        def lepton_summary(**others: Any) -> dict[str, int]:  # here
            return {}
        """,
        "lepton_summary cannot take 'others'. Known: config, run.  [lepton-hook]",
    ),
    "an argument with a default": (
        """
        @hookimpl
        def lepton_summary(run: Run | None = None) -> dict[str, bool]:  # here
            return {"ran": run is not None}
        """,
        "'run' is never passed to an argument with a default or by keyword only  [lepton-hook]",
    ),
    "a type that the host does not pass": (
        """
        @hookimpl
        def lepton_decide(
            cases: list[str],  # here
        ) -> pd.DataFrame:
            return pd.DataFrame(cases)
        """,
        """lepton_decide passes 'cases' as "DataFrame", not as "list[str]"  [lepton-hook]""",
    ),
    "a config that is no Config": (
        """
        @hookimpl
        def lepton_summary(config: dict[str, float]) -> dict[str, float]:  # here
            return config
        """,
        """lepton_summary passes 'config' as "Config", not as "dict[str, float]"  [lepton-hook]""",
    ),
    "an answer of another type": (
        """
        @hookimpl
        def lepton_decide(predictions: pd.DataFrame) -> "pd.Series[bool]":  # here
            return predictions["probability"] > 0.5
        """,
        """lepton_decide must return "DataFrame | None", not "Series[bool]"  [lepton-hook]""",
    ),
    "parts of another type": (
        """
        @hookimpl
        def lepton_sections() -> list[str]:  # here
            return ["Decisions"]
        """,
        """lepton_sections must return "Sequence[Section] | None", not "list[str]"  [lepton-hook]""",
    ),
    "an asynchronous hook": (
        """
        @hookimpl
        async def lepton_write() -> None:  # here
            pass
        """,
        'lepton_write must return "Sequence[Path] | None", not "Coroutine[Any, Any, None]"  [lepton-hook]',
    ),
    "a generator that is no wrapper": (
        """
        @hookimpl
        def lepton_stream(source: Source) -> Iterator[pd.DataFrame]:  # here
            yield pd.DataFrame({"source": [str(source)]})
        """,
        "lepton_stream is a generator, which always counts as an answer; "
        "return a list or an iterator instead  [lepton-hook]",
    ),
    "a wrapper that returns nothing": (
        """
        @hookimpl(wrapper=True)
        def lepton_load() -> Generator[None, Dataset, None]:  # here
            print((yield))
        """,
        'lepton_load must return "Generator[None, Dataset, Dataset]", '
        'not "Generator[None, Dataset, None]"  [lepton-hook]',
    ),
    "a wrapper that expects another answer": (
        """
        @hookimpl(wrapper=True)
        def lepton_split() -> Generator[None, Dataset, Split]:  # here
            raise ValueError((yield).findings)
        """,
        'lepton_split must return "Generator[None, Split, Split]", '
        'not "Generator[None, Dataset, Split]"  [lepton-hook]',
    ),
    "a wrapper of a collected hook": (
        """
        @hookimpl(wrapper=True)
        def lepton_models() -> Generator[None, Any, Any]:  # here
            return (yield)
        """,
        "lepton_models cannot be wrapped; a wrapper goes around single-answer hooks only  [lepton-hook]",
    ),
    "a wrapper that is no generator": (
        """
        @hookimpl(wrapper=True)  # here
        def lepton_split(dataset: Dataset, run: Run) -> Split:
            return run.hooks.split(dataset)
        """,
        'Value of type variable "Wrapper" of "__call__" of "WrapperMarker" '
        'cannot be "Callable[[Dataset, Run], Split]"  [type-var]',
    ),
    "a misspelt attribute of the run": (
        """
        def show(run: Run) -> None:
            print(run.desicions)  # here
        """,
        '"Run" has no attribute "desicions"; maybe "decisions"?  [attr-defined]',
    ),
    "a misspelt option": (
        """
        def show(config: Churn) -> None:
            print(config.offer_cots)  # here
        """,
        '"Churn" has no attribute "offer_cots"; maybe "offer_cost"?  [attr-defined]',
    ),
    "a misspelt public name": (
        """
        from lepton_platform import Sectoin  # here
        """,
        'Module "lepton_platform" has no attribute "Sectoin"; maybe "Section"?  [attr-defined]',
    ),
    "a section of what cannot be shown": (
        """
        section = Section("Decisions", {"approved": 3})  # here
        """,
        'Argument 2 to "Section" has incompatible type "dict[str, int]"; expected "Content"  [arg-type]',
    ),
    "an option of pluggy's that the host refuses": (
        """
        @hookimpl(tryfirst=True)  # here
        def lepton_summary() -> dict[str, int]:
            return {}
        """,
        'Unexpected keyword argument "tryfirst" for overloaded function "__call__" of '
        '"HookimplMarker"  [call-overload]',
        'Untyped decorator makes function "lepton_summary" untyped  [untyped-decorator]',
    ),
    "misspelt and not annotated": (
        """
        @hookimpl
        def lepton_summary(runs):  # here
            return {}
        """,
        "Function is missing a type annotation  [no-untyped-def]",
        "lepton_summary cannot take 'runs'. Did you mean 'run'?  [lepton-hook]",
    ),
}

PUBLIC = [
    *(Application, Candidate, Dataset, Figure, Finding, Hooks, Metric, Options, Run, Section, Source, Split),
    Step,
]
UNTYPED = {Candidate: {"estimator"}, Run: {"baseline", "model"}, Step: {"transformer"}}
"""What is an estimator has no type, because scikit-learn has none."""


# ------------------------------------------------------------------------------ the author's package


def header():
    """Return the imports that the annotations of hooks need."""
    tree = ast.parse(inspect.getsource(hookspecs))
    imports = [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    return "\n".join(
        [*imports, "from collections.abc import Generator", "from lepton_platform import hookimpl"]
    )


def as_typed_in(hook):
    """Return the hook's snippet, filled in."""
    typed = "\n".join(snippets.body(hook)).replace("$0", "raise NotImplementedError")
    return re.sub(r"\$\{1:(.+?)\}", r"\1", typed)


def as_wrapper(name):
    """Return a wrapper that hands on what it is sent; ``None`` too, where that is an answer."""
    signature = inspect.signature(SPECS[name])
    sent = signature.return_annotation
    sent = sent if name in BY_SOURCE else sent.removesuffix(" | None")
    arguments = ", ".join(f"{name}: {given.annotation}" for name, given in signature.parameters.items())
    head = f"@hookimpl(wrapper=True)\ndef {name}({arguments}) -> Generator[None, {sent}, {sent}]:"
    return f"{head}\n    return (yield)"


def attributes(kind):
    return sorted(name for name in {*inspect.get_annotations(kind), *vars(kind)} if name[0] != "_")


def look_at(kind):
    """Return code that asks for the types of a class's public attributes."""
    head = [f"from {kind.__module__} import {kind.__name__}", f"def look(given: {kind.__name__}) -> None:"]
    return "\n".join([*head, *(f"    reveal_type(given.{name})" for name in attributes(kind))])


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", HOW_TO.read_text(encoding="utf-8"), re.M | re.S)


def modules():
    """Return every module of the author's package: title → code."""
    right, slips = blocks("python")
    return {
        "every hook": "\n".join([header(), *map(as_typed_in, SPECS.values())]),
        "every wrapper": "\n".join([header(), *map(as_wrapper, sorted(ANSWERED_ONCE | BY_SOURCE))]),
        **{f"attributes of {kind.__name__}": look_at(kind) for kind in PUBLIC},
        "churn": right,
        "slips": slips,
        **{title: PRELUDE + textwrap.dedent(code) for title, code in RIGHT.items()},
        **{title: PRELUDE + textwrap.dedent(code) for title, (code, *_) in WRONG.items()},
    }


def file_of(title):
    return re.sub(r"\W+", "_", title) + ".py"


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    """Return what mypy says of each module of a package outside the repository: (line, message)."""
    folder = tmp_path_factory.mktemp("author")
    (folder / "mypy.ini").write_text(MYPY_INI)
    titles = {file_of(title): title for title in modules()}
    for title, code in modules().items():
        (folder / file_of(title)).write_text(code)
    environment = {
        name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "MYPYPATH")
    }
    command = [sys.executable, "-m", "mypy", "--output", "json", *titles]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    assert done.stderr == ""
    found = {title: [] for title in modules()}
    for message in map(json.loads, done.stdout.splitlines()):
        code = f"  [{message['code']}]" if message["severity"] == "error" else ""
        found[titles[message["file"]]].append((message["line"], message["message"] + code))
    return found


# ------------------------------------------------------------------------------------ what mypy says


@pytest.mark.parametrize("title", ["every hook", "every wrapper", "churn", *RIGHT])
def test_a_right_plugin_passes(title, said):
    assert said[title] == []


@pytest.mark.parametrize("title", WRONG)
def test_a_slip_is_named_on_its_line(title, said):
    _, *messages = WRONG[title]
    (line,) = [n for n, text in enumerate(modules()[title].splitlines(), 1) if text.endswith("# here")]
    assert said[title] == [(line, message) for message in messages]


def test_the_how_to_shows_what_mypy_says(said):
    (shown,) = blocks("text")
    assert shown.splitlines() == [f"slips.py:{line}: error: {message}" for line, message in said["slips"]]


@pytest.mark.parametrize("kind", PUBLIC)
def test_every_public_attribute_has_a_type(kind, said):
    revealed = [message for _, message in said[f"attributes of {kind.__name__}"]]
    types = dict(zip(attributes(kind), revealed, strict=True))
    untyped = {name for name, found in types.items() if found == 'Revealed type is "Any"'}
    assert untyped == UNTYPED.get(kind, set())


def test_every_type_of_a_hook_can_be_imported_from_the_package():
    own = re.findall(r"^from lepton_platform\.\S+ import (.+)$", header(), re.M)
    assert own and {name for names in own for name in names.split(", ")} <= {*lepton_platform.__all__}


# ------------------------------------------------------------------------------- what an editor shows


COMPLETED = {
    "config": {"offer_cost"},
    "run": {*attributes(Run), "hooks"},
    "run.hooks": {*attributes(Hooks)},
    "run.application": {*attributes(Application)},
    "run.options": {*attributes(Options)},
    "run.test": {*attributes(Dataset)},
    "dataset": {*attributes(Dataset)},
    "split": {*attributes(Split)},
    "source": {*attributes(Source)},
}


@pytest.mark.parametrize("expression", COMPLETED)
def test_an_editor_completes_what_a_hook_is_given(expression, tmp_path, monkeypatch):
    monkeypatch.setattr(jedi.settings, "cache_directory", str(tmp_path))
    hook = "def lepton_train(dataset: Dataset, split: Split, run: Run, config: Churn, source: Source):"
    code = f"{PRELUDE}{hook}\n    {expression}."
    offered = {completion.name for completion in jedi.Script(code, path=tmp_path / "churn.py").complete()}
    assert offered >= COMPLETED[expression]


def test_the_snippets_file_has_every_hook_with_its_documentation(tmp_path):
    command = [sys.executable, "-m", "lepton_platform.snippets"]
    printed = json.loads(subprocess.run(command, capture_output=True, check=True, cwd=tmp_path).stdout)
    assert {name: entry["description"] for name, entry in printed.items()} == {
        name: inspect.cleandoc(hook.__doc__) for name, hook in SPECS.items()
    }
    assert all(entry["prefix"] == name and entry["scope"] == "python" for name, entry in printed.items())

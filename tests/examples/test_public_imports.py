"""Examples stand on the public interface alone, so that what they do anybody can do."""

import ast
from pathlib import Path

import pytest

import lepton_platform

EXAMPLES = sorted(path.parent for path in Path(__file__).parents[2].glob("examples/*/pyproject.toml"))
SOURCES = [source for example in EXAMPLES for source in example.glob("lepton_*/**/*.py")]
PUBLIC_MODULES = {
    "lepton_platform",
    "lepton_platform.model.deep",
    "lepton_platform.report.figures",
    "lepton_platform.testing",
}


def imported(source):
    """Yield (module, name) of everything that a file imports; of ``import a.b``, the name is empty."""
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "a file that is copied elsewhere says where its imports come from"
            yield from ((node.module, alias.name) for alias in node.names)


@pytest.mark.parametrize(
    "source", SOURCES, ids=lambda source: source.relative_to(source.parents[2]).as_posix()
)
def test_an_example_imports_public_names_of_the_host_and_no_other_plugin(source):
    for module, name in imported(source):
        package = module.partition(".")[0]
        if package == "lepton_platform":
            assert module in PUBLIC_MODULES, f"{module} is the host's own business"
            assert module != "lepton_platform" or name in lepton_platform.__all__
        elif package.startswith("lepton_"):
            assert package in source.parts, f"{package} is another plugin"


def test_there_are_examples_to_look_at():
    assert {example.name for example in EXAMPLES} >= {"digits", "mlflow", "monotone"}
    assert all(list(example.glob("lepton_*/**/*.py")) for example in EXAMPLES)

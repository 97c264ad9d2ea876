"""The public names: complete, sorted, lazy; and nothing heavy is imported to start."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import lepton_platform

HEAVY = ["pandas", "numpy", "scipy", "sklearn", "lightgbm", "torch", "pydantic", "matplotlib", "optuna"]


def test_all_is_sorted_and_equals_the_lazy_names():
    assert lepton_platform.__all__ == sorted(lepton_platform._MODULE_OF)
    assert dir(lepton_platform) == lepton_platform.__all__


def test_type_checkers_see_the_same_names_from_the_same_modules():
    tree = ast.parse(Path(str(lepton_platform.__file__)).read_text(encoding="utf-8"))
    checked = next(node for node in tree.body if isinstance(node, ast.If))
    imported = {
        alias.name: node.module
        for node in checked.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert imported == lepton_platform._MODULE_OF


@pytest.mark.parametrize("name", lepton_platform.__all__)
def test_every_public_name_is_the_one_of_its_module_and_documented(name):
    found = getattr(lepton_platform, name)
    assert found is getattr(importlib.import_module(lepton_platform._MODULE_OF[name]), name)
    assert found.__doc__ or not isinstance(found, type)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="'lepton_platform' has no attribute 'Aplication'"):
        _ = lepton_platform.Aplication


START = {
    "the package": "import lepton_platform",
    "what an application's first module needs": (
        "from lepton_platform import Application, Extension, LeptonError, hookimpl; "
        "Application('Do it', task='binary')"
    ),
    "the list of plugins": "from lepton_platform import plugins; plugins.offers('applications')",
    "lepton --help": "from lepton_platform.cli import main; main(['--help'])",
    "lepton --version": "from lepton_platform.cli import main; main(['--version'])",
    "a command that does not exist": "from lepton_platform.cli import main; main(['rnu'])",
}


@pytest.mark.parametrize("start", START)
def test_starting_loads_nothing_heavy(start):
    code = (
        f"import atexit, sys\natexit.register(lambda: print('loaded:', *({HEAVY!r} & sys.modules.keys())))"
        f"\n{START[start]}"
    ).replace(repr(HEAVY), repr(set(HEAVY)))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "loaded:", done.stderr

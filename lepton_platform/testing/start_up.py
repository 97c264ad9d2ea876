"""What importing a plugin costs and does: it is imported whenever the index of plugins is built."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
from typing import NamedTuple

from lepton_platform.testing.check import BOTH, Fault, check
from lepton_platform.testing.subject import Subject

HEAVY = frozenset(
    {
        "catboost", "jax", "lightgbm", "matplotlib", "numpy", "optuna", "pandas", "polars", "pyarrow",
        "scipy", "sklearn", "tensorflow", "torch", "transformers", "xgboost",
    }
)  # fmt: skip
"""Packages that take long to import and are needed only once a run has started."""
MOST_MODULES = 40
"""Modules that a declaration may load beyond the host's own."""
TRACE = """
import importlib, json, sys
from lepton_platform import Application, Config, Extension, Field, Sample, hookimpl
known = set(sys.modules)
importlib.import_module(sys.argv[1])
print(json.dumps(sorted(sys.modules.keys() - known)), file=sys.stderr)
"""


class Trace(NamedTuple):
    """What a fresh interpreter did when it imported a module."""

    loaded: frozenset[str]
    printed: str


@functools.lru_cache(maxsize=1)
def trace(module: str) -> Trace:
    """Import a module in an interpreter of its own."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", TRACE, module]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        raise Fault(f"{module} cannot be imported by itself: {done.stderr.strip().splitlines()[-1]}")
    return Trace(frozenset(json.loads(done.stderr.splitlines()[-1])), done.stdout)


@check("silver", of=BOTH)
def import_budget(subject: Subject) -> None:
    """Importing the declaration loads no heavy library and few modules.

    It is imported whenever what is installed changes, together with everybody else's: with fifty
    plugins that each load pandas the user waits.

    To mend: make the application a package whose `__init__.py` holds only the declaration, its hooks in
    `data`, `model` and `report`; or import what a hook needs inside the hook.
    """
    module = subject.offer.module
    loaded = trace(module).loaded
    if heavy := sorted(HEAVY & {name.partition(".")[0] for name in loaded}):
        raise Fault(f"importing {module} loads {', '.join(heavy)}")
    if len(loaded) > MOST_MODULES:
        raise Fault(f"importing {module} loads {len(loaded)} modules; at most {MOST_MODULES} are few")

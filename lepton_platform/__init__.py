"""Lepton Platform: a small host that runs data → model → report for industry plugins.

The names below are the public interface for authors of plugins. They are loaded on first use, so
that importing the package costs nothing. Public beside them are the modules
``lepton_platform.model.deep``, networks as estimators (extra ``deep``),
``lepton_platform.report.figures``, plots in the report's look, and ``lepton_platform.testing``, the
conformance kit.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lepton_platform.alert import Alert
    from lepton_platform.application import Application, Extension, Sample, Task
    from lepton_platform.config import Config, Field
    from lepton_platform.data.dataset import Dataset, Finding, Purpose, Source, Split, Step
    from lepton_platform.engine import Engine
    from lepton_platform.errors import DataError, LeptonError
    from lepton_platform.hookspecs import hookimpl
    from lepton_platform.model.candidate import Candidate, Metric
    from lepton_platform.model.evaluation import Estimate
    from lepton_platform.report.section import Figure, Section
    from lepton_platform.run import Options, Run

_HOME = {
    "lepton_platform.alert": ("Alert",),
    "lepton_platform.application": ("Application", "Extension", "Sample", "Task"),
    "lepton_platform.config": ("Config", "Field"),
    "lepton_platform.data.dataset": ("Dataset", "Finding", "Purpose", "Source", "Split", "Step"),
    "lepton_platform.engine": ("Engine",),
    "lepton_platform.errors": ("DataError", "LeptonError"),
    "lepton_platform.hookspecs": ("hookimpl",),
    "lepton_platform.model.candidate": ("Candidate", "Metric"),
    "lepton_platform.model.evaluation": ("Estimate",),
    "lepton_platform.report.section": ("Figure", "Section"),
    "lepton_platform.run": ("Options", "Run"),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}

__all__ = [
    "Alert",
    "Application",
    "Candidate",
    "Config",
    "DataError",
    "Dataset",
    "Engine",
    "Estimate",
    "Extension",
    "Field",
    "Figure",
    "Finding",
    "LeptonError",
    "Metric",
    "Options",
    "Purpose",
    "Run",
    "Sample",
    "Section",
    "Source",
    "Split",
    "Step",
    "Task",
    "hookimpl",
]


if not TYPE_CHECKING:  # or checkers would take any name, however misspelt

    def __getattr__(name: str) -> Any:
        if name not in _MODULE_OF:
            raise AttributeError(f"module 'lepton_platform' has no attribute {name!r}")
        return getattr(importlib.import_module(_MODULE_OF[name]), name)


def __dir__() -> list[str]:
    return __all__

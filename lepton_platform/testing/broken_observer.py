"""A layer whose observers all raise: nothing of a run may depend on what observers do."""

from __future__ import annotations

import sys

from lepton_platform.hooks import STAR_EXTENSION, Layer
from lepton_platform.hookspecs import hookimpl


def layer() -> Layer:
    """Return the layer to be added to a run."""
    return Layer("broken-observer", STAR_EXTENSION, (sys.modules[__name__],), "lepton-platform")


@hookimpl
def lepton_stage_started() -> None:
    """Raise."""
    raise RuntimeError("raised on purpose by the conformance kit")


@hookimpl
def lepton_stage_finished() -> None:
    """Raise."""
    raise RuntimeError("raised on purpose by the conformance kit")


@hookimpl
def lepton_progress() -> None:
    """Raise."""
    raise RuntimeError("raised on purpose by the conformance kit")


@hookimpl
def lepton_run_finished() -> None:
    """Raise."""
    raise RuntimeError("raised on purpose by the conformance kit")

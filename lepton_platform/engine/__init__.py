"""Where the work of a run is done."""

from lepton_platform.engine.local import LocalEngine
from lepton_platform.engine.protocol import Engine

__all__ = ["Engine", "LocalEngine"]

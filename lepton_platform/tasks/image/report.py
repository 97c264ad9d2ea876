"""Image task, report stage: which classes are found, how sure to be, and when it stays silent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lepton_platform.hookspecs import hookimpl
from lepton_platform.report.section import Section

if TYPE_CHECKING:
    from lepton_platform.run import Run


@hookimpl
def lepton_sections(run: Run) -> Sequence[Section]:
    """Nothing yet."""
    return []

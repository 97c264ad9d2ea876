"""One part of a report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure as Chart

Content: TypeAlias = "str | pd.DataFrame | Figure | Sequence[Content]"


@dataclass(frozen=True)
class Section:
    """A titled part of the report.

    ``content`` is text (paragraphs parted by an empty line), a pandas frame (shown as a table),
    a ``Figure``, or a sequence of these. Sections stand by ``order``, then by title.
    """

    title: str
    content: Content
    order: int = 50
    origin: str = ""
    """The extension it came from, if one; stamped by the host."""


@dataclass(frozen=True)
class Figure:
    """A matplotlib figure with the words that say what it shows.

    ``alt`` is read out to those who cannot see the picture, so it states the finding, not the
    fact that there is a chart.
    """

    figure: Chart
    alt: str
    caption: str = ""

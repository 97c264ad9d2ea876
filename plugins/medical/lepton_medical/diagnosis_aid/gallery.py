"""Pictures on a page of the report, with what was said of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.figure import Figure as Chart
from numpy.typing import NDArray
from PIL import Image

from lepton_platform import Figure
from lepton_platform.data.images.pixels import read
from lepton_platform.report.figures import INK, WIDTH

Pixels = NDArray[np.uint8]

ACROSS = 4
LARGEST = 160
"""Pixels along the longer side of a picture in the report: it stays small, and shows no more than needed."""


class Tile(NamedTuple):
    """One picture and the lines below it."""

    picture: Pixels
    said: str
    heat: NDArray[np.float64] | None = None
    """Laid over the picture, red where the answer comes from."""


def pictures_of(cases: pd.DataFrame) -> list[Pixels]:
    """Return the pixels of a few cases in their order, each shape (height, width, 3)."""
    found = dict(read(cases))
    return [found[position] for position in range(len(cases))]


def gallery(tiles: Sequence[Tile], alt: str, caption: str = "") -> Figure:
    """Draw tiles in rows of four."""
    rows = -(-len(tiles) // ACROSS)
    chart = Chart(figsize=(WIDTH, 1.75 * rows), layout="constrained")
    grid = chart.subplots(rows, ACROSS, squeeze=False)
    for place, axes in enumerate(grid.ravel()):
        if place >= len(tiles):
            axes.set_axis_off()
            continue
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
        tile = tiles[place]
        shown = _small(tile.picture)
        axes.imshow(shown, interpolation="nearest")
        if tile.heat is not None:
            _lay_over(axes, tile.heat, shown)
        axes.set_xlabel(tile.said, fontsize=9, color=INK)
    return Figure(chart, alt=alt, caption=caption)


def _small(picture: Pixels) -> Pixels:
    """Return a picture at the size in which it is shown, its shape kept."""
    height, width, _ = picture.shape
    factor = LARGEST / max(height, width)
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    way = Image.Resampling.NEAREST if factor > 1 else Image.Resampling.LANCZOS
    return np.asarray(Image.fromarray(picture).resize(size, way))


def _lay_over(axes: object, heat: NDArray[np.float64], shown: Pixels) -> None:
    """Colour what speaks for the answer red and what speaks against it blue, stronger where it is more."""
    height, width, _ = shown.shape
    spread = max(float(np.abs(heat).max()), 1e-9)
    smooth = np.asarray(Image.fromarray((heat / spread).astype(np.float32)).resize((width, height), 2))
    axes.imshow(  # type: ignore[attr-defined]
        smooth, cmap="RdBu_r", vmin=-1, vmax=1, alpha=np.clip(np.abs(smooth), 0, 1) * 0.55
    )

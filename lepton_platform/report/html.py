"""The report as one HTML page that opens offline.

What a page shows is prepared here as blocks: paragraphs, lists, tables, pictures;
``page.html.jinja`` beside this file lays them out and escapes every text. The page has no script
and its content security policy forbids any, together with everything fetched from elsewhere.
"""

from __future__ import annotations

import io
import math
import re
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from pathlib import Path
from typing import Any, ClassVar
from xml.etree import ElementTree

import jinja2
import matplotlib
import numpy as np
import pandas as pd
from markupsafe import Markup
from matplotlib.figure import Figure as Chart

from lepton_platform.errors import HookError
from lepton_platform.report.figures import readable
from lepton_platform.report.section import Figure, Section

MOST_ROWS = 200
"""Rows of a table that are shown; the rest is counted."""
TALL_ROWS = 20
"""A table of more rows scrolls in a box on the screen, so that the page can still be read."""
LONGEST_UNBROKEN = 24
"""Letters; a column with longer cells is given room and its lines are broken."""
MISSING = "–"


@dataclass(frozen=True)
class Paragraph:
    """Text to be escaped."""

    kind: ClassVar[str] = "paragraph"
    text: str


@dataclass(frozen=True)
class Bullets:
    """A list of texts to be escaped."""

    kind: ClassVar[str] = "bullets"
    items: tuple[str, ...]


@dataclass(frozen=True)
class Column:
    """One column of a table, its cells written out."""

    name: str
    cells: tuple[str, ...]
    numeric: bool = False
    """Whether it is aligned on the right."""
    heads_row: bool = False
    """Whether its cells name their rows, as an index does."""

    @property
    def unbroken(self) -> bool:
        """Whether its cells stay on one line: short ones, such as dates, ids and names, do."""
        return all(len(cell) <= LONGEST_UNBROKEN for cell in self.cells)


@dataclass(frozen=True)
class Table:
    """A table to be escaped."""

    kind: ClassVar[str] = "table"
    caption: str
    caption_shown: bool
    """A caption that repeats the heading above it is for screen readers only."""
    columns: tuple[Column, ...]
    hidden: int
    """Rows that are not shown."""

    @property
    def rows(self) -> list[tuple[str, ...]]:
        """The cells row by row."""
        return list(zip(*(column.cells for column in self.columns), strict=True))

    @property
    def tall(self) -> bool:
        """Whether it scrolls in a box on the screen."""
        return any(len(column.cells) > TALL_ROWS for column in self.columns)


@dataclass(frozen=True)
class Picture:
    """A figure as an SVG element, ready to stand in the page."""

    kind: ClassVar[str] = "picture"
    svg: Markup
    alt: str
    caption: str
    wide: bool
    """Whether a narrow screen has to scroll it."""


Block = Paragraph | Bullets | Table | Picture


@dataclass(frozen=True)
class Part:
    """A section with its content as blocks."""

    anchor: str
    title: str
    origin: str
    blocks: tuple[Block, ...]


def render(title: str, subtitle: str, sections: Sequence[Section], facts: Mapping[str, str]) -> str:
    """Return the report as one HTML page that needs nothing else.

    Parameters
    ----------
    title, subtitle
        What the report is about, in a few words each.
    sections
        Shown by ``order``, then title. The first is the verdict and stands out.
    facts
        What is needed to repeat the run: its id, data, version, seed ...; shown at the end.

    Raises
    ------
    HookError
        A section's content is of a kind that cannot be shown, or a figure has no alt text.
    """
    ordered = sorted(sections, key=lambda section: (section.order, section.title))
    numbers = iter(range(1, 1_000_000))
    parts = [
        Part(f"section-{place}", section.title, section.origin, tuple(_blocks(section, numbers)))
        for place, section in enumerate(ordered, start=1)
    ]
    page = _templates().get_template("page.html.jinja")
    return page.render(title=title, subtitle=subtitle, parts=parts, facts=facts)


def _templates() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _blocks(section: Section, numbers: Iterator[int]) -> Iterator[Block]:
    """Yield a section's blocks; ``numbers`` tells the pictures of one page apart."""
    tables = 0
    for piece in _pieces(section.content):
        if isinstance(piece, str):
            yield from _text(piece)
        elif isinstance(piece, pd.DataFrame):
            tables += 1
            yield _table(piece, section.title if tables == 1 else f"{section.title}, table {tables}")
        elif isinstance(piece, Figure) and isinstance(piece.figure, Chart):
            yield _picture(piece, section, next(numbers))
        else:
            raise _unknown(section, piece)


def _pieces(content: Any) -> Iterator[Any]:
    if isinstance(content, (list, tuple)):
        for piece in content:
            yield from _pieces(piece)
    else:
        yield content


def _unknown(section: Section, piece: Any) -> HookError:
    """Return the error for content that cannot be shown, with the likely remedy."""
    remedy = ""
    if isinstance(piece, Chart):
        remedy = " Wrap it: Figure(figure, alt='what it shows')."
    elif isinstance(piece, pd.Series):
        remedy = " Use its to_frame()."
    elif isinstance(piece, Figure):
        piece, remedy = piece.figure, " A Figure holds a matplotlib figure."
    return HookError(
        f"{_named(section)} has content of type {type(piece).__name__}; "
        f"a section holds text, a pandas DataFrame, a Figure, or a list of these.{remedy}"
    )


def _named(section: Section) -> str:
    return f"section {section.title!r}" + (f" of {section.origin}" if section.origin else "")


def _text(text: str) -> Iterator[Block]:
    """Yield paragraphs, parted by empty lines, and lists, whose lines begin with ``- ``."""
    for paragraph in re.split(r"\n\s*\n", text.strip()):
        prose: list[str] = []
        items: list[str] = []
        for line in filter(None, map(str.rstrip, paragraph.splitlines())):
            if line.lstrip().startswith("- "):
                if prose:
                    yield Paragraph("\n".join(prose))
                    prose = []
                items.append(line.lstrip()[2:])
            elif items and line.startswith("  "):  # an indented line goes on with its item
                items[-1] += f"\n{line.strip()}"
            else:
                if items:
                    yield Bullets(tuple(items))
                    items = []
                prose.append(line.strip())
        if items:
            yield Bullets(tuple(items))
        if prose:
            yield Paragraph("\n".join(prose))


# Tables -------------------------------------------------------------------------------------------


def _table(frame: pd.DataFrame, title: str) -> Table:
    """Write out the first rows; an index is shown unless it only counts the rows."""
    shown = frame.head(MOST_ROWS)
    columns = [*_index_columns(shown.index)]
    for place, label in enumerate(shown.columns):  # by place: names may occur twice
        columns.append(_column(_column_name(label), shown.iloc[:, place]))
    caption = str(frame.attrs.get("caption", ""))
    return Table(
        caption=caption or title,
        caption_shown=bool(caption),
        columns=tuple(columns),
        hidden=len(frame) - len(shown),
    )


def _index_columns(index: pd.Index[Any]) -> Iterator[Column]:
    if isinstance(index, pd.RangeIndex) and index.name is None:
        return
    for level in range(index.nlevels):
        values = index.get_level_values(level)
        fallback = "row" if pd.api.types.is_integer_dtype(values.dtype) else ""
        name = fallback if values.name is None else str(values.name)
        cells = _column(name, pd.Series(values), identifier=True).cells
        yield Column(name, cells, heads_row=True)


def _column_name(label: Any) -> str:
    if isinstance(label, tuple):
        return " · ".join(str(part) for part in label if str(part))
    return str(label)


def _column(name: str, values: pd.Series[Any], identifier: bool = False) -> Column:
    """Write out one column in the manner of what it holds."""
    present = values[values.notna()]
    identifier = identifier or re.search(r"(?i)^case$|(^|[_ -])id$", name) is not None
    numeric = _all_numbers(present) and not identifier
    if numeric:
        write = _number_writer(present, percent=name.rstrip().endswith("%"))
    elif pd.api.types.is_datetime64_any_dtype(values.dtype):
        write = _date_writer(present)
    else:
        write = _plain
    cells = [
        MISSING if missing else write(value) for value, missing in zip(values, values.isna(), strict=True)
    ]
    return Column(name, tuple(cells), numeric=numeric)


def _all_numbers(present: pd.Series[Any]) -> bool:
    return len(present) > 0 and all(
        isinstance(x, Real) and not isinstance(x, (bool, np.bool_)) for x in present
    )


def _plain(value: Any) -> str:
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    return readable(float(value)) if isinstance(value, (float, np.floating)) else str(value)


def _date_writer(present: pd.Series[Any]) -> Callable[[Any], str]:
    """Leave the time of day out where no row has one."""
    midnight = all(stamp == stamp.normalize() for stamp in present)
    return lambda stamp: f"{stamp:%Y-%m-%d}" if midnight else f"{stamp:%Y-%m-%d %H:%M:%S}"


def _number_writer(present: pd.Series[Any], percent: bool) -> Callable[[Any], str]:
    """Return how the numbers of one column are written, their decimal points below each other.

    A column whose name ends in ``%`` holds shares: 0.25 is written as 25 %.
    """
    if percent:
        inner = _number_writer(present * 100, percent=False)
        return lambda value: f"{inner(value * 100)}\N{NARROW NO-BREAK SPACE}%"
    numbers = present.to_numpy(dtype=np.float64)
    # Four-digit numbers are often years; a column with longer ones has separators throughout.
    separator = "," if np.abs(numbers[np.isfinite(numbers)]).max(initial=0) >= 9999.5 else ""
    if all(isinstance(value, Integral) for value in present):
        return lambda value: f"{int(value):{separator}d}"
    decimals = _decimals(numbers)
    if decimals is None:
        return lambda value: readable(float(value))
    return lambda value: _fixed(float(value), separator, decimals)


def _fixed(value: float, separator: str, decimals: int) -> str:
    if not math.isfinite(value):
        return readable(value)
    text = f"{value:{separator}.{decimals}f}"
    return text.lstrip("-") if float(text.replace(",", "")) == 0 else text


def _decimals(numbers: np.ndarray[Any, np.dtype[np.float64]]) -> int | None:
    """Return the decimals that a column shares, or ``None`` where each number needs its own.

    The largest number has four significant digits and the smallest at least two; a column that
    spans more orders of magnitude than that cannot be written with one number of decimals.
    """
    sizes = np.abs(numbers[np.isfinite(numbers) & (numbers != 0)])
    if not len(sizes):
        return 0
    decimals = max(0, 3 - math.floor(math.log10(sizes.max())))
    if sizes.max() < 1e-4 or sizes.max() >= 1e15:
        return None
    whole = bool((numbers[np.isfinite(numbers)] % 1 == 0).all())
    if sizes.min() * 10**decimals < 9.5 and not whole:
        return None
    written = [f"{size:.{decimals}f}" for size in sizes]
    zeros = min(len(text) - len(text.rstrip("0")) for text in written) if decimals else 0
    return max(0, decimals - zeros)


# Pictures -----------------------------------------------------------------------------------------

_DRAWING = threading.Lock()  # matplotlib's settings and the warnings' filters belong to the process
_SETTINGS: dict[Any, Any] = {"svg.fonttype": "none", "svg.hashsalt": "lepton", "savefig.bbox": None}
_REFERENCE = re.compile(r"url\(#([^)]+)\)|^#(.+)$")
_LONG_FRACTION = re.compile(r"-?\d+\.\d{3,}(?:e[+-]?\d+)?")


def _picture(figure: Figure, section: Section, number: int) -> Picture:
    if not figure.alt.strip():
        raise HookError(
            f"{_named(section)} has a figure without alt text; "
            "say in a sentence what it shows: Figure(figure, alt='...')."
        )
    width = float(figure.figure.get_figwidth()) * 72
    svg = _svg(figure.figure, prefix=f"figure-{number}-", alt=figure.alt, width=width)
    return Picture(Markup(svg), figure.alt, figure.caption, wide=width > 420)


def _svg(figure: Chart, prefix: str, alt: str, width: float) -> str:
    """Draw a matplotlib figure as an ``svg`` element that can stand beside others in one page.

    The same figure gives the same text: ids depend on its content only, and the date of drawing
    is dropped with the other metadata. The figure keeps the layout of its first drawing.
    """
    drawn = io.BytesIO()
    with _DRAWING, matplotlib.rc_context(_SETTINGS), warnings.catch_warnings():
        # Text stays text, so the reader's browser finds the glyphs that matplotlib's font lacks.
        warnings.filterwarnings("ignore", message=r"(?s)Glyph .* missing from")
        figure.savefig(drawn, format="svg")
        # A layout computed anew for every drawing drifts by a hundredth of a point.
        figure.set_layout_engine("none")
    root = ElementTree.fromstring(drawn.getvalue())
    _drop(root, {"metadata", "style"})
    _tidy(root, prefix)
    for name in ("width", "height", "version"):
        root.attrib.pop(name, None)
    # Between 0.8 and 1.45 pixels per point, text of 10 points can be read and is not huge.
    style = f"width:100%;min-width:{0.8 * width:.0f}px;max-width:{1.45 * width:.0f}px"
    root.attrib.update({"role": "img", "aria-label": alt, "style": style})
    return ElementTree.tostring(root, encoding="unicode")


def _drop(element: ElementTree.Element, names: set[str]) -> None:
    for child in list(element):
        if child.tag.rpartition("}")[2] in names:
            element.remove(child)
        else:
            _drop(child, names)


def _tidy(root: ElementTree.Element, prefix: str) -> None:
    """Shorten the drawing, and give its ids a prefix of their own; ids nobody refers to go."""
    referred = {name for element in root.iter() for name in _references(element)}
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]  # HTML knows these without a namespace
        element.attrib = dict(_tidy_attributes(element, referred, prefix))
        if element.tag != "text":
            element.text = (element.text or "").strip()
        element.tail = ""


def _references(element: ElementTree.Element) -> Iterator[str]:
    for value in element.attrib.values():
        for match in _REFERENCE.finditer(value):
            yield match[1] or match[2]


def _tidy_attributes(
    element: ElementTree.Element, referred: set[str], prefix: str
) -> Iterator[tuple[str, str]]:
    for full_name, value in element.attrib.items():
        name = full_name.rpartition("}")[2]
        if name == "id":
            if value in referred:
                yield name, prefix + value
        elif name == "href" and not value.startswith(("#", "data:")):
            continue  # the page leads nowhere else
        elif name in ("d", "x", "y"):  # a hundredth of a point is below what can be seen
            yield name, _LONG_FRACTION.sub(lambda match: f"{float(match[0]):.2f}", " ".join(value.split()))
        elif name == "style":  # the page's own font is used
            yield name, re.sub(r"font-family: [^;]+;? ?", "", _refer(value, prefix))
        else:
            yield name, _refer(value, prefix)


def _refer(value: str, prefix: str) -> str:
    value = re.sub(r"url\(#", f"url(#{prefix}", value)
    return f"#{prefix}{value[1:]}" if value.startswith("#") else value

"""What a system wants to show of its results, as plain data: the report draws it, the system computes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import floor, log10
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Scale = Literal["linear", "log"]


@dataclass(frozen=True)
class Series:
    """One curve.

    Attributes
    ----------
    label
        A model name (the report knows its colour and title) or any other text.
    x, y
        [n] each.
    error
        [n], one standard deviation of `y`, or None.
    style
        "line", "dashed", "points", or "steps" (then `x` holds the n + 1 edges).
    fit
        [m], [m]: x and y of a curve fitted to the points, drawn in their colour, or None.
    """

    label: str
    x: Floats
    y: Floats
    error: Floats | None = None
    style: Literal["line", "dashed", "points", "steps"] = "line"
    fit: tuple[Floats, Floats] | None = None


@dataclass(frozen=True)
class Axes:
    """Labels (with units), scales and limits of a plot."""

    x: str
    y: str
    x_scale: Scale = "linear"
    y_scale: Scale = "linear"
    x_limits: tuple[float, float] | None = None
    y_limits: tuple[float, float] | None = None


@dataclass(frozen=True)
class Lines:
    """Curves on common axes: ROC, resolution against energy, distributions."""

    title: str
    caption: str
    axes: Axes
    series: tuple[Series, ...]


@dataclass(frozen=True)
class Density:
    """A two-dimensional histogram: predicted against true.

    Attributes
    ----------
    counts
        [nx, ny]; empty bins are left white.
    x_edges, y_edges
        [nx + 1], [ny + 1].
    diagonal
        Draw the line y = x.
    """

    title: str
    caption: str
    axes: Axes
    counts: Floats
    x_edges: Floats
    y_edges: Floats
    diagonal: bool = False


@dataclass(frozen=True)
class Images:
    """Example images: [n, rows, columns], zero is drawn empty, logarithmic colours.

    Attributes
    ----------
    images, labels, unit
        [n, rows, columns] in `unit`, and the title of each.
    axes
        What runs along the columns (x) and the rows (y), with the unit of `cell`.
    cell
        Size of a cell along columns and rows. Images more than `levelone.report.panels.STRIP` times as long
        as high are drawn one above the other, stretched; all others to scale.
    smallest
        Where the colours start; None: at the smallest value above 0, at most three decades below the largest.
    zoom
        Show the filled part only, the same size for all images.
    origin
        Where the outer corner of the first pixel lies along x and y.
    """

    title: str
    caption: str
    images: Floats
    labels: tuple[str, ...]
    unit: str
    axes: Axes = Axes("column", "row")
    cell: tuple[float, float] = (1.0, 1.0)
    smallest: float | None = None
    zoom: bool = False
    origin: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True)
class Maps:
    """One quantity of several events: a column of `SideBySide`.

    Attributes
    ----------
    title, unit
        What it is.
    images
        [n, rows, columns]; NaN is drawn empty.
    colours
        "log": as `Images`; "linear": from 0 to the largest; "signed": the same to both sides of 0;
        "signed log": likewise, logarithmic beyond a hundredth of the largest, for one pixel above all others.
    marks
        [k, 2] of every image: places to mark, along columns and rows in the unit of the axes; or none.
    limits
        Where colours other than logarithmic ones start and end, whatever the images hold.
    """

    title: str
    unit: str
    images: Floats
    colours: Literal["log", "linear", "signed", "signed log"] = "linear"
    marks: tuple[Floats, ...] = ()
    limits: tuple[float, float] | None = None


@dataclass(frozen=True)
class SideBySide:
    """Images of the same events beside each other, an event per row: seen, true, answered, difference.

    Attributes
    ----------
    columns
        What is shown of every event; all have as many images, of one size.
    labels
        A name for each event.
    axes, cell, origin
        As in `Images`.
    """

    title: str
    caption: str
    columns: tuple[Maps, ...]
    labels: tuple[str, ...]
    axes: Axes = Axes("column", "row")
    cell: tuple[float, float] = (1.0, 1.0)
    origin: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True)
class Rows:
    """A table.

    Attributes
    ----------
    numbers
        Columns that are set flush right.
    folded
        Only the title is shown until the reader opens it: for long tables behind one that matters more.
    notes
        Remarks below the table, numbered from 1; cells refer to them as ``(1)``.
    """

    title: str
    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: tuple[int, ...] = ()
    folded: bool = False
    notes: tuple[str, ...] = ()


Panel = Lines | Density | Images | SideBySide | Rows


@dataclass(frozen=True)
class Card:
    """A number that a reader wants first, and what it is."""

    value: str
    what: str


def measured(
    entry: Mapping[str, float] | None, digits: int, *, percent: bool = False, sign: bool = False
) -> str:
    """``value ± error`` of a measured number, a dash if there is none.

    Both have so many `digits` behind the point, or, where the error would be rounded to nothing, as many as
    show two digits of it. An error that is nothing (all bootstrap samples are alike) is written ``0``.
    """
    if not entry or entry.get("value") is None:
        return "–"
    factor = 100 if percent else 1
    value, error = entry["value"] * factor, entry.get("error")
    if error is not None and error > 0 and round(error * factor, digits) == 0:
        digits = 1 - floor(log10(error * factor))
    text = f"{value:+.{digits}f}" if sign else f"{value:.{digits}f}"
    if error is None:
        return text
    return f"{text} ± {error * factor:.{digits}f}" if error else f"{text} ± 0"

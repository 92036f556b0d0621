"""What a system wants to show of its results, as plain data: the report draws it, the system computes it."""

from __future__ import annotations

from dataclasses import dataclass
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
    """

    label: str
    x: Floats
    y: Floats
    error: Floats | None = None
    style: Literal["line", "dashed", "points", "steps"] = "line"


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
    """Example images in one row each: [n, rows, columns], zero is drawn empty, logarithmic colours."""

    title: str
    caption: str
    images: Floats
    labels: tuple[str, ...]
    unit: str


@dataclass(frozen=True)
class Rows:
    """A table; `numbers` are the columns that are set flush right."""

    title: str
    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: tuple[int, ...] = ()


Panel = Lines | Density | Images | Rows


@dataclass(frozen=True)
class Card:
    """A number that a reader wants first, and what it is."""

    value: str
    what: str

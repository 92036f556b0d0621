"""Drawing a system's own panels (`levelone.panels`): curves, densities, images, tables."""

from __future__ import annotations

from html import escape
from textwrap import fill

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from levelone.panels import Axes as AxesText
from levelone.panels import Density, Floats, Images, Lines, Panel, Rows, Scale, Series, SideBySide
from levelone.report import tables
from levelone.report.logarithms import log_limits, plain_numbers
from levelone.report.maps import side_by_side
from levelone.report.plots import COLOURS, ORANGE
from levelone.report.rows import notes_as_html
from levelone.report.svg import STYLE, figure
from levelone.report.words import LABELS

_CYCLE = ("#8b5cf6", "#ef4444", "#14b8a6", "#eab308", "#ec4899", "#64748b", "#84cc16", "#0ea5e9")
_DODGE = 0.01
"""Distance of the points of different models at the same x, as a share of the axis."""

STRIP = 3.0
SIZE = (5.2, 4.2)
"""Inches of a plot that stands beside another one."""
_LEGEND = 34
"""Letters in a line of the legend, two columns of which have room below such a plot."""


def draw(panel: Lines | Density | Images | SideBySide) -> Figure:
    """The figure of a panel."""
    if isinstance(panel, Lines):
        return lines(panel)
    if isinstance(panel, SideBySide):
        return side_by_side(panel)
    return density(panel) if isinstance(panel, Density) else images(panel)


def lines(panel: Lines) -> Figure:
    """Curves on common axes; points of several models at the same x are drawn beside each other."""
    fig = figure(*SIZE)
    shown = [series for series in panel.series if len(series.y)]
    points = [series for series in shown if series.style == "points"]
    with mpl.rc_context(STYLE):
        axes = fig.add_subplot()
        spare = iter(_CYCLE)
        for series in shown:
            colour = COLOURS.get(series.label) or next(spare, "#64748b")
            place = points.index(series) - (len(points) - 1) / 2 if series in points else 0.0
            x = _beside(series.x, points, panel.axes.x_scale, place) if place else series.x
            _curve(axes, series, x, colour, fill(LABELS.get(series.label, series.label), _LEGEND))
        _label(axes, panel.axes, panel.title)
        axes.grid(True, which="major")
        if shown:
            fig.legend(loc="outside lower center", ncols=2, fontsize=8)
    return fig


def _beside(x: Floats, points: list[Series], scale: Scale, place: float) -> Floats:
    every = np.concatenate([series.x for series in points])
    low, high = every.min(), every.max()
    if scale == "log" and low > 0:
        return np.asarray(x * (high / low) ** (_DODGE * place))
    return np.asarray(x + (high - low) * _DODGE * place)


def _curve(axes: Axes, series: Series, x: Floats, colour: str, label: str) -> None:
    if series.style == "steps":
        axes.stairs(series.y, series.x, color=colour, label=label, linewidth=1.2)
        return
    style = {"line": "-", "dashed": "--", "points": "none"}[series.style]
    marker = "o" if series.style == "points" or series.error is not None else None
    axes.errorbar(
        x,
        series.y,
        yerr=series.error,
        linestyle=style,
        marker=marker,
        markersize=3.5,
        color=colour,
        label=label,
        linewidth=1.4,
        elinewidth=1,
        capsize=2,
    )
    if series.fit is not None:
        axes.plot(*series.fit, color=colour, linewidth=1, alpha=0.8)


def density(panel: Density) -> Figure:
    """A two-dimensional histogram with logarithmic colours."""
    fig = figure(*SIZE)
    with mpl.rc_context(STYLE):
        axes = fig.add_subplot()
        shown = np.ma.masked_less_equal(panel.counts.T, 0)
        most = max(float(panel.counts.max(initial=0)), 2.0)
        drawn = axes.pcolormesh(
            panel.x_edges,
            panel.y_edges,
            shown,
            norm=LogNorm(1, most),
            cmap="viridis",
            rasterized=True,
        )
        if panel.diagonal:
            low = max(panel.x_edges[0], panel.y_edges[0])
            high = min(panel.x_edges[-1], panel.y_edges[-1])
            axes.plot([low, high], [low, high], "--", color=ORANGE, linewidth=1)
        _label(axes, panel.axes, panel.title)
        bar = fig.colorbar(drawn, ax=axes)
        bar.set_label("events per bin")
        plain_numbers(bar.ax.yaxis, most)
    return fig


def images(panel: Images) -> Figure:
    """Example images: side by side, or, if they are long strips, one above the other and stretched."""
    count, rows, columns = panel.images.shape
    size = (columns * panel.cell[0], rows * panel.cell[1])
    left, bottom = panel.origin
    whole = (left, left + size[0], bottom, bottom + size[1])
    windows = _windows(panel) if panel.zoom else [whole] * count
    ratio = (windows[0][3] - windows[0][2]) / (windows[0][1] - windows[0][0]) if count else 1.0
    strip = ratio * STRIP < 1
    fig = figure(8.8, 0.6 + 1.1 * count if strip else 8.4 / max(count, 1) * ratio + 1.1)
    low, high = log_limits(panel.images, panel.smallest)
    with mpl.rc_context(STYLE):
        grid = fig.subplots(*((max(count, 1), 1) if strip else (1, max(count, 1))), squeeze=False)
        drawn = None
        for axes, image, label, window in zip(grid.flat, panel.images, panel.labels, windows, strict=False):
            shown = np.ma.masked_less_equal(image, 0)
            drawn = axes.imshow(
                shown,
                norm=LogNorm(low, high),
                cmap="plasma",
                origin="lower",
                interpolation="nearest",
                extent=whole,
                aspect="auto" if strip else "equal",
            )
            axes.set(xlim=window[:2], ylim=window[2:])
            axes.tick_params(labelsize=7)
            axes.set_title(label, fontsize=8)
            axes.spines[:].set(visible=True, alpha=0.4)
        for axes in grid[-1]:
            axes.set_xlabel(panel.axes.x, fontsize=8)
        for axes in grid[:, 0]:
            axes.set_ylabel(panel.axes.y, fontsize=8)
        for axes in grid[:-1].flat:
            axes.tick_params(labelbottom=False)
        if drawn is not None:
            bar = fig.colorbar(drawn, ax=list(grid.flat), shrink=0.8, pad=0.01)
            bar.set_label(panel.unit)
            plain_numbers(bar.ax.yaxis, high / low)
    return fig


def _windows(panel: Images) -> list[tuple[float, float, float, float]]:
    """(left, right, bottom, top) of the filled part of each image, of one size, inside the image."""
    _, rows, columns = panel.images.shape
    ends = []
    for image in panel.images > 0:
        filled = [np.flatnonzero(image.any(axis)) for axis in (0, 1)]
        ends.append([(f[0] - 1, f[-1] + 2) if len(f) else (0, 1) for f in filled])
    sizes = [
        min(max(high - low for low, high in side), most)
        for side, most in zip(zip(*ends, strict=True), (columns, rows), strict=True)
    ]
    windows = []
    for sides in ends:
        window: list[float] = []
        for (low, high), size, most, cell, start in zip(
            sides, sizes, (columns, rows), panel.cell, panel.origin, strict=True
        ):
            first = min(max((low + high - size) // 2, 0), most - size)
            window += [start + first * cell, start + (first + size) * cell]
        windows.append((window[0], window[1], window[2], window[3]))
    return windows


def _label(axes: Axes, text: AxesText, title: str) -> None:
    axes.set(title=fill(title, 56), xlabel=text.x, ylabel=text.y)
    if text.x_limits is not None:
        axes.set_xlim(*text.x_limits)
    if text.y_limits is not None:
        axes.set_ylim(*text.y_limits)
    for axis, scale in ((axes.xaxis, text.x_scale), (axes.yaxis, text.y_scale)):
        low, high = axis.get_data_interval()
        if scale == "log" and high > 0:  # nothing positive, no logarithm
            axis.axes.set(**{f"{axis.axis_name}scale": "log"})
            low, high = sorted(axis.get_view_interval())
            if low > 0:
                plain_numbers(axis, high / low)


def table(panel: Rows) -> str:
    """The table of a panel and its title as HTML."""
    found = untitled(panel)
    if not panel.folded:
        return f"<h3>{escape(panel.title)}</h3>{found}"
    return f"<details><summary>{escape(panel.title)}</summary>{found}</details>"


def untitled(panel: Rows) -> str:
    """The table alone, notes below; model names become what people call them."""
    rows = [[LABELS.get(cell, cell) for cell in row] for row in panel.rows]
    found = tables.table(panel.head, rows, numbers=panel.numbers, caption=panel.caption)
    return found + notes_as_html(panel)


__all__ = ["Panel", "density", "draw", "images", "lines", "table", "untitled"]

"""Drawing a system's own panels (`levelone.panels`): curves, densities, images, tables."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from levelone.panels import Axes as AxesText
from levelone.panels import Density, Images, Lines, Panel, Rows, Series
from levelone.report import tables
from levelone.report.plots import COLOURS, LABELS
from levelone.report.svg import STYLE, figure

_CYCLE = ("#8b5cf6", "#ef4444", "#14b8a6", "#eab308", "#ec4899", "#64748b", "#84cc16", "#0ea5e9")


DECADES = 100.0
SIZE = (5.2, 4.0)
"""Inches of a plot that stands beside another one."""


def draw(panel: Lines | Density | Images) -> Figure:
    """The figure of a panel."""
    if isinstance(panel, Lines):
        return lines(panel)
    return density(panel) if isinstance(panel, Density) else images(panel)


def lines(panel: Lines) -> Figure:
    """Curves on common axes."""
    fig = figure(*SIZE)
    with mpl.rc_context(STYLE):
        axes = fig.add_subplot()
        spare = iter(_CYCLE)
        for series in panel.series:
            colour = COLOURS.get(series.label) or next(spare, "#64748b")
            _curve(axes, series, colour, LABELS.get(series.label, series.label))
        _label(axes, panel.axes, panel.title)
        axes.grid(True, which="major")
        if panel.series:
            axes.legend(fontsize=8)
    return fig


def _curve(axes: Axes, series: Series, colour: str, label: str) -> None:
    if series.style == "steps":
        axes.stairs(series.y, series.x, color=colour, label=label, linewidth=1.2)
        return
    style = {"line": "-", "dashed": "--", "points": "none"}[series.style]
    marker = "o" if series.style == "points" or series.error is not None else None
    axes.errorbar(
        series.x,
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


def density(panel: Density) -> Figure:
    """A two-dimensional histogram with logarithmic colours."""
    fig = figure(*SIZE)
    with mpl.rc_context(STYLE):
        axes = fig.add_subplot()
        shown = np.ma.masked_less_equal(panel.counts.T, 0)
        drawn = axes.pcolormesh(
            panel.x_edges,
            panel.y_edges,
            shown,
            norm=LogNorm(1, max(float(panel.counts.max(initial=0)), 2.0)),
            cmap="viridis",
            rasterized=True,
        )
        if panel.diagonal:
            low = max(panel.x_edges[0], panel.y_edges[0])
            high = min(panel.x_edges[-1], panel.y_edges[-1])
            axes.plot([low, high], [low, high], "--", color=COLOURS["fake"], linewidth=1)
        _label(axes, panel.axes, panel.title)
        fig.colorbar(drawn, ax=axes).set_label("events per bin")
    return fig


def images(panel: Images) -> Figure:
    """Example images side by side."""
    count = len(panel.images)
    fig = figure(8.8, 8.8 / max(count, 1) * panel.images.shape[1] / panel.images.shape[2] + 0.9)
    peak = float(panel.images.max(initial=0)) or 1.0
    with mpl.rc_context(STYLE):
        grid = fig.subplots(1, count, squeeze=False)
        drawn = None
        for axes, image, label in zip(grid.flat, panel.images, panel.labels, strict=True):
            shown = np.ma.masked_less_equal(image, 0)
            drawn = axes.imshow(
                shown, norm=LogNorm(peak / 1e3, peak), cmap="plasma", origin="lower", interpolation="nearest"
            )
            axes.set(xticks=[], yticks=[])
            axes.set_title(label, fontsize=8)
            axes.spines[:].set(visible=True, alpha=0.4)
        if drawn is not None:
            fig.colorbar(drawn, ax=list(grid.flat), shrink=0.8, pad=0.01).set_label(panel.unit)
    return fig


def _label(axes: Axes, text: AxesText, title: str) -> None:
    axes.set(title=title, xlabel=text.x, ylabel=text.y, xscale=text.x_scale, yscale=text.y_scale)
    if text.x_limits is not None:
        axes.set_xlim(*text.x_limits)
    if text.y_limits is not None:
        axes.set_ylim(*text.y_limits)
    for axis, scale in ((axes.xaxis, text.x_scale), (axes.yaxis, text.y_scale)):
        low, high = sorted(axis.get_view_interval())
        if scale == "log" and low > 0 and high / low < DECADES:
            # Less than two decades: plain numbers at 1, 2 and 5 instead of powers with crowded exponents.
            axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            axis.set_minor_formatter(NullFormatter())


def table(panel: Rows) -> str:
    """The table of a panel as HTML; model names become what people call them."""
    rows = [[LABELS.get(cell, cell) for cell in row] for row in panel.rows]
    return tables.table(panel.head, rows, numbers=panel.numbers, caption=panel.caption)


__all__ = ["Panel", "density", "draw", "images", "lines", "table"]

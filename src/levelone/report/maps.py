"""Drawing images of the same events beside each other (`levelone.panels.SideBySide`)."""

from __future__ import annotations

from textwrap import fill

import matplotlib as mpl
import numpy as np
from matplotlib.colors import LogNorm, Normalize, SymLogNorm
from matplotlib.figure import Figure

from levelone.panels import Maps, SideBySide
from levelone.report.logarithms import log_limits, plain_numbers
from levelone.report.svg import STYLE, figure
from levelone.report.words import LABELS

_LETTERS = 105
"""In a line of titles, all columns together."""
_BESIDE = 18.0
"""Letters of a row's name in an inch."""
_TITLE = 0.14
"""Inches of a line of a title."""
_MAPS = {"log": "plasma", "linear": "viridis", "signed": "RdBu_r", "signed log": "RdBu_r"}


def side_by_side(panel: SideBySide) -> Figure:
    """A row per event, a column per quantity with its own colours."""
    events, columns = len(panel.labels), len(panel.columns)
    height, width = panel.columns[0].images.shape[1:]
    size = (width * panel.cell[0], height * panel.cell[1])
    left, bottom = panel.origin
    extent = (left, left + size[0], bottom, bottom + size[1])
    titles = [fill(LABELS.get(maps.title, maps.title), _LETTERS // columns) for maps in panel.columns]
    above = _TITLE * (1 + max(title.count("\n") for title in titles))
    row = 8.6 / columns * size[1] / size[0]
    names = [fill(label, max(int(_BESIDE * row), 8)) for label in panel.labels]
    fig = figure(9.6, 1.02 + above + events * row)
    with mpl.rc_context(STYLE):
        grid = fig.subplots(events, columns, squeeze=False)
        for number, maps in enumerate(panel.columns):
            norm = _norm(maps)
            drawn = None
            for axes, image, label in zip(grid[:, number], maps.images, names, strict=True):
                drawn = axes.imshow(
                    np.ma.masked_less_equal(image, 0) if maps.colours == "log" else image,
                    norm=norm,
                    cmap=_MAPS[maps.colours],
                    origin="lower",
                    interpolation="nearest",
                    extent=extent,
                )
                axes.tick_params(labelsize=6, labelbottom=False, labelleft=number == 0)
                if number == 0:
                    axes.set_ylabel(f"{label}\n{panel.axes.y}", fontsize=7)
            for axes, places in zip(grid[:, number], maps.marks, strict=False):
                axes.plot(
                    *places.T, "o", markersize=4, markerfacecolor="none", color="#22d3ee", markeredgewidth=0.7
                )
                axes.set(xlim=extent[:2], ylim=extent[2:])
            grid[0, number].set_title(titles[number], fontsize=8)
            grid[-1, number].tick_params(labelbottom=True)
            grid[-1, number].set_xlabel(panel.axes.x, fontsize=7)
            if drawn is not None:
                bar = fig.colorbar(drawn, ax=list(grid[:, number]), location="bottom", shrink=0.9, pad=0.02)
                bar.set_label(maps.unit, fontsize=7)
                bar.ax.tick_params(labelsize=6)
                if maps.colours == "log":
                    low, high = log_limits(maps.images)
                    plain_numbers(bar.ax.xaxis, high / low)
    return fig


def _norm(maps: Maps) -> Normalize:
    if maps.limits is not None:
        return Normalize(*maps.limits)
    if maps.colours == "log":
        return LogNorm(*log_limits(maps.images))
    most = float(np.nanmax(np.abs(maps.images), initial=0)) or 1.0
    if maps.colours == "signed log":
        return SymLogNorm(most / 1e2, vmin=-most, vmax=most)
    return Normalize(-most if maps.colours == "signed" else 0, most)

"""The report's plots. Each function takes plain arrays and returns a figure; none keeps global state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from levelone.report.svg import STYLE, figure
from levelone.report.words import LABELS

BLUE, ORANGE, GREY = "#3b82f6", "#f97316", "#8b8b95"
COLOURS = {
    "float": BLUE,
    "quantised": ORANGE,
    "train": BLUE,
    "validation": ORANGE,
}


def learning_curves(curves: Mapping[str, Any]) -> Figure:
    """Loss of both trainings by epoch, counted from 1; `curves` as in ``curves.json`` (from 0)."""
    fig = figure(8.8, 3.0)
    trained = [name for name in ("float", "quantised") if name in curves]
    with mpl.rc_context(STYLE):
        for number, name in enumerate(trained):
            axes = fig.add_subplot(1, 2, number + 1)
            epochs = curves[name]["epochs"]
            x = [epoch["epoch"] + 1 for epoch in epochs]
            for part in ("train", "validation"):
                loss = [epoch[f"{part}_loss"] for epoch in epochs]
                axes.plot(x, loss, marker="o", markersize=3, color=COLOURS[part], label=part, linewidth=1.4)
            axes.axvline(curves[name]["best_epoch"] + 1, color=GREY, linewidth=0.8, linestyle=":")
            axes.set_xlim(x[0] - 0.5, x[-1] + 0.5)
            axes.set(title=LABELS[name], xlabel="epoch", ylabel="loss" if number == 0 else "")
            axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
            axes.grid(True)
            axes.legend(fontsize=8)
    return fig


def widths(names: Sequence[str], bits: Sequence[int], signed: Sequence[bool]) -> Figure:
    """Bits of every value in the firmware, as bars."""
    fig = figure(8.8, 0.9 + 0.2 * len(names))
    with mpl.rc_context(STYLE):
        axes = fig.add_subplot()
        y = np.arange(len(names))[::-1]
        colours = [BLUE if is_signed else ORANGE for is_signed in signed]
        axes.barh(y, bits, color=colours, height=0.7)
        for position, width in zip(y, bits, strict=True):
            axes.text(width + 0.15, position, str(width), va="center", fontsize=8)
        axes.set_yticks(y, labels=list(names))
        axes.set(xlabel="bits (blue: signed, orange: unsigned)", ylim=(-0.6, len(names) - 0.4))
    return fig

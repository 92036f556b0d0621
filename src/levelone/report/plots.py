"""The report's plots. Each function takes plain arrays and returns a figure; none keeps global state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter
from numpy.typing import NDArray

from levelone.report.svg import STYLE, figure

COLOURS = {
    "float": "#3b82f6",
    "quantised": "#f97316",
    "baseline": "#10b981",
    "baseline_profile": "#8b5cf6",
    "layers_only": "#8b8b95",
    "true": "#3b82f6",
    "fake": "#f97316",
    "train": "#3b82f6",
    "validation": "#f97316",
}
LABELS = {
    "float": "float twin",
    "quantised": "quantised",
    "baseline": "gradient boosting",
    "baseline_profile": "boosting, sub-pixel lengths",
    "layers_only": "layer identifiers only",
}
Floats = NDArray[np.floating[Any]]


def roc_curve(
    score: Floats, target: NDArray[np.uint8], weight: Floats | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Background acceptance and signal efficiency for every threshold.

    Parameters
    ----------
    score
        [n]; higher is more signal-like.
    target
        [n]; 1 is signal.
    weight
        [n]; 1 each by default.

    Returns
    -------
    background, signal
        float64 [m + 1]: accepted fractions, from (0, 0) to (1, 1), one point per distinct score.
    """
    weight = np.ones(len(score)) if weight is None else np.asarray(weight, float)
    order = np.argsort(-score, kind="stable")
    score, target, weight = score[order], target[order], weight[order]
    last = np.flatnonzero(np.append(np.diff(score) != 0, True))  # equal scores are accepted together
    signal = np.append(0, np.cumsum(weight * (target == 1))[last])
    background = np.append(0, np.cumsum(weight * (target != 1))[last])
    return background / background[-1], signal / signal[-1]


def roc(
    panels: Mapping[str, Mapping[str, tuple[Floats, NDArray[np.uint8], Floats | None]]],
    reference: Mapping[float, float],
) -> Figure:
    """Efficiency against accepted fakes, one panel per mixture.

    Parameters
    ----------
    panels
        Panel title -> model name -> (score [n], target [n], weight [n] or None).
    reference
        Published efficiency by rejection in per cent, drawn in the first panel as context.
    """
    fig = figure(4.4 * len(panels), 3.8)
    with mpl.rc_context(STYLE):
        for number, (title, models) in enumerate(panels.items()):
            axes: Axes = fig.add_subplot(1, len(panels), number + 1)
            for name, (score, target, weight) in models.items():
                background, signal = roc_curve(score, target, weight)
                style = "--" if name == "layers_only" else "-"
                keep = _thin(background)
                axes.plot(
                    background[keep],
                    signal[keep],
                    style,
                    color=COLOURS[name],
                    label=LABELS[name],
                    linewidth=1.4,
                )
            if number == 0 and reference:
                x = [1 - rejection / 100 for rejection in reference]
                axes.plot(
                    x, list(reference.values()), "o", color="#ef4444", markersize=4, label="CMS, published"
                )
            axes.set(xscale="log", xlim=(2e-3, 1), ylim=(0, 1.02), title=title)
            axes.set(xlabel="fakes accepted", ylabel="true doublets accepted" if number == 0 else "")
            axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=1))
            axes.yaxis.set_major_formatter(PercentFormatter(1))
            axes.grid(True, which="major")
            axes.legend(loc="upper left", fontsize=8)
    return fig


def _thin(background: NDArray[np.float64], points: int = 400) -> NDArray[np.intp]:
    """Indices that are enough for a smooth curve on a logarithmic axis: the page stays small."""
    wanted = np.concatenate([[0.0], np.geomspace(1e-3, 1, points)])
    return np.unique(np.clip(np.searchsorted(background, wanted), 0, len(background) - 1))


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
            axes.axvline(
                curves[name]["best_epoch"] + 1, color=COLOURS["layers_only"], linewidth=0.8, linestyle=":"
            )
            axes.set_xlim(x[0] - 0.5, x[-1] + 0.5)
            axes.set(title=LABELS[name], xlabel="epoch", ylabel="loss" if number == 0 else "")
            axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
            axes.grid(True)
            axes.legend(fontsize=8)
    return fig


def score_histograms(
    scores: Mapping[str, Floats], target: NDArray[np.uint8], weight: Floats | None = None
) -> Figure:
    """Distribution of each model's score for true and fake candidates."""
    fig = figure(4.4 * len(scores), 3.0)
    with mpl.rc_context(STYLE):
        for number, (name, score) in enumerate(scores.items()):
            axes = fig.add_subplot(1, len(scores), number + 1)
            low, high = np.quantile(score, [0.001, 0.999])
            edges = np.linspace(low, high if high > low else low + 1, 61)
            for label, value in (("fake", 0), ("true", 1)):
                chosen = target == value
                axes.hist(
                    np.clip(score[chosen], edges[0], edges[-1]),
                    bins=list(edges),
                    weights=None if weight is None else weight[chosen],
                    density=True,
                    histtype="stepfilled",
                    facecolor=COLOURS[label] + "40",
                    edgecolor=COLOURS[label],
                    label=label,
                )
            axes.set(title=LABELS[name], xlabel="score (logit)", ylabel="density" if number == 0 else "")
            axes.legend(fontsize=8)
    return fig


def hit_pairs(
    images: Floats, target: NDArray[np.uint8], titles: Sequence[str], *, per_class: int = 4
) -> Figure:
    """Pixel charges of a few true and fake candidates.

    Parameters
    ----------
    images
        [n, hits, rows, columns]; charge in ke. Zero is drawn empty.
    target
        [n]; 1 is true.
    titles
        Name of each hit.
    """
    hits = images.shape[1]
    peak = max(float(images.max()), 1.0)
    fig = figure(8.8, 3.0)
    with mpl.rc_context(STYLE):
        # An empty column between pairs: the two images of a pair belong together.
        ratios = ([1.0] * hits + [0.15]) * per_class
        grid = fig.subplots(2, len(ratios), width_ratios=ratios, squeeze=False)
        drawn = None
        for axes in grid.flat:
            axes.set_axis_off()
        for row, (label, value) in enumerate((("true", 1), ("fake", 0))):
            for column, index in enumerate(np.flatnonzero(target == value)[:per_class]):
                for hit in range(hits):
                    axes = grid[row, column * (hits + 1) + hit]
                    shown = np.ma.masked_less_equal(images[index, hit], 0)
                    drawn = axes.imshow(
                        shown, norm=LogNorm(0.5, peak), cmap="plasma", origin="lower", interpolation="nearest"
                    )
                    axes.set_axis_on()
                    axes.set(xticks=[], yticks=[])
                    axes.set_xlabel(titles[hit], fontsize=8)
                    axes.spines[:].set(visible=True, alpha=0.4)
                grid[row, column * (hits + 1)].set_title(
                    f"{label} {column + 1}", color=COLOURS[label], loc="left"
                )
        if drawn is not None:
            fig.colorbar(drawn, ax=list(grid.flat), shrink=0.8, pad=0.01).set_label("charge [ke]")
    return fig


def widths(names: Sequence[str], bits: Sequence[int], signed: Sequence[bool]) -> Figure:
    """Bits of every value in the firmware, as bars."""
    fig = figure(8.8, 0.9 + 0.2 * len(names))
    with mpl.rc_context(STYLE):
        axes = fig.add_subplot()
        y = np.arange(len(names))[::-1]
        colours = [COLOURS["float"] if is_signed else COLOURS["quantised"] for is_signed in signed]
        axes.barh(y, bits, color=colours, height=0.7)
        for position, width in zip(y, bits, strict=True):
            axes.text(width + 0.15, position, str(width), va="center", fontsize=8)
        axes.set_yticks(y, labels=list(names))
        axes.set(xlabel="bits (blue: signed, orange: unsigned)", ylim=(-0.6, len(names) - 0.4))
    return fig

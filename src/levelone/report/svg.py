"""Matplotlib figures as inline SVG that takes its text colour from the page: light and dark both work."""

from __future__ import annotations

import io
import re

import matplotlib as mpl
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

INK = "#010203"  # no plot uses this colour for data: every place it appears becomes the page's text colour
STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "levelone",  # the same figure gives the same text
    "font.family": "sans-serif",
    "font.size": 9,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "axes.titlesize": 10,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.facecolor": "none",
    "xtick.color": INK,
    "ytick.color": INK,
    "grid.color": INK,
    "grid.alpha": 0.15,
    "legend.frameon": False,
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
}


def figure(width: float, height: float) -> Figure:
    """Make an empty figure of `width` x `height` inches in the report's style, without global state."""
    with mpl.rc_context(STYLE):
        return Figure(figsize=(width, height), layout="constrained")


def render(fig: Figure, label: str) -> str:
    """`fig` as an ``<svg>`` element that scales with its column; `label` describes it to screen readers."""
    buffer = io.StringIO()
    with mpl.rc_context(STYLE):
        FigureCanvasSVG(fig).print_svg(buffer, metadata={"Date": None, "Creator": None, "Format": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", text, count=1)
    text = text.replace("<svg", f'<svg role="img" aria-label="{label}"', 1)
    # Text without an explicit fill is black by default in SVG: give the whole drawing the page's colour.
    text = text.replace('<g id="figure_1">', '<g id="figure_1" fill="currentColor">', 1)
    return text.replace(INK, "currentColor")

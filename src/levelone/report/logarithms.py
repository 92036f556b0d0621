"""Logarithmic colours and axes: where they start, and numbers that can be read along short ones."""

from __future__ import annotations

from matplotlib.axis import Axis
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from levelone.panels import Floats

DECADES = 3
"""That colours run over at most, if nobody says where they start."""
_SHORT = 100.0


def log_limits(images: Floats, smallest: float | None = None) -> tuple[float, float]:
    """Where logarithmic colours start and end, which is at the largest value.

    They start at `smallest`, or else at the smallest value above 0, at most `DECADES` below.
    """
    positive = images[images > 0]
    most = float(positive.max(initial=0)) or 1.0
    if smallest is None:
        smallest = max(float(positive.min(initial=most)), most / 10**DECADES)
    return smallest if smallest < most else most / 10, most


def plain_numbers(axis: Axis, span: float) -> None:
    """Less than two decades: plain numbers at 1, 2 and 5 instead of powers with crowded exponents.

    Less than one: at a few more.
    """
    if span < _SHORT:
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if span > 10 else (1.0, 1.5, 2, 3, 4, 5, 7)))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_formatter(NullFormatter())

"""What a person sees around a pixel with charge: how dense it is, in which direction it goes, how straight.

Computed for the pixels with charge alone, in the order of `numpy.nonzero`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from levelone.zoo.kit.events import Events
from levelone.zoo.kit.pixels import places_and_bits, windows
from levelone.zoo.lartpc.section import UNIT_ADU

Floats = NDArray[np.float32]

RADII = (2, 4, 8)
"""Pixels to either side of what is looked at."""
EACH = ("charge", "filled", "straight", "along rows", "diagonal", "width", "density")
"""Of every window: sum of charge, filled pixels, (a - b) / (a + b) of the variances a > b along the axes of
the filled pixels, cosine and sine of twice the angle of the longer axis, root of b, charge per length."""


def charged(events: Events) -> NDArray[np.bool_]:
    """Which pixels have charge, [n, rows, columns]."""
    found: NDArray[np.bool_] = events.inputs["charge"][:, 0] > 0
    return found


def surroundings(events: Events) -> Floats:
    """What is around every pixel with charge, [m, 25 + len(RADII) * len(EACH)].

    The charges of 5 x 5 pixels, and `EACH` of windows of every one of `RADII`.
    """
    charge, there = events.inputs["charge"][:, 0], charged(events)
    nearest, *others = (_window(charge, there, radius) for radius in RADII)
    columns = [nearest.reshape(len(nearest), -1), *map(_shape, (nearest, *others))]
    return np.concatenate(columns, axis=1)


def line(events: Events, radius: int) -> tuple[Floats, Floats]:
    """How straight, and how much charge per pixel of length, around every pixel with charge, [m] each."""
    found = _shape(_window(events.inputs["charge"][:, 0], charged(events), radius))
    return found[:, EACH.index("straight")], found[:, EACH.index("density")]


def blind(events: Events) -> Floats:
    """Place, number of the event and lowest bits of every pixel with charge, [m, 8]."""
    codes = np.rint(events.inputs["charge"][:, 0] * UNIT_ADU).astype(np.int64)
    return places_and_bits(codes, events.truth["event"])[charged(events).ravel()]


def _window(charge: Floats, there: NDArray[np.bool_], radius: int) -> Floats:
    """Around every pixel with charge, [m, 2 radius + 1, 2 radius + 1]; nothing outside the crop."""
    found: Floats = windows(charge, radius, "constant")[there]
    return found


def _shape(window: Floats) -> Floats:
    """`EACH` of windows [m, side, side], [m, len(EACH)]."""
    side = window.shape[1]
    at = np.arange(side, dtype=np.float32) - side // 2
    filled = (window > 0).astype(np.float32)
    count = np.maximum(filled.sum((1, 2)), 1)
    down, across = filled.sum(2), filled.sum(1)
    row, column = down @ at / count, across @ at / count
    a, b = down @ at**2 / count - row**2, across @ at**2 / count - column**2
    both = np.einsum("mij,i,j->m", filled, at, at, optimize=True) / count - row * column
    split = np.hypot(a - b, 2 * both)
    total = np.maximum(a + b, 1e-6)
    long = np.sqrt(np.maximum((total + split) / 2, 1 / 12))
    short = np.sqrt(np.maximum((total - split) / 2, 0))
    charge = window.sum((1, 2))
    tiny = np.maximum(split, 1e-6)
    columns = (
        charge, count, split / total, (a - b) / tiny, 2 * both / tiny, short,
        charge / np.minimum(np.sqrt(12) * long, side),
    )  # fmt: skip
    return np.stack(columns, axis=1).astype(np.float32)

"""From visible energy to two pictures of an event: cells that fired, around where they are.

A view's planes lie between those of the other. A picture begins two planes in front of the first cell of the
event that fired, in either view, and lies symmetric around the median of the view's cells: nothing in it is
placed by what is not seen. Light is attenuated on its way to the end that is read, and values are corrected
for it, as a calibration would, with the vertex' distance: far events are noisier.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from levelone.simulate.materials import Floats
from levelone.simulate.nova.detector import (
    CELL_CM,
    CELLS,
    EXCESS,
    FIBRE_CM,
    PE_PER_MEV,
    PLANE_CM,
    PLANES,
)
from levelone.simulate.passage.particles import Deposits

STEP_MEV = 0.25
"""What a count of a picture is worth."""
BITS = 10
IN_FRONT = 2
"""Planes of a picture before the first that fired."""
WIDE, LONG = 180, PLANES + 12
"""Cells and planes in which deposits are collected; the vertex is in the middle of the former."""
BEFORE = 8
"""Planes of a view before that of the vertex."""


@dataclass(frozen=True)
class Readout:
    """Noise of a cell and threshold, photoelectrons."""

    noise: float
    threshold: float


@dataclass(frozen=True)
class Pictures:
    """`counts` [n, 2 (x-z, y-z), 80, 100] uint16; `outside` [n]: share of the seen energy beyond them."""

    counts: NDArray[np.uint16]
    outside: Floats


def read_out(
    deposits: Deposits, events: int, distance_cm: Floats, plan: Readout, rng: np.random.Generator
) -> Pictures:
    """Pictures of `events` events, whose vertex is `distance_cm` [events, 2] from the end of either view."""
    light = collected(deposits, events, distance_cm)
    scale = PE_PER_MEV * np.exp(-distance_cm / FIBRE_CM)[:, :, None, None]
    electrons = light * scale
    spread = np.sqrt((EXCESS - 1) * electrons + plan.noise**2)
    read = rng.poisson(electrons) + spread * rng.standard_normal(electrons.shape)
    read[read < plan.threshold] = 0
    return framed(np.clip(np.rint(read / scale / STEP_MEV), 0, (1 << BITS) - 1))


def collected(deposits: Deposits, events: int, distance_cm: Floats) -> Floats:
    """Visible MeV of every cell, as seen from the vertex' distance: [events, 2, WIDE, LONG]."""
    x, y, z = deposits.position.T
    plane = np.floor(z / PLANE_CM).astype(np.int64) + 2 * BEFORE
    view = plane % 2
    across, along = np.where(view == 0, x, y), np.where(view == 0, y, x)
    cell = np.floor(across / CELL_CM).astype(np.int64) + WIDE // 2
    far = np.maximum(distance_cm[deposits.event, view] + along, 0) - distance_cm[deposits.event, view]
    inside = (cell >= 0) & (cell < WIDE) & (plane >= 0) & (plane < 2 * LONG)
    place = ((deposits.event * 2 + view) * WIDE + cell) * LONG + plane // 2
    seen = deposits.signal * np.exp(-far / FIBRE_CM)
    cells = events * 2 * WIDE * LONG
    found: Floats = np.bincount(place[inside], seen[inside], cells).astype(np.float64, copy=False)
    return found.reshape(events, 2, WIDE, LONG)


def framed(values: Floats) -> Pictures:
    """Cut 80 x 100 cells out of [n, 2, WIDE, LONG]; an event without a cell that fired stays empty."""
    n = len(values)
    fired = values > 0
    begins = np.maximum(fired.any((1, 2)).argmax(1) - IN_FRONT, 0)
    per_cell = np.cumsum(fired.sum(3), axis=2)
    median = (2 * per_cell < per_cell[:, :, -1:]).sum(2)
    first = np.clip(median - CELLS // 2, 0, WIDE - CELLS)
    rows = first[:, :, None] + np.arange(CELLS)
    columns = begins[:, None] + np.arange(PLANES)
    padded = np.concatenate([values, np.zeros((n, 2, WIDE, PLANES))], axis=3)
    at = np.arange(n)[:, None, None, None], np.arange(2)[:, None, None], rows[..., None]
    counts = padded[*at, columns[:, None, None, :]]
    total = values.sum((1, 2, 3))
    outside = 1 - counts.sum((1, 2, 3)) / np.maximum(total, 1)
    return Pictures(counts.astype(np.uint16), np.where(total > 0, outside, 0))

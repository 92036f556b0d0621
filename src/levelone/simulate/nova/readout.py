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
from scipy.special import ndtr, ndtri

from levelone.simulate.materials import Floats
from levelone.simulate.nova.detector import (
    CELL_CM,
    CELLS,
    EXCESS,
    FIBRE_CM,
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
    """Photoelectrons: `noise` of a cell, `threshold`, and how many an MeV of light gives at the near end."""

    noise: float
    threshold: float
    per_mev: float


@dataclass(frozen=True)
class Pictures:
    """`counts` [n, 2 (x-z, y-z), 80, 100] uint16; `outside` [n]: share of the seen energy beyond them."""

    counts: NDArray[np.uint16]
    outside: Floats


def read_out(
    deposits: Deposits, events: int, distance_cm: Floats, plan: Readout, rng: np.random.Generator
) -> Pictures:
    """Pictures of `events` events, whose vertex is `distance_cm` [events, 2] from the end of either view."""
    return framed(fired_cells(deposits, events, distance_cm, plan, rng))


def fired_cells(
    deposits: Deposits, events: int, distance_cm: Floats, plan: Readout, rng: np.random.Generator
) -> Floats:
    """Counts of all cells around the vertex, [events, 2, WIDE, LONG].

    Cells with light are read one by one. Of all others, nearly 16,000 in an event, only those are drawn whose
    noise alone reaches the threshold.
    """
    light = collected(deposits, events, distance_cm)
    scale = plan.per_mev * np.exp(-distance_cm / FIBRE_CM)
    seen = light.ravel()
    lit = np.flatnonzero(seen)
    per_mev = scale.ravel()[lit // (WIDE * LONG)]
    electrons = seen[lit] * per_mev
    spread = np.sqrt((EXCESS - 1) * electrons + plan.noise**2)
    read = rng.poisson(electrons) + spread * rng.standard_normal(len(lit))
    read[read < plan.threshold] = 0
    dark = np.flatnonzero(seen == 0)
    fired, noise = noise_hits(len(dark), plan, rng)
    alone = dark[fired]
    values = np.zeros_like(light)
    flat = values.ravel()
    flat[lit] = _counts(read / per_mev)
    flat[alone] = _counts(noise / scale.ravel()[alone // (WIDE * LONG)])
    return values


def noise_hits(cells: int, plan: Readout, rng: np.random.Generator) -> tuple[NDArray[np.int64], Floats]:
    """Which of so many cells without light fire, and what they read (photoelectrons).

    As if normal noise were drawn for each and compared with the threshold: how many reach it is binomial,
    which ones they are is any choice alike, and what they read is the normal distribution's tail.
    """
    if plan.noise == 0:
        return np.zeros(0, np.int64), np.zeros(0)
    tail = ndtr(-plan.threshold / plan.noise)
    count = rng.binomial(cells, tail)
    fired = rng.choice(cells, count, replace=False, shuffle=False)
    return fired, -plan.noise * ndtri(tail * (1 - rng.random(count)))


def _counts(mev: Floats) -> Floats:
    return np.clip(np.rint(mev / STEP_MEV), 0, (1 << BITS) - 1)


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
    event, view, cell, plane = np.nonzero(values)
    amount = values[event, view, cell, plane]
    begins = np.full(n, LONG)
    np.minimum.at(begins, event, plane)
    begins = np.maximum(begins - IN_FRONT, 0)
    fired = np.bincount((event * 2 + view) * WIDE + cell, minlength=n * 2 * WIDE)
    per_cell = np.cumsum(fired.reshape(n, 2, WIDE), axis=2)
    median = (2 * per_cell < per_cell[:, :, -1:]).sum(2)
    first = np.clip(median - CELLS // 2, 0, WIDE - CELLS)
    row, column = cell - first[event, view], plane - begins[event]
    inside = (row >= 0) & (row < CELLS) & (column < PLANES)
    counts = np.zeros((n, 2, CELLS, PLANES), np.uint16)
    counts[event[inside], view[inside], row[inside], column[inside]] = amount[inside]
    total, kept = np.bincount(event, amount, n), np.bincount(event[inside], amount[inside], n)
    return Pictures(counts, np.where(total > 0, 1 - kept / np.maximum(total, 1), 0))

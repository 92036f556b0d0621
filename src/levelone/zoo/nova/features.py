"""What a person computes of an event: how much light, how long, how wide, how dense, in either view."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from levelone.simulate.nova.detector import CELL_CM, PLANE_CM
from levelone.zoo.kit.events import Events
from levelone.zoo.nova.section import UNIT

Floats = NDArray[np.float32]

EACH = (
    "light", "cells", "planes", "rows", "run", "cells per plane", "single", "median plane", "front",
    "largest", "eight largest", "long", "width", "slope", "core",
)  # fmt: skip
"""Of a view: sum; cells that fired, planes and rows with one; longest run of such planes; cells per such
plane, share of those with one cell; median light of a plane, light per plane of the first six; shares of the
largest and the eight largest cells; roots of the larger and the smaller variance (cm) around the axis; its
slope; share of the light within 4 cm of it."""
CLASSICAL = ("width", "track length")
"""Width of the shower, that of the wider view (cm); the longest run of planes of either view."""
_FRONT = 6
_CORE_CM = 4.0
_BITS_OF = 8


def views(events: Events) -> list[Floats]:
    """Both views in counts, [n, cells, planes]."""
    return [events.inputs[name][:, 0] * UNIT for name in ("xz", "yz")]


def summary(events: Events) -> Floats:
    """`EACH` of x-z, then of y-z, [n, 2 * len(EACH)]."""
    return np.concatenate([of_view(view) for view in views(events)], axis=1)


def classical(events: Events) -> Floats:
    """`CLASSICAL`, [n, 2]."""
    both = np.stack([of_view(view) for view in views(events)])
    width, run = (both[:, :, EACH.index(name)].max(0) for name in ("width", "run"))
    return np.stack([width, run], axis=1)


def blind(events: Events) -> Floats:
    """Number of the event, and the two lowest bits of the eight largest cells of either view, [n, 17].

    In the order of their places: in that of their sizes, how close one is to the next would show in the bits,
    and a muon's cells are more alike than a shower's.
    """
    columns = [events.truth["event"][:, None]]
    for view in views(events):
        codes = np.rint(view).astype(np.int64).reshape(len(view), -1)
        largest = np.sort(np.argsort(-codes, axis=1, kind="stable")[:, :_BITS_OF], axis=1)
        columns.append(np.take_along_axis(codes, largest, axis=1) % 4)
    return np.concatenate(columns, axis=1).astype(np.float32)


def of_view(view: Floats) -> Floats:
    """`EACH` of a view [n, cells, planes], [n, len(EACH)]."""
    n, cells, planes = view.shape
    fired = view > 0
    total = np.maximum(view.sum((1, 2)), 1)
    per_plane, count = view.sum(1), fired.sum(1)
    hit = count > 0
    filled = np.maximum(hit.sum(1), 1)
    y = CELL_CM * np.arange(cells, dtype=np.float32)
    x = 2 * PLANE_CM * np.arange(planes, dtype=np.float32)
    down = view.sum(2)
    row, column = down @ y / total, per_plane @ x / total
    a, b = per_plane @ x**2 / total - column**2, down @ y**2 / total - row**2
    both = (view @ x * y).sum(1) / total - row * column
    split = np.hypot(a - b, 2 * both)
    angle = np.arctan2(2 * both, a - b) / 2
    where, at_row, at_column = np.nonzero(fired)
    away = (y[at_row] - row[where]) * np.cos(angle[where]) - (x[at_column] - column[where]) * np.sin(
        angle[where]
    )
    near = np.bincount(where, view[fired] * (np.abs(away) < _CORE_CM), n)
    ranked = -np.sort(np.partition(-view.reshape(n, -1), 7, axis=1)[:, :8], axis=1)
    begins = hit.argmax(1)
    until = np.concatenate([np.zeros((n, 1)), np.cumsum(per_plane, axis=1)], axis=1)
    rows = np.arange(n)
    front = until[rows, np.minimum(begins + _FRONT, planes)] - until[rows, begins]
    dark = count.sum(1) == 0
    median = np.nanmedian(np.where(hit | dark[:, None], per_plane, np.nan), axis=1)
    median[dark] = np.nan
    columns = (
        total, count.sum(1), hit.sum(1), fired.any(2).sum(1), longest_run(hit), count.sum(1) / filled,
        (count == 1).sum(1) / filled, median, front / _FRONT, ranked[:, 0] / total,
        ranked.sum(1) / total, np.sqrt(np.maximum((a + b + split) / 2, 0)),
        np.sqrt(np.maximum((a + b - split) / 2, 0)), np.abs(np.sin(angle)), near / total,
    )  # fmt: skip
    return np.stack(columns, axis=1).astype(np.float32)


def longest_run(hit: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Most planes in a row with a cell that fired, [n], of [n, planes]."""
    run = best = np.zeros(len(hit), np.int64)
    for plane in hit.T:
        run = (run + 1) * plane
        best = np.maximum(best, run)
    return best

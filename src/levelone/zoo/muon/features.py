"""High-level features of a muon in the calorimeter: fixed functions of the voxels.

They follow the 28 features of the published study (J. Kieseler et al., arXiv:2107.02119), with one
difference: nothing but the voxels is used. Where the study takes the true entry point of the muon from a
tracker, this takes the column of cells that was hit in most layers. Energies enter as ``log10(1 + E / 0.1
GeV)``, lengths in cells of 3.75 mm, so that all are of order one; nothing is fitted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Images = NDArray[np.float32]
LOG_GEV = np.float32(0.1)
RESPONSES: dict[str, Callable[[Images], Images]] = {
    "linear": lambda energies: energies,
    "sqrt": np.sqrt,
    "log": lambda energies: np.log2(1 + energies / LOG_GEV),
}
"""What the read-out sends of the energies of the cells (GeV)."""
ENERGIES: dict[str, Callable[[Images], Images]] = {
    "linear": lambda sent: sent,
    "sqrt": np.square,
    "log": lambda sent: (np.exp2(sent) - 1) * LOG_GEV,
}
"""The inverse of `RESPONSES`."""

THRESHOLD_GEV = 0.1
"""A cell above this holds more than a minimum-ionising muon leaves (about 40 MeV per layer)."""
LOWER_GEV = 0.01
SEGMENTS = 5

FEATURES: dict[str, str] = {
    "total": "energy in all cells",
    "above": "energy in cells above 0.1 GeV",
    "below": "energy in cells up to 0.1 GeV",
    "faint": "energy in cells up to 0.01 GeV",
    "missing": "length of the energy-weighted mean position relative to the muon, in the transverse plane",
    "missing_above": "the same for cells above 0.1 GeV",
    "spread": "energy-weighted mean square distance from the muon",
    **{f"spread_{i + 1}": f"the same in layers {10 * i + 1} to {10 * i + 10}" for i in range(SEGMENTS)},
    "moment_x": "energy-weighted mean of x relative to the muon",
    "moment_y": "energy-weighted mean of y relative to the muon",
    "depth": "energy-weighted mean layer",
    "depth_spread": "energy-weighted standard deviation of the layer",
    "bend": "energy-weighted x in the second half of the layers minus that in the first",
    "cells": "cells above 0.1 GeV",
    "cells_high": "cells above 1 GeV",
    "layers": "layers with more than 1 GeV",
    "leading_cell": "energy of the largest cell",
    "leading_layer": "energy of the largest layer",
    "second_layer": "energy of the second-largest layer",
    "clusters": "connected groups of cells above 0.1 GeV",
    "cluster_cells": "cells of the largest group",
    "cluster_energy": "energy of the most energetic group",
    "cluster_second": "energy of the second",
    "cluster_mean": "mean number of cells per group",
}
"""Name -> what it is; the order is that of the columns."""


def high_level(images: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """Features of each event.

    Parameters
    ----------
    images
        [n, 50, 32, 32] cell energies in GeV, axes (z, y, x).

    Returns
    -------
    float32 [n, len(FEATURES)].
    """
    cells = _Cells.of(images)
    n, layers = len(images), images.shape[1]
    e, dy, dx = cells.energy, *cells.from_muon(images.shape)
    above = np.where(e > THRESHOLD_GEV, e, 0.0)
    total, total_above = cells.per_event(e), cells.per_event(above)
    profile = cells.per_layer(e, layers)
    ordered = np.sort(profile, axis=1)
    weighted = cells.per_layer(e * (dx * dx + dy * dy), layers)
    parts = [s.sum(1) for s in np.array_split(weighted, SEGMENTS, axis=1)]
    energies = [s.sum(1) for s in np.array_split(profile, SEGMENTS, axis=1)]
    moment_x, moment_y = (_mean(cells.per_event(e * d), total) for d in (dx, dy))
    above_x, above_y = (_mean(cells.per_event(above * d), total_above) for d in (dx, dy))
    leading = np.zeros(n)
    np.maximum.at(leading, cells.event, e)
    columns = [
        _log(total),
        _log(total_above),
        _log(total - total_above),
        _log(cells.per_event(np.where(e <= LOWER_GEV, e, 0.0))),
        np.hypot(moment_x, moment_y),
        np.hypot(above_x, above_y),
        np.sqrt(_mean(weighted.sum(1), total)),
        *(np.sqrt(_mean(part, energy)) for part, energy in zip(parts, energies, strict=True)),
        moment_x,
        moment_y,
        *_course(cells, profile, dx),
        np.log10(1 + cells.per_event(e > THRESHOLD_GEV)),
        np.log10(1 + cells.per_event(e > 1.0)),
        (profile > 1.0).sum(1) / layers,
        _log(leading),
        _log(ordered[:, -1]),
        _log(ordered[:, -2]),
        *_clusters(cells, images.shape),
    ]
    return np.stack(columns, axis=1).astype(np.float32)


SUMS = ("energy of the layer", "its largest cell", "its number of cells above 0.1 GeV")
"""What `layer_sums` gives of every layer: what adders and comparators at the read-out can tell."""


def layer_sums(images: NDArray[np.float32]) -> NDArray[np.float32]:
    """`SUMS` of each of the 50 layers, as ``log2(1 + E / 0.1 GeV)`` and ``log2(1 + cells)``.

    Parameters
    ----------
    images
        [n, 50, 32, 32] cell energies in GeV.

    Returns
    -------
    float32 [n, 3, 50, 1, 1].
    """
    cells = images.reshape(*images.shape[:2], -1)
    threshold = np.float32(THRESHOLD_GEV)
    energy, most = cells.sum(2) / threshold, cells.max(2) / threshold
    above = np.count_nonzero(cells > threshold, axis=2).astype(np.float32)
    return np.log2(1 + np.stack([energy, most, above], axis=1))[..., None, None]


def ordered(sums: NDArray[np.float32]) -> NDArray[np.float32]:
    """Each of the `SUMS` by itself in descending order: where along its path a muon radiated tells nothing.

    A sorting network at the read-out can do it: comparators of two numbers.

    Parameters
    ----------
    sums
        [n, 3, 50, 1, 1] of `layer_sums`.

    Returns
    -------
    float32 [n, 150]: the energies of the layers, then their largest cells, then their numbers of cells.
    """
    return -np.sort(-sums[..., 0, 0], axis=2).reshape(len(sums), -1)


COURSE = ("depth", "depth_spread", "bend")
"""`FEATURES` that `course` gives: sums over the cells and quotients of them."""


def course(images: NDArray[np.float32]) -> NDArray[np.float32]:
    """`COURSE` of each event: where along its path a muon radiated, and how far the magnet bent it.

    Parameters
    ----------
    images
        [n, 50, 32, 32] cell energies in GeV.

    Returns
    -------
    float32 [n, 3].
    """
    cells = _Cells.of(images)
    profile = cells.per_layer(cells.energy, images.shape[1])
    return np.stack(_course(cells, profile, cells.x / 8.0), axis=1).astype(np.float32)


def _course(cells: _Cells, profile: Floats, x: Floats) -> tuple[Floats, Floats, Floats]:
    """`COURSE` from the energies of the layers, [n, layers], and x of the cells, from anywhere."""
    layers = profile.shape[1]
    total, layer = profile.sum(1), np.arange(layers) / layers
    depth = _mean(profile @ layer, total)
    variance = _mean(profile @ (layer * layer), total) - depth * depth
    late = cells.z >= layers // 2
    halves = [np.where(part, cells.energy, 0.0) for part in (~late, late)]
    first, second = (_mean(cells.per_event(half * x), cells.per_event(half)) for half in halves)
    return depth, np.sqrt(np.maximum(variance, 0.0)), second - first


def _log(energy: Floats) -> Floats:
    result: Floats = np.log10(1 + energy / THRESHOLD_GEV)
    return result


def _mean(weighted: Floats, weight: Floats) -> Floats:
    """The quotient; 0 where there is no weight."""
    return np.divide(weighted, weight, out=np.zeros_like(weighted), where=weight > 0)


@dataclass(frozen=True)
class _Cells:
    """The filled cells of n events, a twentieth of all, in the order of the images.

    `place` in all images as one row, `event` and coordinates, `energy` in GeV: [cells] each.
    """

    events: int
    place: NDArray[np.int64]
    event: NDArray[np.int64]
    z: NDArray[np.int64]
    y: NDArray[np.int64]
    x: NDArray[np.int64]
    energy: Floats

    @staticmethod
    def of(images: NDArray[np.floating[Any]]) -> _Cells:
        flat = np.ascontiguousarray(images).reshape(-1)
        place = np.flatnonzero(flat)
        event, z, y, x = np.unravel_index(place, images.shape)
        return _Cells(len(images), place, event, z, y, x, flat[place].astype(np.float64))

    def above(self, energy: float) -> _Cells:
        kept = self.energy > energy
        place, event, z, y, x = (column[kept] for column in (self.place, self.event, self.z, self.y, self.x))
        return _Cells(self.events, place, event, z, y, x, self.energy[kept])

    def per_event(self, values: NDArray[Any]) -> Floats:
        """Sums of the cells' values, [n]."""
        return np.bincount(self.event, values, self.events).astype(np.float64)  # integers if there are none

    def per_layer(self, values: Floats, layers: int) -> Floats:
        """Sums of the cells' values, [n, layers]."""
        sums = np.bincount(self.event * layers + self.z, values, self.events * layers)
        return sums.reshape(self.events, layers).astype(np.float64)

    def from_muon(self, shape: tuple[int, ...]) -> tuple[Floats, Floats]:
        """(y, x) of each cell relative to the muon's column, in units of eight cells, [cells]."""
        rows, columns = shape[2:]
        hit = self.above(LOWER_GEV)
        counts = np.bincount(
            (hit.event * rows + hit.y) * columns + hit.x, minlength=self.events * rows * columns
        )
        y, x = np.divmod(counts.reshape(self.events, -1).argmax(1), columns)
        return (self.y - y[self.event]) / 8.0, (self.x - x[self.event]) / 8.0

    def groups(self, shape: tuple[int, ...]) -> tuple[int, NDArray[np.int32]]:
        """Groups of cells that touch at a face: how many, and the group of each cell."""
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        count = len(self.place)
        one, other = [], []
        strides = (shape[2] * shape[3], shape[3], 1)
        for position, size, stride in zip((self.z, self.y, self.x), shape[1:], strides, strict=True):
            inside = np.flatnonzero(position < size - 1)
            next_place = self.place[inside] + stride
            found = np.minimum(np.searchsorted(self.place, next_place), count - 1)
            touching = self.place[found] == next_place
            one.append(inside[touching])
            other.append(found[touching])
        pairs = np.concatenate(one), np.concatenate(other)
        graph = coo_array((np.ones(len(pairs[0]), dtype=bool), pairs), shape=(count, count))
        number, group = connected_components(graph, directed=False)
        return int(number), group


def _clusters(cells: _Cells, shape: tuple[int, ...]) -> list[Floats]:
    """Groups of cells above threshold that touch at a face: number, sizes, energies."""
    n = cells.events
    cells = cells.above(THRESHOLD_GEV)
    count, which = cells.groups(shape)
    energy = np.bincount(which, cells.energy, minlength=count)
    size = np.bincount(which, minlength=count)
    event = np.zeros(count, dtype=np.int64)
    event[which] = cells.event
    number = np.bincount(event, minlength=n)
    largest, most, second = np.zeros(n), np.zeros(n), np.zeros(n)
    np.maximum.at(largest, event, size)
    order = np.lexsort((energy, event))
    ends = np.cumsum(number)
    has = number > 0
    most[has] = energy[order[ends[has] - 1]]
    two = number > 1
    second[two] = energy[order[ends[two] - 2]]
    mean = _mean(np.bincount(event, size, minlength=n).astype(np.float64), number.astype(np.float64))
    return [np.log10(1 + number), np.log10(1 + largest), _log(most), _log(second), np.log10(1 + mean)]


def read_out(response: str, energies: Images) -> Images:
    """What the read-out sends; most cells are empty, and stay so."""
    seen = np.zeros_like(energies)
    filled = np.flatnonzero(energies)
    seen.reshape(-1)[filled] = RESPONSES[response](energies.reshape(-1)[filled])
    return seen

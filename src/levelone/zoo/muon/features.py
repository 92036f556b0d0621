"""High-level features of a muon in the calorimeter: fixed functions of the voxels.

They follow the 28 features of the published study (J. Kieseler et al., arXiv:2107.02119), with one
difference: nothing but the voxels is used. Where the study takes the true entry point of the muon from a
tracker, this takes the column of cells that was hit in most layers. Energies enter as ``log10(1 + E / 0.1
GeV)``, lengths in cells of 3.75 mm, so that all are of order one; nothing is fitted.
"""

from __future__ import annotations

from collections.abc import Callable
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
    e = np.asarray(images, dtype=np.float64)
    n = len(e)
    above = np.where(e > THRESHOLD_GEV, e, 0.0)
    total, total_above = e.sum((1, 2, 3)), above.sum((1, 2, 3))
    dy, dx = _from_muon(e)
    profile = e.sum((2, 3))
    ordered = np.sort(profile, axis=1)
    square = (dx * dx)[:, None, None, :] + (dy * dy)[:, None, :, None]
    weighted = (e * square).sum((2, 3))
    parts = [s.sum(1) for s in np.array_split(weighted, SEGMENTS, axis=1)]
    energies = [s.sum(1) for s in np.array_split(profile, SEGMENTS, axis=1)]
    layer = np.arange(e.shape[1]) / e.shape[1]
    depth = _mean(profile @ layer, total)
    variance = _mean(profile @ (layer * layer), total) - depth * depth
    moment_x = _mean(np.einsum("nzyx,nx->n", e, dx), total)
    moment_y = _mean(np.einsum("nzyx,ny->n", e, dy), total)
    above_x = _mean(np.einsum("nzyx,nx->n", above, dx), total_above)
    above_y = _mean(np.einsum("nzyx,ny->n", above, dy), total_above)
    half = e.shape[1] // 2
    ends = [
        _mean(np.einsum("nzyx,nx->n", part, dx), part.sum((1, 2, 3))) for part in (e[:, :half], e[:, half:])
    ]
    columns = [
        _log(total),
        _log(total_above),
        _log(total - total_above),
        _log(np.where(e <= LOWER_GEV, e, 0.0).sum((1, 2, 3))),
        np.hypot(moment_x, moment_y),
        np.hypot(above_x, above_y),
        np.sqrt(_mean(weighted.sum(1), total)),
        *(np.sqrt(_mean(part, energy)) for part, energy in zip(parts, energies, strict=True)),
        moment_x,
        moment_y,
        depth,
        np.sqrt(np.maximum(variance, 0.0)),
        ends[1] - ends[0],
        np.log10(1 + (e > THRESHOLD_GEV).sum((1, 2, 3))),
        np.log10(1 + (e > 1.0).sum((1, 2, 3))),
        (profile > 1.0).sum(1) / e.shape[1],
        _log(e.reshape(n, -1).max(1)),
        _log(ordered[:, -1]),
        _log(ordered[:, -2]),
        *_clusters(e),
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


def _log(energy: Floats) -> Floats:
    result: Floats = np.log10(1 + energy / THRESHOLD_GEV)
    return result


def _mean(weighted: Floats, weight: Floats) -> Floats:
    """The quotient; 0 where there is no weight."""
    return np.divide(weighted, weight, out=np.zeros_like(weighted), where=weight > 0)


def _from_muon(e: Floats) -> tuple[Floats, Floats]:
    """(y, x) of each row and column of cells relative to the muon's, in units of eight cells, [n, 32]."""
    hit = (e > LOWER_GEV).sum(1)
    column = hit.reshape(len(e), -1).argmax(1)
    y, x = np.divmod(column, e.shape[3])
    return (np.arange(e.shape[2]) - y[:, None]) / 8.0, (np.arange(e.shape[3]) - x[:, None]) / 8.0


def _clusters(e: Floats) -> list[Floats]:
    """Groups of cells above threshold that touch at a face: number, sizes, energies."""
    from scipy.ndimage import generate_binary_structure, label

    faces = np.zeros((3, 3, 3, 3), dtype=bool)
    faces[1] = generate_binary_structure(3, 1)  # cells of different events never touch
    groups, count = label(e > THRESHOLD_GEV, structure=faces)
    inside = np.flatnonzero(groups)
    which = groups.reshape(-1)[inside] - 1
    energy = np.bincount(which, e.reshape(-1)[inside], minlength=count)
    cells = np.bincount(which, minlength=count)
    event = np.zeros(count, dtype=np.int64)
    event[which] = inside // (e.size // len(e))
    n = len(e)
    number = np.bincount(event, minlength=n)
    largest, most, second = np.zeros(n), np.zeros(n), np.zeros(n)
    np.maximum.at(largest, event, cells)
    order = np.lexsort((energy, event))
    ends = np.cumsum(number)
    has = number > 0
    most[has] = energy[order[ends[has] - 1]]
    two = number > 1
    second[two] = energy[order[ends[two] - 2]]
    mean = _mean(np.bincount(event, cells, minlength=n).astype(np.float64), number.astype(np.float64))
    return [np.log10(1 + number), np.log10(1 + largest), _log(most), _log(second), np.log10(1 + mean)]


def read_out(response: str, energies: Images) -> Images:
    """What the read-out sends; most cells are empty, and stay so."""
    seen = np.zeros_like(energies)
    filled = np.flatnonzero(energies)
    seen.reshape(-1)[filled] = RESPONSES[response](energies.reshape(-1)[filled])
    return seen

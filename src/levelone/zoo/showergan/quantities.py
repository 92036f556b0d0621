"""What a person would look at in a shower, and what is known of its grain."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.zoo.kit.control import LARGEST
from levelone.zoo.showergan.cells import energies
from levelone.zoo.showergan.section import GRAIN, GRID

Floats = NDArray[np.float64]
PITCH_MM = 5.1
QUANTITIES = {
    "response": "energy in the window over that of the particle",
    "filled": "cells above threshold",
    "depth": "mean layer, by energy",
    "length": "rms of the layer, by energy",
    "radius": "rms distance from the axis of the shower (mm)",
    "core": "share of the energy in the middle 3 x 3 cells",
    "peak": "share of the energy in the largest cell",
    "early": "share of the energy in the first four layers",
}
RINGS = 7
_SIDE = (np.arange(GRID[0]) - GRID[0] // 2).astype(np.float64)
_RING = np.minimum(np.rint(np.hypot(_SIDE[:, None], _SIDE)), RINGS - 1).astype(np.int64)


def cells_gev(codes: NDArray[np.int16], threshold_mip: float) -> Floats:
    """Energies of cells [n, *GRID] from codes of any shape [n, ...]."""
    return energies(codes.reshape(-1, *GRID) * np.float32(GRAIN), threshold_mip).astype(np.float64)


def quantities(cells: Floats, energy_gev: NDArray[Any]) -> dict[str, Floats]:
    """`QUANTITIES` of showers of particles of these energies [n]; cells [n, *GRID] in GeV."""
    total = np.maximum(cells.sum((1, 2, 3)), 1e-9)
    along, towers = cells.sum((1, 2)), cells.sum(3)
    layer = np.arange(GRID[2])
    depth = along @ layer / total
    x, y = towers.sum(2) @ _SIDE / total, towers.sum(1) @ _SIDE / total
    square = (np.square(_SIDE)[:, None] + np.square(_SIDE)).reshape(-1)
    radius = towers.reshape(len(towers), -1) @ square / total - x**2 - y**2
    middle = slice(GRID[0] // 2 - 1, GRID[0] // 2 + 2)
    return {
        "response": total / energy_gev.astype(np.float64),
        "filled": np.count_nonzero(cells, axis=(1, 2, 3)).astype(np.float64),
        "depth": depth,
        "length": np.sqrt(np.maximum(along @ np.square(layer) / total - depth**2, 0)),
        "radius": PITCH_MM * np.sqrt(np.maximum(radius, 0)),
        "core": towers[:, middle, middle].sum((1, 2)) / total,
        "peak": cells.max((1, 2, 3)) / total,
        "early": along[:, :4].sum(1) / total,
    }


def layer_shares(cells: Floats) -> Floats:
    """Share of the energy of cells [n, *GRID] in each layer, [n, layers]."""
    along = cells.sum((1, 2))
    shares: Floats = along / np.maximum(along.sum(1, keepdims=True), 1e-9)
    return shares


def ring_densities(cells: Floats) -> Floats:
    """Mean energy of a tower of cells [n, *GRID] (GeV) at each distance from the middle, GeV, [rings]."""
    towers = cells.sum(3).mean(0)
    return np.bincount(_RING.ravel(), towers.ravel(), RINGS) / np.bincount(_RING.ravel(), minlength=RINGS)


def lowest_bits(codes: NDArray[np.int16]) -> NDArray[np.float32]:
    """The two lowest bits of the largest cells, in order of their size, [n, 2 LARGEST]."""
    flat = codes.reshape(len(codes), -1)
    largest = -np.sort(np.partition(-flat, LARGEST - 1, axis=1)[:, :LARGEST], axis=1)
    return np.concatenate([largest & 1, largest >> 1 & 1], axis=1).astype(np.float32)

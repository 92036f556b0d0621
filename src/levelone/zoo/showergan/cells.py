"""What a network makes of a cell: the root of its energy above threshold, and nothing below.

An electromagnetic cell collects a number of signals that fluctuates as in a Poisson process, so that the root
of its energy fluctuates by the same amount whatever the energy: noise of one size, added anywhere, is
right everywhere. A rectifier then is the read-out's threshold: what it cuts is exactly an empty cell.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.simulate.lcd.detector import calorimeter
from levelone.zoo.showergan.section import ENERGY_UNIT_GEV, GRAIN, GRID, WINDOW

Floats = NDArray[np.floating[Any]]


def window(ecal: NDArray[np.float32]) -> NDArray[np.float32]:
    """Energies [n, 25, 25, 25] of the ECAL as [n, *GRID]: its middle, pairs of layers, without the last."""
    layers = 2 * GRID[2]
    middle = ecal[:, WINDOW, WINDOW, :layers]
    found: NDArray[np.float32] = middle.reshape(*middle.shape[:3], GRID[2], 2).sum(-1)
    return found


@cache
def threshold_roots(threshold_mip: float) -> NDArray[np.float32]:
    """Root of the threshold of a cell, GeV, in each pair of layers, [layers].

    A cell behind more absorber reads more for the same particle, and its threshold is as much higher, as in
    the simulation; of a pair the lower one counts.
    """
    ecal = calorimeter().sections[0]
    weight = ecal.weight[: 2 * GRID[2]].reshape(GRID[2], 2).min(1)
    return np.sqrt(threshold_mip * ecal.mip_gev * weight).astype(np.float32)


def compressed(energy_gev: Floats, threshold_mip: float) -> NDArray[np.float32]:
    """Cells [..., layers] as the network has them: root of GeV above that of the threshold, else 0."""
    return np.maximum(np.sqrt(energy_gev.astype(np.float32)) - threshold_roots(threshold_mip), 0)


def energies(cells: Floats, threshold_mip: float) -> NDArray[np.float32]:
    """The inverse of `compressed`, GeV; an empty cell has none."""
    found = cells.astype(np.float32)
    return np.where(found > 0, np.square(found + threshold_roots(threshold_mip)), np.float32(0))


def asked(energy_gev: NDArray[Any], particle: NDArray[Any]) -> NDArray[np.float32]:
    """What the network is told, [n, 2]: root of the energy in `ENERGY_UNIT_GEV`; 1 for a photon, else 0."""
    root = np.sqrt(energy_gev.astype(np.float64) / ENERGY_UNIT_GEV)
    return np.stack([root, particle == 1], axis=1).astype(np.float32)


def codes(cells: Floats) -> NDArray[np.int16]:
    """Compressed cells on the grid `GRAIN`, on which all showers are compared."""
    return np.rint(cells / GRAIN).astype(np.int16)

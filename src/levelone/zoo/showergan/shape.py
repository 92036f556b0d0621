"""What a shower is as a whole, as normal random numbers: what training showers say of the latent numbers.

A generator that must find out by itself which of its random numbers moves a shower learns slowly. Of a true
shower four numbers are known, which are nearly all that its cells have in common: how deep it lies, how long
it is, and where its axis is along x and y. Written so that they are standard normal and independent of each
other, of the energy and of the particle, they take the places of the first latent numbers in training;
afterwards those are drawn at random, like the others.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from levelone.zoo.kit.symmetry import SquareSymmetry
from levelone.zoo.showergan.section import GRID

Floats = NDArray[np.float64]
SHAPE = ("depth", "length", "x", "y")
"""The numbers, in this order."""
_GROUP = 400  # showers of nearly the same energy, within which they are ranked
_SIDE = np.arange(GRID[0]) - GRID[0] // 2
_LAYER = np.arange(GRID[2])


def shape_numbers(
    energy_gev: NDArray[Any], particle: NDArray[Any], cells_gev: NDArray[Any]
) -> NDArray[np.float32]:
    """`SHAPE` of showers [n, *GRID] of particles [n] of these energies, [n, 4].

    Each is the normal score of its rank among showers of the same particle and nearly the same energy, less
    what energy and the numbers before it say of it.
    """
    total = np.maximum(cells_gev.sum((1, 2, 3), dtype=np.float64), 1e-9)
    along = cells_gev.sum((1, 2), dtype=np.float64) / total[:, None]
    depth = along @ _LAYER
    length = np.sqrt(np.maximum(along @ np.square(_LAYER) - np.square(depth), 0))
    axes = [cells_gev.sum(others, dtype=np.float64) @ _SIDE / total for others in ((2, 3), (1, 3))]
    found = np.zeros((len(total), len(SHAPE)))
    for rows in _groups(energy_gev, particle):
        known = [np.log(energy_gev[rows].astype(np.float64))]
        for column, quantity in enumerate((depth[rows], length[rows])):
            score = _normal(quantity - _expected(known, quantity))
            found[rows, column] = score
            known += [score, np.square(score)]
        both = np.concatenate([axis[rows] for axis in axes])  # one distribution, with no side
        scores = _normal(np.concatenate([both, -both]))[: len(both)]
        found[rows, 2:] = scores.reshape(2, -1).T
    return found.astype(np.float32)


def turned(shape: NDArray[np.float32], way: SquareSymmetry) -> NDArray[np.float32]:
    """`SHAPE` of showers after a symmetry, [n, 4]."""
    found = shape.copy()
    found[way.first, 2] *= -1
    found[way.second, 3] *= -1
    found[way.exchanged, 2:] = found[way.exchanged, :1:-1]
    return found


def _groups(energy_gev: NDArray[Any], particle: NDArray[Any]) -> list[NDArray[np.int64]]:
    """Rows of one particle each, near in energy."""
    parts = []
    for kind in np.unique(particle):
        rows = np.flatnonzero(particle == kind)
        ordered = rows[np.argsort(energy_gev[rows], kind="stable")]
        parts += np.array_split(ordered, max(len(rows) // _GROUP, 1))
    return parts


def _expected(known: list[Floats], quantity: Floats) -> Floats:
    """The linear function of what is known that is nearest to a quantity."""
    columns = np.stack([np.ones(len(quantity)), *known], axis=1)
    fitted: Floats = columns @ np.linalg.lstsq(columns, quantity, rcond=None)[0]
    return fitted


def _normal(values: Floats) -> Floats:
    """Normal scores of the ranks."""
    rank = np.argsort(np.argsort(values, kind="stable"), kind="stable")
    scores: Floats = ndtri((rank + 0.5) / len(values))
    return scores

"""What the generator is compared with: cells that know nothing of each other, and a library of showers.

Both get their random numbers from what the network is given, so that an event always has the same shower.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from levelone.zoo.kit.events import Events, Outputs, Predictor, Source
from levelone.zoo.kit.symmetry import SquareSymmetry
from levelone.zoo.showergan.cells import compressed, energies
from levelone.zoo.showergan.section import GRID

_BATCH = 4096
_KNOTS = 8  # energies at which the mean shower is known
_NEIGHBOURS = 8  # showers of the library that are near enough in energy
_OVER = np.linspace(-5, 60, 6501)  # mean of a Gaussian over its standard deviation


@dataclass(frozen=True)
class _Gaussians:
    """Of a kind of particle: mean and deviation [knots, cells] of each cell at roots of energies [knots]."""

    root: NDArray[np.float64]
    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]

    def at(self, root: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Both at other roots of energies [n], linear in between."""
        weight = np.stack([np.interp(root, self.root, one) for one in np.eye(len(self.root))], axis=1)
        return weight @ self.mean, weight @ self.deviation


def fit_cells(train: Source) -> Predictor:
    """Every cell a rectified Gaussian of its own, with the mean and the rms that the simulation has there.

    The mean shower of either kind of particle at eight energies, and fluctuations that know nothing of each
    other: what a parametrised simulation without correlations makes.
    """
    shower, energy, particle = _gathered(train)
    mean, square = (np.zeros((len(shower), prod(GRID)), np.float32) for _ in range(2))
    for number in range(8):  # one after the other: all at once are eight times the sample
        way = SquareSymmetry(*(np.full(len(shower), bool(number >> bit & 1)) for bit in range(3)))
        turned = way.of(shower).reshape(len(shower), -1)
        mean += turned / 8
        square += np.square(turned) / 8
    kinds = {int(k): _gaussians(mean, square, energy, particle == k) for k in np.unique(particle)}

    def predict(events: Events) -> Outputs:
        drawn = events.inputs["noise"][:, 0].reshape(len(events), -1)
        made = np.zeros_like(drawn)
        for kind, known in kinds.items():
            chosen = events.truth["particle"] == kind
            middle, deviation = known.at(np.sqrt(events.truth["energy"][chosen].astype(np.float64)))
            made[chosen] = np.maximum(middle + deviation * drawn[chosen], 0)
        return {"shower": made.reshape(-1, 1, *GRID)}

    return predict


def fit_library(train: Source, threshold_mip: float) -> Predictor:
    """A simulated shower of the same particle and nearly the same energy, its cells scaled to that energy.

    One of the eight nearest ones, mirrored and turned: a library of frozen showers, the classical way to fast
    simulation (E. Barberio et al., J. Phys. Conf. Ser. 160 (2009) 012082). It knows all that the simulation
    knows, and takes the memory of all its showers.
    """
    shower, energy, particle = _gathered(train)
    order = np.argsort(energy, kind="stable")
    of_kind = {int(k): order[particle[order] == k] for k in np.unique(particle)}

    def predict(events: Events) -> Outputs:
        drawn = events.inputs["noise"].reshape(len(events), -1)
        chosen = np.zeros(len(events), np.int64)
        for kind, rows in of_kind.items():
            mine = events.truth["particle"] == kind
            nearest = np.searchsorted(energy[rows], events.truth["energy"][mine])
            step = np.floor(ndtr(drawn[mine, 0]) * _NEIGHBOURS).astype(np.int64) - _NEIGHBOURS // 2
            chosen[mine] = rows[np.clip(nearest + step, 0, len(rows) - 1)]
        scale = (events.truth["energy"] / energy[chosen]).reshape(-1, 1, 1, 1, 1)
        turned = SquareSymmetry(*(drawn[:, 1:4].T > 0)).of(shower[chosen])
        return {"shower": compressed(energies(turned, threshold_mip) * scale, threshold_mip)}

    return predict


def _gathered(train: Source) -> tuple[NDArray[np.float32], NDArray[Any], NDArray[Any]]:
    """Showers [n, 1, *GRID], energies and particles [n] of all training events."""
    parts = [events.truth for events in train.batches(_BATCH)]
    shower, energy, particle = (
        np.concatenate([part[name] for part in parts]) for name in ("shower", "energy", "particle")
    )
    return shower, energy, particle


def _gaussians(
    mean: NDArray[Any], square: NDArray[Any], energy: NDArray[Any], chosen: NDArray[np.bool_]
) -> _Gaussians:
    """Of the chosen events, in groups of as many events each."""
    rows = np.flatnonzero(chosen)
    groups = np.array_split(rows[np.argsort(energy[rows])], min(_KNOTS, len(rows)))
    root = np.array([np.sqrt(energy[group]).mean() for group in groups])
    found = [rectified(mean[group].mean(0), square[group].mean(0)) for group in groups]
    return _Gaussians(root, np.stack([one for one, _ in found]), np.stack([two for _, two in found]))


def rectified(mean: NDArray[Any], square: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation of the Gaussians that, rectified, have these means and mean squares."""
    density = np.exp(-np.square(_OVER) / 2) / np.sqrt(2 * np.pi)
    first = density + _OVER * ndtr(_OVER)
    ratio = ((np.square(_OVER) + 1) * ndtr(_OVER) + _OVER * density) / np.square(first)
    wanted = square / np.maximum(np.square(mean), 1e-12)
    over = np.interp(wanted, ratio[::-1], _OVER[::-1])  # the ratio falls
    deviation = mean / np.interp(over, _OVER, first)
    return over * deviation, deviation

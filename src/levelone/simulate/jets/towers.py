"""A calorimeter without showers: the energy of all visible particles in towers.

Towers of 0.1 x 0.1 in pseudorapidity and azimuth up to 5, each the sum of the energies of what enters it and
without mass: L. de Oliveira et al., JHEP 07 (2016) 069, arXiv:1511.05190, section 2. There are 63 around, of
0.0997.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from levelone.simulate.jets.clustering import Momenta, Rows
from levelone.simulate.jets.particles import MUON, NEUTRINOS, Particles
from levelone.simulate.materials import Floats

ETA_LIMIT = 5.0
ALONG = 100
"""Towers along pseudorapidity."""
AROUND = 63
"""Towers around in azimuth."""
INVISIBLE = (*NEUTRINOS, MUON)
"""They leave nothing."""


@dataclass(frozen=True)
class Towers:
    """Filled towers of some events.

    Attributes
    ----------
    event
        [n] ascending.
    row, column
        [n]: number in azimuth (0 to `AROUND` - 1) and in pseudorapidity (0 to `ALONG` - 1).
    energy
        [n] GeV.
    """

    event: Rows
    row: Rows
    column: Rows
    energy: Floats

    @property
    def momenta(self) -> Momenta:
        """The towers as momenta; their groups are the events, from the first to the last with a tower."""
        eta = (self.column.astype(np.float64) + 0.5) * (2 * ETA_LIMIT / ALONG) - ETA_LIMIT
        phi = (self.row.astype(np.float64) + 0.5) * (2 * np.pi / AROUND) - np.pi
        events = int(self.event.max(initial=-1)) + 1
        return Momenta(self.energy / np.cosh(eta), eta, phi, self.event, events)


def place(eta: Floats, phi: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Row and column of the tower in a direction."""
    row = np.floor((phi + np.pi) * (AROUND / (2 * np.pi))).astype(np.int64) % AROUND
    return row, np.floor((eta + ETA_LIMIT) * (ALONG / (2 * ETA_LIMIT))).astype(np.int64)


def fill(particles: Particles) -> Towers:
    """Towers from particles; their events count from 0."""
    eta = particles.eta
    seen = np.abs(eta) < ETA_LIMIT
    row, column = place(eta[seen], particles.phi[seen])
    key = (particles.event[seen] * AROUND + row) * ALONG + column
    cells, inverse = np.unique(key, return_inverse=True)
    total = np.bincount(inverse, particles.energy[seen], len(cells)).astype(np.float64)
    return Towers(cells // (AROUND * ALONG), cells // ALONG % AROUND, cells % ALONG, total)

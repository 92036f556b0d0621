"""Cross sections tabulated over energy: totals, and draws of what neutrinos do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from levelone.simulate.materials import Floats
from levelone.simulate.neutrino.kinematics import NUCLEON, q2_limits

ENERGIES = np.geomspace(0.12, 9.0, 90)
"""GeV, of a neutrino in the rest frame of its nucleon."""
_CELLS = 60
Density = Callable[[Floats, Floats, Floats], Floats]
"""From energy, mass of the hadrons and Q2 to a cross section per unit of both, or per unit of Q2."""


@dataclass(frozen=True)
class Table:
    """A process on one kind of nucleon.

    Attributes
    ----------
    lepton
        Mass of what the neutrino becomes, GeV.
    low, high
        Mass of the hadrons; equal if there is only one.
    total
        At `ENERGIES`, 1e-38 cm2.
    cumulated
        [energies, cells]: over equal steps of the mass, and in each of them over steps of Q2 between its
        limits that grow linearly.
    """

    lepton: float
    low: float
    high: float
    total: Floats
    cumulated: Floats

    @staticmethod
    def of(density: Density, lepton: float, low: float, high: float) -> Table:
        """Of a density; `low` equal to `high` for elastic scattering."""
        masses = _CELLS if high > low else 1
        u, v = ((np.arange(cells) + 0.5) / cells for cells in (masses, _CELLS**2 // masses))
        energy = ENERGIES[:, None, None]
        top = np.minimum(_most(energy, lepton), high)
        w = low + np.maximum(top - low, 0) * u[:, None]
        first, last = q2_limits(energy, w, lepton)
        # what is drawn evenly is the root of Q2: it falls steeply
        q2 = first + (last - first) * v**2
        area = (top - low if high > low else 1.0) * (last - first) * 2 * v
        found = np.where(top >= low, np.maximum(density(energy, w, np.maximum(q2, 1e-9)), 0) * area, 0)
        flat = np.nan_to_num(found.reshape(len(ENERGIES), -1))
        total = flat.sum(1)
        cumulated = np.cumsum(flat, axis=1) / np.maximum(total, 1e-300)[:, None]
        return Table(lepton, low, high, total / (len(u) * len(v)), cumulated)

    def at(self, energy: Floats) -> Floats:
        """Total cross section, 1e-38 cm2."""
        return np.interp(energy, ENERGIES, self.total, left=0.0)

    def draw(self, energy: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """Q2 and mass of the hadrons, [n] each; energies between two of the table take either."""
        place = np.interp(np.log(energy), np.log(ENERGIES), np.arange(len(ENERGIES)))
        row = np.clip(np.floor(place + rng.random(len(energy))), 0, len(ENERGIES) - 1).astype(np.int64)
        # rows one behind the other: each rises from its number to the next
        whole = (self.cumulated + np.arange(len(ENERGIES))[:, None]).ravel()
        cells = self.cumulated.shape[1]
        cell = np.searchsorted(whole, row + rng.random(len(energy))) - row * cells
        masses = _CELLS if self.high > self.low else 1
        parts = cells // masses
        u, v = np.divmod(np.clip(cell, 0, cells - 1), parts)
        top = np.minimum(_most(energy, self.lepton), self.high)
        w = self.low + np.maximum(top - self.low, 0) * (u + rng.random(len(energy))) / masses
        first, last = q2_limits(energy, w, self.lepton)
        share = ((v + rng.random(len(energy))) / parts) ** 2
        return np.maximum(first + (last - first) * share, 1e-9), w


def _most(energy: Floats, lepton: float) -> Floats:
    """Largest mass of hadrons."""
    return np.sqrt(NUCLEON**2 + 2 * NUCLEON * energy) - lepton

"""The stable particles of collisions, as Pythia gives them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.simulate.jets.clustering import Momenta, Rows
from levelone.simulate.materials import Floats

NEUTRINOS = (12, 14, 16)
MUON = 13
CHARGED = (11, MUON, 211, 321, 2212)
"""Codes of the stable particles with a charge: electron, muon, pion, kaon, proton."""


@dataclass(frozen=True)
class Particles:
    """Stable particles of some events.

    Attributes
    ----------
    event
        [n] ascending.
    kind
        [n]: code of the Particle Data Group, without its sign.
    px, py, pz, energy
        [n] GeV.
    """

    event: Rows
    kind: NDArray[np.int64]
    px: Floats
    py: Floats
    pz: Floats
    energy: Floats

    @property
    def pt(self) -> Floats:
        return np.maximum(np.hypot(self.px, self.py), 1e-12)

    @property
    def eta(self) -> Floats:
        return np.asarray(np.arcsinh(self.pz / self.pt))

    @property
    def phi(self) -> Floats:
        return np.arctan2(self.py, self.px)

    @property
    def charged(self) -> NDArray[np.bool_]:
        return np.isin(self.kind, CHARGED)

    @property
    def momenta(self) -> Momenta:
        """Transverse momenta and directions, without masses; groups are the events that hold a particle."""
        events, group = np.unique(self.event, return_inverse=True)
        return Momenta(self.pt, self.eta, self.phi, group, len(events))

    def at(self, rows: NDArray[Any]) -> Particles:
        """Some of them, in their order."""
        parts = (self.event, self.kind, self.px, self.py, self.pz, self.energy)
        return Particles(*(part[rows] for part in parts))


def of_events(events: Any, unseen: Sequence[int]) -> Particles:
    """Stable particles of a batch of Pythia's events (`Pythia.nextBatch`), but for the codes `unseen`."""
    import awkward as ak

    particles = events.prt
    kept = particles[particles.status > 0]
    event = np.repeat(np.arange(len(events)), ak.to_numpy(ak.num(kept.id, axis=1)))
    kind = np.abs(ak.to_numpy(ak.flatten(kept.id))).astype(np.int64)
    px, py, pz, energy = (ak.to_numpy(ak.flatten(kept.p[name])) for name in ("px", "py", "pz", "e"))
    found = Particles(event, kind, px, py, pz, energy)
    return found.at(~np.isin(found.kind, unseen))

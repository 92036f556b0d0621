"""Photons of bremsstrahlung in xenon: absorbed nearby, scattered, or gone.

Attenuation: the photoelectric and incoherent parts of NIST's XCOM (M. J. Berger et al., NBSIR 87-3597), to
2 %. Compton scattering follows O. Klein and Y. Nishina on electrons at rest. Left out: pair production
(under 1 % at 2 MeV), coherent scattering (it hardly deflects), fluorescence (what absorbs a photon leaves
all of it there).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from levelone.simulate.deflections import compton_scatter
from levelone.simulate.materials import Floats

LEAVES = 3.0
"""g / cm2 from the vertex: what gets farther has left the vicinity (35 cm at 15 bar)."""
_KEV = (
    10,
    15,
    20,
    30,
    34.55,
    34.57,
    40,
    50,
    60,
    80,
    100,
    150,
    200,
    300,
    400,
    500,
    600,
    800,
    1000,
    2000,
    3000,
)
_PHOTOELECTRIC = (
    166.2, 55.5, 25.1, 8.08, 5.42, 32.42, 22.1, 12.27, 7.45, 3.363, 1.793, 0.565, 0.249, 0.0801, 0.0370,
    0.0209, 0.0134, 0.00694, 0.0044, 0.0012, 0.0006,
)  # fmt: skip
_COMPTON = (
    0.0585, 0.0744, 0.0849, 0.0973, 0.1008, 0.1008, 0.1038, 0.1073, 0.1091, 0.1096, 0.1081, 0.1019, 0.0955,
    0.0850, 0.0769, 0.0706, 0.0656, 0.0578, 0.0523, 0.0363, 0.0285,
)  # fmt: skip


@dataclass(frozen=True)
class Particles:
    """Electrons or photons.

    `event` [n], `energy` [n] (kinetic, MeV), `position` [n, 3] in g / cm2, unit `direction` [n, 3].

    `main` [n]: connected with the vertex, not made by a photon far from it.
    """

    event: NDArray[np.int64]
    energy: Floats
    position: Floats
    direction: Floats
    main: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.event)

    def __getitem__(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> Particles:
        return Particles(*(getattr(self, name)[chosen] for name in _FIELDS))

    @staticmethod
    def join(parts: list[Particles]) -> Particles:
        """All of `parts`, at least one."""
        return Particles(*(np.concatenate([getattr(part, name) for part in parts]) for name in _FIELDS))


_FIELDS = ("event", "energy", "position", "direction", "main")


def attenuation(energy: Floats) -> tuple[Floats, Floats]:
    """Photoelectric and Compton attenuation coefficients of xenon, cm2 / g, at photon energies in MeV."""
    log_kev = np.log(1e3 * energy)
    photo, compton = (np.exp(np.interp(log_kev, np.log(_KEV), np.log(t))) for t in (_PHOTOELECTRIC, _COMPTON))
    return photo, compton


def follow(photons: Particles, rng: np.random.Generator) -> Particles:
    """The electrons that these photons set free before they are absorbed or have left."""
    born: list[Particles] = [photons[np.zeros(len(photons), bool)]]
    while len(photons):
        photo, compton = attenuation(photons.energy)
        path = rng.standard_exponential(len(photons)) / (photo + compton)
        position = photons.position + photons.direction * path[:, None]
        here = np.linalg.norm(position, axis=1) < LEAVES
        scattered = (rng.random(len(photons)) * (photo + compton) < compton)[here]
        photons = Particles(photons.event, photons.energy, position, photons.direction, photons.main)[here]
        born.append(photons[~scattered])
        photons = photons[scattered]
        share, aim, kick = compton_scatter(photons.energy, photons.direction, rng)
        lost = photons.energy * (1 - share)
        born.append(Particles(photons.event, lost, photons.position, kick, photons.main))
        photons = Particles(
            photons.event, photons.energy * share, photons.position, aim, np.zeros(len(photons), bool)
        )
    return Particles.join(born)

"""What becomes of muons, pions and protons that interact or come to rest.

Assumptions without a source, where a nuclear cascade would be needed: of a pion that interacts a third is
absorbed and leaves two protons, else it goes on with 0.3 to 0.9 of its energy beside one proton; a proton
that interacts becomes two that share up to 0.8 of its energy; directions prefer none, energies of the protons
are exponential (means below). At rest half of the pions decay; the others give a proton in half of the cases.
Muons at rest: half are positive; of the negative ones `Matter.captured` are captured; the others decay, with
Michel's spectrum.
"""

from __future__ import annotations

import numpy as np

from levelone.simulate.materials import ELECTRON_MEV, MUON_MEV, PION_MEV, Floats
from levelone.simulate.passage.matter import Matter
from levelone.simulate.passage.particles import Kind, Particles, anywhere, join, take

_FREE_MEV = 60.0
"""Mean energy of a proton that a pion frees in flight; at rest a third of it."""
_MICHEL_MEV = (MUON_MEV**2 + ELECTRON_MEV**2) / (2 * MUON_MEV)


def fate(
    interacts: Particles, rests: Particles, kind: Kind, matter: Matter, rng: np.random.Generator
) -> tuple[Particles, Particles]:
    """Electrons and hadrons of particles of one kind that interact or come to rest."""
    none = Particles.none()
    if kind == Kind.MUON:
        decays = rng.random(len(rests)) < 0.5 + 0.5 * (1 - matter.captured)
        return _michel(take(rests, decays), rng), none
    if kind == Kind.PROTON:
        share = 0.8 * rng.random(len(interacts))
        one = rng.random(len(interacts)) * share
        return none, join(
            [_hadrons(interacts, Kind.PROTON, interacts.energy * part, rng) for part in (one, share - one)]
        )
    decays = rng.random(len(rests)) < 0.5
    captured = take(rests, ~decays & (rng.random(len(rests)) < 0.5))
    absorbed = rng.random(len(interacts)) < 1 / 3
    gone, on = take(interacts, absorbed), take(interacts, ~absorbed)
    made = [
        *(_freed(gone, PION_MEV, _FREE_MEV, rng) for _ in range(2)),
        _freed(on, 0.0, _FREE_MEV, rng),
        _hadrons(on, Kind.PION, on.energy * rng.uniform(0.3, 0.9, len(on)), rng),
        _freed(captured, PION_MEV, _FREE_MEV / 3, rng),
    ]
    return _michel(take(rests, decays), rng), join(made)


def _freed(of: Particles, more: float, mean: float, rng: np.random.Generator) -> Particles:
    """A proton of each, with half of the energy at most."""
    energy = np.minimum(mean * rng.standard_exponential(len(of)), (of.energy + more) / 2)
    return _hadrons(of, Kind.PROTON, energy, rng)


def _hadrons(of: Particles, kind: Kind, energy: Floats, rng: np.random.Generator) -> Particles:
    kinds = np.full(len(of), int(kind))
    return Particles(of.event, kinds, np.maximum(energy, 0.1), of.position, anywhere(len(of), rng))


def _michel(of: Particles, rng: np.random.Generator) -> Particles:
    """Decay electrons: x^2 (3 - 2 x), x the share of the largest energy; drawn by rejection."""
    x = np.ones(len(of))
    left = np.arange(len(of))
    while len(left):
        x[left] = rng.random(len(left))
        left = left[rng.random(len(left)) > x[left] ** 2 * (3 - 2 * x[left])]
    energy = np.maximum(x * _MICHEL_MEV - ELECTRON_MEV, 0.1)
    return Particles(
        of.event, np.full(len(of), int(Kind.MICHEL)), energy, of.position, anywhere(len(of), rng)
    )

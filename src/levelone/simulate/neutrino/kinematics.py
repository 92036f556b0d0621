"""Four-momenta (energy first, GeV, [n, 4]): boosts, decays into two and more, leptons that scatter."""

from __future__ import annotations

import numpy as np

from levelone.simulate.deflections import turned
from levelone.simulate.materials import MUON_MEV, PION_MEV, PROTON_MEV, Floats
from levelone.simulate.passage.particles import anywhere

NUCLEON = PROTON_MEV / 1e3
"""Proton and neutron have one mass here."""
PION = PION_MEV / 1e3
"""So have charged and neutral pions, until the latter decay."""
MUON = MUON_MEV / 1e3
_TRIES = 8  # of which one is kept, by its weight in phase space


def boosted(momenta: Floats, beta: Floats) -> Floats:
    """Seen from where what is at rest moves with the velocity `beta` [n, 3]."""
    squared = (beta**2).sum(-1)
    gamma = 1 / np.sqrt(1 - squared)
    along = (momenta[:, 1:] * beta).sum(-1)
    factor = gamma**2 / (gamma + 1) * along + gamma * momenta[:, 0]
    space = momenta[:, 1:] + factor[:, None] * beta
    return np.column_stack([gamma * (momenta[:, 0] + along), space])


def mass(momenta: Floats) -> Floats:
    """Invariant mass, [n]."""
    return np.sqrt(np.maximum(momenta[:, 0] ** 2 - (momenta[:, 1:] ** 2).sum(1), 0))


def on_shell(momentum: Floats, masses: Floats | float) -> Floats:
    """Four-momenta of momenta [n, 3]."""
    return np.column_stack([np.sqrt((momentum**2).sum(1) + masses**2), momentum])


def breakup(whole: Floats, one: Floats | float, two: Floats | float) -> Floats:
    """Momentum of both parts of what decays at rest; 0 where it cannot."""
    product = (whole**2 - (one + two) ** 2) * (whole**2 - (one - two) ** 2)
    return np.sqrt(np.maximum(product, 0)) / (2 * np.maximum(whole, 1e-9))


def scattered(comes: Floats, q2: Floats, w: Floats, lepton: float, azimuth: Floats) -> tuple[Floats, Floats]:
    """Lepton and hadrons after a neutrino has met a nucleon at rest.

    Parameters
    ----------
    comes
        Four-momentum of the neutrino, [n, 4].
    q2, w, azimuth
        [n]: squared momentum transfer; invariant mass of the hadrons; around which way it is deflected.
    lepton
        Mass of what the neutrino becomes.

    Returns
    -------
    tuple
        Four-momenta [n, 4] of both.
    """
    energy = comes[:, 0]
    transfer = (w**2 - NUCLEON**2 + q2) / (2 * NUCLEON)
    left = np.maximum(energy - transfer, lepton + 1e-9)
    momentum = np.sqrt(left**2 - lepton**2)
    cosine = np.clip((left - (q2 + lepton**2) / (2 * energy)) / momentum, -1, 1)
    way = turned(comes[:, 1:] / energy[:, None], cosine, azimuth)
    out = np.column_stack([left, momentum[:, None] * way])
    return out, comes + np.array([NUCLEON, 0, 0, 0]) - out


def q2_limits(energy: Floats, w: Floats, lepton: float) -> tuple[Floats, Floats]:
    """Smallest and largest squared momentum transfer; both as one where the energy does not suffice."""
    s = NUCLEON**2 + 2 * NUCLEON * energy
    root = np.sqrt(s)
    come = (s - NUCLEON**2) / (2 * root)
    gone = (s + lepton**2 - w**2) / (2 * root)
    momentum = breakup(root, w, lepton)
    middle = 2 * come * gone - lepton**2
    return middle - 2 * come * momentum, middle + 2 * come * momentum


def phase_space(whole: Floats, pions: int, rng: np.random.Generator) -> Floats:
    """A nucleon and so many pions from what has the four-momentum `whole` [n, 4]: [n, 1 + pions, 4].

    A chain of decays into two whose intermediate masses are ordered uniform numbers, weighted with the
    product of all momenta (F. James, CERN 68-15, 1968): one of `_TRIES` chains, drawn by weight, stands
    for rejection.
    """
    n, w = len(whole), mass(whole)
    spare = np.maximum(w - NUCLEON - pions * PION, 0)
    cuts = np.sort(rng.random((n, _TRIES, pions - 1)), axis=2)
    cuts = np.concatenate([np.zeros((n, _TRIES, 1)), cuts, np.ones((n, _TRIES, 1))], axis=2)
    steps = NUCLEON + PION * np.arange(pions + 1)
    masses = steps + cuts * spare[:, None, None]  # nucleon alone, with one pion, ..., all
    momenta = breakup(masses[:, :, 1:], masses[:, :, :-1], PION)
    weight = momenta.prod(2)
    weight = np.cumsum(weight, axis=1) / np.maximum(weight.sum(1, keepdims=True), 1e-30)
    chosen = np.minimum((rng.random((n, 1)) > weight).sum(1), _TRIES - 1)
    rows = np.arange(n)
    masses, momenta = masses[rows, chosen], momenta[rows, chosen]
    found = np.empty((n, pions + 1, 4))
    rest = whole
    for step in range(pions, 0, -1):
        way = anywhere(n, rng) * momenta[:, step - 1, None]
        beta = rest[:, 1:] / rest[:, :1]
        found[:, step] = boosted(on_shell(way, PION), beta)
        rest = boosted(on_shell(-way, masses[:, step - 1]), beta)
    found[:, 0] = rest
    return found

"""What starts in the chamber: the electrons of a double beta decay, of a pair, or a single one.

Double beta decay: neutrinoless, of xenon-136, Q = 2458 keV. The electrons share it with density
(T1 + m)^2 (T2 + m)^2 (Primakoff and Rosen's approximation of the Fermi function) and angle density
1 - b1 b2 cos(theta) (light-neutrino exchange; M. Doi, T. Kotani and E. Takasugi, Prog. Theor. Phys. Suppl. 83
(1985) 1).

Double escape: a photon of 2615 keV of thallium-208 makes a pair, and both annihilation photons leave:
electron and positron share 1592 keV with the spectrum of H. Bethe and W. Heitler (Proc. R. Soc. A 146
(1934) 83, unscreened), each at an angle to the photon of density 1 / (1 - b cos(theta))^2 (the leading term
of the Born approximation; J. W. Motz, H. A. Olsen and H. W. Koch, Rev. Mod. Phys. 41 (1969) 581).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from levelone.simulate.deflections import turned
from levelone.simulate.materials import ELECTRON_MEV, Floats
from levelone.simulate.next.photons import Particles
from levelone.simulate.next.scattering import momentum
from levelone.simulate.next.section import Signal

Q_MEV = 2.458
THALLIUM_MEV = 2.614_511
ENERGY_MEV: dict[Signal, float] = {"double-beta": Q_MEV, "double-escape": THALLIUM_MEV - 2 * ELECTRON_MEV}
"""Kinetic energy in the chamber, of signal and of background alike."""


@dataclass(frozen=True)
class Started:
    """Particles at the vertex, and the truth of each event: energy of `leading` (MeV), `cosine`, [n]."""

    particles: Particles
    leading: Floats
    cosine: Floats


def start(label: NDArray[np.uint8], signal: Signal, rng: np.random.Generator) -> Started:
    """One electron where `label` [n] is 0, two particles from one point where it is 1, in any direction."""
    n, pair, available = len(label), np.flatnonzero(label), ENERGY_MEV[signal]
    axis = _isotropic(n, rng)
    first, cosine = np.full(n, available), np.ones(n)
    direction, azimuth = axis.copy(), rng.uniform(0, 2 * np.pi, len(pair))
    if signal == "double-beta":
        first[pair], cosine[pair] = sample_decay(len(pair), rng)
        other = turned(axis[pair], cosine[pair], azimuth)
    else:
        first[pair] = sample_pair(len(pair), rng)
        towards = rng.uniform(0, 2 * np.pi, len(pair))
        direction[pair] = turned(axis[pair], _pair_angle(first[pair], rng), towards)
        other = turned(axis[pair], _pair_angle(available - first[pair], rng), azimuth)
        cosine[pair] = (direction[pair] * other).sum(1)
    energy = np.maximum(np.concatenate([first, available - first[pair]]), 1e-3)
    everyone = np.concatenate([np.arange(n), pair])
    particles = Particles(
        everyone,
        energy,
        np.zeros((len(everyone), 3)),
        np.concatenate([direction, other]),
        np.ones(len(everyone), bool),
    )
    return Started(particles, np.maximum(first, available - first), cosine)


def sample_decay(n: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Kinetic energy of one electron (MeV) and the cosine between both, each [n], of neutrinoless decays."""
    energy = np.linspace(0, Q_MEV, 2001)
    one = _sample((energy + ELECTRON_MEV) ** 2 * (Q_MEV - energy + ELECTRON_MEV) ** 2, energy, n, rng)
    slope = np.maximum(_velocity(one) * _velocity(Q_MEV - one), 1e-6)
    u = rng.random(n)
    # the cumulative (c + 1) / 2 - slope (c^2 - 1) / 4 = u, solved for c
    return one, (1 - np.sqrt(np.maximum(1 - slope * (4 * u - 2 - slope), 0))) / slope


def sample_pair(n: int, rng: np.random.Generator) -> Floats:
    """Kinetic energy of the positron, MeV, [n]."""
    energy = np.linspace(0, ENERGY_MEV["double-escape"], 2003)[1:-1]
    return _sample(pair_spectrum(energy), energy, n, rng)


def pair_spectrum(positron_mev: Floats) -> Floats:
    """Bethe and Heitler's spectrum of the positron's kinetic energy, in a unit of its own, [n]."""
    k = THALLIUM_MEV / ELECTRON_MEV
    plus = 1 + positron_mev / ELECTRON_MEV
    minus = k - plus
    p, q = np.sqrt(plus**2 - 1), np.sqrt(minus**2 - 1)
    e_p, e_q = np.log((plus + p) / (plus - p)), np.log((minus + q) / (minus - q))
    both, pq = plus * minus, p * q
    logarithm = 2 * np.log((both + pq + 1) / k)
    bracket = k**2 / pq**3 * (both**2 + pq**2) - 8 * both / (3 * pq)
    bracket -= k / (2 * pq) * ((both - p**2) / p**3 * e_p + (both - q**2) / q**3 * e_q + 2 * k * both / pq**2)
    plain = (
        -4 / 3 - 2 * both * (p**2 + q**2) / pq**2 + e_p * minus / p**3 + e_q * plus / q**3 - e_p * e_q / pq
    )
    return pq * (plain + logarithm * bracket)


def _pair_angle(kinetic: Floats, rng: np.random.Generator) -> Floats:
    """Cosine to the photon, [n], of density 1 / (1 - b cosine)^2."""
    beta, u = _velocity(kinetic), 2 * rng.random(len(kinetic)) - 1
    return (u + beta) / (1 + beta * u)


def _velocity(kinetic: Floats) -> Floats:
    return momentum(kinetic) / (kinetic + ELECTRON_MEV)


def _sample(density: Floats, at: Floats, n: int, rng: np.random.Generator) -> Floats:
    cumulative = np.concatenate([[0], np.cumsum((density[1:] + density[:-1]) / 2)])
    return np.interp(rng.random(n) * cumulative[-1], cumulative, at)


def _isotropic(n: int, rng: np.random.Generator) -> Floats:
    vectors = rng.standard_normal((n, 3))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

"""What hadrons a struck nucleon becomes: which pions, of which charge.

Sources
-------
Delta: isospin; its pion prefers no direction. Above: the mean number of charged hadrons is a + 1.42 ln W2,
with a of 0.40 on protons, -0.20 on neutrons, all hadrons are 1.5 times as many, their number over its mean
follows Levy's function with c = 7.93 and 5.22, which is that of a Poisson variable over its mean (Koba,
Nielsen and Olesen's scaling): constants of T. Yang et al., Eur. Phys. J. C 63 (2009) 1 (the AGKY model of
GENIE and MINOS), which also has what is left out here: limited transverse momentum, strange particles, etas.
Charges are drawn evenly among those that add up; momenta fill phase space.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from levelone.simulate.materials import Floats
from levelone.simulate.neutrino.kinematics import NUCLEON, PION, phase_space
from levelone.simulate.passage.particles import Table, join

MOST_PIONS = 6
_SLOPE = 1.42
_OFFSET = np.array([-0.20, 0.40])  # neutron, proton
_LEVY = np.array([5.22, 7.93])

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Hadrons(Table):
    """Nucleons and pions: `event`, `charge`, whether it is a `nucleon`, four-`momentum` [m, 4] (GeV)."""

    event: Ints
    charge: Ints
    nucleon: NDArray[np.bool_]
    momentum: Floats


def how_many(w: Floats, proton: Ints, rng: np.random.Generator) -> Ints:
    """Pions beside the nucleon, [n]: at least one, at most what the mass `w` allows."""
    mean = 1.5 * np.maximum(_OFFSET[proton] + _SLOPE * np.log(w**2), 0.5)
    spread = _LEVY[proton]
    wanted = np.rint(mean * rng.poisson(spread) / spread).astype(np.int64) - 1
    room = np.floor((w - NUCLEON - 0.02) / PION).astype(np.int64)
    return np.clip(wanted, 1, np.clip(room, 1, MOST_PIONS))


def fragmented(whole: Floats, pions: Ints, charge: Ints, rng: np.random.Generator) -> Hadrons:
    """A nucleon and `pions` [n] of each `whole` [n, 4], of total `charge` [n]; none: the nucleon alone."""
    none = np.zeros(0, np.int64)
    parts = [Hadrons(none, none, np.zeros(0, bool), np.zeros((0, 4)))]
    for count in np.unique(pions):
        rows = np.flatnonzero(pions == count)
        momenta = phase_space(whole[rows], int(count), rng) if count else whole[rows][:, None]
        charges = np.column_stack([np.zeros(len(rows), np.int64), _charges(charge[rows], int(count), rng)])
        charges[:, 0] = charge[rows] - charges.sum(1)
        nucleon = np.tile(np.arange(count + 1) == 0, len(rows))
        event = np.repeat(rows, count + 1)
        parts.append(Hadrons(event, charges.ravel(), nucleon, momenta.reshape(-1, 4)))
    return join(parts)


def of_delta(whole: Floats, charge: Ints, rng: np.random.Generator) -> Hadrons:
    """Nucleon and pion of each Delta: of one unit of charge or none the pion is neutral in two of three."""
    momenta = phase_space(whole, 1, rng)
    neutral = rng.random(len(whole)) < 2 / 3
    pion = np.where(charge == 2, 1, np.where(neutral, 0, np.where(charge == 1, 1, -1)))
    charges = np.column_stack([charge - pion, pion])
    event = np.repeat(np.arange(len(whole)), 2)
    return Hadrons(event, charges.ravel(), np.tile([True, False], len(whole)), momenta.reshape(-1, 4))


def _charges(total: Ints, pions: int, rng: np.random.Generator) -> Ints:
    """Of pions, [n, pions], such that the nucleon is left with 0 or 1."""
    found = np.zeros((len(total), pions), np.int64)
    left = np.arange(len(total)) if pions else np.arange(0)
    while len(left):
        found[left] = rng.integers(-1, 2, (len(left), pions))
        spare = total[left] - found[left].sum(1)
        left = left[(spare < 0) | (spare > 1)]
    return found

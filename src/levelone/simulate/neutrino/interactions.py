"""Neutrinos meet nucleons that move in a nucleus, or protons at rest: what leaves the nucleus.

The nucleus is a Fermi gas (R. A. Smith and E. J. Moniz, Nucl. Phys. B 43 (1972) 605; carbon: 0.221 GeV, 25
MeV of binding): a nucleon's momentum is drawn evenly from a sphere, Q2 and the mass of the hadrons at the
neutrino's energy in its rest frame, an elastically struck nucleon slower than the sphere's radius is
refused (the exclusion principle), and nucleons leave with the binding energy less. Which process it is, and
how often there is one, is that of nucleons at rest and free. Hadrons do not interact inside the nucleus:
there are more pions and faster protons than after a nuclear cascade.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache, partial

import numpy as np
from numpy.typing import NDArray

from levelone.simulate.materials import ELECTRON_MEV, Floats
from levelone.simulate.neutrino.hadrons import Hadrons, fragmented, how_many, of_delta
from levelone.simulate.neutrino.kinematics import (
    MUON,
    NUCLEON,
    PION,
    boosted,
    on_shell,
    scattered,
)
from levelone.simulate.neutrino.sections import BORDER, delta, elastic, quarks
from levelone.simulate.neutrino.tables import Table
from levelone.simulate.passage.particles import anywhere, join

PROCESSES = ("elastic", "Delta", "inelastic")
CLASSES = ("muon neutrino", "electron neutrino", "neutral current")
"""Charged currents of either flavour, and neutral ones."""
LEPTONS = (MUON, ELECTRON_MEV / 1e3, 0.0)
"""Masses of what the neutrino becomes, GeV."""
FERMI_GEV = 0.221
BINDING_GEV = 0.025
_DELTA_CHARGE = np.array([[1, 2], [1, 2], [0, 1]])
"""Of the hadrons, of a neutron and a proton, in every class."""


@dataclass(frozen=True)
class Nucleons:
    """Shares of all nucleons: `free` protons (hydrogen), and bound `protons`; the rest are neutrons."""

    free: float
    protons: float


@dataclass(frozen=True)
class Final:
    """Interactions of n neutrinos.

    Attributes
    ----------
    process
        Of `PROCESSES`, [n].
    energy
        Of the neutrino, GeV, [n].
    lepton
        Four-momentum (GeV, energy first, the neutrino comes along z), [n, 4]; of neutral currents a neutrino.
    hadrons
        Their `event` is the number of the interaction.
    """

    process: NDArray[np.int64]
    energy: Floats
    lepton: Floats
    hadrons: Hadrons


@lru_cache(maxsize=4)
def channels(kind: int) -> dict[tuple[int, int], Table]:
    """Cross sections of a class: process and nucleon (0 neutron, 1 proton) -> table."""
    neutral, lepton = kind == 2, LEPTONS[kind]
    found: dict[tuple[int, int], Table] = {}
    for nucleon in (0, 1):
        if neutral:
            one = partial(_elastic, lepton=0.0, neutral=1 - nucleon)
            found[0, nucleon] = Table.of(one, 0.0, NUCLEON, NUCLEON)
        elif not nucleon:
            one = partial(_elastic, lepton=lepton, neutral=None)
            found[0, nucleon] = Table.of(one, lepton, NUCLEON, NUCLEON)
        size = 1.0 if neutral or nucleon else 1 / 3
        resonant = Table.of(
            lambda energy, w, q2: delta(w, q2, neutral=neutral), lepton, NUCLEON + PION, BORDER
        )
        found[1, nucleon] = replace(resonant, total=size * resonant.total)
        found[2, nucleon] = Table.of(partial(quarks, neutral=neutral), lepton, BORDER, np.inf)
    return found


def _elastic(energy: Floats, w: Floats, q2: Floats, *, lepton: float, neutral: int | None) -> Floats:
    return elastic(energy, q2, lepton, neutral=neutral)


def cross_section(kind: int, energy: Floats, nucleons: Nucleons) -> Floats:
    """Per nucleon at rest, of every channel of `channels`, 1e-38 cm2: [channels, n]."""
    proton = nucleons.free + nucleons.protons
    shares = (1 - proton, proton)
    return np.stack([shares[nucleon] * table.at(energy) for (_, nucleon), table in channels(kind).items()])


def interact(
    kind: int, energy: Floats, nucleons: Nucleons, rng: np.random.Generator
) -> tuple[Final, NDArray[np.bool_]]:
    """Let neutrinos of these energies interact; some do not: refused by exclusion, or below the threshold.

    Returns
    -------
    tuple
        The interactions of those that do, and which these are, [n] of bool.
    """
    n = len(energy)
    found = channels(kind)
    weights = np.cumsum(cross_section(kind, energy, nucleons), axis=0)
    channel = (rng.random(n) * weights[-1] > weights).sum(0)
    process, proton = np.array(list(found))[np.minimum(channel, len(found) - 1)].T
    bound = (proton == 0) | (rng.random(n) * (nucleons.free + nucleons.protons) > nucleons.free)
    speed = FERMI_GEV * np.cbrt(rng.random(n)) * bound
    struck = on_shell(anywhere(n, rng) * speed[:, None], NUCLEON)
    beta = struck[:, 1:] / struck[:, :1]
    comes = np.column_stack([energy, np.zeros(n), np.zeros(n), energy])
    seen = boosted(comes, -beta)
    q2, w = np.zeros(n), np.full(n, NUCLEON)
    possible = np.ones(n, bool)
    for number, table in enumerate(found.values()):
        mine = channel == number
        q2[mine], w[mine] = table.draw(seen[mine, 0], rng)
        enough = (table.low + table.lepton) ** 2 + 1e-6
        possible[mine] = NUCLEON**2 + 2 * NUCLEON * seen[mine, 0] > enough
    lepton, hadrons = scattered(seen, q2, w, LEPTONS[kind], rng.uniform(0, 2 * np.pi, n))
    lepton, hadrons = boosted(lepton, beta), boosted(hadrons, beta)
    possible &= (process != 0) | ~bound | ((hadrons[:, 1:] ** 2).sum(1) > FERMI_GEV**2)
    kept = np.flatnonzero(possible)
    charge = _DELTA_CHARGE[kind][proton]
    made = _fates(process[kept], hadrons[kept], w[kept], charge[kept], proton[kept], rng)
    return Final(process[kept], energy[kept], lepton[kept], _unbound(made, bound[kept])), possible


def _fates(
    process: NDArray[np.int64],
    whole: Floats,
    w: Floats,
    charge: NDArray[np.int64],
    proton: NDArray[np.int64],
    rng: np.random.Generator,
) -> Hadrons:
    resonant = np.flatnonzero(process == 1)
    others = np.flatnonzero(process != 1)
    pions = np.where(process[others] == 0, 0, how_many(w[others], proton[others], rng))
    parts = (
        (resonant, of_delta(whole[resonant], charge[resonant], rng)),
        (others, fragmented(whole[others], pions, charge[others], rng)),
    )
    return join([replace(made, event=rows[made.event]) for rows, made in parts])


def _unbound(hadrons: Hadrons, bound: NDArray[np.bool_]) -> Hadrons:
    """Nucleons of nuclei with the binding energy less."""
    slower = hadrons.nucleon & bound[hadrons.event]
    energy = np.where(
        slower, np.maximum(hadrons.momentum[:, 0] - BINDING_GEV, NUCLEON), hadrons.momentum[:, 0]
    )
    before = np.sqrt((hadrons.momentum[:, 1:] ** 2).sum(1))
    after = np.where(slower, np.sqrt(np.maximum(energy**2 - NUCLEON**2, 0)), before)
    scale = np.divide(after, before, out=np.ones_like(before), where=before > 0)
    return replace(hadrons, momentum=np.column_stack([energy, hadrons.momentum[:, 1:] * scale[:, None]]))

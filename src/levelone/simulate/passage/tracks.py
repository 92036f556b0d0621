"""Muons, pions and protons in any matter: how far they get, what they leave, what becomes of them.

A particle's energy after a path is that of the rest of its range; collisions below `Matter.knock_on_mev`
straggle the signal around that mean, those above are electrons of their own, followed in
`levelone.simulate.passage.showers`. Hadrons interact after exponential paths (lengths of the PDG's tables).

Assumptions without a source, where a nuclear cascade would be needed: of a pion that interacts a third is
absorbed and leaves two protons, else it goes on with 0.3 to 0.9 of its energy beside one proton; a proton
that interacts becomes two that share up to 0.8 of its energy; directions prefer none, energies of the protons
are exponential (means below). At rest half of the pions decay; the others give a proton in half of the cases.
Muons at rest: half are positive; of the negative ones `Matter.captured` are captured; the others decay, with
Michel's spectrum. Energy losses fluctuate, ranges do not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from levelone.simulate.deflections import sample_small, turned
from levelone.simulate.materials import ELECTRON_MEV, MUON_MEV, PION_MEV, Floats
from levelone.simulate.passage.losses import Collisions, motion, straggled, tables, turning
from levelone.simulate.passage.matter import Matter
from levelone.simulate.passage.particles import (
    MASS,
    TRACKS,
    Deposits,
    Kind,
    Particles,
    anywhere,
    join,
    take,
)

GENERATIONS = 4
_FREE_MEV = 60.0
"""Mean energy of a proton that a pion frees in flight; at rest a third of it."""
_MICHEL_MEV = (MUON_MEV**2 + ELECTRON_MEV**2) / (2 * MUON_MEV)


@dataclass(frozen=True)
class Followed:
    """What tracks leave, the electrons that they set going, and the hadrons that they make."""

    deposits: Deposits
    electrons: Particles
    hadrons: Particles


def follow_tracks(
    particles: Particles, matter: Matter, step_cm: float, longest_cm: float, rng: np.random.Generator
) -> tuple[Deposits, Particles]:
    """Signal of all tracks and of what hadrons make, and the electrons that they set going.

    A path is followed up to `longest_cm`.
    """
    deposits, electrons = [Deposits.none()], [Particles.none()]
    for _ in range(GENERATIONS):
        made = [Particles.none()]
        for kind in TRACKS:
            mine = take(particles, particles.kind == kind)
            if len(mine):
                found = _follow(mine, kind, matter, step_cm, longest_cm, rng)
                deposits.append(found.deposits)
                electrons.append(found.electrons)
                made.append(found.hadrons)
        particles = join(made)
    return join(deposits), join(electrons)


def _follow(
    particles: Particles,
    kind: Kind,
    matter: Matter,
    step_cm: float,
    longest_cm: float,
    rng: np.random.Generator,
) -> Followed:
    mass, table = MASS[kind], tables(MASS[kind], matter)
    whole = table.range_of(particles.energy)
    before = _interaction_cm(kind, matter) * rng.standard_exponential(len(particles))
    path = np.minimum(np.minimum(whole, before), longest_cm)
    order = np.argsort(-path)  # the first ones get farthest
    particles, whole, before, path = take(particles, order), whole[order], before[order], path[order]
    edges = np.minimum(np.arange(int(np.ceil(path[0] / step_cm)) + 1) * step_cm, path[:, None])
    energy = table.energy_left(whole[:, None] - edges)
    length = np.diff(edges, axis=1)
    middle = table.energy_left(whole[:, None] - (edges[:, 1:] + edges[:, :-1]) / 2)
    lost_direction = turning(np.maximum(middle, 1e-3), mass, matter)
    place = np.empty((*length.shape, 3))
    heading = np.empty_like(place)
    position, direction = particles.position.copy(), particles.direction.copy()
    for step in range(length.shape[1]):
        n = int(np.searchsorted(-length[:, step], 0.0))  # those that still go
        small = sample_small(lost_direction[:n, step], length[:n, step], rng)
        direction[:n] = turned(direction[:n], 1 - 2 * small, rng.uniform(0, 2 * np.pi, n))
        half = direction[:n] * (length[:n, step, None] / 2)
        place[:n, step], heading[:n, step] = position[:n] + half, direction[:n]
        position[:n] += 2 * half
    row, column = np.nonzero(length > 0)
    ends = energy[row, column], energy[row, column + 1]
    deposits, electrons = _signal(
        particles,
        row,
        length[row, column],
        ends,
        place[row, column],
        heading[row, column],
        kind,
        matter,
        rng,
    )
    last = Particles(particles.event, particles.kind, energy[:, -1], position, direction)
    interacts = (before < whole) & (before < longest_cm)
    rests = (whole <= before) & (whole < longest_cm)
    fate = _fate(take(last, interacts), take(last, rests), kind, matter, rng)
    return Followed(deposits, join([electrons, fate[0]]), fate[1])


def _interaction_cm(kind: Kind, matter: Matter) -> float:
    """Mean path before a nuclear interaction."""
    if kind == Kind.MUON:
        return np.inf
    material = matter.material
    return (material.pion_interaction_mm if kind == Kind.PION else material.interaction_mm) / 10


def _signal(
    particles: Particles,
    row: NDArray[np.int64],
    length: Floats,
    ends: tuple[Floats, Floats],
    place: Floats,
    heading: Floats,
    kind: Kind,
    matter: Matter,
    rng: np.random.Generator,
) -> tuple[Deposits, Particles]:
    """Deposits of the pieces of path [m] of the particles `row`, and knock-on electrons."""
    mass, table = MASS[kind], tables(MASS[kind], matter)
    energy = np.maximum((ends[0] + ends[1]) / 2, 1e-3)
    mean = ends[0] - ends[1]
    per_mev = (table.signal_of(ends[0]) - table.signal_of(ends[1])) / np.maximum(mean, 1e-12)
    knock_on, material = matter.knock_on_mev, matter.material
    hard = Collisions.of(energy, mass, knock_on, np.inf, material)
    whose, transfer = hard.draw(length, rng)
    lost = straggled(energy, mass, mean - hard.mean * length, length, knock_on, material, rng)
    event = particles.event[row]
    deposits = Deposits(event, np.full(len(row), kind), place, lost * per_mev)
    momentum, _ = motion(energy[whose], mass)
    kicked, _ = motion(transfer, ELECTRON_MEV)
    cosine = np.minimum((energy[whose] + mass + ELECTRON_MEV) * transfer / (momentum * kicked), 1.0)
    aim = turned(heading[whose], cosine, rng.uniform(0, 2 * np.pi, len(whose)))
    knocked = np.full(len(whose), Kind.KNOCK_ON)
    return deposits, Particles(event[whose], knocked, transfer, place[whose], aim)


def _fate(
    interacts: Particles, rests: Particles, kind: Kind, matter: Matter, rng: np.random.Generator
) -> tuple[Particles, Particles]:
    """Electrons and hadrons of particles that interact or come to rest."""
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

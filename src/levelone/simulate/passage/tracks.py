"""Muons, pions and protons in any matter: how far they get, what they leave, what becomes of them.

On each piece of its path a particle loses what its mean range says, straggled by collisions below
`Matter.knock_on_mev`, and what it gives in those above to electrons of their own, followed in
`levelone.simulate.passage.showers`; one that loses more goes less far. Hadrons interact after exponential
paths (lengths of the PDG's tables).

Assumptions without a source, where a nuclear cascade would be needed: of a pion that interacts a third is
absorbed and leaves two protons, else it goes on with 0.3 to 0.9 of its energy beside one proton; a proton
that interacts becomes two that share up to 0.8 of its energy; directions prefer none, energies of the protons
are exponential (means below). At rest half of the pions decay; the others give a proton in half of the cases.
Muons at rest: half are positive; of the negative ones `Matter.captured` are captured; the others decay, with
Michel's spectrum.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from levelone.simulate.deflections import turned
from levelone.simulate.materials import ELECTRON_MEV, MUON_MEV, PION_MEV, Floats
from levelone.simulate.passage.losses import Collisions, knock_on_cosine, straggled, tables
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
PIECES = 16
"""Of every path that are followed at once."""
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


@dataclass(frozen=True)
class _Stretch:
    """The next pieces of the paths of n particles, all arrays [n, PIECES].

    Attributes
    ----------
    length
        cm; 0 behind the end of a path.
    begin, end
        Energy at both ends of a piece, MeV, without straggling since the first of them began.
    place, heading
        Middle and direction, [n, PIECES, 3].
    """

    length: Floats
    begin: Floats
    end: Floats
    place: Floats
    heading: Floats


@dataclass(frozen=True)
class _Lost:
    """On a `_Stretch`, [n, PIECES]: signal, energy that is left behind a piece, and knock-on electrons."""

    signal: Floats
    left: Floats
    knocked: Particles


def _follow(
    particles: Particles,
    kind: Kind,
    matter: Matter,
    step_cm: float,
    longest_cm: float,
    rng: np.random.Generator,
) -> Followed:
    table = tables(MASS[kind], matter)
    before = _interaction_cm(kind, matter) * rng.standard_exponential(len(particles))
    ahead, meets = np.minimum(before, longest_cm), before < longest_cm
    deposits, electrons = [Deposits.none()], [Particles.none()]
    interact, rest = [Particles.none()], [Particles.none()]
    while len(particles):
        whole = table.range_of(particles.energy)
        edges = np.minimum(np.arange(PIECES + 1) * step_cm, np.minimum(whole, ahead)[:, None])
        stretch, position, direction = _walk(particles, whole, edges, kind, matter, rng)
        lost = _lose(particles, stretch, kind, matter, rng)
        row, column = np.nonzero(lost.signal)
        deposits.append(_deposits(particles, row, stretch.place[row, column], lost.signal[row, column]))
        electrons.append(lost.knocked)
        rests = lost.left[:, -1] <= 0
        stops = np.argmax(lost.left <= 0, axis=1)
        position[rests] = stretch.place[rests, stops[rests]]
        particles = Particles(particles.event, particles.kind, lost.left[:, -1], position, direction)
        ahead = ahead - edges[:, -1]
        arrives = ahead <= 0
        rest.append(take(particles, rests))
        interact.append(take(particles, arrives & meets & ~rests))
        goes = ~rests & ~arrives
        particles, ahead, meets = take(particles, goes), ahead[goes], meets[goes]
    fate = _fate(join(interact), join(rest), kind, matter, rng)
    return Followed(join(deposits), join([*electrons, fate[0]]), fate[1])


def _interaction_cm(kind: Kind, matter: Matter) -> float:
    """Mean path before a nuclear interaction."""
    if kind == Kind.MUON:
        return np.inf
    material = matter.material
    return (material.pion_interaction_mm if kind == Kind.PION else material.interaction_mm) / 10


def _deposits(of: Particles, row: NDArray[np.int64], place: Floats, signal: Floats) -> Deposits:
    return Deposits(of.event[row], of.kind[row], place, signal)


def _walk(
    particles: Particles, whole: Floats, edges: Floats, kind: Kind, matter: Matter, rng: np.random.Generator
) -> tuple[_Stretch, Floats, Floats]:
    """Pieces between `edges` [n, PIECES + 1] of ranges [n], deflected; position and direction behind them."""
    table = tables(MASS[kind], matter)
    length = np.diff(edges, axis=1)
    energy = table.energy_left(whole[:, None] - edges)
    middle = table.energy_left(whole[:, None] - (edges[:, 1:] + edges[:, :-1]) / 2)
    small = table.scattering_of(middle).draw(length, matter, rng)
    azimuth = rng.uniform(0, 2 * np.pi, length.shape)
    heading, direction = np.empty((*length.shape, 3)), particles.direction
    for piece in range(length.shape[1]):
        direction = turned(direction, 1 - 2 * small[:, piece], azimuth[:, piece])
        heading[:, piece] = direction
    ends = particles.position[:, None] + np.cumsum(heading * length[..., None], axis=1)
    place = ends - heading * (length[..., None] / 2)
    return _Stretch(length, energy[:, :-1], energy[:, 1:], place, heading), ends[:, -1], direction


def _lose(
    particles: Particles, stretch: _Stretch, kind: Kind, matter: Matter, rng: np.random.Generator
) -> _Lost:
    """What particles lose on a stretch: of a path that ends in its first piece the rest, else as it falls."""
    mass, table = MASS[kind], tables(MASS[kind], matter)
    row, column = np.nonzero(stretch.length > 0)
    begin, end, length = (values[row, column] for values in (stretch.begin, stretch.end, stretch.length))
    mean = begin - end
    per_mev = (table.signal_of(begin) - table.signal_of(end)) / np.maximum(mean, 1e-12)
    energy = np.maximum((begin + end) / 2, 1e-3)
    knock_on, material = matter.knock_on_mev, matter.material
    hard = Collisions.of(energy, mass, knock_on, np.inf, material)
    whose, transfer = hard.draw(length, rng)
    straggles = straggled(energy, mass, mean - hard.mean * length, length, knock_on, material, rng)
    soft, knocks, density = (np.zeros_like(stretch.length) for _ in range(3))
    last = (column == 0) & (end <= 0)
    soft[row, column] = np.where(last, particles.energy[row], straggles)
    knocks[row, column] = np.bincount(whose, transfer, len(row))
    density[row, column] = per_mev
    spent = np.cumsum(soft + knocks, axis=1)
    has = np.maximum(particles.energy[:, None] - (spent - soft), 0)  # for the piece's softer collisions
    left = np.maximum(particles.energy[:, None] - spent, 0)
    real = (has[row, column] > 0)[whose]
    whose, transfer = whose[real], transfer[real]
    row, column = row[whose], column[whose]
    aim = turned(
        stretch.heading[row, column],
        knock_on_cosine(energy[whose], mass, transfer),
        rng.uniform(0, 2 * np.pi, len(whose)),
    )
    kinds = np.full(len(whose), Kind.KNOCK_ON)
    knocked = Particles(particles.event[row], kinds, transfer, stretch.place[row, column], aim)
    return _Lost(np.minimum(soft, has) * density, left, knocked)


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

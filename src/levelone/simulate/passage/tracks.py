"""Muons, pions and protons in any matter: how far they get and what they leave.

On each piece of its path a particle loses what its mean range says, straggled by collisions below
`Matter.knock_on_mev`, and what it gives in those above to electrons of their own, followed in
`levelone.simulate.passage.showers`; one that loses more goes less far, from the next `PIECES` on. A range of
few pieces therefore straggles less than it should: of protons of 150 MeV in nova's detector, which go 17 cm,
by 0.02 cm instead of 0.18, far below its cells. Hadrons interact after exponential paths (lengths of the
PDG's tables); what becomes of all is in `levelone.simulate.passage.fates`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from levelone.simulate.deflections import turned, turned_anywhere
from levelone.simulate.materials import Floats
from levelone.simulate.passage.fates import fate
from levelone.simulate.passage.losses import Collisions, knock_on_cosine, straggled, tables
from levelone.simulate.passage.matter import Matter
from levelone.simulate.passage.particles import (
    MASS,
    TRACKS,
    Deposits,
    Kind,
    Particles,
    join,
    take,
)

GENERATIONS = 4
PIECES = 16
"""Of every path that are followed at once."""


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
        event, kinds = particles.event[row], particles.kind[row]
        deposits.append(Deposits(event, kinds, stretch.place[row, column], lost.signal[row, column]))
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
    decayed, hadrons = fate(join(interact), join(rest), kind, matter, rng)
    return Followed(join(deposits), join([*electrons, decayed]), hadrons)


def _interaction_cm(kind: Kind, matter: Matter) -> float:
    """Mean path before a nuclear interaction."""
    if kind == Kind.MUON:
        return np.inf
    material = matter.material
    return (material.pion_interaction_mm if kind == Kind.PION else material.interaction_mm) / 10


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
    cosine = knock_on_cosine(energy[whose], mass, transfer)
    aim = turned_anywhere(stretch.heading[row, column], cosine, rng)
    kinds = np.full(len(whose), Kind.KNOCK_ON)
    knocked = Particles(particles.event[row], kinds, transfer, stretch.place[row, column], aim)
    return _Lost(np.minimum(soft, has) * density, left, knocked)

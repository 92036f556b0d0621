"""Proton collisions from Pythia 8, and their mixing into bunch crossings."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.errors import LeveloneError
from levelone.simulate.pythia import start

PROCESSES = {
    "ttbar": ("Top:gg2ttbar = on", "Top:qqbar2ttbar = on"),
    "minbias": ("SoftQCD:inelastic = on",),
}

ETA_LIMIT = 4.0
CHARGED_P_MIN_GEV = 0.1
PHOTON_P_MIN_GEV = 0.2
# Particles born outside the pixel volume leave no hit in it.
BIRTH_R_MAX_MM, BIRTH_Z_MAX_MM = 180.0, 1500.0
BEAM_SPOT_SIGMA_XY_MM, BEAM_SPOT_SIGMA_Z_MM = 0.015, 50.0

MAX_FAILURES = 100

COLUMNS = ("pdg", "charge", "mass", "x", "y", "z", "t", "px", "py", "pz")
"""Columns of a particle table: lengths in mm, mass and momentum in GeV, charge in e."""


def _collision(event: Any) -> NDArray[np.float64]:
    rows: list[tuple[float, ...]] = []
    for particle in event:
        if not particle.isFinal():
            continue
        charged = particle.isCharged()
        if not charged and particle.id() != 22:
            continue
        if particle.pAbs() < (CHARGED_P_MIN_GEV if charged else PHOTON_P_MIN_GEV):
            continue
        if abs(particle.eta()) > ETA_LIMIT:
            continue
        x, y, z = particle.xProd(), particle.yProd(), particle.zProd()
        if x * x + y * y > BIRTH_R_MAX_MM**2 or abs(z) > BIRTH_Z_MAX_MM:
            continue
        momentum = (particle.px(), particle.py(), particle.pz())
        rows.append((particle.id(), particle.charge(), particle.m(), x, y, z, particle.tProd(), *momentum))
    return np.array(rows, dtype=np.float64).reshape(-1, len(COLUMNS))


class Source:
    """A stream of collisions of one process from one generator with one seed.

    Parameters
    ----------
    process
        ``"ttbar"`` or ``"minbias"``, proton-proton at 14 TeV.
    seed
        1 to 900,000,000 (the range that Pythia accepts).

    Raises
    ------
    LeveloneError
        If Pythia is missing or gives up.
    """

    def __init__(self, process: str, seed: int) -> None:
        self._process = process
        self._generator = start(process, PROCESSES[process], seed)

    def next(self) -> NDArray[np.float64]:
        """Particle table of the next collision, float64 [particles, 10] (see `COLUMNS`)."""
        for _ in range(MAX_FAILURES):
            if self._generator.next():
                return _collision(self._generator.event)
        raise LeveloneError(f"Pythia failed {MAX_FAILURES} times in a row while generating '{self._process}'")


class Pool:
    """Minimum-bias collisions of one split, generated when first asked for.

    A new pool takes collisions that no other pool has seen, because they all continue one stream. Beyond
    `limit` collisions a pool starts again from its first one, which `place` turns and moves.
    """

    def __init__(self, source: Source, limit: int) -> None:
        self._source = source
        self._limit = limit
        self._tables: list[NDArray[np.float64]] = []
        self._taken = 0

    def take(self, count: int) -> list[NDArray[np.float64]]:
        """Return the next `count` collisions."""
        return [self._one() for _ in range(count)]

    def _one(self) -> NDArray[np.float64]:
        place = self._taken % self._limit
        self._taken += 1
        if place == len(self._tables):
            self._tables.append(self._source.next())
        return self._tables[place]


def place(particles: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Copy of a collision turned by a random azimuth and moved to a random vertex of the beam spot."""
    placed = particles.copy()
    angle = rng.uniform(0, 2 * np.pi)
    cos, sin = np.cos(angle), np.sin(angle)
    for a, b in ((3, 4), (7, 8)):
        placed[:, a], placed[:, b] = (
            cos * particles[:, a] - sin * particles[:, b],
            sin * particles[:, a] + cos * particles[:, b],
        )
    placed[:, 3:5] += rng.normal(0, BEAM_SPOT_SIGMA_XY_MM, 2)
    placed[:, 5] += rng.normal(0, BEAM_SPOT_SIGMA_Z_MM)
    return placed


def crossing(
    hard: NDArray[np.float64], soft: list[NDArray[np.float64]], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Particle table of one bunch crossing: a hard collision among pile-up collisions."""
    return np.concatenate([place(collision, rng) for collision in (hard, *soft)])

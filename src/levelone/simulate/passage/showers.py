"""Electromagnetic showers in any matter: electrons radiate, photons make pairs or scatter, and again.

Sources
-------
Bremsstrahlung: 4/3 - 4/3 y + y^2 over y per radiation length (PDG review, complete screening). Pairs: the
first Born approximation without screening at low energies, L. C. Maximon, J. Res. Natl. Bur. Stand. 72B
(1968) 79 (its expansion in 2 / k, with Z (Z + 1) for the atom's electrons), 7/9 per radiation length at high
ones (PDG review); in between the fourth powers of both lengths are added. Energies are shared as 1 - 4/3 x (1
- x). Compton scattering: O. Klein and Y. Nishina. Photoelectric absorption falls with the energy to the 3.2.

Left out: annihilation of positrons, the angle between a pair or a radiated photon and what made it
(electron mass over energy), photons below `SOFT_MEV`, which are absorbed where they are made.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from levelone.simulate.deflections import compton_scatter, sample_small, turned
from levelone.simulate.materials import ALPHA, CLASSICAL_RADIUS_CM, ELECTRON_MEV, Floats
from levelone.simulate.passage.losses import stopping, straggled, turning
from levelone.simulate.passage.matter import Matter
from levelone.simulate.passage.particles import Deposits, Particles, join, take

SOFT_MEV = 0.3
"""Photons of less are absorbed where they are made, and electrons of less stop where they are."""
STRAGGLES_MEV = 2.0
"""Single collisions of electrons up to here make their signal fluctuate, larger ones count with the mean."""
_ZETA3 = 1.202_056_9


@dataclass(frozen=True)
class Region:
    """Where particles matter: between two corners, cm; infinite along an axis that is not seen.

    Attributes
    ----------
    beyond_cm
        So far outside electrons are followed; photons three times as far.
    """

    low: tuple[float, float, float]
    high: tuple[float, float, float]
    beyond_cm: float = 3.0

    def near(self, position: Floats, beyond: float = 1.0) -> NDArray[np.bool_]:
        """Which of the positions [n, 3] lie inside, or at most so many times `beyond_cm` outside."""
        margin = beyond * self.beyond_cm
        low, high = np.array(self.low) - margin, np.array(self.high) + margin
        return np.all((position > low) & (position < high), axis=1)


def pair_rate(energy: Floats, matter: Matter) -> Floats:
    """Pairs of photons (MeV), per cm."""
    k = np.maximum(energy / ELECTRON_MEV, 2.000_001)
    log = np.log(2 * k)
    near = 6 * log - 3.5 + 2 / 3 * log**3 - log**2 - np.pi**2 / 3 * log + 2 * _ZETA3 + np.pi**2 / 6
    atoms = ALPHA * CLASSICAL_RADIUS_CM**2 * matter.pairing
    bare = atoms * (28 / 9 * log - 218 / 27 + (2 / k) ** 2 * near - (2 / k) ** 4 * (3 / 16 * log + 1 / 8))
    bare = np.maximum(bare, 1e-9)
    screened = 7 / 9 / matter.x0_cm
    return np.where(energy > 2 * ELECTRON_MEV, (bare**-4 + screened**-4) ** -0.25, 0)


def compton_rate(energy: Floats, matter: Matter) -> Floats:
    """Compton scatterings of photons (MeV), per cm: Klein and Nishina's total cross section."""
    a = energy / ELECTRON_MEV
    b = np.log1p(2 * a)
    area = (1 + a) / a**2 * (2 * (1 + a) / (1 + 2 * a) - b / a) + b / (2 * a) - (1 + 3 * a) / (1 + 2 * a) ** 2
    return 2 * np.pi * CLASSICAL_RADIUS_CM**2 * matter.electrons * area


def absorption_rate(energy: Floats, matter: Matter) -> Floats:
    """Photoelectric absorption of photons (MeV), per cm."""
    return matter.absorption * matter.material.density * (energy / 0.1) ** -3.2


def radiation_rate(kinetic: Floats, matter: Matter) -> Floats:
    """Photons above `SOFT_MEV` that electrons (MeV) radiate, per cm."""
    y = np.minimum(SOFT_MEV / kinetic, 1)
    return (-4 / 3 * np.log(y) - 4 / 3 * (1 - y) + (1 - y**2) / 2) / matter.x0_cm


def soft_radiation(kinetic: Floats, matter: Matter) -> Floats:
    """Mean loss to softer photons, MeV / cm."""
    y = np.minimum(SOFT_MEV / kinetic, 1)
    return kinetic * (4 / 3 * y - 2 / 3 * y**2 + y**3 / 3) / matter.x0_cm


def sample_radiated(kinetic: Floats, rng: np.random.Generator) -> Floats:
    """Energies of photons above `SOFT_MEV`, [n]."""
    energy = np.empty(len(kinetic))
    left = np.arange(len(kinetic))
    while len(left):
        y = (SOFT_MEV / kinetic[left]) ** rng.random(len(left))  # proposed with density 1 / y
        energy[left] = y * kinetic[left]
        left = left[4 / 3 * rng.random(len(left)) > 4 / 3 - 4 / 3 * y + y**2]
    return energy


def _share(count: int, rng: np.random.Generator) -> Floats:
    """Share of a photon's energy that the electron of its pair gets."""
    x = np.empty(count)
    left = np.arange(count)
    while len(left):
        x[left] = rng.random(len(left))
        left = left[rng.random(len(left)) > 1 - 4 / 3 * x[left] * (1 - x[left])]
    return x


def follow_photons(photons: Particles, region: Region, matter: Matter, rng: np.random.Generator) -> Particles:
    """The electrons that photons set going near the region."""
    born = [Particles.none()]
    while len(photons):
        rates = np.stack(
            [rate(photons.energy, matter) for rate in (pair_rate, compton_rate, absorption_rate)]
        )
        path = rng.standard_exponential(len(photons)) / rates.sum(0)
        position = photons.position + photons.direction * path[:, None]
        here = region.near(position, 3)
        photons = Particles(photons.event, photons.kind, photons.energy, position, photons.direction)
        photons, rates = take(photons, here), rates[:, here]
        drawn = rng.random(len(photons)) * rates.sum(0)
        pair, scatters = drawn < rates[0], (drawn >= rates[0]) & (drawn < rates[0] + rates[1])
        born += [*_pairs(take(photons, pair), rng), take(photons, ~pair & ~scatters)]
        photons = take(photons, scatters)
        share, aim, kick = compton_scatter(photons.energy, photons.direction, rng)
        lost = photons.energy * (1 - share)
        born.append(Particles(photons.event, photons.kind, lost, photons.position, kick))
        photons = Particles(photons.event, photons.kind, photons.energy * share, photons.position, aim)
    return join(born)


def _pairs(photons: Particles, rng: np.random.Generator) -> list[Particles]:
    available = photons.energy - 2 * ELECTRON_MEV
    share = _share(len(photons), rng)
    return [
        Particles(photons.event, photons.kind, available * part, photons.position, photons.direction)
        for part in (share, 1 - share)
    ]


@dataclass(frozen=True)
class _Rates:
    """Of electrons at energies on a logarithmic grid: rows of what a step needs."""

    first: float
    per_unit: float
    rows: Floats

    def at(self, kinetic: Floats) -> Floats:
        """Rows at these energies, interpolated in the logarithm."""
        place = np.clip((np.log(kinetic) - self.first) * self.per_unit, 0, self.rows.shape[1] - 1.001)
        below = place.astype(np.int64)
        part = place - below
        return self.rows[:, below] * (1 - part) + self.rows[:, below + 1] * part


@lru_cache(maxsize=4)
def _rates(matter: Matter) -> _Rates:
    grid = np.geomspace(0.02, 2500, 800)
    per_unit = float((len(grid) - 1) / np.log(grid[-1] / grid[0]))
    energy = np.concatenate([grid, grid[-1] * np.exp(np.arange(1, 121) / per_unit)])  # to 14 GeV
    loss = stopping(energy, ELECTRON_MEV, matter.material)
    rows = (
        loss,
        soft_radiation(energy, matter),
        radiation_rate(energy, matter),
        turning(energy, ELECTRON_MEV, matter),
        matter.signal(loss),
    )
    return _Rates(float(np.log(energy[0])), per_unit, np.stack(rows))


def follow_electrons(
    electrons: Particles, region: Region, matter: Matter, step_cm: float, rng: np.random.Generator
) -> tuple[list[Deposits], Particles]:
    """What electrons leave, and the photons that they radiate."""
    table = _rates(matter)
    deposits: list[Deposits] = []
    photons = [Particles.none()]
    wait = rng.standard_exponential(len(electrons))
    while len(electrons):
        loss, soft, radiates, turns, per_mev = table.at(electrons.energy)
        slow = electrons.energy < SOFT_MEV
        length = np.where(slow, 0.0, np.minimum(step_cm, electrons.energy / (loss + soft)))
        mean = np.where(slow, electrons.energy, (loss + soft) * length)
        bends = 1 - 2 * sample_small(turns, length, rng)
        direction = turned(electrons.direction, bends, rng.uniform(0, 2 * np.pi, len(length)))
        way = direction * length[:, None]
        fast = np.maximum(electrons.energy, 2.1 * SOFT_MEV)
        left = straggled(fast, ELECTRON_MEV, mean, length, STRAGGLES_MEV, matter.material, rng)
        left = np.minimum(left, electrons.energy)
        middle = electrons.position + way / 2
        deposits.append(Deposits(electrons.event, electrons.kind, middle, left * per_mev))
        energy, position = electrons.energy - left, electrons.position + way
        wait = wait - radiates * length
        emits = (wait <= 0) & (energy > SOFT_MEV)
        photon = sample_radiated(energy[emits], rng)
        energy[emits] -= photon
        wait[emits] += rng.standard_exponential(len(photon))
        moved = Particles(electrons.event, electrons.kind, energy, position, direction)
        born = take(moved, emits)
        photons.append(Particles(born.event, born.kind, photon, born.position, born.direction))
        goes = (energy > 1e-6) & region.near(position)
        electrons, wait = take(moved, goes), wait[goes]
    return deposits, join(photons)


def follow_showers(
    electrons: Particles,
    photons: Particles,
    region: Region,
    matter: Matter,
    step_cm: float,
    rng: np.random.Generator,
) -> Deposits:
    """Signal of electrons, photons and everything that they make."""
    deposits = [Deposits.none()]
    while len(electrons) or len(photons):
        electrons = join([electrons, follow_photons(photons, region, matter, rng)])
        left, photons = follow_electrons(electrons, region, matter, step_cm, rng)
        deposits += left
        electrons = Particles.none()
    return join(deposits)

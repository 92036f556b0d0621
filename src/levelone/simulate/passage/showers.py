"""Electromagnetic showers in any matter: electrons radiate, photons make pairs or scatter, and again.

Sources
-------
Bremsstrahlung: 4/3 - 4/3 y + y^2 over y per radiation length (PDG review, complete screening). Pairs: the
first Born approximation without screening at low energies, L. C. Maximon, J. Res. Natl. Bur. Stand. 72B
(1968) 79 (its expansion in 2 / k, with Z (Z + 1) for the atom's electrons), 7/9 per radiation length at high
ones (PDG review); in between the fourth powers of both lengths are added. Energies are shared as 1 - 4/3 x (1
- x). Angles of pairs and of what is radiated: Y.-S. Tsai, Rev. Mod. Phys. 46 (1974) 815, as simplified in
the Physics Reference Manual of Geant4. Compton scattering: O. Klein and Y. Nishina. Photoelectric absorption
falls with the energy to the 3.2.

Left out: photons below `SOFT_MEV`, which are absorbed where they are made; annihilation in flight, and of
positrons that muons decay into; what an electron is deflected by when it radiates.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from levelone.simulate.deflections import compton_scatter, turned, turned_anywhere
from levelone.simulate.materials import ALPHA, CLASSICAL_RADIUS_CM, ELECTRON_MEV, Floats
from levelone.simulate.passage.losses import Collisions, knock_on_cosine, motion, stopping, straggled
from levelone.simulate.passage.matter import Matter
from levelone.simulate.passage.particles import Deposits, Particles, anywhere, join, take
from levelone.simulate.passage.scattering import Scattering

SOFT_MEV = 0.3
"""Photons of less are absorbed where they are made, and electrons of less stop where they are."""
STRAGGLES_MEV = 2.0
"""Single collisions of electrons up to here make their signal fluctuate, larger ones set others going."""
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


def _opening_cosine(energy: Floats, rng: np.random.Generator) -> Floats:
    """Cosine of the angle to a photon of electrons with this total energy that it makes, or radiate it, [n].

    The angle is u times electron mass over energy, with a density of u (exp(-a u) + 27 exp(-3 a u)).
    """
    slope = np.where(rng.random(len(energy)) < 9 / (9 + 27), 0.625, 3 * 0.625)
    u = rng.standard_gamma(2, len(energy)) / slope
    return np.cos(np.minimum(u * ELECTRON_MEV / energy, np.pi))


def follow_photons(
    photons: Particles, region: Region, matter: Matter, rng: np.random.Generator
) -> tuple[Particles, Particles]:
    """The electrons and the positrons that photons set going near the region."""
    electrons, positrons = [Particles.none()], [Particles.none()]
    while len(photons):
        rates = np.stack(
            [rate(photons.energy, matter) for rate in (pair_rate, compton_rate, absorption_rate)]
        )
        path = rng.standard_exponential(len(photons)) / rates.sum(0)
        photons = replace(photons, position=photons.position + photons.direction * path[:, None])
        here = region.near(photons.position, 3)
        photons, rates = take(photons, here), rates[:, here]
        drawn = rng.random(len(photons)) * rates.sum(0)
        pair, scatters = drawn < rates[0], (drawn >= rates[0]) & (drawn < rates[0] + rates[1])
        electron, positron = _pairs(take(photons, pair), rng)
        positrons.append(positron)
        electrons += [electron, take(photons, ~pair & ~scatters)]
        photons = take(photons, scatters)
        share, aim, kick = compton_scatter(photons.energy, photons.direction, rng)
        electrons.append(replace(photons, energy=photons.energy * (1 - share), direction=kick))
        photons = replace(photons, energy=photons.energy * share, direction=aim)
    return join(electrons), join(positrons)


def _pairs(photons: Particles, rng: np.random.Generator) -> tuple[Particles, Particles]:
    available = photons.energy - 2 * ELECTRON_MEV
    share = _share(len(photons), rng)
    azimuth = rng.uniform(0, 2 * np.pi, len(photons))

    def one(kinetic: Floats, azimuth: Floats) -> Particles:
        aim = turned(photons.direction, _opening_cosine(kinetic + ELECTRON_MEV, rng), azimuth)
        return replace(photons, energy=kinetic, direction=aim)

    return one(available * share, azimuth), one(available * (1 - share), azimuth + np.pi)


def annihilate(positrons: Particles, rng: np.random.Generator) -> Particles:
    """Both photons of every positron at rest."""
    aim = anywhere(len(positrons), rng)
    mass = np.full(len(positrons), ELECTRON_MEV)
    return join([replace(positrons, energy=mass, direction=sign * aim) for sign in (1, -1)])


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
    scatters = Scattering.of(*motion(energy, ELECTRON_MEV), ELECTRON_MEV, matter)
    rows = (
        loss,
        soft_radiation(energy, matter),
        radiation_rate(energy, matter),
        matter.signal(loss),
        scatters.soft,
        scatters.least,
        scatters.most,
    )
    return _Rates(float(np.log(energy[0])), per_unit, np.stack(rows))


@dataclass(frozen=True)
class Left:
    """What electrons leave: deposits, the photons that they radiate or become, electrons they knock on."""

    deposits: list[Deposits]
    photons: Particles
    knocked: Particles


def follow_electrons(
    electrons: Particles,
    positive: NDArray[np.bool_],
    region: Region,
    matter: Matter,
    step_cm: float,
    rng: np.random.Generator,
) -> Left:
    """What electrons leave, and positrons where they are `positive` [n]: those annihilate at rest."""
    table = _rates(matter)
    deposits: list[Deposits] = []
    none = Particles.none()
    radiate, radiated, hit, given, rest = [none], [none.energy], [none], [none.energy], [none]
    wait = rng.standard_exponential(len(electrons))
    while len(electrons):
        loss, soft, radiates, per_mev, *scatters = table.at(electrons.energy)
        slow = electrons.energy < SOFT_MEV
        length = np.where(slow, 0.0, np.minimum(step_cm, electrons.energy / (loss + soft)))
        fast = np.maximum(electrons.energy, 2.1 * SOFT_MEV)
        hard = Collisions.of(fast, ELECTRON_MEV, STRAGGLES_MEV, np.inf, matter.material)
        mean = np.where(slow, electrons.energy, (loss + soft - hard.mean) * length)
        bends = 1 - 2 * Scattering(*scatters).draw(length, matter, rng)
        direction = turned_anywhere(electrons.direction, bends, rng)
        way = direction * length[:, None]
        left = straggled(fast, ELECTRON_MEV, mean, length, STRAGGLES_MEV, matter.material, rng)
        left = np.minimum(left, electrons.energy)
        middle = replace(electrons, position=electrons.position + way / 2, direction=direction)
        deposits.append(Deposits(electrons.event, electrons.kind, middle.position, left * per_mev))
        whose, transfer = hard.draw(length, rng)
        hit.append(take(middle, whose))
        given.append(transfer)
        energy = np.maximum(electrons.energy - left - np.bincount(whose, transfer, len(left)), 0)
        wait = wait - radiates * length
        emits = (wait <= 0) & (energy > SOFT_MEV)
        photon = sample_radiated(energy[emits], rng)
        moved = replace(middle, energy=energy, position=middle.position + way / 2)
        radiate.append(take(moved, emits))
        radiated.append(photon)
        energy[emits] -= photon
        wait[emits] += rng.standard_exponential(len(photon))
        here, moves = region.near(moved.position), energy > 1e-6
        rest.append(take(moved, here & ~moves & positive))
        goes = here & moves
        electrons, wait, positive = take(moved, goes), wait[goes], positive[goes]
    by, energy = join(radiate), np.concatenate(radiated)
    sent = _sent(by, energy, _opening_cosine(by.energy + ELECTRON_MEV, rng), rng)
    photons = join([sent, annihilate(join(rest), rng)])
    by, energy = join(hit), np.concatenate(given)
    return Left(deposits, photons, _sent(by, energy, knock_on_cosine(by.energy, ELECTRON_MEV, energy), rng))


def _sent(by: Particles, energy: Floats, cosine: Floats, rng: np.random.Generator) -> Particles:
    """What these electrons send off, of this energy [n] and at this angle to themselves."""
    return replace(by, energy=energy, direction=turned_anywhere(by.direction, cosine, rng))


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
        negative, positive = follow_photons(photons, region, matter, rng)
        electrons = join([electrons, negative])
        both = join([electrons, positive])
        left = follow_electrons(both, np.arange(len(both)) >= len(electrons), region, matter, step_cm, rng)
        deposits += left.deposits
        electrons, photons = left.knocked, left.photons
    return join(deposits)

"""What charged particles lose in matter, and what of it is signal.

Sources
-------
Heavy particles: Bethe's formula with density effect (PDG review, "Passage of particles through matter").
Electrons: the collision stopping power of M. J. Berger and S. M. Seltzer (ICRU Report 37, 1984). Single
collisions: the spectrum 1 / T^2 of knock-on electrons (PDG review), for electrons its leading term.

Everything that adds up along a path is tabulated as a function of energy (range, signal), or drawn from a law
that is closed under addition (single collisions one by one, softer ones normal): no sum depends on steps.
Kinetic energies in MeV, lengths in cm.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from levelone.simulate.materials import ELECTRON_MEV, K_MEV_CM2, Floats, Material
from levelone.simulate.passage.matter import Matter
from levelone.simulate.passage.scattering import Scattering

SINGLE_MEV = 0.005
"""Collisions that transfer more are drawn one by one."""
SLOWEST = 1.5e-3
"""Kinetic energy over mass below which Bethe's formula fails: from there on the loss is taken as constant. A
proton then has 1.4 MeV, and 0.1 mm to go."""
_GRID = np.geomspace(0.05, 20_000, 1600)


def _scale(material: Material) -> float:
    return K_MEV_CM2 / 2 * material.z_over_a * material.density


def motion(kinetic: Floats, mass: float) -> tuple[Floats, Floats]:
    """Momentum (MeV) and velocity squared."""
    momentum = np.sqrt(kinetic * (kinetic + 2 * mass))
    return momentum, (momentum / (kinetic + mass)) ** 2


def largest_transfer(kinetic: Floats, mass: float) -> Floats:
    """Largest energy that a collision with an electron transfers; half of an electron's own."""
    if mass == ELECTRON_MEV:
        return kinetic / 2
    beta_gamma2 = kinetic * (kinetic + 2 * mass) / mass**2
    ratio = ELECTRON_MEV / mass
    return 2 * ELECTRON_MEV * beta_gamma2 / (1 + 2 * (1 + kinetic / mass) * ratio + ratio**2)


def stopping(kinetic: Floats, mass: float, material: Material) -> Floats:
    """Mean loss in collisions, MeV / cm."""
    if mass != ELECTRON_MEV:
        kinetic = np.maximum(kinetic, SLOWEST * mass)
    momentum, beta2 = motion(kinetic, mass)
    excitation = material.excitation_ev * 1e-6
    delta = material.sternheimer.delta(momentum / mass)
    if mass == ELECTRON_MEV:
        tau = kinetic / mass
        f = 1 - beta2 + (tau**2 / 8 - (2 * tau + 1) * np.log(2)) / (tau + 1) ** 2
        return (
            _scale(material) / beta2 * (np.log(tau**2 * (tau + 2) / 2 / (excitation / mass) ** 2) + f - delta)
        )
    most = largest_transfer(kinetic, mass)
    squared = 2 * ELECTRON_MEV * (momentum / mass) ** 2 * most / excitation**2
    return _scale(material) / beta2 * (np.log(squared) - 2 * beta2 - delta)


@dataclass(frozen=True)
class Tables:
    """Of one kind of particle.

    Attributes
    ----------
    energy
        [k], MeV.
    range, signal
        cm and signal on the way to rest, [k].
    scattering
        At these energies.
    """

    energy: Floats
    range: Floats
    signal: Floats
    scattering: Scattering

    def energy_left(self, length: Floats) -> Floats:
        """Kinetic energy of which `length` is the range."""
        return np.interp(length, self.range, self.energy)

    def range_of(self, kinetic: Floats) -> Floats:
        """Range."""
        return np.interp(kinetic, self.energy, self.range)

    def signal_of(self, kinetic: Floats) -> Floats:
        """Signal on the way to rest."""
        return np.interp(kinetic, self.energy, self.signal)

    def scattering_of(self, kinetic: Floats) -> Scattering:
        """How atoms deflect it."""
        of = self.scattering
        return Scattering(*(np.interp(kinetic, self.energy, each) for each in (of.soft, of.least, of.most)))


@lru_cache(maxsize=16)
def tables(mass: float, matter: Matter) -> Tables:
    """Of a heavy particle; below the first energy the loss is that of the first energy."""
    loss = stopping(_GRID, mass, matter.material)
    per_mev = matter.signal(loss)
    energy = np.concatenate([[0.0], _GRID])
    steps = np.diff(energy)

    def integral(density: Floats) -> Floats:
        ends = np.concatenate([[density[0]], density])
        return np.concatenate([[0.0], np.cumsum(steps * (ends[1:] + ends[:-1]) / 2)])

    scattering = Scattering.of(*motion(np.maximum(energy, _GRID[0]), mass), mass, matter)
    return Tables(energy, integral(1 / loss), integral(per_mev), scattering)


@dataclass(frozen=True)
class Collisions:
    """Transfers between `low` and `high`, both [n]: spectrum scale / T^2 (1 - slope T), per cm."""

    scale: Floats
    low: Floats
    high: Floats
    slope: Floats

    @staticmethod
    def of(kinetic: Floats, mass: float, low: float, high: float, material: Material) -> Collisions:
        """Those of particles [n] above `low` and below `high` or what is possible."""
        kinetic = np.maximum(kinetic, SLOWEST * mass)
        _, beta2 = motion(kinetic, mass)
        most = largest_transfer(kinetic, mass)
        top = np.minimum(most, high)
        slope = np.zeros_like(beta2) if mass == ELECTRON_MEV else beta2 / most
        return Collisions(_scale(material) / beta2, np.minimum(low, top), top, slope)

    @property
    def mean(self) -> Floats:
        """Mean loss, MeV / cm."""
        return self.scale * (np.log(self.high / self.low) - self.slope * (self.high - self.low))

    def draw(self, length: Floats, rng: np.random.Generator) -> tuple[NDArray[np.int64], Floats]:
        """On paths [n]: whose collision it is, and the energy transferred, [m] each."""
        rate = self.scale * (1 / self.low - 1 / self.high)
        whose = np.repeat(np.arange(len(rate)), rng.poisson(rate * length))
        low, high = 1 / self.low[whose], 1 / self.high[whose]
        transfer = 1 / (low - rng.random(len(whose)) * (low - high))
        real = rng.random(len(whose)) >= self.slope[whose] * transfer
        return whose[real], transfer[real]


def knock_on_cosine(kinetic: Floats, mass: float, transfer: Floats) -> Floats:
    """Cosine of the angle to a particle's direction under which an electron at rest that it hits leaves."""
    momentum, _ = motion(kinetic, mass)
    kicked, _ = motion(transfer, ELECTRON_MEV)
    return np.minimum((kinetic + mass + ELECTRON_MEV) * transfer / (momentum * kicked), 1.0)


def straggled(
    kinetic: Floats,
    mass: float,
    mean: Floats,
    length: Floats,
    high: float,
    material: Material,
    rng: np.random.Generator,
) -> Floats:
    """What particles [n] leave on `length`, whose mean is `mean`, in collisions of up to `high`, [n]."""
    singles = Collisions.of(kinetic, mass, SINGLE_MEV, high, material)
    whose, transfer = singles.draw(length, rng)
    soft = np.sqrt(singles.scale * singles.low * length) * rng.standard_normal(len(length))
    lumps = np.bincount(whose, transfer, len(length))
    return np.maximum(mean + lumps - singles.mean * length + soft, 0)

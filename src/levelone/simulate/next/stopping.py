"""What slows electrons of MeV energies in xenon gas: collisions, knock-on electrons, bremsstrahlung.

Sources
-------
Collision stopping power: M. J. Berger and S. M. Seltzer (ICRU Report 37, 1984; the form behind NIST's
ESTAR), with I = 482 eV. The density effect vanishes in the gas below 4 MeV and is left out. Radiative
stopping power: alpha r_e^2 N_A / A Z (Z + 1) (T + m) phi with phi = 16/3 at low energy and
4 (ln(2 gamma) - 1/3) without screening (H. W. Koch and J. W. Motz, Rev. Mod. Phys. 31 (1959) 920).
Knock-on electrons: Moller's cross section. Shape of the spectrum of bremsstrahlung: that of S. M. Seltzer and
M. J. Berger, At. Data Nucl. Data Tables 35 (1986) 345, for Z = 54, which an exponential follows to 10 %.

Kinetic energies are in MeV, thicknesses in g / cm2, all arrays [n].
"""

from __future__ import annotations

import numpy as np

from levelone.simulate.materials import ALPHA, AVOGADRO, CLASSICAL_RADIUS_CM, ELECTRON_MEV, K_MEV_CM2, Floats

Z_XENON, A_XENON = 54, 131.293
_EXCITATION_MEV = 482e-6
_SLOPES = ((0.1, 0.3, 0.6, 1.0), (0.75, 1.33, 1.8, 2.0))
"""Kinetic energy in MeV; slope a of k dsigma/dk = exp(-a k / T)."""


def beta_squared(kinetic_mev: Floats) -> Floats:
    """Square of an electron's velocity."""
    tau = np.asarray(kinetic_mev, np.float64) / ELECTRON_MEV
    return tau * (tau + 2) / (tau + 1) ** 2


def collision_stopping(kinetic_mev: Floats) -> Floats:
    """Collision stopping power for electrons, MeV cm2 / g; meant for 10 keV to 4 MeV."""
    tau = np.asarray(kinetic_mev, np.float64) / ELECTRON_MEV
    beta2 = beta_squared(kinetic_mev)
    f = 1 - beta2 + (tau**2 / 8 - (2 * tau + 1) * np.log(2)) / (tau + 1) ** 2
    bracket = np.log(tau**2 * (tau + 2) / 2 / (_EXCITATION_MEV / ELECTRON_MEV) ** 2) + f
    return collision_scale(kinetic_mev) * bracket


def radiative_stopping(kinetic_mev: Floats) -> Floats:
    """Radiative stopping power for electrons, MeV cm2 / g."""
    gamma = 1 + np.asarray(kinetic_mev, np.float64) / ELECTRON_MEV
    phi = np.maximum(16 / 3, 4 * (np.log(2 * gamma) - 1 / 3))
    factor = ALPHA * CLASSICAL_RADIUS_CM**2 * AVOGADRO / A_XENON * Z_XENON * (Z_XENON + 1)
    return factor * ELECTRON_MEV * gamma * phi


def csda_range(kinetic_mev: float, *, radiative: bool = True) -> float:
    """Range in the continuous-slowing-down approximation, g / cm2, counted from 10 keV."""
    energy = np.geomspace(0.01, kinetic_mev, 2000)
    loss = collision_stopping(energy) + (radiative_stopping(energy) if radiative else 0)
    return float(np.trapezoid(1 / loss, energy))


def moller(transfer: Floats, kinetic: Floats) -> Floats:
    """Moller's spectrum times transfer squared, in units of its leading term: at most 2 below T / 2."""
    tau = kinetic / ELECTRON_MEV
    x = transfer / kinetic
    return (
        1 + (x / (1 - x)) ** 2 + (tau / (tau + 1)) ** 2 * x**2 - (2 * tau + 1) / (tau + 1) ** 2 * x / (1 - x)
    )


def collision_scale(kinetic: Floats) -> Floats:
    """Factor of 1 / transfer^2 in the leading term of the spectrum of collisions, MeV cm2 / g."""
    return K_MEV_CM2 / 2 * Z_XENON / A_XENON / beta_squared(kinetic)


def knock_on_bound(kinetic: Floats, cut_mev: float) -> Floats:
    """Twice the leading term's rate of knock-on electrons above the cut, per g / cm2: an upper bound."""
    return 2 * collision_scale(kinetic) * np.maximum(1 / cut_mev - 2 / kinetic, 0)


def knock_on_stopping(kinetic: Floats, cut_mev: float) -> Floats:
    """Mean loss to knock-on electrons above the cut, MeV cm2 / g."""
    upper = np.maximum(kinetic / 2, cut_mev)
    steps = np.linspace(0, 1, 65)[:, None]
    transfer = cut_mev * (upper / cut_mev) ** steps
    spectrum = moller(np.minimum(transfer, 0.5 * kinetic), kinetic)
    return collision_scale(kinetic) * np.trapezoid(spectrum, steps, axis=0) * np.log(upper / cut_mev)


def sample_knock_on(kinetic: Floats, cut_mev: float, rng: np.random.Generator) -> Floats:
    """Energies of knock-on electrons above the cut; 0 where the bound proposed what Moller refuses."""
    transfer = 1 / (1 / cut_mev + rng.random(len(kinetic)) * (2 / kinetic - 1 / cut_mev))
    return np.where(2 * rng.random(len(kinetic)) < moller(transfer, kinetic), transfer, 0)


def _slope(kinetic: Floats) -> Floats:
    return np.interp(np.log(kinetic), np.log(_SLOPES[0]), _SLOPES[1])


def radiated(kinetic: Floats, cut_mev: float) -> tuple[Floats, Floats]:
    """Bound of the rate of photons above the cut, per g / cm2, and mean loss to softer ones, MeV cm2 / g."""
    slope = _slope(kinetic)
    scale = radiative_stopping(kinetic) * slope / kinetic / (1 - np.exp(-slope))
    low = np.minimum(cut_mev, kinetic)
    rate = scale * np.exp(-slope * low / kinetic) * np.log(kinetic / low)
    return rate, scale * kinetic / slope * (1 - np.exp(-slope * low / kinetic))


def sample_photon(kinetic: Floats, cut_mev: float, rng: np.random.Generator) -> Floats:
    """Energies of photons above the cut; 0 where the bound proposed what the spectrum refuses."""
    energy = cut_mev * (kinetic / cut_mev) ** rng.random(len(kinetic))
    keep = np.exp(-_slope(kinetic) * (energy - cut_mev) / kinetic)
    return np.where(rng.random(len(kinetic)) < keep, energy, 0)

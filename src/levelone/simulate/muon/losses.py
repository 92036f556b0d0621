"""Energy loss of muons: mean rates and differential spectra.

Sources
-------
Ionisation: Bethe's formula with density effect and the Q_max^2 term of spin 1/2, and bremsstrahlung from
atomic electrons, as in D. E. Groom, N. V. Mokhov and S. I. Striganov, At. Data Nucl. Data Tables 78 (2001)
183 (LBNL-44742). Bremsstrahlung: S. R. Kelner, R. P. Kokoulin and A. A. Petrukhin (MEPhI 024-95, 1995), the
successor of Petrukhin and Shestakov, Can. J. Phys. 46 (1968) S377, with nuclear form factor and atomic
electrons. Direct pair production: R. P. Kokoulin and A. A. Petrukhin, Proc. 12th ICRC (1971) 2436, with
Kelner's term for atomic electrons (1997). Photonuclear: L. B. Bezrukov and E. V. Bugaev, Sov. J. Nucl. Phys.
33 (1981) 635. Knock-on electrons: the spin-1/2 spectrum of the PDG review, with the photons that Kelner,
Kokoulin and Petrukhin, Phys. Atom. Nucl. 60 (1997) 576, add to it.

Energies in MeV, losses in MeV cm2 / g.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from levelone.simulate.materials import (
    ALPHA,
    AVOGADRO,
    CLASSICAL_RADIUS_CM,
    ELECTRON_MEV,
    K_MEV_CM2,
    MUON_MEV,
    Floats,
    Material,
)

_RATIO = MUON_MEV / ELECTRON_MEV
_ROOT_E = np.sqrt(np.e)
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(24)
_LEAST = 1e-9
"""Fraction of the energy below which transfers add nothing."""


def kinematics(energy: Floats) -> tuple[Floats, Floats, Floats]:
    """Beta squared, beta gamma and the largest knock-on energy (MeV) at total energy `energy` (MeV)."""
    gamma = energy / MUON_MEV
    beta_gamma = np.sqrt(np.maximum(gamma**2 - 1, 1e-12))
    beta2 = beta_gamma**2 / gamma**2
    q_max = 2 * ELECTRON_MEV * beta_gamma**2 / (1 + 2 * gamma / _RATIO + 1 / _RATIO**2)
    return beta2, beta_gamma, q_max


def ionisation(material: Material, energy: Floats) -> Floats:
    """Mean electronic loss, MeV cm2 / g, at total energy `energy` (MeV)."""
    return collision_loss(material, energy) + photons_on_electrons(material, energy)


def collision_loss(material: Material, energy: Floats) -> Floats:
    """`ionisation` without what is radiated on atomic electrons."""
    beta2, beta_gamma, q_max = kinematics(energy)
    mean = material.excitation_ev * 1e-6
    bethe = 0.5 * np.log(2 * ELECTRON_MEV * beta_gamma**2 * q_max / mean**2) - beta2
    bethe = bethe - material.sternheimer.delta(beta_gamma) / 2 + q_max**2 / (8 * energy**2)
    loss: Floats = K_MEV_CM2 * material.z_over_a * bethe / beta2
    return loss


def photons_on_electrons(material: Material, energy: Floats) -> Floats:
    """What of the electronic loss is bremsstrahlung on atomic electrons, MeV cm2 / g; see `ionisation`.

    A part of the mean that a layer seldom sees: it comes in few photons, not as a bit more from every atom.
    """
    _, _, q_max = kinematics(energy)
    logarithm = np.log(2 * q_max / ELECTRON_MEV)
    factor = ALPHA / (4 * np.pi) * (np.log(2 * energy / MUON_MEV) - logarithm / 3) * logarithm**2
    factor = np.where(q_max > ELECTRON_MEV, np.maximum(factor, 0), 0)
    return np.asarray(K_MEV_CM2 * material.z_over_a * factor)


def knock_on(material: Material, energy: Floats, v: Floats) -> Floats:
    """Knock-on electrons and their photons, per g / cm2 and unit v = T / E; arguments as `bremsstrahlung`."""
    return collisions(material, energy, v) + knock_on_photons(material, energy, v)


def knock_on_photons(material: Material, energy: Floats, v: Floats) -> Floats:
    """What photons add to `knock_on`: Kelner, Kokoulin and Petrukhin's radiative correction.

    Its mean loss is that of `photons_on_electrons` to 5 %.
    """
    transfer = v * energy
    electron = np.log1p(2 * transfer / ELECTRON_MEV)
    muon = np.log(4 * energy * np.maximum(energy - transfer, 1e-9) / MUON_MEV**2)
    share = ALPHA / (2 * np.pi) * electron * np.maximum(muon - electron, 0)
    return np.asarray(collisions(material, energy, v) * share)


def collisions(material: Material, energy: Floats, v: Floats) -> Floats:
    """`knock_on` without photons."""
    beta2, _, q_max = kinematics(energy)
    transfer = v * energy
    shape = (1 - beta2 * transfer / q_max + transfer**2 / (2 * energy**2)) / transfer**2
    return np.where(transfer < q_max, K_MEV_CM2 / 2 * material.z_over_a / beta2 * shape * energy, 0)


def bremsstrahlung(material: Material, energy: Floats, v: Floats) -> Floats:
    """Photons per g / cm2 and unit v.

    Parameters
    ----------
    material
        Absorber; elements add up.
    energy
        Total energy of the muon, MeV.
    v
        Fraction of it lost, same shape.
    """
    minimal = MUON_MEV**2 * v / (2 * energy * np.maximum(1 - v, 1e-9))
    inside = v < 1 - MUON_MEV / energy
    electron_limit = 1 / (1 + MUON_MEV**2 / (2 * ELECTRON_MEV * energy))
    total = np.zeros(np.broadcast(energy, v).shape)
    for z, a, weight in material.elements:
        nucleus = (202.4 if z == 1 else 183.0) * z ** (-1 / 3)
        electrons = (446.0 if z == 1 else 1429.0) * z ** (-2 / 3)
        size = 1.54 * a**0.27
        upper = nucleus * (MUON_MEV + minimal * (size * _ROOT_E - 2))
        phi_n = np.log(upper / (size * (ELECTRON_MEV + minimal * _ROOT_E * nucleus)))
        lower = (1 + minimal * MUON_MEV / (ELECTRON_MEV**2 * _ROOT_E)) * (
            ELECTRON_MEV + minimal * _ROOT_E * electrons
        )
        phi_e = np.where(v < electron_limit, np.log(electrons * MUON_MEV / lower), 0)
        screening = z * np.maximum(phi_n, 0) + np.maximum(phi_e, 0)
        total += weight / a * z * screening
    factor = 16 / 3 * ALPHA * AVOGADRO * (CLASSICAL_RADIUS_CM / _RATIO) ** 2
    return np.where(inside, factor * total * (1 - v + 0.75 * v**2) / v, 0)


def pair_production(material: Material, energy: Floats, v: Floats) -> Floats:
    """Electron pairs per g / cm2 and unit v; arguments as `bremsstrahlung`."""
    energy, v = np.broadcast_arrays(energy, v)
    if v.ndim > 1:  # row by row: the nodes of one energy stay in the processor's cache
        return np.stack([pair_production(material, *row) for row in zip(energy, v, strict=True)])
    total = np.zeros(v.shape)
    rest = np.maximum(1 - v, 1e-12)
    below = np.maximum(1 - 4 * ELECTRON_MEV / (v * energy), 0)
    rho_max = np.maximum(1 - 6 * MUON_MEV**2 / (energy**2 * rest), 0) * np.sqrt(below)
    rho = (rho_max[..., None] * (_NODES + 1) / 2).clip(0, 1 - 1e-15)
    square = rho**2
    beta = (v**2 / (2 * rest))[..., None]
    xi = (_RATIO * v / 2)[..., None] ** 2 * (1 - square) / rest[..., None]
    b_e = ((2 + square) * (1 + beta) + xi * (3 + square)) * np.log1p(1 / xi)
    b_e = b_e + (1 - square - beta) / (1 + xi) - (3 + square)
    b_e = np.where(xi > 1e3, ((3 - square) + 2 * beta * (1 + square)) / (2 * xi), b_e)
    b_m = ((1 + square) * (1 + 1.5 * beta) - (1 + 2 * beta) * (1 - square) / xi) * np.log1p(xi)
    b_m = b_m + xi * (1 - square - beta) / (1 + xi) + (1 + 2 * beta) * (1 - square)
    b_m = np.where(xi < 1e-3, xi / 2 * ((5 - square) + beta * (3 + square)), b_m)
    y_e = 5 - square + 4 * beta * (1 + square)
    y_e = y_e / (2 * (1 + 3 * beta) * np.log(3 + 1 / xi) - square - 2 * beta * (2 - square))
    y_m = 4 + square + 3 * beta * (1 + square)
    y_m = y_m / ((1 + square) * (1.5 + 2 * beta) * np.log(3 + xi) + 1 - 1.5 * square)
    grow_e, grow_m = (1 + xi) * (1 + y_e), (1 + 1 / xi) * (1 + y_m)
    recoil = 2 * ELECTRON_MEV * _ROOT_E / ((energy * v)[..., None] * (1 - square))
    for z, a, weight in material.elements:
        screen = 183.0 * z ** (-1 / 3)
        l_e = np.log(screen * np.sqrt(grow_e) / (1 + recoil * screen * grow_e))
        l_e = l_e - 0.5 * np.log1p((1.5 / _RATIO * z ** (1 / 3)) ** 2 * grow_e)
        l_m = np.log(_RATIO * screen * np.sqrt(grow_m) / (1 + recoil * screen * (1 + xi) * (1 + y_m)))
        l_m = l_m - np.log(1.5 * z ** (1 / 3) * np.sqrt(grow_m))
        inner = np.maximum(b_e * l_e, 0) + np.maximum(b_m * l_m, 0) / _RATIO**2
        integral = (inner * _WEIGHTS).sum(-1) * rho_max / 2
        total += weight / a * z * (z + _electron_pairs(z, energy)) * integral
    factor = 4 / (3 * np.pi) * AVOGADRO * (ALPHA * CLASSICAL_RADIUS_CM) ** 2
    return np.where((rho_max > 0) & (v < 1), factor * total * rest / v, 0)


def _electron_pairs(z: int, energy: Floats) -> Floats:
    """Kelner's zeta: pairs produced on atomic electrons relative to one more unit of charge."""
    gamma = energy / MUON_MEV
    one, two = (4.4e-5, 4.8e-5) if z == 1 else (1.95e-5, 5.3e-5)
    top = 0.073 * np.log(gamma / (1 + one * z ** (2 / 3) * gamma)) - 0.26
    bottom = 0.058 * np.log(gamma / (1 + two * z ** (1 / 3) * gamma)) - 0.14
    return np.where((gamma > 35) & (top > 0) & (bottom > 0), top / np.where(bottom > 0, bottom, 1), 0)


def photonuclear(material: Material, energy: Floats, v: Floats) -> Floats:
    """Inelastic nuclear interactions per g / cm2 and unit v (transfers above 200 MeV).

    As `bremsstrahlung`.
    """
    transfer_gev = v * energy / 1e3
    sigma = 114.3 + 1.647 * np.log(0.0213 * np.maximum(transfer_gev, 1e-3)) ** 2  # microbarn per nucleon
    mass2 = (MUON_MEV / 1e3) ** 2
    t = mass2 * v**2 / np.maximum(1 - v, 1e-9)
    kappa = 1 - 2 / v + 2 / v**2
    m1, m2 = 0.54, 1.8
    total = np.zeros(np.broadcast(energy, v).shape)
    for _, a, weight in material.elements:
        x = 0.00282 * a ** (1 / 3) * sigma
        shadow = 3 / x**3 * (x**2 / 2 - 1 + np.exp(-x) * (1 + x)) if a > 1.5 else 1.0
        transverse = kappa * np.log1p(m1 / t) - kappa * m1 / (m1 + t) - 2 * mass2 / t
        point = kappa * np.log1p(m2 / t) - 2 * mass2 / t
        longitudinal = 0.75 * shadow * m1 / (m1 + t) + 0.25 * m2 / t * np.log1p(t / m2)
        total += weight * (0.75 * shadow * transverse + 0.25 * point + mass2 / (2 * t) * longitudinal)
    factor = ALPHA / (2 * np.pi) * AVOGADRO * 1e-30
    inside = (transfer_gev > 0.2) & (v < 1 - MUON_MEV / energy)
    return np.where(inside, np.maximum(factor * sigma * v * total, 0), 0)


Spectrum = Callable[[Material, Floats, Floats], Floats]
PROCESSES: dict[str, Spectrum] = {
    "knock-on": knock_on,
    "bremsstrahlung": bremsstrahlung,
    "pair production": pair_production,
    "photonuclear": photonuclear,
}


def mean_loss(spectrum: Spectrum, material: Material, energy: Floats, low: float = 0.0) -> Floats:
    """Mean loss above a transfer of `low` MeV, MeV cm2 / g: the integral of v E dN/dv.

    Parameters
    ----------
    energy
        [n] total energies, MeV.
    low
        Smallest transfer counted, MeV; 0 counts everything.
    """
    energy = np.atleast_1d(np.asarray(energy, np.float64))
    return _moment(spectrum, material, energy, low / energy, 1 - MUON_MEV / energy, 1)


def variance_below(spectrum: Spectrum, material: Material, energy: Floats, high: float) -> Floats:
    """Variance of the loss in transfers of up to `high` MeV, MeV2 cm2 / g: the integral of (v E)^2 dN/dv.

    Parameters
    ----------
    energy
        [n] total energies, MeV.
    high
        Largest transfer counted, MeV.
    """
    energy = np.atleast_1d(np.asarray(energy, np.float64))
    return _moment(spectrum, material, energy, 0 * energy, high / energy, 2)


def _moment(
    spectrum: Spectrum, material: Material, energy: Floats, low: Floats, high: Floats, order: int
) -> Floats:
    """Integral of (v E)^order dN/dv between the fractions `low` and `high`, [n]."""
    nodes, weights = np.polynomial.legendre.leggauss(240)
    energy = energy[:, None]
    log_low, log_high = np.log(np.maximum(low, _LEAST))[:, None], np.log(high)[:, None]
    v = np.exp(log_low + (log_high - log_low) * (nodes + 1) / 2)
    integral = (spectrum(material, energy, v) * v * (v * energy) ** order * weights).sum(1)
    return np.asarray(integral * (log_high - log_low)[:, 0] / 2)

"""Elastic scattering of electrons by xenon atoms: large angles one by one, small ones together.

The cross section is Wentzel's screened one with the screening of G. Moliere (Z. Naturforsch. 3a (1948) 78),
Z (Z + 1) for the atom's electrons, times the ratio of N. F. Mott's cross section of a point charge (Proc. R.
Soc. A 124 (1929) 425) to E. Rutherford's, in powers of the sine as T. Lijian, H. Qing and L. Zhengming gave
it (Radiat. Phys. Chem. 45 (1995) 235). Without the electrons the path on which direction is lost is that of
partial waves in the screened atom (D. Liljequist et al., J. Appl. Phys. 68 (1990) 3061, as Geant4 has them)
to 1.5 % from 0.2 MeV on and to 5 % at 0.1 MeV, below which an electron goes no farther than 3 mm.

Deflections beyond an angle are sampled one by one; the softer ones enter with their mean, which adds up
exactly along the path, so that no result depends on the length of steps (the mixed simulation of J. M.
Fernandez-Varea et al., Nucl. Instrum. Methods B 73 (1993) 447).

A deflection is mu = (1 - cosine) / 2. Kinetic energies are in MeV, thicknesses in g / cm2.
"""

from __future__ import annotations

import numpy as np

from levelone.simulate.materials import ALPHA, AVOGADRO, CLASSICAL_RADIUS_CM, ELECTRON_MEV, Floats
from levelone.simulate.next.stopping import A_XENON, Z_XENON, beta_squared

_LARGEST = 1.45
"""The ratio to Rutherford's cross section is smaller than this for xenon from 15 keV on."""
_MOTT_MEV = (0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 2.5)
_MOTT = (
    (0.1584, -1.044, 1.9188, -1.0818, 0.5252),
    (0.1857, -1.9237, 6.7371, -7.7493, 3.2005),
    (-0.0103, 0.7226, 1.4586, -3.7868, 1.9216),
    (0.0512, 2.2218, -2.8378, 0.275, 0.3795),
    (0.2635, 2.6775, -5.0157, 2.3343, -0.4665),
    (0.4916, 2.6182, -5.8839, 3.0589, -0.8081),
    (0.6543, 2.4568, -6.2063, 3.2481, -0.925),
    (0.7344, 2.3559, -6.3179, 3.2837, -0.9602),
    (0.7659, 2.3133, -6.3558, 3.2898, -0.9709),
)
"""Coefficients of the powers 1 to 5 of sin(angle / 2), by energy: fits to partial waves, good to 0.005."""


def momentum(kinetic: Floats) -> Floats:
    """Momentum of electrons, MeV."""
    return np.sqrt(kinetic * (kinetic + 2 * ELECTRON_MEV))


def screening(kinetic: Floats) -> Floats:
    """The deflection mu where screening sets in, [n]."""
    thomas_fermi = ALPHA * ELECTRON_MEV * Z_XENON ** (1 / 3) / (2 * 0.885 * momentum(kinetic))
    return thomas_fermi**2 * (1.13 + 3.76 * (ALPHA * Z_XENON) ** 2 / beta_squared(kinetic))


def mott_ratio(mu: Floats, kinetic: Floats) -> Floats:
    """Mott's cross section of xenon over Rutherford's, at deflections `mu` [..., n] and energies [n]."""
    sine, place = np.sqrt(mu), np.log(kinetic)
    ratio = np.zeros(())
    for column in reversed(tuple(zip(*_MOTT, strict=True))):
        ratio = (ratio + np.interp(place, np.log(_MOTT_MEV), column)) * sine
    return 1 + ratio


def _scale(kinetic: Floats) -> Floats:
    """Factor of 1 / (mu + screening)^2 in the spectrum of deflections, cm2 / g."""
    area = np.pi * Z_XENON * (Z_XENON + 1) * CLASSICAL_RADIUS_CM**2 * AVOGADRO / A_XENON
    return area * ELECTRON_MEV**2 / (momentum(kinetic) ** 2 * beta_squared(kinetic))


def deflections(kinetic: Floats, fraction: float) -> tuple[Floats, Floats, Floats, Floats]:
    """How electrons of these energies are deflected.

    Parameters
    ----------
    kinetic
        [n].
    fraction
        The mean free path between large deflections, in units of the path on which direction is lost.

    Returns
    -------
    tuple
        Inverse transport mean free path (cm2 / g), the deflection from which one counts as large, the bound
        of the rate of large ones (cm2 / g), and the inverse transport mean free path of the others; [n] each.
    """
    screen = screening(kinetic)
    mu = np.geomspace(1e-9, 1, 2000)[:, None]
    density = _scale(kinetic) * mott_ratio(mu, kinetic) / (mu + screen) ** 2
    log_mu = np.log(mu)
    pieces = np.diff(log_mu, axis=0)
    moment = 2 * mu**2 * density
    below = np.vstack([0 * screen, np.cumsum(pieces * (moment[1:] + moment[:-1]) / 2, axis=0)])
    transport = below[-1]
    # The rate beyond a deflection is scale * (1 / (mu + screen) - 1 / (1 + screen)), largest factor included.
    wanted = transport / fraction / (_LARGEST * _scale(kinetic))
    large = np.clip(1 / (wanted + 1 / (1 + screen)) - screen, 0, 1)
    rate = _LARGEST * _scale(kinetic) * (1 / (large + screen) - 1 / (1 + screen))
    place = np.log(np.maximum(large, mu[0]))
    soft = np.array([np.interp(at, log_mu[:, 0], column) for at, column in zip(place, below.T, strict=True)])
    return transport, large, rate, soft


def sample_large(kinetic: Floats, large: Floats, rng: np.random.Generator) -> Floats:
    """Deflections beyond `large`, [n]; 0 where the bound proposed what the cross section refuses."""
    screen, u = screening(kinetic), rng.random(len(kinetic))
    mu = 1 / ((1 - u) / (large + screen) + u / (1 + screen)) - screen
    mu = np.clip(mu, large, 1)
    keep = _LARGEST * rng.random(len(kinetic)) < mott_ratio(mu, kinetic)
    return np.where(keep, mu, 0)

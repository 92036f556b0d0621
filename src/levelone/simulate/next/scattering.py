"""Elastic scattering of electrons by xenon atoms: large angles one by one, small ones together.

The cross section is Wentzel's screened one with the screening of G. Moliere (Z. Naturforsch. 3a (1948) 78),
Z (Z + 1) for the atom's electrons, times the correction of W. A. McKinley and H. Feshbach (Phys. Rev. 74
(1948) 1759). Deflections beyond an angle are sampled one by one; the softer ones enter with their mean, which
adds up exactly along the path, so that no result depends on the length of steps (the mixed simulation of
J. M. Fernandez-Varea et al., Nucl. Instrum. Methods B 73 (1993) 447).

A deflection is mu = (1 - cosine) / 2. Kinetic energies are in MeV, thicknesses in g / cm2.
"""

from __future__ import annotations

import numpy as np

from levelone.simulate.materials import ALPHA, AVOGADRO, CLASSICAL_RADIUS_CM, ELECTRON_MEV, Floats
from levelone.simulate.next.stopping import A_XENON, Z_XENON, beta_squared

_LARGEST = 1.18
"""McKinley and Feshbach's factor is smaller than this for xenon."""


def momentum(kinetic: Floats) -> Floats:
    """Momentum of electrons, MeV."""
    return np.sqrt(kinetic * (kinetic + 2 * ELECTRON_MEV))


def screening(kinetic: Floats) -> Floats:
    """The deflection mu where screening sets in, [n]."""
    thomas_fermi = ALPHA * ELECTRON_MEV * Z_XENON ** (1 / 3) / (2 * 0.885 * momentum(kinetic))
    return thomas_fermi**2 * (1.13 + 3.76 * (ALPHA * Z_XENON) ** 2 / beta_squared(kinetic))


def correction(mu: Floats, beta2: Floats) -> Floats:
    """McKinley and Feshbach's factor."""
    sine = np.sqrt(mu)
    return 1 - beta2 * mu + np.pi * ALPHA * Z_XENON * np.sqrt(beta2) * sine * (1 - sine)


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
    screen, beta2 = screening(kinetic), beta_squared(kinetic)
    mu = np.geomspace(1e-9, 1, 2000)[:, None]
    density = _scale(kinetic) * correction(mu, beta2) / (mu + screen) ** 2
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
    keep = _LARGEST * rng.random(len(kinetic)) < correction(mu, beta_squared(kinetic))
    return np.where(keep, mu, 0)


def sample_small(soft: Floats, step: Floats, rng: np.random.Generator) -> Floats:
    """The sum of all small deflections on `step`, [n]: its mean is that of many, its law exponential."""
    mean = -np.expm1(-soft * step) / 2
    return np.minimum(mean * rng.standard_exponential(len(step)), 1)


def turned(direction: Floats, cosine: Floats, azimuth: Floats) -> Floats:
    """Unit vectors [n, 3] at polar angle arccos(`cosine`) and `azimuth` around `direction`."""
    x, y, z = direction.T
    across = np.sqrt(np.maximum(1 - cosine**2, 0))
    # an orthonormal basis without a singular direction (T. Duff et al., J. Comput. Graph. Tech. 6 (2017) 1)
    sign = np.where(z < 0, -1.0, 1.0)
    a = -1 / (sign + z)
    b = x * y * a
    one = np.stack([1 + sign * x**2 * a, sign * b, -sign * x], axis=1)
    two = np.stack([b, sign + y**2 * a, -y], axis=1)
    out = direction * cosine[:, None]
    out = out + one * (across * np.cos(azimuth))[:, None] + two * (across * np.sin(azimuth))[:, None]
    return out / np.linalg.norm(out, axis=1, keepdims=True)

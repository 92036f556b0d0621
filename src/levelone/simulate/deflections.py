"""Deflections in any matter: many small ones together, Compton scattering, turned directions."""

from __future__ import annotations

import numpy as np

from levelone.simulate.materials import ELECTRON_MEV, Floats


def sample_small(soft: Floats, step: Floats, rng: np.random.Generator) -> Floats:
    """The sum of all small deflections on each `step`: its mean is that of many, its law exponential."""
    mean = -np.expm1(-soft * step) / 2
    return np.minimum(mean * rng.standard_exponential(step.shape), 1)


def turned(direction: Floats, cosine: Floats, azimuth: Floats) -> Floats:
    """Unit vectors [n, 3] at polar angle arccos(`cosine`) and `azimuth` around `direction`, unit vectors."""
    x, y, z = direction.T
    across = np.sqrt(np.maximum(1 - cosine**2, 0))
    one, two = across * np.cos(azimuth), across * np.sin(azimuth)
    # an orthonormal basis without a singular direction (T. Duff et al., J. Comput. Graph. Tech. 6 (2017) 1)
    sign = np.where(z < 0, -1.0, 1.0)
    a = -1 / (sign + z)
    b = x * y * a
    out = np.empty_like(direction)
    out[:, 0] = cosine * x + one * (1 + sign * x**2 * a) + two * b
    out[:, 1] = cosine * y + one * sign * b + two * (sign + y**2 * a)
    out[:, 2] = cosine * z - one * sign * x - two * y
    return out


def turned_anywhere(direction: Floats, cosine: Floats, rng: np.random.Generator) -> Floats:
    """`turned`, at azimuths that prefer none."""
    return turned(direction, cosine, rng.uniform(0, 2 * np.pi, len(cosine)))


def klein_nishina(energy: Floats, rng: np.random.Generator) -> Floats:
    """Share of its energy that a photon (MeV) keeps when an electron at rest scatters it, [n]."""
    alpha = energy / ELECTRON_MEV
    share = np.ones(len(energy))
    left = np.arange(len(energy))
    while len(left):
        a = alpha[left]
        low = 1 / (1 + 2 * a)
        e = low ** rng.random(len(left))  # proposed with density 1 / e
        cosine = 1 - (1 / e - 1) / a
        # Klein and Nishina's density over the proposed one: e (1 / e + e - sin^2), at most 2
        good = 2 * rng.random(len(left)) < e * (1 / e + e - 1 + cosine**2)
        share[left[good]] = e[good]
        left = left[~good]
    return share


def compton_scatter(
    energy: Floats, direction: Floats, rng: np.random.Generator
) -> tuple[Floats, Floats, Floats]:
    """Photons (MeV, unit `direction` [n, 3]) scattered by electrons at rest.

    Returns
    -------
    tuple
        The share of its energy that each keeps, [n]; unit vectors along it and along the electron, [n, 3].
    """
    share = klein_nishina(energy, rng)
    cosine = 1 - (1 / share - 1) * ELECTRON_MEV / energy
    aim = turned_anywhere(direction, cosine, rng)
    kick = direction - aim * share[:, None]
    kick /= np.maximum(np.linalg.norm(kick, axis=1, keepdims=True), 1e-12)
    return share, aim, kick

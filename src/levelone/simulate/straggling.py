"""What matter does to every charged particle: Landau straggling of its energy loss, multiple scattering."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from levelone.simulate.materials import ELECTRON_MEV, Floats


@lru_cache(maxsize=1)
def _landau_means() -> tuple[Floats, Floats]:
    """Mean of Landau's law below each of a grid of limits, by integrating its Laplace representation."""
    value = np.concatenate([np.linspace(-3.4, 20, 1200), np.geomspace(20.1, 2000, 800)])
    t = np.linspace(1e-6, 30, 6001)
    kernel = np.exp(-t * np.log(t)) * np.sin(np.pi * t) / np.pi
    density = np.array([np.trapezoid(kernel * np.exp(-v * t), t) for v in value])
    steps = np.diff(value) / 2
    mass = np.cumsum(steps * (density[1:] + density[:-1]))
    moment = np.cumsum(steps * (density[1:] * value[1:] + density[:-1] * value[:-1]))
    return value[1:], moment / mass


def truncated_landau_mean(limit: Floats) -> Floats:
    """Mean of Landau's variable below `limit` [n] (-3 to 2000)."""
    return np.interp(limit, *_landau_means())


def sample_landau(limit: Floats, rng: np.random.Generator) -> Floats:
    """Landau's standard variable lambda [n], each below its `limit` [n].

    Landau's law is the stable law of index 1 and skewness 1, scale pi / 2 and shift ln(pi / 2); drawn with
    the formula of Chambers, Mallows and Stuck, J. Am. Stat. Assoc. 71 (1976) 340.
    """
    out = np.empty(len(limit))
    left = np.arange(len(limit))
    while len(left):
        angle = rng.uniform(-np.pi / 2, np.pi / 2, len(left))
        wait = rng.standard_exponential(len(left))
        lean = np.pi / 2 + angle
        value = lean * np.tan(angle) - np.log(np.pi / 2 * wait * np.cos(angle) / lean) + np.log(np.pi / 2)
        good = value < limit[left]
        out[left[good]] = value[good]
        left = left[~good]
    return out


def highland(momentum_mev: Floats, thickness_x0: float | Floats, mass_mev: float = ELECTRON_MEV) -> Floats:
    """Plane multiple-scattering angle (rad) after Highland, in the form of Lynch and Dahl (PDG review)."""
    beta = momentum_mev / np.hypot(momentum_mev, mass_mev)
    log_term = 1 + 0.038 * np.log(np.maximum(thickness_x0, 1e-3) / beta**2)
    return 13.6 / (beta * momentum_mev) * np.sqrt(thickness_x0) * np.maximum(log_term, 0.3)

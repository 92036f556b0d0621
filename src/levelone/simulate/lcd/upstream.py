"""Material in front of the calorimeter: photons convert in it, electrons radiate."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from levelone.simulate.calorimeter.showers import MEAN_FREE_PATH, Showers
from levelone.simulate.materials import Floats

_SOFTEST_GEV = 1e-3  # photons below leave nothing of their own


def energy_kept(thickness_x0: Floats, rng: np.random.Generator) -> Floats:
    """Share [n] of its energy that an electron keeps behind `thickness_x0` [n].

    H. Bethe and W. Heitler, Proc. R. Soc. A 146 (1934) 83: -ln(share) follows a gamma distribution of shape
    t / ln 2 and scale 1, so that two layers are as one of their sum.
    """
    return np.exp(-rng.standard_gamma(thickness_x0 / np.log(2)))


def cross(
    electrons: Showers, photons: Showers, thickness_x0: float, rng: np.random.Generator
) -> tuple[Showers, Showers]:
    """Electrons and photons that reach the calorimeter, of those that enter the material.

    Both on one axis, as there is no magnetic field; what an electron radiates is one photon, which does not
    convert before the calorimeter.
    """
    if thickness_x0 == 0:
        return electrons, photons
    depth = rng.exponential(MEAN_FREE_PATH, len(photons.event))
    inside = depth < thickness_x0
    every = Showers.join([electrons, photons.take(inside).pairs(rng)])
    left = thickness_x0 - depth[inside]
    kept = energy_kept(np.concatenate([np.full(len(electrons.event), thickness_x0), left, left]), rng)
    radiated = replace(every, energy_gev=every.energy_gev * (1 - kept))
    hard = radiated.energy_gev > _SOFTEST_GEV
    every = replace(every, energy_gev=np.where(hard, every.energy_gev * kept, every.energy_gev))
    return every, Showers.join([photons.take(~inside), radiated.take(hard)])

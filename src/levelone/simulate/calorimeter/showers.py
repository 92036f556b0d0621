"""Electromagnetic showers: the parametrisation of Grindhammer and Peters, with its correlated fluctuations.

Source: G. Grindhammer and S. Peters, "The parameterized simulation of electromagnetic showers in homogeneous
and sampling calorimeters", hep-ex/0001020, equations in section 2 and the constants of its appendix.

Longitudinally the energy follows a gamma distribution in depth t (radiation lengths), whose ln T (maximum)
and ln alpha (shape) fluctuate together from shower to shower. Laterally, at every depth, it is the sum of a
core and a tail of the form 2 r R^2 / (r^2 + R^2)^2, with radii in Moliere radii that grow with tau = t / T.

Where this departs from the source: spots are drawn from the energy profile itself (the source gives spots
their own profile) with more, lighter ones in the tail, and their number is capped; radii of a sandwich are
stretched by `CORE_STRETCH` and `TAIL_STRETCH`, with which the lateral profile of 10 and 50 GeV electrons in
tungsten, silicon and gaps is that of Geant4 11.4 (option 1 of its electromagnetic physics); below
ln(E / E_c) of about 3, where the fits were not made, the widths of ln T and ln alpha are held at 0.6 and 0.5
and T at 0.3 radiation lengths.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from levelone.simulate.materials import PI0_MEV, Floats, Medium

CORE_STRETCH, TAIL_STRETCH = 1.15, 1.4
_FINER = 4
_TAIL_DRAWS = np.float32(0.6)
_COLUMNS = ("event", "energy_gev", "start", "x_mm", "y_mm", "slope_x", "slope_y")
MEAN_FREE_PATH = 9 / 7  # radiation lengths before a high-energy photon converts


@dataclass(frozen=True)
class Profile:
    """Longitudinal profiles of n showers.

    Maximum `t_max` [n] in radiation lengths, shape `alpha` [n] (> 1).
    """

    t_max: Floats
    alpha: Floats

    @property
    def beta(self) -> Floats:
        """Inverse scale of the gamma distribution, 1 / radiation length, [n]."""
        return (self.alpha - 1) / self.t_max


def _log_ratio(medium: Medium, energy_gev: Floats) -> Floats:
    return np.log(np.maximum(1e3 * energy_gev / medium.critical_mev, 4.0))


def mean_profile(medium: Medium, energy_gev: Floats) -> Profile:
    """The profile at the mean ln T and mean ln alpha.

    Parameters
    ----------
    medium
        Where the shower develops.
    energy_gev
        [n] electron energies in GeV.
    """
    y = _log_ratio(medium, energy_gev)
    t_max = y - 0.812
    alpha = 0.81 + (0.458 + 2.26 / medium.z) * y
    if medium.inverse_frequency:
        t_max = t_max - 0.55 * medium.inverse_frequency - 0.69 * (1 - medium.e_hat)
        alpha = alpha - 0.476 * medium.inverse_frequency
    return Profile(np.maximum(t_max, 0.3), np.maximum(alpha, 1.1))


def sample_profile(medium: Medium, energy_gev: Floats, rng: np.random.Generator) -> Profile:
    """One fluctuated profile per shower; arguments as `mean_profile`."""
    y = _log_ratio(medium, energy_gev)
    mean = mean_profile(medium, energy_gev)
    if medium.inverse_frequency:
        width_t, width_a, correlation = -2.5 + 1.25 * y, -0.82 + 0.79 * y, 0.784 - 0.023 * y
    else:
        width_t, width_a, correlation = -1.4 + 1.26 * y, -0.58 + 0.86 * y, 0.705 - 0.023 * y
    width_t, width_a = 1 / np.maximum(width_t, 1 / 0.6), 1 / np.maximum(width_a, 1 / 0.5)
    together, apart = np.sqrt((1 + correlation) / 2), np.sqrt((1 - correlation) / 2)
    one, two = rng.standard_normal((2, len(y)))
    t_max = mean.t_max * np.exp(width_t * (together * one + apart * two))
    alpha = mean.alpha * np.exp(width_a * (together * one - apart * two))
    return Profile(t_max, np.maximum(alpha, 1.05))


def sample_radius(
    medium: Medium,
    energy_gev: NDArray[np.floating],
    tau: NDArray[np.floating],
    rng: np.random.Generator,
    spots: NDArray[np.int64] | int = 1,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Distance of spots from the shower axis, and their weights.

    Tail spots are drawn more often than their share of the energy (60 %) and weigh less, so that the many
    faint cells around a shower are filled smoothly; weights average 1.

    Parameters
    ----------
    medium
        Where the shower develops.
    energy_gev
        [showers] energies, GeV.
    tau
        [n] depth of each spot over depth of the shower maximum, shower by shower.
    spots
        How many spots each shower has, one number or [showers]; n in all.

    Returns
    -------
    radius
        float32 [n], in Moliere radii.
    weight
        float32 [n].
    """
    tau = tau.astype(np.float32)
    log_e = np.log(energy_gev.astype(np.float32))
    z = np.float32(medium.z)
    # Most time is spent here: what the energy alone decides is computed per shower, the rest in place.
    core = (0.1162 - 0.000381 * z) * tau
    core += np.repeat(0.0251 + 0.00319 * log_e, spots)
    tail = tau - np.float32(0.645)
    growth = np.minimum(tail, 6)
    growth *= np.repeat(np.minimum(0.3585 + 0.0412 * log_e, 1.0), spots)
    np.exp(growth, out=growth)
    tail *= np.float32(-2.59)
    np.exp(tail, out=tail)
    tail += growth
    tail *= 0.659 - 0.00309 * z
    ratio = 0.401 + 0.00187 * z - tau
    ratio /= np.repeat(np.maximum(1.313 - 0.0686 * log_e, 0.3), spots)
    weight = np.exp(ratio)
    np.subtract(ratio, weight, out=weight)
    np.exp(weight, out=weight)
    weight *= 2.632 - 0.00094 * z
    if medium.inverse_frequency:
        step, excess = np.float32(medium.inverse_frequency), np.float32(1 - medium.e_hat)
        fade = np.exp(-tau)
        core = core - 0.0203 * excess + 0.0397 * step * fade
        tail = tail - 0.14 * excess - 0.495 * step * fade
        core *= np.float32(CORE_STRETCH)
        tail *= np.float32(TAIL_STRETCH)
        weight = weight + excess * (0.348 - 0.642 * step * np.exp(-((tau - 1) ** 2)))
    np.clip(weight, 0, 1, out=weight)
    in_core = rng.random(len(tau), dtype=np.float32) < 1 - _TAIL_DRAWS
    radius = np.where(in_core, core, tail)
    importance = np.where(in_core, weight / (1 - _TAIL_DRAWS), (1 - weight) / _TAIL_DRAWS).astype(np.float32)
    u = rng.random(len(tau), dtype=np.float32)
    return np.maximum(radius, 0.01) * np.sqrt(u / np.maximum(1 - u, 1e-7)), importance


def spot_number(
    medium: Medium, energy_gev: Floats, resolution: float, cap: int | NDArray[np.int64]
) -> NDArray[np.int64]:
    """Spots per shower.

    93 ln(Z) E^0.876 (homogeneous) or 4 times 10.3 / c E^0.959 (sampling), at most `cap`, at least 6. In the
    source, spots of a sandwich are its sampling fluctuations; where cells have their own, spots are finer.

    Parameters
    ----------
    energy_gev
        [n] GeV.
    resolution
        Sampling term c in sqrt(GeV); not used for a homogeneous medium.
    cap
        Upper limit, one or [n]; the energy of a shower is shared equally by its spots, so a cap makes images
        coarser, not darker.
    """
    if medium.inverse_frequency:
        spots = _FINER * 10.3 / resolution * energy_gev**0.959
    else:
        spots = 93 * np.log(medium.z) * energy_gev**0.876
    return np.clip(np.rint(spots), 6, cap).astype(np.int64)


@dataclass(frozen=True)
class Showers:
    """Electromagnetic (sub-)showers to be deposited, each field [n].

    Attributes
    ----------
    event
        int64, the event each belongs to.
    energy_gev
        Its energy.
    start
        Depth of its first electron in radiation lengths of the calorimeter.
    x_mm, y_mm
        Where its axis crosses the front face, relative to the centre.
    slope_x, slope_y
        Direction of its axis.
    first
        The first layer in which it leaves energy of its own; None: that of its start, for all.
    """

    event: NDArray[np.int64]
    energy_gev: Floats
    start: Floats
    x_mm: Floats
    y_mm: Floats
    slope_x: Floats
    slope_y: Floats
    first: NDArray[np.int64] | None = None

    @staticmethod
    def join(parts: list[Showers]) -> Showers:
        """All showers of several lists."""
        columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in _COLUMNS}
        if all(part.first is None for part in parts):
            return Showers(**columns)
        first = [np.zeros(len(part.event), np.int64) if part.first is None else part.first for part in parts]
        return Showers(**columns, first=np.concatenate(first))

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_], first: int = 0) -> Showers:
        """Some of the showers; events are counted from `first`."""
        columns = {name: getattr(self, name)[rows] for name in _COLUMNS}
        columns["event"] = columns["event"] - first
        return Showers(**columns, first=None if self.first is None else self.first[rows])

    def converted(self, rng: np.random.Generator) -> Showers:
        """The electron pairs that these, taken as photons, convert into.

        The conversion depth is exponential with mean 9/7 radiation lengths (PDG review, passage of particles
        through matter).
        """
        depth = self.start + rng.exponential(MEAN_FREE_PATH, len(self.event))
        return replace(self, start=depth).pairs(rng)

    def pairs(self, rng: np.random.Generator) -> Showers:
        """Two electrons in the place of each: all the first ones, then all the second ones.

        The energy x of one electron follows the complete-screening pair spectrum 1 - 4/3 x (1 - x) (PDG
        review, passage of particles through matter).
        """
        share = sample_pair_share(len(self.event), rng)
        return Showers.join([replace(self, energy_gev=self.energy_gev * part) for part in (share, 1 - share)])


def sample_pair_share(n: int, rng: np.random.Generator) -> Floats:
    """Energy share [n] of one electron of a pair, density proportional to 1 - 4/3 x (1 - x) on (0, 1)."""
    # 2/3 + (2x - 1)^2 / 3: a uniform part (6/7 of the integral) and one that rises to both ends (1/7)
    uniform = rng.random(n)
    ends = 0.5 + 0.5 * np.cbrt(2 * rng.random(n) - 1)
    return np.clip(np.where(rng.random(n) < 6 / 7, uniform, ends), 1e-3, 1 - 1e-3)


def pi0_photons(energy_gev: Floats, rng: np.random.Generator) -> tuple[Floats, Floats, Floats]:
    """Exact two-body decay of neutral pions, isotropic in their rest frame.

    Parameters
    ----------
    energy_gev
        [n] total energies of the pions, GeV (at least the pion mass).

    Returns
    -------
    energy
        [2, n] photon energies, GeV.
    angle
        [2, n] photon angles to the pion's direction, rad; the first on the positive, the second on the
        negative side.
    azimuth
        [n] angle of the decay plane, rad.
    """
    mass = PI0_MEV / 1e3
    momentum = np.sqrt(np.maximum(energy_gev**2 - mass**2, 0))
    cosine = rng.uniform(-1, 1, len(energy_gev))
    energy = np.stack([energy_gev + momentum * cosine, energy_gev - momentum * cosine]) / 2
    along = np.stack([momentum + energy_gev * cosine, momentum - energy_gev * cosine]) / 2
    across = mass / 2 * np.sqrt(1 - cosine**2)
    return energy, np.arctan2(across, along), rng.uniform(0, 2 * np.pi, len(energy_gev))

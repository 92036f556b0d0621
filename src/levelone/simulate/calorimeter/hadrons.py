"""Hadronic showers: an exponential start, a fluctuating electromagnetic part, and the rest.

Sources
-------
Electromagnetic fraction: R. Wigmans and D. E. Groom, f_em = 1 - (E / E0)^(k - 1) with k = 0.82 and E0 = 1 GeV
for pions (T. A. Gabriel et al., Nucl. Instrum. Meth. A 338 (1994) 336; PDG review, hadronic calorimeters).
Longitudinal profile of the hadronic part: R. K. Bock, T. Hansl-Kozanecka and T. P. Shah, Nucl. Instrum. Meth.
186 (1981) 533: gamma distribution with a = 0.6165 + 0.3183 ln E and slope 0.9099 - 0.0237 ln E per
interaction length, counted from the shower start. Its electromagnetic term is replaced by real sub-showers.
Lateral: 2 r R^2 / (r^2 + R^2)^2 with R = 0.23 interaction lengths, so that 95 % lie within one interaction
length (R. Wigmans, Calorimetry, 2nd ed., 2017, section 2.3).

Assumptions of our own, where sources give no closed form: f_em is beta-distributed about its mean with
sigma^2 = f (1 - f) / 16; a third of the electromagnetic energy starts at the first vertex (isospin), the rest
in two later ones at exponential distances of one interaction length; the hadronic part is seen with h / e =
0.75 and a relative fluctuation of 0.35 / sqrt(E_h / GeV), the rest (binding energy, neutrons, neutrinos)
being invisible.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from levelone.simulate.calorimeter.cells import Calorimeter, Spots
from levelone.simulate.calorimeter.showers import Showers, mean_profile
from levelone.simulate.materials import Floats

_POWER = 0.82
_SCALE_GEV = 1.0
_CONCENTRATION = 15.0
_HADRON_RESPONSE = 0.75
_HADRON_SPREAD = 0.35
_LATERAL = 0.23


def mean_em_fraction(energy_gev: Floats) -> Floats:
    """Mean electromagnetic fraction of pion showers; 0 below 1 GeV."""
    return np.clip(1 - np.maximum(energy_gev / _SCALE_GEV, 1e-9) ** (_POWER - 1), 0, 1)


def sample_em_fraction(energy_gev: Floats, rng: np.random.Generator) -> Floats:
    """One electromagnetic fraction per shower."""
    mean = np.clip(mean_em_fraction(energy_gev), 0.02, 0.98)
    return rng.beta(_CONCENTRATION * mean, _CONCENTRATION * (1 - mean))


@dataclass(frozen=True)
class HadronShowers:
    """Hadrons that shower, each field [n]; `start` is in pion interaction lengths of the calorimeter."""

    event: NDArray[np.int64]
    energy_gev: Floats
    start: Floats
    x_mm: Floats
    y_mm: Floats
    slope_x: Floats
    slope_y: Floats


def mean_behind(calorimeter: Calorimeter, layer: int, energy_gev: Floats, depth: Floats) -> Floats:
    """Mean energy, in and behind a layer, of electromagnetic showers that start at a depth.

    `depth` is in pion interaction lengths, and of the same shape as `energy_gev`; the profile is that of the
    first section.
    """
    from scipy.special import gammaincc

    profile = mean_profile(calorimeter.sections[0].medium, energy_gev)
    start = np.interp(depth, calorimeter.edges_interaction, calorimeter.edges_x0)
    deep = np.maximum(calorimeter.edges_x0[layer] - start, 0)
    return energy_gev * gammaincc(profile.alpha, profile.beta * deep)


@dataclass(frozen=True)
class Division:
    """What hadronic showers [n] consist of, before any of it is placed.

    Attributes
    ----------
    vertex_gev, vertex_depth
        [3, n] electromagnetic energy of each vertex, and its depth in pion interaction lengths.
    visible_gev, invisible_gev
        [n] what the hadronic part shows of its energy, and what it does not (negative where it fluctuates
        above).
    shape, slope
        [n] of the hadronic part's gamma distribution in depth, per pion interaction length from `start` on.
    """

    vertex_gev: Floats
    vertex_depth: Floats
    visible_gev: Floats
    invisible_gev: Floats
    shape: Floats
    slope: Floats

    @property
    def start(self) -> Floats:
        """Depth [n] of the first interaction, pion interaction lengths: the first vertex."""
        return self.vertex_depth[0]

    def behind(self, calorimeter: Calorimeter, layer: int) -> Floats:
        """Mean visible energy [n] in and behind a layer."""
        from scipy.special import gammaincc

        deep = np.maximum(calorimeter.edges_interaction[layer] - self.start, 0)
        vertices = mean_behind(calorimeter, layer, self.vertex_gev, self.vertex_depth).sum(0)
        return self.visible_gev * gammaincc(self.shape, self.slope * deep) + vertices

    @property
    def seen_gev(self) -> Floats:
        """Visible energy [n], wherever it is."""
        return self.visible_gev + self.vertex_gev.sum(0)

    def take(self, rows: NDArray[np.int64]) -> Division:
        """Some of the showers."""
        return Division(*(getattr(self, field.name)[..., rows] for field in fields(self)))

    @staticmethod
    def join(parts: list[Division]) -> Division:
        """All showers of several lists (at least one)."""
        return Division(
            *(np.concatenate([getattr(p, f.name) for p in parts], axis=-1) for f in fields(Division))
        )


def divide(energy_gev: Floats, start: Floats, rng: np.random.Generator) -> Division:
    """Draw what hadrons [n] of an energy become that first interact at a depth `start` [n]."""
    n = len(energy_gev)
    electromagnetic = energy_gev * sample_em_fraction(energy_gev, rng)
    weights = rng.dirichlet((1.0, 1.0, 1.0), n).T
    depths = np.stack([start, start + rng.exponential(1.0, n), start + rng.exponential(1.0, n)])
    hadronic = energy_gev - electromagnetic
    order = (np.maximum(hadronic, 0.05) / _HADRON_SPREAD**2).clip(1.0)
    visible = hadronic * _HADRON_RESPONSE * rng.standard_gamma(order) / order
    log_e = np.log(np.maximum(energy_gev, 1.0))
    return Division(
        np.maximum(electromagnetic * weights, 1e-4),
        depths,
        visible,
        hadronic - visible,
        0.6165 + 0.3183 * log_e,
        0.9099 - 0.0237 * log_e,
    )


def develop(
    calorimeter: Calorimeter,
    hadrons: HadronShowers,
    rng: np.random.Generator,
    cap: int = 600,
    lateral: float = _LATERAL,
    division: Division | None = None,
) -> tuple[Showers, Spots, Floats]:
    """Split hadronic showers into electromagnetic sub-showers and hadronic spots.

    `lateral` is the radius R of the hadronic part in pion interaction lengths; `division` is what they
    consist of, drawn here if it is not given.

    Returns
    -------
    showers
        Electromagnetic sub-showers, to be developed with the others.
    spots
        Hadronic deposits.
    invisible
        [n] energy that leaves no signal, GeV (negative where the hadronic part fluctuates above its energy).
    """
    n = len(hadrons.event)
    if division is None:
        division = divide(hadrons.energy_gev, hadrons.start, rng)
    showers = Showers.join(
        [
            Showers(
                hadrons.event,
                energy,
                np.interp(depth, calorimeter.edges_interaction, calorimeter.edges_x0, right=np.inf),
                hadrons.x_mm,
                hadrons.y_mm,
                hadrons.slope_x,
                hadrons.slope_y,
            )
            for energy, depth in zip(division.vertex_gev, division.vertex_depth, strict=True)
        ]
    )
    reached = np.isfinite(showers.start)  # a vertex behind the calorimeter leaves nothing in it
    lost = np.bincount(
        showers.event[~reached], showers.energy_gev[~reached], int(hadrons.event.max(initial=-1)) + 1
    )
    showers = showers.take(reached)
    hadronic = division.visible_gev + division.invisible_gev
    spots = np.clip(np.rint(20 + 6 * hadronic), 20, cap).astype(np.int64)
    owner = np.repeat(np.arange(n), spots)
    depth = division.start[owner] + rng.standard_gamma(division.shape[owner]) / division.slope[owner]
    layer = calorimeter.layer_of(depth, calorimeter.edges_interaction)
    scale = np.concatenate(
        [np.full(len(s.layer_mm), sum(s.layer_mm) / sum(s.layer_interaction)) for s in calorimeter.sections]
    )
    u = rng.random(len(owner))
    spread = np.exp(0.3 * rng.standard_normal(n))  # some showers are wide, some narrow
    radius = lateral * spread[owner] * calorimeter.layer_values(scale, layer) * np.sqrt(u / (1 - u))
    z = np.interp(depth, calorimeter.edges_interaction, calorimeter.edges_mm)
    turn = rng.uniform(0, 2 * np.pi, len(owner))
    x = hadrons.x_mm[owner] + hadrons.slope_x[owner] * z + radius * np.cos(turn)
    y = hadrons.y_mm[owner] + hadrons.slope_y[owner] * z + radius * np.sin(turn)
    per_event = np.bincount(hadrons.event, minlength=len(lost))
    invisible = division.invisible_gev + lost[hadrons.event] / np.maximum(per_event[hadrons.event], 1)
    visible = (division.visible_gev / spots)[owner]
    return showers, Spots(hadrons.event[owner], layer, x, y, visible), invisible

"""Charged particles that ionise layer by layer: hadrons before they shower, electrons where a shower begins.

The longitudinal fit of `levelone.simulate.calorimeter.showers` is one of whole showers: at its beginning it
vanishes, where a real one still is a single electron that crosses every sensor. In the first `FOLLOWED`
layers an electron therefore leaves tracks instead: its own, and those of the pairs that photons of its
bremsstrahlung make. Photons above k are 4/3 t ln(E / k) in t radiation lengths, each converts after 9/7 on
average (PDG review, passage of particles through matter), so that after t there are

    4/3 ln(E / k) (t - 9/7 (1 - exp(-7/9 t)))

pairs. k = `SOFTEST_GEV` is chosen here: a pair of that energy does not cross two layers more. As pairs
radiate in turn, their number has a wider law than Poisson's: a negative binomial of shape `SHAPE`. The
electron goes on ionising for `ALONE` layers after that, in which the fit can still fluctuate to nothing.
Some particles come back out of a shower into the first layers of the calorimeter, on average `RETURNING`
(E / 10 GeV)^0.6 into each. Both numbers are chosen so that first layers are those of Geant4 11.4 (option 1 of
its electromagnetic physics).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from levelone.simulate.calorimeter.cells import Calorimeter, Spots
from levelone.simulate.calorimeter.showers import MEAN_FREE_PATH, Showers
from levelone.simulate.materials import Floats
from levelone.simulate.straggling import sample_landau

FOLLOWED = 2
ALONE = 2
SOFTEST_GEV = 0.02
SHAPE = 1.5
RETURNING = 0.18
_PAIR_SPREAD_MM, _RETURN_SPREAD_MM = 1.0, 30.0  # about the axis, along x and y
_LANDAU_WIDTH, _LANDAU_END = 0.1, 60.0  # over the most probable signal; in units of the width


@dataclass(frozen=True)
class Lines:
    """Straight tracks through layers, each field [n].

    `event`, the `first` layer and how many `layers` are crossed, where the axis is at the front face and its
    slopes.
    """

    event: NDArray[np.int64]
    first: NDArray[np.int64]
    layers: NDArray[np.int64]
    x_mm: Floats
    y_mm: Floats
    slope_x: Floats
    slope_y: Floats


def most_probable(calo: Calorimeter) -> Floats:
    """Most probable signal of a minimum ionising particle in every layer, GeV, [layers]."""
    return np.concatenate([s.mip_gev * s.weight for s in calo.sections])


def ionise(calo: Calorimeter, lines: Lines, rng: np.random.Generator) -> Spots:
    """A signal in every crossed layer, with Landau's fluctuations (a width of 10 % of the most probable)."""
    last = np.minimum(lines.first + lines.layers, int(calo.first_layer[-1]))
    crossed = np.maximum(last - lines.first, 0)
    owner = np.repeat(np.arange(len(crossed)), crossed)
    layer = lines.first[owner] + np.arange(len(owner)) - np.repeat(np.cumsum(crossed) - crossed, crossed)
    signal = 1 + _LANDAU_WIDTH * sample_landau(np.full(len(owner), _LANDAU_END), rng)
    z = calo.edges_mm[layer]
    return Spots(
        lines.event[owner],
        layer,
        lines.x_mm[owner] + lines.slope_x[owner] * z,
        lines.y_mm[owner] + lines.slope_y[owner] * z,
        most_probable(calo)[layer] * np.maximum(signal, 0.1),
    )


def mean_pairs(energy_gev: Floats, path_x0: Floats) -> Floats:
    """Pairs that an electron's radiation has made after a path, on average: see the module."""
    photons = 4 / 3 * np.log(np.maximum(energy_gev / SOFTEST_GEV, 1))
    return photons * (path_x0 - MEAN_FREE_PATH * -np.expm1(-path_x0 / MEAN_FREE_PATH))


def begin(calo: Calorimeter, electrons: Showers, rng: np.random.Generator) -> tuple[Spots, Showers]:
    """The tracks at the beginning of showers, and the showers of what energy is left.

    A shower of too little energy for all its tracks keeps those that it has the energy for, in order.

    Returns
    -------
    tracks
        Signals; `Spots.event` is that of the shower.
    showers
        The showers, less the tracks' energy, from the layer on that is not followed.
    """
    n = len(electrons.event)
    layers = int(calo.first_layer[-1])
    first = np.clip(calo.layer_of(electrons.start, calo.edges_x0), 0, layers)
    number = np.arange(n)
    each = [(number, first, np.full(n, FOLLOWED + ALONE), np.zeros(n), np.zeros(n))]
    before = np.zeros(n)
    many = rng.standard_gamma(SHAPE, n) / SHAPE
    for step in range(FOLLOWED):
        end = calo.edges_x0[np.minimum(first + step + 1, layers)]
        mean = mean_pairs(electrons.energy_gev, np.maximum(end - electrons.start, 0))
        owner = np.repeat(number, 2 * rng.poisson(many * np.maximum(mean - before, 0)))
        before = mean
        beside = rng.normal(0, _PAIR_SPREAD_MM, (2, len(owner)))
        each.append((owner, first[owner] + step, np.full(len(owner), FOLLOWED - step), *beside))
        owner = np.repeat(number, rng.poisson(RETURNING * (electrons.energy_gev / 10) ** 0.6))
        beside = rng.normal(0, _RETURN_SPREAD_MM, (2, len(owner)))
        each.append((owner, np.full(len(owner), step), np.ones(len(owner), np.int64), *beside))
    owner, begins, length, x, y = (np.concatenate(column) for column in zip(*each, strict=True))
    tracks = ionise(
        calo,
        Lines(
            owner,
            begins,
            length,
            electrons.x_mm[owner] + x,
            electrons.y_mm[owner] + y,
            electrons.slope_x[owner],
            electrons.slope_y[owner],
        ),
        rng,
    )
    order = np.lexsort((tracks.layer, tracks.event))
    tracks = tracks.take(order)
    total = np.cumsum(tracks.energy)
    ends = np.searchsorted(tracks.event, number)
    spent = total - np.concatenate([[0], total])[ends][tracks.event]
    tracks = tracks.take(np.flatnonzero(spent < electrons.energy_gev[tracks.event]))
    left = electrons.energy_gev - np.bincount(tracks.event, tracks.energy, n)
    kept = replace(electrons, energy_gev=left, first=np.minimum(first + FOLLOWED, layers - 1))
    return replace(tracks, event=electrons.event[tracks.event]), kept

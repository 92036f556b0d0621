"""Charged pions: where they interact, what they become, and which of them look like electrons."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from levelone.simulate.calorimeter.cells import Calorimeter, Spots
from levelone.simulate.calorimeter.hadrons import Division, HadronShowers, develop, divide, mean_behind
from levelone.simulate.calorimeter.showers import Showers
from levelone.simulate.calorimeter.tracks import Lines, ionise
from levelone.simulate.materials import IRON, Floats

LEADING = 0.1
"""Probability that a pion hands a part of its energy, all parts alike, to one leading neutral pion.

An assumption: charge exchange and leading neutral pions make a tail of nearly electromagnetic showers that
the fluctuating fraction of `levelone.simulate.calorimeter.hadrons` does not have.
"""
LATERAL = 0.23 * IRON.interaction / IRON.pion_interaction
"""R of hadronic parts, pion interaction lengths."""
_TRIES = 64  # per pion and round


@dataclass(frozen=True)
class Interactions:
    """First interactions of pions [n].

    Energy of the `leading` neutral pion (GeV, mostly 0), and the `division` of the rest.
    """

    leading: Floats
    division: Division

    @property
    def depth(self) -> Floats:
        """Where they are, pion interaction lengths."""
        return self.division.start

    def share_behind(self, calo: Calorimeter, layer: int) -> Floats:
        """Mean share [n] of the visible energy that lies in and behind a layer."""
        leading = mean_behind(calo, layer, self.leading, self.depth)
        return (self.division.behind(calo, layer) + leading) / (self.division.seen_gev + self.leading)


def interact(energy_gev: Floats, rng: np.random.Generator) -> Interactions:
    """First interactions of pions of the given energies [n], without a filter."""
    n = len(energy_gev)
    depth = rng.exponential(1.0, n)
    leading = energy_gev * np.where(rng.random(n) < LEADING, rng.random(n), 0)
    return Interactions(leading, divide(energy_gev - leading, depth, rng))


def interact_in_ecal(
    calo: Calorimeter, energy_gev: Floats, share: float, rng: np.random.Generator
) -> Interactions:
    """First interactions after which at most `share` of the visible energy is expected behind the ECAL.

    Pions are drawn again, at the same energy, until they pass; all do if `share` is 1.
    """
    if share >= 1 or not len(energy_gev):
        return interact(energy_gev, rng)
    leading = np.zeros(len(energy_gev))
    divisions: list[Division] = []
    order: list[NDArray[np.int64]] = []
    missing = np.arange(len(energy_gev))
    behind = int(calo.first_layer[1])
    while len(missing):
        drawn = interact(np.repeat(energy_gev[missing], _TRIES), rng)
        good = (drawn.share_behind(calo, behind) <= share).reshape(len(missing), _TRIES)
        found = np.flatnonzero(good.any(1))
        rows = found * _TRIES + good[found].argmax(1)
        owner = missing[found]
        leading[owner] = drawn.leading[rows]
        divisions.append(drawn.division.take(rows))
        order.append(owner)
        missing = np.delete(missing, found)
    return Interactions(leading, Division.join(divisions).take(np.argsort(np.concatenate(order))))


@dataclass(frozen=True)
class Pions:
    """What charged pions [n] leave in a calorimeter.

    Attributes
    ----------
    photons
        Of leading neutral pions, not converted yet.
    showers, spots
        Electromagnetic sub-showers to be developed, and hadronic deposits.
    tracks
        Signals of the pions before they interact.
    start
        [n] depth of the first interaction in radiation lengths.
    invisible
        [n] energy that leaves no signal, GeV; what the tracks leave is taken from it.
    """

    photons: Showers
    showers: Showers
    spots: Spots
    tracks: Spots
    start: Floats
    invisible: Floats


def develop_pions(calo: Calorimeter, entering: Showers, share: float, rng: np.random.Generator) -> Pions:
    """Let pions, each in an event of its own, interact: see `interact_in_ecal`; the ECAL is section 0."""
    found = interact_in_ecal(calo, entering.energy_gev, share, rng)
    event, x, y, sx, sy = (
        entering.event,
        entering.x_mm,
        entering.y_mm,
        entering.slope_x,
        entering.slope_y,
    )
    hadrons = HadronShowers(event, entering.energy_gev - found.leading, found.depth, x, y, sx, sy)
    showers, spots, _ = develop(calo, hadrons, rng, lateral=LATERAL, division=found.division)
    layers = int(calo.first_layer[-1])
    crossed = np.clip(calo.layer_of(found.depth, calo.edges_interaction), 0, layers)
    tracks = ionise(calo, Lines(event, np.zeros_like(event), crossed, x, y, sx, sy), rng)
    start = np.interp(found.depth, calo.edges_interaction, calo.edges_x0)
    split = rng.random(len(event))
    photons = [
        Showers(event, found.leading * part, start, x, y, sx, sy).take(
            (found.leading > 0) & (found.depth < calo.edges_interaction[-1])
        )
        for part in (split, 1 - split)
    ]
    size = int(event.max(initial=-1)) + 1
    every = Showers.join([*photons, showers])
    visible = np.bincount(every.event, every.energy_gev, size) + sum(
        np.bincount(part.event, part.energy, size) for part in (spots, tracks)
    )
    return Pions(Showers.join(photons), showers, spots, tracks, start, entering.energy_gev - visible[event])

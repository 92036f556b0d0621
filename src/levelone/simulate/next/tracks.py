"""Electrons in high-pressure xenon, followed until they have stopped, and what they leave behind.

Every interaction that matters alone is one event of the walk: large deflections, knock-on electrons above
20 keV and bremsstrahlung photons above 20 keV, each at an exponential distance. What happens in between is
many small things, which enter with laws that add up exactly along the path (small deflections by their
mean, small losses by a gamma law with the mean and the variance of collisions below the cut), so that no
result depends on how long steps are. An electron below 30 keV stops where it is (its range is 0.3 mm at 15
bar).

A positron is followed like an electron; its stopping power differs by some percent.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from levelone.simulate.deflections import sample_small, turned
from levelone.simulate.materials import ELECTRON_MEV, Floats
from levelone.simulate.next.photons import Particles, follow
from levelone.simulate.next.scattering import deflections, sample_large
from levelone.simulate.next.stopping import (
    collision_scale,
    collision_stopping,
    knock_on_bound,
    knock_on_stopping,
    radiated,
    sample_knock_on,
    sample_photon,
)

_LOG_LOW, _LOG_HIGH = np.log(0.004), np.log(6.0)
_POINTS = 300  # at which cross sections are computed
_FINE = 16  # so many times more are looked up, without interpolation: 0.15 % apart


@dataclass(frozen=True)
class Fineness:
    """How finely electrons are followed; results do not depend on it.

    Attributes
    ----------
    loss
        Largest mean loss in a step, as a share of the kinetic energy.
    deflection
        Mean free path between large deflections, in units of the path on which direction is lost.
    cut_mev
        Knock-on electrons and photons above this are particles of their own.
    stop_mev
        Electrons below this stop.
    """

    loss: float = 0.05
    deflection: float = 0.2
    cut_mev: float = 0.02
    stop_mev: float = 0.03

    def halved(self) -> Fineness:
        """Twice as fine in everything."""
        return Fineness(self.loss / 2, self.deflection / 2, self.cut_mev / 2, self.stop_mev / 2)


@dataclass(frozen=True)
class Deposits:
    """Ionisation along straight pieces of tracks.

    Attributes
    ----------
    event, energy_mev
        [m] each.
    start, end
        [m, 3] in g / cm2; equal where an electron stopped.
    main
        [m], connected with the vertex.
    """

    event: NDArray[np.int64]
    energy_mev: Floats
    start: Floats
    end: Floats
    main: NDArray[np.bool_]


@lru_cache(maxsize=4)
def _tables(fineness: Fineness) -> Floats:
    """What `_walk` looks up, over equal steps of log energy: [quantity, points]."""
    kinetic = np.exp(np.linspace(_LOG_LOW, _LOG_HIGH, _POINTS))
    cut = fineness.cut_mev
    _, large, rate, soft = deflections(kinetic, fineness.deflection)
    photons, soft_photons = radiated(kinetic, cut)
    mean = collision_stopping(kinetic) - knock_on_stopping(kinetic, cut) + soft_photons
    variance = collision_scale(kinetic) * np.minimum(cut, kinetic / 2)
    knocks = knock_on_bound(kinetic, cut)
    log, fine = np.log(kinetic), np.linspace(_LOG_LOW, _LOG_HIGH, _FINE * (_POINTS - 1) + 1)
    return np.stack([np.interp(fine, log, q) for q in (mean, variance, rate, knocks, photons, large, soft)])


def track(electrons: Particles, rng: np.random.Generator, fineness: Fineness | None = None) -> Deposits:
    """Follow electrons, their knock-on electrons and their photons until all have stopped or left."""
    fineness = fineness or Fineness()
    parts: list[Deposits] = []
    while len(electrons):
        photons = _walk(electrons, rng, fineness, parts)
        electrons = follow(photons, rng)
    names = ("event", "energy_mev", "start", "end", "main")
    return Deposits(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def _walk(p: Particles, rng: np.random.Generator, fine: Fineness, parts: list[Deposits]) -> Particles:
    """Follow electrons and knock-on electrons; the photons that they radiate."""
    table, cut = _tables(fine), fine.cut_mev
    photons = [p[np.zeros(len(p), bool)]]
    while True:
        stopped = p.energy < fine.stop_mev
        if stopped.any():
            s = p[stopped]
            parts.append(Deposits(s.event, s.energy, s.position, s.position, s.main))
            p = p[~stopped]
        n = len(p)
        if n == 0:
            return Particles.join(photons)
        place = (np.log(p.energy) - _LOG_LOW) * (_FINE * (_POINTS - 1) / (_LOG_HIGH - _LOG_LOW)) + 0.5
        mean, variance, elastic, knocks, radiates, large, soft = table.take(place.astype(np.int64), axis=1)
        total = elastic + knocks + radiates
        free = rng.standard_exponential(n) / total
        longest = fine.loss * p.energy / mean
        step = np.minimum(free, longest)
        # small losses: a gamma law of this mean and variance, both proportional to the step
        loss = np.minimum(rng.standard_gamma(mean**2 / variance * step) * variance / mean, p.energy)
        hinge = rng.random(n)[:, None]
        azimuth = 2 * np.pi * rng.random((2, n))
        middle = p.position + p.direction * (hinge * step[:, None])
        direction = turned(p.direction, 1 - 2 * sample_small(soft, step, rng), azimuth[0])
        end = middle + direction * ((1 - hinge) * step[:, None])
        parts.append(Deposits(p.event, loss, p.position, end, p.main))
        kinetic = p.energy - loss
        kind = np.where(free < longest, rng.random(n) * total, -1.0)
        hit = np.flatnonzero((kind >= 0) & (kind < elastic))
        mu = sample_large(p.energy[hit], large[hit], rng)
        direction[hit] = turned(direction[hit], 1 - 2 * mu, azimuth[1][hit])
        new = [Particles(p.event, kinetic, end, direction, p.main)]
        who = np.flatnonzero((kind >= elastic) & (kind < elastic + knocks) & (kinetic > 2 * cut))
        if len(who):
            new.append(_knock(new[0], who, azimuth[1][who], cut, rng))
        who = np.flatnonzero((kind >= elastic + knocks) & (kinetic > cut))
        if len(who):
            photons.append(_radiate(new[0], who, azimuth[1][who], cut, rng))
        p = Particles.join(new) if len(new) > 1 else new[0]


def _knock(
    p: Particles, who: NDArray[np.int64], azimuth: Floats, cut: float, rng: np.random.Generator
) -> Particles:
    """Knock-on electrons; those that make them lose the energy and recoil (`p` is changed)."""
    energy = p.energy[who]
    transfer = sample_knock_on(energy, cut, rng)
    good = transfer > 0
    who, energy, transfer, azimuth = who[good], energy[good], transfer[good], azimuth[good]

    def cosine(kinetic: Floats) -> Floats:
        return np.sqrt(kinetic * (energy + 2 * ELECTRON_MEV) / (energy * (kinetic + 2 * ELECTRON_MEV)))

    before = p.direction[who]
    p.direction[who] = turned(before, cosine(energy - transfer), azimuth + np.pi)
    p.energy[who] -= transfer
    return Particles(
        p.event[who], transfer, p.position[who], turned(before, cosine(transfer), azimuth), p.main[who]
    )


def _radiate(
    p: Particles, who: NDArray[np.int64], azimuth: Floats, cut: float, rng: np.random.Generator
) -> Particles:
    """Photons; those that radiate them lose the energy (`p` is changed).

    Their angle is that of a dipole seen from the moving electron.
    """
    energy = p.energy[who]
    photon = sample_photon(energy, cut, rng)
    good = photon > 0
    who, energy, photon, azimuth = who[good], energy[good], photon[good], azimuth[good]
    beta = np.sqrt(1 - (ELECTRON_MEV / (energy + ELECTRON_MEV)) ** 2)
    u = 4 * rng.random(len(who)) - 2
    root = np.cbrt(u + np.sqrt(u**2 + 1))
    rest = root - 1 / root  # the cosine whose density is 3 / 8 (1 + cosine^2)
    aim = turned(p.direction[who], (rest + beta) / (1 + beta * rest), azimuth)
    p.energy[who] -= photon
    return Particles(p.event[who], photon, p.position[who], aim, np.zeros(len(who), bool))

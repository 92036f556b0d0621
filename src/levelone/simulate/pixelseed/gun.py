"""Muons through one sensor, without a collision: what engines that take energy from them are compared on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from levelone.simulate.materials import MUON_MEV, Floats
from levelone.simulate.pixelseed.charge import KEV_PER_ELECTRON, freed_electrons
from levelone.simulate.pixelseed.drift import Passages, cut
from levelone.simulate.pixelseed.section import Geometry
from levelone.simulate.pixelseed.sensors import SENSORS
from levelone.simulate.processes import Each, in_chunks

CHUNK = 1000
"""Muons at a time, with a random generator of their own."""


@dataclass(frozen=True)
class Muons:
    """So many equal muons that enter the sensor of a geometry; `cot_theta` is 0 along its normal."""

    geometry: Geometry
    momentum_gev: float
    cot_theta: float
    count: int = CHUNK

    @property
    def direction(self) -> tuple[float, float, float]:
        """Unit vector, the normal last."""
        length = float(np.hypot(self.cot_theta, 1))
        return 0.0, self.cot_theta / length, 1 / length


Transport = Callable[[Muons, np.random.Generator], Floats]
"""What each of the muons leaves in the sensor, keV [count]."""


def pass_through(muons: Muons, rng: np.random.Generator) -> Floats:
    """The parametrised loss, in steps as the generator takes them (`collection.collect`)."""
    leave = SENSORS[muons.geometry].thickness_mm * np.array([[0.0, muons.cot_theta, 1.0]])
    count, begin, end = cut(Passages(np.zeros((1, 3)), leave))
    length = np.full(muons.count, np.linalg.norm(end[0] - begin[0]))
    beta_gamma = np.full(muons.count, 1e3 * muons.momentum_gev / MUON_MEV)
    electrons = freed_electrons(rng, length, beta_gamma, np.repeat(count, muons.count))
    return KEV_PER_ELECTRON * electrons.reshape(muons.count, -1).sum(1)


def fire(
    geometry: Geometry,
    momentum_gev: float,
    cot_theta: float,
    events: int,
    seed: int,
    transport: Transport = pass_through,
    each: Each = map,
) -> Iterator[Floats]:
    """Chunks of muons: what each leaves in the sensor, keV [n].

    Parameters
    ----------
    transport
        levelone's own parametrisation, or another engine.
    each
        How chunks are made; in processes `transport` is sent there.
    """
    muons = Muons(geometry, momentum_gev, cot_theta)
    yield from in_chunks(partial(transport, muons), events, CHUNK, seed, each)

"""Single particles in the detector, without a neutrino: what engines that transport them are compared on."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from levelone.simulate.materials import Floats
from levelone.simulate.nova.generator import Transport, pass_through, placed
from levelone.simulate.nova.readout import STEP_MEV, Readout, fired_cells
from levelone.simulate.nova.section import NovaGenerate
from levelone.simulate.passage.particles import Kind, Particles
from levelone.simulate.processes import Each, in_chunks

CHUNK = 50
"""Particles at a time, with a random generator of their own."""
FAR_CM = 775.0
"""From where the particles start to the ends that are read: half a cell's length."""


def fire(
    kind: Kind,
    kinetic_mev: float,
    events: int,
    seed: int,
    transport: Transport = pass_through,
    each: Each = map,
) -> Iterator[Floats]:
    """Chunks of events, each one particle that flies along the beam from anywhere in a cell.

    Of every event the light (MeV) of the cells that reach the generator's threshold, [n, 2 views, WIDE,
    LONG]; there is no noise.

    Parameters
    ----------
    transport
        levelone's own parametrisation, or another engine.
    each
        How chunks are made; in processes `transport` is sent there.
    """
    yield from in_chunks(partial(_shoot, kind, kinetic_mev, transport), events, CHUNK, seed, each)


def _shoot(kind: Kind, kinetic_mev: float, transport: Transport, rng: np.random.Generator) -> Floats:
    event = np.arange(CHUNK)
    particles = Particles(
        event,
        np.full(CHUNK, int(kind)),
        np.full(CHUNK, kinetic_mev),
        np.zeros((CHUNK, 3)),
        np.tile([0.0, 0.0, 1.0], (CHUNK, 1)),
    )
    deposits = transport(placed(particles, CHUNK, rng), rng)
    told = NovaGenerate()
    plan = Readout(0.0, told.threshold_pe, told.pe_per_mev)
    return STEP_MEV * fired_cells(deposits, CHUNK, np.full((CHUNK, 2), FAR_CM), plan, rng)

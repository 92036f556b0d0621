"""Two electrons or one in a high-pressure xenon chamber, seen as 20 x 20 x 60 voxels.

Signal and background have the same energy and differ in topology: two ends, where stopping power rises, or
one (J. Martin-Albo et al., JHEP 05 (2016) 159, arXiv:1511.09246). What starts: `sources`; how it moves:
`tracks`.

Gas at 15 bar (0.0860 g / cm3). Ionisation is divided into clouds of 0.1 keV, all alike whatever made them,
placed at random along the pieces of the tracks. They drift 0 to 1 m, spreading by 1.0 mm (across) and 0.3
mm (along) per square root of cm, of the size measured in pure xenon (A. Simon et al., JINST 13 (2018)
P07013). The charge of every voxel fluctuates with Fano's factor 0.15 at 21.9 eV per electron (D. Nygren,
Nucl. Instrum. Methods A 603 (2009) 337); the energy of the event is smeared by 1 % FWHM. Voxels are 10 x 10
x 5 mm unless told otherwise; the image is centred on the charge connected with the vertex, at random within
a voxel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.data.voxelcheck import Column, GridSpec
from levelone.simulate import Progress
from levelone.simulate.materials import Floats
from levelone.simulate.next.photons import Particles
from levelone.simulate.next.section import NextGenerate
from levelone.simulate.next.sources import start
from levelone.simulate.next.tracks import Deposits, track
from levelone.simulate.voxelrun import Generated, VoxelSummary, run

CLASSES = ("one electron", "two electrons")
SHAPE = (20, 20, 60)
VOXEL_MM = (10.0, 10.0, 5.0)
DENSITY = 0.0860
"""Of the gas, g / cm3."""
UNIT_MM = 10 / DENSITY
"""A g / cm2 of the gas, mm."""
CLOUD_KEV = 0.1
"""Energy of a charge cloud."""
_FANO_KEV = 0.15 * 0.0219
"""Variance of a deposit's charge, in units of its energy."""
_BLOCK = 4  # events whose clouds are made at once: they fit into a processor's cache
THRESHOLD_KEV = 2.0
"""Voxels that hold less are empty."""

COLUMNS = (
    Column("label", "uint8", "", "how many electrons", CLASSES),
    Column("energy", "float32", "keV", "energy deposited near the vertex"),
    Column("leading", "float32", "keV", "kinetic energy of the more energetic electron"),
    Column("cosine", "float32", "", "cosine of the angle between the electrons; 1 for one electron"),
    Column("drift", "float32", "mm", "drift distance of the vertex"),
    Column("measured", "float32", "keV", "energy in the voxels"),
)


def grid(voxel_mm: tuple[float, float, float]) -> GridSpec:
    """The grid `tpc` (20, 20, 60), axes (x, y, z) with z along the drift, for a voxel size in mm."""
    return GridSpec("tpc", SHAPE, voxel_mm, ("x", "y", "z"), "keV")


Follow = Callable[[Particles, np.random.Generator], Deposits]
"""How the deposits of particles are found: by `track`, or by Geant4."""


def generate(
    label: NDArray[np.uint8],
    rng: np.random.Generator,
    options: NextGenerate,
    *,
    cloud_kev: float = CLOUD_KEV,
    follow: Follow = track,
) -> Generated:
    """Simulate events [n], `label` 0 for one electron, 1 for two.

    Parameters
    ----------
    options
        Signal, voxels, diffusion, drift and resolution are used.
    cloud_kev
        How finely charge is divided.
    follow
        What finds the deposits.
    """
    n = len(label)
    started = start(label, options.signal, rng)
    deposits = follow(started.particles, rng)
    drift = rng.uniform(*options.drift_mm, n)
    total: Floats = 1e3 * np.bincount(deposits.event, deposits.energy_mev, n).astype(np.float64)
    across, along = options.diffusion_mm
    spread = np.asarray([across, across, along])
    image = np.zeros((n, np.prod(SHAPE)), np.float32)
    kept, gain = np.zeros(n), 1 + options.fwhm / 2.3548 * rng.standard_normal(n)
    charges = _charge(deposits, drift, spread, np.asarray(options.voxel_mm), cloud_kev, rng)
    for event, cell, charge in charges:
        kept += np.bincount(event, charge, n)
        energy = (charge + np.sqrt(_FANO_KEV * charge) * rng.standard_normal(len(charge))) * gain[event]
        image[event, cell] = np.where(energy < THRESHOLD_KEV, 0, energy)
    truth = {
        "label": label.astype(np.uint8),
        "energy": total.astype(np.float32),
        "leading": (1e3 * started.leading).astype(np.float32),
        "cosine": started.cosine.astype(np.float32),
        "drift": drift.astype(np.float32),
        "measured": image.sum(1).astype(np.float32),
    }
    images = {"tpc": image.reshape(n, *SHAPE)}
    return Generated(images, truth, total, np.maximum(total - kept, 0))


def _charge(
    deposits: Deposits,
    drift: Floats,
    spread: Floats,
    voxel_mm: Floats,
    cloud_kev: float,
    rng: np.random.Generator,
) -> Iterator[
    tuple[NDArray[np.signedinteger[Any]], NDArray[np.signedinteger[Any]], NDArray[np.floating[Any]]]
]:
    """Voxels with charge, some events at a time: event, cell, keV, [m] each."""
    n, cells = len(drift), int(np.prod(SHAPE))
    order = np.argsort(deposits.event.astype(np.min_scalar_type(n)), kind="stable")
    event, energy = deposits.event[order], 1e3 * deposits.energy_mev[order]
    begin, end = deposits.start[order] * UNIT_MM, deposits.end[order] * UNIT_MM
    weight = energy * deposits.main[order]
    middle, main = (begin + end) / 2, np.bincount(event, weight, n)
    centre = np.stack([np.bincount(event, weight * middle[:, axis], n) for axis in range(3)], axis=1)
    corner = centre / main[:, None] + (rng.uniform(-0.5, 0.5, (n, 3)) - np.asarray(SHAPE) / 2) * voxel_mm
    root = np.sqrt(np.maximum(drift[event] + middle[:, 2], 0) / 10)
    # rows of `first`, `length` and `width` are axes, the unit is the size of a voxel
    first = ((begin - corner[event]) / voxel_mm).astype(np.float32).T
    length = ((end - begin) / voxel_mm).astype(np.float32).T
    width = (root[:, None] * (spread / voxel_mm)).astype(np.float32).T
    # clouds lie at equal distances of energy, so that energy is conserved to a cloud
    clouds = np.diff(np.floor(np.cumsum(energy) / cloud_kev + rng.random()), prepend=0.0).astype(np.int64)
    for number in range(0, n, _BLOCK):
        rows = slice(*np.searchsorted(event, (number, number + _BLOCK)))
        repeats = clouds[rows]
        along = rng.random(repeats.sum(), dtype=np.float32)
        cell = np.repeat((event[rows] - number).astype(np.int32), repeats)
        inside = np.ones(len(cell), bool)
        for axis, size in enumerate(SHAPE):
            place, extent, sigma = (np.repeat(q[axis, rows], repeats) for q in (first, length, width))
            place += extent * along + sigma * rng.standard_normal(len(cell), dtype=np.float32)
            inside &= (place >= 0) & (place < size)
            cell *= size
            cell += place.astype(np.int32)
        found = np.bincount(cell[inside], minlength=_BLOCK * cells)
        filled = np.flatnonzero(found)
        yield number + filled // cells, filled % cells, cloud_kev * found[filled]


def generate_options(
    options: NextGenerate, n: int, rng: np.random.Generator, follow: Follow = track
) -> Generated:
    """Simulate n events as `options` say."""
    label = (rng.random(n) < options.signal_fraction).astype(np.uint8)
    return generate(label, rng, options, follow=follow)


def simulate_next(
    path: Path, options: NextGenerate, progress: Progress | None = None, *, chunk: int = 512
) -> VoxelSummary:
    """Write one- and two-electron events (grid `tpc`, 20 x 20 x 60, keV) to a voxel file.

    Parameters
    ----------
    path
        The HDF5 file to make.
    options
        How many events, from which seed, and what else there is to say.
    chunk
        Events at a time; part of what a seed means.

    Raises
    ------
    LeveloneError
        If the file cannot be written.
    """
    grids = [grid(options.voxel_mm)]
    make = partial(generate_options, options)
    return run(path, "next", options, make, grids, COLUMNS, chunk=chunk, progress=progress)

"""Electron pairs and single electrons of 2458 keV in a high-pressure xenon chamber of 20 x 20 x 60 voxels.

Signal: neutrinoless double beta decay of xenon-136, two electrons from one point. They share Q = 2458 keV
with density (T1 + m)^2 (T2 + m)^2 (Primakoff and Rosen's approximation of the Fermi function) and angle
density 1 - b1 b2 cos(theta) (light-neutrino exchange; M. Doi, T. Kotani and E. Takasugi, Prog. Theor. Phys.
Suppl. 83 (1985) 1). Background: one electron of the same energy. Both end in dense blobs, where stopping
power rises: two for the signal, one for the background (J. Martin-Albo et al., JHEP 05 (2016) 159,
arXiv:1511.09246).

Gas at 15 bar (0.0860 g / cm3). Charge drifts 0 to 1 m, spreading by 1.0 mm (across) and 0.3 mm (along) per
square root of cm, of the size measured in pure xenon (A. Simon et al., JINST 13 (2018) P07013). Energy is
smeared by 1 % FWHM at Q. Voxels are 10 x 10 x 5 mm unless told otherwise; the image is centred on the charge,
at random within a voxel. Electron transport and its simplifications: `xenontracks`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from levelone.data.voxelcheck import Column, GridSpec
from levelone.simulate import Progress
from levelone.simulate.materials import ELECTRON_MEV, Floats
from levelone.simulate.next.section import NextGenerate
from levelone.simulate.next.tracks import Electrons, track
from levelone.simulate.voxelrun import Generated, VoxelSummary, run

Q_MEV = 2.458
CLASSES = ("one electron", "two electrons")
SHAPE = (20, 20, 60)
VOXEL_MM = (10.0, 10.0, 5.0)
_CLOUDS = 6  # charge clouds per step
THRESHOLD_KEV = 2.0
"""Voxels that hold less are empty."""

COLUMNS = (
    Column("label", "uint8", "", "how many electrons", CLASSES),
    Column("energy", "float32", "keV", "energy of the event before smearing"),
    Column("leading", "float32", "keV", "kinetic energy of the more energetic electron"),
    Column("cosine", "float32", "", "cosine of the angle between the electrons; 1 for one electron"),
    Column("drift", "float32", "mm", "drift distance of the vertex"),
    Column("measured", "float32", "keV", "energy in the voxels"),
)


def grid(voxel_mm: tuple[float, float, float] = VOXEL_MM) -> GridSpec:
    """The grid `tpc` (20, 20, 60), axes (x, y, z) with z along the drift, for a voxel size in mm."""
    return GridSpec("tpc", SHAPE, voxel_mm, ("x", "y", "z"), "keV")


def sample_pair(n: int, rng: np.random.Generator, q_mev: float = Q_MEV) -> tuple[Floats, Floats]:
    """Kinetic energy of one electron (MeV) and the cosine between both, each [n], of neutrinoless decays."""
    energy = np.linspace(0, q_mev, 2001)
    density = (energy + ELECTRON_MEV) ** 2 * (q_mev - energy + ELECTRON_MEV) ** 2
    cumulative = np.concatenate([[0], np.cumsum((density[1:] + density[:-1]) / 2)])
    one = np.interp(rng.random(n) * cumulative[-1], cumulative, energy)
    return one, _pair_cosine(one, q_mev - one, rng)


def _pair_cosine(one: Floats, two: Floats, rng: np.random.Generator) -> Floats:
    def velocity(kinetic: Floats) -> Floats:
        return np.sqrt(kinetic * (kinetic + 2 * ELECTRON_MEV)) / (kinetic + ELECTRON_MEV)

    slope = np.maximum(velocity(one) * velocity(two), 1e-6)
    u = rng.random(len(one))
    # the cumulative (c + 1) / 2 - slope (c^2 - 1) / 4 = u, solved for c
    return (1 - np.sqrt(np.maximum(1 - slope * (4 * u - 2 - slope), 0))) / slope


def _isotropic(n: int, rng: np.random.Generator) -> Floats:
    vectors = rng.standard_normal((n, 3))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def generate(
    label: NDArray[np.uint8],
    rng: np.random.Generator,
    *,
    voxel_mm: tuple[float, float, float] = VOXEL_MM,
    density: float = 0.0860,
    diffusion_mm: tuple[float, float] = (1.0, 0.3),
    drift_mm: tuple[float, float] = (0.0, 1000.0),
    fwhm: float = 0.01,
) -> Generated:
    """Simulate events [n], `label` 0 for one electron, 1 for two.

    Parameters
    ----------
    voxel_mm
        Size of a voxel.
    density
        Of the gas, g / cm3.
    diffusion_mm
        Across and along the drift, mm per square root of cm.
    drift_mm
        Range of the vertex' drift distance.
    fwhm
        Relative energy resolution at Q.
    """
    n = len(label)
    pair = np.flatnonzero(label)
    first, cosine = np.full(n, Q_MEV), np.ones(n)
    first[pair], cosine[pair] = sample_pair(len(pair), rng)
    direction = _isotropic(n, rng)
    sideways = np.cross(direction[pair], _isotropic(len(pair), rng))
    sideways /= np.linalg.norm(sideways, axis=1, keepdims=True)
    sine = np.sqrt(np.maximum(1 - cosine[pair] ** 2, 0))
    other = direction[pair] * cosine[pair, None] + sideways * sine[:, None]
    electrons = Electrons(
        np.concatenate([np.arange(n), pair]),
        np.maximum(np.concatenate([first, Q_MEV - first[pair]]), 1e-3),
        np.zeros((n + len(pair), 3)),
        np.concatenate([direction, other]),
    )
    deposits = track(electrons, rng)
    drift = rng.uniform(*drift_mm, n)
    event = np.repeat(deposits.event, _CLOUDS)
    energy = np.repeat(deposits.energy_mev / _CLOUDS * 1e3, _CLOUDS)
    position = np.repeat(deposits.position.astype(np.float32) * np.float32(10 / density), _CLOUDS, axis=0)
    root = np.sqrt(np.maximum(drift[event] + position[:, 2], 0) / 10).astype(np.float32)
    spread = np.asarray([diffusion_mm[0], diffusion_mm[0], diffusion_mm[1]], np.float32)
    position += rng.standard_normal(position.shape, dtype=np.float32) * root[:, None] * spread
    total: Floats = np.bincount(event, energy, n).astype(np.float64)
    flat = np.zeros(len(event), np.int64)
    inside = np.ones(len(event), bool)
    for axis, (cells, pitch) in enumerate(zip(SHAPE, voxel_mm, strict=True)):
        centre = np.bincount(event, energy * position[:, axis], n) / total
        shift = centre + rng.uniform(-0.5, 0.5, n) * pitch
        cell = np.floor((position[:, axis] - shift[event]) / pitch + cells / 2).astype(np.int64)
        inside &= (cell >= 0) & (cell < cells)
        flat = flat * cells + cell
    cells = int(np.prod(SHAPE))
    filled = np.bincount((event * cells + flat)[inside], energy[inside], n * cells)
    image: Floats = filled.astype(np.float64).reshape(n, cells)
    kept = image.sum(1)
    image *= (1 + fwhm / 2.3548 * rng.standard_normal(n))[:, None]
    image[image < THRESHOLD_KEV] = 0
    truth = {
        "label": label.astype(np.uint8),
        "energy": total.astype(np.float32),
        "leading": (1e3 * np.maximum(first, Q_MEV - first)).astype(np.float32),
        "cosine": cosine.astype(np.float32),
        "drift": drift.astype(np.float32),
        "measured": image.sum(1).astype(np.float32),
    }
    images = {"tpc": image.reshape(n, *SHAPE).astype(np.float32)}
    return Generated(images, truth, total, total - kept)


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

    def make(n: int, rng: np.random.Generator) -> Generated:
        label = (rng.random(n) < options.signal_fraction).astype(np.uint8)
        return generate(
            label,
            rng,
            voxel_mm=options.voxel_mm,
            diffusion_mm=options.diffusion_mm,
            drift_mm=options.drift_mm,
            fwhm=options.fwhm,
        )

    grids = [grid(options.voxel_mm)]
    return run(path, "next", options, make, grids, COLUMNS, chunk=chunk, progress=progress)

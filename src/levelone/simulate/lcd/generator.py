"""Electrons, photons, neutral and charged pions in the calorimeter of `levelone.simulate.lcd.detector`.

Particles enter at right angles within the central ECAL cell, through material in which photons convert and
electrons radiate. Electrons and positrons leave tracks where their showers begin, photons do so after
conversion; neutral pions decay into two photons by exact kinematics at the interaction point; charged pions
ionise until an exponential depth of their first interaction, and only those are kept that leave little energy
behind the ECAL. The 95 % radius of the hadronic part is one *nuclear* interaction length (R. Wigmans,
Calorimetry); depths count in the longer pion interaction lengths. Cells have noise and a threshold.
Simplified: no magnetic field; charged pions do not interact in the material.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.data.voxelcheck import Column
from levelone.simulate import Progress
from levelone.simulate.calorimeter.cells import Calorimeter, join_spots
from levelone.simulate.calorimeter.observing import observe
from levelone.simulate.calorimeter.showers import Showers, pi0_photons
from levelone.simulate.calorimeter.tracks import begin
from levelone.simulate.lcd.detector import DISTANCE_MM, calorimeter
from levelone.simulate.lcd.pions import develop_pions
from levelone.simulate.lcd.section import PARTICLES, LcdGenerate
from levelone.simulate.lcd.upstream import cross
from levelone.simulate.materials import Floats
from levelone.simulate.voxelrun import Generated, VoxelSummary, draw_energy, run

PDG_CODES = (11, 22, 111, 211)
_SPOTS = 10_000  # per event at most, shared by its sub-showers in proportion to their energies
_GROUP = 8  # events at a time

COLUMNS = (
    Column("particle", "uint8", "", "which particle", PARTICLES),
    Column("pdg", "int32", "", "its code of the Particle Data Group"),
    Column("energy", "float32", "GeV", "its energy"),
    Column("deposited", "float32", "GeV", "energy deposited in the cells before read-out"),
    Column("start", "float32", "X0", "depth of the first shower"),
    Column("opening", "float32", "rad", "angle between the photons of a neutral pion, else 0"),
)


def draw(
    options: LcdGenerate, n: int, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Which particles [n] (indices into `PARTICLES`) enter, and their energies [n] in GeV."""
    codes = np.asarray([PARTICLES.index(name) for name in options.particles], np.uint8)
    particle = rng.choice(codes, n)
    return particle, draw_energy(n, options.energy_gev, options.spectrum, rng)


def truth(
    particle: NDArray[np.uint8], energy_gev: Floats, deposited: Floats, start: Floats, opening: Floats
) -> dict[str, NDArray[Any]]:
    """The columns `COLUMNS` of particles [n] (indices into `PARTICLES`)."""
    return {
        "particle": particle.astype(np.uint8),
        "pdg": np.asarray(PDG_CODES, np.int32)[particle],
        "energy": energy_gev.astype(np.float32),
        "deposited": deposited.astype(np.float32),
        "start": start.astype(np.float32),
        "opening": opening.astype(np.float32),
    }


def generate(
    particle: NDArray[np.uint8],
    energy_gev: Floats,
    calo: Calorimeter,
    rng: np.random.Generator,
    options: LcdGenerate,
) -> Generated:
    """Simulate particles [n] (indices into `PARTICLES`) of the given energies [n] in GeV.

    Of `options`, material and filter are used; `calo` has its noise and threshold.
    """
    n = len(energy_gev)
    half = calo.sections[0].pitch_mm / 2
    x, y = rng.uniform(-half, half, (2, n))
    flat = np.zeros(n)
    opening = np.zeros(n)

    def whole(chosen: NDArray[np.int64]) -> Showers:
        return Showers(
            chosen, energy_gev[chosen], flat[chosen], x[chosen], y[chosen], flat[chosen], flat[chosen]
        )

    single, alone, neutral, charged = (np.flatnonzero(particle == code) for code in range(4))
    pairs, opening[neutral] = decay(whole(neutral), rng)
    photons = Showers.join([whole(alone), pairs])
    electrons, photons = cross(whole(single), photons, options.material_x0, rng)
    hadrons = develop_pions(calo, whole(charged), options.pion_hcal_share, rng)
    electrons = Showers.join([electrons, photons.converted(rng), hadrons.photons.converted(rng)])
    start = np.full(n, np.inf)
    np.minimum.at(start, electrons.event, electrons.start)
    start[charged] = hadrons.start
    lines, rest = begin(calo, electrons, rng)
    tracks = join_spots([lines, hadrons.tracks])
    every = Showers.join([rest, hadrons.showers])
    cap = np.maximum(_SPOTS * every.energy_gev / energy_gev[every.event], 6).astype(np.int64)
    seen = observe(calo, every, hadrons.spots, n, rng, cap, _GROUP, tracks)
    columns = truth(particle, energy_gev, seen.deposited, start, opening)
    invisible = np.bincount(charged, hadrons.invisible, n)
    return Generated(seen.images, columns, energy_gev - invisible, seen.outside)


def decay(pions: Showers, rng: np.random.Generator) -> tuple[Showers, Floats]:
    """The two photons of neutral pions [n] from the interaction point, and their opening angles [n]."""
    energy, angle, azimuth = pi0_photons(pions.energy_gev, rng)
    photons = []
    for one, sign in ((0, 1), (1, -1)):
        slope = sign * np.tan(np.minimum(angle[one], 1.5))
        sx, sy = slope * np.cos(azimuth), slope * np.sin(azimuth)
        x, y = pions.x_mm + DISTANCE_MM * sx, pions.y_mm + DISTANCE_MM * sy
        photons.append(Showers(pions.event, energy[one], pions.start, x, y, sx, sy))
    return Showers.join(photons), angle.sum(0)


def simulate_lcd(
    path: Path, options: LcdGenerate, progress: Progress | None = None, *, chunk: int = 256
) -> VoxelSummary:
    """Write single particles (grids `ecal` 25x25x25 and `hcal` 5x5x60, GeV) to a voxel file.

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
    calo = calorimeter(options.noise_mip, options.threshold_mip)

    def make(n: int, rng: np.random.Generator) -> Generated:
        return generate(*draw(options, n, rng), calo, rng, options)

    grids = [s.grid for s in calo.sections]
    return run(path, "lcd", options, make, grids, COLUMNS, chunk=chunk, progress=progress)

"""Electrons, photons, neutral and charged pions in a linear-collider calorimeter: ECAL 25x25x25, HCAL 5x5x60.

The detector is that of the CLIC simulation model used for the LCD calorimeter data (D. Belayneh et al., Eur.
Phys. J. C 80 (2020) 688, arXiv:1912.06794): at 1.5 m, 25 layers of tungsten (17 of 2.4 mm, 8 of 4.8 mm) with
silicon pads of 5.1 mm, then 60 layers of 19 mm of steel with scintillator tiles of 30 mm. The images are
windows around the particle.

Particles enter at right angles within the central ECAL cell. Electrons shower at once, photons after
conversion, neutral pions decay into two photons by exact kinematics at the interaction point, charged pions
ionise until an exponential depth of their first interaction. The 95 % radius of the hadronic part is one
*nuclear* interaction length (R. Wigmans, Calorimetry); depths count in the longer pion interaction lengths.
Simplified: no magnetic field, no material in
front, no noise.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.data.voxelcheck import Column
from levelone.simulate import Progress
from levelone.simulate.calorimeter.cells import Calorimeter, Section, Spots, join_spots
from levelone.simulate.calorimeter.hadrons import HadronShowers, develop
from levelone.simulate.calorimeter.observing import observe
from levelone.simulate.calorimeter.showers import Showers, pi0_photons
from levelone.simulate.lcd.section import PARTICLES, LcdGenerate
from levelone.simulate.materials import IRON, POLYSTYRENE, SILICON, TUNGSTEN, Floats, Medium
from levelone.simulate.straggling import sample_landau
from levelone.simulate.voxelrun import Generated, VoxelSummary, draw_energy, run

PDG_CODES = (11, 22, 111, 211)
DISTANCE_MM = 1500.0  # from the interaction point to the front face
_SPOTS = 6000  # per event at most, shared by its sub-showers in proportion to their energies
_GROUP = 16  # events at a time
_LATERAL = 0.23 * IRON.interaction / IRON.pion_interaction  # R of hadronic parts, pion interaction lengths
_NOTHING = Spots(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0), np.zeros(0), np.zeros(0))

COLUMNS = (
    Column("particle", "uint8", "", "which particle", PARTICLES),
    Column("pdg", "int32", "", "its code of the Particle Data Group"),
    Column("energy", "float32", "GeV", "its energy"),
    Column("deposited", "float32", "GeV", "energy deposited in the cells before read-out"),
    Column("start", "float32", "X0", "depth of the first shower"),
    Column("opening", "float32", "rad", "angle between the photons of a neutral pion, else 0"),
)


def calorimeter() -> Calorimeter:
    """Grids `ecal` (25, 25, 25) and `hcal` (5, 5, 60), axes (x, y, z)."""
    thin, thick, silicon = 2.4, 4.8, 0.5
    plates = (thin,) * 17 + (thick,) * 8
    ecal = Section(
        name="ecal",
        medium=Medium.sandwich(TUNGSTEN, thin, SILICON, silicon),
        layer_x0=tuple(w / TUNGSTEN.x0_mm + silicon / SILICON.x0_mm for w in plates),
        layer_interaction=tuple(
            w / TUNGSTEN.pion_interaction_mm + silicon / SILICON.pion_interaction_mm for w in plates
        ),
        layer_mm=tuple(w + 3.2 for w in plates),  # 159 mm in all: silicon, boards and support
        cells=25,
        pitch_mm=5.1,
        resolution=0.17,
        quantum_gev=5.3e-3,
        threshold_gev=2.6e-3,
    )
    steel, tile = 19.0, 3.0
    hcal = Section(
        name="hcal",
        medium=Medium.sandwich(IRON, steel, POLYSTYRENE, tile),
        layer_x0=(steel / IRON.x0_mm + tile / POLYSTYRENE.x0_mm,) * 60,
        layer_interaction=(steel / IRON.pion_interaction_mm + tile / POLYSTYRENE.pion_interaction_mm,) * 60,
        layer_mm=(26.5,) * 60,
        cells=5,
        pitch_mm=30.0,
        resolution=0.25,
        quantum_gev=22e-3,
        threshold_gev=11e-3,
    )
    return Calorimeter((ecal, hcal))


def _track(calo: Calorimeter, hadrons: HadronShowers, rng: np.random.Generator) -> Spots:
    """Minimum ionisation of charged hadrons in the layers before they shower, with Landau straggling."""
    layers = int(calo.first_layer[-1])
    mip = np.concatenate([s.quantum_gev * np.asarray(s.layer_x0) / s.layer_x0[0] for s in calo.sections])
    crossed = np.clip(calo.layer_of(hadrons.start, calo.edges_interaction), 0, layers)
    owner = np.repeat(np.arange(len(crossed)), crossed)
    layer = np.arange(len(owner)) - np.repeat(np.cumsum(crossed) - crossed, crossed)
    signal = 1 + 0.1 * sample_landau(
        np.full(len(owner), 60.0), rng
    )  # width of about 10 % of the most probable signal
    z = calo.edges_mm[layer]
    return Spots(
        hadrons.event[owner],
        layer,
        hadrons.x_mm[owner] + hadrons.slope_x[owner] * z,
        hadrons.y_mm[owner] + hadrons.slope_y[owner] * z,
        mip[layer] * np.maximum(signal, 0.1),
    )


def generate(
    particle: NDArray[np.uint8], energy_gev: Floats, calo: Calorimeter, rng: np.random.Generator
) -> Generated:
    """Simulate particles [n] (indices into `PARTICLES`) of the given energies [n] in GeV."""
    n = len(energy_gev)
    half = calo.sections[0].pitch_mm / 2
    x, y = rng.uniform(-half, half, (2, n))
    flat = np.zeros(n)
    start, opening = np.zeros(n), np.zeros(n)
    groups: list[Showers] = []

    def whole(chosen: NDArray[np.int64]) -> Showers:
        return Showers(
            chosen, energy_gev[chosen], flat[chosen], x[chosen], y[chosen], flat[chosen], flat[chosen]
        )

    electrons, photons, neutral, charged = (np.flatnonzero(particle == code) for code in range(4))
    groups.append(whole(electrons))
    groups.append(whole(photons).converted(rng))
    if len(neutral):
        energy, angle, azimuth = pi0_photons(energy_gev[neutral], rng)
        opening[neutral] = angle.sum(0)
        for one, sign in ((0, 1), (1, -1)):
            slope = sign * np.tan(np.minimum(angle[one], 1.5))
            sx, sy = slope * np.cos(azimuth), slope * np.sin(azimuth)
            axis = Showers(
                neutral,
                energy[one],
                flat[neutral],
                x[neutral] + DISTANCE_MM * sx,
                y[neutral] + DISTANCE_MM * sy,
                sx,
                sy,
            )
            groups.append(axis.converted(rng))
    lumps: list[Spots] = []
    tracks = None
    invisible = np.zeros(n)
    if len(charged):
        depth = rng.exponential(1.0, len(charged))
        zero = flat[charged]
        hadrons = HadronShowers(charged, energy_gev[charged], depth, x[charged], y[charged], zero, zero)
        showers, hadronic, unseen = develop(calo, hadrons, rng, lateral=_LATERAL)
        groups.append(showers)
        lumps.append(hadronic)
        invisible[charged] = unseen
        tracks, _ = calo.deposit(_track(calo, hadrons, rng), n)
        start[charged] = np.interp(depth, calo.edges_interaction, calo.edges_x0)
    for showers in groups[1:-1] if len(charged) else groups[1:]:
        if len(showers.event):
            first = np.full(n, np.inf)
            np.minimum.at(first, showers.event, showers.start)
            start = np.where(np.isfinite(first), first, start)
    every = Showers.join(groups)
    cap = np.maximum(_SPOTS * every.energy_gev / energy_gev[every.event], 6).astype(np.int64)
    seen = observe(calo, every, join_spots(lumps) if lumps else _NOTHING, n, rng, cap, _GROUP, tracks)
    truth: dict[str, NDArray[Any]] = {
        "particle": particle.astype(np.uint8),
        "pdg": np.asarray(PDG_CODES, np.int32)[particle],
        "energy": energy_gev.astype(np.float32),
        "deposited": seen.deposited.astype(np.float32),
        "start": start.astype(np.float32),
        "opening": opening.astype(np.float32),
    }
    return Generated(seen.images, truth, energy_gev - invisible, seen.outside)


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
    calo = calorimeter()
    codes = np.asarray([PARTICLES.index(name) for name in options.particles], np.uint8)

    def make(n: int, rng: np.random.Generator) -> Generated:
        particles = rng.choice(codes, n)
        return generate(particles, draw_energy(n, options.energy_gev, options.spectrum, rng), calo, rng)

    grids = [s.grid for s in calo.sections]
    return run(path, "lcd", options, make, grids, COLUMNS, chunk=chunk, progress=progress)

"""Muons of 50 GeV to 8 TeV in a lead tungstate calorimeter of 50 x 32 x 32 cells.

The detector is that of J. Kieseler et al., "Calorimetric measurement of multi-TeV muons via deep regression",
Eur. Phys. J. C 82 (2022) 79, arXiv:2107.02119: 50 layers of 39.6 mm of lead tungstate with 1 mm of read-out
between them, cells of 3.75 mm (120 mm / 32) across, in a field of 2 T along y; muons enter within 20 mm of
the centre.

Along the path: restricted ionisation with Landau straggling, soft radiation with its mean and variance, and
single knock-on electrons, bremsstrahlung photons, electron pairs and photonuclear interactions above 50 MeV
(`losses`, `tables`), each developed as a shower at its place (`showers`, `hadrons`); multiple scattering and
bending of the muon. The cells count photo-electrons. Simplified: pairs share their energy like pairs from
photons; secondaries follow the muon's direction; soft loss stays in the cells that the muon crosses; no
noise.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from levelone.data.voxelcheck import Column
from levelone.simulate import Progress
from levelone.simulate.calorimeter.cells import Calorimeter, Section, Spots, join_spots
from levelone.simulate.calorimeter.hadrons import HadronShowers, develop
from levelone.simulate.calorimeter.observing import observe
from levelone.simulate.calorimeter.showers import Showers
from levelone.simulate.materials import LEAD_TUNGSTATE, MUON_MEV, Floats, Medium
from levelone.simulate.muon.losses import PROCESSES
from levelone.simulate.muon.section import MuonGenerate
from levelone.simulate.muon.tables import MuonAbsorber, Passage, transport
from levelone.simulate.straggling import highland
from levelone.simulate.voxelrun import Generated, VoxelSummary, draw_energy, run

LAYERS, CELLS = 50, 32
LAYER_MM, GAP_MM, PITCH_MM = 39.6, 1.0, 3.75
ENTRY_MM = 20.0
"""Muons enter within this distance of the middle, along x and along y."""
_SUBSTEPS = 4

COLUMNS = (
    Column("energy", "float32", "GeV", "total energy of the muon on entry"),
    Column("x", "float32", "mm", "entry point, horizontal"),
    Column("y", "float32", "mm", "entry point, vertical"),
    Column("lost", "float32", "GeV", "energy the muon lost in the calorimeter"),
    Column("deposited", "float32", "GeV", "energy deposited in the cells before read-out"),
    Column("leading", "float32", "GeV", "largest single loss"),
    Column("exit_x", "float32", "mm", "exit point, horizontal"),
    Column("exit_y", "float32", "mm", "exit point, vertical"),
)


def calorimeter() -> Calorimeter:
    """The 50 x 32 x 32 calorimeter; grid `calo`, axes (z, y, x)."""
    material = LEAD_TUNGSTATE
    section = Section(
        name="calo",
        medium=Medium.homogeneous(material),
        layer_x0=(LAYER_MM / material.x0_mm,) * LAYERS,
        layer_interaction=(LAYER_MM / material.pion_interaction_mm,) * LAYERS,
        layer_mm=(LAYER_MM + GAP_MM,) * LAYERS,
        cells=CELLS,
        pitch_mm=PITCH_MM,
        resolution=0.0,
        quantum_gev=1e-4,
        threshold_gev=1e-3,
        depth_first=True,
    )
    return Calorimeter((section,))


def _paths(
    passage: Passage, x: Floats, y: Floats, field_tesla: float, rng: np.random.Generator
) -> tuple[Floats, Floats, Floats, Floats]:
    """Positions [layers + 1, n] and slopes [layers + 1, n] along x and y."""
    layers, n = passage.soft_mev.shape
    step = LAYER_MM + GAP_MM
    thickness = LAYER_MM / LEAD_TUNGSTATE.x0_mm
    xs, ys, sx, sy = (np.zeros((layers + 1, n)) for _ in range(4))
    xs[0], ys[0] = x, y
    momentum = np.sqrt(np.maximum(passage.energy_mev[:-1] ** 2 - MUON_MEV**2, 1e4))
    theta = highland(momentum, thickness, MUON_MEV)
    kick, offset = rng.standard_normal((2, 2, layers, n))
    bend = 0.3 * field_tesla * step / momentum  # MeV, mm, T
    for layer in range(layers):
        for position, slope, turn, axis in ((xs, sx, bend[layer], 0), (ys, sy, 0.0, 1)):
            change = theta[layer] * kick[axis, layer] + turn
            shift = step * (slope[layer] + turn / 2 + theta[layer] * kick[axis, layer] / 2)
            position[layer + 1] = (
                position[layer] + shift + step * theta[layer] * offset[axis, layer] / np.sqrt(12)
            )
            slope[layer + 1] = slope[layer] + change
    return xs, ys, sx, sy


def generate(
    energy_gev: Floats,
    absorber: MuonAbsorber,
    calo: Calorimeter,
    rng: np.random.Generator,
    field_tesla: float = 2.0,
    cap: int = 1500,
) -> Generated:
    """Simulate muons of the given total energies [n] in GeV.

    Parameters
    ----------
    absorber, calo
        `MuonAbsorber.build(LEAD_TUNGSTATE)` and `calorimeter()`, made once.
    field_tesla
        Field along y.
    cap
        Most spots per shower.
    """
    n = len(energy_gev)
    grammage = LAYER_MM / 10 * LEAD_TUNGSTATE.density
    passage = transport(absorber, energy_gev * 1e3, grammage, LAYERS, rng)
    x, y = rng.uniform(-ENTRY_MM, ENTRY_MM, (2, n))
    xs, ys, sx, sy = _paths(passage, x, y, field_tesla, rng)
    hard = passage.hard
    names = list(PROCESSES)
    depth = hard.step + hard.position
    place = (hard.step, hard.event)
    ahead = (hard.step + 1, hard.event)
    slope_x, slope_y = sx[ahead], sy[ahead]
    here_x = xs[place] + (xs[ahead] - xs[place]) * hard.position
    here_y = ys[place] + (ys[ahead] - ys[place]) * hard.position
    z = depth * (LAYER_MM + GAP_MM)
    face_x, face_y = here_x - slope_x * z, here_y - slope_y * z  # back to the front face along its direction
    gev = hard.energy_mev / 1e3

    def showers(chosen: np.ndarray, start: Floats) -> Showers:
        return Showers(
            hard.event[chosen],
            gev[chosen],
            start[chosen],
            face_x[chosen],
            face_y[chosen],
            slope_x[chosen],
            slope_y[chosen],
        )

    start = depth * calo.sections[0].layer_x0[0]
    kind = [hard.kind == names.index(name) for name in ("knock-on", "bremsstrahlung", "pair production")]
    pairs = showers(kind[2], start).pairs(rng)
    parts = [showers(kind[0], start), showers(kind[1], start).converted(rng), pairs]
    spots: list[Spots] = []
    invisible = np.zeros(n)
    nuclear = np.flatnonzero(hard.kind == names.index("photonuclear"))
    if len(nuclear):
        first = (depth * calo.sections[0].layer_interaction[0])[nuclear]
        hadrons = HadronShowers(
            hard.event[nuclear],
            gev[nuclear],
            first,
            face_x[nuclear],
            face_y[nuclear],
            slope_x[nuclear],
            slope_y[nuclear],
        )
        electromagnetic, lumps, unseen = develop(calo, hadrons, rng)
        parts.append(electromagnetic)
        spots.append(lumps)
        invisible += np.bincount(hadrons.event, unseen, n)
    every = Showers.join(parts)
    fraction = (np.arange(_SUBSTEPS) + 0.5)[:, None, None] / _SUBSTEPS
    track_x = xs[:-1] + (xs[1:] - xs[:-1]) * fraction
    track_y = ys[:-1] + (ys[1:] - ys[:-1]) * fraction
    where = np.broadcast_to(np.arange(LAYERS)[:, None], track_x.shape)
    who = np.broadcast_to(np.arange(n), track_x.shape)
    soft = np.broadcast_to(passage.soft_mev / 1e3 / _SUBSTEPS, track_x.shape)
    spots.append(Spots(who.ravel(), where.ravel(), track_x.ravel(), track_y.ravel(), soft.ravel()))
    seen = observe(calo, every, join_spots(spots), n, rng, cap)
    lost = (passage.energy_mev[0] - passage.energy_mev[-1]) / 1e3
    leading = np.zeros(n)
    np.maximum.at(leading, hard.event, gev)
    truth = {
        "energy": energy_gev,
        "x": xs[0],
        "y": ys[0],
        "lost": lost,
        "deposited": seen.deposited,
        "leading": leading,
        "exit_x": xs[-1],
        "exit_y": ys[-1],
    }
    columns = {name: values.astype(np.float32) for name, values in truth.items()}
    return Generated(seen.images, columns, lost - invisible, seen.outside)


def simulate_muon(
    path: Path, options: MuonGenerate, progress: Progress | None = None, *, chunk: int = 128
) -> VoxelSummary:
    """Write muon events (grid `calo`, 50 x 32 x 32, GeV) to a voxel file.

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
    absorber, calo = MuonAbsorber.build(LEAD_TUNGSTATE), calorimeter()

    def make(n: int, rng: np.random.Generator) -> Generated:
        energies = draw_energy(n, options.energy_gev, options.spectrum, rng)
        return generate(energies, absorber, calo, rng, options.field_tesla)

    grids = [s.grid for s in calo.sections]
    return run(path, "muon", options, make, grids, COLUMNS, chunk=chunk, progress=progress)

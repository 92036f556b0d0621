"""Particles through the ACTS generic detector (Fatras), to where they cross its pixel sensors."""

from __future__ import annotations

import importlib
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from levelone.errors import LeveloneError
from levelone.simulate.pythia import INSTALL_HINT

PIXEL_VOLUMES = (4, 5, 6)
"""Negative endcap, barrel, positive endcap, as ACTS numbers them when only the pixels are built."""
FIELD_TESLA = 2.0
PIXELS_ONLY = 1
"""Build level of the generic detector without its strips: nothing comes back from there into the pixels."""
P_MIN_GEV = 0.1
_PARTICLE_HEADER = (
    "particle_id_pv,particle_id_sv,particle_id_part,particle_id_gen,particle_id_subpart,"
    "particle_type,process,vx,vy,vz,vt,px,py,pz,m,q"
)


@dataclass(frozen=True)
class Crossings:
    """Where the particles of one event cross the middle planes of sensors (n crossings).

    Attributes
    ----------
    module
        uint64 [n] ACTS geometry identifier.
    position_mm, direction
        float64 [n, 3] global point, and unit vector of the flight.
    particle
        int64 [n] identifier of the particle, unique within the event.
    primary
        int64 [n] row of the generated particle, or -1 for a particle made in the detector.
    beta_gamma, pt_gev
        float64 [n] momentum over mass, and true transverse momentum.
    """

    module: NDArray[np.uint64]
    position_mm: NDArray[np.float64]
    direction: NDArray[np.float64]
    particle: NDArray[np.int64]
    primary: NDArray[np.int64]
    beta_gamma: NDArray[np.float64]
    pt_gev: NDArray[np.float64]


def load_acts() -> ModuleType:
    """Import ACTS with its examples, or say how to install it."""
    try:
        for name in ("acts.examples", "acts.examples.json", "acts.examples.simulation"):
            importlib.import_module(name)
        return importlib.import_module("acts")
    except ImportError as error:
        raise LeveloneError(
            "simulating needs the package pyacts, which is not installed", hint=INSTALL_HINT
        ) from error


class Detector:
    """The generic detector in a 2 T field, built once per process and used for many events."""

    def __init__(self) -> None:
        self.acts = load_acts()
        self.quiet = self.acts.logging.FATAL
        self.detector = self.acts.examples.GenericDetector(
            buildLevel=PIXELS_ONLY, logLevel=self.acts.logging.ERROR
        )
        self.geometry = self.detector.trackingGeometry()
        unit = self.acts.UnitConstants
        self.field = self.acts.ConstantBField(self.acts.Vector3(0, 0, FIELD_TESLA * unit.T))

    def simulate(self, events: list[NDArray[np.float64]], seed: int) -> list[Crossings]:
        """Transport a block of events, given as particle tables (see `collisions.COLUMNS`)."""
        with tempfile.TemporaryDirectory(prefix="levelone-") as scratch:
            folder = Path(scratch)
            for number, table in enumerate(events):
                _write_particles(folder / f"event{number:09d}-particles.csv", table)
            self._run(folder, len(events), seed)
            return [_read_crossings(folder, number) for number in range(len(events))]

    def _run(self, folder: Path, count: int, seed: int) -> None:
        acts, examples, quiet = self.acts, self.acts.examples, self.quiet
        sequencer = examples.Sequencer(
            events=count,
            numThreads=1,
            trackFpes=False,
            logLevel=quiet,
            outputDir=str(folder),
        )
        random = examples.RandomNumbers(seed=seed)
        sequencer.addReader(
            examples.CsvParticleReader(
                level=quiet,
                inputDir=str(folder),
                inputStem="particles",
                outputParticles="particles_generated_selected",
            )
        )
        simulation = importlib.import_module("acts.examples.simulation")
        simulation.addFatras(
            sequencer,
            self.geometry,
            self.field,
            random,
            pMin=P_MIN_GEV * acts.UnitConstants.GeV,
            outputDirCsv=str(folder),
            logLevel=quiet,
        )
        sequencer.run()


def _write_particles(path: Path, table: NDArray[np.float64]) -> None:
    n = len(table)
    rows = np.zeros((n, 16))
    rows[:, 0] = 1
    rows[:, 2] = np.arange(1, n + 1)
    rows[:, 5] = table[:, 0]
    rows[:, 7:11] = table[:, 3:7]
    rows[:, 11:14] = table[:, 7:10]
    rows[:, 14] = table[:, 2]
    rows[:, 15] = table[:, 1]
    lines = [_PARTICLE_HEADER]
    template = ",".join(["%d"] * 7 + ["%.9g"] * 9)
    lines += [template % tuple(row) for row in rows.tolist()]
    path.write_text("\n".join(lines) + "\n")


def _read_crossings(folder: Path, number: int) -> Crossings:
    path = folder / f"event{number:09d}-hits.csv"
    # Identifiers of modules need all 64 bits.
    module = np.loadtxt(path, delimiter=",", skiprows=1, usecols=5, dtype=np.uint64, ndmin=1)
    names = np.loadtxt(path, delimiter=",", skiprows=1, usecols=(2, 3, 4), dtype=np.int64, ndmin=2)
    values = np.loadtxt(path, delimiter=",", skiprows=1, usecols=(6, 7, 8, 10, 11, 12, 13), ndmin=2)
    momentum, energy = values[:, 3:6], values[:, 6]
    squared = np.square(momentum).sum(axis=1)
    mass2 = np.maximum(np.square(energy) - squared, 1e-12)
    primary = np.where((names[:, 1] == 0) & (names[:, 2] == 0), names[:, 0] - 1, -1)
    return Crossings(
        module=module,
        position_mm=values[:, :3],
        direction=momentum / np.sqrt(squared)[:, None],
        # One integer names a particle: number of the primary, generation, number among its siblings.
        particle=(names[:, 0] << 32) | (names[:, 1] << 16) | names[:, 2],
        primary=primary,
        beta_gamma=np.sqrt(squared / mass2),
        pt_gev=np.hypot(momentum[:, 0], momentum[:, 1]),
    )

"""Particles through the ACTS generic detector: Fatras transport and geometric digitisation."""

from __future__ import annotations

import importlib
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.errors import LeveloneError
from levelone.simulate.pixelseed.collisions import INSTALL_HINT
from levelone.simulate.pixelseed.sensors import MODULE_HALF_X_MM, MODULE_HALF_Y_MM, PixelSensor

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
class Cells:
    """Path lengths of all particles of one event in all pixels that they cross (n cells).

    Attributes
    ----------
    module
        uint64 [n] ACTS geometry identifier.
    row, column
        int32 [n] pixel along local x and local y.
    path_mm
        float64 [n] path length inside the pixel.
    particle
        int64 [n] identifier of the particle, unique within the event.
    primary
        int64 [n] row of the generated particle, or -1 for a particle made in the detector.
    beta_gamma, pt_gev
        float64 [n] momentum over mass, and true transverse momentum, where the particle crosses the sensor.
    """

    module: NDArray[np.uint64]
    row: NDArray[np.int32]
    column: NDArray[np.int32]
    path_mm: NDArray[np.float64]
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


def digitisation_config(sensor: PixelSensor) -> dict[str, Any]:
    """ACTS digitisation configuration: one segmentation for all pixel volumes, no threshold."""
    axes = [
        (sensor.rows, MODULE_HALF_X_MM, "binX"),
        (sensor.columns, MODULE_HALF_Y_MM, "binY"),
    ]
    bins = [
        {"bins": n, "min": -half, "max": half, "option": "open", "type": "equidistant", "value": value}
        for n, half, value in axes
    ]
    geometric = {
        "digital": False,
        "indices": [0, 1],
        "segmentation": {"binningdata": bins},
        "thickness": sensor.thickness_mm,
        "threshold": 0.0,
        "charge-smearing": {"type": "Exact", "stddev": 0.0},
    }
    return {
        "acts-geometry-hierarchy-map": {
            "format-version": 0,
            "value-identifier": "digitization-configuration",
        },
        "entries": [{"volume": volume, "value": {"geometric": geometric}} for volume in PIXEL_VOLUMES],
    }


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

    def simulate(self, events: list[NDArray[np.float64]], sensor: PixelSensor, seed: int) -> list[Cells]:
        """Transport and digitise a block of events, given as particle tables (see `generation.COLUMNS`)."""
        with tempfile.TemporaryDirectory(prefix="levelone-") as scratch:
            folder = Path(scratch)
            for number, table in enumerate(events):
                _write_particles(folder / f"event{number:09d}-particles.csv", table)
            (folder / "digitisation.json").write_text(json.dumps(digitisation_config(sensor)))
            self._run(folder, len(events), seed)
            return [_read_cells(folder, number) for number in range(len(events))]

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
        simulation.addDigitization(
            sequencer,
            self.geometry,
            self.field,
            str(folder / "digitisation.json"),
            outputDirCsv=str(folder),
            rnd=random,
            doMerge=False,
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


def _read(path: Path, columns: tuple[int, ...], dtype: Any) -> NDArray[Any]:
    return np.loadtxt(path, delimiter=",", skiprows=1, usecols=columns, dtype=dtype, ndmin=2)


def _read_cells(folder: Path, number: int) -> Cells:
    stem = folder / f"event{number:09d}"
    cells = _read(Path(f"{stem}-cells.csv"), (1, 2, 3), np.int64)
    path = _read(Path(f"{stem}-cells.csv"), (5,), np.float64)[:, 0]
    link = _read(Path(f"{stem}-measurement-simhit-map.csv"), (0, 1), np.int64)
    hits = _read(Path(f"{stem}-hits.csv"), (2, 3, 4), np.int64)
    momentum = _read(Path(f"{stem}-hits.csv"), (10, 11, 12, 13), np.float64)
    module = np.loadtxt(
        Path(f"{stem}-hits.csv"), delimiter=",", skiprows=1, usecols=5, dtype=np.uint64, ndmin=1
    )
    hit_of_measurement = np.full(link[:, 0].max(initial=-1) + 1, -1, np.int64)
    hit_of_measurement[link[:, 0]] = link[:, 1]
    hit = hit_of_measurement[cells[:, 0]]
    squared = np.square(momentum[:, :3]).sum(axis=1)
    mass2 = np.maximum(np.square(momentum[:, 3]) - squared, 1e-12)
    beta_gamma = np.sqrt(squared / mass2)
    # One integer names a particle: number of the primary, generation, number among its siblings.
    particle = (hits[:, 0] << 32) | (hits[:, 1] << 16) | hits[:, 2]
    primary = np.where((hits[:, 1] == 0) & (hits[:, 2] == 0), hits[:, 0] - 1, -1)
    return Cells(
        module=module[hit],
        row=cells[:, 1].astype(np.int32),
        column=cells[:, 2].astype(np.int32),
        path_mm=path,
        particle=particle[hit],
        primary=primary[hit],
        beta_gamma=beta_gamma[hit],
        pt_gev=np.hypot(momentum[:, 0], momentum[:, 1])[hit],
    )

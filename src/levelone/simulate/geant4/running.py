"""Events made with Geant4: chunks in several processes, and what is said of the engine."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from levelone.data.voxelcheck import Column, GridSpec
from levelone.simulate import Progress
from levelone.simulate.engines import EngineSection
from levelone.simulate.geant4.data import Data, find_data
from levelone.simulate.geant4.kernel import Detector, load_geant4, physics_facts
from levelone.simulate.geant4.workers import Workers, workers
from levelone.simulate.voxelrun import Generated, VoxelSummary, run


def run_geant4(
    path: Path,
    system: str,
    options: EngineSection,
    generate: Callable[[int, np.random.Generator], Generated],
    detector: type[Detector],
    grids: Sequence[GridSpec],
    columns: Sequence[Column],
    *,
    chunk: int,
    progress: Progress | None,
    processes: int | None,
) -> VoxelSummary:
    """Like `levelone.simulate.voxelrun.run`; the events do not depend on how many processes make them.

    Parameters
    ----------
    generate
        As there; it is sent to other processes.
    detector
        Whose physics the file tells of.
    processes
        At most so many; one per CPU by default.

    Raises
    ------
    LeveloneError
        If the extra is missing, or Geant4 ends a process.
    """
    with started(detector, -(-options.events // chunk), processes) as (pool, facts):
        return run(
            path, system, options, generate, grids, columns,
            chunk=chunk, progress=progress, each=pool.map, engine={"engine": "geant4", "geant4": facts},
        )  # fmt: skip


@contextmanager
def started(
    detector: type[Detector], tasks: int, processes: int | None = None
) -> Iterator[tuple[Workers, dict[str, Any]]]:
    """Processes for so many tasks, at most `processes`, and what is to be said of the engine.

    Raises
    ------
    LeveloneError
        If the extra is missing, or Geant4 ends a process.
    """
    data = find_data()
    with workers(data, min(processes or len(os.sched_getaffinity(0)), tasks)) as pool:
        (geant4,) = pool.map(_version, [None])
        yield pool, {"version": geant4, **_facts(detector, data)}


def _facts(detector: type[Detector], data: Data) -> dict[str, Any]:
    wheel = {"geant4-pybind": version("geant4-pybind")}
    return {**wheel, **physics_facts(detector, data.full), **data.facts()}


def _version(_: None) -> str:
    return str(load_geant4().G4Version).strip("$ ").removeprefix("Name: ")

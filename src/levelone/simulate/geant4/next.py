"""The xenon chamber of `levelone.simulate.next`, its tracks by Geant4.

What starts, where charge drifts to and how it is read out is the same for both engines; Geant4 gives the
deposits. Steps are at most 0.2 mm: with 1 mm Geant4's multiple scattering makes tracks shorter (the rms
extent of an electron of 1.2 MeV by 9 %), with 0.05 mm nothing changes any more.
"""

from __future__ import annotations

from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from levelone.simulate import Progress
from levelone.simulate.geant4.kernel import Detector, Kernel, Shot
from levelone.simulate.geant4.running import run_geant4
from levelone.simulate.materials import Floats
from levelone.simulate.next.generator import COLUMNS, DENSITY, UNIT_MM, generate_options, grid
from levelone.simulate.next.photons import LEAVES, Particles
from levelone.simulate.next.section import NextGenerate
from levelone.simulate.next.tracks import Deposits
from levelone.simulate.voxelrun import Generated, VoxelSummary

_STEP_MM = 0.2
_HALF_MM = 1500.0  # of the xenon


class Chamber(Detector):
    """Xenon at 15 bar; every step that leaves energy is kept."""

    cut_mm = 1.0
    full_list = "FTFP_BERT_EMZ"

    def __init__(self, escape: bool) -> None:
        self._escape = escape
        self._main: dict[int, bool] = {}
        self._steps: list[tuple[float, ...]] = []

    def construct(self, g4: Any) -> Any:
        """One box of gas."""
        xenon = g4.G4Material(
            "xenon at 15 bar", 54.0, 131.293 * g4.g / g4.mole, DENSITY * g4.g / g4.cm3, g4.kStateGas,
            293 * g4.kelvin, 15 * g4.bar,
        )  # fmt: skip
        box = g4.G4Box("chamber", _HALF_MM, _HALF_MM, _HALF_MM)
        volume = g4.G4LogicalVolume(box, xenon, "chamber")
        self._limits = g4.G4UserLimits(_STEP_MM)
        volume.SetUserLimits(self._limits)
        return g4.G4PVPlacement(None, g4.G4ThreeVector(), volume, "chamber", None, False, 0)

    def actions(self, g4: Any) -> list[Any]:
        """Which tracks hang together with the vertex; their steps."""
        main, steps = self._main, self._steps

        class Tracks(g4.G4UserTrackingAction):
            def PreUserTrackingAction(self, track: Any) -> None:  # noqa: N802 - Geant4's name
                charged = track.GetDefinition().GetPDGCharge() != 0
                main[track.GetTrackID()] = charged and main.get(track.GetParentID(), True)

        class Steps(g4.G4UserSteppingAction):
            def UserSteppingAction(self, step: Any) -> None:  # noqa: N802
                energy = step.GetTotalEnergyDeposit()
                if energy > 0:
                    a, b = step.GetPreStepPoint().GetPosition(), step.GetPostStepPoint().GetPosition()
                    steps.append((energy, main[step.GetTrack().GetTrackID()], a.x, a.y, a.z, b.x, b.y, b.z))

        return [Tracks(), Steps(), *([_escaping(g4)] if self._escape else [])]

    def begin(self) -> None:
        """Forget the tracks of the event before."""
        self._main.clear()
        self._steps.clear()

    def end(self, g4: Any, event: Any) -> Floats:
        """Steps, [steps, 8]: energy (MeV), whether connected with the vertex, where from and to (mm)."""
        return np.asarray(self._steps, np.float64).reshape(-1, 8)


def _escaping(g4: Any) -> Any:
    """Annihilation photons leave: the events that a double escape peak is made of."""

    class Stack(g4.G4UserStackingAction):
        def ClassifyNewTrack(self, track: Any) -> Any:  # noqa: N802
            process = track.GetCreatorProcess()
            leaves = process is not None and process.GetProcessName() == "annihil"
            return g4.G4ClassificationOfNewTrack.fKill if leaves else g4.G4ClassificationOfNewTrack.fUrgent

    return Stack()


@lru_cache(maxsize=1)
def _kernel(escape: bool) -> Kernel:
    return Kernel(Chamber(escape))


def simulate_next(
    path: Path,
    options: NextGenerate,
    progress: Progress | None = None,
    *,
    chunk: int = 64,
    processes: int | None = None,
) -> VoxelSummary:
    """Write the events of `levelone.simulate.next.generator.simulate_next`, with tracks by Geant4.

    Parameters
    ----------
    path, options, progress
        As there.
    chunk
        Events at a time; part of what a seed means.
    processes
        One per CPU by default; the events do not depend on it.

    Raises
    ------
    LeveloneError
        If the extra [geant4] is missing, or the file cannot be written.
    """
    make = partial(_generate, options)
    grids = [grid(options.voxel_mm)]
    return run_geant4(
        path, "next", options, make, Chamber, grids, COLUMNS,
        chunk=chunk, progress=progress, processes=processes,
    )  # fmt: skip


def _generate(options: NextGenerate, n: int, rng: np.random.Generator) -> Generated:
    return generate_options(options, n, rng, lambda particles, rng: _track(particles, options, rng))


def _track(particles: Particles, options: NextGenerate, rng: np.random.Generator) -> Deposits:
    """Deposits of every event's particles; of a pair at double escape the first is the positron."""
    escape = options.signal == "double-escape"
    n = int(particles.event.max()) + 1
    of: list[list[Shot]] = [[] for _ in range(n)]
    twice = np.bincount(particles.event, minlength=n) == 2
    for event, energy, direction in zip(particles.event, particles.energy, particles.direction, strict=True):
        positron = escape and twice[event] and not of[event]
        of[event].append(Shot("e+" if positron else "e-", energy, (0, 0, 0), direction))
    found = _kernel(escape).run(of, rng)
    steps = np.concatenate(found)
    event = np.repeat(np.arange(n), [len(left) for left in found])
    begin, end = steps[:, 2:5] / UNIT_MM, steps[:, 5:8] / UNIT_MM
    near = np.linalg.norm((begin + end) / 2, axis=1) < LEAVES
    return Deposits(event[near], steps[near, 0], begin[near], end[near], steps[near, 1] > 0)

"""Geant4's kernel in this process: particles in, whatever the detector records out.

There is one kernel per process, and it cannot be changed once it has run: `workers` gives every run of ours
processes of its own.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from levelone.simulate.geant4.data import WHICH

Vector = Sequence[float]


@dataclass(frozen=True)
class Shot:
    """A particle that starts: Geant4's `name`, kinetic `energy_mev`, `position` (mm), unit `direction`."""

    name: str
    energy_mev: float
    position: Vector
    direction: Vector


class Detector:
    """What a system says of its detector; Geant4's classes are reached through `g4`, loaded by the kernel.

    Attributes
    ----------
    cut_mm
        Production cut, mm of range.
    full_list
        Geant4's reference list with its data sets.
    decays
        Whether particles decay without the data sets, too; with them they do.
    """

    cut_mm: float
    full_list: str = "FTFP_BERT"
    decays: bool = False

    def construct(self, g4: Any) -> Any:
        """Build materials and volumes; the placed world."""
        raise NotImplementedError

    def sensitive(self, g4: Any, construction: Any) -> None:
        """Attach detectors and fields to volumes."""

    def actions(self, g4: Any) -> list[Any]:
        """User actions of tracking, stacking or stepping."""
        return []

    def begin(self) -> None:
        """Before the particles of an event start."""

    def end(self, g4: Any, event: Any) -> Any:
        """After an event: what it left."""
        raise NotImplementedError


ELECTROMAGNETIC = "G4EmStandardPhysics_option1"
"""The constructor that runs on computed tables; options 3 and 4 read more, option 0 does not come back."""


def _constructors(detector: Detector | type[Detector]) -> tuple[str, ...]:
    """What is run without the data sets."""
    return (ELECTROMAGNETIC, "G4DecayPhysics") if detector.decays else (ELECTROMAGNETIC,)


def physics_facts(detector: type[Detector], full: bool) -> dict[str, Any]:
    """Physics list and cuts, for a file's provenance."""
    return {
        "physics_list": detector.full_list if full else ", ".join(_constructors(detector)),
        "production_cut_mm": detector.cut_mm,
    }


def load_geant4() -> Any:
    """The module `geant4_pybind`; the environment must name its data (`workers` sees to that)."""
    return importlib.import_module("geant4_pybind")


class Kernel:
    """A running Geant4 with one detector."""

    def __init__(self, detector: Detector) -> None:
        g4 = self._g4 = load_geant4()
        self.detector = detector
        self._left: Iterator[Sequence[Shot]] = iter(())
        self._found: list[Any] = []
        self._warm = False
        self._manager = g4.G4RunManagerFactory.CreateRunManager(g4.G4RunManagerType.Serial)
        # Geant4 keeps pointers to all of these
        self._kept = [_construction(g4, detector), self._physics(), _actions(g4, detector, self)]
        for part in self._kept:
            self._manager.SetUserInitialization(part)
        commands = g4.G4UImanager.GetUIpointer()
        for command in ("/process/em/verbose 0", "/process/had/verbose 0"):
            commands.ApplyCommand(command)
        self._manager.Initialize()
        # not earlier: Geant4 11.4 then forgets it, and cuts at 1 mm
        self._kept[1].SetDefaultCutValue(detector.cut_mm)

    def run(self, events: Sequence[Sequence[Shot]], rng: np.random.Generator) -> list[Any]:
        """Simulate `events`, each the particles that start in it; what `Detector.end` says of each.

        It depends on `events` and `rng` alone, not on what ran before.
        """
        if not self._warm:  # the first event of a process draws random numbers for what is set up then
            self._beam(events[:1], rng.spawn(1)[0])
            self._warm = True
        return self._beam(events, rng)

    def _beam(self, events: Sequence[Sequence[Shot]], rng: np.random.Generator) -> list[Any]:
        self._left, self._found = iter(events), []
        seeds = rng.integers(1, 1 << 31, 2)
        self._g4.G4Random.setTheSeeds([*map(int, seeds), 0])  # a zero ends the list
        self._manager.BeamOn(len(events))
        return self._found

    def begin_event(self) -> Sequence[Shot]:
        """What starts in the event that begins now."""
        self.detector.begin()
        return next(self._left)

    def end_event(self, event: Any) -> None:
        """Keep what the event left."""
        self._found.append(self.detector.end(self._g4, event))

    def _physics(self) -> Any:
        g4, detector = self._g4, self.detector
        if os.environ[WHICH] == "full":
            physics = g4.G4PhysListFactory().GetReferencePhysList(detector.full_list)
        else:

            class Electromagnetic(g4.G4VModularPhysicsList):  # type: ignore[name-defined]
                def __init__(self) -> None:
                    super().__init__()
                    for name in _constructors(detector):
                        self.RegisterPhysics(getattr(g4, name)())

            physics = Electromagnetic()
        physics.RegisterPhysics(g4.G4StepLimiterPhysics())
        physics.SetVerboseLevel(0)
        return physics


def _construction(g4: Any, detector: Detector) -> Any:
    class Construction(g4.G4VUserDetectorConstruction):
        def Construct(self) -> Any:  # noqa: N802 - Geant4's name
            return detector.construct(g4)

        def ConstructSDandField(self) -> None:  # noqa: N802
            detector.sensitive(g4, self)

    return Construction()


def _actions(g4: Any, detector: Detector, kernel: Kernel) -> Any:
    class Start(g4.G4VUserPrimaryGeneratorAction):
        def __init__(self) -> None:
            super().__init__()
            self.gun = g4.G4ParticleGun(1)

        def GeneratePrimaries(self, event: Any) -> None:  # noqa: N802
            for shot in kernel.begin_event():
                particle = g4.G4ParticleTable.GetParticleTable().FindParticle(shot.name)
                self.gun.SetParticleDefinition(particle)
                self.gun.SetParticleEnergy(float(shot.energy_mev))
                self.gun.SetParticlePosition(g4.G4ThreeVector(*map(float, shot.position)))
                self.gun.SetParticleMomentumDirection(g4.G4ThreeVector(*map(float, shot.direction)))
                self.gun.GeneratePrimaryVertex(event)

    class Ended(g4.G4UserEventAction):
        def EndOfEventAction(self, event: Any) -> None:  # noqa: N802
            kernel.end_event(event)

    class Actions(g4.G4VUserActionInitialization):
        def Build(self) -> None:  # noqa: N802
            self.parts = [Start(), Ended(), *detector.actions(g4)]
            for part in self.parts:
                self.SetUserAction(part)

    return Actions()


def placed(g4: Any, volume: Any, z_mm: float, world: Any, copy: int) -> Any:
    """A logical volume, its middle at z in the world; copies count."""
    return g4.G4PVPlacement(None, g4.G4ThreeVector(0, 0, float(z_mm)), volume, "part", world, False, copy)

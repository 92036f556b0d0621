"""Which of Geant4's data sets there are, and what stands in for those that are not.

Geant4 finds a data set by an environment variable of its own, or in the folder that GEANT4_DATA_DIR names
(Geant4, Installation Guide, "Postinstall setup"). Its Python wheel looks in ~/.geant4_pybind as well: what a
variable names goes before what lies there.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from levelone.errors import LeveloneError
from levelone.simulate.geant4.tables import INSTALL, ensure_tables, table_sources

DATA_SETS = {
    "G4LEDATA": "G4EMLOW",
    "G4ENSDFSTATEDATA": "G4ENSDFSTATE",
    "G4LEVELGAMMADATA": "PhotonEvaporation",
    "G4PARTICLEXSDATA": "G4PARTICLEXS",
    "G4SAIDXSDATA": "G4SAIDDATA",
}
"""What the full physics list reads: environment variable -> how names of its folders begin."""

WHICH = "LEVELONE_GEANT4_DATA"
"""Variable that tells a process of ours what it reads: "full" or "computed"."""
LEFT_OUT = ("fluorescence", "photonuclear interactions", "hadrons")
"""What is not physics without the data sets, and is therefore not simulated."""


@dataclass(frozen=True)
class Data:
    """What Geant4 reads its cross sections from.

    Attributes
    ----------
    found
        Environment variable -> folder, of the data sets that there are.
    """

    found: Mapping[str, Path]

    @property
    def missing(self) -> tuple[str, ...]:
        """Variables of `DATA_SETS` that lead nowhere."""
        return tuple(name for name in DATA_SETS if name not in self.found)

    @property
    def full(self) -> bool:
        """Whether the full physics list can run."""
        return not self.missing

    @property
    def left_out(self) -> tuple[str, ...]:
        """What is not simulated."""
        return () if self.full else LEFT_OUT

    def facts(self) -> dict[str, Any]:
        """For a file's provenance."""
        if self.full:
            return {"data": {name: path.name for name, path in self.found.items()}, "left_out": []}
        return {"data": table_sources(), "left_out": list(self.left_out)}

    def environment(self) -> dict[str, str]:
        """Variables that a process needs before it loads Geant4; tables are computed where they are needed.

        Raises
        ------
        LeveloneError
            If tables are needed, and the packages that they come from are not installed, or the user's cache
            cannot be written to.
        """
        if self.full:
            paths = {name: str(path) for name, path in self.found.items()}
            return {WHICH: "full", "GEANT4_DATA_DIR": str(self.found["G4LEDATA"].parent), **paths}
        folder = ensure_tables()
        names = {name: str(folder / name) for name in DATA_SETS if (folder / name).is_dir()}
        return {WHICH: "computed", "GEANT4_DATA_DIR": str(folder), **names}


def find_data(environment: Mapping[str, str] | None = None) -> Data:
    """The data sets that this machine has.

    Parameters
    ----------
    environment
        Where variables are looked up, by default those of this process.
    """
    told = os.environ if environment is None else environment
    places = (("HOME", ".geant4_pybind"), ("GEANT4_DATA_DIR", "."))  # the last one that has a set wins
    folders = [Path(told[name]) / inside for name, inside in places if name in told]
    found = {}
    for variable, name in DATA_SETS.items():
        if variable in told:
            candidates = [Path(told[variable])]
        else:
            candidates = [path for folder in folders for path in sorted(folder.glob(f"{name}[0-9]*"))]
        there = [path for path in candidates if path.is_dir()]
        if there:
            found[variable] = there[-1]
    return Data(found)


def need_geant4() -> None:
    """Refuse to go on without the extra.

    Raises
    ------
    LeveloneError
        If a package of it is missing.
    """
    if find_spec("geant4_pybind") is None:
        raise LeveloneError(
            "generate.engine = geant4 needs the package geant4-pybind, which is not installed", hint=INSTALL
        )


def need_data(data: Data, what: str) -> None:
    """Refuse `what`, a part of the message, if the data sets are not all there.

    Raises
    ------
    LeveloneError
        If one is missing.
    """
    if not data.full:
        raise LeveloneError(
            f"{what} needs Geant4's data sets: {', '.join(data.missing)} not found",
            hint="set these variables, or GEANT4_DATA_DIR, as Geant4's installation guide says; "
            "`levelone doctor` says what is there",
        )

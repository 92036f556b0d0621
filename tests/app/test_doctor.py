"""The doctor: a missing compiler is a failure, a missing vendor tool is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from levelone import doctor
from levelone.simulate.geant4.data import DATA_SETS


def by_name() -> dict[str, doctor.Check]:
    return {check.name: check for check in doctor.diagnose()}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("LEVELONE_CXX", raising=False)
    return tmp_path


def fake(folder: Path, name: str, output: str, code: int = 0) -> None:
    script = folder / name
    script.write_text(f"#!/bin/sh\necho '{output}'\nexit {code}\n")
    script.chmod(0o755)


def test_missing_compiler_fails_and_says_what_to_install(folder: Path) -> None:
    checks = by_name()
    assert checks["C++ compiler"].outcome == "fail"
    assert "install g++" in checks["C++ compiler"].advice
    assert not doctor.healthy(checks.values())


def test_old_or_broken_compiler_fails(folder: Path) -> None:
    fake(folder, "g++", "g++ 4.8.5")
    assert by_name()["C++ compiler"].outcome == "fail"
    fake(folder, "g++", "g++ 12.2.0", code=1)
    assert "does not run" in by_name()["C++ compiler"].found
    fake(folder, "g++", "g++ 12.2.0")
    assert by_name()["C++ compiler"].outcome == "pass"


def test_vendor_tools_are_optional(folder: Path) -> None:
    fake(folder, "g++", "g++ 12.2.0")
    assert by_name()["vivado"].outcome == "not applicable"
    assert doctor.healthy(doctor.diagnose())
    fake(folder, "vivado", "")
    assert by_name()["vivado"].found == str(folder / "vivado")


def test_an_old_verilator_and_a_missing_make_are_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake(folder, "verilator", "Verilator 4.038 2020-07-11 rev v4.036-114-g0cd4a57ad")
    monkeypatch.setenv("LEVELONE_VERILATOR", str(folder / "verilator"))
    old = by_name()["Verilator"]
    assert (old.outcome, "too old" in old.found, "4.038" in old.found) == ("not applicable", True, True)
    assert "levelone[rtl]" in old.advice
    fake(folder, "verilator", "Verilator 5.038 2025-07-08 rev v5.038")
    assert by_name()["Verilator"].found.startswith("make was not found")
    fake(folder, "make", "")
    assert by_name()["Verilator"].found == str(folder / "verilator")
    fake(folder, "verilator", "Icarus")
    assert "is no Verilator" in by_name()["Verilator"].found


def test_missing_package_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "TESTED", {"no-such-package-anywhere": "1.0"})
    check = by_name()["no-such-package-anywhere"]
    assert check.outcome == "fail"
    assert "pip install" in check.advice


def test_untested_version_passes_with_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "TESTED", {"numpy": "0.1"})
    check = by_name()["numpy"]
    assert check.outcome == "pass"
    assert "tested with 0.1" in check.advice


def test_tested_versions_are_the_constraints() -> None:
    text = (Path(__file__).parents[2] / "constraints.txt").read_text()
    pinned = dict(line.split("==") for line in text.splitlines() if "==" in line and line[0] != "#")
    assert {name: pinned[name] for name in doctor.TESTED} == doctor.TESTED


def test_data_of_geant4_are_optional(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GEANT4_DATA_DIR", *DATA_SETS):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("G4LEDATA", str(tmp_path))
    check = by_name()["Geant4 data"]
    assert (check.outcome, check.found) == ("not applicable", "G4LEDATA")
    assert "set G4ENSDFSTATEDATA, " in check.advice
    assert "without fluorescence, photonuclear interactions, hadrons" in check.advice
    for name in DATA_SETS:
        monkeypatch.setenv(name, str(tmp_path))
    assert by_name()["Geant4 data"].outcome == "pass"

"""The doctor: a missing compiler is a failure, a missing vendor tool is not."""

from __future__ import annotations

import os
from pathlib import Path

from levelone import doctor


def by_name(environment: dict[str, str]) -> dict[str, doctor.Check]:
    return {check.name: check for check in doctor.diagnose(environment)}


def fake(folder: Path, name: str, output: str, code: int = 0) -> None:
    script = folder / name
    script.write_text(f"#!/bin/sh\necho '{output}'\nexit {code}\n")
    script.chmod(0o755)


def test_missing_compiler_fails_and_says_what_to_install(tmp_path: Path) -> None:
    checks = by_name({"PATH": str(tmp_path)})
    assert checks["g++"].outcome == "fail"
    assert "install g++" in checks["g++"].advice
    assert not doctor.healthy(checks.values())


def test_old_or_broken_compiler_fails(tmp_path: Path) -> None:
    fake(tmp_path, "g++", "4.8.5")
    assert by_name({"PATH": str(tmp_path)})["g++"].outcome == "fail"
    fake(tmp_path, "g++", "12.2.0", code=1)
    assert "does not run" in by_name({"PATH": str(tmp_path)})["g++"].found
    fake(tmp_path, "g++", "12.2.0")
    assert by_name({"PATH": str(tmp_path)})["g++"].outcome == "pass"


def test_vendor_tools_are_optional(tmp_path: Path) -> None:
    fake(tmp_path, "g++", "12.2.0")
    assert by_name({"PATH": str(tmp_path)})["vivado"].outcome == "not applicable"
    assert doctor.healthy(doctor.diagnose({"PATH": str(tmp_path)}))
    fake(tmp_path, "vivado", "")
    assert by_name({"PATH": str(tmp_path)})["vivado"].found == str(tmp_path / "vivado")


def test_tested_versions_are_the_constraints() -> None:
    text = (Path(__file__).parents[2] / "constraints.txt").read_text()
    pinned = dict(line.split("==") for line in text.splitlines() if "==" in line and line[0] != "#")
    assert {name: pinned[name] for name in doctor.TESTED} == doctor.TESTED


def test_this_machine(monkeypatch) -> None:  # what the developers have must pass
    assert doctor.healthy(doctor.diagnose(os.environ))

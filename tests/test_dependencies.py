"""What the source imports is declared in pyproject.toml, and all that is declared is pinned."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = {
    "acts": "pyacts",
    "alkaid": "alkaid",
    "awkward": "awkward",
    "fastjet": "fastjet",
    "pythia8mc": "pythia8mc",
    "pyosys": "pyosys",
    "xraylib": "xraylib",
}
"""Modules of extras that need not be installed -> the package that holds them."""


def normal(requirement: str) -> str:
    """The name in a requirement, as registries compare names."""
    return re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", requirement)[0]).lower()


def imported() -> Iterator[tuple[str, str]]:
    """Top-level modules that are not ours and not Python's, with the place of the import."""
    for path in sorted((ROOT / "src").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            for name in names:
                top = name.split(".")[0]
                if top not in sys.stdlib_module_names and top != "levelone":
                    yield name, f"{path.relative_to(ROOT)}:{node.lineno}"


def test_every_import_is_declared() -> None:
    declared = {normal(line) for line in PROJECT["dependencies"]}
    extra = {
        normal(line) for group in ("sim", "geant4", "rtl") for line in PROJECT["optional-dependencies"][group]
    }
    owners = packages_distributions()
    for name, place in imported():
        top = name.split(".")[0]
        # "google" is shared by many packages; the part that is used is protobuf's
        packages = (
            {"protobuf"} if name.startswith("google.protobuf") else {normal(p) for p in owners.get(top, [])}
        )
        if top in EXTRAS:
            assert EXTRAS[top] in extra, f"{place}: {name} is not declared"
        else:
            assert packages & declared, f"{place}: {name}, from {packages or 'nowhere'}, is not declared"


@pytest.mark.parametrize("group", ["", "sim", "geant4", "rtl", "test", "docs", "dev"])
def test_every_declared_package_is_pinned(group: str) -> None:
    pinned = {
        normal(line)
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if re.match(r"[\w.-]+==", line)
    }
    lines = PROJECT["optional-dependencies"][group] if group else PROJECT["dependencies"]
    assert {normal(line) for line in lines} - {"levelone"} <= pinned

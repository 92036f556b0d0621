"""Imports run one way: which package may import which, imports inside functions included."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "levelone"

BASE = {"errors", "files", "hdftree", "hdffile", "npyfile", "rows", "exits", "plugins"}
ALLOWED: dict[str, set[str]] = {
    "errors": set(),
    "files": {"errors"},
    "hdftree": {"errors"},
    "hdffile": {"errors", "hdftree"},
    "npyfile": {"errors", "files"},
    "rows": {"errors", "hdffile", "hdftree", "npyfile"},
    "exits": {"errors", "plugins"},
    "plugins": {"errors"},
    "panels": set(),
    "metrics": set(),
    "recipe": {"errors", "hls", "rtl"},
    "data": {*BASE},
    "simulate": {*BASE, "data", "recipe"},
    "quant": {*BASE, "recipe"},
    "zoo": {*BASE, "data", "metrics", "panels", "quant", "recipe", "simulate"},
    "train": {*BASE, "quant", "recipe", "zoo"},
    "graph": {*BASE},
    "stimuli": {*BASE, "graph"},
    "hardware": {*BASE, "graph"},
    "hls": {*BASE, "graph", "hardware", "stimuli"},
    "rtl": {*BASE, "graph", "hardware", "stimuli"},
    "verify": {*BASE, "graph", "hardware", "stimuli", "hls"},
    "report": {*BASE, "panels"},
    "doctor": {*BASE, "hls", "rtl", "simulate"},
    "pipeline": {
        *BASE,
        "panels",
        "recipe",
        "zoo",
        "train",
        "graph",
        "stimuli",
        "hardware",
        "hls",
        "rtl",
        "verify",
        "report",
    },
    "api": {*BASE, "graph", "hardware", "hls", "panels", "pipeline", "quant", "report", "verify"},
    "cli": {*BASE, "api", "doctor", "pipeline"},
}
"""Package or module of levelone -> what it may import of levelone."""


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """Absolute names of levelone's modules that a file imports anywhere, and the line.

    Relative imports are not used in the source: they count as a name that nothing may import.
    """
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom) and node.level:
            yield f"levelone.{'.' * node.level}", node.lineno
        elif isinstance(node, ast.ImportFrom) and node.module == "levelone":
            for alias in node.names:
                yield f"levelone.{alias.name}", node.lineno
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module, node.lineno


def layer(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


@cache
def edges() -> dict[tuple[str, str], str]:
    """(importing layer, imported layer) -> one place where it happens."""
    found: dict[tuple[str, str], str] = {}
    for path in sorted(SOURCE.rglob("*.py")):
        for name, line in imports(path):
            top, _, rest = name.partition(".")
            other = rest.partition(".")[0]
            # "levelone" itself and its version belong to no layer
            if top == "levelone" and other not in ("", "__version__", layer(path)):
                found.setdefault((layer(path), other or rest), f"{path.relative_to(SOURCE)}:{line}")
    return found


def test_every_layer_is_in_the_table() -> None:
    assert {layer(path) for path in SOURCE.rglob("*.py")} - {"__init__"} == set(ALLOWED)


@pytest.mark.parametrize("name", ALLOWED)
def test_imports_only_what_lies_below(name: str) -> None:
    wrong = {
        other: place
        for (importing, other), place in edges().items()
        if importing == name and other not in ALLOWED[name]
    }
    assert wrong == {}


def test_systems_are_known_by_their_interface_alone() -> None:
    """Outside the zoo and inside its kit nobody imports a system; systems do not import each other."""
    wrong = []
    for path in SOURCE.rglob("*.py"):
        parts = path.relative_to(SOURCE).parts
        own = parts[1] if parts[0] == "zoo" and len(parts) > 2 else ""
        for name, line in imports(path):
            rest = name.removeprefix("levelone.zoo.").partition(".")[0]
            if name.startswith("levelone.zoo.") and rest not in {"kit", own}:
                wrong.append(f"{path.relative_to(SOURCE)}:{line}: {name}")
    assert wrong == []


@pytest.mark.parametrize(
    "package", ["train", "pipeline", "report", "cli", "api", "zoo/kit", "quant", "recipe"]
)
def test_nothing_general_speaks_of_one_system(package: str) -> None:
    """What pixelseed's events are called is nobody else's business."""
    words = re.compile("doublet|layer pair|pair of layers", re.IGNORECASE)
    inside = SOURCE / package
    files = [inside] if inside.is_file() else list(inside.rglob("*.py"))
    found = [path.name for path in files if words.search(path.read_text())]
    assert files
    assert found == []


def test_the_table_has_no_circle() -> None:
    """Take away what imports nothing that is left, until nothing is left."""
    left = {name: set(below) for name, below in ALLOWED.items()}
    while left:
        bottom = {name for name, below in left.items() if not below & left.keys()}
        assert bottom, f"a circle among {sorted(left)}"
        left = {name: below for name, below in left.items() if name not in bottom}


def test_the_table_allows_no_more_than_is_used() -> None:
    """Else a layer that was once needed stays open for ever."""
    used = {edge for edge in edges()}
    unused = {(a, b) for a, below in ALLOWED.items() for b in below - BASE if (a, b) not in used}
    assert unused == set()


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("import levelone.cli.run as r", ["levelone.cli.run"]),
        ("def f():\n    from levelone.verify import check", ["levelone.verify"]),
        ("from levelone import doctor, __version__", ["levelone.doctor", "levelone.__version__"]),
        ("from ..cli import run", ["levelone..."]),
    ],
)
def test_no_form_of_import_is_overlooked(line: str, names: list[str], tmp_path: Path) -> None:
    file = tmp_path / "a.py"
    file.write_text(line + "\n")
    assert [name for name, _ in imports(file)] == names


def test_the_page_about_the_architecture_names_every_layer() -> None:
    text = (SOURCE.parents[1] / "docs" / "architecture.md").read_text()
    rows = " ".join(line.split("|")[1] for line in text.splitlines() if line.startswith("| `"))
    assert {name for name in ALLOWED if f"`{name}/`" not in rows and f"`{name}.py`" not in rows} == set()

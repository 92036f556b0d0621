"""No module of the source imports, over others, itself: not in functions and not for type checking either."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "levelone"


def module(path: Path, root: Path) -> str:
    return ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")


def edges(root: Path) -> dict[str, set[str]]:
    """Modules under `root`, and which of each other they import anywhere in the file.

    ``from package import name`` means the module of that name where there is one, else the package; the
    version, which every module may ask for, is none of the package's imports.
    """
    files = {module(path, root): path for path in sorted(root.rglob("*.py"))}
    found: dict[str, set[str]] = {}
    for name, path in files.items():
        below = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                below |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                inside = [f"{node.module}.{a.name}" for a in node.names if a.name != "__version__"]
                below |= {full if full in files else node.module for full in inside}
        found[name] = (below & files.keys()) - {name}
    return found


def in_circles(below: dict[str, set[str]]) -> dict[str, set[str]]:
    """What is left once everything is taken away that imports nothing left, or that nothing left imports."""
    left = {name: set(others) for name, others in below.items()}
    while True:
        imported = set().union(*left.values())
        ends = {name for name, others in left.items() if not others or name not in imported}
        if not ends:
            return left
        left = {name: others - ends for name, others in left.items() if name not in ends}


def test_no_module_imports_itself_over_others() -> None:
    assert in_circles(edges(SOURCE.parent)) == {}


@pytest.mark.parametrize(
    "line",
    [
        "import pkg.a",
        "from pkg import a",
        "from pkg.a import x",
        "def f():\n    from pkg.a import x",
        "if TYPE_CHECKING:\n    from pkg.a import X",
    ],
)
def test_a_circle_is_seen_in_every_form(line: str, tmp_path: Path) -> None:
    files = {"__init__": "", "a": "from pkg.b import y\n", "b": "from pkg.c import z\n", "c": f"{line}\n"}
    (tmp_path / "pkg").mkdir()
    for name, text in files.items():
        (tmp_path / "pkg" / f"{name}.py").write_text(text)
    assert set(in_circles(edges(tmp_path))) == {"pkg.a", "pkg.b", "pkg.c"}

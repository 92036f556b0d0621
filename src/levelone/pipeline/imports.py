"""Which modules of a package some of them need.

So that a change to one system's file does not invalidate another system's runs.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path

from levelone.plugins import OWN


def import_digest(roots: Iterable[str], package: str) -> str:
    """Digest of the source of `roots` and of every module that they import; see `imported`."""
    total = hashlib.sha256()
    for name, path in sorted(imported(roots, package).items()):
        total.update(name.encode() + b"\0" + path.read_bytes() + b"\0")
    return total.hexdigest()


def imported(roots: Iterable[str], package: str) -> dict[str, Path]:
    """Module name -> source file of `roots` and of what they import, directly or not, inside functions too.

    Parameters
    ----------
    roots
        Names of modules; they may lie outside `package`.
    package
        Imports are followed inside this package of levelone, whose ``__init__.py`` is left out (it lists what
        there is), and inside packages of other distributions that a root lies in. If that is a single file,
        the files beside it belong to it.
    """
    found: dict[str, Path] = {}
    waiting = list(roots)
    foreign = {module for root in waiting for module in _foreign(root)}
    while waiting:
        name = waiting.pop()
        if name in found or name == package:
            continue
        path = _source(name)
        if path is None:
            continue
        found[name] = path
        inside = name if path.name == "__init__.py" else name.rpartition(".")[0]
        for module in _imports(ast.parse(path.read_text(encoding="utf-8")), inside):
            if module.startswith(f"{package}.") or module.partition(".")[0] in foreign:
                waiting.append(module)
    return found


def _foreign(root: str) -> Iterator[str]:
    """Top-level names of what a module outside levelone belongs to."""
    top = root.partition(".")[0]
    if top == OWN:
        return
    yield top
    path = _source(top)
    if path is not None and path.name != "__init__.py":
        yield from (beside.stem for beside in path.parent.glob("*.py"))


def _imports(tree: ast.Module, inside: str) -> Iterator[str]:
    """Names of imported modules, and of what is imported from them, which may be modules too.

    `inside` is the package that relative imports start from.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = inside.split(".")[: len(inside.split(".")) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def _source(name: str) -> Path | None:
    """The file of a module; None for something that is no module of Python source."""
    try:
        spec = find_spec(name)
    except ModuleNotFoundError:
        return None
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return None
    return Path(spec.origin)

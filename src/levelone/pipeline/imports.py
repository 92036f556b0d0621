"""Which modules of a package some of them need.

So that a change to one system's file does not invalidate another system's runs.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path


def import_digest(roots: Iterable[str], package: str) -> str:
    """Digest of the source of `roots` and of every module of `package` that they import, directly or not.

    Parameters
    ----------
    roots
        Names of modules; they may lie outside `package`.
    package
        Imports of modules outside this package are not followed, and its ``__init__.py`` is left out: it
        lists what there is.
    """
    total = hashlib.sha256()
    for name, path in sorted(imported(roots, package).items()):
        total.update(name.encode() + b"\0" + path.read_bytes() + b"\0")
    return total.hexdigest()


def imported(roots: Iterable[str], package: str) -> dict[str, Path]:
    """Module name -> source file; see `import_digest`. Imports inside functions count too."""
    found: dict[str, Path] = {}
    waiting = list(roots)
    while waiting:
        name = waiting.pop()
        if name in found or name == package:
            continue
        path = _source(name)
        if path is None:
            continue
        found[name] = path
        tree = ast.parse(path.read_text(encoding="utf-8"))
        waiting += [module for module in _imports(tree) if module.startswith(f"{package}.")]
    return found


def _imports(tree: ast.Module) -> Iterator[str]:
    """Names of imported modules, and of what is imported from them, which may be modules too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _source(name: str) -> Path | None:
    """The file of a module; None for something that is no module of Python source."""
    try:
        spec = find_spec(name)
    except ModuleNotFoundError:
        return None
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return None
    return Path(spec.origin)

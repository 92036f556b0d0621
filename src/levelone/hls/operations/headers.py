"""The C++ headers of the layers that hls4ml lacks: they lie beside their lowerings."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from levelone.errors import LeveloneError
from levelone.hls.spec import Body

_INCLUDE = re.compile(r'^#include "(levelone_\w+\.h)"$', re.MULTILINE)


def header_path(name: str) -> Path:
    """The C++ header `name`."""
    return Path(__file__).with_name(name)


def with_includes(bodies: Iterable[Body]) -> dict[str, Path]:
    """Name -> path of the headers of `bodies`, and of those of levelone that they include, directly or not.

    Raises
    ------
    LeveloneError
        If a header of another distribution is missing, or is called as levelone's own are.
    """
    found: dict[str, Path] = {}
    left = [_header(body) for body in bodies]
    while left:
        path = left.pop()
        if path.name not in found:
            found[path.name] = path
            left += [header_path(name) for name in _INCLUDE.findall(path.read_text(encoding="utf-8"))]
    return found


def _header(body: Body) -> Path:
    if body.folder is None:
        return header_path(body.header)
    path = Path(body.folder) / body.header
    if Path(body.header).name != body.header or body.header.startswith("levelone_") or not path.is_file():
        raise LeveloneError(
            f"{path}: no header for a body of another distribution",
            hint="a file beside its lowering whose name does not begin with levelone_",
        )
    return path

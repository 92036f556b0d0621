"""The C++ headers of the layers that hls4ml lacks: they lie beside their lowerings."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

_INCLUDE = re.compile(r'^#include "(levelone_\w+\.h)"$', re.MULTILINE)


def header_path(name: str) -> Path:
    """The C++ header `name`."""
    return Path(__file__).with_name(name)


def with_includes(names: Iterable[str]) -> set[str]:
    """The headers `names` and those of levelone that they include, directly or not."""
    found: set[str] = set()
    left = list(names)
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left += _INCLUDE.findall(header_path(name).read_text(encoding="utf-8"))
    return found

"""The library of blocks: where their files lie, and which blocks are made of others."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

BLOCKS = Path(__file__).with_name("blocks")
"""A file per block, called as its module."""

_INSTANCE = re.compile(r"^\s*(levelone_\w+)\s+(?:#\s*\(|\w+\s*\()", re.MULTILINE)


def with_parts(blocks: Iterable[str]) -> tuple[str, ...]:
    """`blocks` and every block that they are made of, by name."""
    found: set[str] = set()
    waiting = list(blocks)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _INSTANCE.findall((BLOCKS / f"{name}.sv").read_text(encoding="utf-8"))
    return tuple(sorted(found))

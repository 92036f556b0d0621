"""The systems that levelone knows: a package each, imported when it is asked for."""

from __future__ import annotations

from importlib import import_module

from levelone.errors import LeveloneError, nearest
from levelone.zoo.kit.system import System

SYSTEMS: dict[str, str] = {
    "lcd": "levelone.zoo.lcd",
    "muon": "levelone.zoo.muon",
    "next": "levelone.zoo.next",
    "pixelseed": "levelone.zoo.pixelseed",
}
"""Name -> the module whose ``SYSTEM`` it is."""


def find_system(name: str) -> System:
    """The system called `name`.

    Raises
    ------
    LeveloneError
        If there is none; the message names the nearest and lists those that exist.
    """
    if name not in SYSTEMS:
        raise LeveloneError(f"unknown system {name!r}", hint=nearest(name, list(SYSTEMS)))
    system: System = import_module(SYSTEMS[name]).SYSTEM
    return system


__all__ = ["SYSTEMS", "System", "find_system"]

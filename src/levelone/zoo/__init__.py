"""The systems that levelone knows: one file each. Importing this does not import torch."""

from __future__ import annotations

from levelone.errors import LeveloneError, nearest
from levelone.zoo.lcd import LCD
from levelone.zoo.muon import MUON
from levelone.zoo.next import NEXT
from levelone.zoo.pixelseed import PIXELSEED
from levelone.zoo.system import Sample, System

SYSTEMS: dict[str, System] = {"lcd": LCD, "muon": MUON, "next": NEXT, "pixelseed": PIXELSEED}


def find_system(name: str) -> System:
    """The system called `name`.

    Raises
    ------
    LeveloneError
        If there is none; the message names the nearest and lists those that exist.
    """
    if name not in SYSTEMS:
        raise LeveloneError(f"unknown system {name!r}", hint=nearest(name, list(SYSTEMS)))
    return SYSTEMS[name]


__all__ = ["SYSTEMS", "Sample", "System", "find_system"]

"""The systems that levelone knows: a package each, imported when it is asked for."""

from __future__ import annotations

import re
from pathlib import Path

from levelone.errors import LeveloneError
from levelone.plugins import Registry
from levelone.recipe import Recipe, load_recipe
from levelone.zoo.kit.system import System

SYSTEMS = Registry(
    "system",
    "levelone.systems",
    {
        "bandgap": "levelone.zoo.bandgap:SYSTEM",
        "lartpc": "levelone.zoo.lartpc:SYSTEM",
        "lcd": "levelone.zoo.lcd:SYSTEM",
        "muon": "levelone.zoo.muon:SYSTEM",
        "next": "levelone.zoo.next:SYSTEM",
        "nova": "levelone.zoo.nova:SYSTEM",
        "pixelseed": "levelone.zoo.pixelseed:SYSTEM",
        "qgjet": "levelone.zoo.qgjet:SYSTEM",
        "showergan": "levelone.zoo.showergan:SYSTEM",
        "smlm": "levelone.zoo.smlm:SYSTEM",
        "wjet": "levelone.zoo.wjet:SYSTEM",
    },
)
"""levelone's own by name; other distributions add entry points, ``package.module:SYSTEM`` needs none."""

_SAYS = ("name", "title", "outputs", "section", "generator")


def find_system(name: str) -> System:
    """The system called `name`, or that a reference ``package.module:SYSTEM`` leads to.

    Raises
    ------
    LeveloneError
        If there is none, it cannot be imported, is no system, or bears the name of another one.
    """
    found = SYSTEMS.find(name)
    if not isinstance(found, System):
        kind = f"the class {found.__name__}" if isinstance(found, type) else f"a {type(found).__name__}"
        raise LeveloneError(
            f"system {name!r} is no system: it is {kind}",
            hint="expected an object of a class that inherits from levelone.zoo.kit.system.System",
        )
    missing = [attribute for attribute in _SAYS if not hasattr(found, attribute)]
    if missing:
        raise LeveloneError(f"system {name!r}: its class {type(found).__name__} does not say {missing[0]!r}")
    if not re.fullmatch("[a-z][a-z0-9_-]*", found.name):
        raise LeveloneError(
            f"system {name!r} calls itself {found.name!r}",
            hint="a name is of small letters, digits, - and _: folders are called after it",
        )
    if ":" not in name and found.name != name:
        raise LeveloneError(f"the system registered as {name!r} calls itself {found.name!r}")
    if ":" in name and found.name in SYSTEMS.known and SYSTEMS.known[found.name] != name:
        raise LeveloneError(f"system {name!r} calls itself {found.name!r}, a name of levelone's own")
    return found


def read_recipe(path: Path) -> tuple[System, Recipe]:
    """A recipe file, of this version or an earlier one, and the system that it is for.

    Raises
    ------
    LeveloneError
        If there is no such system, or the recipe cannot be read.
    """
    recipe = load_recipe(path, moved=lambda name: find_system(name).moved)
    return find_system(recipe.system), recipe


__all__ = ["SYSTEMS", "System", "find_system", "read_recipe"]

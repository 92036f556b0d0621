"""Recipes as TOML files, of this version and earlier ones, changed by options of the command line."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from levelone.errors import LeveloneError
from levelone.recipe.checking import Problem, RecipeError, blamed_on, overridden, parse_section
from levelone.recipe.form import Recipe

Moved = Mapping[str, str | None]
"""Dotted keys of earlier versions: where each stands now. None: nowhere, it had no effect."""


def load_recipe(
    path: Path, overrides: Iterable[str] = (), *, moved: Callable[[str], Moved] = lambda system: {}
) -> Recipe:
    """Read and check a recipe file before any work is done.

    The system's own sections are checked by `System.model_section` and `Generator.options`.

    Parameters
    ----------
    path
        A TOML file.
    overrides
        ``"train.batch_size=512"``: a dotted key and a TOML value (bare words are strings).
    moved
        Called with the name of the recipe's system: keys of earlier versions that the file may have.

    Raises
    ------
    LeveloneError
        If the file cannot be read, is not TOML, or has an unknown or wrong key; names the key path.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise LeveloneError(f"{path}: cannot read the recipe: {error}") from error
    return parse_recipe(text, str(path), overrides, moved=moved)


def parse_recipe(
    text: str,
    origin: str,
    overrides: Iterable[str] = (),
    *,
    moved: Callable[[str], Moved] = lambda system: {},
) -> Recipe:
    """Like `load_recipe` for TOML text; `origin` names it in messages."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise LeveloneError(f"{origin}: not valid TOML: {error}") from error
    except RecursionError:
        raise LeveloneError(f"{origin}: not a recipe: its values are nested too deeply") from None
    overrides = tuple(overrides)
    with blamed_on(origin, overrides):
        known = moved(data["system"]) if isinstance(data.get("system"), str) else {}
        for old, new in known.items():
            _move(data, old, new)
        for override in overrides:
            _apply(data, override, known)
        return parse_section(Recipe, data)


def _move(data: dict[str, Any], old: str, new: str | None) -> None:
    """Put the value of a key of an earlier version where it stands now."""
    section, _, key = old.rpartition(".")
    table = data.get(section)
    if not isinstance(table, dict) or key not in table:
        return
    value = table.pop(key)
    if new is None:
        return
    section, _, key = new.rpartition(".")
    table = data.setdefault(section, {})
    if isinstance(table, dict) and table.setdefault(key, value) != value:
        raise RecipeError([Problem(old, f"{old} and {new} say different things, and are the same key")])


def _apply(data: dict[str, Any], override: str, moved: Moved) -> None:
    """Set one dotted key in parsed TOML."""
    key = overridden(override)
    text, parts = override.partition("=")[2], key.split(".")
    if key in moved:
        new = moved[key]
        where = f"{key} is {new} now" if new else f"{key} has no effect on this system any more"
        raise RecipeError([Problem(key, where)], hint=f"--set {new}={text}" if new else "leave it out")
    try:
        value = tomllib.loads(f"value = {text.strip()}")["value"]
    except tomllib.TOMLDecodeError:
        value = text.strip()
    except RecursionError:
        raise LeveloneError(f"--set {key}: its value is nested too deeply") from None
    table = data
    for depth, part in enumerate(parts[:-1]):
        table = table.setdefault(part, {})
        if not isinstance(table, dict):
            raise LeveloneError(
                f"--set {override!r}: {'.'.join(parts[: depth + 1])} is a value, not a section"
            )
    table[parts[-1]] = value

"""Recipes as TOML files, changed by options of the command line."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from levelone.errors import LeveloneError
from levelone.recipe.checking import blamed_on, overridden, parse_section
from levelone.recipe.form import Recipe


def load_recipe(path: Path, overrides: Iterable[str] = ()) -> Recipe:
    """Read and check a recipe file before any work is done.

    The system's own sections are checked by `System.model_section` and `Generator.options`.

    Parameters
    ----------
    path
        A TOML file.
    overrides
        ``"train.batch_size=512"``: a dotted key and a TOML value (bare words are strings).

    Raises
    ------
    LeveloneError
        If the file cannot be read, is not TOML, or has an unknown or wrong key; names the key path.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise LeveloneError(f"{path}: cannot read the recipe: {error}") from error
    return parse_recipe(text, str(path), overrides)


def parse_recipe(text: str, origin: str, overrides: Iterable[str] = ()) -> Recipe:
    """Like `load_recipe` for TOML text; `origin` names it in messages."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise LeveloneError(f"{origin}: not valid TOML: {error}") from error
    overrides = tuple(overrides)
    for override in overrides:
        _apply(data, override)
    with blamed_on(origin, overrides):
        return parse_section(Recipe, data)


def _apply(data: dict[str, Any], override: str) -> None:
    """Set one dotted key in parsed TOML."""
    key = overridden(override)
    text, parts = override.partition("=")[2], key.split(".")
    try:
        value = tomllib.loads(f"value = {text.strip()}")["value"]
    except tomllib.TOMLDecodeError:
        value = text.strip()
    table = data
    for depth, part in enumerate(parts[:-1]):
        table = table.setdefault(part, {})
        if not isinstance(table, dict):
            raise LeveloneError(
                f"--set {override!r}: {'.'.join(parts[: depth + 1])} is a value, not a section"
            )
    table[parts[-1]] = value

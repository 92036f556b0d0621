"""Recipes as text and as digests: the same for the same recipe."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel


def dump_recipe(recipe: BaseModel) -> str:
    """The recipe as TOML: every value written out, the same text for the same recipe."""
    lines: list[str] = []
    _dump(recipe.model_dump(mode="json"), (), lines)
    return "\n".join(lines).strip() + "\n"


def digest(value: BaseModel | Mapping[str, Any] | Sequence[Any] | str | int | float | None) -> str:
    """Hex SHA-256 of a section, or of any JSON value, independent of key order."""
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json")
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def literal(value: Any) -> str:
    """One TOML value; repr keeps every bit of a float."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(literal(item) for item in value) + "]"
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(k)} = {literal(v)}" for k, v in value.items()) + " }"
    raise TypeError(f"no TOML form for {type(value).__name__}")


def _dump(table: Mapping[str, Any], path: tuple[str, ...], lines: list[str]) -> None:
    """Append `table` to `lines`: plain values first, then sub-tables. TOML has no null: None is left out."""
    values = {k: v for k, v in table.items() if v is not None and not isinstance(v, Mapping)}
    tables = {k: v for k, v in table.items() if isinstance(v, Mapping)}
    if path and (values or not tables):
        lines += ["", f"[{'.'.join(_key(part) for part in path)}]"]
    lines += [f"{_key(k)} = {literal(v)}" for k, v in values.items()]
    for key, value in tables.items():
        _dump(value, (*path, key), lines)


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _quoted(key)


def _quoted(text: str) -> str:
    """A TOML basic string: JSON's, except that TOML wants DEL escaped and has no surrogate pairs."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")

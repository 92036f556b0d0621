"""Checking a section: one message with a line for every key that is wrong."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from levelone.errors import LeveloneError, nearest
from levelone.recipe.section import section_type

AnySection = TypeVar("AnySection", bound=BaseModel)


def parse_section(
    section: type[AnySection],
    data: Mapping[str, Any],
    origin: str,
    *,
    at: Sequence[str] = (),
    options: Mapping[str, str] | None = None,
) -> AnySection:
    """Validate `data` as `section`; on failure one message with a line for every bad key.

    Parameters
    ----------
    origin
        Name of the file, for messages.
    at
        Where in the file the section stands, for messages.
    options
        Keys that a command-line option has set, and that option: to blame instead of the file.

    Raises
    ------
    LeveloneError
        With the full path of each bad key, what was found and what is expected.
    """
    try:
        return section.model_validate(dict(data))
    except ValidationError as error:
        problems, hints = [], []
        for issue in _independent(error):
            path = ".".join(str(part) for part in (*at, *issue["loc"]))
            origin_here = _blamed(path, options or {}) or origin
            if issue["type"] == "extra_forbidden":
                problems.append(f"{origin_here}: unknown key {path}")
                valid = _fields_at(section, [str(part) for part in issue["loc"][:-1]])
                hints.append(nearest(str(issue["loc"][-1]), valid))
            elif issue["type"] == "missing":
                problems.append(f"{origin_here}: {path} is missing")
            else:
                found = json.dumps(issue["input"], default=str)
                problems.append(f"{origin_here}: {path} = {found}: {_lower(issue['msg'])}")
        raise LeveloneError("\n".join(problems), hint="; ".join(hints) or None) from None


def _independent(error: ValidationError) -> list[ErrorDetails]:
    """What is wrong, without sequences that are too short only because entries of them are wrong."""
    issues = error.errors(include_url=False)
    around = {issue["loc"][:depth] for issue in issues for depth in range(len(issue["loc"]))}
    return [issue for issue in issues if issue["type"] != "too_short" or issue["loc"] not in around]


def _blamed(path: str, options: Mapping[str, str]) -> str | None:
    """The option that set the key at `path`, something inside it, or something around it."""
    for key, option in options.items():
        if f"{path}.".startswith(f"{key}.") or f"{key}.".startswith(f"{path}."):
            return option
    return None


def _fields_at(section: type[BaseModel], path: Sequence[str]) -> list[str]:
    """Names of the keys that `section` allows at `path`."""
    current: type[BaseModel] = section
    annotation: Any
    for part in path:
        if part not in current.model_fields:
            continue  # a key of a free table such as quant.layers.conv1
        annotation = current.model_fields[part].annotation
        found = section_type(annotation)
        if found is None:
            return []
        current = found
    return list(current.model_fields)


def _lower(message: str) -> str:
    return message[:1].lower() + message[1:]

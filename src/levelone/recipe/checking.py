"""Checking a section: one message with a line for every key that is wrong, which names where it was set."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from levelone.errors import LeveloneError, nearest
from levelone.recipe.section import section_type

AnySection = TypeVar("AnySection", bound=BaseModel)


@dataclass(frozen=True)
class Problem:
    """What is wrong with a key of a recipe.

    Attributes
    ----------
    key
        Its dotted path.
    what
        In words, the path included.
    alone
        False: it is wrong only together with other keys.
    """

    key: str
    what: str
    alone: bool = True

    def told(self, origin: str, options: Mapping[str, str]) -> str:
        """One line: blamed on the option that set the key, or else on the recipe `origin`.

        Parameters
        ----------
        options
            Keys that the command line has set, and how.
        """
        own = [told for key, told in options.items() if _touch(key, self.key)]
        if own:
            return f"{own[0]}: {self.what}"
        around = {"model", _section(self.key)}  # the network says which other keys there can be
        others = [told for key, told in options.items() if _section(key) in around and not self.alone]
        return f"{origin} with {', '.join(others)}: {self.what}" if others else f"{origin}: {self.what}"


class RecipeError(LeveloneError):
    """Keys of a recipe are wrong. `blamed_on` says where they were set."""

    def __init__(
        self,
        problems: Sequence[Problem],
        *,
        hint: str | None = None,
        origin: str = "recipe",
        options: Mapping[str, str] | None = None,
    ) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(p.told(origin, options or {}) for p in problems), hint=hint)


def misfit(key: str, what: str, *, hint: str | None = None) -> RecipeError:
    """What a system's `check_model` raises where keys do not fit together.

    Parameters
    ----------
    key
        Dotted path of the key that is named: ``model.dense``.
    what
        What follows it in the message: `` = [0]: every layer needs a unit``.
    """
    return RecipeError([Problem(key, key + what, alone=False)], hint=hint)


@contextmanager
def blamed_on(origin: str, overrides: Iterable[str] = ()) -> Iterator[None]:
    """Within it, a key that is wrong is blamed on where it was set.

    Parameters
    ----------
    origin
        Name of the recipe file.
    overrides
        ``key=value`` of ``--set``, in order: to blame instead of the file.

    Raises
    ------
    RecipeError
        As raised inside, with that in its message.
    """
    try:
        yield
    except RecipeError as error:
        options = {overridden(text): f"--set {text}" for text in overrides}
        raise RecipeError(error.problems, hint=error.hint, origin=origin, options=options) from None


def overridden(override: str) -> str:
    """The dotted key of ``key=value``.

    Raises
    ------
    LeveloneError
        If it has another form.
    """
    key, equals, _ = override.partition("=")
    parts = [part.strip() for part in key.split(".")]
    if not equals or not all(parts):
        raise LeveloneError(
            f"--set {override!r}: expected key=value", hint="for example --set train.batch_size=512"
        )
    return ".".join(parts)


def parse_section(
    section: type[AnySection], data: Mapping[str, Any], origin: str = "recipe", *, at: Sequence[str] = ()
) -> AnySection:
    """Validate `data` as `section`; on failure one message with a line for every bad key.

    Parameters
    ----------
    origin
        Name of the file, for messages.
    at
        Where in the file the section stands, for messages.

    Raises
    ------
    RecipeError
        With the full path of each bad key, what was found and what is expected.
    """
    try:
        return section.model_validate(dict(data))
    except ValidationError as error:
        problems, hints = [], []
        for issue in _independent(error):
            path = ".".join(str(part) for part in (*at, *issue["loc"]))
            if issue["type"] == "extra_forbidden":
                problems.append(Problem(path, f"unknown key {path}"))
                valid = _fields_at(section, [str(part) for part in issue["loc"][:-1]])
                hints.append(nearest(str(issue["loc"][-1]), valid))
            elif issue["type"] == "missing":
                problems.append(Problem(path, f"{path} is missing"))
            else:
                found = json.dumps(issue["input"], default=str)
                problems.append(Problem(path, f"{path} = {found}: {_lower(issue['msg'])}"))
        raise RecipeError(problems, origin=origin, hint="; ".join(hints) or None) from None


def _independent(error: ValidationError) -> list[ErrorDetails]:
    """What is wrong, without sequences that are too short only because entries of them are wrong."""
    issues = error.errors(include_url=False)
    around = {issue["loc"][:depth] for issue in issues for depth in range(len(issue["loc"]))}
    return [issue for issue in issues if issue["type"] != "too_short" or issue["loc"] not in around]


def _touch(one: str, other: str) -> bool:
    """Whether keys are the same, or one is inside the other."""
    return f"{one}.".startswith(f"{other}.") or f"{other}.".startswith(f"{one}.")


def _section(key: str) -> str:
    return key.partition(".")[0]


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

"""The keys of recipes as tables, from the sections that check them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from levelone.recipe import Within, literal, section_type
from levelone.zoo.kit.system import System

BOUNDS = {
    "gt": "> {}",
    "ge": "≥ {}",
    "lt": "< {}",
    "le": "≤ {}",
    "min_length": "at least {} long",
    "max_length": "at most {} long",
}
"""Attributes of pydantic's rules, and how people are told."""


@dataclass(frozen=True)
class Key:
    """A key of a section.

    Attributes
    ----------
    name
        Inside the section; ``NAME`` stands for a layer, ``[i]`` for an entry of a list.
    default
        As TOML; empty where the key has to be given, or is an empty table; None: no value.
    choices
        The only values, as TOML; empty: any of the key's type.
    rules
        In words such as ``> 0``.
    meaning
        One line.
    """

    name: str
    default: str | None
    choices: tuple[str, ...]
    rules: tuple[str, ...]
    meaning: str


def keys_of(section: type[BaseModel]) -> list[Key]:
    """Every key of a section, those of sections inside it too."""
    return [key for name, field in section.model_fields.items() for key in keys_of_field(name, field)]


def sections_of(system: System) -> dict[str, list[Key]]:
    """What a system itself declares: ``generate`` and ``model``, as its default recipe has them.

    Raises
    ------
    LeveloneError
        If its default recipe is missing or wrong.
    """
    model = type(system.model_section(system.read_recipe()))
    return {"generate": keys_of(system.generator.section), "model": keys_of(model)}


def keys_of_field(name: str, field: FieldInfo) -> Iterator[Key]:
    """The key `name` itself and, if its entries are sections, theirs."""
    inner = section_type(field.annotation)
    container = get_origin(field.annotation) if inner is not None else None
    name = f"{name}.NAME" if container is dict else name
    nested = f"{name}[i]" if container is tuple else name
    yield Key(name, _default(field), _choices(field), _rules(field), field.description or "")
    if inner is not None:
        for part, below in inner.model_fields.items():
            yield from keys_of_field(f"{nested}.{part}", below)


def _default(field: FieldInfo) -> str | None:
    if field.is_required():
        return ""
    value = field.get_default(call_default_factory=True)
    if value is None:
        return None
    plain = _plain(value)
    return "" if plain == {} else literal(plain)


def _plain(value: Any) -> Any:
    """Sections as tables."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _choices(field: FieldInfo) -> tuple[str, ...]:
    kinds = (field.annotation, *get_args(field.annotation))  # a type, and what a list or an optional holds
    literals = next((kind for kind in kinds if get_origin(kind) is Literal), None)
    return tuple(map(literal, get_args(literals)))


def _rules(field: FieldInfo) -> tuple[str, ...]:
    ranges = [str(rule) for rule in field.metadata if isinstance(rule, Within)]
    bounds = [(text, getattr(rule, key, None)) for rule in field.metadata for key, text in BOUNDS.items()]
    return (*ranges, *(text.format(bound) for text, bound in bounds if bound is not None))

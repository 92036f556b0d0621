"""docs/recipe.md, from the sections that check recipes.

``python -m levelone.pipeline.recipe_page > docs/recipe.md`` writes it anew; a test compares.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from levelone.errors import LeveloneError
from levelone.recipe import Recipe, Within, literal, load_recipe, parse_recipe, section_type
from levelone.zoo import SYSTEMS, find_system

HEAD = """# Recipes

A recipe is one TOML file: what to train, how it is quantised, what hardware it is for. It is checked before
any work; an unknown key is refused with its full path and the nearest valid name:

```console
$ levelone run pixelseed --set {wrong}
error: {error}
```

Any key can be changed on the command line with `--set section.key=value`, several times. The run folder
keeps the recipe as it was used, with every default written out (`runs/pixelseed/recipe.toml`).

`[generate]` and `[model]` are each system's own. A run makes its events when its recipe has a section
`[generate]` and names no file, when a key of it is given on the command line (`--set generate.pileup=200`;
`--events N` and `--seed N` are short for `generate.events` and `generate.seed`), or when there are no others.

This page is written by `python -m levelone.pipeline.recipe_page` from the code that checks recipes. Keys
without a default have to be given, or are empty tables. `NAME` stands for a layer, `[i]` for an entry of a
list.

"""

WRONG = "train.batchsize=512"

FOOT = """
## What a scale is

All quantisers have constant power-of-two scales. They are chosen once, after the float twin is trained, for
the smallest mean squared error on training data; biases lie on the grid of the products. Batch normalisation
exists in the float twin only and is folded before the quantised training begins.
"""

TABLE = "| key | default | allowed | meaning |\n|---|---|---|---|\n"
BOUNDS = {
    "gt": "> {}",
    "ge": "≥ {}",
    "lt": "< {}",
    "le": "≤ {}",
    "min_length": "at least {} long",
    "max_length": "at most {} long",
}
"""Attributes of pydantic's rules, and how the page says them."""


def render() -> str:
    """The page."""
    page = HEAD.format(wrong=WRONG, error=_refusal())
    sections = {
        name: found
        for name, field in Recipe.model_fields.items()
        if (found := section_type(field.annotation)) is not None
    }
    alone = {name: field for name, field in Recipe.model_fields.items() if name not in sections}
    page += TABLE + "".join(row for name, field in alone.items() for row in _rows(name, field))
    for name, section in sections.items():
        page += _titled(f"`[{name}]`", section)
    for name in sorted(SYSTEMS.known):
        system = find_system(name)
        section = type(system.model_section(load_recipe(system.default_recipe)))
        page += _titled(f"`[generate]` of {name}", system.generator.section)
        page += _titled(f"`[model]` of {name}", section)
    return page + FOOT


def _titled(title: str, section: type[BaseModel]) -> str:
    rows = (row for name, field in section.model_fields.items() for row in _rows(name, field))
    return f"\n## {title}\n\n{TABLE}" + "".join(rows)


def _rows(key: str, field: FieldInfo) -> Iterator[str]:
    """The key's own row and, if its entries are sections themselves, one for each of their keys."""
    inner = section_type(field.annotation)
    container = get_origin(field.annotation) if inner is not None else None
    name = f"{key}.NAME" if container is dict else key
    nested = f"{key}[i]" if container is tuple else name
    yield f"| `{name}` | {_default(field)} | {_allowed(field)} | {field.description or ''} |\n"
    if inner is not None:
        for part, below in inner.model_fields.items():
            yield from _rows(f"{nested}.{part}", below)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return ""
    value = field.get_default(call_default_factory=True)
    if value is None:
        return "none"
    plain = _plain(value)
    return "" if plain == {} else f"`{literal(plain)}`"


def _plain(value: Any) -> Any:
    """Sections as tables."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _allowed(field: FieldInfo) -> str:
    choices = next((kind for kind in _inside(field.annotation) if get_origin(kind) is Literal), None)
    if choices is not None:
        return ", ".join(f"`{literal(choice)}`" for choice in get_args(choices))
    ranges = [str(rule) for rule in field.metadata if isinstance(rule, Within)]
    rules = [(text, getattr(rule, key, None)) for rule in field.metadata for key, text in BOUNDS.items()]
    return ", ".join([*ranges, *(text.format(bound) for text, bound in rules if bound is not None)])


def _inside(annotation: Any) -> tuple[Any, ...]:
    """A type, and what a list or an optional value holds."""
    return (annotation, *get_args(annotation))


def _refusal() -> str:
    """What the command line says of the example."""
    try:
        parse_recipe('system = "pixelseed"', "recipe.toml", (WRONG,))
    except LeveloneError as error:
        return str(error)
    raise AssertionError(f"{WRONG} is not refused")


if __name__ == "__main__":
    print(render(), end="")

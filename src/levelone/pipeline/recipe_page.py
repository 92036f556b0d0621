"""docs/recipe.md, from the sections that check recipes.

``python -m levelone.pipeline.recipe_page > docs/recipe.md`` writes it anew; a test compares. What systems
declare themselves is added where the site is built: no file changes with a system.
"""

from __future__ import annotations

from collections.abc import Iterable

from levelone.errors import LeveloneError
from levelone.panels import Rows
from levelone.pipeline.recipe_keys import Key, keys_of, keys_of_field, sections_of
from levelone.recipe import Recipe, parse_recipe, section_type
from levelone.report.rows import as_markdown, as_text
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

`[generate]` and `[model]` are each system's own; `levelone list NAME` tells their keys, and on the site this
page ends with them. A run makes its events when its recipe has a section `[generate]` and names no file,
when a key of it is given on the command line (`--set generate.pileup=200`; `--events N` and `--seed N` are
short for `generate.events` and `generate.seed`), or when there are no others.

A run whose recipe has a section `[rtl]` (`--set rtl.clock_ns=4` makes one) also writes [RTL](rtl.md),
simulates it clock by clock, and counts its verdict.

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

## What quantising costs

The quantised training goes on from the weights of the float twin's best epoch. With as many epochs for each,
the quantised network has been trained for up to twice as many in all as the twin that it is compared with.
Costs of quantising, and what a quantised network gains on its twin, are told without correction: such a cost
is a lower bound of what a twin that was trained on for as many epochs, and gained by it, would show.
"""


def render() -> str:
    """The page: what every system's recipes have in common."""
    sections = {
        name: found
        for name, field in Recipe.model_fields.items()
        if (found := section_type(field.annotation)) is not None
    }
    alone = {name: field for name, field in Recipe.model_fields.items() if name not in sections}
    parts = [_table(key for name, field in alone.items() for key in keys_of_field(name, field))]
    parts += [_titled(f"`[{name}]`", keys_of(section)) for name, section in sections.items()]
    return HEAD.format(wrong=WRONG, error=_refusal()) + "\n".join(parts) + FOOT


def render_systems() -> str:
    """The sections that levelone's own systems declare, a table each."""
    return "".join(
        f"\n{_titled(f'`[{section}]` of {name}', keys)}"
        for name in sorted(SYSTEMS.known)
        for section, keys in sections_of(find_system(name)).items()
    )


def system_text(name: str) -> str:
    """What ``levelone list NAME`` prints: a system, and the sections that it declares.

    Raises
    ------
    LeveloneError
        If there is no such system, or its default recipe is wrong.
    """
    system = find_system(name)
    tables = [as_text(_rows(keys, f"[{section}]")) for section, keys in sections_of(system).items()]
    return "\n\n".join([f"{system.title}\n{system.default_recipe}", *tables])


def _titled(title: str, keys: Iterable[Key]) -> str:
    return f"## {title}\n\n{_table(keys)}"


def _table(keys: Iterable[Key]) -> str:
    return as_markdown(_rows(keys, quote="`"))


def _rows(keys: Iterable[Key], title: str = "", quote: str = "") -> Rows:
    """A table; names and values between `quote`."""

    def quoted(text: str) -> str:
        return text and f"{quote}{text}{quote}"

    rows = [
        (
            quoted(key.name),
            "none" if key.default is None else quoted(key.default),
            ", ".join([*map(quoted, key.choices), *key.rules]),
            key.meaning,
        )
        for key in keys
    ]
    return Rows(title, "", ("key", "default", "allowed", "meaning"), tuple(rows))


def _refusal() -> str:
    """What the command line says of the example."""
    try:
        parse_recipe('system = "pixelseed"', "recipe.toml", (WRONG,))
    except LeveloneError as error:
        return str(error)
    raise AssertionError(f"{WRONG} is not refused")


if __name__ == "__main__":
    print(render(), end="")

"""docs/recipe.md, its end on the site and `levelone list NAME` say what the code checks."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from pydantic import BaseModel

from levelone.pipeline.recipe_page import WRONG, render, render_systems
from levelone.recipe import Recipe, load_recipe, section_type
from levelone.zoo import SYSTEMS, find_system

from .conftest import ROOT, Levelone

PAGE = ROOT / "docs" / "recipe.md"


def undescribed(section: type[BaseModel], path: str = "") -> Iterator[str]:
    for name, field in section.model_fields.items():
        inner = section_type(field.annotation)
        if inner is not None:
            yield from undescribed(inner, f"{path}{name}.")
        elif not field.description:
            yield path + name


def test_the_page_is_current() -> None:
    """If not: python -m levelone.pipeline.recipe_page > docs/recipe.md."""
    assert PAGE.read_text(encoding="utf-8") == render()


def test_every_key_is_described() -> None:
    assert list(undescribed(Recipe)) == []


@pytest.mark.parametrize("name", sorted(SYSTEMS.known))
def test_every_key_of_a_system_is_described(name: str) -> None:
    system = find_system(name)
    section = type(system.model_section(load_recipe(system.default_recipe)))
    assert list(undescribed(section)) == []
    rows = render_systems().split(f"## `[model]` of {name}\n")[1].split("\n## ")[0]
    assert all(f"| `{key}` |" in rows for key in section.model_fields)
    assert name not in render().partition("| key |")[2]


def test_the_keys_of_a_system_are_listed(levelone: Levelone) -> None:
    told = levelone("list", "next").stdout
    assert "[generate]" in told
    assert "signal_fraction  0.5                ≥ 0, ≤ 1 " in told
    found = json.loads(levelone("list", "next", "--json").stdout)["sections"]
    assert {key["name"]: key["choices"] for key in found["model"]}["variant"] == ['"compact"', '"published"']
    lost = levelone("list", "nxt")
    assert (lost.returncode, lost.stdout) == (2, "")
    assert "unknown system 'nxt'\n  hint: did you mean 'next'?" in lost.stderr


def test_the_message_on_the_page_is_the_command_s_own(levelone: Levelone) -> None:
    done = levelone("run", "pixelseed", "--set", WRONG)
    assert done.returncode == 2
    assert f"--set {WRONG}\n{done.stderr}```" in PAGE.read_text(encoding="utf-8")

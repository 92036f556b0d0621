"""What is added to pages when the site is built: systems find their place by themselves."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from levelone.zoo import SYSTEMS, find_system

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def hooks() -> ModuleType:
    pytest.importorskip("mkdocs")
    spec = importlib.util.spec_from_file_location("site_hooks", ROOT / "scripts" / "site_hooks.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def shown(hooks: ModuleType, name: str) -> str:
    page = SimpleNamespace(file=SimpleNamespace(src_uri=name))
    text: str = hooks.on_page_markdown((ROOT / "docs" / name).read_text(encoding="utf-8"), page=page)
    return text


@pytest.mark.parametrize("name", sorted(SYSTEMS.known))
def test_every_system_is_found(hooks: ModuleType, name: str) -> None:
    config = hooks.on_config(SimpleNamespace(nav=[{"Systems": ["generators.md"]}]))
    pages = config.nav[0]["Systems"]
    assert f"{name}.md" in pages
    results = f"results/{name}.md"
    there = (ROOT / "docs" / results).is_file()
    assert (results in pages[-2]["Results"]) == there
    index = shown(hooks, "index.md")
    assert f"**{name}**: {find_system(name).title} ([task]({name}.md)" in index
    assert (f"[results]({results})" in index) == there
    assert f"## `[model]` of {name}\n" in shown(hooks, "recipe.md")

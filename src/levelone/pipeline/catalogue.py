"""What there is: systems, recipes, runs and committed projects."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from levelone.errors import LeveloneError
from levelone.pipeline.job import RECIPE
from levelone.pipeline.recipe_keys import sections_of
from levelone.plugins import Entry
from levelone.zoo import SYSTEMS, find_system


def catalogue(folder: Path) -> dict[str, Any]:
    """Systems of this installation, runs in ``folder/runs`` and projects in ``folder/hls_projects``.

    A system that cannot be imported has an ``error`` instead of a title; ``refused`` holds the names that
    other distributions register in vain, and why.
    """
    return {
        "systems": [_entry(entry) for _, entry in sorted(SYSTEMS.entries().items())],
        "refused": SYSTEMS.refused(),
        "runs": _holding(folder / "runs", RECIPE),
        "projects": _holding(folder / "hls_projects", "model.onnx"),
    }


def described(name: str) -> dict[str, Any]:
    """One system: ``name``, ``title``, ``recipe``, and ``sections``: the keys that it declares itself.

    Raises
    ------
    LeveloneError
        If there is no such system, or its default recipe is wrong.
    """
    system = find_system(name)
    sections = {section: [asdict(key) for key in keys] for section, keys in sections_of(system).items()}
    return {
        "name": system.name,
        "title": system.title,
        "recipe": str(system.default_recipe),
        "sections": sections,
    }


def _entry(entry: Entry) -> dict[str, str]:
    """One system; of one that cannot be used, why."""
    found = {"name": entry.name, "distribution": entry.distribution}
    try:
        system = find_system(entry.name)
    except LeveloneError as error:
        return found | {"error": error.message}
    return found | {"title": system.title, "recipe": str(system.default_recipe)}


def _holding(folder: Path, name: str) -> list[dict[str, str]]:
    """Sub-folders that contain a file called `name`."""
    found = sorted(path.parent for path in folder.glob(f"*/{name}"))
    return [{"name": path.name, "path": str(path)} for path in found]

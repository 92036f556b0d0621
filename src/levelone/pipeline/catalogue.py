"""What there is: systems, recipes, runs and committed projects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from levelone.pipeline.job import RECIPE
from levelone.zoo import SYSTEMS, find_system


def catalogue(folder: Path) -> dict[str, Any]:
    """Systems of this installation, runs in ``folder/runs`` and projects in ``folder/hls_projects``."""
    return {
        "systems": [
            {"name": name, "title": system.title, "recipe": str(system.default_recipe)}
            for name, system in ((name, find_system(name)) for name in sorted(SYSTEMS))
        ],
        "runs": _holding(folder / "runs", RECIPE),
        "projects": _holding(folder / "hls_projects", "model.onnx"),
    }


def _holding(folder: Path, name: str) -> list[dict[str, str]]:
    """Sub-folders that contain a file called `name`."""
    found = sorted(path.parent for path in folder.glob(f"*/{name}"))
    return [{"name": path.name, "path": str(path)} for path in found]

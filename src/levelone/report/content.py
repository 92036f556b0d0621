"""What a report is made of, read from a run folder. What is absent stays None and is named on the page."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.errors import LeveloneError
from levelone.panels import Card, Panel


@dataclass(frozen=True)
class Examples:
    """A few candidates to show.

    Attributes
    ----------
    images
        float32 [n, hits, rows, columns]; charge in ke.
    target
        uint8 [n]; 1 is true.
    titles
        Name of each hit.
    """

    images: NDArray[np.float32]
    target: NDArray[np.uint8]
    titles: tuple[str, ...]


@dataclass(frozen=True)
class Content:
    """All that goes on the page.

    Attributes
    ----------
    name, title
        Of the system.
    command
        What the user ran.
    recipe
        TOML text.
    metrics, curves, scores
        `levelone.train`'s ``metrics.json``, ``curves.json`` and ``scores.npz``.
    project
        The project's ``levelone.json``.
    csim
        The pipeline's ``csim.json``.
    costs
        Layer name -> ``{"multiplications": ..., "ebops": ...}``.
    stages
        Stage title -> seconds.
    digests
        File name -> SHA-256.
    versions
        Package -> version.
    panels, cards, example_panels
        What a system of voxel events shows by itself; None and empty for systems of doublets.
    """

    name: str
    title: str
    command: str
    recipe: str
    metrics: dict[str, Any] | None = None
    curves: dict[str, Any] | None = None
    scores: dict[str, NDArray[Any]] | None = None
    project: dict[str, Any] | None = None
    csim: dict[str, Any] | None = None
    examples: Examples | None = None
    costs: dict[str, dict[str, int]] | None = None
    stages: dict[str, float] | None = None
    digests: dict[str, str] | None = None
    versions: dict[str, str] | None = None
    panels: tuple[Panel, ...] | None = None
    cards: tuple[Card, ...] = ()
    example_panels: tuple[Panel, ...] = ()


def read_json(path: Path) -> dict[str, Any] | None:
    """A JSON object, or None if there is no such file.

    Raises
    ------
    LeveloneError
        If the file is there but damaged.
    """
    if not path.exists():
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(found, dict):
            raise ValueError("not a JSON object")
    except (OSError, ValueError) as error:
        raise LeveloneError(
            f"{path}: cannot be read: {error}", hint="run the stage that writes it again"
        ) from error
    return found


def read_scores(path: Path) -> dict[str, NDArray[Any]] | None:
    """The arrays of ``scores.npz``, or None if there is no such file; never unpickles.

    Raises
    ------
    LeveloneError
        If the file is damaged.
    """
    if not path.exists():
        return None
    try:
        with np.load(path, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except (OSError, ValueError, EOFError) as error:
        raise LeveloneError(f"{path}: cannot be read: {error}", hint="run `levelone run` again") from error

"""What a report is made of, read from a run folder. What is absent stays None and is named on the page."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from levelone.errors import LeveloneError
from levelone.files import parse_json
from levelone.npyfile import load_arrays
from levelone.panels import Card, Panel, Rows


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
    metrics, curves
        `levelone.train`'s ``metrics.json`` and ``curves.json``.
    project
        The project's ``levelone.json``.
    csim, cosim
        The pipeline's ``csim.json`` and, where the run made RTL, ``cosim.json``.
    rtl, synthesis
        The RTL project's ``levelone.json``, and what `levelone synth` made of that very project.
    latency
        Estimated clocks of the hls4ml project (`levelone inspect PROJECT --latency --json`).
    costs
        Layer name -> ``{"multiplications": ..., "ebops": ...}``.
    stages
        Stage title -> seconds.
    digests
        File name -> SHA-256.
    versions
        Package -> version.
    glance
        The system's headline figures, of every model, in one table.
    panels, cards, example_panels
        What the system shows of its results and of a few test events.
    """

    name: str
    title: str
    command: str
    recipe: str
    metrics: dict[str, Any] | None = None
    curves: dict[str, Any] | None = None
    project: dict[str, Any] | None = None
    csim: dict[str, Any] | None = None
    cosim: dict[str, Any] | None = None
    rtl: dict[str, Any] | None = None
    synthesis: dict[str, Any] | None = None
    latency: dict[str, Any] | None = None
    costs: dict[str, dict[str, int]] | None = None
    stages: dict[str, float] | None = None
    digests: dict[str, str] | None = None
    versions: dict[str, str] | None = None
    glance: Rows | None = None
    panels: tuple[Panel, ...] = ()
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
        found = parse_json(path.read_text(encoding="utf-8"))
        if not isinstance(found, dict):
            raise ValueError("not a JSON object")
    except (OSError, ValueError) as error:
        raise LeveloneError(
            f"{path}: cannot be read: {error}", hint="run the stage that writes it again"
        ) from error
    return found


def read_kept(path: Path) -> dict[str, NDArray[Any]] | None:
    """The arrays of ``scores.npz``, or None if there is no such file.

    Raises
    ------
    LeveloneError
        As `load_arrays`.
    """
    if not path.exists():
        return None
    try:
        return load_arrays(path)
    except LeveloneError as error:
        raise LeveloneError(error.message, hint="run `levelone run` again") from error

"""Which simulator makes the events of which system."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from levelone.zoo import find_system

SIMULATORS = {"pixelseed": "levelone.simulate.pixelseed"}
"""System -> module with a function ``simulate``; imported when needed, because the tools are an extra."""

READERS = {"pixelseed": ("levelone.data.doublets", "open_doublets")}
"""System -> function that opens its event files; the opened file knows its provenance."""


def provenance(system: str, path: Path) -> dict[str, Any]:
    """Where the events of a file come from: versions, seed, command; empty if the file does not say.

    Raises
    ------
    LeveloneError
        If the file cannot be read.
    """
    if system not in READERS:
        return {}
    module, function = READERS[system]
    with getattr(import_module(module), function)(path) as file:
        return dict(file.provenance)


def simulate_system(
    system: str,
    output: Path,
    events: int,
    pileup: float,
    seed: int,
    geometry: str,
    progress: Callable[[int], None] | None = None,
) -> Any:
    """Simulate `events` collisions of `system` into `output`; the simulator's summary (a dataclass).

    Raises
    ------
    LeveloneError
        If the system is unknown, the extra [sim] is not installed, or the file cannot be written.
    """
    module = import_module(SIMULATORS[find_system(system).name])
    return module.simulate(output, events, pileup, seed, geometry, progress=progress)

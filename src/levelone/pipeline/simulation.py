"""Which simulator makes the events of which system."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from levelone.zoo import find_system

SIMULATORS = {"pixelseed": "levelone.simulate.pixelseed"}
"""System -> module with a function ``simulate``; imported when needed, because the tools are an extra."""


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

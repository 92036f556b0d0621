"""Making a system's event file with the generator that it declares."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from levelone.errors import LeveloneError, nearest
from levelone.zoo import find_system
from levelone.zoo.kit.system import Generator


def generator_options(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Options of a system's generator: its defaults, and what was given.

    Raises
    ------
    LeveloneError
        If the generator has no such option.
    """
    generator = find_system(name).generator
    for option in given:
        if option not in generator.options:
            valid = [flag(known) for known in generator.options]
            raise LeveloneError(
                f"the generator of {name} has no option {flag(option)}", hint=nearest(flag(option), valid)
            )
    return {**generator.options, **given}


def flag(option: str) -> str:
    """How an option is spelt on the command line."""
    return "--" + {"energy_gev": "energy", "particles": "particle"}.get(option, option).replace("_", "-")


def simulate_system(
    system: str,
    output: Path,
    events: int,
    seed: int,
    options: Mapping[str, Any],
    progress: Callable[[int], None] | None = None,
) -> Any:
    """Simulate `events` events of `system` into `output`; the simulator's summary (a dataclass).

    Parameters
    ----------
    options
        As `generator_options` returns them.
    progress
        Called with the number of events that are done.

    Raises
    ------
    LeveloneError
        If the system is unknown, a tool that the generator needs is not installed, or the file cannot be
        written.
    """
    generator: Generator = find_system(system).generator
    function = getattr(import_module(generator.module), generator.function)
    return function(output, events=events, seed=seed, progress=_counting(progress), **options)


def _counting(progress: Callable[[int], None] | None) -> Callable[..., None] | None:
    """A listener for both kinds of generators: told (done, events), or how many more are done."""
    if progress is None:
        return None
    done = 0

    def heard(*numbers: int) -> None:
        nonlocal done
        done = numbers[0] if len(numbers) == 2 else done + numbers[0]
        progress(done)

    return heard

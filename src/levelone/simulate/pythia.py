"""Pythia 8, told what to do and with which seed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from levelone.errors import LeveloneError

INSTALL_HINT = "pip install 'levelone[sim]'"
BEAM_ENERGY = "Beams:eCM = 14000."
"""Proton on proton at 14 TeV."""
MAX_SEED = 900_000_000
"""Seeds that Pythia takes are 1 to this."""


def start(process: str, settings: Sequence[str], seed: int) -> Any:
    """A generator of proton collisions, ready for its first one.

    Parameters
    ----------
    process
        What it makes, for the message.
    settings
        Lines as of Pythia's manual.
    seed
        1 to `MAX_SEED`.

    Raises
    ------
    LeveloneError
        If Pythia is missing or cannot be initialised.
    """
    try:
        import pythia8mc
    except ImportError as error:
        raise LeveloneError(
            "simulating needs the package pythia8mc, which is not installed", hint=INSTALL_HINT
        ) from error
    generator = pythia8mc.Pythia("", False)
    always = (BEAM_ENERGY, "Random:setSeed = on", f"Random:seed = {seed}", "Print:quiet = on")
    for line in (*always, *settings):
        if not generator.readString(line):
            raise LeveloneError(f"Pythia does not know the setting '{line}'")
    if not generator.init():
        raise LeveloneError(f"Pythia could not be initialised for the process '{process}'")
    return generator


def seeds(entropy: Sequence[int], count: int) -> list[int]:
    """So many seeds for Pythia, a function of `entropy`."""
    state = np.random.SeedSequence(list(entropy)).generate_state(count)
    return [int(seed) for seed in state % MAX_SEED + 1]

"""Where the programs are that a design is simulated, synthesised and placed with."""

from __future__ import annotations

import os
from pathlib import Path

from levelone.errors import LeveloneError

INSTALL = "pip install 'levelone[rtl]'"
"""What brings all of them."""


def named_by(variable: str) -> str | None:
    """The program that an environment variable names; None if it is not set.

    Raises
    ------
    LeveloneError
        If there is no such file.
    """
    own = os.environ.get(variable)
    if own and not Path(own).is_file():
        raise LeveloneError(f"{variable} names {own}, which does not exist")
    return own or None

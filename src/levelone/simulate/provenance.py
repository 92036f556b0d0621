"""What an event file says of its own making."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from levelone import __version__
from levelone.errors import LeveloneError
from levelone.recipe import GenerateSection, literal

_VERSION = "generator_version"


def provenance(system: str, options: GenerateSection, *packages: str) -> dict[str, Any]:
    """Facts for a file's header, JSON: the command, everything the generator was told, versions.

    `check_current` reads them again.

    Parameters
    ----------
    packages
        Distributions whose version the events may depend on.
    """
    told = options.model_dump(mode="json")
    return {
        "system": system,
        "command": _command(system, told),
        **told,
        _VERSION: options.version,
        "levelone": __version__,
        **{package: version(package) for package in packages},
    }


def check_current(path: Path, found: Mapping[str, Any], section: type[GenerateSection]) -> None:
    """Refuse events of an older version of their generator.

    Parameters
    ----------
    path
        The file.
    found
        Its provenance; what no generator of ours made (it names no system) is left alone.
    section
        What the generator of today is told.

    Raises
    ------
    LeveloneError
        If the events are older.
    """
    made_by = found.get(_VERSION, 1)  # files from before there were versions say none
    if "system" in found and made_by < section.version:
        raise LeveloneError(
            f"{path}: made by version {made_by} of the generator, which is {section.version} today: such "
            "events can be read, but what is trained or measured on them is not published",
            hint=f"make them again and train on those: {found.get('command', 'levelone simulate')}",
        )


def _command(system: str, told: dict[str, Any]) -> str:
    words = ["levelone", "simulate", system]
    for key, value in told.items():
        if key in ("events", "seed"):
            words += [f"--{key}", str(value)]
        else:
            words += ["--set", f"generate.{key}={literal(value)}"]
    return f"{shlex.join(words)} -o FILE.h5"

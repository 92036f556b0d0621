"""What an event file says of its own making."""

from __future__ import annotations

import shlex
from importlib.metadata import version
from typing import Any

from levelone import __version__
from levelone.recipe import GenerateSection, literal


def provenance(system: str, options: GenerateSection, *packages: str) -> dict[str, Any]:
    """Facts for a file's header, JSON: the command, everything the generator was told, versions.

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
        "levelone": __version__,
        **{package: version(package) for package in packages},
    }


def _command(system: str, told: dict[str, Any]) -> str:
    words = ["levelone", "simulate", system]
    for key, value in told.items():
        if key in ("events", "seed"):
            words += [f"--{key}", str(value)]
        else:
            words += ["--set", f"generate.{key}={literal(value)}"]
    return f"{shlex.join(words)} -o FILE.h5"

"""Options that several verbs share, so that they are spelled and explained the same way."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

Ports = Annotated[
    list[str] | None,
    typer.Option(
        "--port",
        metavar="NAME=TYPE",
        help="Type of an input that no quantiser follows: int8, uint8, bipolar, fixed<16,6>, ufixed<8,0>.",
        show_default=False,
    ),
]
AsJson = Annotated[
    bool, typer.Option("--json", help="Print exactly one JSON object on standard output, nothing else.")
]
SystemName = Annotated[
    str,
    typer.Argument(
        help="A system, as `levelone list` shows it, e.g. pixelseed; or package.module:SYSTEM, also found in "
        "the current folder."
    ),
]
RecipeFile = Annotated[
    Path | None, typer.Option("--recipe", help="TOML recipe; default: the system's own.", show_default=False)
]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change one recipe key, e.g. train.batch_size=512."),
]
Events = Annotated[
    int | None,
    typer.Option(min=1, help="Make so many events: --set generate.events=N.", show_default=False),
]
Seed = Annotated[
    int | None,
    typer.Option(min=0, help="Seed of the events: --set generate.seed=N.", show_default=False),
]
DataFile = Annotated[
    Path | None,
    typer.Option("--data", help="HDF5 file with events; else the recipe's.", show_default=False),
]
RunFolder = Annotated[
    Path | None, typer.Option("--out", help="Run folder; default: runs/SYSTEM.", show_default=False)
]


class Io(StrEnum):
    """How data move through the firmware."""

    parallel = "parallel"
    stream = "stream"


class Strategy(StrEnum):
    """hls4ml's strategies."""

    latency = "latency"
    resource = "resource"


def with_shorthands(overrides: list[str] | None, events: int | None, seed: int | None) -> list[str]:
    """``--set`` options, joined by what ``--events`` and ``--seed`` stand for."""
    short = {"events": events, "seed": seed}
    return [*(overrides or ()), *(f"generate.{key}={n}" for key, n in short.items() if n is not None)]

"""`levelone simulate`."""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from levelone.cli.console import one_json_object
from levelone.cli.options import AsJson, SystemName


class Geometry(StrEnum):
    """Pixel sizes."""

    cms = "cms"
    generic = "generic"


def add_to(app: typer.Typer) -> None:
    """Register the verbs of this module."""
    app.command()(simulate)


def simulate(
    system: SystemName,
    events: Annotated[int, typer.Option(min=1, help="Collisions to simulate.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="HDF5 file to write.")],
    pileup: Annotated[float, typer.Option(min=0, help="Mean number of pile-up interactions.")] = 50,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same file.")] = 1,
    geometry: Annotated[
        Geometry, typer.Option(help="cms: 100x150 um, 285 um thick; generic: 50x50 um.")
    ] = Geometry.cms,
    as_json: AsJson = False,
) -> None:
    """Simulate collisions (Pythia 8, ACTS) and write labelled candidates; needs the extra 'sim'.

    Example: levelone simulate pixelseed --events 200 --pileup 50 --seed 1 -o events.h5
    """
    from levelone.cli.progress import bar
    from levelone.pipeline.simulation import simulate_system

    with one_json_object(as_json) as emit:
        with bar("events", events) as advance:
            summary = simulate_system(system, output, events, pileup, seed, geometry.value, advance)
        emit({"file": str(output), **asdict(summary)})
    if not as_json:
        typer.echo(f"{output}")
        for name, value in asdict(summary).items():
            typer.echo(
                f"  {name.replace('_', ' ')}: {value:,.4g}"
                if isinstance(value, float)
                else f"  {name}: {value}"
            )

"""`levelone simulate`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from levelone.cli.console import one_json_object
from levelone.cli.generation import (
    Energy,
    EnergySpectrum,
    Particle,
    Pileup,
    PixelSize,
    Seed,
    SignalFraction,
    given_options,
)
from levelone.cli.options import AsJson, SystemName


def add_to(app: typer.Typer) -> None:
    """Register the verbs of this module."""
    app.command()(simulate)


def simulate(
    system: SystemName,
    events: Annotated[int, typer.Option(min=1, help="Events to simulate.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="HDF5 file to write.")],
    seed: Seed = 1,
    pileup: Pileup = None,
    geometry: PixelSize = None,
    energy: Energy = None,
    spectrum: EnergySpectrum = None,
    particle: Particle = None,
    signal_fraction: SignalFraction = None,
    as_json: AsJson = False,
) -> None:
    """Simulate events of a system; pixelseed (Pythia 8, ACTS) needs the extra 'sim'.

    Example: levelone simulate pixelseed --events 200 --pileup 50 --seed 1 -o events.h5

    Example: levelone simulate muon --events 10000 --energy 100 8000 --spectrum log -o muons.h5
    """
    from levelone.cli.progress import bar
    from levelone.pipeline.simulation import generator_options, simulate_system

    with one_json_object(as_json) as emit:
        given = given_options(pileup, geometry, energy, spectrum, particle, signal_fraction)
        options = generator_options(system, given)
        with bar("events", events) as advance:
            summary = asdict(simulate_system(system, output, events, seed, options, advance))
        emit({"file": str(output), **summary})
    if not as_json:
        typer.echo(f"{output}")
        for name, value in summary.items():
            typer.echo(f"  {name.replace('_', ' ') if isinstance(value, float) else name}: {_shown(value)}")


def _shown(value: Any) -> str:
    if isinstance(value, Mapping) and all(isinstance(entry, float) for entry in value.values()):
        return ", ".join(f"{name} {entry:,.4g}" for name, entry in value.items())
    return f"{value:,.4g}" if isinstance(value, float) else str(value)

"""`levelone simulate`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from levelone.cli.console import one_json_object
from levelone.cli.moved import MovedOptions
from levelone.cli.options import AsJson, Events, Overrides, RecipeFile, Seed, SystemName, with_shorthands


def add_to(app: typer.Typer) -> None:
    """Register the verbs of this module."""
    app.command(cls=MovedOptions)(simulate)


def simulate(
    system: SystemName,
    output: Annotated[Path, typer.Option("-o", "--output", help="HDF5 file to write.")],
    events: Events = None,
    seed: Seed = None,
    recipe: RecipeFile = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Make events of a system; pixelseed (Pythia 8, ACTS) needs the extra 'sim', Geant4 'geant4'.

    What else its generator can be told is the section generate of its recipe: docs/recipe.md.

    Example: levelone simulate pixelseed --events 200 --set generate.pileup=50 --seed 1 -o events.h5

    Example: levelone simulate muon --set "generate.energy_gev=[100, 1000]" -o muons.h5
    """
    from levelone.cli.progress import bar
    from levelone.pipeline.job import plan_events

    with one_json_object(as_json) as emit:
        told = with_shorthands(overrides, events, seed)
        known, options = plan_events(system, recipe=recipe, overrides=told)
        with bar("events", options.events) as advance:
            summary = asdict(known.generator.make(output, options, lambda done, _: advance(done)))
        emit({"file": str(output), **summary})
    if not as_json:
        typer.echo(f"{output}")
        for name, value in summary.items():
            typer.echo(f"  {name.replace('_', ' ') if isinstance(value, float) else name}: {_shown(value)}")


def _shown(value: Any) -> str:
    if isinstance(value, Mapping) and all(isinstance(entry, float) for entry in value.values()):
        return ", ".join(f"{name} {entry:,.4g}" for name, entry in value.items())
    return f"{value:,.4g}" if isinstance(value, float) else str(value)

"""`levelone train`, `levelone export` and `levelone emulate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from levelone.cli.console import one_json_object
from levelone.cli.moved import MovedOptions
from levelone.cli.options import (
    AsJson,
    DataFile,
    Events,
    Overrides,
    Ports,
    RecipeFile,
    RunFolder,
    Seed,
    SystemName,
    with_shorthands,
)


def add_to(app: typer.Typer) -> None:
    """Register the verbs of this module."""
    app.command(cls=MovedOptions)(train)
    app.command()(export)
    app.command()(emulate)


def train(
    system: SystemName,
    recipe: RecipeFile = None,
    overrides: Overrides = None,
    data: DataFile = None,
    out: RunFolder = None,
    events: Events = None,
    seed: Seed = None,
    force: Annotated[bool, typer.Option("--force", help="Train again even if nothing changed.")] = False,
    as_json: AsJson = False,
) -> None:
    """Train the float twin and the quantised model, and measure both; continues after an interruption.

    Example: levelone train pixelseed --data events.h5 --set train.float_epochs=5 --out runs/short
    """
    from levelone.cli.run import perform, show_results
    from levelone.pipeline.job import plan
    from levelone.pipeline.stages import training_stages

    with one_json_object(as_json) as emit:
        told = with_shorthands(overrides, events, seed)
        job = plan(system, recipe=recipe, overrides=told, data=data, folder=out)
        results = perform(job, training_stages(job), force=force)
        emit(results.to_dict())
    if not as_json:
        show_results(results)


def export(
    run: Annotated[Path, typer.Argument(help="A run folder with a trained model.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="QONNX file to write.")],
    as_json: AsJson = False,
) -> None:
    """Write the trained quantised model of a run as QONNX.

    Beside model.onnx come model.module.pt, model.recipe.toml and model.vectors.h5: with them, convert and
    csim can compare with the trained module too. Without them model.onnx is complete all the same.

    Example: levelone export runs/pixelseed -o model.onnx
    """
    from levelone.pipeline.job import open_run
    from levelone.pipeline.modules import export_model

    with one_json_object(as_json) as emit:
        result = export_model(open_run(run), output)
        emit(result)
    if not as_json:
        typer.echo(f"{result['file']}  sha256 {result['sha256']}")
        for path in result["companions"]:
            typer.echo(path)


def emulate(
    model: Annotated[Path, typer.Argument(help="A QONNX file, a project folder or a run folder.")],
    inputs: Annotated[
        list[str],
        typer.Option(
            "--input",
            metavar="[NAME=]FILE",
            help="Inputs as .npy (with NAME= if the model has several), or one .npz or .h5 with all.",
        ),
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="The outputs: .npy; .npz or .h5 if there are several.")
    ],
    codes: Annotated[
        bool, typer.Option("--codes", help="Write integer codes instead of real numbers.")
    ] = False,
    every: Annotated[
        bool, typer.Option("--all", help="Write every layer, not only the outputs (.npz or .h5).")
    ] = False,
    port: Ports = None,
    as_json: AsJson = False,
) -> None:
    """Compute what the firmware computes, exactly and fast, without a compiler.

    Example: levelone emulate model.onnx --input images=x.npy --input features=f.npy -o y.npy
    """
    from levelone import api
    from levelone.cli.progress import bar
    from levelone.pipeline.emulation import emulate_files
    from levelone.pipeline.ports import parse_ports

    with one_json_object(as_json) as emit:
        graph = api.read(model, ports=parse_ports(port or ())).graph
        result = emulate_files(
            graph, inputs, output, codes=codes, every=every, watch=lambda events: bar("events", events)
        )
        emit(result)
    for line in result["warnings"]:
        typer.echo(f"warning: {line}", err=True)
    if not as_json:
        for name, shape in result["outputs"].items():
            typer.echo(f"{output}: {name} {shape}")
        for line in result["notes"] + result["left_off"]:
            typer.echo(f"note: {line}")

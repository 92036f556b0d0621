"""`levelone convert` and `levelone csim`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from levelone.cli.console import one_json_object
from levelone.cli.options import AsJson, Io, Ports, Strategy


def add_to(app: typer.Typer) -> None:
    """Register the verbs of this module."""
    app.command()(convert)
    app.command()(csim)


def convert(
    model: Annotated[Path, typer.Argument(help="A QONNX file, from levelone or from anyone else.")],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="PROJECT", help="Folder to write.")],
    io: Annotated[
        Io | None,
        typer.Option(help="The whole event at once, or one pixel per beat.", show_default="parallel"),
    ] = None,
    part: Annotated[str | None, typer.Option(help="FPGA part.", show_default="xcvu13p-flga2577-2-e")] = None,
    clock: Annotated[
        float | None, typer.Option(min=0.001, help="Clock period in ns.", show_default="2.78")
    ] = None,
    reuse: Annotated[
        int | None, typer.Option(min=1, help="Multiplications per multiplier.", show_default="1")
    ] = None,
    strategy: Annotated[
        Strategy | None,
        typer.Option(help="Unrolled for latency, or with few multipliers.", show_default="latency"),
    ] = None,
    partition: Annotated[
        int | None,
        typer.Option(
            min=0, help="Output positions that a window computes at once; 0: all of them.", show_default="0"
        ),
    ] = None,
    reuse_layer: Annotated[
        list[str] | None,
        typer.Option(
            "--reuse-layer", metavar="NAME=N", help="Reuse factor of one layer.", show_default=False
        ),
    ] = None,
    strategy_layer: Annotated[
        list[str] | None,
        typer.Option(
            "--strategy-layer", metavar="NAME=STRATEGY", help="Strategy of one layer.", show_default=False
        ),
    ] = None,
    tight: Annotated[
        bool | None,
        typer.Option(
            "--tight/--any-weights",
            help="Registers that sum for these weights, or for any of their width; results keep their types.",
            show_default="tight",
        ),
    ] = None,
    port: Ports = None,
    body: Annotated[
        str,
        typer.Option(help="What is generated: hls, rtl, another registered body, or package.module:NAME."),
    ] = "hls",
    as_json: AsJson = False,
) -> None:
    """Generate a project of a QONNX file: hls4ml's (Vitis backend) by default, with a type for every value.

    Example: levelone convert model.onnx -o project --io stream --clock 3.125
    """
    from levelone import api
    from levelone.pipeline.choices import parse_choices
    from levelone.pipeline.ports import parse_ports

    with one_json_object(as_json) as emit:
        project = api.read(model, ports=parse_ports(port or ())).convert(
            output,
            body=body,
            io=None if io is None else io.value,
            part=part,
            clock_ns=clock,
            reuse_factor=reuse,
            strategy=None if strategy is None else strategy.value,
            partition_factor=partition,
            tight=tight,
            layers=parse_choices(reuse_layer or (), strategy_layer or ()),
        )
        emit({"project": str(output), **project.to_dict()})
    if not as_json:
        typer.echo(str(project))


def csim(
    project: Annotated[
        list[Path],
        typer.Argument(help="A project folder; several, of different bodies, if made from one model."),
    ],
    data: Annotated[
        Path | None, typer.Option("--data", help="HDF5 file: use its test events.", show_default=False)
    ] = None,
    vectors: Annotated[
        int | None,
        typer.Option(
            "--vectors", min=1, help="Use so many random vectors; also with --data.", show_default=False
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the random vectors.")] = 1,
    events: Annotated[int, typer.Option(min=1, help="With --data: events at most.")] = 10_000,
    as_json: AsJson = False,
) -> None:
    """Build the project, run it, compare the integers at every layer and output; exit code 0 only if exact.

    Without --data and --vectors: the golden vectors in the project, then 1000 random ones (fewer of large
    networks, but 100 at least if the project is of a body that is not proven by reading it).

    Example: levelone csim project --data events.h5
    """
    from levelone import api
    from levelone.pipeline.verdicts import NOTHING_COMPARED

    with one_json_object(as_json, on_error=NOTHING_COMPARED) as emit:
        first, *beside = map(api.open, project)
        verdict = first.csim(*beside, data=data, vectors=vectors, seed=seed, events=events)
        emit(verdict.to_dict())
    if not as_json:
        typer.echo(str(verdict))
    raise typer.Exit(verdict.exit_code)

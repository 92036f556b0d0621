"""`levelone convert` and `levelone csim`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from levelone.cli.console import one_json_object
from levelone.cli.options import AsJson, Io, Ports, Strategy
from levelone.report.words import float_in_words, proof_in_words, proofs_in_words, ties_in_words


def add_to(app: typer.Typer) -> None:
    """Register the verbs of this module."""
    app.command()(convert)
    app.command()(csim)


def convert(
    model: Annotated[Path, typer.Argument(help="A QONNX file, from levelone or from anyone else.")],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="PROJECT", help="Folder to write.")],
    io: Annotated[Io, typer.Option(help="The whole event at once, or one pixel per beat.")] = Io.parallel,
    part: Annotated[str, typer.Option(help="FPGA part.")] = "xcvu13p-flga2577-2-e",
    clock: Annotated[float, typer.Option(min=0.001, help="Clock period in ns.")] = 2.78,
    reuse: Annotated[int, typer.Option(min=1, help="Multiplications per multiplier.")] = 1,
    strategy: Annotated[
        Strategy, typer.Option(help="Unrolled for latency, or with few multipliers.")
    ] = Strategy.latency,
    partition: Annotated[
        int, typer.Option(min=0, help="Output positions that a window computes at once; 0: all of them.")
    ] = 0,
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
        bool,
        typer.Option(
            "--tight/--any-weights",
            help="Registers that sum for these weights, or for any of their width; results keep their types.",
        ),
    ] = True,
    port: Ports = None,
    as_json: AsJson = False,
) -> None:
    """Generate the hls4ml project (Vitis backend) of a QONNX file, with a type for every value.

    Example: levelone convert model.onnx -o project --io stream --clock 3.125
    """
    from levelone.hls import HlsConfig
    from levelone.pipeline.checks import convert_file
    from levelone.pipeline.layers import parse_choices
    from levelone.pipeline.ports import with_ports

    with one_json_object(as_json) as emit, with_ports(model, port or ()) as model:
        layers = parse_choices(reuse_layer or (), strategy_layer or ())
        config = HlsConfig(
            io=io.value,
            part=part,
            clock_ns=clock,
            reuse_factor=reuse,
            strategy=strategy.value,
            partition_factor=partition,
            tight=tight,
            layers=layers,
        )
        manifest = convert_file(model, output, config)
        values = [*manifest.data["inputs"], *manifest.data["layers"]]
        emit({"project": str(output), **manifest.data})
    if not as_json:
        from rich.console import Console
        from rich.table import Table

        table = Table("value", "operation", "shape", "bits", "range", "proof", box=None)
        for layer in values:
            shape = " x ".join(str(n) for n in layer["shape"])
            bits = f"{layer['width']} {'signed' if layer['signed'] else 'unsigned'}"
            table.add_row(
                layer["name"],
                layer.get("op", "input"),
                shape,
                bits,
                f"{layer['lo']} ... {layer['hi']}",
                proof_in_words(layer.get("proof")),
            )
        # A wrapped line is easier to read than a wrapped cell.
        Console(soft_wrap=True, width=max(Console().width, 130)).print(table)
        for left in manifest.data["left_off"]:
            typer.echo(left)
        typer.echo(str(output))


def csim(
    project: Annotated[Path, typer.Argument(help="A project folder that levelone convert wrote.")],
    data: Annotated[
        Path | None, typer.Option("--data", help="HDF5 file: use its test candidates.", show_default=False)
    ] = None,
    vectors: Annotated[
        int | None, typer.Option("--vectors", min=1, help="Use this many random vectors.", show_default=False)
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the random vectors.")] = 1,
    events: Annotated[int, typer.Option(min=1, help="With --data: candidates at most.")] = 10_000,
    as_json: AsJson = False,
) -> None:
    """Compile the project with g++, run it, compare the integers at every layer; exit code 0 only if exact.

    Without --data and --vectors: the golden vectors in the project, then 1000 random ones.

    Example: levelone csim project --data events.h5
    """
    from levelone.pipeline.checks import NOTHING_COMPARED, check_folder

    with one_json_object(as_json, on_error=NOTHING_COMPARED) as emit:
        result = check_folder(project, data=data, vectors=vectors, seed=seed, events=events)
        emit(result)
    if not as_json:
        from rich.console import Console
        from rich.table import Table

        console = Console(highlight=False, soft_wrap=True)
        table = Table("layer", "codes compared", "different", "largest LSB", box=None)
        for layer in result["layers"]:
            table.add_row(
                layer["name"], f"{layer['compared']:,}", f"{layer['mismatches']:,}", str(layer["max_lsb"])
            )
        console.print(table)
        for note in result["notes"]:
            console.print(f"note: {note}", markup=False)
        if result["first_mismatch"] is not None:
            found = ", ".join(f"{key} {value}" for key, value in result["first_mismatch"].items())
            console.print(f"first mismatch: {found}", markup=False)
            if result["first_mismatch"]["in"] == "C simulation":
                console.print(
                    f"where it arises and why: levelone diff {shlex.quote(str(project))}", markup=False
                )
        for told in result["sets"]:
            if (told["float_ties"] or {"count": 0})["count"]:
                line = ties_in_words(told["float_ties"], "the trained module")
                console.print(f"{told['name']}: {line}", markup=False)
        if result["float32"] is not None:
            console.print(float_in_words(result["float32"]), markup=False)
        for line in proofs_in_words({"proof": proof} for proof in result["proofs"]):
            console.print(f"proven: {line}", markup=False)
        if result["proofs_void"]:
            edited = ", ".join(result["proofs_void"])
            console.print(f"nothing is proven: the proofs of convert do not hold for edited files ({edited})")
        colour = "green" if result["verdict"] == "exact" else "red"
        reason = f": {result['reason']}" if result["reason"] else ""
        console.print(f"[bold {colour}]{result['verdict']}[/]{reason}, {result['vectors']:,} vectors")
    raise typer.Exit({"exact": 0, "mismatch": 1}.get(result["verdict"], 2))

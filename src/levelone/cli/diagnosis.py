"""`levelone inspect` and `levelone diff`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from levelone.cli.console import one_json_object
from levelone.cli.options import AsJson, Ports


def add_to(app: typer.Typer) -> None:
    """Register the verbs of this module."""
    app.command()(inspect)
    app.command("diff")(diff)


def inspect(
    model: Annotated[Path, typer.Argument(help="A QONNX file, a project folder or a run folder.")],
    port: Ports = None,
    as_json: AsJson = False,
) -> None:
    """Show every layer: shape, width, exact range, multiplications, bit operations, weights and their memory.

    "saved" is what knowing the weights saves against an accumulator chosen from widths alone.

    Example: levelone inspect model.onnx
    """
    from levelone.graph import read_qonnx, totals
    from levelone.hls.cost import hardware_table
    from levelone.pipeline.emulation import model_file
    from levelone.pipeline.ports import with_ports

    with one_json_object(as_json) as emit, with_ports(path := model_file(model), port or ()) as declared:
        graph = read_qonnx(declared)
        table = hardware_table(graph)
        ports = [
            {
                "name": port.value.name,
                "source": port.source,
                "shape": port.value.shape,
                "width": port.value.width,
                "signed": port.value.signed,
                "scale": str(port.quantiser.scale),
            }
            for port in graph.inputs
        ]
        result: dict[str, Any] = {
            "model": str(path),
            "inputs": ports,
            "outputs": list(graph.outputs),
            "layers": [layer.to_dict() for layer in table],
            "totals": totals(table) | {"saved_bits": sum(layer.saved_bits for layer in table)},
            "left_off": [str(name) for name in graph.left_off],
        }
        emit(result)
    if not as_json:
        _show(result)


def diff(
    project: Annotated[Path, typer.Argument(help="A project folder that levelone convert wrote.")],
    vectors: Annotated[
        str | None,
        typer.Option(
            "--vectors", metavar="FILE|N", help="An HDF5 file of vectors, or a number.", show_default=False
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the random vectors.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Show where the C simulation first differs from the reference, from which operands, and why.

    Without --vectors: those that levelone csim takes, the golden ones in the project and 1000 random ones.
    Exit code 0 if nothing differs, 1 if something does.

    Example: levelone diff project
    """
    from levelone.pipeline.checks import NOTHING_COMPARED
    from levelone.pipeline.diagnosis import diff_folder
    from levelone.verify.story import tell

    nothing = {key: NOTHING_COMPARED[key] for key in ("verdict", "vectors", "layers")} | {"first": None}
    with one_json_object(as_json, on_error=nothing) as emit:
        result = diff_folder(project, vectors=vectors, seed=seed)
        emit(result)
    if not as_json:
        typer.echo("\n".join(tell(result)))
    raise typer.Exit({"exact": 0, "mismatch": 1}.get(result["verdict"], 2))


def _show(result: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    columns = (
        "layer",
        "operation",
        "shape",
        "bits",
        "range",
        "saved",
        "products",
        "bit operations",
        "weight memory",
    )
    table = Table(*columns, box=None)
    for port in result["inputs"]:
        table.add_row(port["name"], "input", _shape(port), _bits(port))
    for layer in result["layers"]:
        numbers = [layer["saved_bits"], layer["macs"], layer["ebops"]]
        memory = f"{layer['weights']:,} x {layer['weight_width']} bit" if layer["weights"] else ""
        table.add_row(
            layer["name"],
            layer["op"],
            _shape(layer),
            _bits(layer),
            f"{layer['lo']} ... {layer['hi']}",
            *(f"{number:,}" if number else "" for number in numbers),
            memory,
        )
    # A cut number is worse than a long line.
    console = Console(highlight=False, soft_wrap=True, width=max(Console().width, 130))
    console.print(table)
    sums = result["totals"]
    console.print(
        f"{sums['macs']:,} multiply-accumulates, {sums['ebops']:,} bit operations per event; "
        f"{sums['weights']:,} weights, {sums['weight_bits']:,} bits of weight memory; "
        f"{sums['saved_bits']} accumulator bits saved by the range analysis"
    )
    for line in result["left_off"]:
        console.print(line, markup=False)


def _shape(entry: dict[str, Any]) -> str:
    return " x ".join(str(n) for n in entry["shape"])


def _bits(entry: dict[str, Any]) -> str:
    return f"{entry['width']} {'signed' if entry['signed'] else 'unsigned'}"

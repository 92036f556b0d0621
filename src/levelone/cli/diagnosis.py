"""`levelone inspect` and `levelone diff`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

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
    latency: Annotated[
        bool, typer.Option("--latency", help="Estimate the clocks of an hls4ml project instead.")
    ] = False,
    rtl: Annotated[
        bool, typer.Option("--rtl", help="Plan streamed RTL of a QONNX file instead, at its defaults.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show every layer: shape, width, exact range, multiplications, bit operations, weights and their memory.

    "saved" is what knowing the weights saves against an accumulator chosen from widths alone.

    With --latency: iterations of every layer's loops, and the clocks that follow: always an estimate.
    With --rtl: clocks per event, latency, multipliers and memory, as levelone rtl --plan.

    Example: levelone inspect model.onnx
    """
    if rtl:
        _inspect_rtl(model, latency or bool(port), as_json)
        return
    from levelone import api
    from levelone.api.documents import Document
    from levelone.api.latency import Latency
    from levelone.pipeline.latency import project_latency
    from levelone.pipeline.ports import parse_ports

    with one_json_object(as_json) as emit:
        found: Document = (
            Latency(project_latency(model))
            if latency
            else api.read(model, ports=parse_ports(port or ())).inspect()
        )
        emit(found.to_dict())
    if not as_json:
        typer.echo(str(found))


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

    Without --vectors: those that levelone csim takes, the golden ones in the project and random ones.
    Exit code 0 if nothing differs, 1 if something does, 3 if nothing differs but not all is proven.

    Example: levelone diff project
    """
    from levelone import api
    from levelone.pipeline.verdicts import NOTHING_COMPARED

    nothing = {key: NOTHING_COMPARED[key] for key in ("verdict", "vectors", "layers")} | {"first": None}
    with one_json_object(as_json, on_error=nothing) as emit:
        result = api.open(project).diff(vectors=vectors, seed=seed)
        emit(result.to_dict())
    if not as_json:
        typer.echo(str(result))
    raise typer.Exit(result.exit_code)


def _inspect_rtl(model: Path, more: bool, as_json: bool) -> None:
    from levelone.cli.planned import show_plan
    from levelone.errors import LeveloneError
    from levelone.pipeline.choices import choices_for
    from levelone.pipeline.cosim import plan_rows

    with one_json_object(as_json) as emit:
        if more:
            raise LeveloneError("--rtl plans a QONNX file as it is", hint="leave --latency and --port away")
        planned = plan_rows(model, choices_for("rtl", "levelone inspect", {}))
        emit(planned)
    if not as_json:
        show_plan(planned)

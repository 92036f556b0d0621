"""`levelone rtl`, `cosim` and `synth`: a design of one's own, simulated clock by clock, area and clock."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from levelone.cli.console import one_json_object
from levelone.cli.optional_values import takes_values_or_not
from levelone.cli.options import AsJson
from levelone.cli.planned import show_plan

ROUGH = 0.3
"""Probability of a gap, and of a stall, where none is given."""


def add_to(app: typer.Typer) -> None:
    """Register the verbs of this module."""
    app.command()(rtl)
    app.command(cls=takes_values_or_not({"--gaps": ROUGH, "--stalls": ROUGH}))(cosim)
    app.command()(synth)


def rtl(
    model: Annotated[Path, typer.Argument(help="A QONNX file, from levelone or from anyone else.")],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="PROJECT", help="Folder to write.", show_default=False),
    ] = None,
    pixels_per_clock: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Pixels that enter in a clock: a divisor of a row of the longest input; default: one.",
            show_default=False,
        ),
    ] = None,
    style: Annotated[
        str | None,
        typer.Option(help="stream, or unrolled: an event per clock.", show_default="stream"),
    ] = None,
    max_levels: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Unrolled: look-up tables in series; default: as many as the clock period holds.",
            show_default=False,
        ),
    ] = None,
    clocks_per_event: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Clocks that an event may take, and pixels per clock with it; default: one for each beat of "
            "the longest input.",
            show_default=False,
        ),
    ] = None,
    clock: Annotated[
        float | None,
        typer.Option("--clock-ns", min=0.001, help="Clock period in ns.", show_default="5.0"),
    ] = None,
    part: Annotated[str | None, typer.Option(help="FPGA part.", show_default="xcvu13p-flga2577-2-e")] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Only say what it would be; write nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write SystemVerilog of a QONNX file, streamed or unrolled, with a test bench; needs no vendor tool.

    Example: levelone rtl model.onnx -o rtl_project --clock-ns 5
    """
    from levelone.errors import LeveloneError
    from levelone.pipeline.choices import choices_for
    from levelone.pipeline.converting import convert_with
    from levelone.pipeline.cosim import plan_rows

    with one_json_object(as_json) as emit:
        given = {
            "style": style,
            "max_levels": max_levels,
            "pixels_per_clock": pixels_per_clock,
            "clocks_per_event": clocks_per_event,
            "clock_ns": clock,
            "part": part,
        }
        choices = choices_for("rtl", "levelone rtl", given)
        if output is None and not plan:
            raise LeveloneError("no folder to write", hint="give one with -o PROJECT, or ask for --plan only")
        planned = plan_rows(model, choices)
        if not plan and output is not None:
            convert_with("rtl", model, output, choices)
        emit(planned | {"project": None if plan else str(output)})
    if not as_json:
        show_plan(planned)
        if not plan:
            typer.echo(str(output))


def cosim(
    project: Annotated[Path, typer.Argument(help="A folder written by `levelone rtl`.")],
    data: Annotated[
        Path | None, typer.Option("--data", help="HDF5 file: use its test events.", show_default=False)
    ] = None,
    vectors: Annotated[
        int | None,
        typer.Option(
            "--vectors", min=1, help="Use so many random vectors; also with --data.", show_default=False
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of vectors, gaps, stalls and resets.")] = 1,
    events: Annotated[int, typer.Option(min=1, help="With --data: events at most.")] = 10_000,
    gaps: Annotated[
        float,
        typer.Option(
            min=0,
            max=0.99,
            help=f"Probability that an input has no beat in a clock; {ROUGH} without a number.",
        ),
    ] = ROUGH,
    stalls: Annotated[
        float,
        typer.Option(
            min=0,
            max=0.99,
            help=f"Probability that an output is not taken in a clock; {ROUGH} without a number.",
        ),
    ] = ROUGH,
    as_json: AsJson = False,
) -> None:
    """Simulate the RTL with Verilator: integers of every layer and output, latency, clocks per event.

    Outputs are compared a second time with gaps, stalls and resets in mid-event. Exit code 0 only if exact.

    Example: levelone cosim rtl_project --vectors 1000
    """
    from levelone.api import Verdict
    from levelone.pipeline.cosim import cosim_folder
    from levelone.pipeline.verdicts import NOTHING_COMPARED

    with one_json_object(as_json, on_error=NOTHING_COMPARED) as emit:
        result = cosim_folder(
            project, data=data, vectors=vectors, seed=seed, events=events, gaps=gaps, stalls=stalls
        )
        emit(result)
    verdict = Verdict(result)
    if not as_json:
        typer.echo(str(verdict))
        _show_timing(result)
    raise typer.Exit(verdict.exit_code)


def synth(
    project: Annotated[
        Path, typer.Argument(help="A folder written by `levelone rtl` or `levelone convert`.")
    ],
    family: Annotated[
        str | None,
        typer.Option(help="xcup (UltraScale+), xc7 (7 series) or ecp5.", show_default="xcup"),
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="ecp5: placements to try; the best is shown, and what all reached.",
            show_default="1",
        ),
    ] = None,
    minutes: Annotated[
        float | None,
        typer.Option(
            min=0.01,
            help="ecp5: processor time that a placement may take; one that takes more is stopped and named, "
            "and the others count.",
            show_default="15.0",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Area in total and for every layer, and how fast the clock may be: estimated, or routed.

    Yosys synthesises. For ecp5, nextpnr places and routes; for the others, the clock is estimated from levels
    of logic. With Vivado on PATH, its own numbers are shown instead, out of context.

    An hls4ml project is synthesised by Vitis HLS, which has to be on PATH. The result is kept in the project
    as synthesis.json.

    Example: levelone synth rtl_project --family ecp5
    """
    from levelone.pipeline.synthesis import synth_folder

    with one_json_object(as_json) as emit:
        found = synth_folder(project, family, seeds, minutes)
        emit(found)
    if not as_json:
        (_show_vitis if found["body"] == "hls" else _show_synthesis)(found)


def _show_synthesis(found: Mapping[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    columns, planned = list(found["total"]), found["planned_lut"]
    titles = [*(name.replace("_", " ") for name in columns), *(["planned lut"] if planned else [])]
    table = Table("layer", *titles, box=None)
    for column in table.columns[1:]:
        column.justify = "right"
    for name, area in [*found["layers"].items(), ("total", found["total"])]:
        row = [f"{area[key]:,}" for key in columns]
        if planned:
            row.append(f"{sum(planned.values()) if name == 'total' else planned.get(name, 0):,}")
        table.add_row(name, *row)
    Console(soft_wrap=True, highlight=False).print(table)
    typer.echo(f"cells for {found['family']}: {found['kind']} by {found['tool']}")
    if found["estimates"]:
        _show_estimates(found)
    timing = found["timing"]
    if timing is None:
        typer.echo(f"clock: {found['untimed']}")
        return
    levels = "" if timing["levels"] is None else f", at most {timing['levels']} levels of logic"
    typer.echo(f"clock: {timing['fmax_mhz']:.0f} MHz{levels}: {timing['kind']} by {timing['tool']}")
    typer.echo(f"  {timing['basis']}")
    if timing["start"]:
        typer.echo(f"  longest path: from {timing['start']} to {timing['end']}")
    if found["used"]:
        typer.echo("  sites: " + ", ".join(f"{count:,} {kind}" for kind, count in found["used"].items()))


def _show_estimates(found: Mapping[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(
        "look-up tables", "planned", "by alkaid", found["kind"], "ratio", "ratio by alkaid", box=None
    )
    for column in table.columns[1:]:
        column.justify = "right"
    for one in found["estimates"]:
        ratios = ("" if one[key] is None else f"{one[key]:.2f}" for key in ("planned_ratio", "alkaid_ratio"))
        numbers = (f"{one[key]:,}" for key in ("planned", "by_alkaid", "counted"))
        table.add_row(", ".join(one["layers"]) or "all, ports included", *numbers, *ratios)
    Console(soft_wrap=True, highlight=False).print(table)


def _show_vitis(found: Mapping[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("function", "latency", "interval", box=None)
    for name, clocks in found["modules"].items():
        table.add_row(name, *map(_clocks, (clocks["latency_worst"], clocks["interval_max"])))
    table.add_row("total", _clocks(found["latency_worst"]), _clocks(found["interval_max"]))
    Console(soft_wrap=True, highlight=False).print(table)
    used = (f"{count:,} of {found['available'][kind]:,} {kind}" for kind, count in found["resources"].items())
    typer.echo(", ".join(used))
    typer.echo(
        f"{found['kind']} ({found['tool']}) for {found['part']} at {found['target_ns']:g} ns, of which it "
        f"estimates {found['estimated_ns']:g} to be needed; neither placed nor routed"
    )


def _clocks(count: int | None) -> str:
    return "depends on data" if count is None else f"{count:,}"


def _show_timing(result: Mapping[str, Any]) -> None:
    timing = result["timing"]
    if timing is None:
        typer.echo("clocks: none, the design stands still")
        return
    for name, clocks in timing["latency_clocks"].items():
        typer.echo(
            f"{name}: {clocks:,} clocks after the first beat in, "
            f"{timing['after_last_clocks'][name]:,} after the last; {clocks * timing['clock_ns']:,.0f} ns at "
            f"{timing['clock_ns']:g} ns, a period that no placement has confirmed"
        )
    typer.echo(
        f"clocks per event: {timing['clocks_per_event']:,} measured, "
        f"{timing['planned_clocks_per_event']:,} planned"
    )
    planned = ", ".join(f"{clocks:,} for {name}" for name, clocks in timing["planned_latency_clocks"].items())
    typer.echo(f"planned latency: {planned} clocks after the first beat in")
    for how in result["traffic"]:
        what = f"gaps {how['gaps']:g}, stalls {how['stalls']:g}, {len(how['resets'])} resets in mid-event"
        typer.echo(f"{what}: {how['problem'] or 'outputs exact'}")

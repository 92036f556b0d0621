"""A planned RTL design as a table in the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def show_plan(planned: Mapping[str, Any]) -> None:
    """A design as `levelone.pipeline.cosim.plan_rows` plans it, for people.

    Parameters
    ----------
    planned
        What that returns.
    """
    from rich.console import Console
    from rich.table import Table

    unrolled = planned["style"] == "unrolled"
    numbers = (
        ("lut", "registers")
        if unrolled
        else ("clocks", "multipliers", "rom_bits", "buffer_bits", "fifo_bits")
    )
    titles = ("name", "operation", "codes per beat", *numbers)
    table = Table(*(title.replace("_", " ") for title in titles), box=None)
    for column in table.columns[2:]:
        column.justify = "right"
    for row in planned["layers"]:
        beats = f"{' + '.join(map(str, row['codes_in']))} > {row['codes_out']}"
        table.add_row(row["name"], row["operation"], beats, *(f"{row[name]:,}" for name in numbers))
    console = Console(soft_wrap=True, highlight=False)
    console.print(table)
    if unrolled:
        luts = sum(row["lut"] for row in planned["layers"])
        console.print(
            f"planned: an event per clock, {planned['stages']} stages of at most {planned['levels']} levels "
            f"of logic, about {luts:,} look-up tables"
        )
    else:
        clocks, asked = planned["clocks_per_event"], planned["clocks_asked"]
        more = (
            f"; {asked:,} asked for, fewer than it can take" if asked is not None and asked < clocks else ""
        )
        console.print(f"planned: {clocks:,} clocks per event, as many as {planned['bottleneck']} takes{more}")
    for name, clocks in planned["latency_clocks"].items():
        after = planned["after_last_clocks"][name]
        console.print(f"{name}: {clocks:,} clocks after the first beat in, {after:,} after the last")

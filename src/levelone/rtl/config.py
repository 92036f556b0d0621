"""What a design is for: everything that the graph itself does not say.

`RtlConfig` is the ``[rtl]`` section of a recipe, what `convert` takes, and what ``levelone.json`` stores.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from levelone.hardware.choices import Choices, Clock, Part


class RtlConfig(Choices):
    """The choices of a design.

    Attributes
    ----------
    style
        "stream": a few codes per clock through blocks that share multipliers. "unrolled": the whole network
        as one pipeline that takes an event per clock.
    pixels_per_clock
        Pixels that a beat of the longest input brings, neighbours in a row. None: one, or as many as it takes
        for `clocks_per_event`.
    clocks_per_event
        Clocks that an event may take: layers share multipliers as far as this allows. None: as many as the
        longest input has beats.
    max_levels
        Of an unrolled design, look-up tables in series between two registers. None: as many as the clock
        period holds (`levelone.rtl.delays`).
    clock_ns
        Clock period in ns, for constraints and for times in reports.
    part
        FPGA part name, as the vendor tools spell it.
    """

    style: Literal["stream", "unrolled"] = Field(
        "stream", description="stream, or unrolled: an event per clock"
    )
    pixels_per_clock: int | None = Field(
        None,
        gt=0,
        description="pixels that enter in a clock, a divisor of a row of the longest input; none: one, or as "
        "many as it takes for `clocks_per_event`",
    )
    clocks_per_event: int | None = Field(
        None, gt=0, description="clocks that an event may take; none: one for each beat of the longest input"
    )
    max_levels: int | None = Field(
        None, gt=0, description="unrolled: look-up tables in series; none: as many as the clock period holds"
    )
    clock_ns: Clock = Field(5.0, description="clock period in ns")
    part: Part = Field("xcvu13p-flga2577-2-e", description="FPGA part")

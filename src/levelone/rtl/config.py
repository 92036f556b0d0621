"""What a streamed design is for: everything that the graph itself does not say.

`RtlConfig` is the ``[rtl]`` section of a recipe, what `convert` takes, and what ``levelone.json`` stores.
"""

from __future__ import annotations

from pydantic import Field

from levelone.hardware.choices import Choices, Clock, Part


class RtlConfig(Choices):
    """The choices of a streamed design.

    Attributes
    ----------
    clocks_per_event
        Clocks that an event may take: layers share multipliers as far as this allows. None: as many as the
        longest input has pixels, one of which is taken per clock.
    clock_ns
        Clock period in ns, for constraints and for times in reports.
    part
        FPGA part name, as the vendor tools spell it.
    """

    clocks_per_event: int | None = Field(
        None, gt=0, description="clocks that an event may take; none: one for each pixel of the longest input"
    )
    clock_ns: Clock = Field(5.0, description="clock period in ns")
    part: Part = Field("xcvu13p-flga2577-2-e", description="FPGA part")

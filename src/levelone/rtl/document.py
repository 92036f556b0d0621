"""``levelone.json`` of an RTL project: what it was made from, how it is planned and proven."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from levelone.hardware.document import InputEntry, LayerEntry, OutputEntry, ProjectDocument, shapes_of
from levelone.rtl.config import RtlConfig
from levelone.rtl.streams import Stream

BODY = "rtl"


class RtlInput(InputEntry):
    """An input port and how its codes arrive."""

    stream: Stream


class RtlOutput(OutputEntry):
    """An output port and how its codes leave."""

    stream: Stream


class RtlLayer(LayerEntry):
    """A layer as it was planned: see `levelone.rtl.site.LayerPlan`.

    Attributes
    ----------
    fifo_bits
        Of the FIFOs in front of the layer.
    codes_in, codes_out
        Codes per beat of each operand and of the result.
    lut, adder_lut, alkaid_lut, registers
        Of an unrolled layer (`levelone.rtl.unrolled.plan.UnrolledLayer`); null where it is streamed.
    """

    clocks: int
    codes_in: tuple[int, ...]
    codes_out: int
    multipliers: int
    rom_bits: int
    buffer_bits: int
    fifo_bits: int
    lut: int | None = None
    adder_lut: int | None = None
    alkaid_lut: int | None = None
    registers: int | None = None


class RtlDocument(ProjectDocument):
    """What levelone writes into an RTL project, and reads from it.

    Attributes
    ----------
    project
        Module of the network.
    rtl
        The choices that it was made with.
    probes
        Streams of layers that a simulation records.
    layers
        Planned clocks per event and resources.
    clocks_per_event
        As planned: of the busiest port, layer or way between layers.
    latency_clocks, after_last_clocks
        Output -> as planned: clocks to its last beat from the first, and from the last beat into any port.
    """

    again: ClassVar[str] = "write the project again with: levelone rtl MODEL.onnx -o PROJECT"

    body: Literal["rtl"] = "rtl"
    rtl: RtlConfig
    inputs: Annotated[tuple[RtlInput, ...], Field(min_length=1)]
    outputs: Annotated[tuple[RtlOutput, ...], Field(min_length=1)]
    layers: tuple[RtlLayer, ...]
    probes: dict[str, Stream]
    clocks_per_event: int
    latency_clocks: dict[str, int]
    after_last_clocks: dict[str, int]

    @property
    def input_streams(self) -> dict[str, Stream]:
        """By value name."""
        return {port.name: port.stream for port in self.inputs}

    @property
    def output_streams(self) -> dict[str, Stream]:
        """By value name."""
        return {port.name: port.stream for port in self.outputs}

    @property
    def values(self) -> dict[str, tuple[int, ...]]:
        """Shape of every value of the graph, inputs included, by name."""
        return shapes_of(*self.inputs, *self.layers)

"""What hardware an hls4ml project is for: everything that the graph itself does not say.

`HlsConfig` is the ``[hls]`` section of a recipe, what `convert` takes, and what ``levelone.json`` stores.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from levelone.hardware.choices import Choices, Clock, Part, spelt

Io = Literal["parallel", "stream"]
Strategy = Literal["latency", "resource"]


class LayerChoice(Choices):
    """What one layer does otherwise than the rest of the hardware; None: as the rest."""

    reuse_factor: int | None = Field(
        None, gt=0, description="its own number of multiplications per multiplier"
    )
    strategy: Strategy | None = Field(None, description="its own strategy")
    body: (
        Annotated[str, spelt(r"[\w.-]+(:[\w.]+)?", "a registered name or package.module:FUNCTION")] | None
    ) = Field(
        None, description="its own body, from another distribution: registered, or package.module:FUNCTION"
    )


class HlsConfig(Choices):
    """The choices of an hls4ml project.

    Attributes
    ----------
    io
        "parallel": the whole event at once, one pipeline; "stream": one pixel per beat, dataflow.
    part
        FPGA part name, as the vendor tools spell it.
    clock_ns
        Clock period in ns.
    clock_uncertainty
        Clock uncertainty, in percent of the period ("27%") or in ns.
    reuse_factor
        How many multiplications share one multiplier; the initiation interval of an unrolled design. In a
        stream, a layer that multiplies nothing takes an element per clock whatever this is.
    strategy
        "latency": fully unrolled; "resource": shared multipliers, weights meant for memory.
    partition_factor
        How many output positions an unrolled window (convolution, pooling) computes at once; where it does
        not divide their number, the largest divisor below it. 0: all of them with the latency strategy, one
        otherwise. A stream computes one position per beat whatever is asked for.
    tight
        Whether accumulators are as narrow as the very weights allow. Otherwise they hold every sum that
        weights and biases of the same types could give. Types of results follow the weights either way.
    layers
        Choices for single layers, by the name of the value that they compute.
    """

    io: Io = Field("parallel", description="the whole event at once, or one pixel per beat")
    part: Part = Field("xcvu13p-flga2577-2-e", description="FPGA part")
    clock_ns: Clock = Field(2.78, description="clock period in ns (360 MHz at the LHC trigger)")
    clock_uncertainty: Annotated[str, spelt(r"\d+(\.\d+)?%?", "a percentage like '27%' or ns")] = Field(
        "27%", description="clock uncertainty, in percent of the period or in ns"
    )
    reuse_factor: int = Field(1, gt=0, description="multiplications per multiplier")
    strategy: Strategy = Field("latency", description="hls4ml's strategy: unrolled, or few multipliers")
    partition_factor: int = Field(0, ge=0, description="output positions computed at once; 0: all of them")
    tight: bool = Field(
        True,
        description="registers that sum are only as wide as these very weights need; false: as any weights "
        "of their types need (types of results follow the weights either way)",
    )
    layers: dict[str, LayerChoice] = Field(
        default_factory=dict, description="what layer NAME, one with weights, does otherwise"
    )

    def of(self, layer: str) -> HlsConfig:
        """The choices as the layer `layer` sees them."""
        own = self.layers.get(layer, LayerChoice()).model_dump(exclude_none=True, exclude={"body"})
        return self.model_copy(update=own | {"layers": {}})

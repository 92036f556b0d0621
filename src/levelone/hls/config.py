"""What hardware a project is for: everything that the graph itself does not say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from levelone.errors import LeveloneError
from levelone.hls.names import project_name

Io = Literal["parallel", "stream"]
Strategy = Literal["latency", "resource"]


@dataclass(frozen=True)
class LayerChoice:
    """What one layer does otherwise than the rest; None: as the rest."""

    reuse_factor: int | None = None
    strategy: Strategy | None = None


@dataclass(frozen=True)
class HlsConfig:
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
    project_name
        Top function and file stem: a C identifier that nothing else is called (`names.project_name`).
    tight
        Whether accumulators are as narrow as the very weights allow. Otherwise they hold every sum that
        weights and biases of the same types could give. Types of results follow the weights either way.
    layers
        Choices for single layers, by the name of the value that they compute.
    """

    io: Io = "parallel"
    part: str = "xcvu13p-flga2577-2-e"
    clock_ns: float = 2.78
    clock_uncertainty: str = "27%"
    reuse_factor: int = 1
    strategy: Strategy = "latency"
    partition_factor: int = 0
    project_name: str = "myproject"
    tight: bool = True
    layers: Mapping[str, LayerChoice] = field(default_factory=dict)

    def __post_init__(self) -> None:
        checks = {
            "io": (self.io in ("parallel", "stream"), "'parallel' or 'stream'"),
            "strategy": (self.strategy in ("latency", "resource"), "'latency' or 'resource'"),
            "part": (re.fullmatch(r"[A-Za-z0-9._-]+", self.part) is not None, "an FPGA part name"),
            "clock_ns": (0 < self.clock_ns < 1e6, "a clock period in ns"),
            "clock_uncertainty": (
                re.fullmatch(r"\d+(\.\d+)?%?", self.clock_uncertainty) is not None,
                "a percentage like '27%' or ns",
            ),
            "reuse_factor": (self.reuse_factor >= 1, "a positive integer"),
            "partition_factor": (self.partition_factor >= 0, "a positive integer, or 0 for all positions"),
            "project_name": (
                self.project_name == project_name(self.project_name),
                f"a C identifier that nothing else is called, {project_name(self.project_name)!r} say",
            ),
        }
        for key, (good, expected) in checks.items():
            if not good:
                raise LeveloneError(f"hls.{key} is {getattr(self, key)!r}, expected {expected}")
        for name in self.layers:
            try:
                self.of(name)
            except LeveloneError as error:
                raise LeveloneError(error.message.replace("hls.", f"hls.layers.{name}.", 1)) from None

    def of(self, layer: str) -> HlsConfig:
        """The choices as the layer `layer` sees them."""
        own = self.layers.get(layer, LayerChoice())
        return replace(
            self,
            reuse_factor=self.reuse_factor if own.reuse_factor is None else own.reuse_factor,
            strategy=self.strategy if own.strategy is None else own.strategy,
            layers={},
        )

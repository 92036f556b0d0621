"""Latency and initiation interval of a project, layer by layer and in total."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import prod
from typing import Any, Literal

import numpy as np

from levelone.graph.ir import Graph
from levelone.hls.config import HlsConfig
from levelone.hls.emit import pipeline_style, together
from levelone.hls.latency.stages import ENDS, stages_of, usable_ns
from levelone.hls.latency.ticks import Beats, Ints, Layer, Ticks, ticks_of
from levelone.hls.lower import lower
from levelone.hls.spec import LayerSpec

COPY = "Clone"
"""hls4ml's class of what gives a stream to several readers."""


@dataclass(frozen=True)
class LayerLatency:
    """A layer of the firmware.

    Attributes
    ----------
    ticks
        Iterations of its pipelined loops in an event; 1 where all of it is unrolled.
    interval
        Clocks from one event to the next, if nothing else held it up.
    stages
        Clocks of one tick from its operands to its result.
    begins, ends
        Clocks from the first beat of the event to the first tick, and to the last result.
    """

    name: str
    operation: str
    ticks: int
    interval: int
    stages: int
    begins: int
    ends: int


@dataclass(frozen=True)
class Latency:
    """What a project is estimated to take; no tool has confirmed it.

    Attributes
    ----------
    io, style
        How data move, and how the top function runs ("pipeline" or "dataflow").
    clock_ns, usable_ns
        The period, and what of it logic may take.
    interval, latency
        Clocks from one event to the next, and from the first beat in to the last result out.
    bottleneck
        The layer with that interval.
    """

    io: Literal["parallel", "stream"]
    style: Literal["pipeline", "dataflow"]
    clock_ns: float
    usable_ns: float
    interval: int
    latency: int
    bottleneck: str
    layers: tuple[LayerLatency, ...]

    def to_dict(self) -> dict[str, Any]:
        """The ``--json`` form; ``kind`` says that nothing of it was measured."""
        return {
            "kind": "estimated",
            **asdict(self),
            "layers": [asdict(layer) for layer in self.layers],
            "latency_ns": self.latency * self.clock_ns,
            "interval_ns": self.interval * self.clock_ns,
        }


def estimate(graph: Graph, config: HlsConfig, reuse: Mapping[str, int] | None = None) -> Latency:
    """Latency and interval from the loops that are written for a graph.

    Parameters
    ----------
    reuse
        Reuse factors as hls4ml made them, by layer; by default those that were asked for.

    Raises
    ------
    UnsupportedError
        If a layer cannot be carried, or has a body of another distribution.
    """
    specs = lower(graph, config)
    style = pipeline_style(specs, config)
    made = {spec.name: _reuse(spec, config, reuse or {}) for spec in specs}
    if config.io == "stream":
        layers = _streamed(specs, graph.outputs, config, made)
    else:
        layers = _unrolled(specs, config, made, style)
    slowest = max(layers, key=lambda layer: layer.interval)
    interval = slowest.interval
    if style == "pipeline":
        interval = max(made.values())
    ends = {layer.name: layer.ends for layer in layers}
    return Latency(
        config.io,
        style,
        config.clock_ns,
        round(usable_ns(config), 3),
        interval,
        max(ends.values()),
        slowest.name,
        tuple(layers),
    )


def _reuse(spec: LayerSpec, config: HlsConfig, made: Mapping[str, int]) -> int:
    """In a stream, only what shares something takes its time."""
    return made.get(spec.name, spec.reuse_factor) if spec.shares or config.io == "parallel" else 1


def _with_copies(specs: Sequence[LayerSpec], outputs: Sequence[str]) -> list[LayerSpec]:
    """The layers, and what hls4ml puts behind a stream of several readers."""
    readers: dict[str, int] = dict.fromkeys(outputs, 1)
    for spec in specs:
        for name in spec.inputs:
            readers[name] = readers.get(name, 0) + 1
    made: list[LayerSpec] = []
    copied: dict[str, str] = {}
    for spec in specs:
        made.append(replace(spec, inputs=tuple(copied.get(name, name) for name in spec.inputs)))
        if readers.get(spec.name, 0) > 1:
            copied[spec.name] = f"{spec.name} copied"
            made.append(LayerSpec(copied[spec.name], COPY, (spec.name,), spec.shape, spec.result))
    return made


def stream_ticks(
    specs: Sequence[LayerSpec],
    outputs: Sequence[str],
    config: HlsConfig,
    reuse: Mapping[str, int] | None = None,
) -> Iterator[tuple[LayerSpec, Ticks, int]]:
    """The loops of every layer of a stream, with the clocks of one of their ticks, in order; no views.

    Parameters
    ----------
    specs, outputs
        All layers, as `levelone.hls.lower.lower` gives them, and the names of those that leave the network.
    reuse
        As in `estimate`.

    Raises
    ------
    UnsupportedError
        If a layer has a body of another distribution.
    """
    beats: dict[str, Beats] = {}
    for spec in _with_copies(specs, outputs):
        # a view is in the beats of what it looks at
        beats[spec.name] = beats[spec.inputs[0]] if _is_view(spec) else Beats.of(spec.shape)
        if spec.kind != "InputLayer" and not _is_view(spec):
            stages = stages_of(spec, config)
            operands = tuple(beats[name] for name in spec.inputs)
            yield spec, ticks_of(Layer(spec, operands, _reuse(spec, config, reuse or {}), stages)), stages


def _is_view(spec: LayerSpec) -> bool:
    return spec.kind == "Reshape" and spec.body is None


def _streamed(
    specs: Sequence[LayerSpec], outputs: Sequence[str], config: HlsConfig, reuse: Mapping[str, int]
) -> list[LayerLatency]:
    """When every beat comes, layer by layer; FIFOs are as deep as they have to be."""
    views = {spec.name: spec.inputs[0] for spec in _with_copies(specs, outputs) if _is_view(spec)}
    comes = {s.name: np.arange(Beats.of(s.shape).count) for s in specs if s.kind == "InputLayer"}
    layers = []
    for spec, ticks, stages in stream_ticks(specs, outputs, config, reuse):
        # what is computed before the tick that gives it only has to be given
        behind = ENDS if spec.kind == "Dense" and spec.body is None else stages
        starts = _starts(ticks, [comes[_behind(name, views)] for name in spec.inputs])
        comes[spec.name] = np.repeat(starts, ticks.writes) + behind
        busy = int(ticks.clocks[:-1].sum()) + 1 + behind
        begins, ends = int(starts[0]), int(comes[spec.name][-1])
        layers.append(LayerLatency(spec.name, spec.kind, len(starts), busy, stages, begins, ends))
    return layers


def _behind(name: str, views: Mapping[str, str]) -> str:
    """The stream that a view looks at."""
    while name in views:
        name = views[name]
    return name


def _starts(ticks: Ticks, comes: Sequence[Ints]) -> Ints:
    """Clock of every tick: as soon as the one before lets it and the last beat that it reads has come."""
    wanted = np.zeros(len(ticks.writes), np.int64)
    for reads, clocks in zip(ticks.reads, comes, strict=True):
        taken = np.cumsum(reads)
        wanted = np.maximum(wanted, np.where(reads > 0, clocks[np.maximum(taken, 1) - 1], 0))
    undisturbed = np.cumsum(ticks.clocks) - ticks.clocks
    starts: Ints = undisturbed + np.maximum.accumulate(wanted - undisturbed)
    return starts


def _unrolled(
    specs: Sequence[LayerSpec],
    config: HlsConfig,
    reuse: Mapping[str, int],
    style: Literal["pipeline", "dataflow"],
) -> list[LayerLatency]:
    """When every tensor is complete: a layer begins when all of its operands are."""
    done: dict[str, int] = {}
    layers = []
    for spec in specs:
        begins = max((done[name] for name in spec.inputs), default=0)
        if spec.kind == "InputLayer" or _is_view(spec):
            done[spec.name] = begins
            continue
        # in one pipeline, what a layer gives is the next one's without a clock in between
        stages = stages_of(spec, config) - (ENDS if style == "pipeline" else 0)
        positions = prod(spec.shape[:-1])
        ticks = 1 if style == "pipeline" else positions // (together(spec) or positions)
        serial = spec.strategy == "resource" and spec.body is None and "weight" in spec.parameters
        clocks = reuse[spec.name] - 1 + stages if serial else reuse[spec.name]
        last = (reuse[spec.name] - 1 if spec.shares else 0) + stages
        busy = (ticks - 1) * clocks + last
        done[spec.name] = begins + busy
        interval = reuse[spec.name] if style == "pipeline" else busy
        layers.append(LayerLatency(spec.name, spec.kind, ticks, interval, stages, begins, done[spec.name]))
    return layers

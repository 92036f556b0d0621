"""Many small networks beside each other in one design, so that one build simulates them all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from cases import CASES, seeded

from levelone.graph import Graph, GraphBuilder, execute
from levelone.graph.ops import OPERATIONS
from levelone.graph.values import Codes, Value
from levelone.rtl.design import PROBES, Design, write_design
from levelone.rtl.plan import Plan, plan_graph
from levelone.rtl.project import BLOCKS
from levelone.rtl.simulation import STEADY, Recording, Traffic, simulate
from levelone.rtl.unrolled.design import write_unrolled
from levelone.rtl.unrolled.plan import plan_unrolled
from levelone.rtl.verilator import build_simulation

EVENTS = 3
TOP = "network"


@dataclass(frozen=True, eq=False)
class Bench:
    """A built design, what it computes, and codes for it."""

    graph: Graph
    design: Design
    program: Path
    codes: Mapping[str, Codes]

    def run(self, traffic: Traffic = STEADY) -> Recording:
        shapes = {name: value.shape for name, value in self.graph.values.items()}
        design = self.design
        return simulate(
            self.program, design.inputs, design.outputs, design.probes, shapes, self.codes, traffic
        )

    def wrong(self, recording: Recording) -> list[str]:
        """Layers and outputs that are not what the reference says."""
        expected = execute(self.graph, self.codes, keep="all")
        return [
            name
            for found in (recording.layers, recording.outputs)
            for name, codes in found.items()
            if codes.shape != expected[name].shape or (codes != expected[name]).any()
        ]


def busiest(plan: Plan, output: str) -> int:
    """Clocks per event of the busiest part on the way to an output: of the whole, if it were alone."""
    above = {output}
    for node in reversed(list(plan.graph.nodes)):
        above |= set(node.inputs) if node.name in above else set()
    ways = [e.clocks for e in plan.edges if e.reader in above or e.value == output]
    return max(*ways, *(plan.layers[n].clocks if n in plan.layers else plan.ports[n].beats for n in above))


def steady(recording: Recording, events: int) -> dict[str, set[int]]:
    """Output -> clocks from event to event in the second half of all."""
    ends = {name: found.reshape(events, -1)[:, -1] for name, found in recording.given.items()}
    return {name: set(np.diff(found[events // 2 :]).tolist()) for name, found in ends.items()}


def many(names: Iterable[str], seeds: Iterable[int]) -> tuple[Graph, dict[str, Codes]]:
    """Random cases of operations beside each other, and codes of all of their inputs."""
    seeds = list(seeds)
    builder, codes, outputs = GraphBuilder("many"), {}, []
    for name in names:
        for seed in seeds:
            case = CASES[OPERATIONS[name]](seeded(seed))
            result = f"{name}{seed}"
            inputs = [replace(value, name=f"{result}_{value.name}") for value in case.inputs]
            for value in inputs:
                builder.input(value.name, value.shape, value.scale[0], value.range)
                builder.values[value.name] = value  # with its ranges per channel
                codes[value.name] = codes_of(value, EVENTS, seed)
            builder.node(result, case.op, *(value.name for value in inputs))
            outputs.append(result)
    return builder.build(*outputs), codes


def codes_of(value: Value, events: int, seed: int) -> Codes:
    """Random codes, a third of them at the ends of their channel's range."""
    rng = np.random.default_rng(seed)
    ranges = value.channel_ranges or (value.range,) * value.shape[-1]
    low, high = (np.array([getattr(r, end) for r in ranges], dtype=np.int64) for end in ("lo", "hi"))
    shape = (events, *value.shape)
    inside = rng.integers(np.broadcast_to(low, shape), np.broadcast_to(high, shape), endpoint=True)
    ends = np.where(rng.random(shape) < 0.5, low, high)
    return np.where(rng.random(shape) < 1 / 3, ends, inside)


def build(
    graph: Graph,
    codes: Mapping[str, Codes],
    folder: Path,
    *,
    clocks: int | None = None,
    pixels: int | None = None,
    blocks: Path = BLOCKS,
) -> Bench:
    return built(graph, codes, folder, write_design(plan_graph(graph, clocks, pixels), TOP), blocks)


def build_unrolled(
    graph: Graph, codes: Mapping[str, Codes], folder: Path, max_levels: int, *, blocks: Path = BLOCKS
) -> Bench:
    return built(graph, codes, folder, write_unrolled(plan_unrolled(graph, max_levels, 5.0), TOP), blocks)


def built(graph: Graph, codes: Mapping[str, Codes], folder: Path, design: Design, blocks: Path) -> Bench:
    folder.mkdir(parents=True, exist_ok=True)
    source = folder / f"{TOP}.sv"
    source.write_text(design.text)
    program = build_simulation(
        folder / "build",
        [source, *(blocks / f"{name}.sv" for name in design.blocks)],
        TOP,
        design.inputs,
        design.outputs,
        design.probes,
        macros=(PROBES,),
        optimise=0,
    )
    return Bench(graph, design, program, codes)

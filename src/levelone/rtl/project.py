"""Integer graph -> folder: sources, golden vectors, a test bench, scripts, and ``levelone.json``."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from levelone.errors import LeveloneError
from levelone.graph import execute
from levelone.graph.ir import Graph, Node
from levelone.graph.values import Codes
from levelone.hardware.document import input_fields, model_entry, output_fields, value_fields, versions_of
from levelone.hardware.folder import copy_extras, project_folder
from levelone.rtl import scripts, testbench
from levelone.rtl.beats import pack
from levelone.rtl.config import RtlConfig
from levelone.rtl.design import Design, write_design
from levelone.rtl.document import BODY, RtlDocument, RtlInput, RtlLayer, RtlOutput
from levelone.rtl.library import BLOCKS
from levelone.rtl.plan import Plan, plan_graph
from levelone.rtl.unrolled.design import write_unrolled
from levelone.rtl.unrolled.plan import UnrolledPlan, plan_unrolled
from levelone.stimuli import random_vectors

SOURCES = "rtl"
GOLDEN_EVENTS = 16
GOLDEN_SEED = 1
TOP = "levelone_network"


def write_project(
    graph: Graph,
    folder: Path,
    config: RtlConfig | None = None,
    *,
    model: Path | None = None,
    extras: Mapping[str, bytes | Path] | None = None,
    golden: Mapping[str, Codes] | None = None,
) -> RtlDocument:
    """Write a design of `graph`, streamed or unrolled; the folder appears complete or not at all.

    Parameters
    ----------
    folder
        An earlier project of this kind there is replaced.
    model
        The QONNX file that `graph` was read from, kept inside.
    extras
        Files to keep beside it: name -> bytes or path.
    golden
        Input codes of the test bench's events, by value name; by default corners and random ones.

    Raises
    ------
    UnsupportedError
        If an operation has no form in the chosen style, or an unrolled design would be absurd.
    LeveloneError
        If pixels per clock do not divide a row, the folder is something else, or cannot be written.
    """
    config = config or RtlConfig()
    with project_folder(Path(folder), BODY) as scratch:
        plan = plan_of(graph, config)
        design = write_unrolled(plan, TOP) if isinstance(plan, UnrolledPlan) else write_design(plan, TOP)
        codes = random_vectors(graph, GOLDEN_EVENTS, GOLDEN_SEED) if golden is None else golden
        _write_sources(scratch, design, config)
        _write_golden(scratch, graph, design, codes)
        copy_extras(scratch, model, extras or {})
        document = describe(plan, design, config, model).with_digests(scratch)
        document.write(scratch)
    return document


def plan_of(graph: Graph, config: RtlConfig) -> Plan | UnrolledPlan:
    """The design in integers, in the style that is chosen.

    Raises
    ------
    LeveloneError
        If a choice belongs to the other style, or an operation has no form in this one.
    """
    if config.style == "unrolled":
        for choice in ("clocks_per_event", "pixels_per_clock"):
            if getattr(config, choice) is not None:
                raise LeveloneError(
                    f"{choice} is a choice of streamed designs: an unrolled one takes an event per clock",
                    hint="leave it away, or use --style stream",
                )
        return plan_unrolled(graph, config.max_levels, config.clock_ns)
    if config.max_levels is not None:
        raise LeveloneError(
            "max_levels is a choice of unrolled designs: in a streamed one, blocks have their own registers",
            hint="leave it away, or use --style unrolled",
        )
    return plan_graph(graph, config.clocks_per_event, config.pixels_per_clock)


def layer_facts(plan: Plan | UnrolledPlan, node: Node) -> dict[str, Any]:
    """What `levelone.rtl.document.RtlLayer` says of a layer besides its value and operation."""
    if isinstance(plan, UnrolledPlan):
        layer, values = plan.layers[node.name], plan.graph.values
        return {
            "proof": layer.proof,
            "clocks": 1,
            "codes_in": tuple(values[operand].size for operand in node.inputs),
            "codes_out": values[node.name].size,
            "multipliers": 0,
            "rom_bits": 0,
            "buffer_bits": 0,
            "fifo_bits": 0,
            "lut": layer.lut,
            "adder_lut": layer.adder_lut,
            "alkaid_lut": layer.alkaid_lut,
            "registers": layer.registers,
        }
    planned = plan.layers[node.name]
    return {
        "proof": planned.proof,
        "clocks": planned.clocks,
        "codes_in": tuple(stream.lanes for stream in planned.inputs),
        "codes_out": planned.output.lanes,
        "multipliers": planned.multipliers,
        "rom_bits": planned.rom_bits,
        "buffer_bits": planned.buffer_bits,
        "fifo_bits": plan.fifo_bits(node.name),
    }


def describe(plan: Plan | UnrolledPlan, design: Design, config: RtlConfig, model: Path | None) -> RtlDocument:
    """The document of a design, but for the digests of its files."""
    graph = plan.graph

    def layer(node: Node) -> RtlLayer:
        return RtlLayer(
            **value_fields(graph.values[node.name]),
            op=type(node.op).__name__,
            inputs=node.inputs,
            **layer_facts(plan, node),
        )

    return RtlDocument(
        project=design.top,
        graph=graph.name,
        left_off=tuple(map(str, graph.left_off)),
        model=model_entry(model),
        versions=versions_of("qonnx", "onnx", "numpy"),
        rtl=config,
        inputs=tuple(
            RtlInput(**input_fields(port), stream=design.inputs[port.value.name]) for port in graph.inputs
        ),
        outputs=tuple(
            RtlOutput(**output_fields(graph, name), stream=design.outputs[name]) for name in graph.outputs
        ),
        layers=tuple(map(layer, graph.nodes)),
        probes=dict(design.probes),
        clocks_per_event=plan.clocks_per_event,
        latency_clocks=dict(plan.latency.latency_clocks),
        after_last_clocks=dict(plan.latency.after_last_clocks),
    )


def _write_sources(folder: Path, design: Design, config: RtlConfig) -> None:
    (folder / SOURCES).mkdir()
    (folder / SOURCES / f"{design.top}.sv").write_text(design.text, encoding="utf-8")
    for block in design.blocks:
        shutil.copyfile(BLOCKS / f"{block}.sv", folder / SOURCES / f"{block}.sv")
    names = [f"{name}.sv" for name in (*design.blocks, design.top)]
    ports = [
        f"| `{way}_{name}` | {direction} | {stream.beats} | {stream.lanes} | {stream.width} | "
        f"{'signed' if stream.signed else 'unsigned'} |"
        for way, direction, streams in (("in", "in", design.inputs), ("out", "out", design.outputs))
        for name, stream in streams.items()
    ]
    for name, text in {
        f"{design.top}.xdc": scripts.constraints(config),
        "vivado.tcl": scripts.vivado(design.top, config, names),
        "Makefile": scripts.makefile(design.top, names),
        "PORTS.md": scripts.port_map(ports),
    }.items():
        (folder / name).write_text(text, encoding="utf-8")


def _write_golden(folder: Path, graph: Graph, design: Design, codes: Mapping[str, Codes]) -> None:
    answers = execute(graph, codes, keep="outputs")
    (folder / testbench.FOLDER).mkdir()
    for way, streams, given in (("in", design.inputs, codes), ("out", design.outputs, answers)):
        for name, stream in streams.items():
            text = testbench.hex_lines(pack(given[name], stream), stream)
            (folder / testbench.FOLDER / f"{way}_{name}.hex").write_text(text, encoding="ascii")
    events = len(next(iter(codes.values())))
    bench = testbench.testbench(design.top, design.inputs, design.outputs, events)
    (folder / "testbench.sv").write_text(bench, encoding="utf-8")

"""Look-up tables of unrolled layers, each alone between registers: planned, and counted by Yosys.

    python -m benchmarks.layer_area pixelseed evidence prior fc2+fc2_act

Within a network, a tool takes logic across the ends of layers, and counts it to one of them; alone, a layer's
count is its own. `+` takes layers together that follow each other. Needs the extra [rtl].
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import levelone
from benchmarks.lib.common import COMMITTED
from levelone.graph import Graph, GraphBuilder
from levelone.graph.ops import Reshape
from levelone.hardware.tools import run_tool
from levelone.rtl.project import BLOCKS
from levelone.rtl.synthesis import RESOURCES
from levelone.rtl.unrolled.design import write_unrolled
from levelone.rtl.unrolled.plan import UnrolledPlan, plan_unrolled
from levelone.rtl.yosys_worker import CELLS, synthesiser

LEVELS, PERIOD = 6, 5.0
TOP = "network"


def alone(graph: Graph, names: list[str]) -> Graph:
    """These nodes as a network of their own; what they read besides each other enters by ports."""
    nodes = [node for node in graph.nodes if node.name in names]
    builder = GraphBuilder("alone")
    for name in dict.fromkeys(name for node in nodes for name in node.inputs if name not in names):
        value = graph.values[name]
        builder.input(name, value.shape, value.scale[0], value.range)
        builder.values[name] = value  # with its ranges per channel
    for node in nodes:
        builder.node(node.name, node.op, *node.inputs)
    return builder.build(nodes[-1].name)


def ports_of(graph: Graph) -> Graph:
    """The outputs of a network as its inputs, and nothing between them."""
    builder = GraphBuilder("ports")
    for name in graph.outputs:
        value = graph.values[name]
        builder.input(f"{name}_given", value.shape, value.scale[0], value.range)
        builder.node(name, Reshape(value.shape), f"{name}_given")
    return builder.build(*graph.outputs)


def tables(plan: UnrolledPlan) -> int:
    """Look-up tables of a whole design, counted by Yosys for UltraScale+."""
    design = write_unrolled(plan, TOP)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / f"{TOP}.sv").write_text(design.text, encoding="utf-8")
        sources = [folder / f"{TOP}.sv", *(BLOCKS / f"{name}.sv" for name in design.blocks)]
        command = synthesiser(TOP, "xcup", "unrolled", folder, sources)
        run_tool(command, "Yosys could not synthesise it", results=[folder / CELLS])
        cells = json.loads((folder / CELLS).read_text(encoding="utf-8"))
    return sum(count for kinds in cells.values() for kind, count in kinds.items() if kind in RESOURCES["lut"])


def counted(graph: Graph) -> tuple[int, int, int]:
    """Look-up tables: planned, planned with alkaid's cost of adders, counted by Yosys without those of ports.

    The last adders drive the FIFO in front of a port, under whose name Yosys counts them: what ports take is
    counted in a design that has nothing else.
    """
    plan = plan_unrolled(graph, LEVELS, PERIOD)
    found = tables(plan) - tables(plan_unrolled(ports_of(graph), LEVELS, PERIOD))
    planned, adders, costs = (
        sum(getattr(layer, key) for layer in plan.layers.values())
        for key in ("lut", "adder_lut", "alkaid_lut")
    )
    return planned, planned - adders + costs, found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("system", help="name of a committed model")
    parser.add_argument("layers", nargs="+", metavar="LAYER[+LAYER]", help="nodes, taken together with +")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    arguments = parser.parse_args()
    graph = levelone.read(COMMITTED / arguments.system / "model.onnx").graph
    rows = {names: counted(alone(graph, names.split("+"))) for names in arguments.layers}
    if arguments.json:
        print(json.dumps({"layers": rows}))
        return
    print("| layers | planned | ratio | planned, alkaid's cost | ratio | synthesised alone |")
    print("|---|--:|--:|--:|--:|--:|")
    for names, (planned, by_alkaid, found) in rows.items():
        cells = (planned, f"{planned / found:.2f}", by_alkaid, f"{by_alkaid / found:.2f}", found)
        print(f"| `{names}` | " + " | ".join(map(str, cells)) + " |")


if __name__ == "__main__":
    main()

"""Ends of networks that need no hardware: softmax, argmax and the like, and what only moves results."""

from __future__ import annotations

import onnx

from levelone.graph.reader.nodes import describe

ON_HOST = frozenset(
    {
        "ArgMax",
        "ArgMin",
        "HardSigmoid",
        "Hardmax",
        "LogSoftmax",
        "Sigmoid",
        "Softmax",
        "Softmin",
        "Tanh",
        "TopK",
    }
)
"""Monotone or order-preserving ends of a network: left off where only such things follow."""
FREE = frozenset({"Cast", "Dropout", "Flatten", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze"})
"""What may follow them without being computed here."""


def host_tail(
    nodes: list[onnx.NodeProto], consumers: dict[str, list[onnx.NodeProto]], outputs: frozenset[str]
) -> frozenset[int]:
    """Positions of the nodes that stay on the host: an operator of `ON_HOST` and everything that follows it.

    Every path from such a node must lead to an output of the network through `ON_HOST` and `FREE` nodes
    alone.
    """
    position = {id(node): i for i, node in enumerate(nodes)}
    loose: set[int] = set()  # nodes from which only such nodes and outputs are reached
    for i in reversed(range(len(nodes))):
        node = nodes[i]
        readers = [reader for name in node.output for reader in consumers.get(name, [])]
        ends = any(name in outputs for name in node.output) or bool(readers)
        if (
            ends
            and node.op_type in ON_HOST | FREE
            and node.domain in ("", "ai.onnx")
            and all(position.get(id(reader), -1) in loose for reader in readers)
        ):
            loose.add(i)
    made = {name: i for i, node in enumerate(nodes) for name in node.output if name}
    tail: set[int] = set()
    for i, node in enumerate(nodes):
        follows = any(made.get(name, -1) in tail for name in node.input)
        if i in loose and (node.op_type in ON_HOST or follows):
            tail.add(i)
    return frozenset(tail)


def left_off(node: onnx.NodeProto) -> str:
    """How `Graph.left_off` calls a node of the tail."""
    return f"{describe(node)} is left to the host; its operand is the output"

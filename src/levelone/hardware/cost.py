"""What requantisations between any scales cost: their hardware is known once it has been chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from levelone.errors import LeveloneError
from levelone.graph.cost import LayerCost, layer_table
from levelone.graph.ir import Graph
from levelone.graph.operation import effective_bits
from levelone.graph.ops import Requantise
from levelone.graph.ops._rounding import ranges_of
from levelone.graph.values import Value
from levelone.hardware.choose import cast_type, choose
from levelone.hardware.forms import Thresholds


def hardware_table(graph: Graph) -> list[LayerCost]:
    """`layer_table` with the bit operations of requantisations.

    A shift has none. A multiplier counts like a weight, a threshold as the bits of the code that is compared
    with it. Where no hardware is within the limits, and `convert` refuses the graph, they are 0.
    """
    return [_completed(graph, layer) for layer in layer_table(graph)]


def _completed(graph: Graph, layer: LayerCost) -> LayerCost:
    node = graph.node(layer.name)
    if not isinstance(node.op, Requantise):
        return layer
    source, output = graph.values[node.inputs[0]], graph.values[node.name]
    if cast_type(node.op, source, output) is not None:
        return layer
    try:
        each = _bit_operations(node.op, source)
    except LeveloneError:
        return layer
    return replace(layer, ebops=output.size // output.shape[-1] * sum(each))


def _bit_operations(op: Requantise, x: Value) -> Sequence[int]:
    """Of one element of each channel."""
    hardware, reach = choose(op, x), ranges_of(x, x.shape[-1])
    if isinstance(hardware, Thresholds):
        counts = [np.count_nonzero(row <= r.hi) for row, r in zip(hardware.steps, reach, strict=True)]
    else:
        counts = effective_bits(np.array(hardware.factor, dtype=np.int64)).tolist()
    return [int(count) * x.width for count in counts]

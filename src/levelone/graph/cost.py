"""What each layer costs, from the exact ranges: the table of the report and of `inspect`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.graph.ir import Graph, IntRange, Node, Value
from levelone.graph.ops import Conv, Dense


@dataclass(frozen=True)
class LayerCost:
    """One node of the graph.

    Attributes
    ----------
    name, op, shape
        The value it computes; shape channels last.
    input_widths
        Bits of every operand.
    width, signed, lo, hi
        Type and exact range of the result; for Conv and Dense that is the accumulator.
    width_bound
        Bits that the accumulator would need if only the widths of weights and operands were known.
    macs
        Multiply-accumulates per event, padding included.
    weights, weight_width, weight_lo, weight_hi
        Number of weights, bits of their type, smallest and largest code.
    ebops
        Effective bit operations per event: for each multiplication, bits of the operand times bits between
        the highest and the lowest set bit of that weight; a zero weight costs nothing.
    """

    name: str
    op: str
    shape: tuple[int, ...]
    input_widths: tuple[int, ...]
    width: int
    signed: bool
    lo: int
    hi: int
    width_bound: int
    macs: int = 0
    weights: int = 0
    weight_width: int = 0
    weight_lo: int = 0
    weight_hi: int = 0
    ebops: int = 0

    @property
    def weight_bits(self) -> int:
        """Bits of weight memory."""
        return self.weights * self.weight_width

    @property
    def saved_bits(self) -> int:
        """Bits of accumulator that knowing the weights saves."""
        return self.width_bound - self.width

    def to_dict(self) -> dict[str, Any]:
        return asdict(self) | {"weight_bits": self.weight_bits, "saved_bits": self.saved_bits}


def layer_table(graph: Graph) -> list[LayerCost]:
    """Every node in order."""
    return [_cost(graph, node) for node in graph]


def totals(table: list[LayerCost]) -> dict[str, int]:
    """Sums over the network: `macs`, `ebops`, `weights`, `weight_bits`."""
    return {
        key: sum(getattr(layer, key) for layer in table)
        for key in ("macs", "ebops", "weights", "weight_bits")
    }


def _cost(graph: Graph, node: Node) -> LayerCost:
    inputs = tuple(graph.values[name] for name in node.inputs)
    value, op = graph.values[node.name], node.op
    common: dict[str, Any] = {
        "name": node.name,
        "op": type(op).__name__,
        "shape": value.shape,
        "input_widths": tuple(x.width for x in inputs),
        "width": value.width,
        "signed": value.signed,
        "lo": value.range.lo,
        "hi": value.range.hi,
    }
    if not isinstance(op, Conv | Dense):
        return LayerCost(**common, width_bound=value.width)
    (x,) = inputs
    positions = value.size // value.shape[-1]
    lo, hi = int(op.weights.min()), int(op.weights.max())
    weights = IntRange(min(lo, 0), hi) if lo < 0 else IntRange(0, hi)
    return LayerCost(
        **common,
        width_bound=_width_bound(op, x, weights),
        macs=positions * op.weights.size,
        weights=op.weights.size,
        weight_width=weights.width,
        weight_lo=lo,
        weight_hi=hi,
        ebops=positions * int(effective_bits(op.weights).sum()) * x.width,
    )


def _width_bound(op: Conv | Dense, x: Value, weights: IntRange) -> int:
    """Width of the accumulator over *all* weights, biases and operands of these types."""
    w, a = _type_range(weights), _type_range(x.range)
    corners = [p * q for p in (w.lo, w.hi) for q in (a.lo, a.hi)]
    fan_in = prod(op.weights.shape[:-1]) * op.step
    bias = _type_range(IntRange(min(int(op.bias.min()), 0), max(int(op.bias.max()), 0)))
    return IntRange(min(corners) * fan_in + bias.lo, max(corners) * fan_in + bias.hi).width


def _type_range(reach: IntRange) -> IntRange:
    """Everything that the smallest type holding `reach` can hold."""
    if reach.signed:
        return IntRange(-(2 ** (reach.width - 1)), 2 ** (reach.width - 1) - 1)
    return IntRange(0, 2**reach.width - 1 if reach.hi else 0)


def effective_bits(weights: NDArray[np.int64]) -> NDArray[np.int64]:
    """Bits from the highest to the lowest set bit of each absolute value; 0 for 0."""
    size = np.abs(weights)
    lowest = np.where(size > 0, size & -size, 1)
    odd = size // lowest
    bits = np.zeros_like(odd)
    while (odd > 0).any():
        bits += odd > 0
        odd >>= 1
    return bits

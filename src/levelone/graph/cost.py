"""What each layer costs, from the exact ranges: the table of the report and of `inspect`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.graph.ir import Graph, IntRange, Node
from levelone.graph.ops import Affine, Conv, Dense, Multiply
from levelone.graph.ops._bounds import integers
from levelone.graph.sums import accumulator_range, width_only_range


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
        Type and exact range of the result.
    accumulator_width
        Bits of the register that sums, for Conv and Dense; what is on its way may be wider than the result.
    width_bound
        Bits that it would need if only the widths of weights and operands were known.
    macs
        Multiply-accumulates per event, padding included.
    weights, weight_width, weight_lo, weight_hi
        Number of weights, bits of their type, smallest and largest code.
    ebops
        Effective bit operations per event: for each multiplication by a constant, bits of the operand times
        bits between the highest and the lowest set bit of that constant, so that a zero costs nothing; for
        each product of two tensors, the bits of both. Requantisations:
        `levelone.hardware.cost.hardware_table`.
    """

    name: str
    op: str
    shape: tuple[int, ...]
    input_widths: tuple[int, ...]
    width: int
    signed: bool
    lo: int
    hi: int
    accumulator_width: int = 0
    width_bound: int = 0
    macs: int = 0
    weights: int = 0
    weight_width: int = 0
    weight_lo: int = 0
    weight_hi: int = 0
    ebops: int = 0

    @property
    def weight_bits(self) -> int:
        """Bits of weight memory; biases, tables and the buffers of a stream are none of it."""
        return self.weights * self.weight_width

    @property
    def saved_bits(self) -> int:
        """Bits of accumulator that knowing the weights saves."""
        return self.width_bound - self.accumulator_width

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
    if isinstance(op, Multiply):
        return LayerCost(**common, ebops=value.size * inputs[0].width * inputs[1].width)
    (x, *_) = inputs
    if isinstance(op, Affine):
        factors = np.resize(integers(op.factor), value.shape[-1])
        each = int(effective_bits(factors).sum()) * x.width
        return LayerCost(**common, ebops=value.size // value.shape[-1] * each)
    if not isinstance(op, Conv | Dense):
        return LayerCost(**common)
    positions = value.size // value.shape[-1]
    lo, hi = int(op.weights.min()), int(op.weights.max())
    weights = IntRange(min(lo, 0), hi) if lo < 0 else IntRange(0, hi)
    return LayerCost(
        **common,
        accumulator_width=accumulator_range(op, x).width,
        width_bound=width_only_range(op, x).width,
        macs=positions * op.weights.size,
        weights=op.weights.size,
        weight_width=weights.width,
        weight_lo=lo,
        weight_hi=hi,
        ebops=positions * int(effective_bits(op.weights).sum()) * x.width,
    )


def effective_bits(weights: NDArray[Any]) -> NDArray[np.int64]:
    """Bits from the highest to the lowest set bit of each absolute value; 0 for 0."""
    size = np.abs(weights)
    lowest = np.where(size > 0, size & -size, 1)
    odd = size // lowest
    bits = np.zeros(odd.shape, dtype=np.int64)
    while (odd > 0).any():
        bits += odd > 0
        odd >>= 1
    return bits

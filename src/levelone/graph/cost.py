"""What each layer costs, from the exact ranges: the table of the report and of `inspect`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from levelone.graph.ir import Graph, Node
from levelone.graph.operation import Cost


@dataclass(frozen=True, kw_only=True)
class LayerCost(Cost):
    """One node of the graph, with what its operation multiplies and holds.

    Attributes
    ----------
    name, op, shape
        The value it computes; shape channels last.
    input_widths
        Bits of every operand.
    width, signed, lo, hi
        Type and exact range of the result.
    """

    name: str
    op: str
    shape: tuple[int, ...]
    input_widths: tuple[int, ...]
    width: int
    signed: bool
    lo: int
    hi: int

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
    value = graph.values[node.name]
    return LayerCost(
        **asdict(node.op.cost(inputs, value)),
        name=node.name,
        op=type(node.op).__name__,
        shape=value.shape,
        input_widths=tuple(x.width for x in inputs),
        width=value.width,
        signed=value.signed,
        lo=value.range.lo,
        hi=value.range.hi,
    )

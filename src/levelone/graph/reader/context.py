"""The state of one reading: what each ONNX tensor has become, and how to add to the integer graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import onnx
from numpy.typing import NDArray

from levelone.errors import LeveloneError
from levelone.graph.build import GraphBuilder
from levelone.graph.ir import Layout
from levelone.graph.operation import Op
from levelone.graph.reader.arrangement import axes_order
from levelone.graph.reader.nodes import TooWideError, describe, unsupported
from levelone.graph.reader.tensors import Activation, Constant, Tensor
from levelone.graph.values import Value

MAX_OUTPUT_WIDTH = 53
"""Outputs wider than this are no float64 numbers: constants that need more bits are left to the host."""
MAX_VALUE = 2**24
"""Elements of one tensor per event; more is taken for a corrupt file."""
BUDGET = 2**28
"""Elements of all tensors together, constants included: what bounds the reader's memory and time."""


@dataclass
class Context:
    """Everything a handler of an ONNX operator needs."""

    builder: GraphBuilder
    tensors: dict[str, Tensor]
    consumers: dict[str, list[onnx.NodeProto]]
    outputs: frozenset[str]
    opset: int = 17
    """Version of ONNX's operators that the file uses."""
    called: Mapping[str, str] = field(default_factory=dict)
    """What the values of tensors are called whose own names say nothing."""
    absorbed: set[str] = field(default_factory=set)
    """Outputs of nodes that were folded into an earlier one."""
    spent: int = 0
    """Elements computed so far (see `spend`)."""

    def spend(self, elements: int, what: onnx.NodeProto | str = "the model") -> None:
        """Count elements towards the budget of one file; `LeveloneError` once it is used up."""
        self.spent += elements
        if elements > MAX_VALUE or self.spent > BUDGET:
            where = what if isinstance(what, str) else describe(what)
            raise LeveloneError(f"{where}: {elements} more numbers are too large to compute with")

    # what a node has

    def tensor(self, node: onnx.NodeProto, position: int) -> Tensor:
        """The operand at `position`; must exist."""
        if position >= len(node.input) or not node.input[position]:
            raise LeveloneError(f"{describe(node)}: operand {position} is missing")
        if node.input[position] not in self.tensors:
            raise LeveloneError(f"{describe(node)}: {node.input[position]!r} is not computed by any node")
        return self.tensors[node.input[position]]

    def has(self, node: onnx.NodeProto, position: int) -> bool:
        return position < len(node.input) and bool(node.input[position])

    def constant(self, node: onnx.NodeProto, position: int, what: str) -> Constant:
        tensor = self.tensor(node, position)
        if not isinstance(tensor, Constant):
            raise unsupported(node, f"{what} is computed, not a constant", f"a constant {what}")
        return tensor

    def value(self, activation: Activation) -> Value:
        return self.builder.values[activation.value]

    # adding to the graph

    def emit(
        self,
        tensor: str,
        op: Op,
        *inputs: Activation,
        shape: tuple[int, ...],
        order: NDArray[np.int64],
    ) -> Activation:
        """Add a node whose result is the ONNX tensor called `tensor`."""
        name = self.builder.fresh(self.called.get(tensor, tensor))
        self.spend(len(order), f"node {name}")
        self.builder.node(name, op, *(i.value for i in inputs))
        value = self.builder.values[name]
        if not value.range.in_int64:  # codes of any body are compared as such
            raise TooWideError(
                f"{name} needs {value.width} bits (codes {value.range.lo} to {value.range.hi})",
                hint="scales or biases of very different size meet here; put a Quant before it, or use "
                "power-of-two scales",
            )
        self.builder.layout(name, Layout(tensor, shape, order))
        return Activation(name, shape, order)

    def emit_last(self, tensor: str, op: Op, *inputs: Activation) -> Activation:
        """Add a node whose result is channels last here and channels first in ONNX."""
        rank = len(self.value(inputs[0]).shape)
        return self.emit_axes(tensor, op, (rank - 1, *range(rank - 1)), *inputs)

    def emit_like(self, tensor: str, op: Op, x: Activation) -> Activation:
        """Add an elementwise node: its result is laid out like its operand."""
        return self.emit(tensor, op, x, shape=x.shape, order=x.order)

    def not_the_tensor(self, x: Activation) -> None:
        """Note that codes times scale are not yet the ONNX tensor's numbers: constants still wait."""
        self.builder.layout(x.value, replace(self.builder.layouts[x.value], tensor=""))

    def emit_axes(self, tensor: str, op: Op, axes: tuple[int, ...], *inputs: Activation) -> Activation:
        """Add a node whose ONNX axes are the graph's axes `axes`."""
        shape = op.infer(tensor, *(self.value(i) for i in inputs)).shape
        return self.emit(
            tensor, op, *inputs, shape=tuple(shape[a] for a in axes), order=axes_order(shape, axes)
        )

    # look-ahead

    def sole_consumer(self, tensor: str, op_type: str) -> onnx.NodeProto | None:
        """The only reader of `tensor`, if it is of that type and the tensor is not an output."""
        readers = self.consumers.get(tensor, [])
        if tensor in self.outputs or len(readers) != 1 or readers[0].op_type != op_type:
            return None
        return readers[0]

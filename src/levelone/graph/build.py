"""Putting an integer graph together by hand: what the reader does, and what tests and examples need."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from levelone.errors import LeveloneError
from levelone.graph.ir import (
    Graph,
    GraphInput,
    InputQuantiser,
    IntRange,
    Layout,
    Node,
    Op,
    Rounding,
    Value,
)
from levelone.graph.ops import Requantise, Reshape


def sanitise(name: str) -> str:
    """The C identifier that stands for an ONNX name, everywhere."""
    plain = re.sub(r"[^0-9A-Za-z_]", "_", name).strip("_") or "value"
    return plain if plain[0].isalpha() else f"n{plain}"


class GraphBuilder:
    """Adds inputs and nodes one by one; each value is inferred at once, so errors name the node behind them.

    Examples
    --------
    >>> b = GraphBuilder("tiny")
    >>> x = b.input("x_q", (4,), Fraction(1, 4), IntRange(0, 15))
    >>> y = b.node("y", Dense(np.ones((4, 2)), np.zeros(2), (Fraction(1, 8),)), x)
    >>> z = b.requantise("z", y, Fraction(1, 4), IntRange(0, 7))
    >>> graph = b.build(z)
    """

    def __init__(self, name: str) -> None:
        self.name = sanitise(name)
        self.values: dict[str, Value] = {}
        self._inputs: list[GraphInput] = []
        self._nodes: list[Node] = []
        self.layouts: dict[str, Layout] = {}

    def input(
        self,
        name: str,
        shape: Sequence[int],
        scale: Fraction,
        range: IntRange,
        *,
        rounding: Rounding = Rounding.ROUND,
        zero_point: int = 0,
        source: str | None = None,
        channels_first: bool = True,
    ) -> str:
        """Add an input port with codes of `shape` (channels last, no batch axis); returns its name."""
        codes = IntRange(range.lo - zero_point, range.hi - zero_point)
        value = self._claim(Value(name, tuple(shape), (scale,), codes))
        quantiser = InputQuantiser(scale, range, rounding, zero_point)
        self._inputs.append(GraphInput(value, quantiser, source or name, channels_first))
        return name

    def node(self, name: str, op: Op, *inputs: str) -> str:
        """Add ``name = op(*inputs)``; returns `name`."""
        value = self._claim(op.infer(name, *(self.values[i] for i in inputs)))
        self._nodes.append(Node(value.name, op, inputs))
        return name

    def requantise(
        self, name: str, x: str, scale: Fraction, range: IntRange, rounding: Rounding = Rounding.ROUND
    ) -> str:
        """Add a quantiser of the value `x`."""
        return self.node(name, Requantise.between(self.values[x], scale, range, rounding), x)

    def layout(self, name: str, layout: Layout) -> None:
        """Record where the codes of `name` sit in the ONNX tensor it came from."""
        self.layouts[name] = layout

    def reshaped_from(self, name: str) -> tuple[int, ...] | None:
        """Shape of the operand if `name` is the result of a reshape, else None."""
        for node in self._nodes:
            if node.name == name and isinstance(node.op, Reshape):
                return self.values[node.inputs[0]].shape
        return None

    def fresh(self, name: str) -> str:
        """`name` as a C identifier that no value has yet."""
        base = candidate = sanitise(name)
        count = 1
        while candidate in self.values:
            count += 1
            candidate = f"{base}_{count}"
        return candidate

    def build(self, *outputs: str) -> Graph:
        """The finished graph, without the nodes that no output needs."""
        needed = set(outputs)
        kept: list[Node] = []
        for node in reversed(self._nodes):
            if node.name in needed:
                kept.append(node)
                needed.update(node.inputs)
        inputs = tuple(i for i in self._inputs if i.value.name in needed)
        names = [i.value.name for i in inputs] + [n.name for n in reversed(kept)]
        missing = [o for o in outputs if o not in self.values]
        if missing or not outputs:
            raise LeveloneError(
                f"graph {self.name}: no value called {missing[0] if missing else '(no output)'}"
            )
        return Graph(
            self.name,
            inputs,
            tuple(reversed(kept)),
            tuple(outputs),
            {n: self.values[n] for n in names},
            {n: self.layouts[n] for n in names if n in self.layouts},
        )

    def _claim(self, value: Value) -> Value:
        if value.name in self.values:
            raise LeveloneError(f"two values are called {value.name}")
        if sanitise(value.name) != value.name:
            raise LeveloneError(f"{value.name!r} is not a C identifier")
        if any(s <= 0 for s in value.scale):
            raise LeveloneError(f"{value.name}: scales must be positive")
        self.values[value.name] = value
        return value


def channels_first_order(shape: tuple[int, ...]) -> NDArray[np.int64]:
    """Layout order of a channels-last value of this shape whose ONNX tensor is channels first."""
    index = np.arange(int(np.prod(shape))).reshape(shape)
    return np.moveaxis(index, -1, 0).reshape(-1)

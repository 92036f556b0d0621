"""Putting an integer graph together by hand: what the reader does, and what tests and examples need."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from levelone.errors import LeveloneError
from levelone.graph.ir import Graph, GraphInput, HostStep, InputQuantiser, Layout, Node
from levelone.graph.operation import Op
from levelone.graph.ops import Requantise, Reshape
from levelone.graph.values import IntRange, Rounding, Value

LONGEST_NAME = 64
"""Longer names are cut: they become parts of file names, and some tools stop at 255 characters."""


def sanitise(name: str) -> str:
    """The C identifier that stands for a foreign name: the one place where such names are turned into ours.

    Everything but ASCII letters, digits and underscores becomes an underscore. Two names that become equal
    are told apart by `GraphBuilder.fresh`; words that C++ or hls4ml reserve are dealt with by `hls.names`.
    """
    plain = re.sub(r"[^0-9A-Za-z_]", "_", name[: 4 * LONGEST_NAME]).strip("_") or "value"
    if not plain[0].isalpha():
        plain = f"n{plain}"
    return plain[:LONGEST_NAME].rstrip("_")


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
        self.layouts: dict[str, Layout] = {}
        self._counts: dict[str, int] = {}
        self._made: dict[str, Node] = {}

    def input(
        self,
        name: str,
        shape: Sequence[int],
        scale: Fraction | Sequence[Fraction],
        range: IntRange,
        *,
        rounding: Rounding = Rounding.ROUND,
        zero_point: int = 0,
        shifts: Sequence[Fraction] = (),
        bipolar: bool = False,
        source: str | None = None,
        channels_first: bool = True,
        host: Sequence[HostStep] = (),
        source_shape: Sequence[int] = (),
        declared: bool = False,
    ) -> str:
        """Add an input port with codes of `shape` (channels last, no batch axis); returns its name.

        `scale` is one for the tensor or one per channel; the rest is as in `InputQuantiser` and `GraphInput`.
        """
        scales = (scale,) if isinstance(scale, Fraction) else tuple(scale)
        codes = IntRange(range.lo - zero_point, range.hi - zero_point)
        value = self._claim(Value(name, tuple(shape), scales, codes))
        quantiser = InputQuantiser(
            scales[0],
            range,
            rounding,
            zero_point,
            scales if len(scales) > 1 else (),
            tuple(shifts),
            bipolar,
        )
        port = GraphInput(
            value, quantiser, source or name, channels_first, tuple(host), tuple(source_shape), declared
        )
        self._inputs.append(port)
        return name

    def node(self, name: str, op: Op, *inputs: str) -> str:
        """Add ``name = op(*inputs)``; returns `name`."""
        value = self._claim(op.infer(name, *(self.values[i] for i in inputs)))
        self._made[name] = Node(value.name, op, inputs)
        return name

    def requantise(
        self, name: str, x: str, scale: Fraction, range: IntRange, rounding: Rounding = Rounding.ROUND
    ) -> str:
        """Add a quantiser of the value `x`."""
        return self.node(name, Requantise.between(self.values[x], scale, range, rounding), x)

    @property
    def ports(self) -> frozenset[str]:
        """Names of the inputs so far."""
        return frozenset(port.value.name for port in self._inputs)

    def layout(self, name: str, layout: Layout) -> None:
        """Record where the codes of `name` sit in the ONNX tensor it came from."""
        self.layouts[name] = layout

    def made_by(self, name: str) -> Node | None:
        """The node that computes `name`; None for an input."""
        return self._made.get(name)

    def reshaped_from(self, name: str) -> tuple[int, ...] | None:
        """Shape of the operand if `name` is the result of a reshape, else None."""
        made = self._made.get(name)
        reshaped = made is not None and isinstance(made.op, Reshape)
        return self.values[made.inputs[0]].shape if made is not None and reshaped else None

    def fresh(self, name: str) -> str:
        """`name` as a C identifier that no value has yet."""
        base = candidate = sanitise(name)
        count = self._counts.get(base, 1)
        while candidate in self.values:
            count += 1
            candidate = f"{base}_{count}"
        self._counts[base] = count
        return candidate

    def build(self, *outputs: str) -> Graph:
        """The finished graph, without the nodes that no output needs."""
        needed = set(outputs)
        kept: list[Node] = []
        for node in reversed(self._made.values()):
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
        if not re.fullmatch(r"[A-Za-z][0-9A-Za-z_]*", value.name):
            raise LeveloneError(f"{value.name!r} is not a C identifier")
        if any(s <= 0 for s in value.scale):
            raise LeveloneError(f"{value.name}: scales must be positive")
        self.values[value.name] = value
        return value


@lru_cache(maxsize=32)
def channels_first_order(shape: tuple[int, ...]) -> NDArray[np.int64]:
    """Layout order of a channels-last value of this shape whose ONNX tensor is channels first; read-only."""
    index = np.arange(int(np.prod(shape))).reshape(shape)
    order = np.moveaxis(index, -1, 0).reshape(-1)
    order.flags.writeable = False
    return order

"""The integer graph: one immutable, typed value between the QONNX file and every later stage.

A tensor is integer codes times an exact rational scale. Nothing here is floating point, and widths are
*derived* from exact ranges, never stored beside them. All activations are channels last, without the
batch axis: the order in which a trigger streams them and hls4ml lays them out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from types import MappingProxyType
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.int64]
"""Integer codes; a leading batch axis on activations, none on parameters."""


class Rounding(Enum):
    """Rounding modes of QONNX `Quant`, by their QONNX names."""

    ROUND = "ROUND"  # to nearest, ties to even
    CEIL = "CEIL"
    FLOOR = "FLOOR"
    UP = "UP"  # away from zero
    DOWN = "DOWN"  # towards zero
    HALF_UP = "HALF_UP"  # to nearest, ties away from zero
    HALF_DOWN = "HALF_DOWN"  # to nearest, ties towards zero


@dataclass(frozen=True)
class IntRange:
    """Every integer that can be reached: ``lo <= code <= hi``."""

    lo: int
    hi: int

    def __post_init__(self) -> None:
        if self.lo > self.hi:
            raise ValueError(f"empty range [{self.lo}, {self.hi}]")

    @property
    def signed(self) -> bool:
        return self.lo < 0

    @property
    def width(self) -> int:
        """Bits of the smallest two's-complement (signed) or plain binary (unsigned) type; at least 1."""
        if self.signed:
            return max((-self.lo - 1).bit_length(), self.hi.bit_length() if self.hi > 0 else 0) + 1
        return max(self.hi.bit_length(), 1)

    def __contains__(self, code: int) -> bool:
        return self.lo <= code <= self.hi


@dataclass(frozen=True)
class Value:
    """One tensor of the graph.

    Attributes
    ----------
    name
        Unique, a C identifier; also the name of the hls4ml layer that computes it.
    shape
        Channels last, no batch axis.
    scale
        Real value = code * scale, exact; one entry (per tensor) or one per channel (last axis).
    range
        Exact bounds of the codes over every input that the graph's input types allow.
    """

    name: str
    shape: tuple[int, ...]
    scale: tuple[Fraction, ...]
    range: IntRange

    @property
    def width(self) -> int:
        return self.range.width

    @property
    def signed(self) -> bool:
        return self.range.signed

    @property
    def exponent(self) -> int | None:
        """e with ``scale == 2**e`` if the scale is one power of two for the whole tensor, else None."""
        if len(set(self.scale)) != 1:
            return None
        num, den = self.scale[0].as_integer_ratio()
        if num > 0 and num & (num - 1) == 0 and den & (den - 1) == 0:
            return num.bit_length() - den.bit_length()
        return None


class Op(Protocol):
    """The meaning of an operation: what it computes and what it can reach.

    Implementations are frozen dataclasses, one file each in `levelone.graph.ops`.
    """

    def infer(self, name: str, *inputs: Value) -> Value:
        """Shape, scale and exact range of the output called `name`."""
        ...

    def evaluate(self, *codes: Codes) -> Codes:
        """Exact output codes, vectorised; every operand has a leading batch axis."""
        ...


@dataclass(frozen=True)
class Node:
    """`op` applied to the values named `inputs`, giving the value called `name`."""

    name: str
    op: Op
    inputs: tuple[str, ...]


@dataclass(frozen=True)
class InputQuantiser:
    """The first Quant of an input: it runs on the host, the hardware's port carries its integers."""

    scale: Fraction
    range: IntRange
    rounding: Rounding = Rounding.ROUND


@dataclass(frozen=True)
class GraphInput:
    """A hardware input port.

    Attributes
    ----------
    value
        The quantiser's integers, channels last.
    quantiser
        How real numbers become those integers.
    source
        Name of the ONNX graph input that holds the real numbers.
    channels_first
        Whether the ONNX input has its channel axis before the spatial ones.
    """

    value: Value
    quantiser: InputQuantiser
    source: str
    channels_first: bool


@dataclass(frozen=True)
class Graph:
    """A directed acyclic graph of integer operations, in topological order."""

    name: str
    inputs: tuple[GraphInput, ...]
    nodes: tuple[Node, ...]
    outputs: tuple[str, ...]
    values: Mapping[str, Value]

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", MappingProxyType(dict(self.values)))

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes)

    def node(self, name: str) -> Node:
        return next(node for node in self.nodes if node.name == name)

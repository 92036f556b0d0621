"""The integer graph: one immutable, typed value between the QONNX file and every later stage.

A tensor is integer codes times an exact rational scale. Nothing here is floating point, and widths are
*derived* from exact ranges, never stored beside them. All activations are channels last, without the
batch axis: the order in which a trigger streams them and hls4ml lays them out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from levelone.graph.operation import Op
from levelone.graph.values import IntRange, Rounding, Value


@dataclass(frozen=True)
class Node:
    """`op` applied to the values named `inputs`, giving the value called `name`."""

    name: str
    op: Op
    inputs: tuple[str, ...]


@dataclass(frozen=True)
class InputQuantiser:
    """The first Quant of an input: it runs on the host, the hardware's port carries its integers.

    The code is ``clip(round(x / scale + zero_point), range) - zero_point``.

    Attributes
    ----------
    scale
        Of the tensor; where channels differ, the first one's.
    scales
        One per channel (last axis of the port) where they differ, else empty.
    shifts
        Added instead of the zero point, one or one per channel, where that is no single integer; the graph
        takes them off again (`zero_point` is 0 then). Else empty.
    bipolar
        The code is 1 where ``x >= 0`` and 0 elsewhere; `range` is 0 to 1 and nothing rounds.
    """

    scale: Fraction
    range: IntRange
    rounding: Rounding = Rounding.ROUND
    zero_point: int = 0
    scales: tuple[Fraction, ...] = ()
    shifts: tuple[Fraction, ...] = ()
    bipolar: bool = False


class HostStep(Protocol):
    """What the host computes in float32 between an ONNX input and its quantiser (`levelone.graph.host`)."""

    def run(self, real: NDArray[np.float32]) -> NDArray[np.float32]:
        """[event, *shape] -> [event, *shape]."""
        ...

    def undo(self, real: NDArray[np.float64]) -> NDArray[np.float64]:
        """Numbers that `run` turns into `real`; `LeveloneError` if there are none."""
        ...


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
    host
        Steps before the quantiser: layouts and constants that exporters put there.
    source_shape
        Shape of the ONNX input without the batch axis where steps change it; empty: the quantiser's own.
    declared
        Whether no quantiser stands there: the user declared the port's type, or the file annotates it.
    """

    value: Value
    quantiser: InputQuantiser
    source: str
    channels_first: bool
    host: tuple[HostStep, ...] = ()
    source_shape: tuple[int, ...] = ()
    declared: bool = False


@dataclass(frozen=True, eq=False)
class Layout:
    """Where the codes of a value sit in the ONNX tensor it came from.

    Attributes
    ----------
    tensor
        Name of the ONNX tensor whose real numbers are code * scale; empty if it is none of them (a sum before
        the bias that a later quantiser folds in).
    shape
        Its shape without the batch axis, usually channels first.
    order
        int64 [size]: flat ONNX element ``i`` is flat graph element ``order[i]``.
    """

    tensor: str
    shape: tuple[int, ...]
    order: NDArray[np.int64]


@dataclass(frozen=True)
class HostEnd:
    """What the host makes of an output's codes: ``clamp(gain * code * scale + bias)``.

    Constants at the end of a network whose exact integers would be too wide for hardware and C simulation.

    Attributes
    ----------
    gain, bias
        One for the tensor, or one per channel (last axis of the graph's value).
    lower, upper
        Limits, if there are any.
    """

    gain: tuple[Fraction, ...]
    bias: tuple[Fraction, ...]
    lower: Fraction | None = None
    upper: Fraction | None = None

    def real(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Real numbers [event, *graph shape] of ``code * scale``, in float64."""
        gain, bias = (np.array([float(x) for x in numbers]) for numbers in (self.gain, self.bias))
        found = values * gain + bias
        if self.lower is not None:
            found = np.maximum(found, float(self.lower))
        return found if self.upper is None else np.minimum(found, float(self.upper))


@dataclass(frozen=True, eq=False)
class GraphOutput:
    """A tensor of the ONNX file that the graph computes: an output of the file, or what its tail needs.

    Attributes
    ----------
    name
        In the ONNX file.
    value
        The graph's output that holds its codes.
    layout
        Where its elements sit there.
    """

    name: str
    value: str
    layout: Layout


class HostTail(Protocol):
    """What the host computes in float32 behind the graph's outputs (`levelone.graph.host`)."""

    @property
    def operands(self) -> tuple[str, ...]:
        """ONNX names of what it is given (see `Graph.computed`)."""
        ...

    @property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Shape of each of its results, which are outputs of the ONNX file, without the batch axis."""
        ...

    def run(self, real: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Results [event, *shape] of real numbers [event, *ONNX shape], both by ONNX name."""
        ...


@dataclass(frozen=True, eq=False)
class Graph:
    """A directed acyclic graph of integer operations, in topological order.

    `values` holds every input and every node's output by name; `layouts` says how those that come from
    an ONNX tensor are laid out there; `left_off` names final operators that stay on the host, and `ends` the
    constants that it still applies to outputs. `onnx_outputs` names the file's outputs in its order, and
    `computed` holds the tensors of the file that are codes of outputs: some of those, and what `tail` needs
    for the others. A graph built by hand has none of the three.
    """

    name: str
    inputs: tuple[GraphInput, ...]
    nodes: tuple[Node, ...]
    outputs: tuple[str, ...]
    values: Mapping[str, Value]
    layouts: Mapping[str, Layout] = field(default_factory=dict)
    left_off: tuple[str, ...] = ()
    ends: Mapping[str, HostEnd] = field(default_factory=dict)
    onnx_outputs: tuple[str, ...] = ()
    computed: tuple[GraphOutput, ...] = ()
    tail: HostTail | None = None

    def __post_init__(self) -> None:
        for mapping in ("values", "layouts", "ends"):
            object.__setattr__(self, mapping, MappingProxyType(dict(getattr(self, mapping))))

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes)

    def node(self, name: str) -> Node:
        """The node that computes the value called `name`; `StopIteration` if an input or nothing does."""
        return next(node for node in self.nodes if node.name == name)

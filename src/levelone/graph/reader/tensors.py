"""What an ONNX tensor is while the graph is being read: constants, real inputs, integer activations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property, reduce
from math import gcd, lcm
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from levelone.errors import LeveloneError, plain
from levelone.graph.ir import HostStep

Fractions = tuple[Fraction, ...]


@dataclass(frozen=True, eq=False)
class Constant:
    """A parameter.

    Attributes
    ----------
    values
        As ONNX has it.
    codes, scale
        Where it went through a quantiser: int64 codes and float64 scales of the same shape, exactly
        ``values == codes * scale`` over the reals; else None.
    probe
        What it would be if there were two events, where that is something else.
    """

    values: NDArray[Any]
    codes: NDArray[np.int64] | None = None
    scale: NDArray[np.float64] | None = None
    probe: NDArray[Any] | None = None

    @property
    def probed(self) -> NDArray[Any]:
        """What it would be if there were two events."""
        return self.values if self.probe is None else self.probe

    def moved(self, move: Callable[[NDArray[Any]], NDArray[Any]]) -> Constant:
        """The same numbers after a transpose, reshape and the like."""
        if self.codes is None or self.scale is None:
            return Constant(move(self.values), probe=None if self.probe is None else move(self.probe))
        return Constant(move(self.values), move(self.codes), move(self.scale))


@dataclass(frozen=True)
class Raised:
    """A whole power of a number, 2 or more, and a factor and a term after it."""

    exponent: int
    gain: Fractions = (Fraction(1),)
    bias: Fractions = (Fraction(0),)


@dataclass(frozen=True)
class Function:
    """A function of a real number, waiting for a quantiser to make it a table.

    Attributes
    ----------
    name
        ONNX operator, for messages.
    of
        Exact where the function is rational, else the float64 value; one, or one per channel of the graph's
        value.
    slopes
        Where it is ``x if x >= 0 else slope * x``: one, or one per channel; else empty.
    turns
        Where it never falls: empty. Where it falls and then rises: two numbers around the point at which it
        turns. None if it does anything else.
    depth
        Of how many functions it is made: what one of its values costs.
    raised
        The same as integers, where it is a whole power.
    tensor
        The ONNX tensor that it gives, if it is one.
    """

    name: str
    of: tuple[Callable[[Fraction], Fraction | float], ...]
    slopes: Fractions = ()
    turns: tuple[Fraction, Fraction] | tuple[()] | None = None
    depth: int = 1
    raised: Raised | None = None
    tensor: str = ""


@dataclass(frozen=True)
class Real:
    """A graph input before its quantiser, after what the host does to it.

    Attributes
    ----------
    shape, before
        ONNX shape without the batch axis: of this tensor, and of the input itself.
    """

    source: str
    shape: tuple[int, ...]
    before: tuple[int, ...]
    steps: tuple[HostStep, ...] = ()


@dataclass(frozen=True, eq=False)
class Activation:
    """Integers of the graph, seen as an ONNX tensor.

    The real number is ``gain * code * scale + bias`` per channel (last axis of the graph's value), to which
    that of `plus` is added, then clamped to `lower` and `upper`, then put through `function`: all of that
    waits here until a quantiser folds it into its one exact rounding.

    Attributes
    ----------
    value
        Name in the integer graph.
    shape, order
        ONNX shape without the batch axis; flat ONNX element ``i`` is flat graph element ``order[i]``.
    plus
        A second operand, laid out alike and neither clamped nor in a function, if their common grid is too
        fine for a sum in integers.
    """

    value: str
    shape: tuple[int, ...]
    order: NDArray[np.int64]
    gain: Fractions = (Fraction(1),)
    bias: Fractions = (Fraction(0),)
    lower: Fraction | None = None
    upper: Fraction | None = None
    function: Function | None = None
    plus: Activation | None = None

    @property
    def clamped(self) -> bool:
        return self.lower is not None or self.upper is not None

    @property
    def pending(self) -> bool:
        constants = set(self.gain) != {1} or set(self.bias) != {0}
        return self.clamped or constants or self.function is not None or self.plus is not None

    def clamp(self, lower: Fraction | None, upper: Fraction | None) -> Activation:
        """Clamped once more."""

        def inside(x: Fraction | None) -> Fraction | None:
            if x is not None and lower is not None:
                x = max(x, lower)
            if x is not None and upper is not None:
                x = min(x, upper)
            return x

        return replace(
            self,
            lower=lower if self.lower is None else inside(self.lower),
            upper=upper if self.upper is None else inside(self.upper),
        )


@dataclass(frozen=True, eq=False)
class Deferred:
    """What a node would give that waits for a quantiser before it (see `levelone.graph.reader.travel`).

    Attributes
    ----------
    tensor
        The ONNX tensor that it stands for; empty if what follows it there has been applied before it.
    position
        Which of the node's results it is.
    operands
        By position: what the node is given, constants left out.
    """

    tensor: str
    node: onnx.NodeProto
    position: int
    operands: Mapping[int, Tensor]

    @cached_property
    def depth(self) -> int:
        """How many deferred nodes lie on top of each other."""
        return 1 + max((x.depth for x in self.operands.values() if isinstance(x, Deferred)), default=0)


Tensor = Constant | Real | Activation | Deferred


def finite(node: onnx.NodeProto, constant: Constant) -> NDArray[Any]:
    """The exact numbers of a constant, as floats."""
    if not np.isfinite(constant.values).all():
        raise LeveloneError(
            f"node '{plain(node.name or node.output[0])}' ({plain(node.op_type)}): "
            f"its constant holds NaN or infinity"
        )
    if constant.codes is not None and constant.scale is not None:
        product = constant.codes * constant.scale
        if (np.abs(constant.codes) < 2**24).all():
            return product  # exact in float64: at most 24 bits times 24 bits
    return constant.values


def rational_gcd(values: list[Fraction]) -> Fraction:
    """The coarsest grid on which every value lies (positive); 0 if all are 0."""
    values = [v for v in values if v]
    if not values:
        return Fraction(0)
    denominator = lcm(*(v.denominator for v in values))
    return Fraction(reduce(gcd, (int(v * denominator) for v in values), 0), denominator)


def is_power_of_two(x: Fraction) -> bool:
    """Whether x is 2**n for some integer n."""
    n, d = x.numerator, x.denominator
    return n > 0 and n & (n - 1) == 0 and d & (d - 1) == 0


def fractions(array: NDArray[Any]) -> Fractions:
    """The exact rational values of floats, flat."""
    return tuple(Fraction(x) for x in np.asarray(array, dtype=np.float64).reshape(-1).tolist())


def binary_grid(array: NDArray[Any]) -> tuple[NDArray[Any], Fraction]:
    """Floats as integers on their coarsest power-of-two grid: (object array of Python integers, scale)."""
    if not np.isfinite(array).all():
        raise ValueError("its constant holds NaN or infinity")
    mantissa, exponent = np.frexp(np.asarray(array, dtype=np.float64))
    whole = (mantissa * 2.0**53).astype(np.int64)
    used = whole[whole != 0]
    if used.size == 0:
        return np.zeros(array.shape, dtype=object), Fraction(1)
    low_bit = np.log2((used & -used).astype(np.float64)).astype(np.int64)
    finest = int((exponent[whole != 0] - 53 + low_bit).min())
    codes = np.array(
        [
            int(Fraction(x) / Fraction(2) ** finest)
            for x in np.asarray(array, np.float64).reshape(-1).tolist()
        ],
        dtype=object,
    )
    return codes.reshape(array.shape), Fraction(2) ** finest

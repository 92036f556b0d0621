"""`Quant`, `IntQuant` and `BipolarQuant` as the file has them: parameters, and rounding numbers by them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from levelone.errors import LeveloneError, plain
from levelone.graph.reader.context import Context
from levelone.graph.reader.nodes import attributes, describe, unsupported
from levelone.graph.rounding import round_float, round_fraction
from levelone.graph.values import IntRange, Rounding

QUANTISERS = frozenset({"BipolarQuant", "IntQuant", "Quant"})
MAX_BITS = 62
ROUNDINGS = {mode.value: mode for mode in Rounding} | {"HALF_EVEN": Rounding.ROUND}
NO_ZERO = np.zeros((), dtype=np.float32)


@dataclass(frozen=True, eq=False)
class QuantiserNode:
    """Parameters of a quantiser as the file has them.

    Attributes
    ----------
    scale, zero_point
        float32, finite, scales positive; broadcast against the operand.
    range
        Of the codes before the zero point is taken off.
    bipolar
        Whether the codes are the sign, -1 or +1 (then `range` is that, and rounding means nothing).
    """

    scale: NDArray[np.float32]
    zero_point: NDArray[np.float32]
    range: IntRange
    rounding: Rounding
    bipolar: bool = False

    @property
    def whole_zero(self) -> int | None:
        """The zero point if it is one integer, else None."""
        numbers = np.unique(self.zero_point)
        return int(numbers[0]) if len(numbers) == 1 and numbers[0] == np.rint(numbers[0]) else None

    def code(self, x: Fraction, scale: Fraction, zero: Fraction) -> int:
        """The code of a real number, before the zero point is taken off."""
        code = round_fraction(x / scale + zero, self.rounding)
        return min(max(code, self.range.lo), self.range.hi)


def quantiser_of(ctx: Context, node: onnx.NodeProto) -> QuantiserNode:
    """Read and check the parameters of a quantiser node."""
    scale = np.asarray(ctx.constant(node, 1, "scale").values, dtype=np.float32)
    if scale.size == 0 or not (np.isfinite(scale) & (scale > 0)).all():
        raise LeveloneError(f"{describe(node)}: scales must be positive finite numbers")
    if node.op_type == "BipolarQuant":
        return QuantiserNode(scale, NO_ZERO, IntRange(-1, 1), Rounding.ROUND, bipolar=True)
    given = attributes(node)
    mode = str(given.get("rounding_mode", "ROUND")).upper()
    if mode not in ROUNDINGS:
        raise unsupported(node, f"rounding mode {mode!r}", f"one of {', '.join(ROUNDINGS)}")
    zero_point = np.asarray(ctx.constant(node, 2, "zero point").values, dtype=np.float32)
    if zero_point.size == 0 or not np.isfinite(zero_point).all() or np.abs(zero_point).max() >= 2**24:
        raise unsupported(node, f"zero point {brief(zero_point)}", "a zero point below 2**24")
    bits = one_number(ctx.constant(node, 3, "bit width").values, node, "bit width")
    if not 1 <= bits <= MAX_BITS:
        raise unsupported(node, f"bit width {bits}", f"1 to {MAX_BITS} bits")
    signed, narrow = (_flag(node, given, *flag) for flag in (("signed", 1), ("narrow", 0)))
    if bits == 1 and signed:
        if zero_point.any():
            raise unsupported(node, "one signed bit with a zero point", "zero point 0")
        return QuantiserNode(scale, NO_ZERO, IntRange(-1, 1), Rounding.ROUND, bipolar=True)
    rounding = ROUNDINGS[mode]
    if bits == int(bits):
        return QuantiserNode(scale, zero_point, code_limits(int(bits), signed, narrow), rounding)
    # numbers are clipped to limits between two codes, and then rounded
    least, most = (-(2 ** (bits - 1)) + narrow, 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1 - narrow)
    lo, hi = (int(end) for end in round_float(np.array([least, most]), rounding))
    return QuantiserNode(scale, zero_point, IntRange(lo, hi), rounding)


def _flag(node: onnx.NodeProto, given: dict[str, Any], name: str, default: int) -> bool:
    value = given.get(name, default)
    if value not in (0, 1):
        raise unsupported(node, f"{name} is {plain(repr(value))}", f"{name}=0 or {name}=1")
    return bool(value)


def code_limits(bits: int, signed: bool, narrow: bool) -> IntRange:
    """Smallest and largest code of a QONNX integer type."""
    if signed:
        return IntRange(-(2 ** (bits - 1)) + narrow, 2 ** (bits - 1) - 1)
    return IntRange(0, 2**bits - 1 - narrow)


def one_number(array: NDArray[np.float32], node: onnx.NodeProto, what: str) -> float:
    """The one number that a parameter holds."""
    numbers = np.unique(array)
    if len(numbers) != 1 or not np.isfinite(numbers[0]):
        raise unsupported(node, f"{what} {brief(array)}", f"one {what} for the tensor")
    return float(numbers[0])


def whole(array: NDArray[np.float32], node: onnx.NodeProto, what: str) -> int:
    """The one integer that a parameter holds."""
    number = one_number(array, node, what)
    if number != np.rint(number):
        raise unsupported(node, f"{what} {brief(array)}", f"one integer {what} for the tensor")
    return int(number)


def brief(array: NDArray[Any]) -> str:
    """An array as a message shows it."""
    return str(array.item()) if array.size == 1 else f"of shape {array.shape}"


def round_constant(quantiser: QuantiserNode, values: NDArray[np.float32]) -> NDArray[np.int64]:
    """Codes of float32 numbers before the zero point is taken off: float32 division, rounding, saturation."""
    with np.errstate(over="ignore"):
        scaled = (values / quantiser.scale).astype(np.float32)
        scaled = scaled + quantiser.zero_point
    if quantiser.bipolar:
        return np.where(values >= 0, 1, -1).astype(np.int64)
    clipped = np.clip(scaled.astype(np.float64), quantiser.range.lo, quantiser.range.hi)
    return round_float(clipped, quantiser.rounding).astype(np.int64)

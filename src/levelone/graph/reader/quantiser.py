"""`Quant`, `IntQuant` and `BipolarQuant`: their parameters, and quantising activations and inputs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from math import prod
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from levelone.errors import LeveloneError, UnsupportedError, plain
from levelone.graph.build import channels_first_order
from levelone.graph.ir import IntRange, Layout, Rounding
from levelone.graph.ops import AddRequantise, Affine, Requantise
from levelone.graph.ops._bounds import spread
from levelone.graph.reader.context import (
    CHANNELS_LAST,
    Context,
    attributes,
    describe,
    per_channel,
    unsupported,
)
from levelone.graph.reader.tables import read_table
from levelone.graph.reader.tensors import Activation, Fractions, Real
from levelone.graph.rounding import round_float, round_fraction

MAX_BITS = 62
ROUNDINGS = {mode.value: mode for mode in Rounding} | {"HALF_EVEN": Rounding.ROUND}


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


NO_ZERO = np.zeros((), dtype=np.float32)


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
    bits = whole(ctx.constant(node, 3, "bit width").values, node, "bit width")
    if not 1 <= bits <= MAX_BITS:
        raise unsupported(node, f"bit width {bits}", f"1 to {MAX_BITS} bits")
    signed, narrow = (_flag(node, given, *flag) for flag in (("signed", 1), ("narrow", 0)))
    if bits == 1 and signed:
        if zero_point.any():
            raise unsupported(node, "one signed bit with a zero point", "zero point 0")
        return QuantiserNode(scale, NO_ZERO, IntRange(-1, 1), Rounding.ROUND, bipolar=True)
    return QuantiserNode(scale, zero_point, code_limits(bits, signed, narrow), ROUNDINGS[mode])


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


def whole(array: NDArray[np.float32], node: onnx.NodeProto, what: str) -> int:
    """The one integer that a parameter holds."""
    numbers = np.unique(array)
    if len(numbers) != 1 or not np.isfinite(numbers[0]) or numbers[0] != np.rint(numbers[0]):
        raise unsupported(node, f"{what} {brief(array)}", f"one integer {what} for the tensor")
    return int(numbers[0])


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


def read_quantiser(ctx: Context, node: onnx.NodeProto) -> Activation:
    """A quantiser of an input becomes a port; one of an activation becomes a `Requantise`."""
    quantiser = quantiser_of(ctx, node)
    x = ctx.tensor(node, 0)
    if isinstance(x, Real):
        return make_port(ctx, node, quantiser, x)
    x = ctx.raw(node, 0, sums=True)
    if x.plus is not None and (quantiser.bipolar or quantiser.whole_zero is None):
        x = ctx.settle(x)
    scale = ctx.per_channel(node, x, quantiser.scale, "scale")
    zero = ctx.per_channel(node, x, quantiser.zero_point, "zero point")
    limits = quantiser.range
    value = ctx.value(x)
    if x.function is not None:
        return read_table(ctx, node, quantiser, x, scale)
    at_zero = {x.lower, x.upper} <= {Fraction(0), None}  # where scales make no difference
    if x.clamped and (quantiser.bipolar or (len(scale) != 1 and not at_zero) or len(zero) != 1):
        x = ctx.settle(x)
        value = ctx.value(x)
    if quantiser.bipolar:
        op = Requantise.between(
            value,
            scale,
            IntRange(0, 1),
            Rounding.FLOOR,
            gain=x.gain,
            bias=x.bias,
        )
        op = replace(op, offset=tuple(b + 1 for b in op.offset))  # floor(y) + 1 >= 1 exactly where y >= 0
        bit = ctx.emit_like(f"{node.output[0]}_bit", op, x)
        ctx.not_the_tensor(bit)
        return ctx.emit_like(node.output[0], Affine((2,), (-1,), scale), bit)
    if x.clamped:
        # rounding and saturation are monotone: clamping first only narrows the limits
        limits = IntRange(
            limits.lo if x.lower is None else quantiser.code(x.lower, scale[0], zero[0]),
            limits.hi if x.upper is None else quantiser.code(x.upper, scale[0], zero[0]),
        )
    if x.plus is not None:
        both = _rounded_sum(ctx, quantiser, x, scale, limits)
        return ctx.emit(node.output[0], both, x, x.plus, shape=x.shape, order=x.order)
    if quantiser.whole_zero is None:
        # such a zero point is on no code's grid: the codes stay as they are, and a finer grid takes it off
        op = Requantise.between(value, scale, limits, quantiser.rounding, gain=x.gain, bias=x.bias)
        op = replace(op, offset=_summed(op.offset, zero))
        raw = ctx.emit_like(f"{node.output[0]}_code", op, x)
        ctx.not_the_tensor(raw)
        return ctx.emit_like(node.output[0], _without_zero(scale, zero), raw)
    op = Requantise.between(
        value,
        scale,
        limits,
        quantiser.rounding,
        gain=x.gain,
        bias=x.bias,
        zero_point=quantiser.whole_zero,
    )
    return ctx.emit_like(node.output[0], op, x)


def _rounded_sum(
    ctx: Context, quantiser: QuantiserNode, x: Activation, scale: Fractions, limits: IntRange
) -> AddRequantise:
    """The quantiser of an activation with a second operand."""
    assert x.plus is not None and quantiser.whole_zero is not None  # noqa: S101  (the caller's case)
    first, second = (
        Requantise.between(ctx.value(term), scale, limits, quantiser.rounding, gain=term.gain, bias=term.bias)
        for term in (x, x.plus)
    )
    offset = _summed(_summed(first.offset, second.offset), (Fraction(quantiser.whole_zero),))
    return AddRequantise(
        (first.multiplier, second.multiplier), offset, scale, limits, quantiser.rounding, quantiser.whole_zero
    )


def _summed(offset: Fractions, zero: Fractions) -> Fractions:
    count = max(len(offset), len(zero))
    return tuple(a + b for a, b in zip(spread(offset, count), spread(zero, count), strict=True))


def _without_zero(scale: Fractions, zero: Fractions) -> Affine:
    """``(code - zero) * scale`` as integers, one grid per channel."""
    count = max(len(scale), len(zero))
    pairs = list(zip(spread(scale, count), spread(zero, count), strict=True))
    factor = tuple(z.denominator for _, z in pairs)
    return Affine(factor, tuple(-z.numerator for _, z in pairs), tuple(s / z.denominator for s, z in pairs))


def make_port(ctx: Context, node: onnx.NodeProto, quantiser: QuantiserNode, x: Real) -> Activation:
    """The hardware input that carries the quantiser's integers, and what brings them to the tensor's grid."""
    last = (False, x.shape, np.arange(prod(x.shape)))
    shape = (*x.shape[1:], x.shape[0])
    arranged = [last]
    if not _turned(ctx, node.output[0], len(x.shape)):
        arranged.insert(0, (True, shape, channels_first_order(shape)))
    for arrangement in arranged:
        first, shape, order = arrangement
        try:
            scale = per_channel(node, x.shape, order, shape[-1], quantiser.scale, "scale")
            zero = per_channel(node, x.shape, order, shape[-1], quantiser.zero_point, "zero point")
            break
        except UnsupportedError:
            if arrangement is last:
                raise
    ctx.spend(prod(shape), node)
    plain = quantiser.whole_zero is not None and not quantiser.bipolar
    tensor = node.output[0]
    name = ctx.builder.fresh(tensor if plain else f"{tensor}_{'bit' if quantiser.bipolar else 'code'}")
    ctx.builder.input(
        name,
        shape,
        scale,
        IntRange(0, 1) if quantiser.bipolar else quantiser.range,
        rounding=quantiser.rounding,
        zero_point=quantiser.whole_zero or 0,
        shifts=() if plain or quantiser.bipolar else zero,
        bipolar=quantiser.bipolar,
        source=x.source,
        channels_first=first,
        host=x.steps,
        source_shape=() if x.before == x.shape else x.before,
    )
    ctx.builder.layout(name, Layout(tensor if plain else "", x.shape, order))
    port = Activation(name, x.shape, order)
    if plain:
        return port
    op = Affine((2,), (-1,), scale) if quantiser.bipolar else _without_zero(scale, zero)
    return ctx.emit_like(tensor, op, port)


def _turned(ctx: Context, tensor: str, rank: int) -> bool:
    """Whether all that reads an input takes its last axis for the channels: then it is channels last."""
    readers = ctx.consumers.get(tensor, [])
    turned = [0, rank, *range(1, rank)]
    return bool(readers) and all(
        (n.op_type == "Transpose" and attributes(n).get("perm") == turned) or n.domain == CHANNELS_LAST
        for n in readers
    )

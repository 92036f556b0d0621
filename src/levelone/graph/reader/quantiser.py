"""`Quant`, `IntQuant` and `BipolarQuant`: their parameters, and quantising activations and inputs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import onnx
from numpy.typing import NDArray

from levelone.errors import LeveloneError
from levelone.graph.build import channels_first_order
from levelone.graph.inputs import round_float
from levelone.graph.ir import IntRange, Layout, Rounding
from levelone.graph.ops import Affine, Lookup, Requantise
from levelone.graph.reader.context import Context, attributes, describe, unsupported
from levelone.graph.reader.tensors import Activation, Fractions, Real
from levelone.graph.rounding import round_fraction

MAX_BITS = 62
MAX_TABLE = 2**17
"""Entries of the largest table that a function becomes."""
ROUNDINGS = {mode.value: mode for mode in Rounding} | {"HALF_EVEN": Rounding.ROUND}


@dataclass(frozen=True, eq=False)
class QuantiserNode:
    """Parameters of a quantiser as the file has them.

    Attributes
    ----------
    scale
        float32, positive and finite; broadcasts against the operand.
    zero_point
        An integer.
    range
        Of the codes before the zero point is taken off.
    bipolar
        Whether the codes are the sign, -1 or +1 (then `range` is that, and rounding means nothing).
    """

    scale: NDArray[np.float32]
    zero_point: int
    range: IntRange
    rounding: Rounding
    bipolar: bool = False


def quantiser_of(ctx: Context, node: onnx.NodeProto) -> QuantiserNode:
    """Read and check the parameters of a quantiser node."""
    scale = np.asarray(ctx.constant(node, 1, "scale").values, dtype=np.float32)
    if scale.size == 0 or not (np.isfinite(scale) & (scale > 0)).all():
        raise LeveloneError(f"{describe(node)}: scales must be positive finite numbers")
    if node.op_type == "BipolarQuant":
        return QuantiserNode(scale, 0, IntRange(-1, 1), Rounding.ROUND, bipolar=True)
    given = attributes(node)
    mode = str(given.get("rounding_mode", "ROUND")).upper()
    if mode not in ROUNDINGS:
        raise unsupported(node, f"rounding mode {mode!r}", f"one of {', '.join(ROUNDINGS)}")
    zero_point = whole(ctx.constant(node, 2, "zero point").values, node, "zero point")
    bits = whole(ctx.constant(node, 3, "bit width").values, node, "bit width")
    if not 1 <= bits <= MAX_BITS:
        raise unsupported(node, f"bit width {bits}", f"1 to {MAX_BITS} bits")
    signed, narrow = bool(given.get("signed", 1)), bool(given.get("narrow", 0))
    if bits == 1 and signed:
        if zero_point:
            raise unsupported(node, "one signed bit with a zero point", "zero point 0")
        return QuantiserNode(scale, 0, IntRange(-1, 1), Rounding.ROUND, bipolar=True)
    return QuantiserNode(scale, zero_point, code_limits(bits, signed, narrow), ROUNDINGS[mode])


def code_limits(bits: int, signed: bool, narrow: bool) -> IntRange:
    """Smallest and largest code of a QONNX integer type."""
    if signed:
        return IntRange(-(2 ** (bits - 1)) + narrow, 2 ** (bits - 1) - 1)
    return IntRange(0, 2**bits - 1 - narrow)


def whole(array: NDArray[np.float32], node: onnx.NodeProto, what: str) -> int:
    """The one integer that a parameter holds."""
    """The one integer that a parameter holds."""
    numbers = np.unique(array)
    if len(numbers) != 1 or not np.isfinite(numbers[0]) or numbers[0] != np.rint(numbers[0]):
        raise unsupported(node, f"{what} {array.tolist()}", f"one integer {what} for the tensor")
    return int(numbers[0])


def round_constant(quantiser: QuantiserNode, values: NDArray[np.float32]) -> NDArray[np.int64]:
    """Centred codes of float32 numbers: float32 division, then exact rounding and saturation."""
    with np.errstate(over="ignore"):
        scaled = (values / quantiser.scale).astype(np.float32)
        scaled += np.float32(quantiser.zero_point)
    if quantiser.bipolar:
        return np.where(scaled >= 0, 1, -1).astype(np.int64)
    clipped = np.clip(scaled.astype(np.float64), quantiser.range.lo, quantiser.range.hi)
    return round_float(clipped, quantiser.rounding).astype(np.int64) - quantiser.zero_point


def read_quantiser(ctx: Context, node: onnx.NodeProto) -> Activation:
    """A quantiser of an input becomes a port; one of an activation becomes a `Requantise`."""
    quantiser = quantiser_of(ctx, node)
    x = ctx.tensor(node, 0)
    if isinstance(x, Real):
        return _port(ctx, node, quantiser, x)
    x = ctx.raw(node, 0)
    scale = ctx.per_channel(node, x, quantiser.scale, "scale")
    limits = quantiser.range
    value = ctx.value(x)
    if x.function is not None:
        return _table(ctx, node, quantiser, x, scale)
    if x.clamped and (quantiser.bipolar or len(scale) != 1):
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
        return ctx.emit_like(node.output[0], Affine((2,), (-1,), scale), bit)
    if x.clamped:
        # rounding and saturation are monotone: clamping first only narrows the limits
        limits = IntRange(
            limits.lo if x.lower is None else _code(x.lower, quantiser, scale[0]),
            limits.hi if x.upper is None else _code(x.upper, quantiser, scale[0]),
        )
    op = Requantise.between(
        value,
        scale,
        limits,
        quantiser.rounding,
        gain=x.gain,
        bias=x.bias,
        zero_point=quantiser.zero_point,
    )
    return ctx.emit_like(node.output[0], op, x)


def _code(x: Fraction, quantiser: QuantiserNode, scale: Fraction) -> int:
    """The code of a real number, before the zero point is taken off."""
    code = round_fraction(x / scale + quantiser.zero_point, quantiser.rounding)
    return min(max(code, quantiser.range.lo), quantiser.range.hi)


def _table(
    ctx: Context, node: onnx.NodeProto, quantiser: QuantiserNode, x: Activation, scale: Fractions
) -> Activation:
    """A function and its quantiser as one table over every code that can reach it."""
    assert x.function is not None  # noqa: S101  (the caller's case)
    if quantiser.bipolar or len(scale) != 1:
        raise unsupported(node, f"follows {x.function.name}", "a Quant with one scale of 2 bits or more")
    of = x.function.of
    x = ctx.settle(replace(x, function=None))
    value = ctx.value(x)
    lo, hi = value.range.lo, value.range.hi
    if (hi - lo + 1) * len(value.scale) > MAX_TABLE:
        raise unsupported(
            node,
            f"the function before it would need a table of {hi - lo + 1} entries (codes {lo} to {hi})",
            f"a Quant before the function as well, so that a table of {MAX_TABLE} entries is enough",
        )
    table = [
        [_code(Fraction(of(c * s)), quantiser, scale[0]) - quantiser.zero_point for c in range(lo, hi + 1)]
        for s in value.scale
    ]
    return ctx.emit_like(
        node.output[0], Lookup(lo, np.array(table if len(table) > 1 else table[0]), scale), x
    )


def _port(ctx: Context, node: onnx.NodeProto, quantiser: QuantiserNode, x: Real) -> Activation:
    if quantiser.bipolar or quantiser.scale.size != 1:
        what = "a bipolar quantiser" if quantiser.bipolar else "a scale per channel"
        raise unsupported(node, f"{what} on input {x.source!r}", "a Quant with one scale of 2 bits or more")
    first = not _turned(ctx, node.output[0], len(x.shape))
    shape = (*x.shape[1:], x.shape[0]) if first else x.shape
    order = channels_first_order(shape) if first else np.arange(int(np.prod(shape)))
    name = ctx.builder.fresh(node.output[0])
    ctx.builder.input(
        name,
        shape,
        Fraction(float(quantiser.scale.reshape(-1)[0])),
        quantiser.range,
        rounding=quantiser.rounding,
        zero_point=quantiser.zero_point,
        source=x.source,
        channels_first=first,
    )
    ctx.builder.layout(name, Layout(node.output[0], x.shape, order))
    return Activation(name, x.shape, order)


def _turned(ctx: Context, tensor: str, rank: int) -> bool:
    """Whether everything that reads an input brings its last axis to the front: then it is channels last."""
    perms = [attributes(n).get("perm") for n in ctx.consumers.get(tensor, []) if n.op_type == "Transpose"]
    turned = [0, rank, *range(1, rank)]
    return bool(perms) and len(perms) == len(ctx.consumers[tensor]) and all(p == turned for p in perms)

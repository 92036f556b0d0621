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
from levelone.graph.ops import Affine, Requantise
from levelone.graph.reader.context import Context, attributes, describe, unsupported
from levelone.graph.reader.tensors import Activation, Real
from levelone.graph.rounding import round_fraction

MAX_BITS = 62
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
    zero_point = _whole(ctx.constant(node, 2, "zero point").values, node, "zero point")
    bits = _whole(ctx.constant(node, 3, "bit width").values, node, "bit width")
    if not 1 <= bits <= MAX_BITS:
        raise unsupported(node, f"bit width {bits}", f"1 to {MAX_BITS} bits")
    signed, narrow = bool(given.get("signed", 1)), bool(given.get("narrow", 0))
    if bits == 1 and signed:
        if zero_point:
            raise unsupported(node, "one signed bit with a zero point", "zero point 0")
        return QuantiserNode(scale, 0, IntRange(-1, 1), Rounding.ROUND, bipolar=True)
    lo = -(2 ** (bits - 1)) + narrow if signed else 0
    hi = 2 ** (bits - 1) - 1 if signed else 2**bits - 1 - narrow
    return QuantiserNode(scale, zero_point, IntRange(lo, hi), ROUNDINGS[mode])


def _whole(array: NDArray[np.float32], node: onnx.NodeProto, what: str) -> int:
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
    if quantiser.bipolar:
        if x.relu:
            x = ctx.settle(x)
            value = ctx.value(x)
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
    if x.relu:
        # rounding and saturation are monotone: cutting off below zero first is a higher lower limit
        floor = round_fraction(Fraction(quantiser.zero_point), quantiser.rounding)
        limits = IntRange(min(max(limits.lo, floor), limits.hi), limits.hi)
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


def _port(ctx: Context, node: onnx.NodeProto, quantiser: QuantiserNode, x: Real) -> Activation:
    if quantiser.bipolar or quantiser.scale.size != 1:
        what = "a bipolar quantiser" if quantiser.bipolar else "a scale per channel"
        raise unsupported(node, f"{what} on input {x.source!r}", "a Quant with one scale of 2 bits or more")
    shape = (*x.shape[1:], x.shape[0])
    order = channels_first_order(shape)
    name = ctx.builder.fresh(node.output[0])
    ctx.builder.input(
        name,
        shape,
        Fraction(float(quantiser.scale.reshape(-1)[0])),
        quantiser.range,
        rounding=quantiser.rounding,
        zero_point=quantiser.zero_point,
        source=x.source,
    )
    ctx.builder.layout(name, Layout(node.output[0], x.shape, order))
    return Activation(name, x.shape, order)

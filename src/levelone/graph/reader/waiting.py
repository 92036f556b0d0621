"""Constants that wait on an activation, and how they become integer operations.

Exporters put factors, terms and limits between integers and the next quantiser. They wait on the activation,
so that the quantiser folds them into its one exact rounding; where none follows, they become integers here.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import onnx

from levelone.errors import LeveloneError, UnsupportedError
from levelone.graph.ir import HostEnd
from levelone.graph.ops import Add, Affine, Power, Relu, Requantise
from levelone.graph.ops._bounds import spread
from levelone.graph.reader.context import MAX_OUTPUT_WIDTH, Context
from levelone.graph.reader.nodes import describe, unsupported
from levelone.graph.reader.tensors import Activation, Constant, Fractions, Real, rational_gcd
from levelone.graph.values import IntRange


def raw(ctx: Context, node: onnx.NodeProto, position: int, *, sums: bool = False) -> Activation:
    """The activation at `position`, with whatever constants wait on it; `sums`: and a second operand."""
    tensor = ctx.tensor(node, position)
    if isinstance(tensor, Real):
        raise LeveloneError(
            f"{describe(node)}: input {tensor.source!r} reaches it without a quantiser",
            hint="the hardware's port carries integers: quantise each input first (Quant), or say what "
            f"type the port has, as in --port '{tensor.source}=fixed<16,6>' (-32 to 31.999 in steps "
            "of 2^-10: what lies outside saturates, and is counted)",
        )
    if isinstance(tensor, Constant):
        raise unsupported(
            node,
            f"operand {position} is a constant",
            f"an activation there, constants as later operands of {node.op_type}",
        )
    assert isinstance(tensor, Activation)  # noqa: S101  (what was deferred has been read by now)
    if tensor.plus is not None and not sums:
        return settle(ctx, tensor)
    return tensor


def activation(ctx: Context, node: onnx.NodeProto, position: int) -> Activation:
    """The activation at `position`, as plain integers."""
    return settle(ctx, raw(ctx, node, position))


def settle(ctx: Context, x: Activation, tensor: str | None = None) -> Activation:
    """Turn waiting constants into integer operations: exactly, on the coarsest grid that holds them."""
    if not x.pending:
        return x
    if x.function is not None and x.function.slopes:
        return _two_lines(ctx, x, x.function.slopes, tensor)
    if x.function is not None and x.function.raised is not None:
        return settle(ctx, multiplied_out(ctx, x), tensor)
    if x.function is not None:
        raise UnsupportedError(
            f"{x.function.name} of {x.value} is not followed by a quantiser, so its result is no integer",
            hint=f"put a Quant after {x.function.name}, or leave it off and compare its operand",
        )
    if x.plus is not None:
        x = _added(ctx, x, x.plus)
        if not x.pending:
            return x
    value = ctx.value(x)
    name = tensor or f"{x.value}_affine"
    op = waiting_affine(ctx, x)
    plain = replace(x, gain=(Fraction(1),), bias=(Fraction(0),), lower=None, upper=None)
    changed = spread(value.scale, len(op.scale)) != op.scale
    if changed or set(op.factor) != {1} or set(op.term) != {0} or not x.clamped:
        inner = f"{name}_linear" if x.clamped else name
        plain = ctx.emit_like(inner, op, plain)
    return _clamp(ctx, plain, x.lower, x.upper, name) if x.clamped else plain


def multiplied_out(ctx: Context, x: Activation) -> Activation:
    """`x` with its whole power as an integer operation; the constants after it still wait."""
    assert x.function is not None and x.function.raised is not None  # noqa: S101  (the caller's case)
    power, name = x.function.raised, x.function.tensor or f"{x.value}_power"
    plain = ctx.emit_like(name, Power(power.exponent), settle(ctx, replace(x, function=None)))
    result = replace(plain, gain=power.gain, bias=power.bias)
    if result.pending:
        ctx.not_the_tensor(result)
    return result


def can_be_multiplied(ctx: Context, x: Activation, most: int = 63) -> bool:
    """Whether the function of `x` is a whole power whose integers need `most` bits or fewer."""
    if x.function is None or x.function.raised is None:
        return False
    return power_width(ctx, replace(x, function=None), x.function.raised.exponent) <= most


def power_width(ctx: Context, x: Activation, exponent: int) -> int:
    """Bits of the power of `x` as an integer, or more where limits wait on it."""
    settled = waiting_affine(ctx, x).infer("settled", ctx.value(x)) if x.pending else ctx.value(x)
    return Power(exponent).infer("power", settled).width


def _two_lines(ctx: Context, x: Activation, slopes: Fractions, tensor: str | None) -> Activation:
    """``relu(x) - slope * relu(-x)``: a leaky Relu, or an absolute value, that no quantiser follows."""
    name = tensor or f"{x.value}_function"
    plain = settle(ctx, replace(x, function=None))
    minus = ctx.emit_like(f"{name}_minus", Affine((-1,), (0,), ctx.value(plain).scale), plain)
    sides = [ctx.emit_like(f"{name}_{side}", Relu(), y) for side, y in (("above", plain), ("below", minus))]
    below = settle(ctx, replace(sides[1], gain=tuple(-slope for slope in slopes)), f"{name}_slope")
    grid = rational_gcd([*ctx.value(sides[0]).scale, *ctx.value(below).scale])
    a, b = (align(ctx, name, term, grid) for term in (sides[0], below))
    return ctx.emit(name, Add(), a, b, shape=x.shape, order=x.order)


def _added(ctx: Context, x: Activation, plus: Activation) -> Activation:
    """The sum of `x` and its second operand on their common grid; what clamps `x` waits on."""
    name = f"{x.value}_plus_{plus.value}"
    first = settle(ctx, replace(x, lower=None, upper=None, plus=None))
    second = settle(ctx, plus)
    grid = rational_gcd([*ctx.value(first).scale, *ctx.value(second).scale])
    a, b = (align(ctx, name, term, grid) for term in (first, second))
    total = ctx.emit(name, Add(), a, b, shape=x.shape, order=x.order)
    return replace(total, lower=x.lower, upper=x.upper)


def waiting_affine(ctx: Context, x: Activation) -> Affine:
    """The waiting gain and bias of `x` as an integer operation."""
    value = ctx.value(x)
    count = max(len(value.scale), len(x.gain), len(x.bias))
    scale, gain, bias = (spread(t, count) for t in (value.scale, x.gain, x.bias))
    steps = [s * g for s, g in zip(scale, gain, strict=True)]
    ends = [end for end in (x.lower, x.upper) if end is not None]
    grids = [rational_gcd([a, b, *ends]) for a, b in zip(steps, bias, strict=True)]
    common = rational_gcd(grids) or Fraction(1)
    if all(abs(a) < common * 2**31 for a in steps):
        grids = [common] * count  # one scale for the tensor, as long as that keeps the codes small
    grids = [g or common for g in grids]
    factor = tuple(int(a / g) for a, g in zip(steps, grids, strict=True))
    term = tuple(int(b / g) for b, g in zip(bias, grids, strict=True))
    return Affine(_fold(factor), _fold(term), tuple(grids))


def end_for_host(ctx: Context, x: Activation) -> HostEnd | None:
    """The constants that wait on an output, where their exact integers would be too wide to compare."""
    if not x.pending or x.function is not None or x.plus is not None:
        return None
    if waiting_affine(ctx, x).infer("end", ctx.value(x)).width <= MAX_OUTPUT_WIDTH:
        return None
    return HostEnd(x.gain, x.bias, x.lower, x.upper)


def _clamp(
    ctx: Context, x: Activation, lower: Fraction | None, upper: Fraction | None, name: str
) -> Activation:
    """Integer clamping of a value whose grid holds both ends."""
    if lower == 0 and upper is None:
        return ctx.emit_like(name, Relu(), x)
    x = one_scale(ctx, x)
    value = ctx.value(x)
    ends = [None if end is None else int(end / value.scale[0]) for end in (lower, upper)]
    least = value.range.lo if ends[1] is None else min(value.range.lo, ends[1])
    lo = least if ends[0] is None else ends[0]
    hi = max(value.range.hi, lo) if ends[1] is None else ends[1]
    op = Requantise((Fraction(1),), value.scale, IntRange(lo, hi))
    return ctx.emit_like(name, op, x)


def one_scale(ctx: Context, x: Activation) -> Activation:
    """`x` with one scale for all channels, so that they can be summed; lossless."""
    value = ctx.value(x)
    if len(value.scale) == 1:
        return x
    grid = rational_gcd(list(value.scale))
    return ctx.emit_like(f"{x.value}_grid", Requantise.aligning(value, grid), x)


def align(ctx: Context, name: str, x: Activation, scale: Fraction) -> Activation:
    """`x` on a grid that divides its own, without loss."""
    value = ctx.value(x)
    if value.scale == (scale,):
        return x
    return ctx.emit_like(f"{name}_{x.value}", Requantise.aligning(value, scale), x)


def _fold(values: tuple[int, ...]) -> tuple[int, ...]:
    return values[:1] if len(set(values)) == 1 else values

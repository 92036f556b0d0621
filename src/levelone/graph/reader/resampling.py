"""Pad, Upsample, Resize, and QONNX Trunc."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import onnx

from levelone.graph.ops import Pad, Requantise, Upsample
from levelone.graph.ops.resample import PadMode
from levelone.graph.reader import moves
from levelone.graph.reader.axes import alike, as_onnx, channels_last, per_channel
from levelone.graph.reader.context import Context
from levelone.graph.reader.nodes import attributes, unsupported
from levelone.graph.reader.quantiser_node import ROUNDINGS, code_limits, whole
from levelone.graph.reader.shapes import taken
from levelone.graph.reader.tensors import Activation, is_power_of_two
from levelone.graph.reader.waiting import activation, raw, settle
from levelone.graph.values import IntRange, Rounding

MODES: dict[str, PadMode] = {"constant": "constant", "reflect": "reflect", "edge": "edge"}


def read_pad(ctx: Context, node: onnx.NodeProto) -> Activation:
    """Elements around the tensor; negative numbers crop."""
    x = activation(ctx, node, 0)
    pairs, mode, value = moves.padding(ctx, node, x.shape)
    kept = {
        axis: tuple(range(max(-b, 0), n - max(-e, 0)))
        for axis, (n, (b, e)) in enumerate(zip(x.shape, pairs, strict=True))
    }
    x = taken(ctx, node, f"{node.output[0]}_cropped", x, kept)
    axes, (x,) = alike(ctx, node, x)
    grown = [(max(b, 0), max(e, 0)) for b, e in pairs]
    if not any(map(any, grown)):
        return x
    scales = ctx.value(x).scale
    code = Fraction(value) / scales[0]
    if mode == "constant" and (code.denominator != 1 or (code and len(scales) != 1)):
        raise unsupported(node, f"pads with {value}, which is no code of {x.value}", "padding with zeros")
    op = Pad(tuple(grown[axes.index(a)] for a in range(len(axes))), MODES[mode], int(code))
    return ctx.emit_axes(node.output[0], op, axes, x)


def read_resize(ctx: Context, node: onnx.NodeProto) -> Activation:
    """Nearest-neighbour enlargement by whole factors, where all coordinate conventions mean repetition."""
    x = activation(ctx, node, 0)
    given = attributes(node)
    if given.get("mode", "nearest") != "nearest":
        raise unsupported(node, f"mode {given['mode']!r}", "mode='nearest'")
    coordinates = given.get("coordinate_transformation_mode", "half_pixel")
    rounding = given.get("nearest_mode", "round_prefer_floor")
    if node.op_type == "Resize" and (coordinates, rounding) not in REPEATS:
        raise unsupported(
            node,
            f"{coordinates} with {rounding}",
            "coordinate_transformation_mode=asymmetric, nearest_mode=floor",
        )
    rank = len(x.shape) + 1
    scales, sizes = (1, None) if node.op_type == "Upsample" else (2, 3)
    if sizes is not None and ctx.has(node, sizes):
        target = [Fraction(int(n)) for n in ctx.constant(node, sizes, "sizes").values.reshape(-1)]
        ratios = [t / n for t, n in zip(target[1:], x.shape, strict=True)]
    else:
        given_scales = given.get("scales")
        if given_scales is None:
            given_scales = ctx.constant(node, scales, "scales").values.reshape(-1).tolist()
        ratios = [Fraction(float(s)) for s in given_scales[1:]]
    if given.get("axes") is not None or len(ratios) != rank - 1 or rank < 3:
        raise unsupported(node, "resizes chosen axes", "a scale or size for every axis")
    if 1 not in (ratios[0], ratios[-1]) or any(r.denominator != 1 or r < 1 for r in ratios):
        shown = [float(r) for r in ratios]
        raise unsupported(node, f"scales {shown} without the batch axis", "whole factors on spatial axes")
    axes, (x,) = alike(ctx, node, x)
    if ratios[axes.index(rank - 2)] != 1:
        # the last axis of the graph is not the one that stays
        last = ratios[0] != 1
        x = as_onnx(ctx, x, node) if last else channels_last(ctx, x, node)
        axes = tuple(range(rank - 1)) if last else (rank - 2, *range(rank - 2))
    factors = tuple(int(ratios[axes.index(a)]) for a in range(rank - 2))
    return ctx.emit_axes(node.output[0], Upsample(factors), axes, x)


def _on_grid(ctx: Context, node: onnx.NodeProto, x: Activation, scale: Fraction) -> Activation:
    """`x` as multiples of `scale`, to which Trunc rounds its operand first where it is none of them."""
    if x.clamped or x.function is not None:
        x = settle(ctx, x)
    value = ctx.value(x)
    op = Requantise.between(value, scale, value.range, Rounding.ROUND, gain=x.gain, bias=x.bias)
    if all(n.denominator == 1 for n in (*op.multiplier, *op.offset)):
        return settle(ctx, x)
    reached = max(abs(value.range.lo), abs(value.range.hi)) * max(map(abs, op.multiplier))
    most = int(reached + max(map(abs, op.offset))) + 1  # limits that no code reaches
    x = ctx.emit_like(f"{node.output[0]}_rounded", replace(op, range=IntRange(-most, most)), x)
    ctx.not_the_tensor(x)
    return x


REPEATS = frozenset(
    {
        ("asymmetric", "floor"),
        ("half_pixel", "round_prefer_floor"),
        ("half_pixel", "round_prefer_ceil"),
        ("pytorch_half_pixel", "round_prefer_floor"),
        ("pytorch_half_pixel", "round_prefer_ceil"),
    }
)


def read_trunc(ctx: Context, node: onnx.NodeProto) -> Activation:
    """Dropping low bits: a requantisation from one grid to a coarser one, by the node's rounding mode.

    Version 1 keeps the scale for the coarser codes: its result is the operand divided by a power of two.
    """
    x = raw(ctx, node, 0)
    scale = per_channel(ctx, node, x, ctx.constant(node, 1, "scale").values, "scale")
    zero = whole(ctx.constant(node, 2, "zero point").values, node, "zero point")
    bits = whole(ctx.constant(node, 3, "input bit width").values, node, "input bit width")
    given = attributes(node)
    mode = str(given.get("rounding_mode", "FLOOR")).upper()
    if mode not in ROUNDINGS:
        raise unsupported(node, f"rounding mode {mode!r}", f"one of {', '.join(ROUNDINGS)}")
    if zero or len(scale) != 1:
        raise unsupported(node, "a zero point, or a scale per channel", "zero point 0 and one scale")
    if len(node.input) > 5:
        out = per_channel(ctx, node, x, ctx.constant(node, 4, "output scale").values, "output scale")
        width = whole(ctx.constant(node, 5, "output bit width").values, node, "output bit width")
        ratio = out[0] / scale[0]
        limits = code_limits(width, bool(given.get("signed", 1)), bool(given.get("narrow", 0)))
    else:
        width = whole(ctx.constant(node, 4, "output bit width").values, node, "output bit width")
        ratio, out = Fraction(2) ** (bits - width), scale
        limits = None
    if len(out) != 1 or not is_power_of_two(ratio):
        raise unsupported(node, "a ratio of scales that is no power of two", "a power of two")
    x = _on_grid(ctx, node, x, scale[0])
    value = ctx.value(x)
    multiplier = tuple(s / scale[0] / ratio for s in value.scale)
    if limits is None:
        most = int(max(abs(value.range.lo), abs(value.range.hi)) * max(multiplier)) + 1
        limits = IntRange(-most, most)
    op = Requantise(multiplier, out, limits, ROUNDINGS[mode])
    return ctx.emit_like(node.output[0], op, x)

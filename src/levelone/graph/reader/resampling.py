"""Pad, Upsample, Resize, and QONNX Trunc."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import onnx

from levelone.graph.ir import IntRange
from levelone.graph.ops import Pad, Requantise, Upsample
from levelone.graph.ops.resample import PadMode
from levelone.graph.reader.context import Context, attributes, unsupported
from levelone.graph.reader.quantiser import ROUNDINGS, code_limits, whole
from levelone.graph.reader.tensors import Activation, fractions, is_power_of_two

MODES: dict[str, PadMode] = {"constant": "constant", "reflect": "reflect", "edge": "edge"}


def read_pad(ctx: Context, node: onnx.NodeProto) -> Activation:
    x = ctx.activation(node, 0)
    x = ctx.channels_last(x, node) if len(x.shape) > 1 else ctx.as_onnx(x, node)
    given = attributes(node)
    mode = given.get("mode", "constant")
    if mode not in MODES:
        raise unsupported(node, f"mode {mode!r}", f"one of {', '.join(MODES)}")
    if ctx.has(node, 3):
        raise unsupported(node, "pads chosen axes", "pads for every axis")
    flat = given.get("pads")
    if flat is None:
        flat = ctx.constant(node, 1, "pads").values.reshape(-1).tolist()
    rank = len(x.shape) + 1
    if len(flat) != 2 * rank or min(flat) < 0 or flat[0] or flat[rank]:
        raise unsupported(node, f"pads {flat}", "two numbers per axis, not negative, none for the batch axis")
    pairs = [(int(b), int(e)) for b, e in zip(flat[1:rank], flat[rank + 1 :], strict=True)]
    real = Fraction(float(given.get("value", 0.0)))
    if ctx.has(node, 2):
        real = fractions(ctx.constant(node, 2, "value").values)[0]
    scales = ctx.value(x).scale
    code = real / scales[0]
    if code.denominator != 1 or (code and len(scales) != 1):
        raise unsupported(
            node, f"pads with {float(real)}, which is no code of {x.value}", "padding with zeros"
        )
    op = Pad((*pairs[1:], pairs[0]), MODES[mode], int(code))
    if len(x.shape) > 1:
        return ctx.emit_last(node.output[0], op, x)
    size = x.shape[0] + sum(pairs[0])
    return ctx.emit(node.output[0], op, x, shape=(size,), order=np.arange(size))


def read_resize(ctx: Context, node: onnx.NodeProto) -> Activation:
    """Nearest-neighbour enlargement by whole factors, where all coordinate conventions mean repetition."""
    x = ctx.channels_last(ctx.activation(node, 0), node)
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
    if len(ratios) != rank - 1 or ratios[0] != 1 or any(r.denominator != 1 or r < 1 for r in ratios):
        shown = [float(r) for r in ratios]
        raise unsupported(node, f"scales {shown} without the batch axis", "whole factors on spatial axes")
    return ctx.emit_last(node.output[0], Upsample(tuple(int(r) for r in ratios[1:])), x)


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
    x = ctx.raw(node, 0)
    scale = ctx.per_channel(node, x, ctx.constant(node, 1, "scale").values, "scale")
    zero = whole(ctx.constant(node, 2, "zero point").values, node, "zero point")
    bits = whole(ctx.constant(node, 3, "input bit width").values, node, "input bit width")
    given = attributes(node)
    mode = str(given.get("rounding_mode", "FLOOR")).upper()
    if mode not in ROUNDINGS:
        raise unsupported(node, f"rounding mode {mode!r}", f"one of {', '.join(ROUNDINGS)}")
    if zero or len(scale) != 1:
        raise unsupported(node, "a zero point, or a scale per channel", "zero point 0 and one scale")
    if len(node.input) > 5:
        out = ctx.per_channel(node, x, ctx.constant(node, 4, "output scale").values, "output scale")
        width = whole(ctx.constant(node, 5, "output bit width").values, node, "output bit width")
        ratio = out[0] / scale[0]
        limits = code_limits(width, bool(given.get("signed", 1)), bool(given.get("narrow", 0)))
    else:
        width = whole(ctx.constant(node, 4, "output bit width").values, node, "output bit width")
        ratio, out = Fraction(2) ** (bits - width), scale
        limits = None
    if len(out) != 1 or not is_power_of_two(ratio):
        raise unsupported(node, "a ratio of scales that is no power of two", "a power of two")
    x = ctx.settle(x)
    value = ctx.value(x)
    if any((s / scale[0]).denominator != 1 for s in value.scale):
        raise unsupported(node, f"{x.value} is finer than the scale that is given", "a Quant before it")
    multiplier = tuple(s / scale[0] / ratio for s in value.scale)
    if limits is None:
        most = int(max(abs(value.range.lo), abs(value.range.hi)) * max(multiplier)) + 1
        limits = IntRange(-most, most)
    op = Requantise(multiplier, out, limits, ROUNDINGS[mode])
    return ctx.emit_like(node.output[0], op, x)

"""What the register of a weighted sum holds on its way, and what it would have to hold for any weights."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.graph.ir import IntRange, Value
from levelone.graph.ops import Conv, Dense
from levelone.graph.ops._bounds import bounds, largest, product_dtype


def accumulator_range(op: Conv | Dense, x: Value) -> IntRange:
    """Products, bias, and the bias with any of the products, added in *any* order.

    Every operand has the range of its own input channel; padding is zero.
    """
    # a partial sum lacks some terms: these are terms of value 0, as padding is
    lows, highs = (_at_weights(op, side) for side in _with_zero(x))
    reach = max(largest(lows), largest(highs))
    dtype = product_dtype(largest(op.weights), op.step, max(reach, 1), op.weights.size, 2)
    if largest(op.bias) >= 2**61:
        dtype = object
    weights: NDArray[Any] = op.weights.astype(dtype) * op.step
    ends = weights * lows.astype(dtype), weights * highs.astype(dtype)
    low, high = np.minimum(*ends), np.maximum(*ends)
    bias: NDArray[Any] = op.bias.astype(dtype)
    taps = tuple(range(op.weights.ndim - 1))
    down, up = bias + low.sum(axis=taps), bias + high.sum(axis=taps)
    lowest, highest = min(map(np.min, (low, bias, down))), max(map(np.max, (high, bias, up)))
    return IntRange(int(lowest), int(highest))


def width_only_range(op: Conv | Dense, x: Value) -> IntRange:
    """What sums could reach if weights, biases and operands were any codes of their types."""
    weights, step = held_weights(op)
    operand, weight, constant = (type_range(r) for r in (x.range, codes_range(weights), codes_range(op.bias)))
    products = [a * b for a in (operand.lo, operand.hi) for b in (weight.lo, weight.hi)]
    terms = step * (op.weights.size // op.weights.shape[-1])
    return IntRange(
        min(0, *products) * terms + min(0, constant.lo), max(0, *products) * terms + max(0, constant.hi)
    )


def held_weights(op: Conv | Dense) -> tuple[NDArray[Any], int]:
    """(weights as the hardware holds them, power of two that is left of the step)."""
    shift = (op.step & -op.step).bit_length() - 1
    factor = op.step >> shift
    dtype = product_dtype(largest(op.weights), factor)
    return op.weights.astype(dtype) * factor, 1 << shift


def codes_range(codes: NDArray[Any]) -> IntRange:
    """Smallest range that holds every code."""
    return IntRange(int(codes.min()), int(codes.max()))


def type_range(reach: IntRange) -> IntRange:
    """Everything that the smallest type holding `reach` can hold."""
    if reach.signed:
        return IntRange(-(2 ** (reach.width - 1)), 2 ** (reach.width - 1) - 1)
    return IntRange(0, 2**reach.width - 1)


def _with_zero(x: Value) -> tuple[NDArray[Any], NDArray[Any]]:
    low, high = bounds(x)
    return np.minimum(low, 0), np.maximum(high, 0)


def _at_weights(op: Conv | Dense, side: NDArray[Any]) -> NDArray[Any]:
    """One end of each input channel's range as weights meet it: [channels in of a group, channels out]."""
    if isinstance(op, Dense):
        return side[:, None]
    result = np.zeros(op.weights.shape[-2:], dtype=side.dtype)
    for i, o in op.group_slices():
        result[:, o] = side[i][:, None]
    return result

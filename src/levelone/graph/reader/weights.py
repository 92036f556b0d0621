"""Weights and biases as integers on their grids."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import onnx
from numpy.typing import NDArray

from levelone.errors import LeveloneError
from levelone.graph.reader.nodes import describe, unsupported
from levelone.graph.reader.tensors import (
    Constant,
    Fractions,
    binary_grid,
    fractions,
    is_power_of_two,
    rational_gcd,
)

MAX_WEIGHT_BITS = 24
"""Per-channel scales further apart than this stay per channel."""
MAX_PLAIN_BITS = 16
"""Weights without a quantiser are taken for quantised ones up to this width."""


def weight_codes(node: onnx.NodeProto, weight: Constant, axis: int) -> tuple[NDArray[np.int64], Fractions]:
    """Integer weights and their scale: one, or one per output channel (`axis`).

    Power-of-two scales per channel become one, the finest, with the other channels' codes shifted up to it.
    """
    if weight.codes is None or weight.scale is None:
        return _plain_weights(node, weight)
    columns = np.moveaxis(weight.scale, axis, 0).reshape(weight.scale.shape[axis], -1)
    if columns.size == 0:
        raise LeveloneError(f"{describe(node)}: weight of shape {weight.values.shape}")
    if (columns != columns[:, :1]).any():
        return weight_codes(node, _one_scale_per_channel(node, weight.codes, weight.scale, axis), axis)
    scale = _one_or_all(fractions(columns[:, 0]))
    if len(scale) == 1 or not all(is_power_of_two(s) for s in scale):
        return weight.codes, scale
    finest = min(scale)
    shape = [1] * weight.codes.ndim
    shape[axis] = -1
    ratio = [int(s / finest) for s in scale]
    if max(ratio) >= 2**MAX_WEIGHT_BITS:
        return weight.codes, scale
    return weight.codes * np.array(ratio, dtype=np.int64).reshape(shape), (finest,)


def _one_scale_per_channel(
    node: onnx.NodeProto, codes: NDArray[np.int64], scale: NDArray[np.float64], axis: int
) -> Constant:
    """Weights whose scales vary within an output channel, on that channel's coarsest common grid."""
    columns = np.moveaxis(scale, axis, 0).reshape(scale.shape[axis], -1)
    grids = [rational_gcd(list(fractions(np.unique(column)))) for column in columns]
    shape = [1] * codes.ndim
    shape[axis] = -1
    grid = np.array([float(g) for g in grids]).reshape(shape)
    finer = np.rint(scale / grid)
    if finer.max() >= 2**MAX_WEIGHT_BITS or (finer * grid != scale).any():
        raise unsupported(
            node,
            "weight scales that vary within an output channel and have no common grid",
            "one scale per output channel, or powers of two",
        )
    return Constant(
        codes * scale, codes * np.rint(finer).astype(np.int64), np.broadcast_to(grid, codes.shape)
    )


def _plain_weights(node: onnx.NodeProto, weight: Constant) -> tuple[NDArray[np.int64], Fractions]:
    """Weights without a quantiser, if they lie on a binary grid anyway."""
    codes, scale = binary_grid(weight.values)
    if max((abs(int(c)) for c in codes.reshape(-1)), default=0) >= 2**MAX_PLAIN_BITS:
        raise unsupported(
            node, f"weights {node.input[1]!r} are not quantised", "weights that pass through a Quant"
        )
    return codes.astype(np.int64), (scale,)


def bias_codes(
    node: onnx.NodeProto, bias: Constant | None, products: Fractions
) -> tuple[NDArray[np.int64], int, Fractions]:
    """(codes, step, late): bias on the accumulator's grid.

    The accumulator is `step` times finer than the products where the bias needs it. Where the two have no
    common grid of reasonable size (general scales) codes are 0 and the bias waits for the quantiser: `late`.
    """
    zeros = np.zeros(len(products), dtype=np.int64)
    if bias is None:
        return zeros, 1, (Fraction(0),)
    if bias.values.size != len(products) or bias.values.ndim != 1:
        raise LeveloneError(
            f"{describe(node)}: bias of shape {bias.values.shape} for {len(products)} outputs"
        )
    if not np.isfinite(bias.values).all():
        raise LeveloneError(f"{describe(node)}: bias holds NaN or infinity")
    numbers = _exact(bias)
    ratios = [b / p for b, p in zip(numbers, products, strict=True)]
    grid = rational_gcd([Fraction(1), *ratios])
    codes = [int(r / grid) for r in ratios]
    step = grid.denominator
    if step > 2**31 or max(map(abs, codes)) >= 2**61 or (step > 1 and not is_power_of_two(grid)):
        return zeros, 1, _one_or_all(tuple(numbers))
    return np.array(codes, dtype=np.int64), step, (Fraction(0),)


def _exact(constant: Constant) -> list[Fraction]:
    if constant.codes is None or constant.scale is None:
        return list(fractions(constant.values))
    scales = fractions(constant.scale)
    return [int(c) * s for c, s in zip(constant.codes.reshape(-1), scales, strict=True)]


def _one_or_all(values: Fractions) -> Fractions:
    return values[:1] if len(set(values)) == 1 else values

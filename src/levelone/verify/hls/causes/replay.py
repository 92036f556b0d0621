"""A sum as the firmware's own types compute it: every product, every partial sum, the final assignment."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.graph.ops import Conv, Dense, LocallyConnected, WeightedSum
from levelone.graph.values import Codes
from levelone.hls.ap_fixed import ApFixed
from levelone.verify.hls.fixed import assign, onto_grid, overflow


@dataclass(frozen=True, eq=False)
class Counting:
    """``first +- (thresholds reached)``, as the firmware counts them: in whatever order they are.

    Attributes
    ----------
    first, falling
        int64 [1 or channels].
    steps
        int64 [1 or channels, thresholds].
    """

    first: NDArray[np.int64]
    falling: NDArray[np.int64]
    steps: NDArray[np.int64]

    def evaluate(self, codes: Codes) -> Codes:
        reached = np.zeros(codes.shape, dtype=np.int64)
        for step in self.steps.T:
            reached += codes >= step
        return self.first + np.where(self.falling != 0, -reached, reached)


def as_conv(op: WeightedSum, operand: Codes) -> tuple[Conv, Codes]:
    """The sums as a convolution, and its operand: a dense layer has a kernel of one element.

    A locally connected one is a convolution over a single element, with a group for each of its windows.
    """
    if isinstance(op, Conv):
        return op, operand
    if isinstance(op, LocallyConnected):
        width, channels = op.weights.shape[-2:]
        windows = np.stack(list(op.views(operand)), axis=-2)
        grouped = windows.reshape(len(operand), prod(op.own), -1, op.groups, width).swapaxes(2, 3)
        rows = op.weights.reshape(prod(op.own), -1, channels).swapaxes(0, 1).reshape(1, op.fan_in, -1)
        scale = op.weight_scale if len(op.weight_scale) == 1 else op.weight_scale * prod(op.own)
        one, none, groups = (1,), ((0, 0),), prod(op.own) * op.groups
        conv = Conv(rows, op.bias.reshape(-1), scale, one, none, one, groups, op.step)
        return conv, grouped.reshape(len(operand), 1, -1)
    conv = Conv(op.weights[None], op.bias, op.weight_scale, (1,), ((0, 0),), (1,), 1, op.step)
    return conv, operand.reshape(len(operand), -1, operand.shape[-1])


def typed_sum(
    op: WeightedSum,
    operand: Codes,
    exponent: int,
    accumulator: ApFixed | None,
    result: ApFixed | None,
    *,
    out: tuple[int, ...],
) -> NDArray[Any]:
    """Codes of the sum on its own grid, computed in the types given; None changes nothing.

    Products are formed exactly, brought to the accumulator's grid one by one and added to the bias in
    row-major order of the kernel, as hls4ml does; the order matters only where the accumulator saturates.

    Parameters
    ----------
    exponent
        Of the sum's grid: one code of the bias is worth ``2**exponent``.
    out
        Shape of the result without the event axis.
    """
    conv, x = as_conv(op, operand)
    return _typed(conv, x, exponent, accumulator, result).reshape(len(operand), *out)


def typed_code(
    op: WeightedSum,
    operand: Codes,
    exponent: int,
    accumulator: ApFixed | None,
    result: ApFixed | None,
    position: tuple[int, ...],
) -> int:
    """One code of `typed_sum`, of the first event, from nothing but its own window."""
    conv, x = as_conv(op, operand[:1])
    at, output = position[:-1], position[-1]
    if isinstance(op, Dense):
        at = (int(np.ravel_multi_index(at, operand.shape[1:-1])),) if at else (0,)
    if op.own:
        at, output = (0,), int(np.ravel_multi_index(position, op.bias.shape))
    group = next((i, o) for i, o in conv.group_slices() if o.start <= output < o.stop)
    seen = tuple(
        slice(p * s, p * s + d * (k - 1) + 1)
        for p, s, d, k in zip(at, conv.stride, conv.dilation, conv.window.kernel, strict=True)
    )
    rank, channel = len(at), slice(output, output + 1)
    alone = replace(
        conv,
        weights=conv.weights[..., channel],
        bias=conv.bias[channel],
        stride=(1,) * rank,
        pads=((0, 0),) * rank,
        groups=1,
    )
    padded = conv.window.pad(x, 0)[(slice(None), *seen, group[0])]
    return int(_typed(alone, padded, exponent, accumulator, result).reshape(-1)[0])


def _typed(
    conv: Conv, x: Codes, exponent: int, accumulator: ApFixed | None, result: ApFixed | None
) -> NDArray[Any]:
    if accumulator is None or (accumulator.exponent <= exponent and accumulator.saturation == "WRAP"):
        total: NDArray[Any] = conv.evaluate(x).astype(_dtype(conv, x, exponent, accumulator, result))
        if accumulator is not None:
            total = _back(assign(total, exponent, accumulator), accumulator.exponent, exponent)
    else:
        total = _one_by_one(conv, x, exponent, accumulator)
    if result is not None:
        total = _back(assign(total, exponent, result), result.exponent, exponent)
    return total


def _dtype(conv: Conv, x: Codes, exponent: int, *types: ApFixed | None) -> type:
    """int64 where every sum of products and every type has room in it, else Python integers."""
    terms = conv.weights.size // conv.weights.shape[-1]
    products = terms * conv.step * _largest(conv.weights) * _largest(x) + _largest(conv.bias)
    bits = [fixed.width + abs(fixed.exponent - exponent) for fixed in types if fixed is not None]
    return np.int64 if max(products.bit_length(), *bits, 0) < 48 else object


def _largest(codes: NDArray[Any]) -> int:
    return max(abs(int(codes.min())), abs(int(codes.max()))) if codes.size else 0


def _one_by_one(conv: Conv, x: Codes, exponent: int, accumulator: ApFixed) -> NDArray[Any]:
    dtype = _dtype(conv, x, exponent, accumulator)
    padded = conv.window.pad(x.astype(dtype), 0)
    spatial = conv.window.output_shape("sum", x.shape[1:-1])
    bias = assign(conv.bias.astype(dtype), exponent, accumulator)
    total = np.broadcast_to(bias, (len(x), *spatial, len(bias))).copy()
    dropped = accumulator.exponent - exponent
    for tap in conv.window.taps():
        seen = conv.window.at_tap(padded, tap, spatial)
        for i, o in conv.group_slices():
            weights = conv.weights[tap][:, o].astype(dtype) * conv.step
            for channel, row in enumerate(weights):
                products = seen[..., i][..., channel, None] * row
                product = overflow(onto_grid(products, dropped, accumulator.rounding), accumulator)
                total[..., o] = overflow(total[..., o] + product, accumulator)
    return _back(total, accumulator.exponent, exponent)


def _back(codes: NDArray[Any], source: int, target: int) -> NDArray[Any]:
    """Codes on another grid; one that falls between two codes of a coarser grid becomes unequal to all."""
    if source >= target:
        return codes * 2 ** (source - target)
    unit = 2 ** (target - source)
    return np.where(codes % unit == 0, codes // unit, np.iinfo(np.int64).min)


def with_parameters(op: WeightedSum, weights: NDArray[Any] | None, bias: NDArray[Any] | None) -> WeightedSum:
    """The same sum with other codes."""
    return replace(
        op, weights=op.weights if weights is None else weights, bias=op.bias if bias is None else bias
    )

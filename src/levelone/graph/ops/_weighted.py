"""What convolutions, locally and fully connected layers have in common: sums of products with weights."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from math import prod
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from levelone.graph.operation import Cost, Index, Op, Terms, effective_bits
from levelone.graph.ops._bounds import bounds, dot_dtype, largest, product_dtype, read_only
from levelone.graph.values import Codes, IntRange, Value


@dataclass(frozen=True, eq=False)
class WeightedSum(Op):
    """``step * sum(x * weights) + bias``.

    Attributes
    ----------
    weights
        int64 [*own, *kernel, channels in / groups, channels out]; see `own`.
    bias
        int64 [*own, channels out], on the accumulator's grid.
    weight_scale
        Real weight = code * scale; one entry, or one per output channel.
    """

    linear: ClassVar[bool] = True

    weights: NDArray[np.int64]
    bias: NDArray[np.int64]
    weight_scale: tuple[Fraction, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "weights", read_only(self.weights))
        object.__setattr__(self, "bias", read_only(self.bias))
        channels = self.weights.shape[-1]
        if self.bias.shape != (*self.own, channels) or self.step < 1:
            raise ValueError(f"bias {self.bias.shape} for weights {self.weights.shape}, step {self.step}")
        if self.groups < 1 or channels % self.groups:
            raise ValueError(f"{channels} output channels in {self.groups} groups")
        if len(self.weight_scale) not in (1, channels):
            raise ValueError(f"{len(self.weight_scale)} weight scales for {channels} output channels")

    @property
    def own(self) -> Index:
        """Sizes of the output's axes along which each position has weights and a bias of its own."""
        return ()

    @property
    @abstractmethod
    def step(self) -> int:
        """Product grid divided by accumulator grid: more than 1 where the bias is finer than the products."""

    @property
    def groups(self) -> int:
        """Output channel ``j`` sees input channels of group ``j // (channels out / groups)``."""
        return 1

    @abstractmethod
    def views(self, x: Codes) -> Iterator[Codes]:
        """What each kernel position meets, in row-major order: [event, *out, channel in]."""

    @abstractmethod
    def places(self, position: Index, spatial: Index) -> NDArray[np.int64]:
        """Where each kernel position is at an output's spatial position: flat, negative in the padding."""

    @property
    def fan_in(self) -> int:
        """Products of one sum, those with padding included."""
        return prod(self.weights.shape[len(self.own) : -1])

    def group_slices(self) -> list[tuple[slice, slice]]:
        """(input channels, output channels) of every group."""
        i, o = self.weights.shape[-2], self.weights.shape[-1] // self.groups
        return [(slice(g * i, (g + 1) * i), slice(g * o, (g + 1) * o)) for g in range(self.groups)]

    def evaluate(self, *codes: Codes) -> Codes:
        (x,) = codes
        dtype = dot_dtype(self.weights, x, self.step, self.bias)
        weights: NDArray[Any] = self.weights.astype(dtype).reshape(-1, *self.weights.shape[-2:])
        total: NDArray[Any] | None = None
        for at, view in zip(weights, self.views(x.astype(dtype)), strict=True):
            if total is None:
                total = np.zeros((*view.shape[:-1], weights.shape[-1]), dtype=dtype)
            for i, o in self.group_slices():
                total[..., o] += view[..., i] @ at[:, o]
        assert total is not None  # noqa: S101  (a kernel has at least one position)
        return total * self.step + self.bias.astype(dtype)

    @property
    def direction(self) -> int:
        signs = np.unique(np.sign(self.weights))
        return 0 if signs.min() < 0 < signs.max() else -1 if signs.min() < 0 else 1

    def terms(self, position: Index, *shapes: Index) -> Terms:
        (shape,), (*spatial, channel) = shapes, position
        width, channels = self.weights.shape[-2:]
        group = channel // (channels // self.groups)
        places = self.places(tuple(spatial), shape[:-1])
        inside = places >= 0
        at = places[inside, None] * shape[-1] + group * width + np.arange(width)
        own = tuple(spatial[: len(self.own)])
        weights = self.weights[own].reshape(-1, width, channels)[inside, :, channel].reshape(-1)
        bias, padding = int(self.bias[(*own, channel)]), width * int(np.count_nonzero(~inside))
        return Terms(np.zeros(at.size, np.int64), at.reshape(-1), weights, bias, self.step, padding)

    def absolute(self, *sizes: Codes) -> Codes:
        return replace(self, weights=np.abs(self.weights), bias=np.abs(self.bias)).evaluate(*sizes)

    def float_operations(self, *counts: int) -> int:
        # the weight, its product, and additions: as many as products, for there is a bias
        return max(counts) + 2 + self.fan_in

    def weighted(self, operand: Codes) -> Iterator[Codes]:
        for view in self.views(operand):
            yield view.reshape(len(view), prod(view.shape[1:-1]), view.shape[-1])

    def cost(self, inputs: tuple[Value, ...], output: Value) -> Cost:
        (x,) = inputs
        positions = output.size // output.shape[-1] // prod(self.own)  # that share each weight
        lo, hi = int(self.weights.min()), int(self.weights.max())
        held = IntRange(min(lo, 0), hi) if lo < 0 else IntRange(0, hi)
        return Cost(
            accumulator_width=self.accumulator_range(x).width,
            width_bound=self.width_only_range(x).width,
            macs=positions * self.weights.size,
            weights=self.weights.size,
            weight_width=held.width,
            weight_lo=lo,
            weight_hi=hi,
            ebops=positions * int(effective_bits(self.weights).sum()) * x.width,
        )

    def accumulator_range(self, x: Value) -> IntRange:
        """Products, bias, and the bias with any of the products, added in *any* order.

        Every operand has the range of its own input channel; padding is zero.
        """
        # a partial sum lacks some terms: these are terms of value 0, as padding is
        low, high = bounds(x)
        lows, highs = (self._at_weights(side) for side in (np.minimum(low, 0), np.maximum(high, 0)))
        reach = max(largest(lows), largest(highs))
        dtype = product_dtype(largest(self.weights), self.step, max(reach, 1), self.fan_in, 2)
        if largest(self.bias) >= 2**61:
            dtype = object
        weights: NDArray[Any] = self.weights.astype(dtype) * self.step
        ends = weights * lows.astype(dtype), weights * highs.astype(dtype)
        low, high = np.minimum(*ends), np.maximum(*ends)
        bias: NDArray[Any] = self.bias.astype(dtype)
        taps = tuple(range(len(self.own), self.weights.ndim - 1))
        down, up = bias + low.sum(axis=taps), bias + high.sum(axis=taps)
        lowest, highest = min(map(np.min, (low, bias, down))), max(map(np.max, (high, bias, up)))
        return IntRange(int(lowest), int(highest))

    def _at_weights(self, side: NDArray[Any]) -> NDArray[Any]:
        """One end of each input channel's range as weights meet it: [channels in / groups, channels out]."""
        result = np.zeros(self.weights.shape[-2:], dtype=side.dtype)
        for i, o in self.group_slices():
            result[:, o] = side[i][:, None]
        return result

    def width_only_range(self, x: Value) -> IntRange:
        """What sums could reach if weights, biases and operands were any codes of their types."""
        weights, step = self.held_weights()
        operand, weight, constant = (
            _type_range(reach)
            for reach in (x.range, IntRange.of_codes(weights), IntRange.of_codes(self.bias))
        )
        products = [a * b for a in (operand.lo, operand.hi) for b in (weight.lo, weight.hi)]
        terms = step * self.fan_in
        return IntRange(
            min(0, *products) * terms + min(0, constant.lo), max(0, *products) * terms + max(0, constant.hi)
        )

    def held_weights(self) -> tuple[NDArray[Any], int]:
        """(weights as the hardware holds them, power of two that is left of the step)."""
        shift = (self.step & -self.step).bit_length() - 1
        factor = self.step >> shift
        dtype = product_dtype(largest(self.weights), factor)
        return self.weights.astype(dtype) * factor, 1 << shift


def _type_range(reach: IntRange) -> IntRange:
    """Everything that the smallest type holding `reach` can hold."""
    if reach.signed:
        return IntRange(-(2 ** (reach.width - 1)), 2 ** (reach.width - 1) - 1)
    return IntRange(0, 2**reach.width - 1)

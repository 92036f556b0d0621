"""Convolution as one small matrix product per output position, over a block of events.

The window of a position is never gathered by itself. Only the kernel's leading axes are unrolled, into a
buffer of some rows, [row, block, *position, last axis, tap, channel, event]: there a window is one contiguous
stretch, and the windows of neighbouring positions are overlapping views of the same memory. (If the last axis
is dilated, its windows are not contiguous, and it is unrolled as well.)
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cache
from math import prod
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from levelone.graph.kernels.carrier import Array, carrier, per_channel
from levelone.graph.kernels.kernel import Kernel, Pointwise
from levelone.graph.kernels.linear import arithmetic, unchanged
from levelone.graph.ops import Conv
from levelone.graph.ops._window import Index, Pads
from levelone.graph.values import Value

Cut = tuple[Any, ...]
TILE_BYTES = 2**20
"""Buffer and results of one part: about a core's second-level cache."""
FEWEST_OUTPUTS = 8
"""Groups share one product until it has this many outputs: a few zeros cost less than tiny products."""


def conv_kernel(op: Conv, inputs: tuple[Value, ...], output: Value) -> Kernel | None:
    (x,) = inputs
    dtype = arithmetic(op, x)
    if dtype is None:
        return None
    return unrolled_kernel(Unrolled.of(op, x.shape[:-1], output.shape[:-1]), op.bias, dtype, x, output)


def unrolled_kernel(plan: Unrolled, bias: Array, dtype: type, x: Value, output: Value) -> Kernel:
    """The convolution that `plan` describes."""
    weights: Array = plan.weights().astype(dtype)
    added = per_channel(bias, dtype)
    channels = output.shape[-1]
    row = np.dtype(dtype).itemsize * (plan.row_size + prod(plan.out[1:]) * channels)

    def tiled(a: Array, then: Pointwise, result_type: type) -> Array:
        events = a.shape[-1]
        source = plan.blocked(a.reshape(*plan.spatial, *a.shape[-2:]))
        result = np.empty((*plan.out, channels, events), dtype=result_type)
        rows = max(1, min(plan.out[0], TILE_BYTES // max(row * events, 1)))
        buffer = None if plan.direct else plan.buffer(rows, events, dtype)
        spare = None if result_type == dtype else np.empty((rows, *result.shape[1:]), dtype=dtype)
        for first in range(0, plan.out[0], rows):
            part = result[first : first + rows]
            sums = part if spare is None else spare[: len(part)]
            windows = plan.windows(source, buffer, first, len(part), dtype)
            np.matmul(weights, windows, out=plan.blocked(sums))
            sums += added
            done = then(sums)
            if done is not part:
                part[...] = done
        return result.reshape(*output.shape, events)

    def run(a: Array) -> Array:
        return tiled(a, unchanged, carrier(output))

    return Kernel(run, scratch=8 * (x.size + output.size), tiled=tiled)


@dataclass(frozen=True, eq=False)
class Unrolled:
    """How the windows of a convolution lie in the buffer; all axes have a leading one of at least two.

    Attributes
    ----------
    taps
        Kernel positions along the unrolled axes.
    stride, dilation, pads
        Of the convolution.
    spatial, out
        Shape of the operand and of the result, without channels.
    slides
        How many kernel positions along the last axis a window spans in the buffer, and from which to which
        stride the next one begins; (1, 1) where that axis is unrolled too.
    blocks
        Products per position.
    grouped
        int64 [groups, channels out, kernel along the last axis, taps, channels in] of each group.
    """

    taps: tuple[Index, ...]
    stride: Index
    dilation: Index
    pads: Pads
    spatial: Index
    out: Index
    slides: tuple[int, int]
    blocks: int
    grouped: Array

    @classmethod
    def of(cls, op: Conv, spatial: Index, out: Index) -> Unrolled:
        kernel, stride, dilation, pads = op.window.kernel, op.stride, op.dilation, op.pads
        weights: Array = op.weights * op.step
        if len(kernel) == 1:  # a row of one
            kernel, stride, dilation = (1, *kernel), (1, *stride), (1, *dilation)
            pads, spatial, out = ((0, 0), *pads), (1, *spatial), (1, *out)
            weights = weights[None]
        contiguous = dilation[-1] == 1 or kernel[-1] == 1
        unrolled = kernel[:-1] if contiguous else kernel
        per_group, channels = weights.shape[-2:]
        flat = weights.reshape(prod(unrolled), -1, per_group, op.groups, channels // op.groups)
        return cls(
            tuple(itertools.product(*(range(k) for k in unrolled))),
            stride,
            dilation,
            pads,
            spatial,
            out,
            (kernel[-1], stride[-1]) if contiguous else (1, 1),
            _blocks(op.groups, channels),
            flat.transpose(3, 4, 1, 0, 2),
        )

    @property
    def sliding(self) -> bool:
        """Whether the last axis is in the buffer as it is, for windows to slide along."""
        return len(self.taps[0]) < len(self.out)

    @property
    def direct(self) -> bool:
        """Whether the operand itself can stand for the buffer."""
        return self.sliding and self.blocks == len(self.taps) == 1 and not any(map(any, self.pads))

    @property
    def width(self) -> int:
        """Extent of the buffer's last axis."""
        return self.spatial[-1] + sum(self.pads[-1]) if self.sliding else self.out[-1]

    @property
    def channels_in(self) -> int:
        """Of each block."""
        return self.grouped.shape[0] * self.grouped.shape[-1] // self.blocks

    @property
    def row_size(self) -> int:
        """Elements of the buffer per event and step of the first axis."""
        return (
            0
            if self.direct
            else prod(self.out[1:-1]) * self.width * len(self.taps) * self.blocks * self.channels_in
        )

    def weights(self) -> Array:
        """[block, *ones, channels out, window] for `windows`: zero between the groups of a block."""
        groups, outs, kernel, taps, ins = self.grouped.shape
        joined = groups // self.blocks
        result = np.zeros((self.blocks, joined, outs, kernel, taps, joined, ins), dtype=self.grouped.dtype)
        for group, weights in enumerate(self.grouped):
            block, place = divmod(group, joined)
            result[block, place, :, :, :, place] = weights
        return result.reshape(self.blocks, *[1] * (len(self.out) - 1), joined * outs, -1)

    def buffer(self, rows: int, events: int, dtype: type) -> Array:
        """Zeros where padding is; data are filled in by `windows`."""
        shape = (rows, self.blocks, *self.out[1:-1], self.width, len(self.taps), self.channels_in, events)
        padded = any(map(any, self.pads))
        return np.zeros(shape, dtype=dtype) if padded else np.empty(shape, dtype=dtype)

    def windows(self, a: Array, buffer: Array | None, first: int, rows: int, dtype: type) -> Array:
        """[row, block, *position, window, event] of some rows of positions, from a `blocked` operand."""
        if buffer is None:
            starts = (first, *[0] * (len(self.out) - 2))
            counts = (rows, *self.out[1:-1])
            cut = [
                slice(start * s, (start + n - 1) * s + 1, s)
                for start, n, s in zip(starts, counts, self.stride, strict=False)
            ]
            held: Array = a[(cut[0], slice(None), *cut[1:])].astype(dtype, copy=False)
            if held.strides[-3] != held.shape[-2] * held.strides[-2]:
                held = np.ascontiguousarray(held)  # a view of a larger array: windows would reach beside it
        else:
            held = buffer[:rows]
            for into, source in self.moves(first, rows):
                held[into] = 0 if source is None else a[source]
        length, step = self.slides
        along = len(self.out)  # the last spatial axis; the block stands behind the first
        window = (length * prod(held.shape[along + 1 : -1]), held.shape[-1])
        shape = (*held.shape[:along], self.out[-1], *window)
        strides = (*held.strides[:along], held.strides[along] * step, *held.strides[-2:])
        if held.flags.c_contiguous:  # as as_strided, but several times quicker
            return np.ndarray(shape, held.dtype, held, strides=strides)
        return as_strided(held, shape, strides, writeable=False)

    @cache  # noqa: B019  (as few plans as convolutions, and they live as long)
    def moves(self, first: int, rows: int) -> list[tuple[Cut, Cut | None]]:
        """What to copy from the operand into the buffer, or (None) where to write zeros."""
        spans = (rows, *self.out[1:])
        starts = (first, *[0] * (len(self.out) - 1))
        result: list[tuple[Cut, Cut | None]] = []
        for number, tap in enumerate(self.taps):
            into: list[slice] = []
            source: list[slice] = []
            for axis, t in enumerate(tap):
                to, of = self._meets(axis, t, starts[axis], spans[axis])
                into.append(to)
                source.append(of)
            # the other axes meet padding at the same places in every part: zeros since the beginning
            for outside in (slice(0, into[0].start), slice(into[0].stop, rows)):
                if outside.start < outside.stop:
                    result.append(((outside, ..., number, slice(None), slice(None)), None))
            if self.sliding:
                begin = self.pads[-1][0]
                into.append(slice(begin, begin + self.spatial[-1]))
            every = slice(None)  # block
            result.append(((into[0], every, *into[1:], number), (source[0], every, *source[1:])))
        return result

    def _meets(self, axis: int, tap: int, start: int, count: int) -> tuple[slice, slice]:
        """Which of `count` positions from `start` on meet data at a kernel position, and which data."""
        stride, offset = self.stride[axis], tap * self.dilation[axis] - self.pads[axis][0]
        low = min(max(0, -(offset // stride) - start), count)
        high = min(count, (self.spatial[axis] - 1 - offset) // stride + 1 - start)
        if high <= low:
            return slice(low, low), slice(0, 0)
        begin = (start + low) * stride + offset
        return slice(low, high), slice(begin, begin + (high - low - 1) * stride + 1, stride)

    def blocked(self, a: Array) -> Array:
        """[*position, channel, event] as [row, block, *rest, channels of the block, event], a view."""
        return np.moveaxis(a.reshape(*a.shape[:-2], self.blocks, -1, a.shape[-1]), -3, 1)


def _blocks(groups: int, channels: int) -> int:
    """Products per position: as many groups joined as it takes for enough outputs."""
    per_group = channels // groups
    joined = next(
        n
        for n in range(1, groups + 1)
        if groups % n == 0 and (n * per_group >= FEWEST_OUTPUTS or n == groups)
    )
    return groups // joined

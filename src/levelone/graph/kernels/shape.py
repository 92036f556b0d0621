"""Concat, Reshape, Transpose, Pad, Upsample on [channel, *spatial, event]."""

from __future__ import annotations

import numpy as np

from levelone.graph.ir import Value
from levelone.graph.kernels.carrier import Array
from levelone.graph.kernels.kernel import Kernel
from levelone.graph.ops import Concat, Pad, Reshape, Transpose, Upsample


def concat_kernel(op: Concat, inputs: tuple[Value, ...], output: Value) -> Kernel | None:
    axis = 0 if op.axis == len(output.shape) - 1 else op.axis + 1
    return Kernel(lambda *arrays: np.concatenate(arrays, axis=axis), scratch=8 * output.size)


def reshape_kernel(op: Reshape, inputs: tuple[Value, ...], output: Value) -> Kernel | None:
    def run(a: Array) -> Array:
        rows = np.moveaxis(a, 0, -2).reshape(*op.shape, a.shape[-1])
        return np.ascontiguousarray(np.moveaxis(rows, -2, 0))

    return Kernel(run, scratch=16 * output.size)


def transpose_kernel(op: Transpose, inputs: tuple[Value, ...], output: Value) -> Kernel | None:
    def run(a: Array) -> Array:
        rows = np.moveaxis(a, 0, -2).transpose(*op.axes, a.ndim - 1)
        return np.ascontiguousarray(np.moveaxis(rows, -2, 0))

    return Kernel(run, scratch=8 * output.size)


def pad_kernel(op: Pad, inputs: tuple[Value, ...], output: Value) -> Kernel | None:
    (x,) = inputs
    moved = Pad((op.pads[-1], *op.pads[:-1], (0, 0)), op.mode, op.value)
    return Kernel(lambda a: moved.evaluate(a[None])[0], scratch=8 * (x.size + output.size))


def upsample_kernel(op: Upsample, inputs: tuple[Value, ...], output: Value) -> Kernel | None:
    return Kernel(op.evaluate, scratch=16 * output.size)

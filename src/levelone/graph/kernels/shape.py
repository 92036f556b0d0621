"""Concat, Reshape, Transpose on [channel, *spatial, event]."""

from __future__ import annotations

import numpy as np

from levelone.graph.ir import Value
from levelone.graph.kernels.carrier import Array
from levelone.graph.kernels.kernel import Kernel
from levelone.graph.ops import Concat, Reshape, Transpose


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

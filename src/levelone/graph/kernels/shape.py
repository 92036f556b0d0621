"""Concat, Reshape, Transpose, Pad, Upsample on [*spatial, channel, event]."""

from __future__ import annotations

import numpy as np

from levelone.graph.kernels.carrier import carrier
from levelone.graph.kernels.kernel import Kernel
from levelone.graph.ops import Concat, Pad, Reshape, Transpose, Upsample
from levelone.graph.values import Value


def concat_kernel(op: Concat, inputs: tuple[Value, ...], output: Value) -> Kernel | None:
    dtype = carrier(output)
    return Kernel(lambda *arrays: np.concatenate(arrays, axis=op.axis, dtype=dtype), scratch=8 * output.size)


def reshape_kernel(op: Reshape, inputs: tuple[Value, ...], output: Value) -> Kernel | None:
    return Kernel(lambda a: a.reshape(*op.shape, a.shape[-1]), scratch=8 * output.size, view=True)


def transpose_kernel(op: Transpose, inputs: tuple[Value, ...], output: Value) -> Kernel | None:
    axes = (*op.axes, len(op.axes))
    return Kernel(lambda a: np.ascontiguousarray(a.transpose(axes)), scratch=8 * output.size, view=True)


def pad_kernel(op: Pad, inputs: tuple[Value, ...], output: Value) -> Kernel | None:
    (x,) = inputs
    whole = Pad((*op.pads, (0, 0)), op.mode, op.value)
    dtype = carrier(output)  # the padding may need a wider type than the operand
    return Kernel(
        lambda a: whole.evaluate(a.astype(dtype, copy=False)[None])[0], scratch=8 * (x.size + output.size)
    )


def upsample_kernel(op: Upsample, inputs: tuple[Value, ...], output: Value) -> Kernel | None:
    return Kernel(lambda a: op.evaluate(a[None])[0], scratch=16 * output.size)

"""Locally connected layers: every window gathered, and one small matrix product per position."""

from __future__ import annotations

from math import prod

import numpy as np

from levelone.graph.kernels.carrier import Array, carrier
from levelone.graph.kernels.kernel import Kernel
from levelone.graph.kernels.linear import arithmetic
from levelone.graph.ops import LocallyConnected
from levelone.graph.values import Value


def locally_connected_kernel(op: LocallyConnected, inputs: tuple[Value, ...], output: Value) -> Kernel | None:
    (x,) = inputs
    dtype = arithmetic(op, x)
    if dtype is None:
        return None
    positions, channels = prod(op.own), output.shape[-1]
    places = np.stack([op.places(position, x.shape[:-1]) for position in np.ndindex(op.own)])
    elements = places[..., None] * x.shape[-1] + np.arange(x.shape[-1])
    # what is in the padding is the row of zeros behind the operand
    taken = np.where(places[..., None] >= 0, elements, x.size).reshape(positions, -1)
    padded = bool((places < 0).any())
    weights: Array = np.zeros((positions, channels, places.shape[1], x.shape[-1]), dtype=dtype)
    own = (op.weights * op.step).reshape(positions, places.shape[1], -1, channels).transpose(0, 3, 1, 2)
    for i, o in op.group_slices():
        weights[:, o, :, i] = own[:, o]
    matrices: Array = weights.reshape(positions, channels, -1)
    bias: Array = op.bias.reshape(positions, channels, 1).astype(dtype)
    result_type = carrier(output)

    def run(a: Array) -> Array:
        events = a.shape[-1]
        rows: Array = a.reshape(x.size, events).astype(dtype, copy=False)
        if padded:
            rows = np.concatenate([rows, np.zeros((1, events), dtype=dtype)])
        sums = np.matmul(matrices, rows[taken])
        sums += bias
        return sums.reshape(*output.shape, events).astype(result_type, copy=False)

    return Kernel(run, scratch=np.dtype(dtype).itemsize * (taken.size + x.size + output.size))

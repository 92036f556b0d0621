"""Fast bodies beside the meanings of `levelone.graph.ops`, compared with them in the tests.

A kernel is made once per node, from the operation and the types around it, and may decline (None): then, and
for operations not listed here, the executor evaluates the meaning itself.
"""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import Any

from levelone.graph.kernels.convolution import conv_kernel
from levelone.graph.kernels.elementwise import (
    add_kernel,
    affine_kernel,
    lookup_kernel,
    multiply_kernel,
    power_kernel,
    relu_kernel,
)
from levelone.graph.kernels.kernel import Kernel
from levelone.graph.kernels.linear import dense_kernel
from levelone.graph.kernels.local import locally_connected_kernel
from levelone.graph.kernels.pool import average_pool_kernel, max_pool_kernel
from levelone.graph.kernels.requantise import requantise_kernel
from levelone.graph.kernels.shape import (
    concat_kernel,
    pad_kernel,
    reshape_kernel,
    transpose_kernel,
    upsample_kernel,
)
from levelone.graph.ops import (
    Add,
    Affine,
    AveragePool,
    Concat,
    Conv,
    Dense,
    LocallyConnected,
    Lookup,
    MaxPool,
    Multiply,
    Pad,
    Power,
    Relu,
    Requantise,
    Reshape,
    Transpose,
    Upsample,
)
from levelone.graph.values import Value

Maker = Callable[[Any, tuple[Value, ...], Value], Kernel | None]

KERNELS: MappingProxyType[type, Maker] = MappingProxyType(
    {
        Add: add_kernel,
        Affine: affine_kernel,
        AveragePool: average_pool_kernel,
        Concat: concat_kernel,
        Conv: conv_kernel,
        Dense: dense_kernel,
        LocallyConnected: locally_connected_kernel,
        Lookup: lookup_kernel,
        MaxPool: max_pool_kernel,
        Multiply: multiply_kernel,
        Pad: pad_kernel,
        Power: power_kernel,
        Relu: relu_kernel,
        Requantise: requantise_kernel,
        Reshape: reshape_kernel,
        Transpose: transpose_kernel,
        Upsample: upsample_kernel,
    }
)

__all__ = ["KERNELS", "Kernel"]

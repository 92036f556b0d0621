"""How each operation becomes layers of hls4ml: one file per family, its C++ beside it.

A lowering is a function ``(operation, site) -> layers``. Where hls4ml has a layer that is right, it is taken;
elsewhere a `Body` says which function template of a header in this folder computes the layer. The C++ works
on integer codes (`code`, `set_code` in ``levelone_common.h``), so it does not matter where the binary point
of a value's type is. A body is a function template

    template <class in_T, class out_T, typename CONFIG_T> void name(in_T in[...], out_T out[...], weights...);

with an overload for ``hls::stream<in_T> &``, where a beat is one position with all its channels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from levelone.graph import ops
from levelone.hls.operations.add_requantise import lower_add_requantise
from levelone.hls.operations.affine import lower_affine
from levelone.hls.operations.conv import lower_conv, lower_dense, lower_locally_connected
from levelone.hls.operations.element_affine import lower_element_affine
from levelone.hls.operations.gather import lower_gather, lower_transpose
from levelone.hls.operations.lookup import lower_lookup
from levelone.hls.operations.matmul import lower_matmul
from levelone.hls.operations.merge import lower_add, lower_concat, lower_multiply
from levelone.hls.operations.pool import lower_average_pool, lower_max_pool
from levelone.hls.operations.power import lower_power
from levelone.hls.operations.requantise import lower_relu, lower_requantise
from levelone.hls.operations.reshape import lower_reshape
from levelone.hls.operations.staircase import lower_staircase
from levelone.hls.spec import LayerSpec, Site

Lowering = Callable[[Any, Site], list[LayerSpec]]
LOWERINGS: Mapping[type, Lowering] = MappingProxyType(
    {
        ops.Add: lower_add,
        ops.AddRequantise: lower_add_requantise,
        ops.Affine: lower_affine,
        ops.AveragePool: lower_average_pool,
        ops.Concat: lower_concat,
        ops.Conv: lower_conv,
        ops.Dense: lower_dense,
        ops.ElementAffine: lower_element_affine,
        ops.LocallyConnected: lower_locally_connected,
        ops.Lookup: lower_lookup,
        ops.MatMul: lower_matmul,
        ops.MaxPool: lower_max_pool,
        ops.Multiply: lower_multiply,
        ops.Pad: lower_gather,
        ops.Power: lower_power,
        ops.Relu: lower_relu,
        ops.Requantise: lower_requantise,
        ops.Reshape: lower_reshape,
        ops.Staircase: lower_staircase,
        ops.Take: lower_gather,
        ops.Transpose: lower_transpose,
        ops.Upsample: lower_gather,
    }
)

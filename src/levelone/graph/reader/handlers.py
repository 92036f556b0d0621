"""The one table of handlers: which function reads which ONNX operator."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType

import onnx

from levelone.graph.reader import moves
from levelone.graph.reader.arithmetic import (
    read_add,
    read_batch_normalization,
    read_div,
    read_mul,
    read_neg,
    read_relu,
    read_several,
    read_sub,
    read_where,
)
from levelone.graph.reader.channels_last import read_channels_last
from levelone.graph.reader.context import Context
from levelone.graph.reader.contraction import read_einsum
from levelone.graph.reader.formulae import FUNCTIONS
from levelone.graph.reader.functions import (
    ROUNDING,
    read_clamp,
    read_function,
    read_hard_sigmoid,
    read_leaky,
    read_power,
    read_rounding,
)
from levelone.graph.reader.hosted import read_hosted
from levelone.graph.reader.linear import read_conv, read_gemm, read_matmul
from levelone.graph.reader.nodes import CHANNELS_LAST, unsupported
from levelone.graph.reader.pooling import (
    read_average_pool,
    read_global_average_pool,
    read_global_max_pool,
    read_max_pool,
    read_reduction,
)
from levelone.graph.reader.quantiser import read_quantiser
from levelone.graph.reader.resampling import read_pad, read_resize, read_trunc
from levelone.graph.reader.shapes import (
    read_cast,
    read_concat,
    read_identity,
    read_permutation,
    read_reshape,
    read_selection,
)
from levelone.graph.reader.tensors import Tensor
from levelone.graph.reader.transposed import read_conv_transpose

Handler = Callable[[Context, onnx.NodeProto], Tensor | tuple[Tensor, ...]]

HANDLERS: MappingProxyType[str, Handler] = MappingProxyType(
    {
        "Add": read_add,
        "AveragePool": read_average_pool,
        "BatchNormalization": read_batch_normalization,
        "BipolarQuant": read_quantiser,
        "Cast": read_cast,
        "Clip": read_clamp,
        "Concat": read_concat,
        "Conv": read_conv,
        "ConvTranspose": read_conv_transpose,
        "Div": read_div,
        "Dropout": read_identity,
        "Einsum": read_einsum,
        "Gemm": read_gemm,
        "GlobalAveragePool": read_global_average_pool,
        "GlobalMaxPool": read_global_max_pool,
        "HardSigmoid": read_hard_sigmoid,
        "Identity": read_identity,
        "IntQuant": read_quantiser,
        "LeakyRelu": read_leaky,
        "MatMul": read_matmul,
        "Max": read_clamp,
        "Mean": read_several,
        "MaxPool": read_max_pool,
        "Min": read_clamp,
        "Mul": read_mul,
        "Neg": read_neg,
        "PRelu": read_leaky,
        "Pow": read_power,
        "Pad": read_pad,
        "Quant": read_quantiser,
        "ReduceMax": read_reduction,
        "ReduceMean": read_reduction,
        "ReduceMin": read_reduction,
        "ReduceSum": read_reduction,
        "Relu": read_relu,
        "Resize": read_resize,
        "Sub": read_sub,
        "Sum": read_several,
        "Trunc": read_trunc,
        "Upsample": read_resize,
        "Where": read_where,
        **dict.fromkeys(moves.PERMUTING, read_permutation),
        **dict.fromkeys(moves.RESHAPES, read_reshape),
        **dict.fromkeys(moves.SELECTIONS, read_selection),
        **dict.fromkeys(FUNCTIONS, read_function),
        **dict.fromkeys(ROUNDING, read_rounding),
    }
)

NEAREST = MappingProxyType(
    {
        "ArgMax": "at the very end of the network, where it is left off and the scores are compared",
        "FloatQuant": "Quant (integer quantisers)",
        "If": "a network without branches that depend on data",
        "InstanceNormalization": "BatchNormalization",
        "LSTM": "Conv over time",
        "LayerNormalization": "BatchNormalization",
        "Loop": "a network without loops",
        "LpPool": "AveragePool or MaxPool",
        "MultiThreshold": "Quant, from which it was made",
        "Scan": "a network without loops",
        "Softmax": "at the very end of the network, where it is left off and the logits are compared",
        "TopK": "at the very end of the network, where it is left off and the scores are compared",
    }
)


def handle(ctx: Context, node: onnx.NodeProto) -> Tensor | tuple[Tensor, ...]:
    """What the host or the operator's handler makes of the node; `UnsupportedError` if there is none."""
    hosted = read_hosted(ctx, node)
    if hosted is not None:
        return hosted
    if node.domain == CHANNELS_LAST:
        return read_channels_last(ctx, node)
    if node.op_type not in HANDLERS:
        nearest = NEAREST.get(node.op_type, f"a network of {', '.join(sorted(HANDLERS))}")
        raise unsupported(node, "no exact integer form is known", nearest)
    return HANDLERS[node.op_type](ctx, node)

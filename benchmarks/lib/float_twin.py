"""The float32 PyTorch network of the same architecture as an integer graph, to compare its speed with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from levelone.graph import Graph, Node
from levelone.graph.ops import Add, AveragePool, Concat, Conv, Dense, MaxPool, Relu, Requantise, Reshape

CONVOLUTIONS = (functional.conv1d, functional.conv2d, functional.conv3d)
MEANS = (functional.avg_pool1d, functional.avg_pool2d, functional.avg_pool3d)
POOLS = (functional.max_pool1d, functional.max_pool2d, functional.max_pool3d)


def float_inputs(graph: Graph, codes: Mapping[str, NDArray[Any]]) -> dict[str, Tensor]:
    """Input codes as float32 tensors, channels first."""
    return {
        port.value.name: torch.from_numpy(
            np.ascontiguousarray(np.moveaxis(codes[port.value.name], -1, 1), dtype=np.float32)
        )
        for port in graph.inputs
    }


def float_twin(graph: Graph) -> Callable[[Mapping[str, Tensor]], list[Tensor]]:
    """A function from input to output tensors; requantisation, which floats do not need, is left out."""
    layers = [(node, _layer(node)) for node in graph]

    @torch.inference_mode()
    def run(inputs: Mapping[str, Tensor]) -> list[Tensor]:
        values = dict(inputs)
        for node, layer in layers:
            values[node.name] = layer(*(values[name] for name in node.inputs))
        return [values[name] for name in graph.outputs]

    return run


def _layer(node: Node) -> Callable[..., Tensor]:
    match node.op:
        case Conv() as conv:
            rank = conv.weights.ndim - 2
            kernel = torch.from_numpy(np.moveaxis(conv.weights, (-1, -2), (0, 1)).astype(np.float32))
            bias = torch.from_numpy(conv.bias.astype(np.float32))
            if any(begin != end for begin, end in conv.pads):
                raise SystemExit(f"{node.name}: asymmetric padding has no plain twin in PyTorch")
            rest = (conv.stride, tuple(begin for begin, _ in conv.pads), conv.dilation, conv.groups)
            return lambda x: CONVOLUTIONS[rank - 1](x, kernel, bias, *rest)
        case Dense() as dense:
            matrix = torch.from_numpy(dense.weights.T.astype(np.float32).copy())
            offset = torch.from_numpy(dense.bias.astype(np.float32))
            return lambda x: functional.linear(x, matrix, offset)
        case MaxPool() as pool:
            function, begins = POOLS[len(pool.kernel) - 1], tuple(begin for begin, _ in pool.pads)
            return lambda x: function(x, pool.kernel, pool.stride, begins)
        case AveragePool() as pool if not any(map(any, pool.pads)):
            average = MEANS[len(pool.kernel) - 1]
            return lambda x: average(x, pool.kernel, pool.stride)
        case Relu():
            return torch.relu
        case Requantise():
            return lambda x: x
        case Reshape(shape=(_,)):
            return lambda x: x.flatten(1)
        case Concat():
            return lambda *parts: torch.cat(parts, 1)
        case Add():
            return torch.add
        case other:
            raise SystemExit(f"{node.name}: no float twin for {type(other).__name__}")

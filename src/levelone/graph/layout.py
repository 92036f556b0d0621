"""Between the graph's channels-last codes and the ONNX tensors they came from."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.graph.build import channels_first_order
from levelone.graph.ir import Graph, Layout


def layout_of(graph: Graph, name: str) -> Layout:
    """The recorded layout of a value; for a graph built by hand, channels first."""
    if name in graph.layouts:
        return graph.layouts[name]
    shape = graph.values[name].shape
    return Layout(name, (shape[-1], *shape[:-1]), channels_first_order(shape))


def to_onnx_layout(graph: Graph, name: str, codes: NDArray[Any]) -> NDArray[Any]:
    """Codes [event, *graph shape] as [event, *ONNX shape]."""
    layout = layout_of(graph, name)
    return codes.reshape(len(codes), len(layout.order))[:, layout.order].reshape(len(codes), *layout.shape)


def from_onnx_layout(graph: Graph, name: str, tensor: NDArray[Any]) -> NDArray[Any]:
    """An array [event, *ONNX shape] as [event, *graph shape]; the inverse of `to_onnx_layout`."""
    layout = layout_of(graph, name)
    flat = tensor.reshape(len(tensor), len(layout.order))
    result = np.empty_like(flat)
    result[:, layout.order] = flat
    return result.reshape(len(tensor), *graph.values[name].shape)

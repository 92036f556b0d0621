"""The outputs of the ONNX file, of the codes of a graph: their names, their order and their shapes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from levelone.graph.ir import Graph, GraphOutput
from levelone.graph.layout import layout_of
from levelone.graph.values import Codes


def computed_outputs(graph: Graph) -> tuple[GraphOutput, ...]:
    """The file's outputs that are codes, and what the host needs for the others."""
    return graph.computed or tuple(GraphOutput(n, n, layout_of(graph, n)) for n in graph.outputs)


def output_shapes(graph: Graph, *, codes: bool = False) -> dict[str, tuple[int, ...]]:
    """Shapes of what `file_outputs` gives, by ONNX name, without the axis of the events."""
    shapes = {output.name: output.layout.shape for output in computed_outputs(graph)}
    if codes or graph.tail is None:
        return shapes
    shapes |= graph.tail.shapes
    return {name: shapes[name] for name in graph.onnx_outputs}


def file_outputs(
    graph: Graph, values: Mapping[str, Codes], *, codes: bool = False
) -> dict[str, NDArray[Any]]:
    """The outputs of the ONNX file, in its order.

    Parameters
    ----------
    values
        Codes [event, *graph shape] of each of the graph's outputs.
    codes
        Give codes, of the outputs that are codes and of what the host needs for the others.

    Returns
    -------
    dict
        By ONNX name: int64 codes, or float64 real numbers, [event, *ONNX shape].
    """
    computed = computed_outputs(graph)
    if codes:
        return {output.name: _arranged(output, values[output.value]) for output in computed}
    numbers = {o.value: real_numbers(graph, o.value, values[o.value]) for o in computed}
    real: dict[str, NDArray[Any]] = {o.name: _arranged(o, numbers[o.value]) for o in computed}
    if graph.tail is None:
        return real
    made = graph.tail.run({name: real[name] for name in graph.tail.operands})
    real |= {name: array.astype(np.float64) for name, array in made.items()}
    return {name: real[name] for name in graph.onnx_outputs}


def real_numbers(graph: Graph, name: str, codes: Codes) -> NDArray[np.float64]:
    """Real numbers of a value's codes, with the constants that the host still applies to it."""
    numbers = codes * np.array([float(s) for s in graph.values[name].scale])
    return graph.ends[name].real(numbers) if name in graph.ends else numbers


def _arranged(output: GraphOutput, array: NDArray[Any]) -> NDArray[Any]:
    """[event, *graph shape] as [event, *ONNX shape]."""
    layout = output.layout
    return array.reshape(len(array), len(layout.order))[:, layout.order].reshape(len(array), *layout.shape)

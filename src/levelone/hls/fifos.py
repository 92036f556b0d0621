"""The depths of a project's FIFOs, by the rule of `levelone.hardware.streams`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from levelone.hardware.streams import INPUTS, OUTPUTS, Edge, depth, whole


def set_depths(model: Any) -> None:
    """Shorten the FIFOs of an hls4ml `ModelGraph` whose stream variables hold a whole tensor each."""
    makers = {name: layer for layer in model.get_layers() for name in layer.outputs}
    edges = _edges(model, makers)
    for name in edges.keys() - whole(edges):
        variable = makers[name].get_output_variable(name)
        pragma = getattr(variable, "pragma", None)
        if isinstance(pragma, tuple) and pragma[0] == "stream":
            variable.pragma = ("stream", min(int(pragma[1]), depth(variable.shape)))


def _edges(model: Any, makers: Mapping[str, Any]) -> dict[str, Edge]:
    """The streams by name, those behind views: each has one reader, copies have names of their own."""
    from hls4ml.model.types import InplaceTensorVariable

    def is_view(name: str) -> bool:
        return isinstance(makers[name].get_output_variable(name), InplaceTensorVariable)

    edges: dict[str, Edge] = {}
    for layer in model.get_layers():
        if layer.name in model.inputs or is_view(layer.outputs[0]):
            continue
        for name in layer.inputs:
            while is_view(name):
                name = makers[name].inputs[0]
            maker = makers[name].name
            edges[name] = (INPUTS if maker in model.inputs else maker, layer.name)
    return edges | {name: (makers[name].name, OUTPUTS) for name in model.outputs}

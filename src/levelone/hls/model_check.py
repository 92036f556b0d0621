"""The finished hls4ml model against what was intended: every type, every layer, nothing added or dropped."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from levelone.errors import LeveloneError
from levelone.hardware.types import FixedType
from levelone.hls.ap_fixed import ap
from levelone.hls.spec import LayerSpec

WITHOUT_CODE = {"InputLayer", "Reshape"}
# hls4ml leaves these at a default where a layer has no use for them.
UNUSED_TYPES = {
    "Activation": {"table_t"},
    "Dense": {"index_t"},
}


def check_types(model: Any, specs: Sequence[LayerSpec]) -> None:
    """Compare every type of the finished model with the intended one.

    Raises
    ------
    LeveloneError
        Naming the layer, the type, what was intended and what hls4ml made of it.
    """
    from hls4ml.model.types import TensorVariable

    intended = {spec.name: spec for spec in specs}
    missing = intended.keys() - {layer.name for layer in model.get_layers()}
    if missing:
        raise LeveloneError(
            f"hls4ml dropped the layer {sorted(missing)[0]}; the project would differ from the graph"
        )
    for layer in model.get_layers():
        spec = intended.get(layer.name)
        if spec is None:
            _check_copy(layer)
            continue
        if spec.kind not in WITHOUT_CODE and not layer.get_attr("function_cpp"):
            raise LeveloneError(f"{layer.name}: hls4ml generated no code for its layer {spec.kind}")
        wanted = spec.all_types
        for key, named in layer.types.items():
            stem = key.removesuffix("_t")
            if stem not in wanted:
                if key in UNUSED_TYPES.get(spec.kind, set()):
                    continue
                raise LeveloneError(
                    f"{layer.name}: hls4ml chose {key} = {named.precision}; none was intended"
                )
            _same(layer.name, key, wanted[stem], named.precision)
        for stem in wanted.keys() - {key.removesuffix("_t") for key in layer.types}:
            raise LeveloneError(
                f"{layer.name}: the intended type {stem}_t is not in hls4ml's layer {spec.kind}"
            )
        for variable in layer.attributes.values():
            if isinstance(variable, TensorVariable):
                _same(layer.name, "output", spec.result, variable.type.precision)
                if math.prod(variable.shape) != math.prod(spec.shape):
                    raise LeveloneError(
                        f"{layer.name}: hls4ml made shape {list(variable.shape)}, intended {list(spec.shape)}"
                    )
        for key, weight in layer.weights.items():
            _same(layer.name, key, wanted[key], weight.type.precision)


def _check_copy(layer: Any) -> None:
    """A layer that hls4ml added: only copies of a stream are expected, of the very same type."""
    if layer.class_name != "Clone":
        raise LeveloneError(
            f"hls4ml inserted a layer {layer.name} ({layer.class_name}) that was not asked for"
        )
    source = layer.get_input_variable().type.precision
    for variable in layer.get_variables():
        if variable.type.precision != source:
            raise LeveloneError(
                f"{layer.name}: copy of type {variable.type.precision}, the original is {source}"
            )


def _same(layer: str, key: str, wanted: FixedType, found: Any) -> None:
    shown = found.definition_cpp()
    if shown != ap(wanted):
        raise LeveloneError(f"{layer}: hls4ml made {key} = {shown}, intended {ap(wanted)}")

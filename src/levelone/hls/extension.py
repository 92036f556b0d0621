"""Layers that hls4ml lacks, registered with it at run time: one class for all, parametrised by a `Body`.

hls4ml supplies variables, types, weights, the top function, the bridge and the trace; the C++ function
template beside the layer's lowering (`levelone.hls.operations`) supplies the arithmetic.
"""

from __future__ import annotations

from functools import cache
from typing import Any

LAYER = "LeveloneLayer"
"""Class name of these layers in hls4ml's model."""

TEMPLATES = (f"vitis:{LAYER.lower()}_config_template", f"vitis:{LAYER.lower()}_function_template")


@cache
def register() -> None:
    """Make the layer known to hls4ml; hls4ml refuses a second registration, so it happens once."""
    from hls4ml.backends import get_backend
    from hls4ml.backends.template import FunctionCallTemplate, LayerConfigTemplate
    from hls4ml.model.layers import Layer, register_layer
    from hls4ml.model.types import NamedType

    class LeveloneLayer(Layer):  # type: ignore[misc, unused-ignore]
        """Attributes: `body`, `out_shape`, `parameter_keys` and `type_keys`, all set by `emit`."""

        def initialize(self) -> None:
            self.add_output_variable(list(self.attributes["out_shape"]))
            for key in self.attributes["parameter_keys"]:
                self.add_weights_variable(name=key)
            for key in self.attributes["type_keys"]:
                precision, name = self.model.config.get_precision(self, key)
                self.set_attr(f"{key}_t", NamedType(name, precision))

    class Config(LayerConfigTemplate):  # type: ignore[misc, unused-ignore]
        def __init__(self) -> None:
            super().__init__(LeveloneLayer)

        def format(self, node: Any) -> str:
            lines = [
                f"static const {_cpp_type(value)} {key} = {_cpp_value(value)};"
                for key, value in node.attributes["body"].constants.items()
            ]
            lines.append(f"static const unsigned reuse_factor = {node.get_attr('reuse_factor')};")
            for key in node.attributes["parameter_keys"]:
                lines.append(f"static const unsigned {key}_size = {node.weights[key].data_length};")
            for key in (*node.attributes["parameter_keys"], *node.attributes["type_keys"]):
                named = node.types[f"{key}_t"] if f"{key}_t" in node.types else node.weights[key].type
                lines.append(f"typedef {named.name} {key}_t;")
            text = "".join(f"    {line}\n" for line in lines)
            return f"struct config{node.index} {{\n{text}}};\n"

    class Call(FunctionCallTemplate):  # type: ignore[misc, unused-ignore]
        def __init__(self) -> None:
            super().__init__(LeveloneLayer)

        def transform(self, model: Any, node: Any) -> bool:
            super().transform(model, node)
            node.set_attr("include_header", [f"nnet_utils/{node.attributes['body'].header}"])
            return False

        def format(self, node: Any) -> str:
            variables = [node.get_input_variable(name) for name in node.inputs]
            variables.append(node.get_output_variable())
            weights = [node.weights[key].name for key in node.attributes["parameter_keys"]]
            types = ", ".join([*(v.type.name for v in variables), f"config{node.index}"])
            arguments = ", ".join([*(v.name for v in variables), *weights])
            return f"{node.attributes['body'].function}<{types}>({arguments});"

    register_layer(LAYER, LeveloneLayer)
    backend = get_backend("Vitis")
    backend.register_template(Config)
    backend.register_template(Call)


def _cpp_type(value: int | bool) -> str:
    if isinstance(value, bool):
        return "bool"
    return "unsigned" if 0 <= value < 2**32 else "long long"


def _cpp_value(value: int | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)

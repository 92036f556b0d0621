"""From the integer graph to hls4ml layers, operation by operation."""

from __future__ import annotations

from dataclasses import replace

from levelone.errors import LeveloneError, UnsupportedError, nearest
from levelone.graph.ir import Graph, Node
from levelone.graph.values import Value
from levelone.hardware.types import value_type
from levelone.hls.config import HlsConfig, LayerChoice
from levelone.hls.operations import LOWERINGS, Lowering
from levelone.hls.spec import DOUBLE_BITS, LARGEST, MOST, LayerSpec, Site, check_size
from levelone.plugins import Registry

BODIES = Registry("body of an operation", "levelone.lowerings", {})
"""Bodies of single layers from other distributions, for ``[hls.layers.NAME] body``."""
SAME_TYPE = {"Reshape", "Transpose", "ZeroPadding1D", "ZeroPadding2D"}
"""hls4ml gives these layers of its own the type of their source, whatever it is told."""


def lower(graph: Graph, config: HlsConfig) -> list[LayerSpec]:
    """Every layer of the hardware, in order; values keep the names they have in the graph.

    Raises
    ------
    UnsupportedError
        Naming the node that this version cannot carry into hls4ml.
    LeveloneError
        If `config` has a choice for a layer that does not exist or multiplies nothing.
    """
    specs = [_port(entry.value) for entry in graph.inputs]
    ports = {spec.name for spec in specs}
    for name in graph.outputs:
        if name in ports:
            raise UnsupportedError(f"{name} is an input and an output at once: there is no layer to build")
    sharing: set[str] = set()
    for node in graph:
        chosen = config.layers.get(node.name, LayerChoice()).body
        made = _lowered(graph, node, config.of(node.name), chosen)
        if chosen or any(spec.shares for spec in made):
            sharing.add(node.name)
        specs += [_as_seen(spec, specs) for spec in made]
    for name in config.layers:
        if name not in sharing:
            what = "multiplies nothing" if name in graph.values else "is no layer of the network"
            raise LeveloneError(f"hls.layers.{name}: {name} {what}", hint=nearest(name, sorted(sharing)))
    return specs


def _port(value: Value) -> LayerSpec:
    if value.width > DOUBLE_BITS:
        raise UnsupportedError(
            f"{value.name}: {value.width} bits; a port takes doubles, which hold {DOUBLE_BITS} bits exactly",
            hint="quantise the input to fewer bits",
        )
    attributes = {"input_shape": list(value.shape)}
    return LayerSpec(
        value.name, "InputLayer", (), value.shape, value_type(value), attributes=attributes, value=value
    )


def _lowered(graph: Graph, node: Node, own: HlsConfig, chosen: str | None) -> list[LayerSpec]:
    lowering: Lowering | None = BODIES.find(chosen) if chosen else LOWERINGS.get(type(node.op))
    if lowering is None:
        known = ", ".join(sorted(kind.__name__ for kind in LOWERINGS))
        raise UnsupportedError(
            f"{node.name}: operation {type(node.op).__name__} has no hls4ml lowering",
            hint=f"known: {known}",
        )
    output = graph.values[node.name]
    _check_width(output)
    operands = tuple(graph.values[name] for name in node.inputs)
    readers = tuple(other.op for other in graph for name in other.inputs if name == node.name)
    site = Site(node.name, node.inputs, operands, output, own, node.name in graph.outputs, readers)
    made = lowering(node.op, site)
    if chosen and not any(spec.name == node.name for spec in made):
        raise LeveloneError(f"hls.layers.{node.name}.body: {chosen} gives no layer called {node.name}")
    for spec in made:
        for key, parameter in spec.parameters.items():
            # levelone writes what hls4ml cannot, for its own bodies and their plain integers
            most = LARGEST if spec.body is not None and parameter.type.exponent == 0 else MOST
            ends = int(parameter.codes.min()), int(parameter.codes.max())
            check_size(f"{spec.name}: its {key}", *ends, most=most)
    return [replace(spec, reuse_factor=own.reuse_factor, strategy=own.strategy) for spec in made]


def _check_width(value: Value) -> None:
    if not value.range.in_int64:
        raise UnsupportedError(
            f"{value.name}: {value.width} bits; csim is compared exactly up to 64 bits with a sign",
            hint="use narrower weights or activations, or fewer terms per sum",
        )


def _as_seen(spec: LayerSpec, earlier: list[LayerSpec]) -> LayerSpec:
    """What hls4ml only moves, or views, has the very type of what it reads, modes included."""
    if spec.kind not in SAME_TYPE or spec.body is not None:
        return spec
    source = next(other for other in earlier if other.name == spec.inputs[0])
    return replace(spec, result=source.result)

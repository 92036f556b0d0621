"""From the integer graph to hls4ml layers: one function per operation, listed in `LOWERINGS`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from levelone.errors import LeveloneError, UnsupportedError, nearest
from levelone.graph import ops
from levelone.graph.ir import Graph
from levelone.hardware.types import MOST, TRACE_BITS, value_type
from levelone.hls.config import HlsConfig
from levelone.hls.layers.add_requantise import lower_add_requantise
from levelone.hls.layers.affine import lower_affine
from levelone.hls.layers.gather import lower_gather
from levelone.hls.layers.lookup import lower_lookup
from levelone.hls.layers.merge import lower_multiply
from levelone.hls.layers.staircase import lower_staircase
from levelone.hls.lowering.activations import lower_relu, lower_requantise
from levelone.hls.lowering.moves import lower_add, lower_concat, lower_reshape, lower_transpose
from levelone.hls.lowering.pools import lower_average_pool, lower_max_pool
from levelone.hls.lowering.ranges import with_range_proof
from levelone.hls.lowering.spec import LayerSpec, Parameter, Site
from levelone.hls.lowering.sums import lower_conv, lower_dense

LOWERINGS: Mapping[type, Callable[[Any, Site], list[LayerSpec]]] = MappingProxyType(
    {
        ops.Add: lower_add,
        ops.AddRequantise: lower_add_requantise,
        ops.Affine: lower_affine,
        ops.AveragePool: lower_average_pool,
        ops.Concat: lower_concat,
        ops.Conv: lower_conv,
        ops.Dense: lower_dense,
        ops.Lookup: lower_lookup,
        ops.MaxPool: lower_max_pool,
        ops.Multiply: lower_multiply,
        ops.Pad: lower_gather,
        ops.Relu: lower_relu,
        ops.Requantise: lower_requantise,
        ops.Reshape: lower_reshape,
        ops.Staircase: lower_staircase,
        ops.Take: lower_gather,
        ops.Transpose: lower_transpose,
        ops.Upsample: lower_gather,
    }
)

SAME_TYPE = {"Reshape", "Transpose", "ZeroPadding1D", "ZeroPadding2D"}
"""hls4ml gives these layers of its own the type of their source, whatever it is told."""

__all__ = ["LOWERINGS", "LayerSpec", "Parameter", "Site", "lower"]


def lower(graph: Graph, config: HlsConfig) -> list[LayerSpec]:
    """Every layer of the hardware, in order; values keep the names they have in the graph.

    Raises
    ------
    UnsupportedError
        Naming the node that this version cannot carry into hls4ml.
    LeveloneError
        If `config` has a choice for a layer that does not exist or multiplies nothing.
    """
    specs = [
        LayerSpec(
            entry.value.name,
            "InputLayer",
            (),
            entry.value.shape,
            value_type(entry.value),
            attributes={"input_shape": list(entry.value.shape)},
            value=entry.value,
        )
        for entry in graph.inputs
    ]
    ports = {entry.value.name for entry in graph.inputs}
    for name in graph.outputs:
        if name in ports:
            raise UnsupportedError(f"{name} is an input and an output at once: there is no layer to build")
    sharing: set[str] = set()
    for node in graph:
        lowering = LOWERINGS.get(type(node.op))
        if lowering is None:
            known = ", ".join(sorted(kind.__name__ for kind in LOWERINGS))
            raise UnsupportedError(
                f"{node.name}: operation {type(node.op).__name__} has no hls4ml lowering",
                hint=f"known: {known}",
            )
        operands = tuple(graph.values[name] for name in node.inputs)
        readers = tuple(other.op for other in graph for name in other.inputs if name == node.name)
        is_output = node.name in graph.outputs
        own = config.of(node.name)
        site = Site(node.name, node.inputs, operands, graph.values[node.name], own, is_output, readers)
        made = [
            replace(
                with_range_proof(node.op, site, spec),
                reuse_factor=own.reuse_factor,
                strategy=own.strategy,
            )
            for spec in lowering(node.op, site)
        ]
        if any(spec.shares for spec in made):
            sharing.add(node.name)
        for spec in made:
            for key, parameter in spec.parameters.items():
                _check_size(f"{spec.name}: its {key}", int(parameter.codes.min()), int(parameter.codes.max()))
        specs += [_as_seen(spec, specs) for spec in made]
    for name in config.layers:
        if name not in sharing:
            what = "multiplies nothing" if name in graph.values else "is no layer of the network"
            raise LeveloneError(f"hls.layers.{name}: {name} {what}", hint=nearest(name, sorted(sharing)))
    return specs


def _check_size(what: str, *codes: int) -> None:
    if max(map(abs, codes)) > MOST:
        raise UnsupportedError(
            f"{what} is larger than 2**{TRACE_BITS}, the largest integer that hls4ml is handed exactly",
            hint="use scales whose ratios are shorter numbers",
        )


def _as_seen(spec: LayerSpec, earlier: list[LayerSpec]) -> LayerSpec:
    """What hls4ml only moves, or views, has the very type of what it reads, modes included."""
    if spec.kind not in SAME_TYPE or spec.body is not None:
        return spec
    source = next(other for other in earlier if other.name == spec.inputs[0])
    return replace(spec, result=source.result)

"""What a finished hls4ml project says of itself in `levelone.json`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from levelone.graph.ir import Graph, Node
from levelone.hardware.document import input_fields, model_entry, output_fields, value_fields, versions_of
from levelone.hardware.types import value_type
from levelone.hls import testbench
from levelone.hls.ap_fixed import ap
from levelone.hls.config import HlsConfig
from levelone.hls.emit import pipeline_style
from levelone.hls.manifest import BenchEntry, HlsDocument, HlsInput, HlsLayer, HlsOutput, RecordEntry
from levelone.hls.spec import LayerSpec
from levelone.hls.words import is_recorded, words_of


def describe(
    graph: Graph,
    config: HlsConfig,
    project: str,
    specs: Sequence[LayerSpec],
    names: Mapping[str, str],
    built: Any,
    *,
    stamp: str,
    model: Path | None,
    events: int,
) -> HlsDocument:
    """The document of a project, but for the digests of its files.

    Parameters
    ----------
    project
        Name of the top function.
    specs
        The layers under the graph's own names.
    names
        What those are called in the firmware.
    built
        The finished hls4ml `ModelGraph`.
    events
        Of the test bench.
    """
    variables = {
        layer.name: layer.get_output_variable() for layer in built.get_layers() if is_recorded(layer)
    }
    records = {name: variable.size() for name, variable in variables.items()}
    outputs = dict(zip(graph.outputs, built.get_output_variables(), strict=True))
    reuse = {layer.name: int(layer.get_attr("reuse_factor", 1)) for layer in built.get_layers()}
    by_name = {spec.name: spec for spec in specs}

    def layer(node: Node) -> HlsLayer:
        spec = by_name[node.name]
        return HlsLayer(
            **value_fields(graph.values[node.name]),
            op=type(node.op).__name__,
            inputs=node.inputs,
            layer=names[node.name],
            trace=_trace(spec, by_name, names, records),
            reuse_factor=reuse[names[node.name]],
            types={key: ap(fixed) for key, fixed in spec.all_types.items()},
            proof=spec.proof,
        )

    return HlsDocument(
        project=project,
        graph=graph.name,
        left_off=tuple(map(str, graph.left_off)),
        hls=HlsConfig(**dict(config)),
        pipeline_style=pipeline_style(specs, config),
        stamp=stamp,
        inputs=tuple(
            HlsInput(**input_fields(port), layer=names[port.value.name], type=ap(value_type(port.value)))
            for port in graph.inputs
        ),
        outputs=tuple(
            HlsOutput(
                **output_fields(graph, name),
                layer=names[name],
                type=ap(by_name[name].result),
                words=words_of(outputs[name]),
            )
            for name in graph.outputs
        ),
        layers=tuple(map(layer, graph)),
        helpers=tuple(names[spec.name] for spec in specs if spec.value is None),
        records=tuple(
            RecordEntry(name=name, size=size, words=words_of(variables[name]))
            for name, size in records.items()
        ),
        test_bench=BenchEntry(events=events, inputs=testbench.FEATURES, outputs=testbench.PREDICTIONS),
        model=model_entry(model),
        versions=versions_of("hls4ml", "qonnx", "onnx", "numpy"),
    )


def _trace(
    spec: LayerSpec, by_name: Mapping[str, LayerSpec], names: Mapping[str, str], records: Mapping[str, int]
) -> str | None:
    """The record that shows a value: its own layer's, or for a mere view that of the layer it views."""
    while names[spec.name] not in records:
        if spec.kind != "Reshape":
            return None
        spec = by_name[spec.inputs[0]]
    return names[spec.name]

"""The integers of a system's quantised module and of the reference of its QONNX file, at every layer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from levelone.graph import execute, quantise_inputs, read_qonnx
from levelone.graph.layout import from_onnx_layout
from levelone.quant.calibrate import calibrate, fold_into
from levelone.quant.export import export_qonnx
from levelone.train.codes import layer_codes


def exact_codes(system, recipe, events, folder: Path, moved: tuple[str, ...] = ()) -> dict[str, np.ndarray]:
    """Codes of the module, untrained, layer by layer; the reference's were found to be equal.

    Layers of `moved` do nothing but move numbers: the graph has other names for them.
    """
    torch.manual_seed(4)
    twin, network = system.build_float(recipe).eval(), system.build_quantised(recipe).eval()
    assert [n for n, _ in twin.named_children()] == [n for n, _ in network.named_children()]
    fold_into(twin, network)
    shapes = system.input_shapes(recipe)
    calibrate(network, [torch.from_numpy(events.inputs[name]) for name in shapes])
    examples = {name: torch.zeros(1, *shape) for name, shape in shapes.items()}
    graph = read_qonnx(export_qonnx(network, examples, folder / "m.onnx", outputs=system.outputs))
    found = execute(graph, quantise_inputs(graph, events.inputs), keep="all")
    codes = layer_codes(network, events.inputs)
    for name, expected in codes.items():
        if name in moved:
            continue
        assert np.array_equal(found[name], from_onnx_layout(graph, name, expected)), name
    return codes

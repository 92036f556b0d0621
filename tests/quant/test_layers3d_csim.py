"""Every layer of the three-dimensional vocabulary through the C simulation, in both io modes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from test_layers3d import images, twin_and_network

from levelone.graph import from_onnx_layout, quantise_inputs, read_qonnx
from levelone.hls import HlsConfig, convert
from levelone.pipeline.checks import VectorSet, compare
from levelone.quant.export import export_qonnx
from levelone.train.codes import layer_codes


@pytest.mark.slow
@pytest.mark.parametrize("io", ["parallel", "stream"])
def test_csim_equals_the_module_at_every_layer(io, tmp_path: Path) -> None:
    _, network = twin_and_network()
    path = export_qonnx(network, {"calo": images(2)}, tmp_path / "model.onnx")
    graph = read_qonnx(path)
    convert(graph, tmp_path / "project", HlsConfig(io=io), name="everything", model=path)  # type: ignore[arg-type]
    x = {"calo": images(40, 11).numpy()}
    module = {
        name: from_onnx_layout(graph, name, codes)
        for name, codes in layer_codes(network, x).items()
        if name in graph.values
    }
    sets = [VectorSet("events", quantise_inputs(graph, x), module)]
    result = compare(tmp_path / "project", graph, sets, [])
    assert result["verdict"] == "exact", result["first_mismatch"] or result["reason"]
    compared = {layer["name"] for layer in result["layers"] if layer["compared"]}
    assert {
        "act1",
        "dw",
        "add",
        "pool",
        "squeeze",
        "gate",
        "scaled",
        "both",
        "mean",
        "most",
        "fc_act",
    } <= compared
    assert np.isin(["logit"], list(compared)).all()

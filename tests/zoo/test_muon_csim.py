"""The published baseline for muons, at full size, through the C simulation."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from levelone.graph import read_qonnx
from levelone.hls import HlsConfig, convert
from levelone.pipeline.checks import VectorSet, compare
from levelone.quant.calibrate import calibrate, fold_into
from levelone.quant.export import export_qonnx
from levelone.recipe import load_recipe
from levelone.verify import random_vectors
from levelone.zoo.muon import SYSTEM as MUON


@pytest.mark.slow
def test_the_published_baseline_is_exact_in_csim(tmp_path: Path) -> None:
    """138,835 parameters, 4.5 million products per event; fresh weights: nothing here depends on training."""
    recipe = load_recipe(MUON.default_recipe.with_name("baseline.toml"))
    torch.manual_seed(3)
    twin, network = MUON.build_float(recipe), MUON.build_quantised(recipe)
    fold_into(twin, network)
    images = torch.rand(8, 1, 50, 32, 32) ** 8 * 50
    calibrate(network, [images])
    path = export_qonnx(network.eval(), {"calo": images[:1]}, tmp_path / "m.onnx", outputs=MUON.outputs)
    graph = read_qonnx(path)
    config = HlsConfig(io="stream", strategy="resource")
    convert(graph, tmp_path / "project", config, name="muon", model=path)
    result = compare(
        [tmp_path / "project"], graph, [VectorSet("random", random_vectors(graph, 2, 5), None)], []
    )
    assert result["verdict"] == "exact", result["first_mismatch"] or result["reason"]
    compared = {layer["name"] for layer in result["layers"] if layer["compared"]}
    assert {"conv1", "conv4", "fc1", "energy"} <= compared

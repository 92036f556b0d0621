"""Anyone's QONNX through csim, exactly: Brevitas with general scales, QKeras, and networks at random."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hls_graphs import assert_exact

from levelone.errors import LeveloneError
from levelone.graph import read_qonnx

QKERAS = Path(__file__).parents[1] / "graph" / "qkeras"


@pytest.mark.slow
@pytest.mark.parametrize("io", ["parallel", "stream"])
@pytest.mark.parametrize(
    ("weights", "acts", "rank", "kind", "bits"),
    [
        ("Int8WeightPerChannelFloat", "Uint8ActPerTensorFloat", 2, "plain", 6),
        ("ShiftedUint8WeightPerChannelFloat", "ShiftedUint8ActPerTensorFloat", 2, "depthwise", 5),
        ("Int8WeightPerChannelFloat", "Int8ActPerTensorFloat", 3, "grouped", 4),
        ("SignedBinaryWeightPerTensorConst", "SignedTernaryActPerTensorConst", 1, "plain", None),
    ],
)
def test_brevitas_with_general_scales(weights, acts, rank, kind, bits, io: str, tmp_path: Path) -> None:
    import torch
    from brevitas_chain import Chain
    from brevitas_export import export

    torch.manual_seed(3)
    model = export(Chain(weights, acts, rank, kind, bits), tmp_path / "m.onnx")
    assert_exact(read_qonnx(model), io, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "io"), [("images", "stream"), ("dense", "parallel")])
def test_qkeras(name: str, io: str, tmp_path: Path) -> None:
    graph = read_qonnx(QKERAS / f"{name}.onnx", {"global_in": "fixed<8,3>"})
    assert_exact(graph, io, tmp_path)


@pytest.mark.slow
def test_random_networks(tmp_path: Path) -> None:
    """Networks that the reader is fuzzed with, both io modes in turn."""
    from random_models import random_model

    exact = 0
    for seed in range(100, 112):
        numbers = random.Random(seed)
        try:
            graph = read_qonnx(random_model(numbers.randint))
        except LeveloneError:
            continue
        assert_exact(graph, ("parallel", "stream")[seed % 2], tmp_path / str(seed), 60)
        exact += 1
    assert exact >= 6


@pytest.mark.slow
@pytest.mark.parametrize("io", ["parallel", "stream"])
def test_residual_blocks_and_functions_of_general_scale(io: str, tmp_path: Path) -> None:
    """Two residual blocks with a float bias in every branch, and functions of wide sums behind them."""
    from onnx_models import Model, branch

    m = Model(x=(3, 8))
    x = m.quant("x", 0.0371, 8)
    projected = m.quant(m.add("Relu", m.add("Add", branch(m, x), branch(m, x))), 0.0213, 6, signed=0)
    kept = m.quant(m.add("Add", branch(m, projected), projected), 0.0441, 5, zero=1.0, mode="CEIL")
    outputs = [
        m.quant(m.add(name, branch(m, x if name in ("Tanh", "Gelu") else kept)), 0.0173, 7, signed=1)
        for name in ("Tanh", "Sigmoid", "LeakyRelu", "Gelu")
    ]
    graph = read_qonnx(m.build(*outputs))
    kinds = {type(node.op).__name__ for node in graph}
    assert {"AddRequantise", "Staircase"} <= kinds
    assert_exact(graph, io, tmp_path)

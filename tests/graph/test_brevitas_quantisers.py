"""The integer quantisers of Brevitas, exported by Brevitas: codes against the module's own integers.

With power-of-two scales they are equal. With general scales float32 may round a number that is next to a tie
the other way. So each activation is recomputed from the module's integers before it: what differs must then
differ by one, and the exact number must lie that close to a tie. Those are counted; all else must be equal.
"""

from __future__ import annotations

from fractions import Fraction
from math import floor
from pathlib import Path

import numpy as np
import pytest
import torch
from brevitas_chain import Chain, integers_of, quantised_values
from brevitas_export import export

from levelone.graph import Graph, from_onnx_layout, layout_of, quantise_inputs, read_qonnx
from levelone.graph.ops import Requantise

NEAR = Fraction(1, 10**4)
"""How far from a tie float32 can lose its way: accumulators here have at most 16 bits."""


def near_a_tie(op: Requantise, operand: int, channel: int) -> bool:
    exact = operand * op.multiplier[channel % len(op.multiplier)] + op.offset[channel % len(op.offset)]
    return abs(exact - floor(exact) - Fraction(1, 2)) < NEAR


def compare_with_module(graph: Graph, network: torch.nn.Module, real: np.ndarray) -> tuple[int, int]:
    """(codes compared, codes that float32 rounded the other way at a tie)."""
    theirs = dict(zip(quantised_values(graph), integers_of(network, real), strict=True))
    values = quantise_inputs(graph, {graph.inputs[0].source: real})
    compared = ties = 0
    for name, codes in values.items():
        wanted, _ = theirs[name]
        bit = graph.inputs[0].quantiser.bipolar
        wanted = (wanted + 1) // 2 if bit else wanted
        wanted = wanted.reshape(len(real), *layout_of(graph, name).shape)
        assert (codes == from_onnx_layout(graph, name, wanted)).all()
        compared += codes.size
    for node in graph:
        codes = node.op.evaluate(*(values[i] for i in node.inputs))
        if node.name in theirs:
            shape = graph.layouts[node.name].shape
            wanted = theirs[node.name][0]
            if (node.op.range.lo, node.op.range.hi, node.op.zero_point) == (0, 1, 0) and wanted.min() < 0:
                wanted = (wanted + 1) // 2
            wanted = from_onnx_layout(graph, node.name, wanted.reshape(len(real), *shape))
            operand = values[node.inputs[0]]
            for where in np.argwhere(codes != wanted):
                at = tuple(where)
                assert abs(codes[at] - wanted[at]) == 1, (node.name, at)
                assert near_a_tie(node.op, int(operand[at]), at[-1]), (node.name, at)
                ties += 1
            compared += codes.size
            codes = wanted
        values[node.name] = codes
    return compared, ties


FIXED = [
    ("Int8WeightPerChannelFixedPointMSE", "Uint8ActPerTensorFixedPoint", 1, "depthwise", 3),
    ("Int8WeightNormL2PerChannelFixedPoint", "Int8ActPerTensorFixedPoint", 3, "grouped", 4),
    ("Int8WeightPerTensorFixedPoint", "ShiftedUint8ActPerTensorFixedPoint", 2, "transposed", 4),
]
GENERAL = [
    ("Int8WeightPerTensorFloat", "Int8ActPerTensorFloat", 1, "plain", 4),
    ("Int8WeightPerChannelFloat", "Uint8ActPerTensorFloat", 2, "plain", 6),
    ("Int8WeightPerChannelFloat", "Int8ActPerTensorFloat", 3, "transposed", 5),
    ("ShiftedUint8WeightPerTensorFloat", "ShiftedUint8ActPerTensorFloat", 2, "plain", 5),
    ("ShiftedUint8WeightPerChannelFloat", "Int8ActPerTensorFloat", 1, "grouped", 4),
    ("SignedBinaryWeightPerTensorConst", "SignedTernaryActPerTensorConst", 2, "plain", None),
    ("SignedTernaryWeightPerTensorConst", "SignedBinaryActPerTensorConst", 2, "plain", None),
    ("Int8WeightPerChannelFloatDecoupled", "Int8ActPerTensorFloat", 2, "plain", 4),
]


@pytest.mark.slow
@pytest.mark.parametrize(("weights", "acts", "rank", "kind", "bits"), FIXED + GENERAL)
def test_codes_equal_the_integers_of_the_module(weights, acts, rank, kind, bits, tmp_path: Path) -> None:
    torch.manual_seed(rank * 10 + len(kind))
    network = Chain(weights, acts, rank, kind, bits)
    graph = read_qonnx(export(network, tmp_path / "m.onnx"))
    real = (np.random.default_rng(rank).standard_normal((40, *network.inputs[0])) * 2).astype(np.float32)
    compared, ties = compare_with_module(graph, network, real)
    assert compared > 2000
    if (weights, acts, rank, kind, bits) in FIXED:
        assert ties == 0
    assert ties < compared / 200

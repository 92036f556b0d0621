"""Locally connected layers as people build them: quantised weights, and what is refused."""

from __future__ import annotations

import pytest
import torch
from brevitas.quant import Int8WeightPerTensorFixedPoint

from levelone.errors import LeveloneError
from levelone.quant.local import QuantLocallyConnected2d, QuantLocallyConnected3d

FOUR_BITS = {"weight_quant": Int8WeightPerTensorFixedPoint, "weight_bit_width": 4}


def test_every_position_has_weights_of_four_bits() -> None:
    layer = QuantLocallyConnected3d(1, 2, (2, 3, 2), (2, 2, 1), (1, 1, 1), bias=False, **FOUR_BITS)
    assert layer.positions == (1, 2, 2) and layer.weight.shape == (2, 1, 1, 2, 2, 2, 2, 1)
    weights = layer.quant_weight()
    codes = weights.value / weights.scale
    assert torch.equal(codes, codes.round()) and codes.abs().max() <= 7
    assert (weights.value != layer.weight).any()
    for row, column in ((0, 0), (1, 1)):
        x = torch.zeros(1, 1, 2, 3, 2)
        x[0, 0, 1, row + 1, column] = 1  # the last tap of this position's kernel along every axis
        assert torch.equal(layer(x)[0, :, 0, row, column], weights.value[:, 0, 0, row, column, 1, 1, 0])


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: QuantLocallyConnected2d(1, 1, (3, 3, 3), (1, 1)), "2d: a grid of 3 axes; it has 2"),
        (lambda: QuantLocallyConnected3d(1, 1, (3, 3, 3), (1, 1)), "3d: grid .* for 2 axes of space"),
        (lambda: QuantLocallyConnected2d(1, 1, (3, 3), (4, 1)), "does not fit into"),
        (
            lambda: QuantLocallyConnected2d(1, 1, (3, 3), (2, 2), weight_bit_width=4),
            "weight_bit_width without weight_quant quantises nothing",
        ),
        (
            lambda: QuantLocallyConnected2d(1, 1, (3, 3), (2, 2), **FOUR_BITS, bias_bit_width=8),
            "bias_bit_width without bias_quant quantises nothing",
        ),
    ],
)
def test_what_makes_no_layer_is_refused(build, message) -> None:
    with pytest.raises(LeveloneError, match=message):
        build()

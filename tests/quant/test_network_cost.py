from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from levelone.quant.cost import enclosed_bits, network_cost, weight_codes
from levelone.quant.layers import QuantLayers, activation_scale
from levelone.quant.scale import scale_of
from levelone.recipe import Bits, QuantSection


@pytest.mark.parametrize(
    ("code", "bits"), [(0, 0), (1, 1), (-4, 1), (3, 2), (6, 2), (-5, 3), (7, 3), (20, 3)]
)
def test_enclosed_bits(code, bits):
    assert enclosed_bits(np.array([code])).tolist() == [bits]


class Tiny(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        quant = QuantSection(inputs={"images": 3}, default=Bits(weight=4, activation=5))
        layers = QuantLayers(quant)
        self.input_shapes = {"images": (1, 4, 4)}
        self.images_q = layers.input("images_q", signed=False)
        self.conv1 = layers.conv("conv1", ("images_q",), (1, 2), (2, 2), (2, 2), (0, 0))
        self.act1 = layers.relu("conv1")
        self.logit = layers.dense("logit", ("act1",), (8, 1), norm=None)

    def forward(self, images):
        return self.logit(torch.flatten(self.act1(self.conv1(self.images_q(images))), 1))


def test_cost_against_a_count_by_hand():
    network = Tiny()
    activation_scale(network.act1).set_exponent(0)
    scale_of(network.conv1.weight_quant).set_exponent(-1)
    scale_of(network.logit.weight_quant).set_exponent(0)
    with torch.no_grad():
        network.conv1.weight.copy_(torch.tensor([[1, 3], [0, 2], [5, 0], [0, 0.0]]).reshape(2, 1, 2, 2) / 2)
        network.logit.weight.copy_(torch.tensor([[1, 2, 3, 4, 5, 0, 0, 7.0]]))
    assert weight_codes(network.conv1).reshape(-1).tolist() == [1, 3, 0, 2, 5, 0, 0, 0]
    cost = network_cost(network)
    # conv1: 4 positions, enclosed bits 1+2+1+3 = 7, 3-bit pixels; logit: 1+1+2+1+3+3 = 11, 5-bit activations.
    assert cost["layers"]["conv1"] == {
        "weights": 8,
        "nonzero_weights": 4,
        "multiplications": 16,
        "ebops": 4 * 7 * 3,
    }
    assert cost["layers"]["logit"] == {"weights": 8, "nonzero_weights": 6, "multiplications": 6, "ebops": 55}
    assert cost["ebops"] == 84 + 55

"""A Brevitas module from Python: names, numbers, and what cannot be exported."""

from __future__ import annotations

from pathlib import Path

import brevitas.nn as qnn
import numpy as np
import pytest
import torch
from brevitas.quant import (
    Int8ActPerTensorFixedPoint,
    Int8WeightPerTensorFixedPoint,
    Uint8ActPerTensorFixedPoint,
)

import levelone


class Net(torch.nn.Module):
    """Two inputs; names as a user would choose them."""

    def __init__(self) -> None:
        super().__init__()
        weights = {"weight_quant": Int8WeightPerTensorFixedPoint, "weight_bit_width": 4, "bias": False}
        self.qi = qnn.QuantIdentity(act_quant=Uint8ActPerTensorFixedPoint, bit_width=6)
        self.c1 = qnn.QuantConv2d(1, 3, 3, **weights)
        self.a1 = qnn.QuantReLU(act_quant=Uint8ActPerTensorFixedPoint, bit_width=6)
        self.qf = qnn.QuantIdentity(act_quant=Int8ActPerTensorFixedPoint, bit_width=6)
        self.out = qnn.QuantLinear(3 * 4 + 2, 2, **weights)

    def forward(self, image: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
        x = self.a1(self.c1(self.qi(image))).flatten(1)
        return self.out(torch.cat([x, self.qf(features)], 1))


@pytest.fixture(scope="module")
def net() -> Net:
    torch.manual_seed(1)
    made = Net()
    with torch.no_grad():
        made(torch.rand(200, 1, 4, 4), torch.randn(200, 2))
    return made.eval()


@pytest.fixture(scope="module")
def model(net: Net) -> levelone.Model:
    return levelone.export(net, (torch.zeros(1, 1, 4, 4), torch.zeros(1, 2)))


def test_names_are_those_of_the_attributes(model: levelone.Model) -> None:
    assert model.name == "net"
    assert model.path is None
    assert model.inputs == {"image": (1, 4, 4), "features": (2,)}
    assert model.outputs == {"out": (2,)}
    assert {"c1", "a1", "out"} <= {layer["name"] for layer in model.inspect()}


def test_it_computes_what_the_module_computes(net: Net, model: levelone.Model) -> None:
    rng = np.random.default_rng(2)
    image, features = rng.random((500, 1, 4, 4), np.float32), rng.normal(size=(500, 2)).astype(np.float32)
    with torch.no_grad():
        expected = net(torch.tensor(image), torch.tensor(features)).numpy()
    assert (model.emulate(image, features) == expected).all()


@pytest.mark.slow
def test_down_to_an_exact_simulation(model: levelone.Model, tmp_path: Path) -> None:
    project = model.convert(tmp_path / "project", io="stream")
    assert project.to_dict()["project"] == "net"
    assert project.csim(vectors=100)


def test_saved_it_is_a_file_like_any_other(model: levelone.Model, tmp_path: Path) -> None:
    copy = levelone.read(model.save(tmp_path / "net.onnx"))
    assert copy.inspect().to_dict()["layers"] == model.inspect().to_dict()["layers"]


@pytest.mark.parametrize(
    ("examples", "name", "message"),
    [
        (torch.zeros(1, 1, 4, 4), None, "features"),
        ({"image": torch.zeros(1, 1, 4, 4), "other": torch.zeros(1, 2)}, None, "other"),
        ((torch.zeros(1, 1, 4, 4), torch.zeros(1, 2)), "no name", "cannot be called 'no name'"),
    ],
)
def test_what_does_not_fit(net: Net, examples: object, name: str | None, message: str) -> None:
    with pytest.raises(levelone.LeveloneError, match=message):
        levelone.export(net, examples, name=name)


def test_a_network_without_quantisers() -> None:
    with pytest.raises(levelone.LeveloneError, match="quantiser"):
        levelone.export(torch.nn.Sequential(torch.nn.Linear(3, 2)), torch.zeros(1, 3))

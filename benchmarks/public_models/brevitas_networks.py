"""The networks that Brevitas's own examples define, with random weights, as QONNX files."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import torch
from torch import Tensor, nn

import levelone
from levelone.errors import LeveloneError

FOLDER = "Xilinx/brevitas"
BNN = (
    *(f"{net}_{bits}" for net in ("tfc", "sfc") for bits in ("1w1a", "1w2a", "2w2a")),
    *("lfc_1w1a", "lfc_1w2a", "cnv_1w1a", "cnv_1w2a", "cnv_2w2a", "resnet18_4w4a"),
)
IMAGENET = ("quant_mobilenet_v1_4b",)
BATCHES, BATCH = 3, 8


def write(folder: Path, show: Callable[[str], None]) -> dict[str, str]:
    """Write every network that is not there and can be exported to ``FOLDER/NAME.onnx``; refusals by name."""
    refused = {}
    for name in (*BNN, *IMAGENET):
        path = folder / FOLDER / f"{name}.onnx"
        if path.is_file():
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        show(name)
        try:
            module, shape = _network(name)
            levelone.export(module, torch.zeros(1, *shape), name=name).save(path)
        except LeveloneError as error:
            refused[f"{FOLDER}/{name}.onnx"] = " ".join(error.message.split())
    return refused


def origin() -> str:
    """Which Brevitas they are of."""
    return f"brevitas_examples {version('brevitas')}, random weights"


def _network(name: str) -> tuple[nn.Module, tuple[int, ...]]:
    """A network in evaluation mode after some batches of noise, and the shape of its input."""
    from brevitas_examples.bnn_pynq import models
    from brevitas_examples.imagenet_classification.models import model_with_cfg

    torch.manual_seed(0)
    if name in IMAGENET:
        module, _ = model_with_cfg(name)
        module, shape = _quantised_input(module), (3, 224, 224)
    else:
        module, _ = models.model_with_cfg(name, False)
        shape = (3, 32, 32) if name.startswith(("cnv", "resnet")) else (1, 28, 28)
        if name.startswith("resnet"):
            _plain_sums(module)
            module = _quantised_input(module)
    module.train()
    with torch.no_grad():
        for _ in range(BATCHES):
            module(torch.rand(BATCH, *shape))
    return module.eval(), shape


def _quantised_input(module: nn.Module) -> nn.Module:
    """The examples take images of 8 bits for granted: here a quantiser says so."""
    import brevitas.nn as qnn
    from brevitas.quant import Uint8ActPerTensorFloat

    whole = nn.Sequential()
    whole.image = qnn.QuantIdentity(act_quant=Uint8ActPerTensorFloat)
    whole.net = module
    return whole


def _plain_sums(module: nn.Module) -> None:
    """Residual sums that take plain tensors, which an exporter passes, and not Brevitas's alone."""
    from brevitas_examples.bnn_pynq.models.resnet import QuantBasicBlock

    def forward(block: QuantBasicBlock, x: Tensor) -> Tensor:
        inner = block.relu2(block.bn2(block.conv2(block.relu1(block.bn1(block.conv1(x))))))
        return block.relu_out(inner + (block.downsample(x) if len(block.downsample) else x))

    for block in module.modules():
        if isinstance(block, QuantBasicBlock):
            block.forward = forward.__get__(block)

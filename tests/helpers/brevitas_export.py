"""Pieces of Brevitas networks, and their export by Brevitas itself."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from pathlib import Path

import brevitas.quant as quant
import onnx
import torch


def activation(bits: int, *, signed: bool):
    scheme = quant.Int8ActPerTensorFixedPoint if signed else quant.Uint8ActPerTensorFixedPoint
    return {"act_quant": scheme, "bit_width": bits, "return_quant_tensor": True}


def layer(bits: int, *, channels: bool = False, bias: bool = True):
    scheme = quant.Int8WeightPerChannelFixedPointMSE if channels else quant.Int8WeightPerTensorFixedPoint
    internal = quant.Int8BiasPerTensorFixedPointInternalScaling
    return {
        "weight_quant": scheme,
        "weight_bit_width": bits,
        "bias": bias,
        "bias_quant": internal if bias else None,
    }


def plain(x):
    return getattr(x, "value", x)


def export(network: torch.nn.Module, path: Path) -> onnx.ModelProto:
    from brevitas.export import export_qonnx

    generator = torch.Generator().manual_seed(2)
    example = tuple(torch.randn(64, *shape, generator=generator) * 2 for shape in network.inputs)
    network.train()
    network(*example)  # sets the activations' scales
    network.eval()
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            export_qonnx(network, args=tuple(e[:1] for e in example), export_path=str(path))
    finally:
        logging.disable(logging.NOTSET)
    return onnx.load(path)

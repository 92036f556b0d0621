"""A chain of Brevitas's integer quantisers, and the integers that the module itself computes."""

from __future__ import annotations

import brevitas.nn as qnn
import brevitas.quant as quant
import numpy as np
import torch
from brevitas_export import plain

from levelone.graph import Graph
from levelone.graph.ops import Requantise


def activation(scheme: str, **kw):
    options = {"act_quant": getattr(quant, scheme), "return_quant_tensor": True}
    if "Const" in scheme:
        options["scaling_init"] = 0.75
    elif "bit_width" not in kw:
        options["bit_width"] = 5
    return qnn.QuantIdentity(**options, **kw)


class Chain(torch.nn.Module):
    """Input quantiser, convolution, activation, dense layer, activation."""

    def __init__(self, weights: str, acts: str, rank: int, kind: str, bits: int | None) -> None:
        super().__init__()
        self.inputs = ((4, *(6, 5, 4)[:rank]),)
        self.x_q = activation(acts)
        options = {"weight_quant": getattr(quant, weights), "bias": True, "bias_quant": None}
        if "Const" in weights:
            options["weight_scaling_init"] = 0.125
        elif bits is not None:
            options["weight_bit_width"] = bits
        layer = getattr(qnn, f"QuantConv{'Transpose' if kind == 'transposed' else ''}{rank}d")
        groups = {"grouped": 2, "depthwise": 4}.get(kind, 1)
        stride = 2 if kind == "transposed" else 1
        self.conv = layer(4, 4, 3, padding=1, stride=stride, groups=groups, **options)
        self.act1 = activation(acts)
        with torch.no_grad():
            size = self.conv(torch.zeros(1, *self.inputs[0])).numel()
        self.fc = qnn.QuantLinear(size, 5, **options)
        self.act2 = activation(acts)

    def forward(self, x):
        y = plain(self.act1(plain(self.conv(plain(self.x_q(x))))))
        return plain(self.act2(plain(self.fc(y.flatten(1)))))


def integers_of(network: torch.nn.Module, real: np.ndarray) -> list[tuple[np.ndarray, float]]:
    """(codes without the zero point, zero point) of every activation quantiser, in order of execution."""
    found: list[tuple[np.ndarray, float]] = []

    def record(module, inputs, output) -> None:
        zero = float(output.zero_point)
        whole = (output.value.double() / output.scale.double()).round()
        found.append((whole.numpy().astype(np.int64), zero))

    hooks = [m.register_forward_hook(record) for m in network.children() if isinstance(m, qnn.QuantIdentity)]
    with torch.no_grad():
        network(torch.from_numpy(real))
    for hook in hooks:
        hook.remove()
    return found


def quantised_values(graph: Graph) -> list[str]:
    """Values that are activations after a quantiser, in order: ports, and what names a Quant's tensor."""
    names = [port.value.name for port in graph.inputs]
    return names + [node.name for node in graph if isinstance(node.op, Requantise)]
